import Testing

@testable import PumpValues

/// Durations as text: the language's own, and ISO 8601's.
@Suite struct DurationTests {
  private let arena = Arena()

  private func duration(_ text: String) -> Int64? { Calendar.duration(arena.copy(text))?.micros }

  @Test(arguments: [
    ("PT0.5S", 500_000), ("PT0,5S", 500_000), ("P1DT-1H", 82_800_000_000), ("-PT1H", -3_600_000_000), ("P1W", 604_800_000_000),
    ("P1W2DT3H4M5.000006S", 788_645_000_006), ("PT36H", 129_600_000_000), ("P0D", 0), ("PT1.5H", 5_400_000_000), ("5s", 5_000_000),
    ("1m30s", 90_000_000), ("1.5h", 5_400_000_000), ("100ms", 100_000), ("-5s", -5_000_000),
  ]) func read(_ text: String, _ micros: Int64) { #expect(duration(text) == micros) }

  /// Nothing, no unit, months and years, units that come twice or in another order, fractions before the last.
  @Test(arguments: [
    "", "-", "P", "PT", "P1DT", "P1", "PT1", "P1Y", "P1M", "P1Y2DT1H", "PT1S1H", "PT1H1H", "P1D1W", "P1H", "PT1D", "PT0.5H30M", "P1.5DT1H",
    "PT.5S", "PT5.S", "PT--5S", "PT-S", "P1DTT1H", "+PT1H", "pt1h", "PT1s", "P 1D", "P1D ", "5", "s", "5 s", "5x", "1..5s", "PT1e3S",
    "PT99999999999999999999S", "P9223372036854775807D",
  ]) func refused(_ text: String) { #expect(duration(text) == nil) }
}
