extension Context {
  /// The day, week (from Monday on), month or year in a zone that a time lies in: its first microsecond, and that of the next. A
  /// day of the change to or from summer time has an hour less or more.
  package func calendarBounds(_ unit: WindowSpec.Calendar, _ zone: Text, _ t: Timestamp) throws(EventFailure) -> (start: Int64, end: Int64)
  {
    let offset = try zones.offset(zone, at: t)
    let day = Calendar.split(Timestamp(t.micros + offset * 1_000_000)).days
    let (year, month, _) = Calendar.civil(day)
    let first: Int64
    let next: Int64
    switch unit {
    case .day: (first, next) = (day, day + 1)
    case .week:
      first = day - ((day + 3) % 7 + 7) % 7
      next = first + 7
    case .month:
      first = Calendar.days(year, month, 1)
      next = month == 12 ? Calendar.days(year + 1, 1, 1) : Calendar.days(year, month + 1, 1)
    case .year: (first, next) = (Calendar.days(year, 1, 1), Calendar.days(year + 1, 1, 1))
    }
    return (try instant(first, zone), try instant(next, zone))
  }

  /// When a day begins.
  private func instant(_ day: Int64, _ zone: Text) throws(EventFailure) -> Int64 {
    let local = day * 86_400
    return (local - (try zones.offset(zone, local: local))) * 1_000_000
  }
}
