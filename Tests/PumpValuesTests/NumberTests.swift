import Foundation
import PumpTestSupport
import Testing

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
