// Generated from MongoDB.pump by `PUMP_UPDATE_GOLDEN=1 swift test --filter SettingsFilesTests`; changes here are lost.
import PumpConnectorKit

/// MongoDB 4.2 and later, through libmongoc.
///
/// Types in documents: `Int` int64, `Float` double, `Decimal` decimal128 (34 digits), `String` and enums string, `Bool`
/// bool, `Timestamp` date (of milliseconds: what is finer is cut), `Date` date at midnight UTC, `Duration` int64
/// (microseconds), `Size` int64, `Bytes` binary, `Uuid` binary of subtype 4, lists arrays, records and maps documents. `Json`
/// is read and written as extended JSON (`{"$oid": "…"}`), so that ObjectIds, dates and decimals stay what they are. An
/// ObjectId is read into a `String` as its 24 hex digits; 24 hex digits are written as an ObjectId where the field is called
/// `_id`, as a string elsewhere. Whole numbers are read into `Int`, `Float` and `Decimal` from any type that holds them
/// exactly.
struct MongoDBSettings: Sendable {
  enum Security: String, SettingChoice {
    case plain
    case tls
  }

  /// `mongodb://a:27017,b:27017/?replicaSet=rs0` or `mongodb+srv://…`; takes the place of `host` and `port`. A password in it
  /// is not a secret: set `user` and `password`.
  var uri: String?
  var host: String
  var port: Int64
  var database: String
  var user: String?
  var password: String?
  /// The database that knows the user.
  var authSource: String
  /// Name of the replica set, whose primary is then found wherever it is.
  var replicaSet: String?
  /// `tls` encrypts, and checks the server as the settings `tls` say.
  var security: Security
  /// Who must have a write before it counts: `majority`, a number of servers, or a tag of theirs.
  var writeConcern: String
  /// How long one command may take.
  var commandTimeout: Duration
  /// Any other option of MongoDB's URIs, under its own name.
  var properties: [String: String]

  init(_ settings: Settings) {
    uri = settings.read("uri")
    host = settings.read("host") ?? "localhost"
    port = settings.read("port") ?? 27_017
    database = settings.required("database")
    user = settings.read("user")
    password = settings.read("password")
    authSource = settings.read("auth_source") ?? "admin"
    replicaSet = settings.read("replica_set")
    security = settings.read("security") ?? .tls
    writeConcern = settings.read("write_concern") ?? "majority"
    commandTimeout = settings.read("command_timeout") ?? Duration(60_000_000)
    properties = settings.read("properties") ?? [:]
  }
}

struct MongoDBFindSourceArguments: Sendable {
  var collection: String
  /// Which documents, in extended JSON: `{"state": "open"}`.
  var filter: String
  /// Fields that no two documents have alike, such as `_id`; documents come in their order.
  var order: [String]
  /// Looks for new documents again after each pause; without it the source ends with the last document.
  var every: Duration?
  /// A document may be seen after one with a greater key: its write took longer, or its `_id` was made elsewhere in the same second.
  /// Where documents are looked for again, by a poll or a later run, they are read only up to the greatest key of so long ago. One that
  /// takes longer is missed; `changes` misses none.
  var delay: Duration

  init(_ settings: Settings) {
    collection = settings.required("collection")
    filter = settings.read("filter") ?? "{}"
    order = settings.read("order") ?? []
    every = settings.read("every")
    delay = settings.read("delay") ?? Duration(2_000_000)
  }
}

struct MongoDBChangesSourceArguments: Sendable {
  var collection: String?
  /// Stages that narrow the events down, in extended JSON: `[{"$match": {"operationType": "insert"}}]`.
  var pipeline: String

  init(_ settings: Settings) {
    collection = settings.read("collection")
    pipeline = settings.read("pipeline") ?? "[]"
  }
}

struct MongoDBCollectionSinkArguments: Sendable {
  enum Mode: String, SettingChoice {
    case auto
    case insert
    case upsert
    case update
    case delete
    case ignore
  }

  var name: String
  /// Fields that identify a document; an index over them makes finding it fast.
  var key: [String]
  /// `auto` upserts where a key is given and inserts otherwise. `upsert` and `update` set the event's fields and keep the
  /// document's others; `update` makes no new document; `ignore` keeps the document that is there; `delete` takes it away.
  var mode: Mode
  /// One write after the other, in the order of the events, rather than as the server likes.
  var ordered: Bool

  init(_ settings: Settings) {
    name = settings.required("name")
    key = settings.read("key") ?? []
    mode = settings.read("mode") ?? .auto
    ordered = settings.read("ordered") ?? false
  }
}

struct MongoDBCollectionLookupArguments: Sendable {
  var name: String
  /// `_id`, or another with an index; `address.city` is a field of a field.
  var field: String
  /// Found documents, and that there is none, are remembered for so long.
  var cache: Duration

  init(_ settings: Settings) {
    name = settings.required("name")
    field = settings.read("field") ?? "_id"
    cache = settings.read("cache") ?? Duration(1_000_000)
  }
}
