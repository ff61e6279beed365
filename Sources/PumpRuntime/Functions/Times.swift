import Glibc

extension Fn {
  @inlinable public static func now(_ c: Context) -> Timestamp { c.now }
  public static func year(_ d: Day, _ c: Context) -> Int64 { Calendar.civil(d.days).year }
  public static func month(_ d: Day, _ c: Context) -> Int64 { Calendar.civil(d.days).month }
  public static func day(_ d: Day, _ c: Context) -> Int64 { Calendar.civil(d.days).day }
  public static func weekday(_ d: Day, _ c: Context) -> Int64 { ((d.days + 3) % 7 + 7) % 7 + 1 }
  public static func dayOfYear(_ d: Day, _ c: Context) -> Int64 { d.days - Calendar.days(Calendar.civil(d.days).year, 1, 1) + 1 }
  public static func date(_ t: Timestamp, _ c: Context) -> Day { Day(Calendar.split(t).days) }
  public static func timestamp(_ d: Day, _ c: Context) -> Timestamp { Timestamp(d.days * Calendar.dayMicros) }
  public static func year(_ t: Timestamp, _ c: Context) -> Int64 { year(date(t, c), c) }
  public static func month(_ t: Timestamp, _ c: Context) -> Int64 { month(date(t, c), c) }
  public static func day(_ t: Timestamp, _ c: Context) -> Int64 { day(date(t, c), c) }
  public static func weekday(_ t: Timestamp, _ c: Context) -> Int64 { weekday(date(t, c), c) }
  public static func dayOfYear(_ t: Timestamp, _ c: Context) -> Int64 { dayOfYear(date(t, c), c) }
  public static func hour(_ t: Timestamp, _ c: Context) -> Int64 { Calendar.split(t).micros / 3_600_000_000 }
  public static func minute(_ t: Timestamp, _ c: Context) -> Int64 { Calendar.split(t).micros / 60_000_000 % 60 }
  public static func second(_ t: Timestamp, _ c: Context) -> Int64 { Calendar.split(t).micros / 1_000_000 % 60 }
  public static func floorTo(_ t: Timestamp, _ step: Duration, _ c: Context) throws(EventFailure) -> Timestamp {
    guard step.micros > 0 else { throw EventFailure("a step must be longer than nothing") }
    let rest = t.micros % step.micros
    return Timestamp(t.micros - (rest < 0 ? rest + step.micros : rest))
  }
  public static func addMonths(_ d: Day, _ months: Int64, _ c: Context) throws(EventFailure) -> Day {
    let (year, month, day) = Calendar.civil(d.days)
    guard Swift.abs(months) < 200_000 else { throw EventFailure("\(months) months lead outside the years 1 to 9999") }
    let total = year * 12 + month - 1 + months
    let (y, m) = (total / 12, total % 12 + 1)
    guard (1...9999).contains(y) else { throw EventFailure("\(months) months lead outside the years 1 to 9999") }
    return Day(Calendar.days(y, m, Swift.min(day, Calendar.length(y, m))))
  }
  public static func addMonths(_ t: Timestamp, _ months: Int64, _ c: Context) throws(EventFailure) -> Timestamp {
    Timestamp(try addMonths(date(t, c), months, c).days * Calendar.dayMicros + Calendar.split(t).micros)
  }
  public static func daysBetween(_ from: Day, _ to: Day, _ c: Context) -> Int64 { to.days - from.days }
  private static func floorDivide(_ a: Int64, _ b: Int64) -> Int64 { a >= 0 ? a / b : -((-a + b - 1) / b) }
  public static func epochS(_ t: Timestamp, _ c: Context) -> Int64 { floorDivide(t.micros, 1_000_000) }
  public static func epochMs(_ t: Timestamp, _ c: Context) -> Int64 { floorDivide(t.micros, 1000) }
  public static func fromEpochS(_ seconds: Int64, _ c: Context) throws(EventFailure) -> Timestamp {
    try time(multiply(seconds, 1_000_000, c))
  }
  public static func fromEpochMs(_ millis: Int64, _ c: Context) throws(EventFailure) -> Timestamp { try time(multiply(millis, 1000, c)) }
  public static func toTimestamp(_ text: Text, _ c: Context) throws(EventFailure) -> Timestamp {
    guard let value = Calendar.timestamp(text) else {
      throw EventFailure("\(Shape.excerpt(text, quoted: true)) is no timestamp such as 2026-01-01T00:00:00Z")
    }
    return value
  }
  public static func toDate(_ text: Text, _ c: Context) throws(EventFailure) -> Day {
    guard let value = Calendar.day(text) else { throw EventFailure("\(Shape.excerpt(text, quoted: true)) is no date such as 2026-01-01") }
    return value
  }
  public static func toSeconds(_ d: Duration, _ c: Context) -> Double { Double(d.micros) / 1_000_000 }
  public static func toMillis(_ d: Duration, _ c: Context) -> Int64 { d.micros / 1000 }
  public static func seconds(_ count: Int64, _ c: Context) throws(EventFailure) -> Duration { Duration(try multiply(count, 1_000_000, c)) }
  public static func millis(_ count: Int64, _ c: Context) throws(EventFailure) -> Duration { Duration(try multiply(count, 1000, c)) }

  // MARK: Patterns

  private static let monthNames = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"]
  private static let dayNames = ["Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"]

  public static func formatTime(_ t: Timestamp, _ pattern: Text, _ zone: Text, _ c: Context) throws(EventFailure) -> Text {
    let offset = try c.zones.offset(zone, at: t)
    let local = Timestamp(t.micros + offset * 1_000_000)
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

  public static func parseTime(_ text: Text, _ pattern: Text, _ c: Context) throws(EventFailure) -> Timestamp {
    var (year, month, day): (Int64, Int64, Int64) = (1970, 1, 1)
    var (hour, minute, second, micros, offset): (Int64, Int64, Int64, Int64, Int64) = (0, 0, 0, 0, 0)
    var i = 0
    func fail() -> EventFailure {
      EventFailure("\(Shape.excerpt(text, quoted: true)) does not follow \(Shape.excerpt(pattern, quoted: true))")
    }
    func number(_ width: Int) throws(EventFailure) -> Int64 {
      guard i + width <= text.count, let value = Calendar.digits(text, i, width) else { throw fail() }
      i += width
      return value
    }
    var at = 0
    while at < pattern.count {
      guard pattern[at] == UInt8(ascii: "%"), at + 1 < pattern.count else {
        guard i < text.count, text[i] == pattern[at] else { throw fail() }
        i += 1
        at += 1
        continue
      }
      switch pattern[at + 1] {
      case UInt8(ascii: "Y"): year = try number(4)
      case UInt8(ascii: "m"): month = try number(2)
      case UInt8(ascii: "d"): day = try number(2)
      case UInt8(ascii: "H"): hour = try number(2)
      case UInt8(ascii: "M"): minute = try number(2)
      case UInt8(ascii: "S"): second = try number(2)
      case UInt8(ascii: "f"):
        let start = i
        var unit: Int64 = 100_000
        while i < text.count, i - start < 6, text[i] &- 48 < 10 {
          micros += Int64(text[i] - 48) * unit
          unit /= 10
          i += 1
        }
        guard i > start else { throw fail() }
      case UInt8(ascii: "b"):
        guard i + 3 <= text.count, let index = monthNames.firstIndex(of: text.slice(i, 3).string) else { throw fail() }
        month = Int64(index + 1)
        i += 3
      case UInt8(ascii: "z"):
        guard i < text.count else { throw fail() }
        if text[i] == UInt8(ascii: "Z") {
          i += 1
        } else {
          let negative = text[i] == UInt8(ascii: "-")
          guard negative || text[i] == UInt8(ascii: "+") else { throw fail() }
          i += 1
          let hours = try number(2)
          if i < text.count, text[i] == 58 { i += 1 }
          offset = (hours * 3600 + (try number(2)) * 60) * (negative ? -1 : 1)
        }
      default:
        guard pattern[at + 1] == UInt8(ascii: "%"), i < text.count, text[i] == UInt8(ascii: "%") else { throw fail() }
        i += 1
      }
      at += 2
    }
    guard i == text.count, (1...12).contains(month), day >= 1, year >= 1, day <= Calendar.length(year, month), hour < 24, minute < 60,
      second < 60
    else { throw fail() }
    return try time(
      Calendar.days(year, month, day) * Calendar.dayMicros + ((hour * 60 + minute) * 60 + second - offset) * 1_000_000 + micros)
  }
}

/// Offsets of time zones, read from the system's zoneinfo (RFC 8536) and kept.
struct Zones {
  private var known: [String: [(from: Int64, offset: Int64)]] = ["UTC": [(Int64.min, 0)]]

  /// Seconds east of UTC.
  mutating func offset(_ zone: Text, at t: Timestamp) throws(EventFailure) -> Int64 {
    let name = zone.string
    if known[name] == nil { known[name] = Zones.load(name) }
    guard let table = known[name], !table.isEmpty else { throw EventFailure("there is no time zone \(Shape.excerpt(zone, quoted: true))") }
    let seconds = Calendar.split(t).days * 86_400 + Calendar.split(t).micros / 1_000_000
    var (low, high) = (0, table.count - 1)
    while low < high {
      let middle = (low + high + 1) / 2
      if table[middle].from <= seconds { low = middle } else { high = middle - 1 }
    }
    return table[low].offset
  }

  /// The 64-bit part of a TZif file; empty where there is none. A name is never a path out of the folder.
  private static func load(_ name: String) -> [(from: Int64, offset: Int64)] {
    let allowed = name.utf8.allSatisfy {
      ($0 | 0x20 >= 97 && $0 | 0x20 <= 122) || ($0 >= 48 && $0 <= 57) || $0 == 47 || $0 == 95 || $0 == 45 || $0 == 43
    }
    guard allowed, !name.isEmpty, !name.hasPrefix("/"), let bytes = try? readWholeFile("/usr/share/zoneinfo/\(name)", limit: 1 << 20) else {
      return []
    }
    func number(_ at: Int, _ size: Int) -> Int64 {
      guard at + size <= bytes.count else { return 0 }
      var value: Int64 = size == 4 ? Int64(Int8(bitPattern: bytes[at])) : 0
      if size == 4 {
        for i in 1..<4 { value = value << 8 | Int64(bytes[at + i]) }
      } else {
        for i in 0..<size { value = value << 8 | Int64(bytes[at + i]) }
      }
      return value
    }
    guard bytes.count > 88, bytes.starts(with: Array("TZif".utf8)), bytes[4] >= UInt8(ascii: "2") else { return [] }
    func counts(_ at: Int) -> (isUT: Int, isStd: Int, leap: Int, time: Int, type: Int, char: Int) {
      (
        Int(number(at + 20, 4)), Int(number(at + 24, 4)), Int(number(at + 28, 4)), Int(number(at + 32, 4)), Int(number(at + 36, 4)),
        Int(number(at + 40, 4))
      )
    }
    let first = counts(0)
    let second = 44 + first.time * 5 + first.type * 6 + first.char + first.leap * 8 + first.isStd + first.isUT
    let header = counts(second)
    let times = second + 44
    let indices = times + header.time * 8
    let types = indices + header.time
    guard header.type > 0, types + header.type * 6 <= bytes.count else { return [] }
    func offset(_ type: Int) -> Int64 { number(types + type * 6, 4) }
    var table = [(from: Int64.min, offset: offset(0))]
    for i in 0..<header.time { table.append((number(times + i * 8, 8), offset(Int(bytes[indices + i])))) }
    return table
  }
}
