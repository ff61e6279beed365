import Foundation
import PumpTestSupport
import Testing

/// What the README of an example shows after `$` is what these commands print.
@Suite struct ExampleTests {
  @Test(arguments: ["windows"]) func printsWhatItsReadmeShows(_ name: String) throws {
    let work = try Support.temporaryFolder()
    defer { try? FileManager.default.removeItem(atPath: work) }
    let folder = "\(work)/\(name)"
    try FileManager.default.copyItem(atPath: "\(Support.root)/examples/\(name)", toPath: folder)
    for leftover in try FileManager.default.contentsOfDirectory(atPath: folder)
    where leftover.hasSuffix(".ndjson") || leftover.contains(".db") {
      try FileManager.default.removeItem(atPath: "\(folder)/\(leftover)")
    }
    let path = "\(Support.products):" + (ProcessInfo.processInfo.environment["PATH"] ?? "")
    let readme = try String(contentsOfFile: "\(folder)/README.md", encoding: .utf8)
    var count = 0
    for block in readme.split(separator: "```\n", omittingEmptySubsequences: false).enumerated() where block.offset % 2 == 1 {
      for shown in block.element.split(separator: /(?m)^\$[ ]/) {
        let (command, output) = (shown.prefix { $0 != "\n" }, shown.drop { $0 != "\n" }.dropFirst())
        let outcome = try Support.run("/bin/sh", ["-c", String(command)], folder: folder, environment: ["PATH": path])
        #expect(outcome.code == 0 && outcome.out == output, "\(command): \(outcome.out)\(outcome.err)")
        count += 1
      }
    }
    #expect(count > 0)
  }
}
