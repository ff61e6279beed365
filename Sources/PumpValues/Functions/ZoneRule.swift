/// The rule after a zone's last transition, as POSIX writes `TZ`: `CET-1CEST,M3.5.0,M10.5.0/3`.
struct ZoneRule {
  /// Seconds east of UTC.
  private let standard: Int64
  private var summer: (offset: Int64, start: Day, end: Day)?

  /// A day of each year, and the second of it, which may lie days before or after.
  private struct Day {
    enum Kind {
      /// Day 1 to 365; February 29 is never counted.
      case julian(Int64)
      /// Day 0 to 365; February 29 is counted.
      case ordinal(Int64)
      /// Weekday 0 (Sunday) to 6 of week 1 to 5 of a month; week 5 is the last.
      case weekday(month: Int64, week: Int64, day: Int64)
    }
    let kind: Kind
    let second: Int64

    /// Local seconds since 1970.
    func seconds(_ year: Int64) -> Int64 {
      let first = Calendar.days(year, 1, 1)
      let day: Int64
      switch kind {
      case .julian(let number): day = first + number - 1 + (number >= 60 && Calendar.length(year, 2) == 29 ? 1 : 0)
      case .ordinal(let number): day = first + number
      case .weekday(let month, let week, let weekday):
        let start = Calendar.days(year, month, 1)
        // 1970-01-01 was a Thursday.
        let place = (weekday - (start + 4) % 7 + 14) % 7 + (week - 1) * 7
        day = start + (place >= Calendar.length(year, month) ? place - 7 : place)
      }
      return day * 86_400 + second
    }
  }

  init?(_ text: [UInt8]) {
    var reader = Reader(text: text)
    guard reader.name(), let west = reader.time() else { return nil }
    standard = -west
    if reader.isAtEnd { return }
    guard reader.name() else { return nil }
    var offset = standard + 3600
    if reader.peek != UInt8(ascii: ",") {
      guard let west = reader.time() else { return nil }
      offset = -west
    }
    guard reader.take(","), let start = reader.day(), reader.take(","), let end = reader.day(), reader.isAtEnd else { return nil }
    summer = (offset, start, end)
  }

  func offset(at seconds: Int64) -> Int64 {
    guard let summer else { return standard }
    let year = Calendar.civil(Fn.floorDivide(seconds + standard, 86_400)).year
    // The last change before counts, of three years: a rule may lie days outside its own. Where both fall together, it
    // is summer all year.
    var last = (at: Int64.min, offset: standard)
    for year in year - 1...year + 1 {
      for (at, offset) in [
        (summer.end.seconds(year) - summer.offset, standard), (summer.start.seconds(year) - standard, summer.offset),
      ] where at <= seconds && (at > last.at || (at == last.at && offset == summer.offset)) { last = (at, offset) }
    }
    return last.offset
  }

  private struct Reader {
    let text: [UInt8]
    var i = 0

    var isAtEnd: Bool { i == text.count }
    var peek: UInt8 { i < text.count ? text[i] : 0 }
    mutating func take(_ sign: Unicode.Scalar) -> Bool {
      guard peek == UInt8(ascii: sign) else { return false }
      i += 1
      return true
    }

    /// `CET` or `<+03>`.
    mutating func name() -> Bool {
      let start = i
      if take("<") {
        while i < text.count, peek != UInt8(ascii: ">") { i += 1 }
        return take(">")
      }
      while peek | 0x20 >= 97, peek | 0x20 <= 122 { i += 1 }
      return i - start >= 3
    }

    private mutating func number() -> Int64? {
      let start = i
      var value: Int64 = 0
      while peek >= 48, peek <= 57, i - start < 4 {
        value = value * 10 + Int64(peek - 48)
        i += 1
      }
      return i > start ? value : nil
    }

    /// `hh[:mm[:ss]]` with a sign, up to a week, in seconds.
    mutating func time() -> Int64? {
      let isNegative = take("-")
      if !isNegative { _ = take("+") }
      guard let hours = number(), hours <= 167 else { return nil }
      var seconds = hours * 3600
      for unit in [Int64(60), 1] where take(":") {
        guard let part = number(), part < 60 else { return nil }
        seconds += part * unit
      }
      return isNegative ? -seconds : seconds
    }

    mutating func day() -> Day? {
      let kind: Day.Kind
      if take("M") {
        guard let month = number(), take("."), let week = number(), take("."), let day = number(), (1...12).contains(month),
          (1...5).contains(week), day <= 6
        else { return nil }
        kind = .weekday(month: month, week: week, day: day)
      } else if take("J") {
        guard let number = number(), (1...365).contains(number) else { return nil }
        kind = .julian(number)
      } else {
        guard let number = number(), number <= 365 else { return nil }
        kind = .ordinal(number)
      }
      guard take("/") else { return Day(kind: kind, second: 7200) }
      return time().map { Day(kind: kind, second: $0) }
    }
  }
}
