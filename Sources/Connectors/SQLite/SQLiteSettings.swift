// Generated from SQLite.pump by `PUMP_UPDATE_GOLDEN=1 swift test --filter SettingsFilesTests`; changes here are lost.
import PumpConnectorKit

/// SQLite, a database in a file.
///
/// Columns of the tables that a sink makes: `Int`, `Size`, `Bool` (0 and 1) and `Duration` (microseconds) INTEGER, `Float` REAL, `Bytes`
/// BLOB, all others TEXT: times as RFC 3339, lists, maps and records as JSON. `Decimal` is TEXT so that every digit is kept: SQL
/// compares and orders it as text unless it says `CAST(price AS REAL)`. A table that was there keeps its types: a field that SQLite
/// would change in its column is refused at the start. A `Decimal` may go into a NUMERIC or REAL column, which keeps 15 digits: an event
/// with more goes to `on error`. Source and lookup read what the sink writes.
struct SQLiteSettings: Sendable {
  enum Journal: String, SettingChoice {
    case wal
    case delete
  }

  enum Synchronous: String, SettingChoice {
    case full
    case normal
    case off
  }

  /// The database's file; it is created where it is missing.
  var path: String
  /// How changes are kept safe: `wal` lets readers go on while one writes.
  var journal: Journal
  /// `full` survives a loss of power, `normal` may lose the last transactions then.
  var synchronous: Synchronous
  /// How long to wait for a lock that another process holds.
  var busyTimeout: Duration

  init(_ settings: Settings) {
    path = settings.required("path")
    journal = settings.read("journal") ?? .wal
    synchronous = settings.read("synchronous") ?? .full
    busyTimeout = settings.read("busy_timeout") ?? Duration(5_000_000)
  }
}

struct SQLiteTableSourceArguments: Sendable {
  var name: String

  init(_ settings: Settings) { name = settings.required("name") }
}

struct SQLiteQuerySourceArguments: Sendable {
  var sql: String

  init(_ settings: Settings) { sql = settings.required("sql") }
}

struct SQLiteTableSinkArguments: Sendable {
  enum Mode: String, SettingChoice {
    case auto
    case insert
    case upsert
    case ignore
  }

  var name: String
  /// Fields that identify a row.
  var key: [String]
  /// `auto` upserts where a key is given and inserts otherwise; `ignore` keeps the row that is there.
  var mode: Mode
  /// A table, made where it is missing, in which the positions of the pipeline's sources are kept in the transaction of
  /// the rows: each event has its row here once, whatever fails and however often, without a key. Other sinks of the
  /// pipeline may get an event again.
  var positions: String?

  init(_ settings: Settings) {
    name = settings.required("name")
    key = settings.read("key") ?? []
    mode = settings.read("mode") ?? .auto
    positions = settings.read("positions")
  }
}

struct SQLiteTableLookupArguments: Sendable {
  var name: String
  var column: String?

  init(_ settings: Settings) {
    name = settings.required("name")
    column = settings.read("column")
  }
}
