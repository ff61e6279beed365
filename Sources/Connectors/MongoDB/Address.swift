#if MongoDB
internal import CMongoDB
import Glibc
import PumpConnectorKit

/// Where the servers are and how they are spoken to: the connection's settings as libmongoc's URI. Mistakes in them are
/// found here, before anything is opened.
/// Nothing of it changes once it is made: any thread may make a client of it.
final class Address: @unchecked Sendable {
  let uri: OpaquePointer
  /// `localhost:27017`, for messages; a URI may hold a password.
  let hosts: String
  /// Holds certificate and key in one, as libmongoc wants them, where they are two files.
  private let identity: Int32?

  private static let library: Void = pump_mongo_start()

  init(_ connection: Connection, _ settings: MongoDBSettings) throws(RunFailure) {
    _ = Address.library
    let own = [("w", settings.writeConcern), ("wtimeoutMS", String(Address.commandTimeout(settings)))]
    let options = own + settings.properties.sorted { $0.key < $1.key }.map { ($0.key, $0.value) }
    let text = Address.text(settings, options)
    let problem = Problem.Memory()
    guard let uri = mongoc_uri_new_with_error(text, problem.error) else {
      let reason = settings.uri == nil ? problem.value.message : "it is no URI of MongoDB"
      throw connection.failure("`uri`, `host` or `properties`: \(reason); write `mongodb://host:27017/?replicaSet=rs0`")
    }
    var identity: Int32?
    do throws(RunFailure) {
      try Address.check(text, connection)
      try Address.secure(uri, connection, settings, &identity)
    } catch {
      mongoc_uri_destroy(uri)
      throw error
    }
    Address.logIn(uri, settings)
    Address.time(uri, connection, settings)
    if let name = settings.replicaSet { mongoc_uri_set_option_as_utf8(uri, MONGOC_URI_REPLICASET, name) }
    if mongoc_uri_get_appname(uri) == nil { mongoc_uri_set_appname(uri, "pump") }
    self.uri = uri
    self.identity = identity
    hosts = Address.hosts(uri)
  }

  deinit {
    mongoc_uri_destroy(uri)
    if let identity { close(identity) }
  }

  // MARK: The text

  /// The URI as it is given, or of host and port, with more options. Its own come last, and count.
  private static func text(_ settings: MongoDBSettings, _ options: [(String, String)]) -> String {
    let more = options.map { "\(escaped($0.0))=\(escaped($0.1))" }.joined(separator: "&")
    guard let uri = settings.uri else {
      let host = settings.host
      let isSocket = host.hasPrefix("/")
      let written = host.contains(":") ? "[\(host)]" : escaped(host)
      return "mongodb://\(written)\(isSocket ? "" : ":\(settings.port)")/?\(more)"
    }
    if let mark = uri.firstIndex(of: "?") { return "\(uri[..<mark])?\(more)&\(uri[uri.index(after: mark)...])" }
    let isWhole = uri.firstRange(of: "://").map { uri[$0.upperBound...].contains("/") } ?? false
    return "\(uri)\(isWhole ? "" : "/")?\(more)"
  }

  private static func escaped(_ text: String) -> String {
    text.utf8.map { byte in
      let isPlain = (byte | 0x20 >= 0x61 && byte | 0x20 <= 0x7A) || (byte >= 0x30 && byte <= 0x39) || "-._~".utf8.contains(byte)
      return isPlain ? String(UnicodeScalar(byte)) : "%" + (byte < 16 ? "0" : "") + String(byte, radix: 16, uppercase: true)
    }.joined()
  }

  /// libmongoc takes an option that it does not know for none.
  private static func check(_ text: String, _ connection: Connection) throws(RunFailure) {
    let others = ["w", "readconcernlevel", "readpreferencetags", "authmechanism", "authmechanismproperties", "authsource", "compressors"]
    // `text` puts options behind a question mark, ours at least.
    for part in text[text.firstIndex(of: "?")!...].dropFirst().split(whereSeparator: { $0 == "&" || $0 == ";" }) {
      let name = part.prefix { $0 != "=" }.lowercased()
      let isKnown =
        others.contains(name) || mongoc_uri_option_is_int32(name) || mongoc_uri_option_is_int64(name) || mongoc_uri_option_is_bool(name)
        || mongoc_uri_option_is_utf8(name)
      guard isKnown else { throw connection.failure("`\(name)` is no option of MongoDB's client; check `uri` and `properties`") }
    }
  }

  // MARK: Settings

  private static func secure(
    _ uri: OpaquePointer, _ connection: Connection, _ settings: MongoDBSettings, _ identity: inout Int32?
  ) throws(RunFailure) {
    let wanted = settings.security == .tls
    let isSaid = mongoc_uri_has_option(uri, MONGOC_URI_TLS) || mongoc_uri_has_option(uri, MONGOC_URI_SSL)
    if isSaid, mongoc_uri_get_tls(uri) != wanted, mongoc_uri_get_srv_hostname(uri) == nil {
      throw connection.failure("`uri` and `security` differ on TLS; leave the option out of the URI, or set `security` to match")
    }
    mongoc_uri_set_option_as_bool(uri, MONGOC_URI_TLS, wanted)
    guard let concern = mongoc_uri_get_write_concern(uri), mongoc_write_concern_is_acknowledged(concern) else {
      throw connection.failure("`write_concern` 0 has no answer, so that nothing could be acknowledged; set 1 or `majority`")
    }
    guard wanted else { return }
    let tls = connection.common.tls
    guard tls.serverName == nil else {
      throw connection.failure("`tls.server_name` is not supported by MongoDB's client; use the certificate's name as `host`")
    }
    if !tls.verify { mongoc_uri_set_option_as_bool(uri, MONGOC_URI_TLSINSECURE, true) }
    if let file = tls.ca { mongoc_uri_set_option_as_utf8(uri, MONGOC_URI_TLSCAFILE, file) }
    guard var file = tls.certificate else { return }
    if let key = tls.key, key != file {
      let joined = try join([file, key], connection)
      identity = joined
      file = "/proc/self/fd/\(joined)"
    }
    mongoc_uri_set_option_as_utf8(uri, MONGOC_URI_TLSCERTIFICATEKEYFILE, file)
  }

  /// Files one after the other, in one that only this process sees.
  private static func join(_ files: [String], _ connection: Connection) throws(RunFailure) -> Int32 {
    var bytes: [UInt8] = []
    for file in files {
      do throws(FileProblem) { bytes += try readWholeFile(file, limit: 1 << 20) + [0x0A] } catch {
        throw connection.failure("\(error.message); check `tls.certificate` and `tls.key`")
      }
    }
    let memory = pump_memory_file()
    guard memory >= 0, write(memory, bytes, bytes.count) == bytes.count else {
      throw connection.failure("cannot hold certificate and key in memory: \(String(cString: strerror(errno)))")
    }
    return memory
  }

  /// What the URI itself says of the user counts, unless there is a setting.
  private static func logIn(_ uri: OpaquePointer, _ settings: MongoDBSettings) {
    if let user = settings.user {
      mongoc_uri_set_username(uri, user)
      if let password = settings.password { mongoc_uri_set_password(uri, password) }
    }
    let source = settings.authSource
    if source != "admin" || (settings.user != nil && settings.uri == nil) { mongoc_uri_set_auth_source(uri, source) }
  }

  private static func commandTimeout(_ settings: MongoDBSettings) -> Int64 { settings.commandTimeout.micros / 1000 }

  private static func time(_ uri: OpaquePointer, _ connection: Connection, _ settings: MongoDBSettings) {
    let connect = Int32(clamping: connection.connectTimeout / 1000)
    // A server that waits for others gives up first, and says so.
    let command = Int32(clamping: commandTimeout(settings) + 2000)
    let times = [
      (MONGOC_URI_CONNECTTIMEOUTMS, connect), (MONGOC_URI_SERVERSELECTIONTIMEOUTMS, connect), (MONGOC_URI_SOCKETTIMEOUTMS, command),
    ]
    for (name, time) in times where !mongoc_uri_has_option(uri, name) { mongoc_uri_set_option_as_int32(uri, name, time) }
  }

  private static func hosts(_ uri: OpaquePointer) -> String {
    if let name = mongoc_uri_get_srv_hostname(uri) { return String(cString: name) }
    var names: [String] = []
    var next = mongoc_uri_get_hosts(uri)
    while let host = next {
      names.append(String(cString: pump_mongo_host(host)))
      next = UnsafePointer(host.pointee.next)
    }
    return names.joined(separator: ", ")
  }
}
#endif
