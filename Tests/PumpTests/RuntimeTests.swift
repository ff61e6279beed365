import Foundation
import PumpCompiler
import Testing

@testable import PumpConnectorKit
@testable import PumpRuntime
@testable import PumpValues

@Suite struct NumberTests {
  /// The shortest digits of a double are those that Swift's own printing has, and they read back the same.
  @Test(arguments: [
    (605.0, "605"), (0.1, "0.1"), (1e21, "1e+21"), (1e20, "100000000000000000000"), (1e-7, "1e-7"), (123456.789, "123456.789"),
    (-0.5, "-0.5"), (2.2250738585072014e-308, "2.2250738585072014e-308"), (1.7976931348623157e308, "1.7976931348623157e+308"), (0, "0"),
  ])
  func ecmascriptLayout(_ value: Double, _ text: String) { #expect(Fn.text(value) == text) }

  /// The reader looks one byte further than the default's text, where an earlier batch may have left digits.
  @Test func defaultsEndWhereTheyEnd() {
    let context = Context()
    _ = context.arena.copy(String(repeating: "7", count: 4096))
    context.arena.reset()
    let shape = Shape.record("Event", [.init("count", .int, value: "5"), .init("price", .float, value: "1.5")])
    let event = Text("{}")
    let column = Column(shape)
    #expect(shape.read(event, into: column, 0, context.arena, JSONOptions()))
    #expect(Fields.fill(column, 1, context) { _ in nil } == nil)
    for row in 0..<2 {
      #expect(column.children[0].get(Int64.self, row) == 5)
      #expect(column.children[1].get(Double.self, row) == 1.5)
    }
  }

  @Test func shortestDoubles() {
    var random = Support.Random(1)
    for round in 0..<200_000 {
      var value = Double(bitPattern: random.next())
      if round % 3 == 0 { value = Double(Int64(random.next() % 1_000_000_000)) / 100 * 1.21 }
      guard value.isFinite else { continue }
      let text = Fn.text(value)
      #expect(Double(text) == value)
      let digits = text.filter(\.isNumber).drop { $0 == "0" }.prefix { _ in true }
      let swift = value.description.lowercased().split(separator: "e")[0].filter(\.isNumber).drop { $0 == "0" }
      func significant(_ text: some StringProtocol) -> String {
        var text = String(text.split(separator: "e").first ?? "")
        while text.last == "0" { text.removeLast() }
        return text
      }
      if !text.contains("e") { #expect(significant(String(digits)) == significant(String(swift))) }
    }
  }

  /// The same of values that functions made, and of values that were copied.
  @Test func numbersOfJsonEndWhereTheyEnd() throws {
    let context = Context()
    _ = context.arena.copy(String(repeating: "7", count: 4096))
    context.arena.reset()
    #expect(try Fn.toInt(Fn.toJson(Int64(5), context), context) == 5)
    let (first, second) = (Column(.json), Column(.json))
    first.set(Text("6"), 0)
    second.copy(0, from: first, 0, into: context.arena)
    #expect(try Fn.toInt(second.get(Json.self, 0), context) == 6)
  }

  @Test func doublesAreReadExactly() throws {
    var random = Support.Random(2)
    for _ in 0..<100_000 {
      let value = Double(bitPattern: random.next())
      guard value.isFinite else { continue }
      let text =
        Bool.random(using: &random) ? value.description : "\(Int64(value.truncatingRemainder(dividingBy: 1e9))).\(random.next() % 10_000)"
      let arena = Arena()
      let copy = arena.copy(text)
      (UnsafeMutablePointer(mutating: copy.base) + copy.count).pointee = 0
      var reader = JSONReader(copy, arena)
      #expect(try reader.double() == Double(text)!)
    }
  }

  @Test(arguments: [
    ("1.10", "1.1"), ("-0.000", "0"), ("100", "100"), ("12345678901234567890123456789012345678", "12345678901234567890123456789012345678"),
    ("1e3", "1000"), ("1.5e-3", "0.0015"),
    ("0.00000000000000000000000000000000000001", "0.00000000000000000000000000000000000001"),
  ])
  func decimals(_ text: String, _ expected: String) { #expect(Decimal(text)?.description == expected) }

  @Test(arguments: ["", "-", "1.", ".5x", "1e", "123456789012345678901234567890123456789", "1e40", "--1"]) func noDecimals(_ text: String) {
    #expect(Decimal(text) == nil)
  }

  /// Arithmetic of small decimals agrees with that of whole numbers.
  @Test func decimalArithmetic() throws {
    var random = Support.Random(3)
    let c = Context()
    for _ in 0..<20_000 {
      let (a, b) = (Int64(random.next() % 2_000_000) - 1_000_000, Int64(random.next() % 2_000_000) - 1_000_000)
      let (x, y) = (Decimal(Int128(a), scale: 2), Decimal(Int128(b), scale: 3))
      #expect(try Fn.add(x, y, c) == Decimal(Int128(a * 10 + b), scale: 3))
      #expect(try Fn.multiply(x, y, c) == Decimal(Int128(a) * Int128(b), scale: 5))
      #expect((x < y) == (a * 10 < b))
      if b != 0 {
        let quotient = try Fn.divide(x, y, c)
        let back = try Fn.subtract(Fn.multiply(quotient, y, c), x, c)
        #expect(back.double.magnitude < 1e-9)
      }
    }
    #expect(throws: EventFailure.self) { try Fn.divide(Decimal(1), Decimal(0), c) }
    #expect(Decimal("2.345")!.rounded(2).description == "2.34")
    #expect(Decimal("2.355")!.rounded(2).description == "2.36")
    #expect(throws: EventFailure.self) { try Fn.multiply(Decimal("99999999999999999999999999999999999999")!, Decimal(10), c) }
  }

  @Test func integersAreChecked() {
    let c = Context()
    #expect(throws: EventFailure.self) { try Fn.add(Int64.max, 1, c) }
    #expect(throws: EventFailure.self) { try Fn.multiply(Int64.min, -1, c) }
    #expect(throws: EventFailure.self) { try Fn.divide(Int64.min, -1, c) }
    #expect(throws: EventFailure.self) { try Fn.divide(Int64(1), 0, c) }
    #expect(throws: EventFailure.self) { try Fn.divide(1.0, 0.0, c) }
    #expect(throws: EventFailure.self) { try Fn.multiply(1e308, 1e10, c) }
  }
}

@Suite struct JSONTests {
  private func accepts(_ bytes: [UInt8]) -> Bool {
    let arena = Arena()
    let text = bytes.withUnsafeBufferPointer { arena.copy($0) }
    (UnsafeMutablePointer(mutating: text.base) + text.count).pointee = 0
    return Shape.json.read(text, into: Column(.json), 0, arena, JSONOptions())
  }

  @Test(arguments: [
    "[]", "{}", "[1,2]", "{\"a\":1}", " [ ] ", "1", "-0", "1e5", "1.5E-3", "\"\\u00e9\\n\"", "\"\\ud83d\\ude00\"", "[[[]]]",
    "{\"a\":{\"b\":[true,false,null]}}", "\"é\"",
  ])
  func valid(_ text: String) { #expect(accepts(Array(text.utf8))) }

  @Test(arguments: [
    "", " ", "[", "]", "{", "[1,]", "{\"a\"}", "{\"a\":}", "{a:1}", "[1 2]", "01", "1.", ".5", "+1", "1e", "nul", "True", "\"", "\"\\x\"",
    "\"\\ud800\"", "\"\\u12\"", "\"\t\"", "[1]]", "{\"a\":1,}", "-", "--1",
    "1e5.5", "[\"a\",\n", "{\"a\":1", "\"a",
  ])
  func invalid(_ text: String) { #expect(!accepts(Array(text.utf8))) }

  @Test(
    arguments: [
      [0x22, 0xFF, 0x22], [0x22, 0xC0, 0x80, 0x22], [0x22, 0xED, 0xA0, 0x80, 0x22], [0x22, 0xF4, 0x90, 0x80, 0x80, 0x22],
      [0x22, 0xE2, 0x82, 0x22],
    ] as [[UInt8]])
  func notUTF8(_ bytes: [UInt8]) { #expect(!accepts(bytes)) }

  @Test func deepNestingIsRefused() {
    for sign in ["[", "{\"a\":"] { #expect(!accepts(Array(String(repeating: sign, count: 100_000).utf8))) }
    let deep = String(repeating: "[", count: 500) + String(repeating: "]", count: 500)
    #expect(accepts(Array(deep.utf8)))
  }

  /// Foundation is the judge of random mutations of valid texts; it is laxer in nothing that matters here.
  @Test func mutations() {
    var random = Support.Random(4)
    let base = Array("{\"id\":1,\"name\":\"Ž\\u0061\",\"list\":[1.5,-2e3,true,null,{\"x\":\"y\"}]}".utf8)
    let signs = Array("{}[]\",:0-.e\\u t\n".utf8)
    for _ in 0..<20_000 {
      var bytes = base
      for _ in 0..<Int.random(in: 1...3, using: &random) {
        bytes[Int.random(in: 0..<bytes.count, using: &random)] = signs.randomElement(using: &random)!
      }
      if accepts(bytes) {
        #expect(
          (try? JSONSerialization.jsonObject(with: Data(bytes), options: .fragmentsAllowed)) != nil,
          "\(String(decoding: bytes, as: UTF8.self))")
      }
    }
  }

  /// The public JSONTestSuite, where PUMP_JSON_TEST_SUITE names its folder `test_parsing`.
  @Test(.enabled(if: ProcessInfo.processInfo.environment["PUMP_JSON_TEST_SUITE"] != nil)) func publicSuite() throws {
    let folder = ProcessInfo.processInfo.environment["PUMP_JSON_TEST_SUITE"]!
    for name in try FileManager.default.contentsOfDirectory(atPath: folder) where name.hasSuffix(".json") {
      let accepted = accepts([UInt8](FileManager.default.contents(atPath: "\(folder)/\(name)")!))
      if name.hasPrefix("y_") { #expect(accepted, "\(name)") }
      if name.hasPrefix("n_") { #expect(!accepted, "\(name)") }
    }
  }

  private static let order = Shape.record(
    "Order",
    [
      .init("id", .int), .init("amount", .decimal), .init("items", .list(.record("Item", [.init("sku", .string)])), value: "[]"),
      .init("note", Shape.string.optional),
    ])

  @Test(arguments: [
    ("{\"id\":1}", ".amount: missing, expected Decimal"), ("{\"id\":\"x\",\"amount\":1}", ".id: expected Int, found \"x\""),
    ("{\"id\":1,\"amount\":1,\"items\":[{\"sku\":\"a\"},{}]}", ".items[1].sku: missing, expected String"),
    ("{\"id\":01,\"amount\":1}", "not valid JSON at byte 7: found 1,\"amount\":1}"),
    ("{\"id\":1.5,\"amount\":1}", ".id: expected Int, found 1.5"),
    ("{\"id\":9223372036854775808,\"amount\":1}", ".id: expected Int, found 9223372036854775808"),
    ("[]", "the event: expected Order, found []"), ("nope", "not valid JSON at byte 0: found nope"),
    ("{\"id\":1,", "not valid JSON: it ends at byte 8 before it is complete"),
    ("{\"id\":1,\"amount\":null}", ".amount: expected Decimal, found null"),
  ])
  func failuresName(_ text: String, _ message: String) {
    let arena = Arena()
    let copy = arena.copy(text)
    (UnsafeMutablePointer(mutating: copy.base) + copy.count).pointee = 0
    #expect(!Self.order.read(copy, into: Column(Self.order), 0, arena, JSONOptions()))
    #expect(Self.order.explain(copy, JSONOptions()) == message)
  }
}

@Suite struct RegexTests {
  private func find(_ pattern: String, _ text: String) throws -> String? {
    let c = Context()
    return try Fn.find(c.arena.copy(text), c.arena.copy(pattern), c)?.string
  }

  @Test(arguments: [
    ("a+b", "xaaab", "aaab"), ("^a|b$", "cb", "b"), ("[^0-9]+", "12ab3", "ab"), ("(?i)ABC", "xabc", "abc"), ("a{2,3}", "aaaa", "aaa"),
    ("a+?", "aaa", "a"), ("\\bfoo\\b", "a foo b", "foo"),
    ("(ab|a)(c|bcd)", "abcd", "abc"), ("é+", "caféé", "éé"), ("\\d{4}-\\d{2}", "on 2026-11", "2026-11"),
    ("[\\w.]+@\\w+", "mail a.b@c now", "a.b@c"), ("x*", "aaa", ""),
  ])
  func matches(_ pattern: String, _ text: String, _ expected: String) throws { #expect(try find(pattern, text) == expected) }

  @Test(arguments: ["(", "[a", "a{5,2}", "*a", "(?=a)", "\\1", "a**", "\\"]) func problems(_ pattern: String) {
    #expect(throws: EventFailure.self) { try find(pattern, "a") }
  }

  /// What blows up other engines takes linear time here.
  @Test func hostilePattern() throws { #expect(try find("(a+)+$", String(repeating: "a", count: 2000) + "b") == nil) }
}

@Suite struct ConfFileTests {
  /// A value goes on over all indented lines, whatever stands in them.
  @Test func continuedValues() {
    let file = ConfFile(path: "a.conf", text: "[db]\nkey = one\n  two=\n\tthree: four\nother = 5\n")
    #expect(file.problems.isEmpty)
    #expect(file.entries.map(\.key) == ["key", "other"] && file.entries.map(\.value) == ["one\ntwo=\nthree: four", "5"])
    #expect(file.entries.map(\.line) == [2, 5])
  }
}

/// What comes from outside, changed at random: an answer each time, never a crash.
@Suite struct FuzzTests {
  private static func changed(_ text: String, _ random: inout Support.Random) -> [UInt8] {
    var bytes = Array(text.utf8)
    for _ in 0..<Int.random(in: 1...8, using: &random) where !bytes.isEmpty {
      let place = Int.random(in: 0..<bytes.count, using: &random)
      switch Int.random(in: 0..<3, using: &random) {
      case 0: bytes[place] = UInt8.random(in: 0...255, using: &random)
      case 1: bytes.remove(at: place)
      default: bytes.insert(contentsOf: bytes[place...].prefix(20), at: place)
      }
    }
    return bytes
  }

  @Test func configurationFiles() {
    var random = Support.Random(3)
    let text =
      "[general]\nstate=a\n# note\n[connection:db]\npath = ${HOME:-x}\n  more\npool.max=8\nproperties.linger.ms=5\n[shop]\nmin_amount: 500\n"
    for _ in 0..<2000 {
      let file = ConfFile(path: "f.conf", text: String(decoding: Self.changed(text, &random), as: UTF8.self))
      for problem in file.problems { #expect(problem.line > 0 && !problem.message.isEmpty) }
    }
  }

  /// Records read from changed CSV and key=value texts: what is read is valid, whatever came.
  @Test(arguments: ["1,Ada,\"a \"\"b\"\"\",2.50\n", "id=1 name=Ada note=\"x y\" amount=2.50"]) func textRecords(_ text: String) {
    var random = Support.Random(5)
    let shape = Shape.record(
      "R", [.init("id", .int), .init("name", .string), .init("note", Shape.string.optional), .init("amount", .decimal)])
    let format = text.contains("=") ? Formats.make("kv", shape) : Formats.make("csv", shape)
    let context = Context()
    for _ in 0..<5000 {
      let bytes = Self.changed(text, &random)
      let event = bytes.withUnsafeBufferPointer { context.arena.copy($0) }
      let column = Column(shape)
      if format.read(event, into: column, 0, context) == nil {
        let name = column.children[1].get(Text.self, 0)
        #expect(String(validating: name.bytes, as: UTF8.self) != nil)
      }
      context.arena.reset()
    }
  }
}
