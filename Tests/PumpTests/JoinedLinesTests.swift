import Foundation
import PumpCompiler
import PumpTestSupport
import Testing

/// `join`: lines that go on with the event of the line before, in files that end, that grow and that are read again.
@Suite struct JoinedLinesTests {
  private static func spec(_ arguments: String, source: String? = nil) -> String {
    """
    pipeline p {
      source \(source ?? "file.lines(\"in.log\", \(arguments))") { max_event = 100B }
        |> decode text |> map { t: it, n: meta.line } |> encode json |> sink file.lines("out.ndjson", mode: append) { batch { linger = 10ms } }
      on error |> map { t: "\\(.reason)", n: to_int(.meta.line) } |> encode json |> sink file.lines("dead.ndjson", mode: append)
    }

    test "a trace is one event" for p {
      given "one\\r\\n at a\\n\\n at b\\ntwo"
      expect count(file.lines("out.ndjson")) == 3
    }

    """
  }

  private func append(_ text: String, to path: String) throws {
    let fd = open(path, O_WRONLY | O_CREAT | O_APPEND, 0o644)
    try #require(fd >= 0)
    _ = Array(text.utf8).withUnsafeBytes { write(fd, $0.baseAddress!, $0.count) }
    close(fd)
  }

  private static let log = "one\n at a\r\n\tat b\n\n at c\ntwo\nthree\n \(String(repeating: "x", count: 100))\nfour\n  it"
  private static let events = [
    #"{"t":"one\n at a\n\tat b","n":1}"#, #"{"t":" at c","n":5}"#, #"{"t":"two","n":6}"#, #"{"t":"too_large","n":7}"#,
    #"{"t":"four\n  it","n":9}"#,
  ]

  @Test func wholeFilesAndStandardInput() throws {
    let program = try TestProgram(Self.spec(#"join: r"^\s""#), files: ["in.log": Self.log])
    let outcome = try program.run()
    #expect(
      outcome.code == 0 && (program.lines("out.ndjson") + program.lines("dead.ndjson")).sorted() == Self.events.sorted(),
      "\(program.read("out.ndjson"))\(outcome.err)")
    let tests = try Support.run("pumpc", ["test", program.folder])
    #expect(tests.code == 0, "\(tests.out)")
    let place = try Support.temporaryFolder()
    defer { try? FileManager.default.removeItem(atPath: place) }
    try Data(Self.spec("", source: #"stdin.lines(join: r"^\s")"#).utf8).write(to: URL(fileURLWithPath: place + "/p.pump"))
    #expect(try Support.run("pumpc", ["run", place], input: Self.log).code == 0)
    let found = try ["out", "dead"].flatMap {
      try String(contentsOfFile: "\(place)/\($0).ndjson", encoding: .utf8).split(separator: "\n").map(String.init)
    }
    #expect(found.sorted() == Self.events.sorted())
  }

  @Test("what is read of an event is neither lost nor repeated where the program is killed; the last event does not wait for ever")
  func followed() throws {
    let conf = ["pipelines.conf": "[general]\nstate = st\n", "in.log": "one\n a\n"]
    let slow = try TestProgram(Self.spec(#"follow: true, join: r"^\s", join_wait: 1h"#), files: conf)
    let path = slow.folder + "/in.log"
    try slow.start()
    try append("two\n b\n", to: path)
    #expect(slow.wait(seconds: 10) { slow.lines("out.ndjson") == [#"{"t":"one\n a","n":1}"#] }, "\(slow.log)")
    usleep(400_000)
    slow.kill(SIGKILL)
    try append(" c\nthree\n", to: path)
    try slow.start()
    let two = #"{"t":"two\n b\n c","n":3}"#
    #expect(slow.wait(seconds: 10) { slow.lines("out.ndjson").last == two })
    // What a stop leaves waits in the file.
    #expect(try slow.stop().code == 0)
    #expect(slow.lines("out.ndjson") == [#"{"t":"one\n a","n":1}"#, two])
    let spec = Self.spec(#"follow: true, join: r"^\s", join_wait: 200ms"#)
    try Data(spec.utf8).write(to: URL(fileURLWithPath: slow.folder + "/main.pump"))
    try slow.start()
    #expect(slow.wait(seconds: 10) { slow.lines("out.ndjson").last == #"{"t":"three","n":6}"# })
    try append(" late\n", to: path)
    #expect(slow.wait(seconds: 10) { slow.lines("out.ndjson").last == #"{"t":" late","n":7}"# })
    _ = try slow.stop()
  }

  @Test("a file that is read again from a kept position gives what was added") func positions() throws {
    let program = try TestProgram(
      Self.spec(#"join: r"^\s""#), files: ["pipelines.conf": "[general]\nstate = st\n", "in.log": "one\n a\ntwo"])
    #expect(try program.run().code == 0)
    #expect(program.lines("out.ndjson") == [#"{"t":"one\n a","n":1}"#])
    try append(" 2\n b\n", to: program.folder + "/in.log")
    #expect(try program.run().code == 0)
    #expect(program.lines("out.ndjson").last == #"{"t":"two 2\n b","n":3}"#, "\(program.read("out.ndjson"))")
  }

  @Test func mistakes() throws {
    let pattern = Support.compile(Self.spec(#"join: r"(""#)).diagnostics.filter { $0.severity == .error }
    #expect(pattern.count == 1 && pattern[0].message.contains("no regular expression"), "\(pattern)")
    let header =
      "type R { a: Int }\npipeline p { source file.lines(\"a\", join: r\"^ \") |> decode csv(header) as R |> discard\n  on error halt }\n"
    #expect(Support.compile(header).diagnostics.contains { $0.severity == .error && $0.message.contains("header is read from a file") })
    let program = try TestProgram(Self.spec(#"join: "(""#), files: ["in.log": ""])
    let outcome = try program.run()
    #expect(outcome.code == 1 && outcome.err.contains("`join` is no regular expression"), "\(outcome.err)")
  }
}
