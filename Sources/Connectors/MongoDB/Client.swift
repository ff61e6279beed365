#if MongoDB
internal import CMongoDB
import PumpConnectorKit

/// One client of libmongoc, which itself holds one session with each server; used by one thread at a time. It tries a
/// server that is down once: when to try again is the connection's to decide.
final class Client: PooledClient, @unchecked Sendable {
  let handle: OpaquePointer
  let connection: Connection
  let database: String
  private(set) var isBroken = false
  var isReusable: Bool { !isBroken }
  private let problem = Problem.Memory()

  init(_ connection: Connection, _ settings: MongoDBSettings, _ address: Address) throws(RunFailure) {
    self.connection = connection
    database = settings.database
    guard let handle = mongoc_client_new_from_uri_with_error(address.uri, problem.error) else {
      throw Client.refused(connection, settings, address, problem.value)
    }
    self.handle = handle
    // Codes of the server are told apart from libmongoc's.
    mongoc_client_set_error_api(handle, MONGOC_ERROR_API_VERSION_2)
    guard pump_mongo_ping(handle, database, problem.error) else { throw Client.refused(connection, settings, address, problem.value) }
  }

  deinit {
    // Else libmongoc tells the server that its sessions end, and waits for the answer as long as for that of a command.
    mongoc_client_reset(handle)
    mongoc_client_destroy(handle)
  }

  /// Why there is no session, what would help, and whether trying again can.
  private static func refused(_ connection: Connection, _ settings: MongoDBSettings, _ address: Address, _ problem: Problem) -> RunFailure {
    if let help = problem.help, !problem.isTransient {
      return connection.failure("\(address.hosts) refuses: \(problem.text); \(help)")
    }
    let reason = problem.text
    let distrusts: [(String, String)] = [
      ("ostname mismatch", "the certificate has another name: use that as `host`"),
      ("IP address mismatch", "the certificate has another name: use that as `host`"),
      ("has expired", "renew the server's certificate"), ("certificate verify failed", "give the authority's file as `tls.ca`"),
      ("wrong version number", "the server has no TLS: set `security = plain` if the network is trusted"),
    ]
    if let help = distrusts.first(where: { reason.contains($0.0) }) {
      return connection.failure("\(address.hosts) is not trusted: \(reason); \(help.1)")
    }
    let isPlain = settings.security == .plain
    let helps: [(String, String)] = [
      ("timeout", "is it MongoDB that listens there, and does it speak TLS as `security` says?"),
      ("connection closed", isPlain ? "does it want TLS? then set `security = tls`" : "check `host` and `port`, and that it runs with TLS"),
      ("No suitable servers", "check `replica_set`, and that it has a primary"),
    ]
    let help = helps.first { reason.contains($0.0) }?.1 ?? "check `host` and `port`, and that it runs"
    return connection.failure("cannot reach \(address.hosts): \(reason); \(help)", transient: problem.isTransient)
  }

  /// What a failed command means, and what would help. `task` says what it was for: `find in`.
  func failure(_ problem: Problem, _ task: String, _ collection: String?) -> RunFailure {
    if problem.isLoss { isBroken = true }
    let place = collection.map { "\(database).\($0)" } ?? database
    let help = problem.help.map { "; \($0)" } ?? ""
    return connection.failure("cannot \(task) `\(place)`: \(problem.text)\(help)", transient: problem.isTransient)
  }

  // MARK: Finding

  func find(_ collection: String, _ filter: BSON, _ options: [(String, BSON)]) throws(RunFailure) -> Cursor {
    let query = filter.bytes
    let opts = BSON.document(options).bytes
    guard let cursor = pump_mongo_find(handle, database, collection, query, query.count, opts, opts.count) else {
      throw connection.failure("the filter of `\(collection)` is no document")
    }
    return Cursor(self, cursor, collection)
  }

  /// All documents that are found.
  func all(_ collection: String, _ filter: BSON, _ options: [(String, BSON)] = []) throws(RunFailure) -> [[UInt8]] {
    let cursor = try find(collection, filter, options)
    var result: [[UInt8]] = []
    while let document = try cursor.next() { result.append(document.copy) }
    return result
  }
}

/// Documents that the server sends.
final class Cursor {
  private let client: Client
  private var handle: OpaquePointer?
  private let collection: String
  private let problem = Problem.Memory()

  fileprivate init(_ client: Client, _ handle: OpaquePointer, _ collection: String) {
    self.client = client
    self.handle = handle
    self.collection = collection
  }

  deinit { close() }

  /// Before the client may be used for something else.
  func close() {
    if let handle { mongoc_cursor_destroy(handle) }
    handle = nil
  }

  /// The next one, valid until the one after it; nil at the end.
  func next() throws(RunFailure) -> Document? {
    guard let handle else { return nil }
    var size: UInt32 = 0
    if let bytes = pump_mongo_next(handle, &size) { return Document(bytes, Int(size)) }
    if mongoc_cursor_error(handle, problem.error) { throw client.failure(problem.value, "find in", collection) }
    return nil
  }
}
#endif
