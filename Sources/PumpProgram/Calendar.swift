/// The proleptic Gregorian calendar, by days since 1970 (Howard Hinnant's algorithms).
public enum Calendar {
  @inlinable public static func civil(_ days: Int64) -> (year: Int64, month: Int64, day: Int64) {
    let z = days + 719_468
    let era = (z >= 0 ? z : z - 146_096) / 146_097
    let doe = z - era * 146_097
    let yoe = (doe - doe / 1460 + doe / 36_524 - doe / 146_096) / 365
    let doy = doe - (365 * yoe + yoe / 4 - yoe / 100)
    let mp = (5 * doy + 2) / 153
    let month = mp < 10 ? mp + 3 : mp - 9
    return (yoe + era * 400 + (month <= 2 ? 1 : 0), month, doy - (153 * mp + 2) / 5 + 1)
  }

  @inlinable public static func days(_ year: Int64, _ month: Int64, _ day: Int64) -> Int64 {
    let y = month <= 2 ? year - 1 : year
    let era = (y >= 0 ? y : y - 399) / 400
    let yoe = y - era * 400
    let doy = (153 * (month + (month > 2 ? -3 : 9)) + 2) / 5 + day - 1
    return era * 146_097 + yoe * 365 + yoe / 4 - yoe / 100 + doy - 719_468
  }

  @inlinable public static func length(_ year: Int64, _ month: Int64) -> Int64 {
    switch month {
    case 2: year % 4 == 0 && (year % 100 != 0 || year % 400 == 0) ? 29 : 28
    case 4, 6, 9, 11: 30
    default: 31
    }
  }

  /// The microseconds since 1970 of the years 1 to 9999, in UTC: what a timestamp can be.
  @inlinable public static var timestamps: ClosedRange<Int64> { -62_135_596_800_000_000...253_402_300_799_999_999 }

  @inlinable public static var dayMicros: Int64 { 86_400_000_000 }

  /// The day of microseconds since 1970, and the microseconds since it began.
  @inlinable public static func split(_ time: Int64) -> (days: Int64, micros: Int64) {
    let days = time >= 0 ? time / 86_400_000_000 : -((-time - 1) / 86_400_000_000) - 1
    return (days, time - days * 86_400_000_000)
  }
}
