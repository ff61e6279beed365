import Foundation
import PumpCompiler
import PumpTestSupport
import Testing

/// Pipelines that others published for their tools, said in Pump: `Tests/Golden/pipelines` holds one spec for each, which names its
/// original and the number of its lines, and `MISSING.md` those that cannot be said yet.
@Suite struct PipelinesTests {
  private static let folder = Support.root + "/Tests/Golden/pipelines"
  private static let names = try! FileManager.default.contentsOfDirectory(atPath: folder).filter { $0.hasSuffix(".pump") }.sorted()

  private static func text(_ name: String) throws -> String { try String(contentsOfFile: "\(folder)/\(name)", encoding: .utf8) }

  /// Lines that are neither blank nor comments; tests are not counted, nor are those of the originals.
  private static func lines(of text: String) -> Int {
    let spec = text.replacing(/(?m)^test .*\n(?:.*\n)*?}\n/, with: "")
    return spec.split(separator: "\n").filter { !$0.drop { $0 == " " }.isEmpty && !$0.drop { $0 == " " }.hasPrefix("//") }.count
  }

  /// The lines of the original, as the head of a spec gives them.
  private static func originalLines(_ text: String) throws -> Int {
    let head = try #require(text.firstMatch(of: /^\/\/! [A-Z][^\n]*\.\n\/\/! original: [\w.-]+\/[\w.-]+ \S[^\n]*, (\d+) lines\n/))
    return try #require(Int(head.1))
  }

  @Test(arguments: names) func saidAndTested(_ name: String) throws {
    let path = "\(Self.folder)/\(name)"
    let found = PumpCompiler.compile(try Project.load(path)).diagnostics
    #expect(found.isEmpty, "\(name): \(found.map { "\($0.code.id) \($0.message)" })")
    for verb in [["fmt", "--check"], ["test"]] {
      let outcome = try Support.run("pumpc", verb + [path])
      #expect(outcome.code == 0, "\(name): \(outcome.out)\(outcome.err)")
    }
  }

  @Test func inFewerLines() throws {
    let counts = try Self.names.map { name in
      let text = try Self.text(name)
      return (name, ours: Self.lines(of: text), theirs: try Self.originalLines(text))
    }
    let mean = counts.reduce(0) { $0 + Double($1.ours) / Double($1.theirs) } / Double(counts.count)
    #expect(mean <= 0.3, "\(mean): \(counts)")
    let missing = try Self.text("MISSING.md").split(separator: "\n").filter { $0.hasPrefix("| ") }.count - 1
    #expect(counts.count >= 24 && counts.count + missing == 35, "\(counts.count) said, \(missing) missing")
    let share = String(format: "%.2f", mean)
    let readme = try String(contentsOfFile: Support.root + "/README.md", encoding: .utf8)
    #expect(readme.contains("\(counts.count) of 35") && readme.contains("in \(share) of their lines"), "\(counts.count), \(share)")
  }
}
