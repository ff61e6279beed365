#if PostgreSQL
import PumpRuntime

/// Which rows of an order can be read, so that none before them comes later.
///
/// A row may get its number before another one and be committed after it. What a snapshot shows is whole up to its newest row
/// once all transactions have ended that were under way then: whoever begins later gets a higher number. Numbers that a
/// transaction takes before it writes anything at all, or that sessions keep for later (`CACHE`), stay outside of this.
struct SettledRows {
  enum Reach {
    case all
    case upTo([String])
    /// Others may still commit rows before those that are there.
    case nothing
  }

  /// The newest row of an earlier look, and the first transaction that had not begun then.
  private var horizon: (next: Int64, key: [String])?
  private var heldSince: Int64?
  private var isTold = false

  /// Within a transaction of one snapshot; `newest` gives the SQL that finds the key of the newest row behind a key.
  mutating func reach(_ client: Client, _ last: [String]?, newest: ([String]?) -> String) throws(RunFailure) -> Reach {
    let snapshot = try client.run("SELECT pg_snapshot_xmin(s)::text, pg_snapshot_xmax(s)::text FROM pg_current_snapshot() AS s")
    let oldest = Int64(snapshot.text(0, 0) ?? "") ?? 0
    let next = Int64(snapshot.text(0, 1) ?? "") ?? 0
    if oldest == next {
      (horizon, heldSince) = (nil, nil)
      return .all
    }
    var reached: [String]?
    if let horizon, horizon.next <= oldest { reached = horizon.key }
    if horizon == nil || reached != nil {
      let found = try client.run(newest(reached ?? last))
      horizon = found.rows == 0 ? nil : (next, (0..<found.columns.count).map { found.text(0, $0) ?? "" })
    }
    heldSince = reached == nil && horizon != nil ? heldSince ?? currentMicros() : nil
    if let reached { return .upTo(reached) }
    // Without rows there is nothing to wait for.
    return horizon == nil ? .all : .nothing
  }

  /// True once, when rows wait for half a minute.
  var isLong: Bool {
    mutating get {
      guard let heldSince else {
        isTold = false
        return false
      }
      defer { isTold = isTold || currentMicros() - heldSince > 30_000_000 }
      return !isTold && currentMicros() - heldSince > 30_000_000
    }
  }
}
#endif
