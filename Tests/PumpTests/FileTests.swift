import Foundation
import PumpTestSupport
import Testing

/// Files as sources and sinks: followed and rotated, kept positions, what a stop leaves.
@Suite(.serialized) struct FileTests {
  private static func folder(_ files: [String: String]) throws -> String {
    let path = try Support.temporaryFolder()
    for (name, text) in files {
      let file = URL(fileURLWithPath: "\(path)/\(name)")
      try FileManager.default.createDirectory(at: file.deletingLastPathComponent(), withIntermediateDirectories: true)
      try Data(text.utf8).write(to: file)
    }
    return path
  }

  private static let copy = "pipeline copy {\n  source file.lines(\"in.txt\")\n    |> sink file.lines(\"out.txt\")\n  on error halt\n}\n"

  // MARK: Followed files

  /// A folder with a log that is written, rotated and cut, and which of its lines a reader must have seen.
  private struct Log {
    let folder: String
    let name: String
    var path: String { "\(folder)/\(name)/a.log" }
    private(set) var written: [String] = []
    private var next = 0

    init(_ folder: String, _ name: String) throws {
      (self.folder, self.name) = (folder, name)
      try FileManager.default.createDirectory(atPath: "\(folder)/\(name)", withIntermediateDirectories: true)
      try write(50)
    }

    /// Text of new lines, which are counted as written.
    mutating func lines(_ count: Int) -> Data {
      let lines = (next..<next + count).map { "\(name) line \($0)" }
      next += count
      written += lines
      return Data((lines.joined(separator: "\n") + "\n").utf8)
    }

    /// Appends lines to a file, which is made where it is not there.
    mutating func write(_ count: Int, to other: String? = nil) throws {
      let target = other.map { "\(folder)/\(name)/\($0)" } ?? path
      let fd = open(target, O_WRONLY | O_CREAT | O_APPEND, 0o644)
      try #require(fd >= 0)
      let data = lines(count)
      _ = data.withUnsafeBytes { Foundation.write(fd, $0.baseAddress!, $0.count) }
      close(fd)
    }

    func move(_ from: String, _ to: String) { #expect(rename("\(folder)/\(name)/\(from)", "\(folder)/\(name)/\(to)") == 0) }

    func seen() -> [String] {
      ((try? String(contentsOfFile: "\(folder)/\(name).out", encoding: .utf8)) ?? "").split(separator: "\n").map(String.init)
    }
  }

  @Test("D30, D31: every line of followed files comes once, however they are rotated, while they are read and between two runs")
  func rotation() throws {
    let names = ["late", "twice", "refilled", "overwritten", "copied", "pattern", "latepattern"]
    let spec = names.map { name in
      let path = name.hasSuffix("pattern") ? "\(name)/*.log" : "\(name)/a.log"
      return """
        pipeline \(name) { source file.lines("\(path)", follow: true) |> sink file.lines("\(name).out", mode: append) { batch { linger = 10ms } }
          on error halt }

        """
    }.joined()
    let program = try TestProgram(spec, files: ["pipelines.conf": "[general]\nstate = st\n"])
    var logs = Dictionary(uniqueKeysWithValues: try names.map { ($0, try Log(program.folder, $0)) })
    try logs["pattern"]!.write(10, to: "b.log")
    func settle(_ what: String) {
      let done = program.wait(seconds: 15) { logs.values.allSatisfy { $0.seen().count >= $0.written.count } }
      for (name, log) in logs {
        let (seen, written) = (log.seen(), log.written)
        #expect(seen.sorted() == written.sorted(), "\(what), \(name): \(seen.count) of \(written.count), \(program.log)")
      }
      #expect(done, "\(what)")
    }
    try program.start()
    settle("start")

    // A writer that goes on in the file that was renamed, and hears of it later.
    for name in ["late", "latepattern"] {
      let old = open(logs[name]!.path, O_WRONLY | O_APPEND)
      logs[name]!.move("a.log", name == "late" ? "a.log.1" : "old")
      try logs[name]!.write(20)
      for _ in 0..<4 {
        usleep(100_000)
        let data = logs[name]!.lines(25)
        _ = data.withUnsafeBytes { write(old, $0.baseAddress!, $0.count) }
      }
      // Its last one after the new file is read.
      usleep(1_500_000)
      let data = logs[name]!.lines(3)
      _ = data.withUnsafeBytes { write(old, $0.baseAddress!, $0.count) }
      close(old)
    }
    // Two rotations before anybody looks.
    logs["twice"]!.move("a.log", "a.log.1")
    try logs["twice"]!.write(100)
    logs["twice"]!.move("a.log.1", "a.log.2")
    logs["twice"]!.move("a.log", "a.log.1")
    try logs["twice"]!.write(100)
    // Cut and filled beyond where it ended, and written over in place with as many bytes.
    for name in ["refilled", "overwritten"] {
      let size = try #require(try FileManager.default.attributesOfItem(atPath: logs[name]!.path)[.size] as? Int)
      let file = try FileHandle(forUpdating: URL(fileURLWithPath: logs[name]!.path))
      var data = logs[name]!.lines(name == "refilled" ? 400 : 1)
      if name == "overwritten" {
        // One line of the length of all before.
        data = Data(repeating: UInt8(ascii: "z"), count: size - 1) + Data("\n".utf8)
      } else {
        try file.truncate(atOffset: 0)
      }
      try file.write(contentsOf: data)
      try file.close()
    }
    // logrotate's copytruncate: lines that were added just before the copy are in the copy alone.
    try logs["copied"]!.write(40)
    try FileManager.default.copyItem(atPath: logs["copied"]!.path, toPath: logs["copied"]!.path + ".1")
    #expect(truncate(logs["copied"]!.path, 0) == 0)
    try logs["copied"]!.write(5)
    // All files of a pattern, and one that comes later.
    try logs["pattern"]!.write(5)
    try logs["pattern"]!.write(5, to: "b.log")
    try logs["pattern"]!.write(5, to: "c.log")
    let overwritten = logs.removeValue(forKey: "overwritten")!
    settle("rotated")
    #expect(program.wait(seconds: 5) { overwritten.seen().count == 51 } && overwritten.seen().last?.hasPrefix("zzz") == true)

    #expect(try program.stop().code == 0, "\(program.log)")
    // Between two runs: rotated once and twice, copied and cut, a file of a pattern renamed.
    try logs["late"]!.write(10)
    logs["late"]!.move("a.log", "a.log.9")
    try logs["late"]!.write(10)
    try logs["twice"]!.write(10)
    logs["twice"]!.move("a.log", "a.log.3")
    try logs["twice"]!.write(60)
    usleep(20_000)
    logs["twice"]!.move("a.log", "a.log.4")
    try logs["twice"]!.write(7)
    try logs["copied"]!.write(10)
    try FileManager.default.copyItem(atPath: logs["copied"]!.path, toPath: logs["copied"]!.path + ".2")
    #expect(truncate(logs["copied"]!.path, 0) == 0)
    try logs["copied"]!.write(3)
    try logs["pattern"]!.write(4, to: "c.log")
    logs["pattern"]!.move("c.log", "d.log")
    try logs["pattern"]!.write(4, to: "c.log")
    try program.start()
    settle("between")
    #expect(try program.stop().code == 0, "\(program.log)")
  }

  @Test("D31: what was rotated between two runs that do not follow is read too") func rotationWithoutFollowing() throws {
    let path = try Self.folder([
      "a.pump": Self.copy.replacing("\"out.txt\"", with: "\"out.txt\", mode: append"), "in.txt": "1\n2\n",
      "pipelines.conf": "[general]\nstate = st\n",
    ])
    defer { try? FileManager.default.removeItem(atPath: path) }
    func append(_ text: String) throws {
      let fd = open(path + "/in.txt", O_WRONLY | O_CREAT | O_APPEND, 0o644)
      _ = text.withCString { write(fd, $0, strlen($0)) }
      close(fd)
    }
    #expect(try Support.run("pumpc", ["run", path]).code == 0)
    try append("3\n")
    #expect(rename(path + "/in.txt", path + "/in.txt.1") == 0)
    try append("4\n")
    let outcome = try Support.run("pumpc", ["run", path])
    #expect(outcome.code == 0 && !outcome.err.contains("another file"), "\(outcome.err)")
    #expect(try String(contentsOfFile: path + "/out.txt", encoding: .utf8) == "1\n2\n3\n4\n")
    // Where the rest is nowhere, that is said.
    try append("5\n")
    #expect(unlink(path + "/in.txt") == 0)
    try append("6, longer than what was there before it\n")
    let gone = try Support.run("pumpc", ["run", path])
    #expect(gone.err.contains("what was left of the other is not found"), "\(gone.err)")
    #expect(try String(contentsOfFile: path + "/out.txt", encoding: .utf8) == "1\n2\n3\n4\n6, longer than what was there before it\n")
  }

  // MARK: Files that are written

  @Test("D32: an appended file that is removed, moved or lost with its folder swallows nothing") func movedOutput() throws {
    let spec = ["removed", "moved", "folder"].map { name in
      """
      pipeline \(name) { source file.lines("\(name).in", follow: true) |> sink file.lines("\(name)/o.log", mode: append) { batch { linger = 10ms } }
        on error halt }

      """
    }.joined()
    let names = ["removed", "moved", "folder"]
    let program = try TestProgram(
      spec,
      files: ["pipelines.conf": "[general]\nstate = st\n"].merging(
        names.map { ("\($0).in", (1...100).map { "\($0)\n" }.joined()) }, uniquingKeysWith: { $1 }))
    for name in names { try FileManager.default.createDirectory(atPath: "\(program.folder)/\(name)", withIntermediateDirectories: true) }
    try program.start()
    #expect(program.wait(seconds: 10) { names.allSatisfy { program.lines("\($0)/o.log").count == 100 } })
    try FileManager.default.removeItem(atPath: program.folder + "/removed/o.log")
    #expect(rename(program.folder + "/moved/o.log", program.folder + "/moved/o.log.1") == 0)
    let more = (101...200).map { "\($0)" }
    for name in ["removed", "moved"] { try program.append(more.joined(separator: "\n") + "\n", to: "\(name).in") }
    #expect(program.wait(seconds: 10) { program.lines("removed/o.log").suffix(100) == more }, "\(program.log)")
    #expect(program.wait(seconds: 10) { program.lines("moved/o.log.1").count + program.lines("moved/o.log").count == 200 })
    // What was written and not yet acknowledged when its file was removed is there again, what was moved is not.
    #expect([100, 200].contains(program.lines("removed/o.log").count))
    #expect(program.lines("moved/o.log.1") + program.lines("moved/o.log") == (1...200).map { "\($0)" })
    try program.append("201\n", to: "moved.in")
    #expect(program.wait(seconds: 10) { program.lines("moved/o.log").last == "201" })
    #expect(program.log.contains("was moved or removed; a new file is begun"))
    // Where there is no folder for it, the program ends, and the event is not acknowledged.
    try FileManager.default.removeItem(atPath: program.folder + "/folder")
    try program.append("101\n", to: "folder.in")
    let end = try program.end()
    #expect(end.code == 1 && end.err.contains("folder `folder` is not there"), "\(end.err)")
    try FileManager.default.createDirectory(atPath: program.folder + "/folder", withIntermediateDirectories: true)
    try program.start()
    #expect(program.wait(seconds: 10) { program.lines("folder/o.log") == ["101"] })
    _ = try program.stop()
  }

  @Test("D6, R25: a replaced file appears when its pipeline has ended; a stop before that leaves what was there, and says so")
  func stopped() throws {
    let spec = """
      pipeline done { source file.lines("small.txt") |> sink file.lines("done.txt")
        on error halt }
      pipeline fed { source file.lines("small.txt") |> sink target
        on error halt }
      pipeline target { input Bytes |> sink file.lines("target.txt")
        on error halt }
      pipeline cut { source file.lines("pipe") |> sink file.lines("cut.txt")
        on error halt }
      pipeline endless { source timer.every(10ms) |> map "\\(.number)" |> encode text |> sink file.lines("endless.txt")
        on error halt }
      """
    let program = try TestProgram(spec, files: ["small.txt": "a\nb\n", "cut.txt": "old\n"])
    #expect(mkfifo(program.folder + "/pipe", 0o600) == 0)
    try program.start()
    #expect(program.wait(seconds: 10) { program.read("done.txt") == "a\nb\n" && program.read("target.txt") == "a\nb\n" }, "\(program.log)")
    let fd = open(program.folder + "/pipe", O_WRONLY)
    _ = "x\ny\nz".withCString { write(fd, $0, strlen($0)) }
    #expect(program.wait(seconds: 10) { program.read("cut.txt.part") == "x\ny\n" && !program.read("endless.txt.part").isEmpty })
    let end = try program.stop()
    close(fd)
    #expect(end.code == 1 && end.err.contains("stopped before the end of its source; `file.lines(cut.txt)` is not replaced"), "\(end.err)")
    #expect(program.read("cut.txt") == "old\n" && program.read("cut.txt.part") == "x\ny\n")
    // What never ends by itself is whole when it is stopped.
    #expect(!program.lines("endless.txt").isEmpty)
    #expect(end.err.split(separator: "\n").contains { $0.hasPrefix("cut: ") && $0.hasSuffix("stopped before the end of its source") })
    #expect(end.err.split(separator: "\n").filter { $0.hasSuffix("stopped before the end of its source") }.count == 1)
  }

  @Test("D36: a state folder has one process at a time; R36: what is in it is for its owner alone") func stateFolder() throws {
    let spec = Self.copy.replacing("\"in.txt\"", with: "\"in.txt\", follow: true").replacing(
      "\"out.txt\"", with: "\"out.txt\", mode: append")
    let program = try TestProgram(spec, files: ["in.txt": "1\n", "pipelines.conf": "[general]\nstate = st\n"])
    try program.start()
    #expect(program.wait(seconds: 10) { program.read("out.txt") == "1\n" })
    let other = spec.replacing("out.txt", with: "other.txt")
    let path = try Self.folder(["a.pump": other, "in.txt": "1\n", "pipelines.conf": "[general]\nstate = \(program.folder)/st\n"])
    defer { try? FileManager.default.removeItem(atPath: path) }
    let outcome = try Support.run("pumpc", ["run", path])
    #expect(outcome.code == 1 && outcome.err.contains("another process uses the state folder"), "\(outcome.err)")
    #expect(try String(contentsOfFile: path + "/other.txt", encoding: .utf8) == "")
    #expect(try program.stop().code == 0)
    for name in try FileManager.default.contentsOfDirectory(atPath: program.folder + "/st") {
      let mode = try FileManager.default.attributesOfItem(atPath: "\(program.folder)/st/\(name)")[.posixPermissions] as? Int
      #expect(mode == 0o600, "\(name)")
    }
    // Free again.
    try program.start()
    _ = try program.stop()
  }

  // MARK: Positions and lines

  @Test("D33, D34: lines keep their numbers from run to run, and a last line without an end waits for it where positions are kept")
  func lineNumbers() throws {
    let spec = """
      type T { a: Int }
      pipeline p {
        source file.lines("in.txt") |> decode json as T |> map { a: .a, line: meta.line, offset: meta.offset } |> encode json
          |> sink file.lines("out.txt", mode: append)
        on error |> map "\\(to_string(.meta))" |> encode text |> sink file.lines("dead.txt", mode: append)
      }
      """
    let path = try Self.folder(["a.pump": spec, "in.txt": "{\"a\":1}\n\n{\"a\":2}\n{\"a\":", "pipelines.conf": "[general]\nstate = st\n"])
    defer { try? FileManager.default.removeItem(atPath: path) }
    func text(_ name: String) -> String { (try? String(contentsOfFile: "\(path)/\(name)", encoding: .utf8)) ?? "" }
    let first = try Support.run("pumpc", ["run", path])
    #expect(first.code == 0 && first.err.contains("in.txt ends within a line"), "\(first.err)")
    #expect(text("dead.txt") == "")
    let file = try FileHandle(forWritingTo: URL(fileURLWithPath: path + "/in.txt"))
    try file.seekToEnd()
    try file.write(contentsOf: Data("3}\nno\n".utf8))
    #expect(try Support.run("pumpc", ["run", path]).code == 0)
    #expect(
      text("out.txt") == "{\"a\":1,\"line\":1,\"offset\":0}\n{\"a\":2,\"line\":3,\"offset\":9}\n{\"a\":3,\"line\":4,\"offset\":17}\n")
    #expect(text("dead.txt") == "{\"path\":\"in.txt\",\"line\":5}\n")
    // A position of an earlier version has no line: they are counted.
    let position = try #require(try FileManager.default.contentsOfDirectory(atPath: path + "/st").first { $0.hasSuffix(".position") })
    let kept = text("st/\(position)").split(separator: ",").map { $0.split(separator: ":", maxSplits: 1)[1] }
    let old = kept[1].split(separator: " ").prefix(4).joined(separator: " ")
    try Data("6:in.txt,\(old.utf8.count):\(old),".utf8).write(to: URL(fileURLWithPath: "\(path)/st/\(position)"))
    try file.write(contentsOf: Data("{\"a\":6}\n".utf8))
    #expect(try Support.run("pumpc", ["run", path]).code == 0)
    #expect(text("out.txt").hasSuffix("{\"a\":6,\"line\":6,\"offset\":28}\n"), "\(text("out.txt"))")
  }

  @Test("D52: a test gives what a run gives: no event of an empty line") func emptyLines() throws {
    let spec = """
      type T { c: String }
      pipeline p {
        source file.lines("in.txt") |> decode csv as T |> encode json |> sink file.lines("out.txt")
        on error halt
      }
      test "lines" for p {
        given "a"
        given ""
        given "\\n \\nb"
        expect file.lines("out.txt") == [{ c: "a" }, { c: " " }, { c: "b" }]
      }
      test "a file" for p {
        given file "in.txt"
        expect file.lines("out.txt") == [{ c: "a" }, { c: "b" }]
      }
      """
    let path = try Self.folder(["a.pump": spec, "in.txt": "a\n\n\r\nb\n"])
    defer { try? FileManager.default.removeItem(atPath: path) }
    let run = try Support.run("pumpc", ["run", path])
    #expect(run.err.contains("2 in"), "\(run.err)")
    let test = try Support.run("pumpc", ["test", path])
    #expect(test.code == 0, "\(test.out)")
  }

  @Test("R19: zeros behind gzip's data are passed over, as gzip and Python do; anything else is said") func paddedGzip() throws {
    let path = try Self.folder(["a.pump": Self.copy.replacing("in.txt", with: "in.gz")])
    defer { try? FileManager.default.removeItem(atPath: path) }
    func make(_ expression: String) throws -> Support.Outcome {
      let python = try Support.run(
        "/usr/bin/env", ["python3", "-c", "import gzip\ng = gzip.compress\nopen('in.gz', 'wb').write(\(expression))"], folder: path)
      #expect(python.code == 0, "\(python.err)")
      return try Support.run("pumpc", ["run", path])
    }
    for expression in [
      "g(b'a\\n') + bytes(1000)", "g(b'a\\n') + bytes(200000)", "g(b'a\\n') + bytes(5) + g(b'') + bytes(3)", "g(b'') + g(b'a\\n')",
    ] {
      let outcome = try make(expression)
      #expect(outcome.code == 0, "\(expression): \(outcome.err)")
      #expect(try String(contentsOfFile: path + "/out.txt", encoding: .utf8) == "a\n", "\(expression)")
    }
    let twice = try make("g(b'a\\n') + bytes(70000) + g(b'b\\n' * 100000)")
    #expect(twice.err.contains("100,001 in"), "\(twice.err)")
    #expect(try make("g(b'a\\n') + b'rest'").err.contains("no valid gzip data from byte"))
    #expect(try make("g(b'abc' * 1000)[:-4]").err.contains("ends in the middle of its gzip data"))
  }

  // MARK: Messages

  @Test("M27, M29: what is not there or too large is said with its place") func messages() throws {
    let path = try Self.folder(["a.pump": Self.copy])
    defer { try? FileManager.default.removeItem(atPath: path) }
    func run(_ spec: String) throws -> String {
      try Data(spec.utf8).write(to: URL(fileURLWithPath: path + "/a.pump"))
      return try Support.run("pumpc", ["run", path]).err
    }
    let here = URL(fileURLWithPath: path).resolvingSymlinksInPath().path
    #expect(try run(Self.copy).contains("cannot open in.txt: No such file or directory (in \(here))"))
    #expect(try run(Self.copy.replacing("in.txt", with: "*.none")).contains("no file matches *.none"))
    try Data("x\n".utf8).write(to: URL(fileURLWithPath: path + "/in.txt"))
    #expect(try run(Self.copy.replacing("out.txt", with: "nodir/out.txt")).contains("folder `nodir` is not there"))
    try Data("{\n  \"a\": 1\n}\n".utf8).write(to: URL(fileURLWithPath: path + "/names.json"))
    let lookup = """
      type T { a: Int }
      pipeline p {
        source generate.records(count: 1) as T |> lookup file.json("names.json", column: "a", key: .a) as r: T |> encode json |> sink file.lines("o")
        on error halt
      }
      """
    #expect(try run(lookup).contains("an array of records, or one record a line, is expected"))
    try Data(repeating: 0x20, count: 2000).write(to: URL(fileURLWithPath: path + "/big.json"))
    let big = """
      type T { a: Int }
      pipeline p {
        source file.bytes("big.json") { max_event = 1KiB } |> decode json as T |> encode json |> sink file.lines("o")
        on error halt
      }
      """
    #expect(
      try run(big).contains("big.json is longer than max_event (1024 bytes); raise it: `file.bytes(\"big.json\") { max_event = 200MiB }`"))
  }
}
