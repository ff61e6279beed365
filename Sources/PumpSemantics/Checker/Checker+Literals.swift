import PumpPlan
import PumpSyntax

/// Literals to values; the lexer has checked their form, here their range is.
enum LiteralReader {
  /// Days since 1970 of `2026-01-01`, nil if the day is not in the calendar.
  static func date(_ text: String) -> Int64? {
    let parts = text.split(separator: "-").compactMap { Int64($0) }
    guard parts.count == 3, parts[0] >= 1, (1...12).contains(parts[1]), parts[2] >= 1, parts[2] <= Calendar.length(parts[0], parts[1])
    else { return nil }
    return Calendar.days(parts[0], parts[1], parts[2])
  }

  /// Microseconds since 1970 of `2026-01-01T00:00:00.5+02:00`.
  static func timestamp(_ text: String) -> Int64? {
    guard let days = date(String(text.prefix(10))) else { return nil }
    var rest = text.dropFirst(11)
    var offset: Int64 = 0
    if rest.hasSuffix("Z") {
      rest = rest.dropLast()
    } else if let sign = rest.lastIndex(where: { $0 == "+" || $0 == "-" }) {
      let zone = rest[rest.index(after: sign)...].split(separator: ":").compactMap { Int64($0) }
      guard let hours = zone.first, hours < 24, zone.count < 2 || zone[1] < 60 else { return nil }
      offset = (hours * 60 + (zone.count > 1 ? zone[1] : 0)) * 60_000_000 * (rest[sign] == "-" ? -1 : 1)
      rest = rest[..<sign]
    }
    let parts = rest.split(separator: ":")
    guard parts.count == 3, let hour = Int64(parts[0]), let minute = Int64(parts[1]), hour < 24, minute < 60 else { return nil }
    let seconds = parts[2].split(separator: ".")
    guard let second = seconds.first.flatMap({ Int64($0) }), second < 60 else { return nil }
    var micros: Int64 = 0
    if seconds.count > 1 {
      guard let fraction = Int64(String((seconds[1] + "000000").prefix(6))) else { return nil }
      micros = fraction
    }
    let value = days * Calendar.dayMicros + ((hour * 60 + minute) * 60 + second) * 1_000_000 + micros - offset
    return Calendar.timestamps.contains(value) ? value : nil
  }
}

extension Checker {
  func literal(_ literal: ExprSyntax.Literal, _ span: Span, expecting: Type?) -> Expr {
    func bad(_ message: String, _ help: String) -> Expr {
      report(.badValue, span, message, help: help)
      return Expr(.literal(.null), .erroneous)
    }
    switch literal {
    case .null: return Expr(.literal(.null), .null)
    case .bool(let value): return Expr(.literal(.bool(value)), .bool)
    case .integer(let digits):
      if expecting?.wrapped == .float, let value = Double(digits) { return Expr(.literal(.float(value)), .float) }
      if expecting?.wrapped == .decimal, digits.count <= 38 { return Expr(.literal(.decimal(digits)), .decimal) }
      guard let value = Int64(digits) else { return bad("`\(digits)` does not fit 64 bits", "use a Decimal by adding `.0`") }
      return Expr(.literal(.int(value)), .int)
    case .fraction(let digits):
      if expecting?.wrapped == .float {
        guard let value = Double(digits), value.isFinite else { return bad("`\(digits)` is no Float that fits", "use a smaller one") }
        return Expr(.literal(.float(value)), .float)
      }
      guard let plain = plainDecimal(digits) else { return bad("`\(digits)` has more than 38 digits", "use a Float") }
      return Expr(.literal(.decimal(plain)), .decimal)
    case .duration(let text):
      guard let value = Quantity.duration(text) else { return bad("`\(text)` is no duration that fits", "use a smaller one") }
      return Expr(.literal(.duration(value)), .duration)
    case .size(let text):
      guard let value = Quantity.size(text) else { return bad("`\(text)` is no size that fits", "use a smaller one") }
      return Expr(.literal(.size(value)), .size)
    case .date(let text):
      guard let value = LiteralReader.date(text) else { return bad("`\(text)` is not in the calendar", "write year-month-day") }
      return Expr(.literal(.date(value)), .date)
    case .timestamp(let text):
      guard let value = LiteralReader.timestamp(text) else {
        return bad("`\(text)` is not in the calendar", "write `2026-01-01T00:00:00Z`")
      }
      return Expr(.literal(.timestamp(value)), .timestamp)
    case .regex(let text): return Expr(.literal(.string(text)), .string)
    }
  }

  /// Digits without exponent, at most 38 of them.
  func plainDecimal(_ text: String) -> String? {
    let parts = text.lowercased().split(separator: "e")
    guard let exponent = parts.count > 1 ? Int(parts[1]) : 0, abs(exponent) <= 40 else { return nil }
    let sides = parts[0].split(separator: ".", omittingEmptySubsequences: false)
    var whole = String(sides[0])
    var fraction = sides.count > 1 ? String(sides[1]) : ""
    if exponent > 0 {
      fraction += String(repeating: "0", count: max(0, exponent - fraction.count))
      whole += fraction.prefix(exponent)
      fraction = String(fraction.dropFirst(exponent))
    } else if exponent < 0 {
      whole = String(repeating: "0", count: max(0, -exponent - whole.count + 1)) + whole
      fraction = whole.suffix(-exponent) + fraction
      whole = String(whole.dropLast(-exponent))
    }
    while whole.count > 1, whole.first == "0" { whole.removeFirst() }
    while fraction.last == "0" { fraction.removeLast() }
    guard whole.count + fraction.count <= 38 else { return nil }
    return fraction.isEmpty ? whole : "\(whole).\(fraction)"
  }
}
