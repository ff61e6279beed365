#if PostgreSQL
internal import CPostgreSQL
import PumpConnectorKit

/// `table` and `query`: rows by COPY, in the order of a key where one is given, and from there on again after a lost
/// session, a poll or a restart.
final class TableSource: Source {
  private let pool: ClientPool<Client>
  private let connection: Connection
  private let context: EndpointContext
  private let shape: Shape
  private let from: String
  private let order: [Int]
  private let every: Int64?
  private let name: String?
  private var selected: String?
  private var settled = SettledRows()
  /// The session of a COPY that is under way.
  private var client: Client?
  /// Texts of the key of the last row that was given.
  private var last: [String]?
  private var given: Int64 = 0
  private var nextPoll: Int64 = 0
  private var hasEnded = false
  /// What ended the session after rows that were given first.
  private var failure: RunFailure?
  private var fields: [Text?] = []
  private let limit: Int

  init(_ pool: ClientPool<Client>, _ connection: Connection, _ context: EndpointContext) throws(RunFailure) {
    self.pool = pool
    self.connection = connection
    self.context = context
    shape = context.spec.shape!
    let names: [String]
    if context.spec.name == "table" {
      let arguments = PostgreSQLTableSourceArguments(context.settings)
      (name, from) = (arguments.name, SQL.table(arguments.name))
      (names, every) = (arguments.order, arguments.every?.micros)
    } else {
      let arguments = PostgreSQLQuerySourceArguments(context.settings)
      // The line's end ends a comment, too.
      (name, from) = (nil, "(\(arguments.sql.trimmed.trimmingSemicolon)\n) AS pump_query")
      (names, every) = (arguments.order, arguments.every?.micros)
    }
    order = names.compactMap { name in context.spec.shape!.fields.firstIndex { $0.name == name } }
    limit = context.eventLimit
    guard every == nil || !order.isEmpty else {
      throw RunFailure("source `\(context.spec.label)`: `every` needs `order: [field]`, so that each row is read once")
    }
    for index in order where context.spec.shape!.fields[index].shape.isOptional {
      throw RunFailure(
        "source `\(context.spec.label)`: `.\(context.spec.shape!.fields[index].name)` may be null, so it is no `order`; declare it without `?`"
      )
    }
    fields = Array(repeating: nil, count: shape.fields.count)
  }

  func resume(_ positions: any PositionStore) throws(RunFailure) {
    guard !order.isEmpty else {
      if !positions.isTransactional { return }
      throw RunFailure("`\(context.spec.label)` has no positions to keep; give it an `order: [field]`")
    }
    guard let kept = try positions.load(nil)[""]?.netstrings else { return }
    guard kept.count == order.count else {
      throw RunFailure("source `\(context.spec.label)`: the position that is kept does not fit `order`; remove it to begin anew")
    }
    last = kept
  }

  func next(_ batch: Batch) throws(RunFailure) -> Bool {
    if hasEnded { return false }
    if client == nil {
      let wait = nextPoll - monotonicMicros()
      if wait > 0 {
        guard context.stop.wait(micros: min(wait, 100_000)) else { return false }
        if monotonicMicros() < nextPoll { return true }
      }
      try begin()
    }
    do throws(RunFailure) {
      if let failure {
        self.failure = nil
        throw failure
      }
      return try read(batch)
    } catch {
      if let client, client.isBroken { pool.lost(error.message) }
      end(broken: true)
      if error.isTransient {
        guard !order.isEmpty || given == 0 else {
          throw RunFailure("\(error.message); without `order` the rest of `\(context.spec.label)` cannot be found again")
        }
      }
      throw error
    }
  }

  // MARK: The statement

  private func begin() throws(RunFailure) {
    let client = try pool.acquire()
    do throws(RunFailure) {
      if selected == nil { selected = try select(client) }
      var rows = conditions
      if waitsForOthers, try !settled.look(client, newest) {
        pool.release(client, broken: false)
        nextPoll = monotonicMicros() + (every ?? 0)
        hasEnded = every == nil
        return
      }
      // One snapshot for what is looked at and what is read.
      try client.begin(waitsForOthers ? "SET TRANSACTION ISOLATION LEVEL REPEATABLE READ" : "")
      if waitsForOthers {
        guard let key = try settled.reached(client) else {
          client.rollback()
          pool.release(client, broken: !client.isReusable)
          nextPoll = monotonicMicros() + min(every ?? 100_000, 1_000_000)
          if settled.isLong() {
            context.logger.warning(
              "`\(context.spec.label)` waits for transactions of others that began before its newest rows; pg_stat_activity shows them",
              pipeline: context.pipeline)
          }
          return
        }
        rows.append("(\(names)) <= (\(key.map(SQL.literal).joined(separator: ", ")))")
      }
      var sql = "SELECT \(selected!) FROM \(from)"
      if !rows.isEmpty { sql += " WHERE \(rows.joined(separator: " AND "))" }
      if !order.isEmpty { sql += " ORDER BY \(names)" }
      try client.run("COPY (\(sql)) TO STDOUT")
    } catch {
      client.rollback()
      pool.release(client, broken: !client.isReusable)
      if client.isBroken { pool.lost(error.message) }
      throw error
    }
    self.client = client
  }

  private var names: String { order.map { SQL.quoted(shape.fields[$0].wire) }.joined(separator: ", ") }

  /// Rows after the last one; those without a value have no place in the order.
  private var conditions: [String] {
    order.map { "\(SQL.quoted(shape.fields[$0].wire)) IS NOT NULL" }
      + (last.map { ["(\(names)) > (\($0.map(SQL.literal).joined(separator: ", ")))"] } ?? [])
  }

  /// Whoever goes on after the last row needs all before it: where rows are read more than once, none is read while one that
  /// stands before it may still come.
  private var waitsForOthers: Bool { !order.isEmpty && (every != nil || context.keepsPositions) }

  /// Finds the key of the newest row.
  private var newest: String {
    let columns = order.map { SQL.quoted(shape.fields[$0].wire) }
    return "SELECT \(columns.map { "\($0)::text" }.joined(separator: ", ")) FROM \(from) "
      + "WHERE \(conditions.joined(separator: " AND ")) ORDER BY \(columns.map { "\($0) DESC" }.joined(separator: ", ")) LIMIT 1"
  }

  /// The columns as they are asked for, once their types were compared with the fields'.
  private func select(_ client: Client) throws(RunFailure) -> String {
    if let name { _ = try TableFacts.read(client, name, shape, key: []) }
    let names = shape.fields.map { SQL.quoted($0.wire) }.joined(separator: ", ")
    let found = try client.run("SELECT \(names) FROM \(from) LIMIT 0").columns
    for (field, column) in zip(shape.fields, found) where !column.holds(field.shape) {
      throw connection.failure(
        "column `\(column.name)` is \(try client.typeName(column)), field `.\(field.name)` is \(field.shape.name); change the field's type")
    }
    try tellOfNulls(client)
    return zip(shape.fields, found).map { "\($1.selected(as: $0.shape)) AS \(SQL.quoted($0.wire))" }.joined(separator: ", ")
  }

  private func tellOfNulls(_ client: Client) throws(RunFailure) {
    guard !order.isEmpty else { return }
    let isNull = order.map { "\(SQL.quoted(shape.fields[$0].wire)) IS NULL" }.joined(separator: " OR ")
    guard try client.run("SELECT EXISTS (SELECT FROM \(from) WHERE \(isNull))").text(0, 0) == "t" else { return }
    context.logger.warning(
      "`\(context.spec.label)` has rows without a value in `order`, which are not read; read them with a `query` of their own",
      pipeline: context.pipeline)
  }

  private func end(broken: Bool) {
    if let client { pool.release(client, broken: broken) }
    client = nil
  }

  // MARK: Rows

  private func read(_ batch: Batch) throws(RunFailure) -> Bool {
    guard let client else { return true }
    var row = 0
    do throws(RunFailure) { try fill(client, batch, &row) } catch {
      // The position is after the rows that have come: they go first.
      guard row > 0 || !batch.refused.isEmpty else { throw error }
      failure = error
    }
    batch.count = row
    given += Int64(row)
    if !order.isEmpty, let last { batch.checkpoint = ["": String(netstrings: last)] }
    return row > 0 || !batch.refused.isEmpty || !hasEnded && !context.stop.isRequested
  }

  private func fill(_ client: Client, _ batch: Batch, _ row: inout Int) throws(RunFailure) {
    while row < 1024, batch.refused.count < 1024 {
      var line: UnsafeMutablePointer<CChar>?
      let count = PQgetCopyData(client.handle, &line, 1)
      if count > 0, let line {
        defer { PQfreemem(line) }
        try take(UnsafeRawPointer(line).assumingMemoryBound(to: UInt8.self), Int(count) - 1, batch, &row)
      } else if count == 0 {
        if row > 0 { return }
        if try !client.waitForInput() { return }
      } else if count == -1 {
        try client.finish()
        try client.run("COMMIT")
        settled.done()
        end(broken: false)
        nextPoll = monotonicMicros() + (every ?? 0)
        hasEnded = every == nil
        return
      } else {
        throw client.broken()
      }
    }
  }

  /// One line of COPY's text format: its fields, unescaped in place.
  private func take(_ line: UnsafePointer<UInt8>, _ count: Int, _ batch: Batch, _ row: inout Int) throws(RunFailure) {
    let arena = batch.context.arena
    let copy = arena.allocate(count + 1).assumingMemoryBound(to: UInt8.self)
    copy.update(from: line, count: count)
    var index = 0
    var start = 0
    var to = 0
    var i = 0
    var isNull = false
    while index < fields.count {
      if i == count || copy[i] == 0x09 {
        fields[index] = isNull ? nil : Text(copy + start, to - start)
        index += 1
        i += 1
        (start, to, isNull) = (i, i, false)
        continue
      }
      if copy[i] == 0x5C, i + 1 < count {
        let escaped = copy[i + 1]
        i += 2
        switch escaped {
        case UInt8(ascii: "N") where to == start: isNull = true
        case UInt8(ascii: "t"): copy[to] = 0x09; to += 1
        case UInt8(ascii: "n"): copy[to] = 0x0A; to += 1
        case UInt8(ascii: "r"): copy[to] = 0x0D; to += 1
        case UInt8(ascii: "b"): copy[to] = 0x08; to += 1
        case UInt8(ascii: "f"): copy[to] = 0x0C; to += 1
        case UInt8(ascii: "v"): copy[to] = 0x0B; to += 1
        default: copy[to] = escaped; to += 1
        }
        continue
      }
      copy[to] = copy[i]
      to += 1
      i += 1
    }
    if !order.isEmpty { last = order.map { fields[$0]?.string ?? "" } }
    let records = batch.recordColumn(shape)
    records.setPresent(row)
    for (index, field) in shape.fields.enumerated() {
      if count <= limit, records.children[index].readPostgres(fields[index], row, batch.context) { continue }
      let message =
        count > limit
        ? "the row is longer than max_event (\(limit) bytes)" : ".\(field.name): the column's value is no \(field.shape.name)"
      let payload = (shape.payload(arena) { fields[$0] }, "{}")
      batch.refused.append(Failure(row: row, step: -1, message: message, reason: count > limit ? .tooLarge : nil, payload: payload))
      return
    }
    row += 1
  }

  func close() { end(broken: true) }
}

extension String {
  fileprivate var trimmingSemicolon: String { hasSuffix(";") ? String(dropLast()) : self }
}
#endif
