internal import CSQLite
import PumpConnectorKit

/// `table`: rows go into the open transaction as they come.
final class TableSink: Sink {
  /// What becomes of a row whose key is there.
  private enum Conflict { case refuse, update, ignore }
  fileprivate let writer: Writer
  private let statement: Statement
  /// Columns that make binary numbers of decimals, by the numbers of their fields.
  private let rounding: [(field: Int, column: TableColumn)]

  init(_ writer: Writer, _ context: EndpointContext, _ arguments: SQLiteTableSinkArguments) throws(RunFailure) {
    self.writer = writer
    let shape = context.spec.shape!
    let name = arguments.name
    let key = arguments.key.compactMap { name in shape.fields.first { $0.name == name }?.wire }
    let conflict: Conflict
    switch arguments.mode {
    case .insert: conflict = .refuse
    case .auto: conflict = key.isEmpty ? .refuse : .update
    case .upsert: conflict = .update
    case .ignore: conflict = .ignore
    }
    guard conflict == .refuse || !key.isEmpty else {
      throw RunFailure("sink `\(context.spec.label)`: `\(arguments.mode)` needs `key: [field]`")
    }
    let database = writer.database
    do throws(RunFailure) {
      try database.run(TableSink.create(name, shape, key))
      try database.check(name, has: shape.fields.map(\.wire))
      let columns = try database.columns(name)
      rounding = try TableSink.check(columns, name, shape)
      if conflict != .refuse { try TableSink.check(key: key, try database.uniqueKeys(name, columns), name) }
      statement = try database.prepare(TableSink.insert(name, shape, key, conflict))
    } catch { throw RunFailure("sink `\(context.spec.label)`: \(error.message)") }
  }

  /// The table as it is made where it is missing. SQLite keeps the remark with it.
  private static func create(_ name: String, _ shape: Shape, _ key: [String]) -> String {
    let columns = shape.fields.map { field in
      let remark = field.shape.kind == .decimal ? " /* a Decimal: CAST it AS REAL to compare it as a number */" : ""
      return "\(Database.quoted(field.wire)) \(type(field.shape))\(field.shape.isOptional ? "" : " NOT NULL")\(remark)"
    }
    let primary = key.isEmpty ? "" : ", PRIMARY KEY (\(key.map(Database.quoted).joined(separator: ", ")))"
    return "CREATE TABLE IF NOT EXISTS \(Database.quoted(name)) (\(columns.joined(separator: ", "))\(primary))"
  }

  private static func insert(_ name: String, _ shape: Shape, _ key: [String], _ conflict: Conflict) -> String {
    let columns = shape.fields.map { Database.quoted($0.wire) }
    let sql =
      "INSERT INTO \(Database.quoted(name)) (\(columns.joined(separator: ", "))) VALUES (\(columns.map { _ in "?" }.joined(separator: ", ")))"
    guard conflict != .refuse else { return sql }
    let target = key.map(Database.quoted)
    let others = conflict == .ignore ? [] : columns.filter { !target.contains($0) }
    let action = others.isEmpty ? "NOTHING" : "UPDATE SET \(others.map { "\($0) = excluded.\($0)" }.joined(separator: ", "))"
    return "\(sql) ON CONFLICT (\(target.joined(separator: ", "))) DO \(action)"
  }

  /// A table that was there may have other types.
  private static func check(_ columns: [TableColumn], _ name: String, _ shape: Shape) throws(RunFailure) -> [(Int, TableColumn)] {
    var rounding: [(Int, TableColumn)] = []
    for (index, field) in shape.fields.enumerated() {
      // Names of columns are alike whatever their case.
      guard let column = columns.first(where: { $0.name.lowercased() == field.wire.lowercased() }) else { continue }
      guard column.keeps(field.shape) else {
        throw RunFailure(
          "column `\(Shape.clean(column.name))` of \(Shape.clean(name)) is \(Shape.clean(column.declared)), field `.\(field.name)` is \(field.shape.name): SQLite would change what is stored; convert the field, or declare the column as \(type(field.shape))"
        )
      }
      if field.shape.kind == .decimal, column.rounds { rounding.append((index, column)) }
    }
    return rounding
  }

  private static func check(key: [String], _ unique: [Set<String>], _ name: String) throws(RunFailure) {
    let wanted = Set(key.map { $0.lowercased() })
    guard !unique.contains(where: { Set($0.map { $0.lowercased() }) == wanted }) else { return }
    let columns = key.map(Database.quoted).joined(separator: ", ")
    throw RunFailure(
      "table \(Shape.clean(name)) needs a unique index over the key's columns: `CREATE UNIQUE INDEX … ON \(Shape.clean(Database.quoted(name))) (\(Shape.clean(columns)))`"
    )
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
      if let problem = rounded(columns, row) {
        refusals.append(Refusal(row: row, message: problem))
        continue
      }
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

  /// What would not be the same in its column.
  private func rounded(_ columns: [Column], _ row: Int) -> String? {
    for (field, column) in rounding where !columns[field].isNull(row) {
      let value = columns[field].get(Decimal.self, row)
      guard !value.survives(in: column) else { continue }
      return
        "\(value) has more digits than column `\(Shape.clean(column.name))` keeps, which is \(Shape.clean(column.declared)): 15; declare it as TEXT"
    }
    return nil
  }

  func commit() throws(RunFailure) -> [Refusal] {
    try writer.commit()
    return []
  }
  var takesEffectOnWrite: Bool { true }
  /// The writer is shared: what is not committed is rolled back at the connection's end, when no sink commits any more.
  func close(completed: Bool) throws(RunFailure) {}
}

/// `table` with `positions`: events are held until the commit, which puts their rows and the positions into one transaction.
final class KeepingSink: PositionKeeper {
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
