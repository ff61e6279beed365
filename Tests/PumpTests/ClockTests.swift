import Foundation
import PumpTestSupport
import Testing

/// Pauses and deadlines go by a clock that nobody sets.
@Suite struct ClockTests {
  private static let library = "/usr/lib/x86_64-linux-gnu/faketime/libfaketimeMT.so.1"
  private static let spec = """
    pipeline p {
      source timer.every(50ms)
        |> encode json
        |> sink file.lines("out.ndjson", mode: append)
      on error halt
    }
    """

  @Test("a clock that is set back by an hour halts nothing", .enabled(if: FileManager.default.fileExists(atPath: library)))
  func setBack() throws {
    let folder = try Support.temporaryFolder()
    func write(_ name: String, _ text: String) throws { try Data(text.utf8).write(to: URL(fileURLWithPath: "\(folder)/\(name)")) }
    func lines() -> [Substring] {
      ((try? String(contentsOfFile: folder + "/out.ndjson", encoding: .utf8)) ?? "").split(separator: "\n")
    }
    func wait(_ until: () -> Bool) -> Bool {
      for _ in 0..<200 where !until() { usleep(100_000) }
      return until()
    }
    try write("p.pump", Self.spec)
    try write("clock", "+0")
    let built = try Support.run("pumpc", ["build", folder + "/p.pump", "-o", folder + "/p"])
    try #require(built.code == 0, "\(built.err)")
    let program = Process()
    program.executableURL = URL(fileURLWithPath: folder + "/p")
    program.currentDirectoryURL = URL(fileURLWithPath: folder)
    program.environment = [
      "LD_PRELOAD": Self.library, "FAKETIME_TIMESTAMP_FILE": folder + "/clock", "FAKETIME_NO_CACHE": "1",
      "FAKETIME_DONT_FAKE_MONOTONIC": "1",
    ]
    program.standardError = FileHandle.nullDevice
    try program.run()
    defer { program.terminate() }
    try #require(wait { lines().count > 20 })
    try write("clock", "-3600")
    let before = lines().count
    #expect(wait { lines().count > before + 40 })
    // What the program tells of the time goes back with the clock.
    let times = lines().compactMap { line in line.range(of: #"T\d\d:\d\d"#, options: .regularExpression).map { line[$0] } }
    #expect(times.last != times.first)
    program.terminate()
    program.waitUntilExit()
    #expect(program.terminationStatus == 0)
  }
}
