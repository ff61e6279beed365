import Foundation
import PumpTestSupport
import PumpSyntax

/// How one endpoint of an interface file is used by the contract: a row of the table.
struct ContractRow: Sendable {
  /// What the endpoint cannot do by its nature, and what is therefore asked of it in another way.
  enum Trait {
    /// It ends with what is there: it gets its events before the start.
    case ends
    /// It does not see what was there before it first came, or, volatile, whenever it was away.
    case misses, volatile
    /// It shows the newest only.
    case newest
    /// An event may be delivered again.
    case repeats
  }
  let role: ConnectorSyntax.Role
  let name: String
  /// In Pump; `$` stands for the table, topic or index of this row.
  let arguments: String
  var traits: Set<Trait> = []
  /// Of a lookup: the type of what is found, and the customer's name in it.
  var type = "Event"
  var customer = ".found?.customer"
  /// Cases that cannot apply, and why, in a word.
  var not: [ContractCase: String] = [:]

  var label: String { "\(role.rawValue)_\(name)" }
}

/// Cases that an endpoint or a kind may be unable to have; of all others there is no exception.
enum ContractCase: String { case connect, share, reconnect, expire, acknowledge, drain, restart, silence }

/// A server of one kind, and a client of it that is not ours.
protocol ContractSystem: AnyObject {
  /// Rows of the table, one for each endpoint of the kind's interface file.
  static var rows: [ContractRow] { get }
  /// Cases that cannot apply to the kind, and why, in a word.
  static var not: [ContractCase: String] { get }
  /// The variable of the environment that names a real server.
  static var variable: String? { get }
  /// What the connection is declared with.
  static var settings: String { get }
  /// A setting with which it cannot be reached; none where the network decides.
  static var unreachable: String? { get }
  /// Sessions that endpoints have besides the pool's.
  static var ownSessions: Int { get }

  init(_ server: Server?, places: [String: String]) throws
  static func serve() throws -> Server?
  /// The environment of a program that reaches the server, through a proxy where there is one.
  func environment(_ proxy: Server?) -> [String: String]
  /// Settings, `section.key=value`, for what the environment cannot give.
  func set(_ proxy: Server?) -> [String]
  /// Where the proxy sends to.
  var port: String? { get }
  static var proxyOptions: [String] { get }
  func put(_ row: ContractRow, _ place: String, _ ids: ClosedRange<Int>) throws
  /// The ids of the events that a sink delivered.
  func found(_ row: ContractRow, _ place: String) throws -> [Int]
  func stop() throws
  func start() throws
}

extension ContractSystem {
  static var not: [ContractCase: String] { [:] }
  static var variable: String? { nil }
  static var unreachable: String? { nil }
  static var ownSessions: Int { 0 }
  static var proxyOptions: [String] { [] }
  func environment(_ proxy: Server?) -> [String: String] { [:] }
  func set(_ proxy: Server?) -> [String] { [] }
  static var real: String? { variable.flatMap { ProcessInfo.processInfo.environment[$0] } }

  static func events(_ ids: ClosedRange<Int>) -> [String] { ids.map { "{\"id\":\($0),\"customer\":\"cust-\($0 % 97)\"}" } }

  static func ids(_ text: String) -> [Int] { text.matches(of: /"id":\s*(\d+)/).compactMap { Int($0.1) } }

  @discardableResult
  static func tool(_ words: String..., input: String? = nil) throws -> String {
    let outcome = try Support.run("/usr/bin/env", words, input: input)
    guard outcome.code == 0 else { throw Server.Problem(message: "\(words[0]): \(outcome.err)") }
    return outcome.out
  }
}

/// Every kind of connection that the contract is kept by.
var contractSystems: [String: any ContractSystem.Type] {
  [
    "SQLite": SQLiteSystem.self, "PostgreSQL": PostgreSQLSystem.self, "Kafka": KafkaSystem.self, "MQTT": MQTTSystem.self,
    "MongoDB": MongoDBSystem.self, "Elasticsearch": ElasticsearchSystem.self, "Http": HttpSystem.self,
  ]
}

final class SQLiteSystem: ContractSystem {
  static let rows: [ContractRow] = [
    .init(role: .source, name: "table", arguments: "\"$\"", traits: [.ends], not: [.acknowledge: "whole", .drain: "whole"]),
    .init(
      role: .source, name: "query", arguments: "\"SELECT id, customer FROM $\"", traits: [.ends],
      not: [.acknowledge: "whole", .drain: "whole"]),
    .init(role: .sink, name: "table", arguments: "\"$\", key: [id]"),
    .init(role: .lookup, name: "table", arguments: "\"$\", column: \"id\", key: .id"),
  ]
  static let not: [ContractCase: String] = [.reconnect: "local"]
  static let settings = "path = env.CONTRACT_DB"
  static let unreachable: String? = "connection.c.path=/nowhere/contract.db"
  private let path: String
  let port: String? = nil

  init(_ server: Server?, places: [String: String]) throws {
    path = try Support.temporaryFolder() + "/contract.db"
    for place in places.values { try sql("create table \(place) (id integer primary key, customer text not null)") }
  }
  deinit { try? FileManager.default.removeItem(atPath: (path as NSString).deletingLastPathComponent) }

  static func serve() -> Server? { nil }
  func environment(_ proxy: Server?) -> [String: String] { ["CONTRACT_DB": path] }
  @discardableResult
  private func sql(_ text: String) throws -> String { try Self.tool("sqlite3", "-cmd", ".timeout 10000", path, text) }

  func put(_ row: ContractRow, _ place: String, _ ids: ClosedRange<Int>) throws {
    try sql("insert into \(place) values " + ids.map { "(\($0), 'cust-\($0 % 97)')" }.joined(separator: ","))
  }
  func found(_ row: ContractRow, _ place: String) throws -> [Int] {
    try sql("select id from \(place)").split(separator: "\n").compactMap { Int($0) }
  }
  func stop() {}
  func start() {}
}

final class PostgreSQLSystem: ContractSystem {
  private static let volatile: [ContractCase: String] = [.acknowledge: "volatile", .restart: "volatile", .drain: "volatile"]
  static let rows: [ContractRow] = [
    .init(role: .source, name: "table", arguments: "\"$\", order: [id], every: 100ms"),
    .init(role: .source, name: "query", arguments: "\"SELECT id, customer FROM $\", order: [id], every: 100ms"),
    .init(role: .source, name: "changes", arguments: "publication: \"$\", slot: \"$\"", traits: [.misses]),
    .init(role: .source, name: "listen", arguments: "\"$\"", traits: [.volatile], not: volatile),
    .init(role: .sink, name: "table", arguments: "\"$\", key: [id]"),
    .init(role: .sink, name: "execute", arguments: "\"INSERT INTO $ VALUES (:id, :customer) ON CONFLICT DO NOTHING\""),
    .init(role: .lookup, name: "table", arguments: "\"$\", column: \"id\", key: .id"),
  ]
  static let settings = """
    host = "127.0.0.1"
      database = "app"
      user = "app"
      password = env.CONTRACT_PASSWORD
      sslmode = disable
    """
  /// The replication of `changes`.
  static let ownSessions = 1
  private let server: Server
  var port: String? { server.port }

  init(_ server: Server?, places: [String: String]) throws {
    self.server = server!
    for (label, place) in places {
      let key = label.hasPrefix("sink") ? "primary key" : ""
      try server!.tell("sql create table \(place) (id bigint \(key), customer text)")
      if label == "source_changes" { try server!.tell("sql create publication \(place) for table \(place)") }
    }
  }

  static func serve() throws -> Server? { try Server("postgresql") }
  func environment(_ proxy: Server?) -> [String: String] { ["CONTRACT_PASSWORD": "s3cret"] }
  func set(_ proxy: Server?) -> [String] { ["connection.c.port=\(proxy!.port)"] }

  func put(_ row: ContractRow, _ place: String, _ ids: ClosedRange<Int>) throws {
    let series = "generate_series(\(ids.lowerBound), \(ids.upperBound)) n"
    if row.name == "listen" {
      try server.tell("sql select pg_notify('\(place)', '{\"id\":' || n || '}') from \(series)")
    } else {
      try server.tell("sql insert into \(place) select n, 'cust-' || n % 97 from \(series)")
    }
  }
  func found(_ row: ContractRow, _ place: String) throws -> [Int] {
    try server.tell("sql select string_agg(id::text, ',') from \(place)").split(separator: ",").compactMap { Int($0) }
  }
  func stop() throws { try server.tell("stop") }
  func start() throws { try server.tell("start") }
}

final class KafkaSystem: ContractSystem {
  static let rows: [ContractRow] = [
    .init(role: .source, name: "topic", arguments: "\"$\", group: \"$\", from: earliest"),
    .init(role: .sink, name: "topic", arguments: "\"$\", key: .customer", traits: [.repeats]),
  ]
  /// librdkafka has no pool: it holds a session with each broker.
  static let not: [ContractCase: String] = [.share: "librdkafka", .expire: "librdkafka"]
  static let variable: String? = "KAFKA_BOOTSTRAP"
  static let settings =
    "bootstrap_servers = env.CONTRACT_KAFKA\n  security_protocol = PLAINTEXT\n  properties { \"session.timeout.ms\" = \"6000\", \"group.instance.id\" = \"contract\" }"
  static let proxyOptions = ["--kafka"]
  private let server: Server?
  private let bootstrap: String
  var port: String? { server?.port }

  init(_ server: Server?, places: [String: String]) throws {
    self.server = server
    bootstrap = Self.real ?? server!.text("bootstrap")
    for place in places.values { try (server ?? KafkaBroker.server()).tell("topic \(place) 2") }
  }

  static func serve() throws -> Server? { try Server("noida") }
  func environment(_ proxy: Server?) -> [String: String] { ["CONTRACT_KAFKA": proxy.map { "127.0.0.1:\($0.port)" } ?? bootstrap] }

  func put(_ row: ContractRow, _ place: String, _ ids: ClosedRange<Int>) throws {
    try Self.tool("kcat", "-q", "-b", bootstrap, "-t", place, "-P", input: Self.events(ids).joined(separator: "\n") + "\n")
  }
  func found(_ row: ContractRow, _ place: String) throws -> [Int] {
    Self.ids(try Self.tool("kcat", "-q", "-b", bootstrap, "-t", place, "-C", "-e", "-o", "beginning"))
  }
  func stop() throws { try server!.tell("stop") }
  func start() throws { try server!.tell("start") }
}

final class MQTTSystem: ContractSystem {
  static let rows: [ContractRow] = [
    .init(role: .source, name: "topic", arguments: "\"$\"", traits: [.misses]),
    .init(role: .sink, name: "topic", arguments: "\"$\"", traits: [.repeats]),
  ]
  static let settings = "host = \"127.0.0.1\"\n  security = plain"
  /// The source's session.
  static let ownSessions = 1
  private let server: Server
  private let listener = Process()
  private let heard: String
  var port: String? { server.port }

  /// What the sink publishes is heard by a session that the broker keeps.
  init(_ server: Server?, places: [String: String]) throws {
    self.server = server!
    heard = try Support.temporaryFolder() + "/heard"
    _ = FileManager.default.createFile(atPath: heard, contents: nil)
    listener.executableURL = URL(fileURLWithPath: "/usr/bin/env")
    listener.arguments = ["mosquitto_sub", "-p", server!.port, "-c", "-i", "contract", "-q", "1", "-t", places["sink_topic"]!]
    listener.standardOutput = FileHandle(forWritingAtPath: heard)
    listener.standardError = FileHandle.nullDevice
    try listener.run()
  }
  deinit {
    // While its broker is gone it does not hear a milder signal.
    kill(listener.processIdentifier, SIGKILL)
    listener.waitUntilExit()
    try? FileManager.default.removeItem(atPath: (heard as NSString).deletingLastPathComponent)
  }

  static func serve() throws -> Server? { try Server("mosquitto") }
  func set(_ proxy: Server?) -> [String] { ["connection.c.port=\(proxy!.port)"] }

  func put(_ row: ContractRow, _ place: String, _ ids: ClosedRange<Int>) throws {
    try Self.tool("mosquitto_pub", "-p", server.port, "-q", "1", "-t", place, "-l", input: Self.events(ids).joined(separator: "\n") + "\n")
  }
  func found(_ row: ContractRow, _ place: String) throws -> [Int] { Self.ids(try String(contentsOfFile: heard, encoding: .utf8)) }
  func stop() throws { try server.tell("stop") }
  func start() throws { try server.tell("start") }
}

final class MongoDBSystem: ContractSystem {
  static let rows: [ContractRow] = [
    .init(role: .source, name: "find", arguments: "\"$\", order: [id], every: 100ms"),
    .init(role: .source, name: "changes", arguments: "collection: \"$\"", traits: [.misses]),
    .init(role: .sink, name: "collection", arguments: "\"$\", key: [id]"),
    .init(role: .lookup, name: "collection", arguments: "\"$\", field: \"id\", key: .id"),
  ]
  static let variable: String? = "MONGODB_URI"
  static let settings = "uri = env.CONTRACT_MONGO\n  database = \"app\"\n  security = plain"
  private let server: Server?
  private let uri: String
  private let client = Process()
  private let (questions, answers) = (Pipe(), Pipe())
  var port: String? { server?.port }

  init(_ server: Server?, places: [String: String]) throws {
    self.server = server
    uri = Self.real ?? server!.text("uri")
    client.executableURL = URL(fileURLWithPath: Support.python)
    let code = "app = pymongo.MongoClient('\(uri)').app\nfor line in sys.stdin: eval(f'print({line.strip()}, flush=True)')"
    client.arguments = ["-c", "import pymongo, sys\n" + code]
    client.standardInput = questions
    client.standardOutput = answers
    try client.run()
  }
  deinit { try? questions.fileHandleForWriting.close() }

  /// Starting Python and the driver for each question would take longer than all else.
  private func python(_ expression: String) throws -> String {
    try questions.fileHandleForWriting.write(contentsOf: Data((expression + "\n").utf8))
    return answers.line()
  }

  static func serve() throws -> Server? { try Server("mongodb") }
  func environment(_ proxy: Server?) -> [String: String] {
    // Otherwise the driver would look for the replica set's members, past the proxy.
    ["CONTRACT_MONGO": proxy.map { "mongodb://127.0.0.1:\($0.port)/?directConnection=true" } ?? uri]
  }

  func put(_ row: ContractRow, _ place: String, _ ids: ClosedRange<Int>) throws {
    _ = try python(
      "app['\(place)'].insert_many([{'id': n, 'customer': f'cust-{n % 97}'} for n in range(\(ids.lowerBound), \(ids.upperBound + 1))])")
  }
  func found(_ row: ContractRow, _ place: String) throws -> [Int] {
    try python("*(found['id'] for found in app['\(place)'].find())").split(separator: " ").compactMap { Int($0) }
  }
  func stop() throws { try server!.tell("stop") }
  func start() throws { try server!.tell("start") }
}

/// The documents of Elasticsearch, and of `Http`, whose server it is.
class DocumentSystem {
  fileprivate let server: Server?
  fileprivate let url: String
  var port: String? { server?.port }

  required init(_ server: Server?, places: [String: String]) throws {
    self.server = server
    url = ElasticsearchSystem.real ?? server!.text("url")
    for place in places.values {
      try ask("PUT", "/\(place)", #"{"mappings":{"properties":{"id":{"type":"long"},"customer":{"type":"keyword"}}}}"#)
    }
    if let place = places["source_get"] { try ask("PUT", "/\(place)/_doc/newest", #"{"id":0}"#) }
  }

  static func serve() throws -> Server? { ElasticsearchSystem.real == nil ? try Server("elasticsearch") : nil }

  @discardableResult
  fileprivate func ask(_ method: String, _ path: String, _ body: String) throws -> String {
    try ElasticsearchSystem.tool(
      "curl", "-sS", "--fail-with-body", "-X", method, "-H", "Content-Type: application/json", "--data-binary", "@-", url + path,
      input: body)
  }

  func put(_ row: ContractRow, _ place: String, _ ids: ClosedRange<Int>) throws {
    if row.traits.contains(.newest) {
      try ask("PUT", "/\(place)/_doc/newest", ElasticsearchSystem.events(ids).last!)
    } else {
      let lines = zip(ids, ElasticsearchSystem.events(ids)).map { "{\"index\":{\"_id\":\"\($0)\"}}\n\($1)\n" }
      try ask("POST", "/\(place)/_bulk?refresh=true", lines.joined())
    }
  }
  func found(_ row: ContractRow, _ place: String) throws -> [Int] {
    try ask("POST", "/\(place)/_refresh", "")
    return ElasticsearchSystem.ids(try ask("POST", "/\(place)/_search", #"{"size":10000}"#))
  }
  func stop() throws { try server!.tell("stop") }
  func start() throws { try server!.tell("start") }
}

final class ElasticsearchSystem: DocumentSystem, ContractSystem {
  static let rows: [ContractRow] = [
    .init(role: .source, name: "search", arguments: "\"$\", order: [id], every: 100ms"),
    .init(role: .sink, name: "index", arguments: "\"$\", id: to_string(.id)"),
    .init(role: .lookup, name: "document", arguments: "\"$\", key: to_string(.id)"),
  ]
  static let variable: String? = "ELASTICSEARCH_URL"
  static let settings = "nodes = env.CONTRACT_URL"
  func environment(_ proxy: Server?) -> [String: String] { ["CONTRACT_URL": proxy.map { "http://127.0.0.1:\($0.port)" } ?? url] }
}

final class HttpSystem: DocumentSystem, ContractSystem {
  static let rows: [ContractRow] = [
    .init(
      role: .source, name: "get", arguments: "\"/$/_doc/newest\", every: 100ms", traits: [.newest, .repeats],
      not: [.acknowledge: "polled", .drain: "polled"]),
    .init(role: .sink, name: "request", arguments: "\"/$/_doc/\\(.id)\", method: PUT"),
    .init(
      role: .lookup, name: "get", arguments: "key: \"/$/_doc/\\(.id)\"", type: "{ source: Event as \"_source\" }",
      customer: ".found?.source?.customer"),
  ]
  /// `pool.max` limits requests, not sessions, and libcurl keeps those.
  static let not: [ContractCase: String] = [.share: "requests", .expire: "libcurl"]
  static let variable: String? = ElasticsearchSystem.variable
  static let settings = "base_url = env.CONTRACT_URL"
  func environment(_ proxy: Server?) -> [String: String] { ["CONTRACT_URL": proxy.map { "http://127.0.0.1:\($0.port)" } ?? url] }
}
