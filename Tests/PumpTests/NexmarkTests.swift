import Foundation
import PumpCompiler
import PumpTestSupport
import Testing

/// `examples/nexmark` gives the rows that DuckDB gives by the SQL of the same queries, where events come late, too.
@Suite struct NexmarkTests {
  private static let folder = Support.root + "/examples/nexmark"

  @Test func givesWhatDuckDBGives() throws {
    let work = try Support.temporaryFolder()
    defer { try? FileManager.default.removeItem(atPath: work) }
    let outcome = try Support.run(
      Support.python,
      [
        Support.root + "/Tests/Benchmarks/nexmark", "2000", "--rate", "20", "--disorder", "9", "--pumpc", Support.products + "/pumpc",
        "--folder", work,
      ])
    #expect(outcome.code == 0, "\(outcome.out)\(outcome.err)")
    #expect(outcome.out.matches(of: /\| yes \|/).count == 22, "\(outcome.out)")
  }

  /// All queries are one program, too.
  @Test func areOneProgram() throws {
    let found = PumpCompiler.compile(try Project.load(Self.folder)).diagnostics
    #expect(found.isEmpty, "\(found.map { "\($0.code.id) \($0.message)" })")
    #expect(try Support.run("pumpc", ["fmt", "--check", Self.folder]).code == 0)
  }
}
