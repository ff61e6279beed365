internal import CSQLite
import PumpRuntime

/// `table`: rows go into the open transaction as they come.
final class TableSink: Sink, @unchecked Sendable {
  fileprivate let writer: Writer
  private let statement: Statement

  init(_ writer: Writer, _ context: EndpointContext) throws(RunFailure) {
    self.writer = writer
    let shape = context.spec.shape!
    let table = Database.quoted(context.settings.text("name") ?? "")
    let key = context.settings.texts("key")
    let keyColumns = key.compactMap { name in shape.fields.first { $0.name == name }.map { Database.quoted($0.wire) } }
    let columns = shape.fields.map { Database.quoted($0.wire) }
    let declared = shape.fields.map { "\(Database.quoted($0.wire)) \(TableSink.type($0.shape))\($0.shape.isOptional ? "" : " NOT NULL")" }
    let primary = keyColumns.isEmpty ? "" : ", PRIMARY KEY (\(keyColumns.joined(separator: ", ")))"
    try writer.database.run("CREATE TABLE IF NOT EXISTS \(table) (\(declared.joined(separator: ", "))\(primary))")
    var mode = context.settings.text("mode") ?? "auto"
    if mode == "auto" { mode = key.isEmpty ? "insert" : "upsert" }
    guard mode == "insert" || !key.isEmpty else { throw RunFailure("sink `\(context.spec.label)`: `\(mode)` needs `key: [field]`") }
    var sql = "INSERT INTO \(table) (\(columns.joined(separator: ", "))) VALUES (\(columns.map { _ in "?" }.joined(separator: ", ")))"
    let target = keyColumns.joined(separator: ", ")
    if mode == "upsert" {
      let others = columns.filter { !keyColumns.contains($0) }
      sql +=
        " ON CONFLICT (\(target)) DO "
        + (others.isEmpty ? "NOTHING" : "UPDATE SET \(others.map { "\($0) = excluded.\($0)" }.joined(separator: ", "))")
    } else if mode == "ignore" {
      sql += " ON CONFLICT (\(target)) DO NOTHING"
    }
    do throws(RunFailure) { statement = try writer.database.prepare(sql) } catch {
      throw RunFailure("sink `\(context.spec.label)`: \(error.message)")
    }
  }

  private static func type(_ shape: Shape) -> String {
    switch shape.kind {
    case .bool, .int, .size, .duration: "INTEGER"
    case .float: "REAL"
    case .bytes: "BLOB"
    default: "TEXT"
    }
  }

  func write(_ buffer: SinkBuffer) throws(RunFailure) -> [Refusal] {
    try writer.write { () throws(RunFailure) in try insert(buffer) }
  }

  fileprivate func insert(_ buffer: SinkBuffer, without left: Set<Int> = []) throws(RunFailure) -> [Refusal] {
    let columns = buffer.records!.children
    var refusals: [Refusal] = []
    for row in 0..<buffer.count where !left.contains(row) {
      for (index, column) in columns.enumerated() { statement.bind(Int32(index + 1), column, row) }
      let code = sqlite3_step(statement.handle)
      if code != SQLITE_DONE {
        // What the table does not admit concerns this event; anything else the whole database.
        let kind = code & 0xFF
        guard kind == SQLITE_CONSTRAINT || kind == SQLITE_MISMATCH || kind == SQLITE_TOOBIG else {
          let failure = writer.database.failure()
          statement.reset()
          throw failure
        }
        refusals.append(Refusal(row: row, message: Shape.clean(String(cString: sqlite3_errmsg(writer.database.handle)))))
      }
      statement.reset()
    }
    return refusals
  }

  func commit() throws(RunFailure) -> [Refusal] {
    try writer.commit()
    return []
  }
  var takesEffectOnWrite: Bool { true }
  func close(completed: Bool) throws(RunFailure) { if !completed { writer.rollback() } }
}

/// `table` with `positions`: events are held until the commit, which puts their rows and the positions into one transaction.
final class KeepingSink: PositionKeeper, @unchecked Sendable {
  private let sink: TableSink
  private let kept: HeldEvents
  private let table: String
  private var changes: [PositionChange] = []
  private var refused: Set<Int> = []

  init(_ sink: TableSink, _ table: String, _ context: EndpointContext) {
    self.sink = sink
    self.table = Database.quoted(table)
    kept = HeldEvents(context.spec)
  }

  var refusesLate: Bool { true }
  var pending: Int { kept.size }

  func write(_ buffer: SinkBuffer) throws(RunFailure) -> [Refusal] {
    kept.append(buffer)
    return []
  }

  func keep(_ changes: [PositionChange]) { self.changes = changes }

  func commit() throws(RunFailure) -> [Refusal] {
    guard kept.buffer.count > 0 || !changes.isEmpty else { return [] }
    var refusals: [Refusal] = []
    try sink.writer.transact { () throws(RunFailure) in
      refusals = try sink.insert(kept.buffer, without: refused)
      guard refusals.isEmpty else { return false }
      for change in changes { try write(change) }
      return true
    }
    if refusals.isEmpty {
      kept.clear()
      changes = []
      refused = []
    } else {
      refused.formUnion(refusals.map(\.row))
    }
    return refusals
  }

  // MARK: Positions

  func positions(_ source: String, _ parts: [String]?) throws(RunFailure) -> [String: String] {
    try sink.writer.outside { database throws(RunFailure) in
      try database.run("CREATE TABLE IF NOT EXISTS \(table) (source TEXT, part TEXT, position TEXT NOT NULL, PRIMARY KEY (source, part))")
      let found = try database.prepare("SELECT part, position FROM \(table) WHERE source = \(Database.literal(source))")
      var positions: [String: String] = [:]
      while sqlite3_step(found.handle) == SQLITE_ROW {
        positions[String(cString: sqlite3_column_text(found.handle, 0))] = String(cString: sqlite3_column_text(found.handle, 1))
      }
      return parts.map { parts in positions.filter { parts.contains($0.key) } } ?? positions
    }
  }

  /// Each position goes where the one before it still is.
  private func write(_ change: PositionChange) throws(RunFailure) {
    let database = sink.writer.database
    let place = "source = \(Database.literal(change.source)) AND part = \(Database.literal(change.part))"
    let previous = change.previous.map { "position = \(Database.literal($0))" } ?? "0"
    switch (change.position, change.previous) {
    case (let position?, nil):
      let values = [change.source, change.part, position].map(Database.literal).joined(separator: ", ")
      try database.run("INSERT OR IGNORE INTO \(table) (source, part, position) VALUES (\(values))")
    case (let position?, _): try database.run("UPDATE \(table) SET position = \(Database.literal(position)) WHERE \(place) AND \(previous)")
    case (nil, _): try database.run("DELETE FROM \(table) WHERE \(place) AND \(previous)")
    }
    guard sqlite3_changes(database.handle) == 1 else { throw .overtaken(change) }
  }

  func close(completed: Bool) throws(RunFailure) { try sink.close(completed: completed) }
}
