/// A time as RFC 3164 and CEF write it: `Oct  2 22:14:15`, where a year and a fraction of the second may follow the day and
/// the second.
struct LogTime {
  private let year: Int64?
  private let month: Int64
  private let day: Int64
  /// Of the day, without a zone.
  private let seconds: Int64
  private let micros: Int64
  private static let months = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"].map { Array($0.utf8) }

  /// Reads one at a cursor, which is moved behind it; where none stands, it stays.
  init?(_ cursor: inout LogCursor) {
    var at = cursor
    let name = at.upTo { $0 == 0x20 }
    guard let month = Self.months.firstIndex(where: { name.bytes.elementsEqual($0) }), at.take(0x20) else { return nil }
    // A day of one digit has a blank before it.
    while at.take(0x20) {}
    guard let day = at.digits(2), at.take(0x20) else { return nil }
    while at.take(0x20) {}
    var year: Int64?
    if at.i + 4 < at.text.count, at.text[at.i + 4] == 0x20 {
      year = at.digits(4)
      guard let year, year > 0, at.take(0x20) else { return nil }
    }
    let colon = UInt8(ascii: ":")
    guard let hour = at.digits(2), at.take(colon), let minute = at.digits(2), at.take(colon), let second = at.digits(2), hour < 24,
      minute < 60, second < 60
    else { return nil }
    var micros: Int64 = 0
    if at.take(UInt8(ascii: ".")) {
      let digits = at.upTo { $0 &- 48 > 9 }
      guard !digits.isEmpty else { return nil }
      for place in 0..<6 { micros = micros * 10 + (place < digits.count ? Int64(digits[place] - 48) : 0) }
    }
    // The longest that the month has in any year.
    guard day >= 1, day <= Calendar.length(year ?? 2000, Int64(month + 1)) else { return nil }
    (self.year, self.month, self.day, seconds) = (year, Int64(month + 1), day, hour * 3600 + minute * 60 + second)
    self.micros = micros
    cursor = at
  }

  /// Without a year it is the latest that is not more than a day after now: what was logged in December is read in January,
  /// and the sender's clock may be ahead.
  func timestamp(_ zone: Text, _ c: Context) throws(EventFailure) -> Timestamp {
    func instant(_ year: Int64) throws(EventFailure) -> Int64 {
      let local = Calendar.days(year, month, day) * 86_400 + seconds
      return (local - (try c.zones.offset(zone, local: local))) * 1_000_000 + micros
    }
    if let year { return Timestamp(try instant(year)) }
    // A 29 February may be eight years back.
    let now = Calendar.civil(Calendar.split(c.now.micros).days).year
    for year in stride(from: now + 1, through: max(now - 8, 1), by: -1) where day <= Calendar.length(year, month) {
      let value = try instant(year)
      if value <= c.now.micros + Calendar.dayMicros, Timestamp.range.contains(value) { return Timestamp(value) }
    }
    throw EventFailure("there is no such day in the years up to \(now)")
  }
}
