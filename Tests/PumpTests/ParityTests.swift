import Foundation
import PumpCompiler
import PumpTestSupport
import Testing

/// The same program gives the same bytes interpreted and compiled.
@Suite(.serialized) struct ParityTests {
  /// Runs a folder's program both ways, each in a copy of its own, and returns the files that came of it.
  /// `look` gets the built program.
  static func both(
    _ folder: String, input: String? = nil, look: (String) throws -> Void = { _ in }
  ) throws -> (interpreted: [String: String], compiled: [String: String]) {
    let work = try Support.temporaryFolder()
    defer { try? FileManager.default.removeItem(atPath: work) }
    var results: [[String: String]] = []
    let build = try Support.run("pumpc", ["build", folder, "-o", "\(work)/program"])
    #expect(build.code == 0, "\(build.err)")
    for way in ["interpreted", "compiled"] {
      let copy = "\(work)/\(way)"
      try FileManager.default.copyItem(atPath: folder, toPath: copy)
      let before = Set(try FileManager.default.contentsOfDirectory(atPath: copy))
      let outcome =
        way == "interpreted"
        ? try Support.run("pumpc", ["run", copy, "--quiet"], input: input)
        : try Support.run("\(work)/program", ["--quiet"], folder: copy, input: input)
      var files = [
        "code": "\(outcome.code)", "stdout": outcome.out,
        "stderr": outcome.err.split(separator: "\n").filter { $0.hasPrefix("error:") }.joined(),
      ]
      for name in try FileManager.default.contentsOfDirectory(atPath: copy) where !before.contains(name) {
        if name.hasSuffix(".db-wal") || name.hasSuffix(".db-shm") { continue }
        if name.hasSuffix(".db") {
          files[name] = try Support.run("/usr/bin/env", ["sqlite3", "\(copy)/\(name)", ".dump"]).out
        } else {
          files[name] = String(decoding: FileManager.default.contents(atPath: "\(copy)/\(name)") ?? Data(), as: UTF8.self)
        }
        // When a failure happened is not the same twice.
        files[name] = files[name]!.replacing(/"at":"[^"]*"/, with: "")
      }
      results.append(files)
    }
    try look("\(work)/program")
    return (results[0], results[1])
  }

  static let golden: [String] = {
    let area = Support.root + "/Tests/Golden/programs"
    return ((try? FileManager.default.contentsOfDirectory(atPath: area)) ?? []).sorted().map { "\(area)/\($0)" }
  }()

  @Test(arguments: Support.ownExamples + golden) func program(_ folder: String) throws {
    let stdin = FileManager.default.contents(atPath: "\(folder)/stdin").map { String(decoding: $0, as: UTF8.self) }
    // Tests in the specs pass both ways, too.
    let hasTests = try !#require(compile(try Project.load(folder)).plan).program.tests.isEmpty
    let (interpreted, compiled) = try Self.both(folder, input: stdin) { program in
      guard hasTests else { return }
      let interpreted = try Support.run("pumpc", ["test", folder])
      #expect(interpreted.code == 0, "\(interpreted.out)")
      #expect(try Support.run(program, ["--test"], folder: folder).out == interpreted.out)
    }
    #expect(Set(interpreted.keys) == Set(compiled.keys))
    for (name, text) in interpreted { #expect(compiled[name] == text, "\(name)") }
    // What the program printed is kept beside it.
    if folder.contains("Golden") { try Support.expectGolden("programs/\(Self.name(folder))/expected", Self.report(interpreted)) }
  }

  private static func name(_ folder: String) -> String { URL(fileURLWithPath: folder).lastPathComponent }

  /// What each phase makes of a golden program is kept: its layout, its plan, its Swift.
  @Test(arguments: golden) func phases(_ folder: String) throws {
    let name = Self.name(folder)
    let file = "\(folder)/\(name).pump"
    let text = try String(contentsOfFile: file, encoding: .utf8)
    #expect(Formatter.format(SourceText(path: "\(name).pump", text: text)) == text, "it is not in the canonical layout")
    let plan = try #require(compile(try Project.load(folder)).plan)
    try Support.expectGolden("programs/\(name)/plan.txt", planText(plan))
    let work = try Support.temporaryFolder()
    defer { try? FileManager.default.removeItem(atPath: work) }
    // Places are told as the path was given: the same in every checkout.
    #expect(try Support.run("pumpc", ["emit", "Tests/Golden/programs/\(name)", "-o", work], folder: Support.root).code == 0)
    for path in try FileManager.default.subpathsOfDirectory(atPath: work + "/Sources").sorted() where path.hasSuffix(".swift") {
      let swift = try String(contentsOfFile: "\(work)/Sources/\(path)", encoding: .utf8).replacing(Support.root + "/", with: "")
      try Support.expectGolden("programs/\(name)/swift/\(URL(fileURLWithPath: path).lastPathComponent).txt", swift)
    }
  }

  private static func report(_ files: [String: String]) -> String {
    files.sorted { $0.key < $1.key }.map { "== \($0.key)\n\($0.value)" }.joined(separator: "\n")
  }

  /// The example of every function holds, both ways.
  @Test func functions() throws {
    let folder = try Support.temporaryFolder()
    defer { try? FileManager.default.removeItem(atPath: folder) }
    var text = ""
    let all = FunctionSpec.all + FunctionSpec.operators
    for (number, start) in stride(from: 0, to: all.count, by: 12).enumerated() {
      let part = all[start..<min(start + 12, all.count)]
      let fields = part.map { "      f_\($0.name): \($0.example)" }.joined(separator: "\n")
      text +=
        "pipeline p\(number) {\n  source timer.every(1s, limit: 1)\n    |> map {\n\(fields)\n    }\n    |> encode json\n    |> sink file.lines(\"out\(number).ndjson\")\n  on error halt\n}\n\n"
    }
    try Data(text.utf8).write(to: URL(fileURLWithPath: folder + "/functions.pump"))
    let (interpreted, compiled) = try Self.both(folder)
    #expect(interpreted["code"] == "0", "\(interpreted["stderr"] ?? "")")
    #expect(interpreted == compiled)
    var seen = 0
    for (name, content) in interpreted where name.hasPrefix("out") {
      let values = try JSONSerialization.jsonObject(with: Data(content.utf8)) as! [String: Bool]
      for (function, holds) in values { #expect(holds, "\(function)") }
      seen += values.count
    }
    #expect(seen == all.count && seen >= 80)
  }

  /// Random programs over random events.
  @Test(arguments: 0..<6) func randomPrograms(_ seed: Int) throws {
    var random = Support.Random(UInt64(seed) + 100)
    let folder = try Support.temporaryFolder()
    defer { try? FileManager.default.removeItem(atPath: folder) }
    var generator = ProgramGenerator(random: random)
    let text = generator.program()
    let compilation = Support.compile(text)
    #expect(compilation.plan != nil, "\(compilation.diagnostics.map(\.message))\n\(text)")
    try Data(text.utf8).write(to: URL(fileURLWithPath: folder + "/random.pump"))
    random = generator.random
    try Data(generator.events(400).utf8).write(to: URL(fileURLWithPath: folder + "/in.ndjson"))
    let (interpreted, compiled) = try Self.both(folder)
    for (name, text) in interpreted { #expect(compiled[name] == text, "\(name)") }
  }
}

/// Programs that are well typed by construction, over a fixed record.
struct ProgramGenerator {
  var random: Support.Random

  mutating func pick<T>(_ items: [T]) -> T { items.randomElement(using: &random)! }

  mutating func int(_ depth: Int) -> String {
    if depth == 0 { return pick([".a", ".b", "3", "-7", "length(.s)", "(.m ?? 5)", "sum(.l)", "length(.l)"]) }
    switch Int.random(in: 0..<9, using: &random) {
    case 0: return "(\(int(depth - 1)) + \(int(depth - 1)))"
    case 1: return "(\(int(depth - 1)) * \(int(depth - 1)))"
    case 2: return "(\(int(depth - 1)) / \(int(depth - 1)))"
    case 3: return "(\(int(depth - 1)) % \(int(depth - 1)))"
    case 4: return "(if \(bool(depth - 1)) then \(int(depth - 1)) else \(int(depth - 1)))"
    case 5: return "count(.l, x => x > \(int(depth - 1)))"
    case 6: return "sum(.l, x => x + \(int(depth - 1)))"
    case 7: return "((try to_int(\(text(depth - 1)))) ?? \(int(depth - 1)))"
    default: return "max(\(int(depth - 1)), \(int(depth - 1)))"
    }
  }

  mutating func bool(_ depth: Int) -> String {
    if depth == 0 { return pick([".flag", ".a > .b", ".s == \"x\"", ".n == null", ".kind == red", "2 in .l"]) }
    switch Int.random(in: 0..<6, using: &random) {
    case 0: return "(\(bool(depth - 1)) and \(bool(depth - 1)))"
    case 1: return "(\(bool(depth - 1)) or \(bool(depth - 1)))"
    case 2: return "not (\(bool(depth - 1)))"
    case 3: return "(\(int(depth - 1)) <= \(int(depth - 1)))"
    case 4: return "any(.l, x => x == \(int(depth - 1)))"
    default: return "contains(\(text(depth - 1)), \(text(0)))"
    }
  }

  mutating func text(_ depth: Int) -> String {
    if depth == 0 {
      return pick([
        ".s", "\"x\"", "upper(.s)", "\"\\(.a)\"", "to_string(.d)", "(match .kind { red => \"r\", green => \"g\", blue => \"b\" })",
      ])
    }
    switch Int.random(in: 0..<4, using: &random) {
    case 0: return "\"\\(\(int(depth - 1)))-\\(\(decimal(depth - 1)))\""
    case 1: return "replace(\(text(depth - 1)), \(text(0)), \(text(0)))"
    case 2: return "substring(\(text(depth - 1)), \(int(0)), 3)"
    default: return "(let t = \(text(depth - 1)) in \"\\(t)\\(t)\")"
    }
  }

  mutating func decimal(_ depth: Int) -> String {
    if depth == 0 { return pick([".d", "1.25", "to_decimal(.a)"]) }
    switch Int.random(in: 0..<4, using: &random) {
    case 0: return "(\(decimal(depth - 1)) + \(decimal(depth - 1)))"
    case 1: return "(\(decimal(depth - 1)) * \(decimal(depth - 1)))"
    case 2: return "(\(decimal(depth - 1)) / \(decimal(depth - 1)))"
    default: return "round(\(decimal(depth - 1)), 2)"
    }
  }

  mutating func program() -> String {
    """
    enum Kind { red, green as "g", blue }
    type E { a: Int, b: Int where it < 90, d: Decimal, f: Float, s: String, flag: Bool, n: Int?, m: Int?, kind: Kind, l: [Int] = [] }
    pipeline p {
      source file.lines("in.ndjson")
        |> decode json as E
        |> filter \(bool(2))
        |> set { x: \(int(2)), y: \(text(2)), z: \(decimal(2)) }
        |> tee { filter \(bool(1)) |> expand .l as item |> map { item: .item, v: \(int(1).replacing(".l", with: "[1, 2]")) } |> encode csv |> sink file.lines("tee.csv") }
        |> route {
          when \(bool(1)) => map { q: \(decimal(2)), w: .f * 1.5 } |> encode json |> sink file.lines("one.ndjson")
          when \(bool(1)) => encode json |> sink file.lines("two.ndjson")
          else => drop l |> encode kv |> sink file.lines("three.txt")
        }
      on error |> encode json |> sink file.lines("dead.ndjson")
    }

    """
  }

  mutating func events(_ count: Int) -> String {
    var out = ""
    for _ in 0..<count {
      let a = Int.random(in: -20...20, using: &random)
      let list = (0..<Int.random(in: 0...4, using: &random)).map { _ in String(Int.random(in: -3...9, using: &random)) }.joined(
        separator: ",")
      var event =
        "{\"a\":\(a),\"b\":\(Int.random(in: 0...99, using: &random)),\"d\":\(Int.random(in: -999...999, using: &random)).\(Int.random(in: 0...99, using: &random)),\"f\":\(Double.random(in: -10...10, using: &random)),"
      event +=
        "\"s\":\(pick(["\"x\"", "\"12\"", "\"žluť\"", "\"a\\\"b\\n\"", "\"\""])),\"flag\":\(Bool.random(using: &random)),\"n\":\(pick(["null", "7", "-1"])),\"m\":\(pick(["null", "8"])),\"kind\":\(pick(["\"red\"", "\"g\"", "\"blue\"", "\"pink\""])),\"l\":[\(list)]}"
      if Int.random(in: 0..<20, using: &random) == 0 { event = String(event.prefix(Int.random(in: 0..<event.count, using: &random))) }
      out += event + "\n"
    }
    return out
  }
}
