internal import CSQLite
import PumpRuntime

/// One open client of a database file; used by one thread at a time.
final class Database: PooledClient, @unchecked Sendable {
  /// A file does not go away as a server does.
  var isBroken: Bool { false }
  let handle: OpaquePointer
  let id: String
  let path: String

  init(_ id: String, _ settings: Settings) throws(RunFailure) {
    self.id = id
    path = settings.text("path") ?? ""
    guard !path.isEmpty else { throw RunFailure("connection `\(id)`: `path` is empty; name the database's file") }
    var opened: OpaquePointer?
    let code = sqlite3_open_v2(path, &opened, SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_NOMUTEX, nil)
    guard code == SQLITE_OK, let opened else {
      let reason = opened.map { String(cString: sqlite3_errmsg($0)) } ?? "out of memory"
      sqlite3_close_v2(opened)
      throw RunFailure("connection `\(id)`: cannot open \(Shape.clean(path)): \(reason); check the path and its folder")
    }
    handle = opened
    sqlite3_busy_timeout(handle, Int32(clamping: (settings.int("busy_timeout") ?? 5_000_000) / 1000))
    do throws(RunFailure) {
      try run("PRAGMA journal_mode=\(settings.text("journal") == "delete" ? "DELETE" : "WAL")")
      try run("PRAGMA synchronous=\((settings.text("synchronous") ?? "full").uppercased())")
    } catch {
      // A database that may only be read keeps the mode it has; what needs to write says so then.
      guard sqlite3_errcode(handle) & 0xFF == SQLITE_READONLY else {
        sqlite3_close_v2(handle)
        throw error
      }
    }
  }

  deinit { sqlite3_close_v2(handle) }

  func run(_ sql: String) throws(RunFailure) {
    guard sqlite3_exec(handle, sql, nil, nil, nil) == SQLITE_OK else { throw failure() }
  }

  /// What the database said, and what to try.
  func failure() -> RunFailure {
    let reason = String(cString: sqlite3_errmsg(handle))
    let help: String
    switch sqlite3_errcode(handle) & 0xFF {
    case SQLITE_BUSY, SQLITE_LOCKED: help = "another process holds it: end that, or raise `busy_timeout`"
    case SQLITE_READONLY, SQLITE_CANTOPEN, SQLITE_PERM: help = "make the file and its folder writable"
    case SQLITE_FULL: help = "free space on its disk"
    case SQLITE_NOTADB, SQLITE_CORRUPT: help = "name a database's file"
    default: help = "check the names of tables and columns"
    }
    return RunFailure("connection `\(id)` (\(Shape.clean(path))): \(Shape.clean(reason)); \(help)")
  }

  func prepare(_ sql: String) throws(RunFailure) -> Statement {
    var statement: OpaquePointer?
    guard sqlite3_prepare_v3(handle, sql, -1, UInt32(SQLITE_PREPARE_PERSISTENT), &statement, nil) == SQLITE_OK, let statement else {
      throw failure()
    }
    return Statement(statement)
  }

  /// Columns of a table's primary key.
  func primaryKey(_ table: String) throws(RunFailure) -> [String] {
    let statement = try prepare("SELECT name FROM pragma_table_info(\(Database.literal(table))) WHERE pk > 0 ORDER BY pk")
    var names: [String] = []
    while sqlite3_step(statement.handle) == SQLITE_ROW { names.append(String(cString: sqlite3_column_text(statement.handle, 0))) }
    return names
  }

  /// A name in quotes, whatever it holds.
  static func quoted(_ name: String) -> String { "\"" + name.replacing("\"", with: "\"\"").replacing("\0", with: "") + "\"" }
  static func literal(_ text: String) -> String { "'" + text.replacing("'", with: "''").replacing("\0", with: "") + "'" }
}

final class Statement: @unchecked Sendable {
  let handle: OpaquePointer
  private var scratch = ByteBuffer(capacity: 256)
  /// Texts that were made for this row; bound memory must live until the statement has run.
  private let arena = Arena()

  init(_ handle: OpaquePointer) { self.handle = handle }
  deinit {
    sqlite3_finalize(handle)
    scratch.release()
  }

  /// Binds a value of a column.
  func bind(_ index: Int32, _ column: Column, _ row: Int) {
    if column.isNull(row) {
      sqlite3_bind_null(handle, index)
      return
    }
    switch column.shape.kind {
    case .bool: sqlite3_bind_int64(handle, index, column.get(Bool.self, row) ? 1 : 0)
    case .int, .size, .duration: sqlite3_bind_int64(handle, index, column.get(Int64.self, row))
    case .float: sqlite3_bind_double(handle, index, column.get(Double.self, row))
    case .string, .json: text(index, column.get(Text.self, row))
    case .bytes:
      let text = column.get(Text.self, row)
      _ = pump_bind_blob(handle, index, text.base, Int32(text.count))
    case .enumeration: text(index, column.shape.wires[Int(column.get(Int64.self, row))])
    default:
      scratch.count = 0
      switch column.shape.kind {
      case .decimal: scratch.decimal(column.get(Decimal.self, row))
      case .timestamp: scratch.timestamp(column.get(Timestamp.self, row))
      case .date: scratch.day(column.get(Day.self, row))
      case .uuid: scratch.uuid(column.get(Uuid.self, row))
      default: scratch.json(column, row, JSONOptions())
      }
      text(index, arena.copy(scratch.bytes))
    }
  }

  private func text(_ index: Int32, _ text: Text) {
    _ = text.base.withMemoryRebound(to: CChar.self, capacity: text.count) { pump_bind_text(handle, index, $0, Int32(text.count)) }
  }

  func reset() {
    sqlite3_reset(handle)
    arena.reset()
  }

  /// Reads a column of the current row into a column of the batch; false where it is not of the type.
  func read(_ index: Int32, _ column: Column, _ row: Int, _ c: Context) -> Bool {
    let kind = sqlite3_column_type(handle, index)
    if kind == SQLITE_NULL {
      guard column.shape.isOptional else { return false }
      column.setNull(row)
      return true
    }
    switch column.shape.kind {
    case .bool where kind == SQLITE_INTEGER:
      let value = sqlite3_column_int64(handle, index)
      column.set(value != 0, row)
      return value == 0 || value == 1
    case .int, .size, .duration:
      guard kind == SQLITE_INTEGER else { return column.shape.kind != .int && parse(index, column, row, c) }
      column.set(sqlite3_column_int64(handle, index), row)
      return true
    case .float where kind != SQLITE_TEXT:
      column.set(sqlite3_column_double(handle, index), row)
      return true
    case .bytes:
      let size = Int(sqlite3_column_bytes(handle, index))
      guard let blob = sqlite3_column_blob(handle, index) else { column.set(Text(), row); return true }
      column.set(c.arena.copy(UnsafeBufferPointer(start: blob.assumingMemoryBound(to: UInt8.self), count: size)), row)
      return true
    default: return parse(index, column, row, c)
    }
  }

  private func parse(_ index: Int32, _ column: Column, _ row: Int, _ c: Context) -> Bool {
    guard let bytes = sqlite3_column_text(handle, index) else { return false }
    let text = c.arena.copy(UnsafeBufferPointer(start: bytes, count: Int(sqlite3_column_bytes(handle, index))))
    return column.parse(text, row, c)
  }
}
