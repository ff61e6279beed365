extension Calendar {
  @inlinable public static func split(_ t: Timestamp) -> (days: Int64, micros: Int64) { split(t.micros) }

  /// `2026-01-01`.
  @inlinable public static func day(_ text: Text) -> Day? {
    guard text.count == 10, text[4] == 45, text[7] == 45, let year = digits(text, 0, 4), let month = digits(text, 5, 2),
      let day = digits(text, 8, 2),
      year > 0, month >= 1, month <= 12, day >= 1, day <= length(year, month)
    else { return nil }
    return Day(days(year, month, day))
  }

  @inlinable static func digits(_ text: Text, _ start: Int, _ count: Int) -> Int64? {
    var value: Int64 = 0
    for i in start..<start + count {
      let digit = text[i] &- 48
      guard digit < 10 else { return nil }
      value = value * 10 + Int64(digit)
    }
    return value
  }

  /// RFC 3339 with a zone; a leap second is the first one of the next day, digits beyond microseconds are cut.
  @inlinable public static func timestamp(_ text: Text) -> Timestamp? {
    guard text.count >= 20, let day = day(Text(text.base, 10)), text[10] | 0x20 == UInt8(ascii: "t") || text[10] == 0x20, text[13] == 58,
      text[16] == 58,
      let hour = digits(text, 11, 2), let minute = digits(text, 14, 2), let second = digits(text, 17, 2), hour < 24, minute < 60,
      second <= 60
    else { return nil }
    var micros: Int64 = 0
    var i = 19
    if text[i] == UInt8(ascii: ".") {
      i += 1
      var unit: Int64 = 100_000
      let start = i
      while i < text.count, text[i] &- 48 < 10 {
        micros += Int64(text[i] - 48) * unit
        unit /= 10
        i += 1
      }
      guard i > start else { return nil }
    }
    guard i < text.count else { return nil }
    var offset: Int64 = 0
    if text[i] | 0x20 == UInt8(ascii: "z") {
      i += 1
    } else {
      guard text[i] == UInt8(ascii: "+") || text[i] == UInt8(ascii: "-"), text.count == i + 6, text[i + 3] == 58,
        let hours = digits(text, i + 1, 2), let minutes = digits(text, i + 4, 2), hours < 24, minutes < 60
      else { return nil }
      offset = (hours * 60 + minutes) * (text[i] == UInt8(ascii: "-") ? -1 : 1)
      i += 6
    }
    guard i == text.count else { return nil }
    let seconds = day.days * 86_400 + (hour * 60 + minute - offset) * 60 + second
    guard second < 60 || endsLeapSecond(seconds) else { return nil }
    let value = seconds * 1_000_000 + micros
    return Timestamp.range.contains(value) ? Timestamp(value) : nil
  }

  /// Whether the second before this one may be a leap second: they are the last of a month in UTC (ITU-R TF.460; so far
  /// of June and December).
  @inlinable static func endsLeapSecond(_ seconds: Int64) -> Bool { seconds % 86_400 == 0 && civil(seconds / 86_400).day == 1 }

  /// ISO 8601's units in microseconds, in the order in which they come; the last three stand behind its `T`.
  private static let isoUnits: [(sign: UInt8, micros: Int64)] = [
    (UInt8(ascii: "W"), 604_800_000_000), (UInt8(ascii: "D"), 86_400_000_000), (UInt8(ascii: "H"), 3_600_000_000),
    (UInt8(ascii: "M"), 60_000_000), (UInt8(ascii: "S"), 1_000_000),
  ]

  /// `5s`, `100ms`, `1m30s`, or ISO 8601 such as `PT1H30M` and `P1DT0,5S`: units once each and in their order, a fraction only
  /// in the last. A part may have a sign of its own, as in `P1DT-2H`. Months and years have no fixed length, so they are none.
  public static func duration(_ text: Text) -> Duration? {
    let isNegative = text.count > 0 && text[0] == UInt8(ascii: "-")
    let start = isNegative ? 1 : 0
    let isISO = start < text.count && text[start] == UInt8(ascii: "P")
    let rest = text.slice(start + (isISO ? 1 : 0), text.count - start - (isISO ? 1 : 0))
    guard let value = isISO ? isoDuration(rest) : quantities(rest), let micros = Int64(exactly: isNegative ? -value : value) else {
      return nil
    }
    return Duration(micros)
  }

  private static func quantities(_ text: Text) -> Int128? {
    var value: Int128 = 0
    var i = 0
    while i < text.count {
      let start = i
      while i < text.count, text[i] &- 48 < 10 || text[i] == UInt8(ascii: ".") { i += 1 }
      let unit = i
      while i < text.count, text[i] &- 48 > 9 { i += 1 }
      guard let factor = Quantity.durations[text.slice(unit, i - unit).string],
        let micros = micros(text.slice(start, unit - start).string, factor)
      else { return nil }
      value += micros
    }
    return text.isEmpty ? nil : value
  }

  private static func isoDuration(_ text: Text) -> Int128? {
    var value: Int128 = 0
    var i = 0
    var next = 0
    var (inTime, isEnded) = (false, false)
    while i < text.count {
      if text[i] == UInt8(ascii: "T"), !inTime {
        inTime = true
        next = 2
        i += 1
        guard i < text.count else { return nil }
      }
      let start = i
      if text[i] == UInt8(ascii: "-") { i += 1 }
      let first = i
      while i < text.count, text[i] &- 48 < 10 { i += 1 }
      guard !isEnded, i > first, i < text.count else { return nil }
      var number = text.slice(start, i - start).string
      if text[i] == UInt8(ascii: ".") || text[i] == UInt8(ascii: ",") {
        let digits = i + 1
        i = digits
        while i < text.count, text[i] &- 48 < 10 { i += 1 }
        guard i > digits else { return nil }
        number += "." + text.slice(digits, i - digits).string
        isEnded = true
      }
      guard i < text.count, let unit = isoUnits.indices.first(where: { isoUnits[$0].sign == text[i] && $0 >= next && ($0 >= 2) == inTime }),
        let micros = micros(number, isoUnits[unit].micros)
      else { return nil }
      value += micros
      next = unit + 1
      i += 1
    }
    return text.isEmpty ? nil : value
  }

  /// A number of a unit, rounded half-even to whole microseconds.
  private static func micros(_ number: String, _ factor: Int64) -> Int128? {
    guard number.utf8.count < 20, let number = Decimal(number), let value = try? Decimal.product(number, Decimal(factor)) else {
      return nil
    }
    return value.rounded(0).whole.map { Int128($0) }
  }
}

extension ByteBuffer {
  @inlinable public mutating func day(_ value: Day) {
    let (year, month, day) = Calendar.civil(value.days)
    padded(year, 4)
    byte(45)
    padded(month, 2)
    byte(45)
    padded(day, 2)
  }

  /// RFC 3339 in UTC with 0, 3 or 6 fraction digits.
  @inlinable public mutating func timestamp(_ value: Timestamp) {
    let (days, micros) = Calendar.split(value)
    day(Day(days))
    byte(UInt8(ascii: "T"))
    let seconds = micros / 1_000_000
    padded(seconds / 3600, 2)
    byte(58)
    padded(seconds / 60 % 60, 2)
    byte(58)
    padded(seconds % 60, 2)
    let fraction = micros % 1_000_000
    if fraction != 0 {
      byte(UInt8(ascii: "."))
      if fraction % 1000 == 0 { padded(fraction / 1000, 3) } else { padded(fraction, 6) }
    }
    byte(UInt8(ascii: "Z"))
  }

  /// The largest unit that holds it exactly: `90s`, `1500ms`, `2h`.
  public mutating func duration(_ value: Duration) {
    let units: [(Int64, StaticString)] = [(86_400_000_000, "d"), (3_600_000_000, "h"), (60_000_000, "m"), (1_000_000, "s"), (1000, "ms")]
    if value.micros == 0 { return raw("0s") }
    for (factor, unit) in units where value.micros % factor == 0 {
      int(value.micros / factor)
      return raw(unit)
    }
    int(value.micros)
    raw("us")
  }

  public mutating func uuid(_ value: Uuid) {
    reserve(40)
    for i in 0..<16 {
      if i == 4 || i == 6 || i == 8 || i == 10 { byte(45) }
      let part = UInt8(truncatingIfNeeded: i < 8 ? value.high >> UInt64(56 - 8 * i) : value.low >> UInt64(120 - 8 * i))
      byte(hexDigits[Int(part >> 4)])
      byte(hexDigits[Int(part & 15)])
    }
  }
}
