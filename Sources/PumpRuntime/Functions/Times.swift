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
    return try time(subtract(t.micros, rest < 0 ? rest + step.micros : rest, c))
  }
  public static func addMonths(_ d: Day, _ months: Int64, _ c: Context) throws(EventFailure) -> Day {
    let (year, month, day) = Calendar.civil(d.days)
    guard (-200_000...200_000).contains(months) else { throw EventFailure("\(months) months lead outside the years 1 to 9999") }
    let total = year * 12 + month - 1 + months
    let (y, m) = (total / 12, total % 12 + 1)
    guard (1...9999).contains(y) else { throw EventFailure("\(months) months lead outside the years 1 to 9999") }
    return Day(Calendar.days(y, m, Swift.min(day, Calendar.length(y, m))))
  }
  public static func addMonths(_ t: Timestamp, _ months: Int64, _ c: Context) throws(EventFailure) -> Timestamp {
    Timestamp(try addMonths(date(t, c), months, c).days * Calendar.dayMicros + Calendar.split(t).micros)
  }
  public static func daysBetween(_ from: Day, _ to: Day, _ c: Context) -> Int64 { to.days - from.days }
  static func floorDivide(_ a: Int64, _ b: Int64) -> Int64 { a >= 0 ? a / b : -((-a + b - 1) / b) }
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

  // MARK: Registration

  @inlinable public static func register<T: FunctionRegistry>(times t: inout T) {
    t.add("now") { c -> Timestamp in Fn.now(c) }
    t.add("year") { (x: Timestamp, c) in Fn.year(x, c) }
    t.add("year") { (x: Day, c) in Fn.year(x, c) }
    t.add("month") { (x: Timestamp, c) in Fn.month(x, c) }
    t.add("month") { (x: Day, c) in Fn.month(x, c) }
    t.add("day") { (x: Timestamp, c) in Fn.day(x, c) }
    t.add("day") { (x: Day, c) in Fn.day(x, c) }
    t.add("hour") { (x: Timestamp, c) in Fn.hour(x, c) }
    t.add("minute") { (x: Timestamp, c) in Fn.minute(x, c) }
    t.add("second") { (x: Timestamp, c) in Fn.second(x, c) }
    t.add("weekday") { (x: Timestamp, c) in Fn.weekday(x, c) }
    t.add("weekday") { (x: Day, c) in Fn.weekday(x, c) }
    t.add("day_of_year") { (x: Timestamp, c) in Fn.dayOfYear(x, c) }
    t.add("day_of_year") { (x: Day, c) in Fn.dayOfYear(x, c) }
    t.add("date") { (x: Timestamp, c) in Fn.date(x, c) }
    t.add("timestamp") { (x: Day, c) in Fn.timestamp(x, c) }
    t.add("floor_to") { (x: Timestamp, d: Duration, c) throws(EventFailure) in try Fn.floorTo(x, d, c) }
    t.add("add_months") { (x: Day, n: Int64, c) throws(EventFailure) in try Fn.addMonths(x, n, c) }
    t.add("add_months") { (x: Timestamp, n: Int64, c) throws(EventFailure) in try Fn.addMonths(x, n, c) }
    t.add("days_between") { (a: Day, b: Day, c) in Fn.daysBetween(a, b, c) }
    t.add("epoch_s") { (x: Timestamp, c) in Fn.epochS(x, c) }
    t.add("epoch_ms") { (x: Timestamp, c) in Fn.epochMs(x, c) }
    t.add("from_epoch_s") { (x: Int64, c) throws(EventFailure) in try Fn.fromEpochS(x, c) }
    t.add("from_epoch_ms") { (x: Int64, c) throws(EventFailure) in try Fn.fromEpochMs(x, c) }
    t.add("to_timestamp") { (x: Text, c) throws(EventFailure) in try Fn.toTimestamp(x, c) }
    t.add("to_date") { (x: Text, c) throws(EventFailure) in try Fn.toDate(x, c) }
    t.add("to_seconds") { (x: Duration, c) in Fn.toSeconds(x, c) }
    t.add("to_millis") { (x: Duration, c) in Fn.toMillis(x, c) }
    t.add("seconds") { (x: Int64, c) throws(EventFailure) in try Fn.seconds(x, c) }
    t.add("millis") { (x: Int64, c) throws(EventFailure) in try Fn.millis(x, c) }
  }
}
