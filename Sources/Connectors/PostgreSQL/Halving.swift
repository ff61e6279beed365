#if PostgreSQL
import PumpConnectorKit

/// Finds the rows that the server refuses, within a transaction: all are tried together, then pieces, then ever smaller ones,
/// until each that is refused stands alone.
struct Halving {
  /// Tries some rows; also told are those that were refused so far and are not in.
  typealias Attempt = (_ rows: ArraySlice<Int>, _ waiting: Set<Int>) throws(RunFailure) -> Result?

  let client: Client
  /// What is checked at the end of a transaction is checked with each piece: the transaction's end refused it.
  let isStrict: Bool
  /// Why, by row.
  private(set) var refusals: [Int: String] = [:]
  /// Of those, rows that may only lack what stands in another piece: the row that a foreign key means.
  private var lacking: Set<Int> = []
  private var waiting: Set<Int> = []
  private var goesBackwards = false

  init(_ client: Client, isStrict: Bool) {
    self.client = client
    self.isStrict = isStrict
  }

  mutating func deliver(_ rows: ArraySlice<Int>, _ attempt: Attempt) throws(RunFailure) {
    guard let first = rows.first else { return }
    try client.run(isStrict ? "SAVEPOINT pump; SET CONSTRAINTS ALL DEFERRED" : "SAVEPOINT pump")
    var refused = try attempt(rows, waiting)
    if refused == nil, isStrict { refused = try client.attempt("SET CONSTRAINTS ALL IMMEDIATE") }
    guard let refused else {
      try client.run("RELEASE SAVEPOINT pump")
      waiting.subtract(rows)
      return
    }
    try client.run("ROLLBACK TO SAVEPOINT pump; RELEASE SAVEPOINT pump")
    guard refused.refusesData else { throw client.failure(refused) }
    if rows.count == 1 {
      refusals[first] = refused.message
      if isStrict || refused.code == "23503" { lacking.insert(first) }
      return
    }
    // Refusals lie scattered as a rule: many pieces first, of which most are taken whole, then halves.
    let size = rows.count > 1024 ? rows.count / 64 : (rows.count + 1) / 2
    let starts = Array(stride(from: rows.startIndex, to: rows.endIndex, by: size))
    for start in goesBackwards ? starts.reversed() : starts {
      try deliver(rows[start..<min(rows.endIndex, start + size)], attempt)
    }
  }

  /// What may only lack a row of another piece is tried again beside all others, from the last to the first and back, as long
  /// as that helps.
  mutating func retry(_ attempt: Attempt) throws(RunFailure) {
    var count = Int.max
    while !lacking.isEmpty, lacking.count < count {
      count = lacking.count
      goesBackwards.toggle()
      waiting = Set(refusals.keys)
      let rows = lacking.sorted()
      for row in rows { refusals[row] = nil }
      lacking = []
      try deliver(rows[...], attempt)
    }
  }
}
#endif
