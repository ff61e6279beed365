extension Context {
  /// The day, week (from Monday on), month or year in a zone that a time lies in: its first microsecond, and that of the next. A
  /// day of the change to or from summer time has an hour less or more. Where clocks go back over midnight, the day has begun when
  /// they first showed it.
  package func calendarBounds(_ unit: WindowSpec.Calendar, _ zone: Text, _ t: Timestamp) throws(EventFailure) -> (start: Int64, end: Int64)
  {
    let offset = try zones.offset(zone, at: t)
    let day = Calendar.split(Timestamp(t.micros + offset * 1_000_000)).days
    let (first, next) = Self.days(of: unit, day)
    let (start, end) = (try instant(first, zone), try instant(next, zone))
    if t.micros < start { return (try instant(Self.days(of: unit, first - 1).first, zone), start) }
    if t.micros >= end { return (end, try instant(Self.days(of: unit, next).next, zone)) }
    return (start, end)
  }

  /// The first day of the unit that a day is in, and that of the next.
  private static func days(of unit: WindowSpec.Calendar, _ day: Int64) -> (first: Int64, next: Int64) {
    let (year, month, _) = Calendar.civil(day)
    switch unit {
    case .day: return (day, day + 1)
    case .week:
      let monday = day - ((day + 3) % 7 + 7) % 7
      return (monday, monday + 7)
    case .month:
      return (Calendar.days(year, month, 1), month == 12 ? Calendar.days(year + 1, 1, 1) : Calendar.days(year, month + 1, 1))
    case .year: return (Calendar.days(year, 1, 1), Calendar.days(year + 1, 1, 1))
    }
  }

  /// When a day begins.
  private func instant(_ day: Int64, _ zone: Text) throws(EventFailure) -> Int64 {
    let local = day * 86_400
    return (local - (try zones.offset(zone, local: local))) * 1_000_000
  }
}
