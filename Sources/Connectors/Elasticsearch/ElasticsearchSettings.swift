// Generated from Elasticsearch.pump by `PUMP_UPDATE_GOLDEN=1 swift test --filter SettingsFilesTests`; changes here are lost.
import PumpConnectorKit

/// Elasticsearch 8 and later, through its REST interface.
struct ElasticsearchSettings: Sendable {
  /// Addresses of nodes, with commas between. Requests go to them in turn; one that does not answer is left out for a while.
  var nodes: String
  var user: String?
  var password: String?
  /// An API key in its encoded form, in place of user and password.
  var apiKey: String?
  /// Packs what is sent, with gzip.
  var compress: Bool
  /// How long one request may take.
  var requestTimeout: Duration

  init(_ settings: Settings) {
    nodes = settings.read("nodes") ?? "https://localhost:9200"
    user = settings.read("user")
    password = settings.read("password")
    apiKey = settings.read("api_key")
    compress = settings.read("compress") ?? true
    requestTimeout = settings.read("request_timeout") ?? Duration(30_000_000)
  }
}

struct ElasticsearchSearchSourceArguments: Sendable {
  /// An index, an alias or a data stream, several with commas between, or a pattern such as `logs-*`.
  var index: String
  /// In Elasticsearch's query language.
  var query: String
  /// Fields that no two documents have alike, such as a number that grows; documents come in their order. Of a text field its
  /// `keyword` is used.
  var order: [String]
  /// Looks for new documents again after each pause; without it the source ends with the last document.
  var every: Duration?
  /// A document may be seen after one with a greater key: its write took longer, or its shard was refreshed later. Where documents are
  /// looked for again, by a poll or a later run, they are read only up to the greatest key of so long ago; give it more than the
  /// index's `refresh_interval`. One that takes longer is missed. An order by `date_nanos` has no delay.
  var delay: Duration
  /// Documents asked for at once, at most 10000.
  var page: Int64

  init(_ settings: Settings) {
    index = settings.required("index")
    query = settings.read("query") ?? "{\"match_all\":{}}"
    order = settings.read("order") ?? []
    every = settings.read("every")
    delay = settings.read("delay") ?? Duration(2_000_000)
    page = settings.read("page") ?? 1000
  }
}

struct ElasticsearchIndexSinkArguments: Sendable {
  enum Mode: String, SettingChoice {
    case index
    case create
    case update
    case upsert
    case delete
  }

  /// `index` replaces a document, `create` keeps the one that is there, `update` and `upsert` change its fields; `upsert`
  /// creates it where it is missing.
  var mode: Mode

  init(_ settings: Settings) { mode = settings.read("mode") ?? .index }
}

struct ElasticsearchDocumentLookupArguments: Sendable {
  var index: String
  /// Found documents, and that there is none, are remembered for so long.
  var cache: Duration

  init(_ settings: Settings) {
    index = settings.required("index")
    cache = settings.read("cache") ?? Duration(1_000_000)
  }
}
