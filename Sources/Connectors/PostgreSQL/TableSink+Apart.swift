#if PostgreSQL
internal import CPostgreSQL
import PumpConnectorKit

extension TableSink {
  /// Finds the rows that the server refuses: all go, numbered, into a temporary table, and from there in ever smaller
  /// pieces into the real one.
  func takeApart(_ client: Client) throws(RunFailure) -> [Refusal] {
    try begin(client, numbered: true)
    var refusals = refused
    let wanted = ends.indices.filter { refused[$0] == nil }
    for start in stride(from: 0, to: wanted.count, by: 1000) {
      try stage(client, wanted[start..<min(wanted.count, start + 1000)], &refusals)
    }
    try client.run("ANALYZE pump_rows")
    var halving = Halving(client, isStrict: isStrict)
    let all = wanted.filter { refusals[$0] == nil }
    try halving.deliver(all[...]) { rows, _ throws(RunFailure) in try attempt(client, rows, waiting: []) }
    let mayMeet = halving.refusals.isEmpty ? false : try meetsItself(client)
    try halving.retry { rows, waiting throws(RunFailure) in try attempt(client, rows, waiting: mayMeet ? waiting : []) }
    refusals.merge(halving.refusals) { $1 }
    let new = refusals.filter { refused[$0.key] == nil }.sorted { $0.key < $1.key }.map { Refusal(row: $0.key, message: $0.value) }
    if positions != nil, !new.isEmpty {
      refused = refusals
      client.rollback()
      return new
    }
    guard let late = try end(client) else { return new }
    client.rollback()
    guard !isStrict else { throw client.failure(late) }
    isStrict = true
    return try takeApart(client)
  }

  /// Whether rows of the batch have a key in common.
  private func meetsItself(_ client: Client) throws(RunFailure) -> Bool {
    guard !key.isEmpty else { return false }
    let names = key.map(SQL.quoted).joined(separator: ", ")
    return try client.run("SELECT FROM pump_rows GROUP BY \(names) HAVING count(*) > 1 LIMIT 1").rows > 0
  }

  private func attempt(_ client: Client, _ rows: ArraySlice<Int>, waiting: Set<Int>) throws(RunFailure) -> Result? {
    let refused = try client.attempt(merge(rows, waiting: waiting))
    guard let refused, refused.code == "21000", !repeatsKeys else { return refused }
    repeatsKeys = true
    try client.run("ROLLBACK TO SAVEPOINT pump" + (isStrict ? "; SET CONSTRAINTS ALL DEFERRED" : ""))
    return try client.attempt(merge(rows, waiting: waiting))
  }

  /// Rows whose values have no place in their columns show here, each alone: where the server names one, it is tried by itself
  /// before it is blamed; where it names none, halves are tried.
  private func stage(_ client: Client, _ rows: ArraySlice<Int>, _ refusals: inout [Int: String]) throws(RunFailure) {
    var rows = rows
    while let first = rows.first, let refused = try stage(client, rows) {
      if rows.count == 1 {
        refusals[first] = refused.message
        return
      }
      if let line = refused.line, line >= 1, line <= rows.count {
        let place = rows.startIndex + line - 1
        if let refused = try stage(client, rows[place...place]) { refusals[rows[place]] = refused.message }
        try stage(client, rows[..<place], &refusals)
        rows = rows[(place + 1)...]
      } else {
        let middle = rows.startIndex + rows.count / 2
        try stage(client, rows[..<middle], &refusals)
        rows = rows[middle...]
      }
    }
  }

  /// All of these rows, or none of them and why.
  private func stage(_ client: Client, _ rows: ArraySlice<Int>) throws(RunFailure) -> Result? {
    var numbered = ByteBuffer(capacity: 64 << 10)
    defer { numbered.release() }
    for row in rows {
      numbered.int(Int64(row))
      numbered.byte(0x09)
      let start = row == 0 ? 0 : ends[row - 1]
      numbered.raw(lines.base + start, ends[row] - start)
    }
    try client.run("SAVEPOINT pump")
    try client.run("COPY pump_rows (pump_row, \(columns)) FROM STDIN")
    try client.put(numbered.base, numbered.count)
    guard let refused = try endCopy(client) else {
      try client.run("RELEASE SAVEPOINT pump")
      return nil
    }
    try client.run("ROLLBACK TO SAVEPOINT pump; RELEASE SAVEPOINT pump")
    guard refused.refusesData else { throw client.failure(refused) }
    return refused
  }

  func endCopy(_ client: Client) throws(RunFailure) -> Result? {
    guard PQputCopyEnd(client.handle, nil) == 1 else { throw client.broken() }
    return try client.outcome()
  }
}
#endif
