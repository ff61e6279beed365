import Foundation
import PumpCompiler
import PumpPlan
import PumpSemantics
import PumpTestSupport
import Testing

/// Every overload of every function and operator over values at the edges of their types: a value or a failure, never the
/// end of the process, and the same bytes interpreted and compiled.
@Suite(.serialized) struct SweepTests {
  /// Values of each type as JSON.
  private static let extremes: [String: [String]] = [
    "Bool": ["true", "false"],
    "Int": ["0", "1", "-1", "2", "7", "63", "64", "-64", "1000000", "9223372036854775807", "-9223372036854775808", "-9223372036854775807"],
    "Decimal": [
      "0", "1", "-1", "0.5", "2.345", "99999999999999999999999999999999999999", "-99999999999999999999999999999999999999",
      "0.00000000000000000000000000000000000001", "-0.99999999999999999999999999999999999999", "9223372036854775808",
      "100000000000000000000",
    ],
    "Float": [
      "0", "-0.0", "1", "-1.5", "2.5", "0.1", "1e15", "1e21", "1.7976931348623157e308", "-1.7976931348623157e308", "5e-324", "1e-300",
    ],
    "String": [
      "", " ", "a", "é", "žluť😀", "ß", "10.0.0.1", "::ffff:10.0.0.1", "10.0.0.0/8", "2026-01-01T00:00:00Z", "1998-12-31T23:59:60Z",
      "2026-02-30",
      "%Y-%m-%d", "%b %e %z %q", "(a|b)*", "(?i)É+", "[", "a*?", "Europe/Prague", "9223372036854775807", "1e400", "-5", "TRUE",
      "{\"a\":[1]}",
      "\u{0}", "aGk=", "4142", "%41", "6ba7b810-9dad-11d1-80b4-00c04fd430c8", "a[0]", "$1$$", "a,b,,c", String(repeating: "x", count: 300),
      "\r\n\t",
    ].map(quoted),
    "Bytes": ["", "/w==", "aGk=", "w6k="].map(quoted),
    "Timestamp": [
      "0001-01-01T00:00:00Z", "9999-12-31T23:59:59.999999Z", "1970-01-01T00:00:00Z", "1969-12-31T23:59:59.999999Z", "2026-03-29T01:30:00Z",
      "2024-02-29T12:00:00.5Z",
    ].map(quoted),
    "Date": ["0001-01-01", "9999-12-31", "1970-01-01", "2024-02-29"].map(quoted),
    "Duration": ["0s", "1us", "-1us", "7d", "2562047788h", "9223372036854775807us", "-9223372036854775807us"].map(quoted),
    "Size": ["0", "1", "9223372036854775807"],
    "Uuid": ["00000000-0000-0000-0000-000000000000", "ffffffff-ffff-ffff-ffff-ffffffffffff"].map(quoted),
    "Json": ["null", "true", "-1.5", "1e400", "\"x\"", "[]", "[1,\"a\"]", "{}", "{\"a\":1,\"b\":[1]}", "{\"a\":{\"b\":null}}"],
    "R": ["{\"a\":1,\"b\":null}", "{\"a\":-9223372036854775808,\"b\":\"x\"}", "{\"a\":1,\"b\":\"\"}"],
  ]

  private static func quoted(_ text: String) -> String {
    String(decoding: try! JSONEncoder().encode(text), as: UTF8.self)
  }

  /// A value of a type as the language writes it, lists and maps too.
  private static func value(_ type: String, _ random: inout Support.Random) -> String {
    if let plain = extremes[type] { return plain.randomElement(using: &random)! }
    if type.hasSuffix("?") { return Bool.random(using: &random) ? "null" : value(String(type.dropLast()), &random) }
    let isMap = type.hasPrefix("[String: ")
    let inner = String(type.dropFirst(isMap ? 9 : 1).dropLast())
    let items = (0..<Int.random(in: 0...4, using: &random)).map { _ in
      (isMap ? ["\"a\":", "\"b\":", "\"\":", "\"é\":"].randomElement(using: &random)! : "") + value(inner, &random)
    }
    return (isMap ? "{" : "[") + items.joined(separator: ",") + (isMap ? "}" : "]")
  }

  /// Fields of the event by their types: each argument of a call reads another one.
  private struct Fields {
    var names: [String: [String]] = [:]
    mutating func field(_ type: String, _ number: Int) -> String {
      while names[type, default: []].count <= number { names[type, default: []].append("v\(names.values.reduce(0) { $0 + $1.count })") }
      return ".\(names[type]![number])"
    }
    mutating func fields(_ types: [String]) -> [String] {
      var used: [String: Int] = [:]
      return types.map { type in
        defer { used[type, default: 0] += 1 }
        return field(type, used[type, default: 0])
      }
    }
  }

  private static func type(_ pattern: PumpSemantics.Pattern, _ variable: String) -> String {
    switch pattern {
    case .type(let type): type.description
    case .variable: variable
    case .list(let element): "[\(self.type(element, variable))]"
    case .map(let element): "[String: \(self.type(element, variable))]"
    case .optional(let base):
      self.type(base, variable).hasSuffix("?") ? self.type(base, variable) : "\(self.type(base, variable))?"
    case .lambda(_, let result):
      switch self.type(result, "Int") {
      case "Bool": "x => x > 1"
      case "Decimal": "x => to_decimal(x)"
      case "Float": "x => to_float(x)"
      case "String": "x => to_string(x)"
      case "Timestamp": "x => from_epoch_s(x)"
      default: "x => x"
      }
    }
  }

  /// Calls of all overloads of all functions; `T` is a scalar, a record and a map in turn.
  private static func calls(_ fields: inout Fields) -> [String] {
    var result: [String] = []
    for function in FunctionSpec.all where !["now", "uuid_v4", "uuid_v7"].contains(function.name) {
      for signature in function.signatures where !signature.text.contains("Secret") {
        let patterns = signature.parameters.map(\.pattern)
        let hasLambda = patterns.contains { if case .lambda = $0 { true } else { false } }
        let isGeneric = signature.text.contains("T") && patterns.contains { type($0, "?").contains("?") }
        for variable in isGeneric && !hasLambda ? ["Int", "R", "[String: Int]", "String?"] : ["Int"] {
          let types = patterns.map { type($0, variable) }
          let values = fields.fields(types.filter { !$0.hasPrefix("x =>") })
          var next = values.makeIterator()
          let arguments = zip(signature.parameters, types).map { parameter, type in
            type.hasPrefix("x =>") ? type : "\(parameter.name): \(next.next()!)"
          }
          result.append("\(function.name)(\(arguments.joined(separator: ", ")))")
        }
      }
    }
    return result
  }

  /// All overloads of all operators.
  private static func operators(_ fields: inout Fields) -> [String] {
    var result: [String] = []
    let equatable =
      extremes.keys.filter { $0 != "Json" }.sorted() + ["[Int]", "[String: Int]", "[R]", "[String: [R]]", "[Decimal]", "String?"]
    for function in FunctionSpec.operators where function.group != "steps" {
      for signature in function.signatures where !signature.text.contains("Secret") {
        for variable in function.name == "equals" ? equatable : ["Int"] {
          let values = fields.fields(signature.parameters.map { type($0.pattern, variable) })
          switch function.sign! {
          case "-x": result.append("-\(values[0])")
          case "x.a": result.append("\(values[0]).a")
          case "x[i]", "json[i]": result.append("\(values[0])[\(values[1])]")
          case "==": result += ["\(values[0]) == \(values[1])", "\(values[0]) != \(values[1])"]
          case let sign: result.append("\(values[0]) \(sign) \(values[1])")
          }
        }
      }
    }
    for (left, sign, right) in [
      ("Int", "in", "[Int]"), ("String", "in", "String"), ("String", "in", "[String: Int]"), ("String", "matches", "String"),
    ] {
      let pair = fields.fields([left, right])
      result.append("\(pair[0]) \(sign) \(pair[1])")
    }
    let values = fields.fields(["Int", "[Int]", "String?"])
    return result + ["\(values[2]) ?? \"none\"", "\"\\(\(values[0]))-\\(\(values[1]))\""]
  }

  @Test("R1: every overload at the edges of its types, both ways") func edges() throws {
    var fields = Fields()
    let expressions = Self.calls(&fields) + Self.operators(&fields)
    #expect(expressions.count > 300)
    let folder = try Support.temporaryFolder()
    defer { try? FileManager.default.removeItem(atPath: folder) }
    let declared = fields.names.sorted { $0.key < $1.key }.flatMap { type, names in names.map { (name: $0, type: type) } }
    var text = "type R { a: Int, b: String? }\ntype E { \(declared.map { "\($0.name): \($0.type)" }.joined(separator: ", ")) }\n"
    for (number, start) in stride(from: 0, to: expressions.count, by: 40).enumerated() {
      let part = expressions[start..<min(start + 40, expressions.count)]
      let sets = part.enumerated().map { "      r\($0): try (\($1))" }.joined(separator: "\n")
      text +=
        "pipeline p\(number) {\n  source file.lines(\"in.ndjson\")\n    |> decode json as E\n    |> map {\n\(sets)\n    }\n    |> encode json\n    |> sink file.lines(\"out\(number).ndjson\")\n  on error halt\n}\n\n"
    }
    try Data(text.utf8).write(to: URL(fileURLWithPath: folder + "/sweep.pump"))
    let compilation = Support.compile(text)
    try #require(compilation.plan != nil, "\(compilation.diagnostics.filter { $0.code.severity == .error }.map(\.message).prefix(5))")
    var random = Support.Random(1)
    let events = (0..<400).map { _ in
      "{" + declared.map { "\"\($0.name)\":\(Self.value($0.type, &random))" }.joined(separator: ",") + "}"
    }
    try Data((events.joined(separator: "\n") + "\n").utf8).write(to: URL(fileURLWithPath: folder + "/in.ndjson"))
    let (interpreted, compiled) = try ParityTests.both(folder)
    #expect(
      interpreted["code"] == "0" && compiled["code"] == "0",
      "\(interpreted["code"]!) \(interpreted["stderr"]!) \(compiled["code"]!) \(compiled["stderr"]!)")
    var wrong = 0
    for (name, content) in interpreted where name.hasPrefix("out") {
      let number = try #require(Int(name.dropFirst(3).dropLast(7)), "\(name)")
      for (a, b) in zip(content.split(separator: "\n"), (compiled[name] ?? "").split(separator: "\n")) where a != b && wrong < 5 {
        wrong += 1
        let (x, y) = (try Self.members(a), try Self.members(b))
        for (key, value) in x where y[key] != value {
          Issue.record("\(expressions[number * 40 + Int(key.dropFirst())!]): \(value) interpreted, \(y[key] ?? "nothing") compiled")
        }
      }
      #expect(content.split(separator: "\n").count == events.count, "\(name)")
    }
    #expect(interpreted == compiled)
  }

  private static func members(_ line: Substring) throws -> [String: String] {
    let object = try JSONSerialization.jsonObject(with: Data(line.utf8)) as! [String: Any]
    return object.mapValues { "\($0)" }
  }

  /// Swift's report of a crash would print the memory behind each register.
  @Test("R1: a program that ends by a fault says nothing of its events") func noCrashReport() throws {
    let folder = try Support.temporaryFolder()
    defer { try? FileManager.default.removeItem(atPath: folder) }
    let spec = "pipeline p {\n  source stdin.lines() |> sink stdout.lines()\n  on error halt\n}\n"
    try Data(spec.utf8).write(to: URL(fileURLWithPath: folder + "/p.pump"))
    #expect(try Support.run("pumpc", ["build", folder, "-o", "\(folder)/program"]).code == 0)
    let process = Process()
    process.executableURL = URL(fileURLWithPath: "\(folder)/program")
    let (input, output, errors) = (Pipe(), Pipe(), Pipe())
    (process.standardInput, process.standardOutput, process.standardError) = (input, output, errors)
    process.environment = ProcessInfo.processInfo.environment.merging(["SWIFT_BACKTRACE": "enable=yes"]) { $1 }
    try process.run()
    input.fileHandleForWriting.write(Data("secret\n".utf8))
    // Once a line has come out, the program has begun.
    _ = output.fileHandleForReading.availableData
    kill(process.processIdentifier, SIGILL)
    process.waitUntilExit()
    #expect(process.terminationReason == .uncaughtSignal && process.terminationStatus == SIGILL)
    let printed = String(decoding: errors.fileHandleForReading.readDataToEndOfFile(), as: UTF8.self)
    #expect(!printed.contains("crashed") && !printed.contains("secret"), "\(printed)")
  }
}
