#if PostgreSQL
import PumpConnectorKit

/// Up to which row of an order can be read, so that none before it comes later.
///
/// A row may get its number before another one and be committed after it. What is there up to the newest row that is seen is
/// whole once all transactions have ended that had begun by then: whoever begins later gets a higher number. Numbers that a
/// transaction takes before it writes anything at all, or that sessions keep for later (`CACHE`), stay outside of this.
struct SettledRows {
  /// The newest row of an earlier look, and the first transaction that had not begun then.
  private var horizon: (next: Int64, key: [String])?
  private var heldSince: Int64?
  private var isTold = false

  /// Outside of a transaction: the newest row, by a statement that finds it, unless an earlier one still waits. False if
  /// there is none.
  mutating func look(_ client: Client, _ newest: String) throws(RunFailure) -> Bool {
    if horizon != nil { return true }
    let found = try client.run("\(SQL.settings("SET LOCAL")); \(newest)")
    if found.rows == 0 { return false }
    // Only after that: a transaction that has begun since does no harm. A snapshot alone does not tell of those that began
    // last and have not ended; the age of the first transaction counts from the next one.
    let numbers = try client.run("SELECT age('3'::xid), pg_snapshot_xmin(pg_current_snapshot())::text")
    let oldest = Int64(numbers.text(0, 1) ?? "") ?? 0
    let age = Int32(numbers.text(0, 0) ?? "") ?? 0
    let next = 3 &+ UInt32(bitPattern: age)
    // Numbers of transactions have 32 bits there and 64 here.
    let distance = Int32(bitPattern: next &- UInt32(truncatingIfNeeded: oldest))
    horizon = (oldest + Int64(distance), (0..<found.columns.count).map { found.text(0, $0) ?? "" })
    return true
  }

  /// Within a transaction of one snapshot: the key of the last row that can be read in it, nil if others may still commit
  /// rows before that.
  mutating func reached(_ client: Client) throws(RunFailure) -> [String]? {
    let oldest = try client.run("SELECT pg_snapshot_xmin(pg_current_snapshot())::text").text(0, 0).flatMap { Int64($0) } ?? 0
    guard let horizon, horizon.next <= oldest else {
      heldSince = heldSince ?? monotonicMicros()
      return nil
    }
    (heldSince, isTold) = (nil, false)
    return horizon.key
  }

  /// All up to the newest row was read.
  mutating func done() { horizon = nil }

  /// True once, when rows have waited for half a minute.
  mutating func isLong() -> Bool {
    guard let heldSince, !isTold, monotonicMicros() - heldSince > 30_000_000 else { return false }
    isTold = true
    return true
  }
}
#endif
