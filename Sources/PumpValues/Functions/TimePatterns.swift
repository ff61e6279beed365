/// `format_time` and `parse_time`: times by patterns such as `%d.%m.%Y %H:%M`.
extension Fn {
  private static let monthNames = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"]
  private static let dayNames = ["Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"]

  public static func formatTime(_ t: Timestamp, _ pattern: Text, _ zone: Text, _ c: Context) throws(EventFailure) -> Text {
    let offset = try c.zones.offset(zone, at: t)
    let local = try time(t.micros + offset * 1_000_000)
    let (days, micros) = Calendar.split(local)
    let (year, month, dayOfMonth) = Calendar.civil(days)
    var unknown: UInt8?
    let text = makeText(c.arena) { out in
      var i = 0
      while i < pattern.count {
        guard pattern[i] == UInt8(ascii: "%"), i + 1 < pattern.count else {
          out.byte(pattern[i])
          i += 1
          continue
        }
        switch pattern[i + 1] {
        case UInt8(ascii: "Y"): out.padded(year, 4)
        case UInt8(ascii: "y"): out.padded(year % 100, 2)
        case UInt8(ascii: "m"): out.padded(month, 2)
        case UInt8(ascii: "d"): out.padded(dayOfMonth, 2)
        case UInt8(ascii: "e"):
          if dayOfMonth < 10 { out.byte(UInt8(ascii: " ")) }
          out.int(dayOfMonth)
        case UInt8(ascii: "H"): out.padded(micros / 3_600_000_000, 2)
        case UInt8(ascii: "M"): out.padded(micros / 60_000_000 % 60, 2)
        case UInt8(ascii: "S"): out.padded(micros / 1_000_000 % 60, 2)
        case UInt8(ascii: "f"): out.padded(micros % 1_000_000, 6)
        case UInt8(ascii: "j"): out.padded(days - Calendar.days(year, 1, 1) + 1, 3)
        case UInt8(ascii: "b"): out.text(monthNames[Int(month) - 1])
        case UInt8(ascii: "a"): out.text(dayNames[Int(weekday(Day(days), c)) - 1])
        case UInt8(ascii: "z"):
          out.byte(offset < 0 ? UInt8(ascii: "-") : UInt8(ascii: "+"))
          out.padded(Swift.abs(offset) / 3600, 2)
          out.padded(Swift.abs(offset) / 60 % 60, 2)
        case UInt8(ascii: "%"): out.byte(UInt8(ascii: "%"))
        default: unknown = pattern[i + 1]
        }
        i += 2
      }
    }
    if let unknown { throw EventFailure("%\(Shape.clean(String(UnicodeScalar(unknown)))) has no meaning in a time's pattern") }
    return text
  }

  /// Numbers have up to as many digits as `format_time` writes, and white space of the pattern stands for any amount of it,
  /// as in C's `strptime`. A local time that a zone has twice is the first of the two, and one that it skips is read by the
  /// offset before.
  public static func parseTime(_ text: Text, _ pattern: Text, _ zone: Text, _ c: Context) throws(EventFailure) -> Timestamp {
    var reader = TimeReader(text: text, pattern: pattern)
    guard let local = try reader.read() else {
      throw EventFailure("\(Shape.excerpt(text, quoted: true)) does not follow \(Shape.excerpt(pattern, quoted: true))")
    }
    let offset: Int64
    if let written = reader.offset { offset = written } else { offset = try c.zones.offset(zone, local: local) }
    let seconds = local - offset
    guard !reader.isLeapSecond || Calendar.endsLeapSecond(seconds) else {
      throw EventFailure("\(Shape.excerpt(text, quoted: true)) has a second 60 where there is no leap second")
    }
    return try time(seconds * 1_000_000 + reader.micros)
  }

  /// One reading of a text by a pattern.
  private struct TimeReader {
    let text: Text
    let pattern: Text
    private var i = 0
    /// Seconds east of UTC, where the text says so.
    private(set) var offset: Int64?
    private(set) var micros: Int64 = 0
    private(set) var isLeapSecond = false

    init(text: Text, pattern: Text) {
      self.text = text
      self.pattern = pattern
    }

    /// Local seconds since 1970; nil if the text does not follow the pattern.
    mutating func read() throws(EventFailure) -> Int64? {
      var (year, month, day): (Int64, Int64, Int64) = (1970, 1, 1)
      var (hour, minute, second): (Int64, Int64, Int64) = (0, 0, 0)
      var at = 0
      while at < pattern.count {
        let sign = pattern[at]
        guard sign == UInt8(ascii: "%"), at + 1 < pattern.count else {
          at += 1
          if Fn.isSpace(sign) {
            guard i < text.count, Fn.isSpace(text[i]) else { return nil }
            skipSpace()
            while at < pattern.count, Fn.isSpace(pattern[at]) { at += 1 }
          } else {
            guard take(sign) else { return nil }
          }
          continue
        }
        at += 2
        var value: Int64? = 0
        switch pattern[at - 1] {
        case UInt8(ascii: "Y"):
          value = number(4, exact: true)
          year = value ?? 0
        case UInt8(ascii: "m"):
          value = number(2)
          month = value ?? 0
        case UInt8(ascii: "d"), UInt8(ascii: "e"):
          skipSpace()
          value = number(2)
          day = value ?? 0
        case UInt8(ascii: "H"):
          value = number(2)
          hour = value ?? 0
        case UInt8(ascii: "M"):
          value = number(2)
          minute = value ?? 0
        case UInt8(ascii: "S"):
          value = number(2)
          second = value ?? 0
        case UInt8(ascii: "f"): value = fraction()
        case UInt8(ascii: "b"):
          value = name(Fn.monthNames)
          month = value ?? 0
        case UInt8(ascii: "a"): value = name(Fn.dayNames)
        case UInt8(ascii: "z"):
          value = zoneOffset()
          offset = value
        case UInt8(ascii: "%"): if !take(UInt8(ascii: "%")) { return nil }
        case let other: throw EventFailure("%\(Shape.clean(String(UnicodeScalar(other)))) has no meaning when a time is read")
        }
        if value == nil { return nil }
      }
      guard i == text.count, (1...12).contains(month), day >= 1, year >= 1, day <= Calendar.length(year, month), hour < 24, minute < 60,
        second <= 60
      else { return nil }
      isLeapSecond = second == 60
      return Calendar.days(year, month, day) * 86_400 + (hour * 60 + minute) * 60 + second
    }

    private mutating func take(_ byte: UInt8) -> Bool {
      guard i < text.count, text[i] == byte else { return false }
      i += 1
      return true
    }
    private mutating func skipSpace() { while i < text.count, Fn.isSpace(text[i]) { i += 1 } }

    private mutating func number(_ width: Int, exact: Bool = false) -> Int64? {
      var value: Int64 = 0
      let start = i
      while i < text.count, i - start < width, text[i] &- 48 < 10 {
        value = value * 10 + Int64(text[i] - 48)
        i += 1
      }
      return exact ? (i - start == width ? value : nil) : (i > start ? value : nil)
    }

    /// Up to nine digits; those beyond microseconds are cut.
    private mutating func fraction() -> Int64? {
      var unit: Int64 = 100_000
      let start = i
      while i < text.count, i - start < 9, text[i] &- 48 < 10 {
        micros += Int64(text[i] - 48) * unit
        unit /= 10
        i += 1
      }
      return i > start ? micros : nil
    }

    /// The number of a name, from 1.
    private mutating func name(_ names: [String]) -> Int64? {
      guard i + 3 <= text.count, let index = names.firstIndex(of: text.slice(i, 3).string) else { return nil }
      i += 3
      return Int64(index + 1)
    }

    /// `Z`, `+01:00` or `+0100`, in seconds.
    private mutating func zoneOffset() -> Int64? {
      if take(UInt8(ascii: "Z")) { return 0 }
      let isWest = take(UInt8(ascii: "-"))
      guard isWest || take(UInt8(ascii: "+")), let hours = number(2, exact: true) else { return nil }
      _ = take(UInt8(ascii: ":"))
      guard let minutes = number(2, exact: true), hours < 24, minutes < 60 else { return nil }
      return (hours * 3600 + minutes * 60) * (isWest ? -1 : 1)
    }
  }

  // MARK: Registration

  @inlinable public static func register<T: FunctionRegistry>(timePatterns t: inout T) {
    t.add("format_time") { (x: Timestamp, p: Text, z: Text, c) throws(EventFailure) in try Fn.formatTime(x, p, z, c) }
    t.add("parse_time") { (x: Text, p: Text, z: Text, c) throws(EventFailure) in try Fn.parseTime(x, p, z, c) }
  }
}
