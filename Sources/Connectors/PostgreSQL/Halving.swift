#if PostgreSQL
import PumpRuntime

/// Finds the rows that the server refuses, within a transaction: all are tried together, then pieces, then ever smaller ones,
/// until each that is refused stands alone.
struct Halving {
  let client: Client
  /// What is checked at the end of a transaction is checked with each piece: the transaction's end refused it.
  let isStrict: Bool
  /// Why, by row.
  private(set) var refusals: [Int: String] = [:]

  init(_ client: Client, isStrict: Bool) {
    self.client = client
    self.isStrict = isStrict
  }

  mutating func deliver(_ rows: ArraySlice<Int>, _ attempt: (ArraySlice<Int>) throws(RunFailure) -> Result?) throws(RunFailure) {
    guard let first = rows.first else { return }
    try client.run(isStrict ? "SAVEPOINT pump; SET CONSTRAINTS ALL DEFERRED" : "SAVEPOINT pump")
    var refused = try attempt(rows)
    if refused == nil, isStrict { refused = try client.attempt("SET CONSTRAINTS ALL IMMEDIATE") }
    guard let refused else {
      try client.run("RELEASE SAVEPOINT pump")
      return
    }
    try client.run("ROLLBACK TO SAVEPOINT pump; RELEASE SAVEPOINT pump")
    guard refused.refusesData else { throw client.failure(refused) }
    if rows.count == 1 {
      refusals[first] = refused.message
      return
    }
    // Refusals lie scattered as a rule: many pieces first, of which most are taken whole, then halves.
    let size = rows.count > 1024 ? rows.count / 64 : (rows.count + 1) / 2
    for start in stride(from: rows.startIndex, to: rows.endIndex, by: size) {
      try deliver(rows[start..<min(rows.endIndex, start + size)], attempt)
    }
  }

  /// Of pieces that are checked alone one may lack what stands in another, the row that a foreign key means: what was refused is
  /// tried again beside all others, as long as that helps.
  mutating func retry(_ attempt: (ArraySlice<Int>) throws(RunFailure) -> Result?) throws(RunFailure) {
    guard isStrict else { return }
    var count = Int.max
    while !refusals.isEmpty, refusals.count < count {
      count = refusals.count
      let rows = refusals.keys.sorted()
      refusals = [:]
      try deliver(rows[...], attempt)
    }
  }
}
#endif
