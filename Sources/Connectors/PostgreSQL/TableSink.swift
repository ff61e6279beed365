#if PostgreSQL
internal import CPostgreSQL
import PumpRuntime

/// `table`: rows by COPY, straight into the table or, where they may meet rows that are there, into a temporary table
/// and from there. Rows go to the server while the batch still grows; what is held here is sent again where the session
/// is lost, and taken apart where the server refuses a row.
final class TableSink: PositionKeeper, @unchecked Sendable {
  private enum Mode { case insert, upsert, ignore }
  private let pool: ClientPool<Client>
  private let connection: Connection
  private let table: String
  private let shape: Shape
  private let mode: Mode
  private let columns: String
  private let key: [String]
  private var targets: [ServerColumn] = []
  /// Lines of COPY's text format since the last commit, and where each ends.
  private var lines = ByteBuffer(capacity: 64 << 10)
  private var ends: [Int] = []
  /// One batch may hold a key twice, of which the last counts; it costs a sort, so it is assumed once it was seen.
  private var repeatsKeys = false
  /// Where positions are kept too: those of the next commit, whether one was sent whose answer may have been lost, and the
  /// rows that earlier attempts have refused, so that they are left out.
  private let positions: PositionTable?
  private var changes: [PositionChange] = []
  private var mayBeDone = false
  private var refused: [Int: String] = [:]
  /// The session that the lines are being sent on, and how many bytes it has.
  private var stream: (client: Client, sent: Int)?

  init(_ pool: ClientPool<Client>, _ connection: Connection, _ context: EndpointContext) throws(RunFailure) {
    self.pool = pool
    self.connection = connection
    shape = context.spec.shape!
    table = SQL.table(context.settings.text("name") ?? "")
    let names = context.settings.texts("key")
    key = names.compactMap { name in context.spec.shape!.fields.first { $0.name == name }.map { SQL.quoted($0.wire) } }
    columns = shape.fields.map { SQL.quoted($0.wire) }.joined(separator: ", ")
    positions = PositionTable(context.settings)
    switch context.settings.text("mode") ?? "auto" {
    case "insert": mode = .insert
    case "upsert": mode = .upsert
    case "ignore": mode = .ignore
    default: mode = names.isEmpty ? .insert : .upsert
    }
    guard mode != .upsert || !key.isEmpty else {
      throw RunFailure("sink `\(context.spec.label)`: `upsert` needs `key: [field]`")
    }
  }

  deinit { lines.release() }

  var refusesLate: Bool { true }
  var pending: Int { lines.count }

  func write(_ buffer: SinkBuffer) throws(RunFailure) -> [Refusal] {
    // The columns' types are known once the server was reached; till then nothing can be encoded.
    if targets.isEmpty { targets = try describe() }
    let fields = buffer.records!.children
    for row in 0..<buffer.count {
      for (index, field) in fields.enumerated() {
        if index > 0 { lines.byte(0x09) }
        lines.copyField(field, row, targets[index])
      }
      lines.byte(0x0A)
      ends.append(lines.count)
    }
    send()
    return []
  }

  /// The table's columns; waits for a server that is down.
  private func describe() throws(RunFailure) -> [ServerColumn] {
    let found = try connection.untilReady { () throws(RunFailure) in
      try pool.with { client throws(RunFailure) in try client.run("SELECT \(columns) FROM \(table) LIMIT 0").columns }
    }
    for (field, column) in zip(shape.fields, found) where !column.holds(field.shape) {
      let type = try pool.with { client throws(RunFailure) in try client.typeName(column) }
      throw connection.failure(
        "column `\(column.name)` of `\(table)` is \(type), field `.\(field.name)` is \(field.shape.name); map the field, or alter the column"
      )
    }
    return found
  }

  // MARK: Sending

  private var staging: String { mode == .insert ? table : "pump_rows" }

  /// What a transaction begins with: where rows may meet others, a temporary table of the same columns.
  private func begin(_ client: Client) throws(RunFailure) {
    var sql = "BEGIN"
    if mode != .insert {
      sql += "; CREATE TEMPORARY TABLE pump_rows ON COMMIT DROP AS SELECT \(columns) FROM \(table) WITH NO DATA"
    }
    try client.run(sql)
  }

  private func copy(_ client: Client) throws(RunFailure) { try client.run("COPY \(staging) (\(columns)) FROM STDIN") }

  /// From the temporary table into the real one.
  private func merge(_ rows: Range<Int>? = nil) -> String {
    let target = key.joined(separator: ", ")
    let others = shape.fields.map { SQL.quoted($0.wire) }.filter { !key.contains($0) }
    let range = rows.map { " WHERE pump_row >= \($0.lowerBound) AND pump_row < \($0.upperBound)" } ?? ""
    let order = rows == nil ? "ctid" : "pump_row"
    let selected =
      repeatsKeys && mode == .upsert
      ? "SELECT DISTINCT ON (\(target)) \(columns) FROM pump_rows\(range) ORDER BY \(target), \(order) DESC"
      : "SELECT \(columns) FROM pump_rows\(range)"
    let insert = "INSERT INTO \(table) (\(columns)) \(selected)"
    if mode == .insert { return insert }
    let action =
      mode == .ignore || others.isEmpty
      ? "NOTHING" : "UPDATE SET " + others.map { "\($0) = excluded.\($0)" }.joined(separator: ", ")
    return insert + " ON CONFLICT \(key.isEmpty ? "" : "(\(target)) ")DO \(action)"
  }

  /// Sends on what was written, where the server is there; otherwise the commit does.
  private func send() {
    do throws(RunFailure) {
      if stream == nil {
        guard connection.phase == .ready, let client = try pool.acquireSpare() else { return }
        stream = (client, 0)
        try begin(client)
        try copy(client)
      }
      guard let (client, sent) = stream else { return }
      try put(client, sent, lines.count)
      stream!.sent = lines.count
    } catch {
      drop(error)
    }
  }

  private func put(_ client: Client, _ from: Int, _ to: Int) throws(RunFailure) {
    if to > from { try client.put(lines.base + from, to - from) }
  }

  /// Gives the session up, with what it has begun.
  private func drop(_ failure: RunFailure?) {
    guard let (client, _) = stream else { return }
    stream = nil
    pool.release(client, broken: true)
    if let failure, client.isBroken { pool.lost(failure.message) }
  }

  // MARK: Commit

  func commit() throws(RunFailure) -> [Refusal] {
    guard !ends.isEmpty || !changes.isEmpty else { return [] }
    var refusals: [Refusal] = []
    if try !commitStream() { refusals = try commitAgain() }
    // The transaction that keeps positions waits until what it leaves out is routed.
    guard positions == nil || refusals.isEmpty else { return refusals }
    lines.count = 0
    ends.removeAll(keepingCapacity: true)
    changes = []
    refused = [:]
    mayBeDone = false
    return refusals
  }

  func positions(_ source: String, _ parts: [String]?) throws(RunFailure) -> [String: String] {
    try pool.with { client throws(RunFailure) in try positions!.read(client, source, parts) }
  }

  func keep(_ changes: [PositionChange]) { self.changes = changes }

  private func end(_ client: Client) throws(RunFailure) {
    if let positions {
      try positions.write(client, changes)
      mayBeDone = true
    }
    try client.run("COMMIT")
  }

  /// Ends what `write` has begun; false where that did not work out and everything is to be sent again.
  private func commitStream() throws(RunFailure) -> Bool {
    guard let (client, sent) = stream else { return false }
    do throws(RunFailure) {
      try put(client, sent, lines.count)
      guard PQputCopyEnd(client.handle, nil) == 1 else { throw client.broken() }
      try client.finish()
      if mode != .insert { try client.run(merge()) }
      try end(client)
      stream = nil
      pool.release(client, broken: false)
      return true
    } catch {
      drop(error)
      return false
    }
  }

  /// One transaction for all that is held, without the rows that the server refuses.
  private func commitAgain() throws(RunFailure) -> [Refusal] {
    try pool.with { client throws(RunFailure) in
      do throws(RunFailure) {
        if mayBeDone, try positions!.holds(client, changes) { return [] }
        mayBeDone = false
        if !refused.isEmpty { return try takeApart(client) }
        try begin(client)
        try copy(client)
        try put(client, 0, lines.count)
        var refused = try endCopy(client)
        if refused == nil, mode != .insert { refused = try attempt(client, merge()) }
        if let refused {
          try client.run("ROLLBACK")
          guard refused.refusesData || refused.code == "21000" else { throw client.failure(refused) }
          repeatsKeys = repeatsKeys || refused.code == "21000"
          return try takeApart(client)
        }
        try end(client)
        return []
      } catch {
        if !client.isBroken { _ = try? client.run("ROLLBACK") }
        throw error
      }
    }
  }

  /// Finds the rows that the server refuses: all go, numbered, into a temporary table, and from there in ever smaller
  /// pieces into the real one.
  private func takeApart(_ client: Client) throws(RunFailure) -> [Refusal] {
    try client.run(
      """
      BEGIN; CREATE TEMPORARY TABLE pump_rows ON COMMIT DROP AS SELECT \(columns) FROM \(table) WITH NO DATA;
      ALTER TABLE pump_rows ADD pump_row integer PRIMARY KEY
      """)
    var refusals = refused
    for start in stride(from: 0, to: ends.count, by: 1000) { try stage(client, start..<min(ends.count, start + 1000), &refusals) }
    try client.run("ANALYZE pump_rows")
    try deliver(client, 0..<ends.count, &refusals)
    let new = refusals.filter { refused[$0.key] == nil }.sorted { $0.key < $1.key }.map { Refusal(row: $0.key, message: $0.value) }
    if positions != nil, !new.isEmpty {
      refused = refusals
      try client.run("ROLLBACK")
    } else {
      try end(client)
    }
    return new
  }

  /// Rows whose values have no place in their columns show at once, each by its line.
  private func stage(_ client: Client, _ rows: Range<Int>, _ refusals: inout [Int: String]) throws(RunFailure) {
    var numbered = ByteBuffer(capacity: 64 << 10)
    defer { numbered.release() }
    while true {
      let wanted = rows.filter { refusals[$0] == nil }
      numbered.count = 0
      for row in wanted {
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
        return
      }
      try client.run("ROLLBACK TO SAVEPOINT pump; RELEASE SAVEPOINT pump")
      guard refused.refusesData, let line = refused.line, line >= 1, line <= wanted.count else { throw client.failure(refused) }
      refusals[wanted[line - 1]] = refused.message
    }
  }

  private func deliver(_ client: Client, _ rows: Range<Int>, _ refusals: inout [Int: String]) throws(RunFailure) {
    try client.run("SAVEPOINT pump")
    guard let refused = try attempt(client, merge(rows)) else {
      try client.run("RELEASE SAVEPOINT pump")
      return
    }
    try client.run("ROLLBACK TO SAVEPOINT pump; RELEASE SAVEPOINT pump")
    if refused.code == "21000", !repeatsKeys {
      repeatsKeys = true
      return try deliver(client, rows, &refusals)
    }
    guard refused.refusesData else { throw client.failure(refused) }
    if rows.count == 1 {
      refusals[rows.lowerBound] = refused.message
      return
    }
    // Refusals lie scattered as a rule: many pieces first, of which most are taken whole, then halves.
    let size = rows.count > 1024 ? rows.count / 64 : (rows.count + 1) / 2
    for start in stride(from: rows.lowerBound, to: rows.upperBound, by: size) {
      try deliver(client, start..<min(rows.upperBound, start + size), &refusals)
    }
  }

  private func endCopy(_ client: Client) throws(RunFailure) -> Result? {
    guard PQputCopyEnd(client.handle, nil) == 1 else { throw client.broken() }
    return try client.outcome()
  }

  private func attempt(_ client: Client, _ sql: String) throws(RunFailure) -> Result? {
    guard PQsendQuery(client.handle, sql) == 1 else { throw client.broken() }
    return try client.outcome()
  }

  func close(completed: Bool) throws(RunFailure) { drop(nil) }
}
#endif
