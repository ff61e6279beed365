// Generated from PostgreSQL.pump by `PUMP_UPDATE_GOLDEN=1 swift test --filter SettingsFilesTests`; changes here are lost.
import PumpConnectorKit

/// PostgreSQL, through libpq. Variables of the environment such as PGOPTIONS and PGHOSTADDR reach libpq where no setting says
/// otherwise. Behind a pooler in transaction mode (pgbouncer's `pool_mode = transaction`) tables, queries, `execute` and lookups
/// work; `listen` and `changes` need the server itself.
///
/// Columns: Bool boolean; Int, Size any integer or numeric; Float real, double precision; Decimal numeric or any integer; String
/// and enums text, varchar, char(n), enums, domains, addresses, ranges, intervals and others by their text; Bytes bytea;
/// Timestamp timestamptz, or timestamp in UTC; Date date; Duration interval (of days and smaller parts: months and years have no
/// fixed length) or an integer of microseconds; Uuid uuid; Json, maps and records json, jsonb; lists arrays or json. The server
/// rounds, cuts or pads without a word what goes into numeric(p,s), real, timestamp(p), varchar(n) and char(n): numeric(10,2)
/// takes 1.005 as 1.01, real 16777217 as 16777216.
struct PostgreSQLSettings: Sendable {
  enum Sslmode: String, SettingChoice {
    case disable
    case require
    case verifyCa = "verify_ca"
    case verifyFull = "verify_full"
  }

  var host: String
  var port: Int64
  var database: String
  var user: String
  var password: String?
  /// `verify_full` also checks that the certificate has the host's name.
  var sslmode: Sslmode
  /// How long one statement of a sink or lookup may take.
  var statementTimeout: Duration
  /// Any other libpq parameter, under its own name.
  var properties: [String: String]

  init(_ settings: Settings) {
    host = settings.read("host") ?? "localhost"
    port = settings.read("port") ?? 5432
    database = settings.required("database")
    user = settings.read("user") ?? "postgres"
    password = settings.read("password")
    sslmode = settings.read("sslmode") ?? .verifyFull
    statementTimeout = settings.read("statement_timeout") ?? Duration(60_000_000)
    properties = settings.read("properties") ?? [:]
  }
}

struct PostgreSQLTableSourceArguments: Sendable {
  var name: String
  /// Columns that no two rows have alike, such as the primary key; rows come in their order. Rows without a value there are not
  /// read. Rows wait until the transactions have ended that were under way when they came, so that none that is committed
  /// late is passed over; numbers that a session takes in stock (a sequence with CACHE) or before it writes at all can be.
  var order: [String]
  /// Looks for new rows again after each pause; without it the source ends with the last row.
  var every: Duration?

  init(_ settings: Settings) {
    name = settings.required("name")
    order = settings.read("order") ?? []
    every = settings.read("every")
  }
}

struct PostgreSQLQuerySourceArguments: Sendable {
  var sql: String
  /// Columns of the result that grow from row to row; the next poll and a restart go on after the last row. See `table`.
  var order: [String]
  /// Asks again after each pause; without it the source ends with the last row.
  var every: Duration?

  init(_ settings: Settings) {
    sql = settings.required("sql")
    order = settings.read("order") ?? []
    every = settings.read("every")
  }
}

struct PostgreSQLChangesSourceArguments: Sendable {
  var publication: String
  /// Created where it is missing.
  var slot: String

  init(_ settings: Settings) {
    publication = settings.required("publication")
    slot = settings.required("slot")
  }
}

struct PostgreSQLListenSourceArguments: Sendable {
  var channel: String

  init(_ settings: Settings) { channel = settings.required("channel") }
}

struct PostgreSQLTableSinkArguments: Sendable {
  enum Mode: String, SettingChoice {
    case auto
    case insert
    case upsert
    case ignore
    case mirror
  }

  /// `orders`, or `schema.orders`.
  var name: String
  /// Fields that identify a row.
  var key: [String]
  /// `auto` upserts where a key is given and inserts otherwise; `ignore` keeps the row that is there. `mirror` applies changes
  /// of another table in their order: rows are set by their `key`, get other keys, are deleted, the table is truncated, and
  /// large values that were not sent stay. It takes the events of `changes` as they are, without `decode`, or records (whose
  /// types must then let deleted rows pass, which have their key only, and truncations, which have nothing). After a failure
  /// changes may be applied again and lead to the same table; where it has unique columns beside the key, give `positions`.
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

struct PostgreSQLExecuteSinkArguments: Sendable {
  var sql: String

  init(_ settings: Settings) { sql = settings.required("sql") }
}

struct PostgreSQLTableLookupArguments: Sendable {
  var name: String
  var column: String?
  /// Found rows, and that there is none, are remembered for so long.
  var cache: Duration

  init(_ settings: Settings) {
    name = settings.required("name")
    column = settings.read("column")
    cache = settings.read("cache") ?? Duration(1_000_000)
  }
}
