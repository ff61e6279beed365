import Foundation
import PumpCompiler
import PumpTestSupport
import Testing

@testable import PumpCompiler

/// The command line as people and CI use it.
@Suite struct CommandTests {
  private func folder(_ files: [String: String]) throws -> String {
    let path = try Support.temporaryFolder()
    for (name, text) in files { try Data(text.utf8).write(to: URL(fileURLWithPath: "\(path)/\(name)")) }
    return path
  }

  private static let copy = "pipeline copy {\n  source file.lines(\"in.txt\")\n    |> sink file.lines(\"out.txt\")\n  on error halt\n}\n"

  @Test(
    arguments: [
      ([], 2), (["--help"], 0), (["--version"], 0), (["check", "--help"], 0), (["chek"], 2), (["check", "--nonsense"], 2),
      (["check", "/nowhere"], 2), (["explain", "P0201"], 0),
      (["explain", "P9999"], 2), (["functions"], 0), (["functions", "upper"], 0), (["functions", "uper"], 2), (["connectors"], 0),
      (["connectors", "SQLite"], 0), (["connectors", "Oracle"], 2),
      (["completions", "bash"], 0), (["completions", "tcsh"], 2), (["emit", "x"], 2),
    ] as [([String], Int32)])
  func exitCodes(_ words: [String], _ code: Int32) throws {
    let outcome = try Support.run("pumpc", words)
    #expect(outcome.code == code, "\(outcome.err)")
    if code != 0 { #expect(!outcome.err.isEmpty) }
  }

  @Test func runsAndReportsMissingInput() throws {
    let path = try folder(["a.pump": Self.copy])
    defer { try? FileManager.default.removeItem(atPath: path) }
    let missing = try Support.run("pumpc", ["run", path])
    #expect(missing.code == 1 && missing.err.contains("cannot open in.txt: No such file or directory"), "\(missing.err)")
    #expect(!FileManager.default.fileExists(atPath: path + "/out.txt"))
    try Data("one\r\n\ntwo\nthree".utf8).write(to: URL(fileURLWithPath: path + "/in.txt"))
    #expect(try Support.run("pumpc", ["run", path]).code == 0)
    #expect(try String(contentsOfFile: path + "/out.txt", encoding: .utf8) == "one\ntwo\nthree\n")
  }

  @Test func outputThatIsAFolder() throws {
    let path = try folder(["a.pump": Self.copy, "in.txt": "x\n"])
    defer { try? FileManager.default.removeItem(atPath: path) }
    try FileManager.default.createDirectory(atPath: path + "/out.txt", withIntermediateDirectories: true)
    let outcome = try Support.run("pumpc", ["run", path])
    #expect(outcome.code == 1 && outcome.err.contains("it is a directory"), "\(outcome.err)")
  }

  /// The spec that the README shows is right, and prints what stands there; so do its commands, as they are written.
  @Test func readme() throws {
    let text = try String(contentsOfFile: Support.root + "/README.md", encoding: .utf8)
    func block(_ language: String) throws -> String {
      let start = try #require(text.firstRange(of: "```\(language)\n"))
      return String(text[start.upperBound...].prefix(upTo: try #require(text[start.upperBound...].firstRange(of: "```")).lowerBound))
    }
    let path = try folder(["orders.pump": block("pump"), "orders.ndjson": ""])
    defer { try? FileManager.default.removeItem(atPath: path) }
    #expect(try Support.run("pumpc", ["check", path]).code == 0)
    let tests = try Support.run("pumpc", ["test", path])
    #expect(tests.code == 0 && text.contains(tests.out), "\(tests.out)")
    let command = try block("sh").trimmingCharacters(in: .whitespacesAndNewlines)
    #expect(command == "swift build -c release && .build/release/pumpc run examples/orders")
    #expect(try Support.run("pumpc", ["run", "examples/orders"], folder: Support.root).code == 0)
  }

  /// Full disks, databases that are locked or may only be read: one line that says so, and nothing lost.
  @Test func badOutputs() throws {
    let path = try folder(["a.pump": Self.copy.replacing("\"out.txt\"", with: "\"/dev/full\", mode: append"), "in.txt": "x\n"])
    defer { try? FileManager.default.removeItem(atPath: path) }
    let full = try Support.run("pumpc", ["run", path])
    #expect(full.code == 1 && full.err.contains("cannot write /dev/full: No space left on device"), "\(full.err)")
    let spec =
      "type T { id: Int }\nconnection db: SQLite { path = \"a.db\", busy_timeout = 200ms }\npipeline p {\n  source file.lines(\"in.txt\")\n    |> decode json as T\n    |> sink db.table(\"t\", key: [id])\n  on error halt\n}\n"
    let sqlite = try folder(["a.pump": spec, "in.txt": "{\"id\":1}\n"])
    defer { try? FileManager.default.removeItem(atPath: sqlite) }
    #expect(try Support.run("pumpc", ["run", sqlite]).code == 0)
    // Someone else holds the database while we run.
    let holder = Process()
    holder.executableURL = URL(fileURLWithPath: "/usr/bin/env")
    holder.arguments = ["sqlite3", sqlite + "/a.db"]
    let commands = Pipe()
    let said = Pipe()
    holder.standardInput = commands
    holder.standardOutput = said
    try holder.run()
    try commands.fileHandleForWriting.write(contentsOf: Data("BEGIN EXCLUSIVE;\nSELECT 'held';\n".utf8))
    _ = try said.fileHandleForReading.read(upToCount: 5)
    let locked = try Support.run("pumpc", ["run", sqlite])
    #expect(locked.code == 1 && locked.err.contains("another process holds it"), "\(locked.err)")
    try commands.fileHandleForWriting.close()
    holder.waitUntilExit()
    #expect(try Support.run("pumpc", ["run", sqlite]).code == 0)
  }

  /// Two processes that append to one file do not mix their lines.
  @Test func oneWriterForAFile() throws {
    let path = try folder([
      "a.pump": Self.copy.replacing("\"out.txt\"", with: "\"out.txt\", mode: append"), "in.txt": "x\n", "out.txt": "a\n",
    ])
    defer { try? FileManager.default.removeItem(atPath: path) }
    let fd = open(path + "/out.txt", O_RDWR)
    defer { close(fd) }
    #expect(flock(fd, LOCK_EX) == 0)
    let outcome = try Support.run("pumpc", ["run", path])
    #expect(outcome.code == 1 && outcome.err.contains("another process is writing it"), "\(outcome.err)")
    #expect(try String(contentsOfFile: path + "/out.txt", encoding: .utf8) == "a\n")
  }

  /// With kept positions every line of every file is read once: of a file that grows, that comes between others, or
  /// that takes another's place.
  @Test func positionsOfManyFiles() throws {
    let spec = Self.copy.replacing("\"in.txt\"", with: "\"in-*.txt\"").replacing("\"out.txt\"", with: "\"out.txt\", mode: append")
    let path = try folder(["a.pump": spec, "pipelines.conf": "[general]\nstate = state\n", "in-b.txt": "b1\n", "in-d.txt": "d1\n"])
    defer { try? FileManager.default.removeItem(atPath: path) }
    func write(_ name: String, _ text: String) throws {
      try Data(text.utf8).write(to: URL(fileURLWithPath: path + "/" + name), options: .atomic)
    }
    func run() throws -> String {
      let outcome = try Support.run("pumpc", ["run", path])
      #expect(outcome.code == 0, "\(outcome.err)")
      return try String(contentsOfFile: path + "/out.txt", encoding: .utf8)
    }
    #expect(try run() == "b1\nd1\n")
    #expect(try run() == "b1\nd1\n")
    try write("in-a.txt", "a1\n")
    try write("in-c.txt", "c1\n")
    let grown = FileHandle(forWritingAtPath: path + "/in-b.txt")!
    try grown.seekToEnd()
    try grown.write(contentsOf: Data("b2\n".utf8))
    #expect(try run() == "b1\nd1\na1\nb2\nc1\n")
    // As long as the one before, and yet another.
    try write("in-d.txt", "d2\n")
    #expect(try run() == "b1\nd1\na1\nb2\nc1\nd2\n")
    #expect(try run() == "b1\nd1\na1\nb2\nc1\nd2\n")
  }

  @Test(
    arguments: [
      ("[general]\nstate=a\nstate=b\n", "set twice"), ("[general]\nstate=${HOME\n", "never closed"),
      ("[pipeline:copy:file.lines(out.txt)]\nbatch.max=0\n", "`batch.max` must be 1 or more, `0` is not"),
    ]) func confMistakes(_ conf: String, _ message: String) throws
  {
    let path = try folder(["a.pump": Self.copy, "in.txt": "x\n", "pipelines.conf": conf])
    defer { try? FileManager.default.removeItem(atPath: path) }
    let outcome = try Support.run("pumpc", ["run", path])
    #expect(outcome.code == 2 && outcome.err.contains(message) && outcome.err.contains("pipelines.conf:"), "\(outcome.err)")
  }

  @Test func groupsTakeVariables() throws {
    let spec = "connection h: Http { base_url = \"http://127.0.0.1:1\", headers { \"X-A\" = env.GIVEN }, connect = required }\n"
    let path = try folder(["a.pump": spec + Self.copy.replacing("file.lines(\"in.txt\")", with: "h.get(\"/\")")])
    defer { try? FileManager.default.removeItem(atPath: path) }
    let outcome = try Support.run("pumpc", ["run", path], environment: ["GIVEN": "a"])
    // Nobody listens there, which is found out after the configuration was.
    #expect(outcome.err.contains("connection `h`: ") && !outcome.err.contains("GIVEN"), "\(outcome.err)")
  }

  @Test func numbersHaveBounds() throws {
    let spec = Self.copy.replacing("\"out.txt\")", with: "\"out.txt\") { batch { max = 0 } }")
    let path = try folder(["a.pump": spec])
    defer { try? FileManager.default.removeItem(atPath: path) }
    let outcome = try Support.run("pumpc", ["check", path])
    #expect(outcome.code == 1 && outcome.out.contains("`batch.max` must be 1 or more"), "\(outcome.out)")
  }

  @Test func appendCutsAHalfLine() throws {
    let path = try folder([
      "a.pump": Self.copy.replacing("\"out.txt\"", with: "\"out.txt\", mode: append"), "in.txt": "new\n", "out.txt": "whole\nhal",
    ])
    defer { try? FileManager.default.removeItem(atPath: path) }
    #expect(try Support.run("pumpc", ["run", path]).code == 0)
    #expect(try String(contentsOfFile: path + "/out.txt", encoding: .utf8) == "whole\nnew\n")
  }

  @Test func tooLongLinesGoAside() throws {
    let spec =
      "pipeline p {\n  source file.lines(\"in.txt\") { max_event = 100B }\n    |> sink file.lines(\"out.txt\")\n  on error |> map .message |> encode text |> sink file.lines(\"dead.txt\")\n}\n"
    let path = try folder(["a.pump": spec, "in.txt": "short\n\(String(repeating: "x", count: 1_000_000))\nlast\n"])
    defer { try? FileManager.default.removeItem(atPath: path) }
    let outcome = try Support.run("pumpc", ["run", path])
    #expect(outcome.code == 0, "\(outcome.err)")
    #expect(try String(contentsOfFile: path + "/out.txt", encoding: .utf8) == "short\nlast\n")
    #expect(try String(contentsOfFile: path + "/dead.txt", encoding: .utf8).hasPrefix("the line is longer than max_event"))
  }

  /// Killed midway and run again: every order is in its table once.
  @Test func killedMidway() throws {
    let spec = """
      connection db: SQLite { path = "o.db" }
      type O { id: Int, name: String }
      pipeline p {
        source generate.records(count: 300000) as O
          |> sink db.table("orders", key: [id])
        on error halt
      }
      """
    let path = try folder(["a.pump": spec])
    defer { try? FileManager.default.removeItem(atPath: path) }
    for delay in [60_000, 150_000, 300_000] as [UInt32] {
      let process = Process()
      process.executableURL = URL(fileURLWithPath: "\(Support.products)/pumpc")
      process.arguments = ["run", path, "--quiet"]
      process.standardError = FileHandle.nullDevice
      try process.run()
      usleep(delay)
      kill(process.processIdentifier, SIGKILL)
      process.waitUntilExit()
    }
    #expect(try Support.run("pumpc", ["run", path, "--quiet"]).code == 0)
    let count = try Support.run("/usr/bin/env", ["sqlite3", path + "/o.db", "select count(*), count(distinct id), max(id) from orders"]).out
    #expect(count == "300000|300000|300000\n")
  }

  /// SIGTERM drains: what was taken in is written, and the exit code says success.
  @Test func terminationDrains() throws {
    let spec =
      "pipeline p {\n  source timer.every(10ms)\n    |> map \"\\(.number)\"\n    |> encode text\n    |> sink file.lines(\"out.txt\")\n  on error halt\n}\n"
    let path = try folder(["a.pump": spec])
    defer { try? FileManager.default.removeItem(atPath: path) }
    let process = Process()
    process.executableURL = URL(fileURLWithPath: "\(Support.products)/pumpc")
    process.arguments = ["run", path, "--quiet"]
    try process.run()
    usleep(500_000)
    process.terminate()
    process.waitUntilExit()
    #expect(process.terminationStatus == 0 && process.terminationReason == .exit)
    let lines = try String(contentsOfFile: path + "/out.txt", encoding: .utf8).split(separator: "\n")
    #expect(lines.count > 5 && lines.enumerated().allSatisfy { "\($0)" == $1 })
  }

  /// A named pipe that nobody writes to is waited for, and the stop is heard meanwhile.
  @Test func pipeWithoutAWriter() throws {
    let path = try folder(["a.pump": Self.copy])
    defer { try? FileManager.default.removeItem(atPath: path) }
    #expect(mkfifo(path + "/in.txt", 0o600) == 0)
    let process = Process()
    process.executableURL = URL(fileURLWithPath: "\(Support.products)/pumpc")
    process.arguments = ["run", path, "--quiet"]
    try process.run()
    usleep(500_000)
    #expect(process.isRunning)
    process.terminate()
    let end = Date(timeIntervalSinceNow: 10)
    while process.isRunning, Date() < end { usleep(20_000) }
    if process.isRunning { kill(process.processIdentifier, SIGKILL) }
    process.waitUntilExit()
    #expect(process.terminationStatus == 0 && process.terminationReason == .exit)
  }

  /// What is opened by a program whose standard descriptors are closed is not taken for them.
  @Test func closedDescriptors() throws {
    let path = try folder(["a.pump": Self.copy, "in.txt": "one\n"])
    defer { try? FileManager.default.removeItem(atPath: path) }
    let outcome = try Support.run("/bin/sh", ["-c", "'\(Support.products)/pumpc' run '\(path)' <&- >&- 2>&-"])
    #expect(outcome.code == 0)
    #expect(try String(contentsOfFile: path + "/out.txt", encoding: .utf8) == "one\n")
  }

  /// Random functions give the same in every test, interpreted and compiled.
  @Test func randomIsSeededInTests() throws {
    let spec = """
      type T { a: Int, b: Int }
      pipeline p {
        source stdin.lines() |> decode json as T |> map { id: uuid_v4(), again: uuid_v4() } |> encode json |> sink file.lines("out.txt")
        on error halt
      }
      test "ids" for p {
        given json { a: 1, b: 2 }
        given json { a: 3, b: 4 }
        expect file.lines("out.txt") == []
      }
      """
    let path = try folder(["a.pump": spec])
    defer { try? FileManager.default.removeItem(atPath: path) }
    let interpreted = try Support.run("pumpc", ["test", path])
    #expect(interpreted.code == 1 && interpreted.out.contains("again"), "\(interpreted.out) \(interpreted.err)")
    #expect(try Support.run("pumpc", ["test", path]).out == interpreted.out)
    #expect(try Support.run("pumpc", ["test", path, "--compiled"]).out == interpreted.out)
  }

  /// Rotated by another name while the program is away, cut and written anew, replaced in place: each line once, none left out.
  @Test func rotatedFiles() throws {
    let spec = Self.copy.replacing("\"in.txt\"", with: "\"in.txt*\"").replacing("\"out.txt\"", with: "\"out.txt\", mode: append")
    let path = try folder(["a.pump": spec, "in.txt": "one\ntwo\n", "pipelines.conf": "[general]\nstate = state\n"])
    defer { try? FileManager.default.removeItem(atPath: path) }
    func write(_ name: String, _ text: String) throws {
      let file = try FileHandle(forUpdating: URL(fileURLWithPath: "\(path)/\(name)"))
      try file.truncate(atOffset: 0)
      try file.write(contentsOf: Data(text.utf8))
      try file.close()
    }
    #expect(try Support.run("pumpc", ["run", path]).code == 0)
    try FileManager.default.moveItem(atPath: path + "/in.txt", toPath: path + "/in.txt.1")
    try Data("three\n".utf8).write(to: URL(fileURLWithPath: path + "/in.txt"))
    #expect(try Support.run("pumpc", ["run", path]).code == 0)
    try write("in.txt", "fo\n")
    #expect(try Support.run("pumpc", ["run", path]).code == 0)
    try write("in.txt", "longer than what was there\n")
    #expect(try Support.run("pumpc", ["run", path]).err.contains("is another file than in the last run"))
    #expect(try String(contentsOfFile: path + "/out.txt", encoding: .utf8) == "one\ntwo\nthree\nfo\nlonger than what was there\n")
  }

  /// Copies a file as it grows.
  private static let following = copy.replacing("\"in.txt\"", with: "\"in.txt\", follow: true")
    .replacing("\"out.txt\")", with: "\"out.txt\", mode: append) { batch { linger = 10ms } }")

  /// A followed file that is cut is read from its beginning.
  @Test func cutWhileFollowed() throws {
    let program = try TestProgram(Self.following, files: ["in.txt": "one\ntwo\n"])
    try program.start()
    #expect(program.wait(seconds: 10) { program.read("out.txt") == "one\ntwo\n" })
    let file = try FileHandle(forUpdating: URL(fileURLWithPath: program.folder + "/in.txt"))
    try file.truncate(atOffset: 0)
    usleep(500_000)
    try file.write(contentsOf: Data("three\n".utf8))
    #expect(program.wait(seconds: 10) { program.read("out.txt") == "one\ntwo\nthree\n" })
  }

  /// Lines that a file got just before it was rotated away are read, and its last one without a line feed too.
  @Test func rotatedWhileFollowed() throws {
    let program = try TestProgram(Self.following, files: ["in.txt": "first\n"])
    let path = program.folder
    try program.start()
    #expect(program.wait(seconds: 10) { program.lines("out.txt") == ["first"] })
    var expected = ["first"]
    for turn in 1...10 {
      let lines = (1...20).map { "\(turn) \($0)" }
      let file = try FileHandle(forUpdating: URL(fileURLWithPath: path + "/in.txt"))
      try file.seekToEnd()
      try file.write(contentsOf: Data(lines.joined(separator: "\n").utf8))
      try FileManager.default.moveItem(atPath: path + "/in.txt", toPath: path + "/old.\(turn)")
      try Data("new \(turn)\n".utf8).write(to: URL(fileURLWithPath: path + "/in.txt"))
      expected += lines + ["new \(turn)"]
      usleep(400_000)
    }
    #expect(program.wait(seconds: 10) { program.lines("out.txt") == expected }, "\(program.lines("out.txt").count) of \(expected.count)")
  }

  /// A pipeline that only feeds another commits when that one's sinks would, not at its end.
  @Test func feedsAreCommitted() throws {
    let spec = """
      type T { id: Int }
      connection db: SQLite { path = "a.db" }
      pipeline a { source file.lines("in.ndjson", follow: true) |> decode json as T |> sink b
        on error halt }
      pipeline b { input T |> sink db.table("t") { batch { linger = 100ms } }
        on error halt }
      """
    let program = try TestProgram(spec, files: ["in.ndjson": "{\"id\":1}\n{\"id\":2}\n"])
    let database = program.folder + "/a.db"
    _ = try Support.run("/usr/bin/sqlite3", [database, "create table t (id integer)"])
    try program.start()
    #expect(program.wait(seconds: 10) { (try? Support.run("/usr/bin/sqlite3", [database, "select count(*) from t"]).out) == "2\n" })
  }

  /// Of a file that is one event, a record that fails goes aside alone, with its number.
  @Test func recordsOfAWholeFile() throws {
    let spec = """
      type R { a: Int }
      pipeline p {
        source file.bytes("in.txt") |> decode csv(header: true) as R |> filter 100 / .a > 0 |> encode json |> sink file.lines("out.txt")
        on error |> encode json |> sink file.lines("dead.txt")
      }
      """
    let path = try folder(["a.pump": spec, "in.txt": "a\n1\nno\n0\n3\n"])
    defer { try? FileManager.default.removeItem(atPath: path) }
    #expect(try Support.run("pumpc", ["run", path]).code == 0)
    let dead = try String(contentsOfFile: path + "/dead.txt", encoding: .utf8)
    #expect(dead.contains(#""payload":"no","element":null,"index":null,"meta":{"path":"in.txt","record":2,"header":"a"}"#), "\(dead)")
    #expect(dead.contains(#""payload":"0","element":null,"index":null,"meta":{"path":"in.txt","record":3,"header":"a"}"#), "\(dead)")
  }

  @Test func positionsAreKept() throws {
    let spec = Self.copy.replacing("\"out.txt\"", with: "\"out.txt\", mode: append")
    let path = try folder(["a.pump": spec, "in.txt": "one\n", "pipelines.conf": "[general]\nstate = state\n"])
    defer { try? FileManager.default.removeItem(atPath: path) }
    #expect(try Support.run("pumpc", ["run", path]).code == 0)
    let handle = FileHandle(forWritingAtPath: path + "/in.txt")!
    handle.seekToEndOfFile()
    handle.write(Data("two\n".utf8))
    #expect(try Support.run("pumpc", ["run", path]).code == 0)
    #expect(try String(contentsOfFile: path + "/out.txt", encoding: .utf8) == "one\ntwo\n")
    // A shorter file under the same name is another one.
    try Data("3\n".utf8).write(to: URL(fileURLWithPath: path + "/in.txt"))
    #expect(try Support.run("pumpc", ["run", path]).code == 0)
    #expect(try String(contentsOfFile: path + "/out.txt", encoding: .utf8) == "one\ntwo\n3\n")
  }

  @Test func machineFormats() throws {
    let path = try folder(["a.pump": Self.copy.replacing("file.lines(\"in.txt\")", with: "fiel.lines(\"in.txt\")")])
    defer { try? FileManager.default.removeItem(atPath: path) }
    let json = try Support.run("pumpc", ["check", "--format", "json", path])
    let items = try JSONSerialization.jsonObject(with: Data(json.out.utf8)) as! [[String: Any]]
    #expect(items.count == 1 && items[0]["code"] as? String == "P0104" && items[0]["line"] as? Int == 2)
    let sarif =
      try JSONSerialization.jsonObject(with: Data(try Support.run("pumpc", ["check", "--format", "sarif", path]).out.utf8))
      as! [String: Any]
    #expect(sarif["version"] as? String == "2.1.0")
    let driver = ((sarif["runs"] as! [[String: Any]])[0]["tool"] as! [String: Any])["driver"] as! [String: Any]
    #expect(driver["version"] as? String == compilerVersion, "\(driver)")
    #expect(try Support.run("pumpc", ["check", "--format", "github", path]).out.hasPrefix("::error file="))
  }

  /// A secret appears in nothing that a program prints or holds.
  @Test func secretsStaySecret() throws {
    let canary = "canary-4711"
    let spec =
      "connection pg: PostgreSQL {\n  database = \"d\"\n  password = env.PG_SECRET\n}\npipeline p {\n  source pg.listen(\"c\")\n    |> sink stdout.lines()\n  on error halt\n}\n"
    let path = try folder(["a.pump": spec, "pipelines.conf": "[connection:pg]\nport = \(canary)\npassword = ${PG_SECRET}\n"])
    defer { try? FileManager.default.removeItem(atPath: path) }
    for words in [
      ["check", "--config", path + "/pipelines.conf", path], ["run", path], ["config", path], ["emit", "-o", path + "/out", path],
    ] {
      let outcome = try Support.run("pumpc", words, environment: ["PG_SECRET": "hidden-\(canary)"])
      #expect(!(outcome.out + outcome.err).contains("hidden-"))
    }
  }

  @Test("secrets that steps use stay secret too") func secretsOfSteps() throws {
    let spec = """
      config shop { key: Secret }
      type T { k: String }
      pipeline p {
        source file.lines("in")
          |> decode json as T
          |> assert .k != "" and config.shop.key != .k, "no key"
          |> map { ours: config.shop.key == .k, sign: hmac_sha256(.k, key: config.shop.key) }
          |> encode json
          |> sink file.lines("out")
        on error |> encode json |> sink file.lines("dead")
      }
      """
    let path = try folder(["a.pump": spec, "in": "{\"k\":\"a\"}\n{\"k\":\"\"}\n", "pipelines.conf": "[shop]\nkey = ${SHOP_KEY}\n"])
    defer { try? FileManager.default.removeItem(atPath: path) }
    for words in [
      ["check", "--plan", "--config", path + "/pipelines.conf", path], ["run", path], ["config", path],
      ["emit", "-o", path + "/swift", path],
    ] {
      let outcome = try Support.run("pumpc", words, environment: ["SHOP_KEY": "hidden-4711"])
      #expect(outcome.code == 0 && !(outcome.out + outcome.err).contains("hidden-"), "\(words): \(outcome)")
    }
    for file in try FileManager.default.subpathsOfDirectory(atPath: path) {
      let content = FileManager.default.contents(atPath: "\(path)/\(file)") ?? Data()
      #expect(!String(decoding: content, as: UTF8.self).contains("hidden-"), "\(file)")
    }
    #expect(
      try String(contentsOfFile: path + "/out", encoding: .utf8)
        == "{\"ours\":false,\"sign\":\"4197733968a3f7773c1821f999aa1780e3434f1eeb260f3661e1b0d15f7a9932\"}\n")
    #expect(try String(contentsOfFile: path + "/dead", encoding: .utf8).contains("no key"))
  }

  /// The configuration of the product's first page means what it says.
  @Test func briefConfiguration() throws {
    let spec = """
      connection KafkaConnection: Kafka {}
      connection PostgreSQLConnection: PostgreSQL {}
      type T { id: Int }
      pipeline p {
        source KafkaConnection.topic("orders", group: "g")
          |> decode json as T
          |> sink PostgreSQLConnection.table("orders", key: [id])
        on error halt
      }
      """
    let conf = """
      [connection:KafkaConnection]
      bootstrap_servers=kafka:9092
      security_protocol=PLAINTEXT

      [connection:PostgreSQLConnection]
      host=localhost
      port=5432
      database=mydb
      user=postgres
      password=${POSTGRES_PASSWORD}
      """
    let path = try folder(["a.pump": spec, "pipelines.conf": conf])
    defer { try? FileManager.default.removeItem(atPath: path) }
    let good = try Support.run("pumpc", ["check", "--config", path + "/pipelines.conf", path], environment: ["POSTGRES_PASSWORD": "x"])
    #expect(good.code == 0, "\(good.out)")
    let unset = try Support.run("pumpc", ["check", "--config", path + "/pipelines.conf", path], environment: [:])
    #expect(unset.code == 2 && unset.out.contains("`${POSTGRES_PASSWORD}` is not set"), "\(unset.out)")
  }

  @Test func newProgramRunsAtOnce() throws {
    let path = try folder([:])
    defer { try? FileManager.default.removeItem(atPath: path) }
    #expect(try Support.run("pumpc", ["new", "demo"], folder: path).code == 0)
    for words in [
      ["check", "demo"], ["fmt", "--check", "demo"], ["run", "demo"], ["test", "demo"], ["graph", "--format", "svg", "demo"],
      ["graph", "--format", "dot", "demo"], ["config", "--format", "schema", "demo"], ["config", "--format", "env", "demo"],
    ] {
      let outcome = try Support.run("pumpc", words, folder: path)
      #expect(outcome.code == 0, "\(words) \(outcome.out) \(outcome.err)")
    }
    #expect(try Support.run("pumpc", ["new", "demo"], folder: path).code == 1)
  }

  /// A build that was killed leaves its folder to the next one.
  @Test("R24: folders of builds that have ended are removed, those of others are not") func leftFolders() throws {
    let folder = try Support.temporaryFolder()
    defer { try? FileManager.default.removeItem(atPath: folder) }
    let ended = Process()
    ended.executableURL = URL(fileURLWithPath: "/usr/bin/true")
    try ended.run()
    ended.waitUntilExit()
    let (gone, kept) = ("PumpRuntime-0abc-\(ended.processIdentifier)", ["PumpRuntime-0abc", "PumpRuntime-0abc-\(getpid())", "notes"])
    for name in [gone] + kept {
      try FileManager.default.createDirectory(atPath: "\(folder)/\(name)", withIntermediateDirectories: true)
    }
    WorkFolders.clean(folder)
    #expect(try FileManager.default.contentsOfDirectory(atPath: folder).sorted() == kept.sorted())
  }
}
