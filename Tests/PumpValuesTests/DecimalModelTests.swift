import Foundation
import PumpTestSupport
import Testing

@testable import PumpValues

private typealias Number = PumpValues.Decimal

/// Decimal against Python's whole numbers and fractions, which have no limits of their own.
@Suite struct DecimalModelTests {
  /// What the language page says: exact up to 38 digits; `*` and `/` are rounded half to even where they have to be, `/` at
  /// scale 18 at most; what has more than 38 digits before the point, or is no sum of 38 digits, fails.
  private static let model = """
    import sys
    from fractions import Fraction as F
    LIMIT = 10**38 - 1
    def text(value):
        for scale in range(39):
            n = value * 10**scale
            if n.denominator == 1:
                if abs(n) > LIMIT: return "fails"
                digits = str(abs(n.numerator)).rjust(scale + 1, "0")
                whole, rest = digits[:len(digits) - scale], digits[len(digits) - scale:]
                return ("-" if n < 0 else "") + whole + ("." + rest if rest else "")
        return "fails"
    def rounded(value, most):
        for scale in range(most, -1, -1):
            n = round(value * 10**scale)
            if abs(n) <= LIMIT: return text(F(n, 10**scale))
        return "fails"
    def cut(value, digits):
        return F(round(value * 10**digits), 10**digits)
    for line in sys.stdin:
        op, a, b = line.split()
        a, b = F(a), F(b)
        if op in "/%" and b == 0: print("fails")
        elif op == "+": print(text(a + b))
        elif op == "-": print(text(a - b))
        elif op == "*": print(rounded(a * b, 38))
        elif op == "/": print(rounded(a / b, 18))
        elif op == "%": print(text((abs(a) % abs(b)) * (-1 if a < 0 else 1)))
        elif op == "<": print(-1 if a < b else 1 if a > b else 0)
        elif op == "r": print(text(cut(a, int(b))))
        elif op == "f": print(text(F(a.numerator // a.denominator)))
    """

  private static func operand(_ random: inout Support.Random) -> Number {
    if Int.random(in: 0..<6, using: &random) == 0 {
      return [
        "0", "1", "-1", "0.5", "-0.5", "99999999999999999999999999999999999999", "-99999999999999999999999999999999999999",
        "0.00000000000000000000000000000000000001", "0.99999999999999999999999999999999999999", "10000000000000000000000000000000000000",
        "170141183460469231731687303715884105727", "2.5", "1e18", "1e-18", "9999999999999999999.999999999999999999",
      ].compactMap { Number($0) }.randomElement(using: &random)!
    }
    var digits = (0..<Int.random(in: 1...38, using: &random)).map { _ in String(Int.random(in: 0...9, using: &random)) }.joined()
    // Runs of nines and zeros are where carries and halves are.
    if Bool.random(using: &random) { digits = String(digits.map { $0 > "4" ? "9" : $0 > "1" ? "0" : $0 }) }
    var coefficient: Int128 = 0
    for digit in digits.utf8 { coefficient = coefficient * 10 + Int128(digit - 48) }
    // Scales as sums and products leave them: zeros at the end are not always gone.
    return Number(Bool.random(using: &random) ? coefficient : -coefficient, scale: Int32.random(in: 0...38, using: &random))
  }

  @Test("R1, D42: arithmetic of Decimals is exact to 38 digits and never traps") func arithmetic() throws {
    var random = Support.Random(42)
    let c = Context()
    var lines: [String] = []
    var results: [String] = []
    func note(_ op: String, _ a: Number, _ b: Number, _ body: () throws(EventFailure) -> Number) {
      lines.append("\(op) \(a) \(b)")
      do throws(EventFailure) { results.append(try body().description) } catch { results.append("fails") }
    }
    for _ in 0..<6000 {
      let (a, b) = (Self.operand(&random), Self.operand(&random))
      note("+", a, b) { () throws(EventFailure) in try Fn.add(a, b, c) }
      note("-", a, b) { () throws(EventFailure) in try Fn.subtract(a, b, c) }
      note("*", a, b) { () throws(EventFailure) in try Fn.multiply(a, b, c) }
      note("/", a, b) { () throws(EventFailure) in try Fn.divide(a, b, c) }
      note("%", a, b) { () throws(EventFailure) in try Fn.remainder(a, b, c) }
      let digits = Int64.random(in: 0...40, using: &random)
      note("r", a, Number(digits)) { () throws(EventFailure) in try Fn.round(a, digits, c) }
      note("f", a, b) { () throws(EventFailure) in Fn.floor(a, c) }
      lines.append("< \(a) \(b)")
      results.append("\(Number.compare(a, b))")
      #expect((a == b) == (Number.compare(a, b) == 0) && (a != b || a.hashValue == b.hashValue))
    }
    let outcome = try Support.run("/usr/bin/env", ["python3", "-c", Self.model], input: lines.joined(separator: "\n"))
    let expected = outcome.out.split(separator: "\n").map(String.init)
    try #require(expected.count == lines.count, "\(outcome.err)")
    var wrong = 0
    for (index, line) in lines.enumerated() where results[index] != expected[index] && wrong < 10 {
      wrong += 1
      Issue.record("\(line) is \(expected[index]), not \(results[index])")
    }
    #expect(results.count { $0 == "fails" } > 1000 && results.count { $0 != "fails" } > 20_000)
  }

  @Test(
    "D42: what fits 38 digits is read, however it is written",
    arguments: [
      ("1000000000000000000000000000000000000000e-5", "10000000000000000000000000000000000"),
      ("0.100000000000000000000000000000000000000000000000", "0.1"), ("100e36", "100000000000000000000000000000000000000"),
      ("12345678901234567890123456789012345678000e-3", "12345678901234567890123456789012345678"), ("0e999999999999", "0"),
      ("0." + String(repeating: "0", count: 100_004) + "1e100005", "1"),
    ])
  func reading(_ text: String, _ expected: String) {
    if expected.count > 38 { #expect(Number(text) == nil) } else { #expect(Number(text)?.description == expected) }
  }

  @Test(
    "D39: Floats are rounded whatever their size",
    arguments: [
      (0, 2, 0.0), (-0.0, 2, 0), (1e-300, 2, 0), (.leastNonzeroMagnitude, 2, 0), (-1e-300, 2, 0), (1e-20, 20, 1e-20), (1.5e-20, 20, 2e-20),
      (2.345, 2, 2.34),
      (2.355, 2, 2.36),
      (0.5, 0, 0),
      (1.5, 0, 2), (2.5, 0, 2), (-2.5, 0, -2), (1e300, 2, 1e300), (1234567890123456.7, 0, 1234567890123457), (0.1, 400, 0.1),
      (123.456, 1, 123.5),
    ] as [(Double, Int64, Double)])
  func roundedFloats(_ x: Double, _ digits: Int64, _ expected: Double) throws {
    let result = try Fn.round(x, digits, Context())
    #expect(result == expected && (result != 0 || result.sign == .plus))
  }

  @Test(
    "D42: Floats are written with fixed digits whatever their size",
    arguments: [
      (1e-45, 2, "0.00"), (-1e-45, 2, "0.00"), (1.005, 2, "1.00"), (1e22, 1, "10000000000000000000000.0"), (0.125, 2, "0.12"),
      (-2.5, 0, "-2"),
      (.leastNonzeroMagnitude, 18, "0.000000000000000000"), (0, 0, "0"), (0.96, 1, "1.0"), (12.5, 3, "12.500"),
    ] as [(Double, Int64, String)])
  func fixedFloats(_ x: Double, _ digits: Int64, _ expected: String) throws {
    let c = Context()
    #expect(try Fn.toFixed(x, digits, c).string == expected)
  }
}
