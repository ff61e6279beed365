import Foundation
import PumpCompiler
import PumpTestSupport
import Testing

/// Time and state as the README shows them.
@Suite struct StateCheckTests {
  /// The section of the README: its spec prints of its events what stands there.
  @Test func readme() throws {
    let text = try String(contentsOfFile: Support.root + "/README.md", encoding: .utf8)
    let start = try #require(text.firstRange(of: "## Time and state\n")).upperBound
    let blocks = text[start...].split(separator: "```", maxSplits: 6, omittingEmptySubsequences: false)
    let (spec, events, shown) = (blocks[1].dropFirst(5), blocks[3].dropFirst(), blocks[5].dropFirst())
    let folder = try Support.temporaryFolder()
    defer { try? FileManager.default.removeItem(atPath: folder) }
    try Data(spec.utf8).write(to: URL(fileURLWithPath: folder + "/minutes.pump"))
    try Data(events.utf8).write(to: URL(fileURLWithPath: folder + "/readings.ndjson"))
    #expect(try Support.run("pumpc", ["fmt", "--check", "minutes.pump"], folder: folder).code == 0)
    let outcome = try Support.run("pumpc", ["run", "minutes.pump"], folder: folder)
    let late = try String(contentsOfFile: folder + "/late.ndjson", encoding: .utf8)
    #expect("$ pumpc run minutes.pump\n\(outcome.out)$ cat late.ndjson\n\(late)" == String(shown), "\(outcome.err)")
  }
}
