import PumpCompiler
import PumpSwift
import PumpTestSupport
import Testing

/// Swift that a spec becomes.
@Suite struct EmittedTests {
  private func pipeline(_ step: String) throws -> String {
    let compilation = Support.compile(
      """
      type T { text: String, n: Int }
      pipeline p {
        source file.lines("in.ndjson") |> decode json as T
          \(step)
          |> encode json |> sink file.lines("out.ndjson")
        on error halt
      }
      """)
    let plan = try #require(compilation.plan, "\(compilation.diagnostics.map(\.message))")
    return try #require(renderSources(plan).first { $0.path.hasPrefix("Pipelines/") }).text
  }

  /// `try` before what cannot throw is a warning of the compiler, in the package of whoever reads it.
  @Test func whatAnAttemptHoldsIsCaughtThere() throws {
    let caught = try pipeline("|> filter (try to_int(.text)) != null")
    #expect(caught.contains("Fn.attempt(") && !caught.contains("guard try"), "\(caught)")
    let failing = try pipeline("|> filter to_int(.text) > 1")
    #expect(failing.contains("guard try"), "\(failing)")
    // An attempt beside what fails.
    let both = try pipeline("|> filter (try to_int(.text)) != null and to_int(.text) > 1")
    #expect(both.contains("guard try"), "\(both)")
  }
}
