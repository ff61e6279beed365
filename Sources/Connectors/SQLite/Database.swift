internal import CSQLite
import PumpConnectorKit

/// One open client of a database file; used by one thread at a time.
final class Database: PooledClient, @unchecked Sendable {
  /// A file does not go away as a server does.
  var isBroken: Bool { false }
  let handle: OpaquePointer
  let id: String
  let path: String

  init(_ id: String, _ settings: SQLiteSettings) throws(RunFailure) {
    self.id = id
    path = settings.path
    guard !path.isEmpty else { throw RunFailure("connection `\(id)`: `path` is empty; name the database's file") }
    var opened: OpaquePointer?
    let code = sqlite3_open_v2(path, &opened, SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_NOMUTEX, nil)
    guard code == SQLITE_OK, let opened else {
      let reason = opened.map { String(cString: sqlite3_errmsg($0)) } ?? "out of memory"
      sqlite3_close_v2(opened)
      throw RunFailure("connection `\(id)`: cannot open \(Shape.clean(path)): \(reason); check the path and its folder")
    }
    handle = opened
    sqlite3_busy_timeout(handle, Int32(clamping: settings.busyTimeout.micros / 1000))
    do throws(RunFailure) {
      try run("PRAGMA journal_mode=\(settings.journal.rawValue.uppercased())")
      try run("PRAGMA synchronous=\(settings.synchronous.rawValue.uppercased())")
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

  /// The rows of a query, each column as text; what is null is empty.
  func rows(_ sql: String) throws(RunFailure) -> [[String]] {
    let statement = try prepare(sql)
    var rows: [[String]] = []
    while true {
      let code = sqlite3_step(statement.handle)
      if code == SQLITE_DONE { return rows }
      guard code == SQLITE_ROW else { throw failure() }
      rows.append(
        (0..<sqlite3_column_count(statement.handle)).map { sqlite3_column_text(statement.handle, $0).map { String(cString: $0) } ?? "" })
    }
  }

  /// A name in quotes, whatever it holds.
  static func quoted(_ name: String) -> String { "\"" + name.replacing("\"", with: "\"\"").replacing("\0", with: "") + "\"" }
  static func literal(_ text: String) -> String { "'" + text.replacing("'", with: "''").replacing("\0", with: "") + "'" }
}
