internal import CSQLite
import PumpConnectorKit
import Synchronization

/// The connector of one database: one writer for all sinks, so that they share a transaction, and a pool of readers.
public final class SQLiteConnector: Connector, Sendable {
  public static let factories: [String: ConnectorFactory] = [
    "SQLite": { (connection: Connection) throws(RunFailure) in SQLiteConnector(connection) }
  ]

  private let connection: Connection
  private let settings: SQLiteSettings
  private let readers: ClientPool<Database>
  private let writer = Mutex<Writer?>(nil)

  init(_ connection: Connection) {
    self.connection = connection
    let settings = SQLiteSettings(connection.settings)
    self.settings = settings
    readers = ClientPool(connection) { () throws(RunFailure) in try Database(connection.id, settings) }
    connection.observe({ [weak self] in self?.counts ?? .none }, tend: { [weak self] in self?.readers.tend() })
  }

  /// The readers, and the writer as one client more: each transaction is a use of it.
  private var counts: Connection.PoolCounts {
    let readers = readers.counts
    guard let uses = writer.withLock({ $0?.uses }) else { return readers }
    return .init(
      inUse: readers.inUse + (uses.isOpen ? 1 : 0), idle: readers.idle + (uses.isOpen ? 0 : 1), waiting: readers.waiting,
      acquired: readers.acquired + uses.transactions, waited: readers.waited)
  }

  private func shared() throws(RunFailure) -> Writer {
    let result: Result<Writer, RunFailure> = writer.withLock { current in
      if let current { return .success(current) }
      do throws(RunFailure) {
        let made = Writer(try connection.attempt { () throws(RunFailure) in try Database(connection.id, settings) })
        current = made
        return .success(made)
      } catch { return .failure(error) }
    }
    return try result.get()
  }

  public func source(_ context: EndpointContext) throws(RunFailure) -> any Source {
    let shape = context.spec.shape!
    let columns = shape.fields.map { Database.quoted($0.wire) }.joined(separator: ", ")
    guard context.spec.name == "table" else {
      return try TableSource(readers, SQLiteQuerySourceArguments(context.settings).sql, table: nil, shape)
    }
    let name = SQLiteTableSourceArguments(context.settings).name
    return try TableSource(readers, "SELECT \(columns) FROM \(Database.quoted(name))", table: name, shape)
  }

  public func sink(_ context: EndpointContext) throws(RunFailure) -> any Sink {
    let arguments = SQLiteTableSinkArguments(context.settings)
    let sink = try TableSink(shared(), context, arguments)
    return arguments.positions.map { KeepingSink(sink, $0, context) } ?? sink
  }

  public func lookup(_ context: EndpointContext) throws(RunFailure) -> any Lookup { try TableLookup(readers, context) }

  public func shutdown() {
    writer.withLock { $0?.rollback() }
    readers.close()
  }
}

/// The one client that writes: a transaction is open from the first row to the commit.
final class Writer: Sendable {
  let database: Database
  /// Whether a transaction is open.
  private let lock = Mutex<Bool>(false)
  private let transactions = Atomic<Int>(0)
  private let isOpen = Atomic<Bool>(false)

  init(_ database: Database) { self.database = database }

  /// Transactions that were begun, and whether one is open; asked for while one writes, so without its lock.
  var uses: (transactions: Int, isOpen: Bool) { (transactions.load(ordering: .relaxed), isOpen.load(ordering: .relaxed)) }

  private func begin(_ open: inout Bool) throws(RunFailure) {
    guard !open else { return }
    try database.run("BEGIN IMMEDIATE")
    open = true
    transactions.add(1, ordering: .relaxed)
    isOpen.store(true, ordering: .relaxed)
  }

  private func ended(_ open: inout Bool) {
    open = false
    isOpen.store(false, ordering: .relaxed)
  }

  /// Runs inside the transaction, which is begun where none is open.
  func write<T>(_ body: () throws(RunFailure) -> T) throws(RunFailure) -> T {
    let result: Result<T, RunFailure> = lock.withLock { open in
      do throws(RunFailure) {
        try begin(&open)
        return .success(try body())
      } catch { return .failure(error) }
    }
    return try result.get()
  }

  /// Uses the database while no other does; what it changes stays where no transaction is open.
  func outside<T>(_ body: (Database) throws(RunFailure) -> T) throws(RunFailure) -> T {
    let result: Result<T, RunFailure> = lock.withLock { _ in
      do throws(RunFailure) { return .success(try body(database)) } catch { return .failure(error) }
    }
    return try result.get()
  }

  func commit() throws(RunFailure) {
    let failure: RunFailure? = lock.withLock { open in
      guard open else { return nil }
      do throws(RunFailure) { try database.run("COMMIT") } catch { return error }
      ended(&open)
      return nil
    }
    if let failure { throw failure }
  }

  /// Runs inside the transaction, and commits it where that returns true; otherwise nothing of it stays.
  func transact(_ body: () throws(RunFailure) -> Bool) throws(RunFailure) {
    let failure: RunFailure? = lock.withLock { open in
      do throws(RunFailure) {
        try begin(&open)
        try database.run("SAVEPOINT pump")
        var isWhole = false
        defer { if !isWhole { try? database.run("ROLLBACK TO pump; RELEASE pump") } }
        guard try body() else { return nil }
        // It releases the savepoint; where it fails that is there to go back to.
        try database.run("COMMIT")
        isWhole = true
        ended(&open)
        return nil
      } catch { return error }
    }
    if let failure { throw failure }
  }

  func rollback() {
    lock.withLock { open in
      if open { try? database.run("ROLLBACK") }
      ended(&open)
    }
  }
}

final class TableSource: Source {
  private let pool: ClientPool<Database>
  private let database: Database
  private let statement: Statement
  private let shape: Shape
  private var places: [Int32] = []
  private var ended = false

  /// Of a table the statement has the fields in their order; in a query of the spec's own they are found by their names.
  init(_ pool: ClientPool<Database>, _ sql: String, table: String?, _ shape: Shape) throws(RunFailure) {
    self.pool = pool
    self.shape = shape
    database = try pool.acquire()
    do throws(RunFailure) {
      if let table { try database.check(table, has: shape.fields.map(\.wire)) }
      statement = try database.prepare(sql)
      guard sqlite3_stmt_readonly(statement.handle) != 0 else { throw RunFailure("the query changes the database; a source only reads") }
      let count = sqlite3_column_count(statement.handle)
      for (index, field) in shape.fields.enumerated() {
        let place =
          table == nil ? (0..<count).first { String(cString: sqlite3_column_name(statement.handle, $0)) == field.wire } : Int32(index)
        guard let place else { throw RunFailure("the query gives no column `\(Shape.clean(field.wire))`") }
        places.append(place)
      }
    } catch {
      pool.release(database, broken: false)
      throw error
    }
  }

  func next(_ batch: Batch) throws(RunFailure) -> Bool {
    guard !ended else { return false }
    let records = batch.recordColumn(shape)
    var row = 0
    while row < 1024 {
      let code = sqlite3_step(statement.handle)
      if code == SQLITE_DONE {
        ended = true
        pool.release(database, broken: false)
        break
      }
      guard code == SQLITE_ROW else { throw database.failure() }
      records.setPresent(row)
      var problem: String?
      for (index, field) in shape.fields.enumerated() where problem == nil {
        if !statement.read(places[index], records.children[index], row, batch.context) {
          problem = ".\(field.name): the column holds no \(field.shape.name)"
        }
      }
      if let problem {
        batch.refused.append(Failure(row: row, step: -1, message: problem, payload: (shape.payload(batch.context.arena, text), "{}")))
      } else {
        row += 1
      }
    }
    batch.count = row
    return row > 0 || !batch.refused.isEmpty
  }

  private func text(_ index: Int) -> Text? {
    guard let bytes = sqlite3_column_text(statement.handle, places[index]) else { return nil }
    return Text(bytes, Int(sqlite3_column_bytes(statement.handle, places[index])))
  }
}

final class TableLookup: Lookup {
  private let pool: ClientPool<Database>
  private let sql: String
  private let shape: Shape

  init(_ pool: ClientPool<Database>, _ context: EndpointContext) throws(RunFailure) {
    self.pool = pool
    shape = context.spec.shape!
    let arguments = SQLiteTableLookupArguments(context.settings)
    let database = try pool.acquire()
    defer { pool.release(database, broken: false) }
    try database.check(arguments.name, has: shape.fields.map(\.wire) + (arguments.column.map { [$0] } ?? []))
    let columns = try database.columns(arguments.name)
    let key = columns.filter { $0.keyPlace > 0 }
    guard let column = arguments.column ?? (key.count == 1 ? key[0].name : nil) else {
      throw RunFailure("lookup `\(context.spec.label)`: the table has no primary key of one column; name one with `column: \"…\"`")
    }
    // Compared with a column of numbers, the text "007" would be 7.
    if let found = columns.first(where: { $0.name.lowercased() == column.lowercased() }), let each = context.spec.each.first,
      !found.keeps(Shape.of(each.type)), !(each.type.wrapped == .decimal && found.affinity == .integer)
    {
      throw RunFailure(
        "lookup `\(context.spec.label)`: column `\(Shape.clean(found.name))` of \(Shape.clean(arguments.name)) is \(Shape.clean(found.declared)), the key is \(each.type); convert the key"
      )
    }
    sql =
      "SELECT \(shape.fields.map { Database.quoted($0.wire) }.joined(separator: ", ")) FROM \(Database.quoted(arguments.name)) WHERE \(Database.quoted(column)) = ? LIMIT 1"
    _ = try database.prepare(sql)
  }

  func find(_ keys: Column, _ rows: UnsafeBufferPointer<Int32>, into result: Column, _ context: Context) throws(EventFailure) {
    do throws(RunFailure) {
      let database = try pool.acquire()
      defer { pool.release(database, broken: false) }
      let statement = try database.prepare(sql)
      for row in rows {
        statement.bind(1, keys, Int(row))
        let code = keys.isNull(Int(row)) ? SQLITE_DONE : sqlite3_step(statement.handle)
        if code == SQLITE_ROW {
          result.setPresent(Int(row))
          for index in shape.fields.indices where !statement.read(Int32(index), result.children[index], Int(row), context) {
            throw RunFailure(".\(shape.fields[index].name): the column holds no \(shape.fields[index].shape.name)")
          }
        } else if code == SQLITE_DONE {
          result.setNull(Int(row))
        } else {
          throw database.failure()
        }
        statement.reset()
      }
    } catch { throw EventFailure(error.message) }
  }
}
