#if PostgreSQL
internal import CPostgreSQL
import Glibc
import PumpConnectorKit

/// One session with the server; used by one thread at a time. All waiting has a deadline or heeds the stop signal.
final class Client: PooledClient, @unchecked Sendable {
  let handle: OpaquePointer
  let connection: Connection
  private let timeout: Int64
  /// Lives as long as the handle, which calls it.
  private let notices: Notices

  init(_ connection: Connection, replication: Bool = false) throws(RunFailure) {
    self.connection = connection
    let settings = PostgreSQLSettings(connection.settings)
    timeout = settings.statementTimeout.micros
    handle = try Client.connect(connection, settings, replication)
    PQsetnonblocking(handle, 1)
    notices = Notices(connection)
    // libpq calls back within calls of this object alone, the last of them in `deinit`.
    PQsetNoticeReceiver(
      handle, { context, result in if let context, let result { Notices.take(context, result) } },
      Unmanaged.passUnretained(notices).toOpaque())
    // A replication session is no pooler's: its settings stay its own.
    if replication { try run(SQL.settings("SET")) }
  }

  deinit { PQfinish(handle) }

  private static func parameters(_ settings: PostgreSQLSettings, _ tls: TlsSettings, _ replication: Bool) -> [(String, String)] {
    var list: [(String, String)] = [
      ("client_encoding", "UTF8"), ("application_name", "pump"), ("keepalives_idle", "10"), ("keepalives_interval", "5"),
      ("keepalives_count", "3"), ("tcp_user_timeout", "30000"),
    ]
    list += settings.properties.sorted { $0.key < $1.key }.map { ($0.key, $0.value) }
    list += [("host", settings.host), ("port", String(settings.port)), ("dbname", settings.database), ("user", settings.user)]
    if let password = settings.password { list.append(("password", password)) }
    let mode = !tls.verify && settings.sslmode != .disable ? .require : settings.sslmode
    list.append(("sslmode", mode.rawValue.replacing("_", with: "-")))
    for (file, name) in [(tls.ca, "sslrootcert"), (tls.certificate, "sslcert"), (tls.key, "sslkey")] {
      if let file { list.append((name, file)) }
    }
    // Without a file of authorities, those of the system.
    if tls.ca == nil, mode == .verifyCa || mode == .verifyFull { list.append(("sslrootcert", "/etc/ssl/certs/ca-certificates.crt")) }
    if let name = tls.serverName {
      // The certificate is checked against `host`; the address is then given apart.
      list.append(("hostaddr", settings.host))
      list.append(("host", name))
    }
    if replication { list.append(("replication", "database")) }
    return list
  }

  private static func connect(
    _ connection: Connection, _ settings: PostgreSQLSettings, _ replication: Bool
  ) throws(RunFailure) -> OpaquePointer {
    // The later of two parameters of one name counts.
    var merged: [(String, String)] = []
    for (key, value) in parameters(settings, connection.common.tls, replication) {
      merged.removeAll { $0.0 == key }
      merged.append((key, value))
    }
    var keys = merged.map { UnsafePointer(strdup($0.0)) } + [nil]
    var values = merged.map { UnsafePointer(strdup($0.1)) } + [nil]
    defer { for text in keys + values { free(UnsafeMutablePointer(mutating: text)) } }
    guard let handle = PQconnectStartParams(&keys, &values, 0) else { throw connection.failure("out of memory", transient: true) }
    let address = "\(settings.host):\(settings.port)"
    let deadline = monotonicMicros() + connection.connectTimeout
    var next = PGRES_POLLING_WRITING
    while PQstatus(handle) != CONNECTION_BAD, next != PGRES_POLLING_OK, next != PGRES_POLLING_FAILED {
      var descriptor = pollfd(
        fd: PQsocket(handle), events: Int16(next == PGRES_POLLING_READING ? POLLIN : POLLOUT), revents: 0)
      let left = deadline - monotonicMicros()
      guard left > 0 else {
        PQfinish(handle)
        throw connection.failure(
          "\(address) gave no answer within connect_timeout; is it PostgreSQL that listens there, and is the network open?", transient: true
        )
      }
      _ = poll(&descriptor, 1, Int32(clamping: min(left / 1000 + 1, 100)))
      if descriptor.revents != 0 { next = PQconnectPoll(handle) }
      if connection.stop.isRequested, connection.stop.age > connection.connectTimeout { break }
    }
    guard PQstatus(handle) == CONNECTION_OK, next == PGRES_POLLING_OK else {
      defer { PQfinish(handle) }
      throw refused(connection, address, String(cString: PQerrorMessage(handle)))
    }
    return handle
  }

  /// Why there is no session, what would help, and whether trying again can.
  private static func refused(_ connection: Connection, _ address: String, _ text: String) -> RunFailure {
    // Hints begin with a tab; of several addresses the last counts.
    let lines = text.split(separator: "\n").filter { $0.first != "\t" }.map(String.init)
    let line = lines.last { $0.contains("FATAL:") || $0.contains("failed: ") } ?? lines.first ?? "no answer"
    let reason =
      ["FATAL:", "failed: "].compactMap { mark in line.firstRange(of: mark).map { String(line[$0.upperBound...]) } }.first ?? line
    let helps: [(String, String)] = [
      ("password authentication failed", "check `user` and `password`"), ("no password supplied", "set `password`"),
      ("database \"", "check `database`"), ("role \"", "check `user`"),
      ("no pg_hba.conf entry", "the server does not admit this user from here"),
      ("does not support SSL", "the server has no TLS: set `sslmode = disable` if the network is trusted"),
      ("root certificate file", "give the authority's file as `tls.ca`"),
      ("could not open certificate file", "check `tls.certificate`"), ("could not load private key", "check `tls.key`"),
      ("is not permitted to log in", "check `user`"), ("permission denied for database", "grant CONNECT to the user"),
      ("invalid connection option", "check the names in `properties`"),
    ]
    let distrusts = [
      ("certificate verify failed", "give the authority's file as `tls.ca`, or renew the server's certificate"),
      ("server certificate for", "the certificate has another name: use that as `host` or `tls.server_name`"),
      ("certificate authority", "give the authority's file as `tls.ca`"),
    ]
    if let help = distrusts.first(where: { text.contains($0.0) }) {
      return connection.failure("\(address) is not trusted: \(reason.trimmed); \(help.1)")
    }
    if let help = helps.first(where: { text.contains($0.0) }) {
      return connection.failure("\(address) refuses: \(reason.trimmed); \(help.1)")
    }
    return connection.failure("cannot reach \(address): \(reason.trimmed); check `host` and `port`, and that it runs", transient: true)
  }

  /// The session is not to be used again.
  var isBroken: Bool { PQstatus(handle) != CONNECTION_OK }
  var isReusable: Bool { !isBroken && PQtransactionStatus(handle) == PQTRANS_IDLE }

  // MARK: Statements

  /// Begins a transaction in which values have the forms that are read and written here, whatever the server, the database or
  /// the role say. They end with it: behind a pooler the next transaction may be another session's.
  func begin(_ more: String = "") throws(RunFailure) { try run("BEGIN; \(SQL.settings("SET LOCAL"))" + (more.isEmpty ? "" : "; \(more)")) }

  /// Ends a transaction; what the server refuses only now, such as a deferred constraint, is returned.
  func commit() throws(RunFailure) -> Result? { try attempt("COMMIT") }

  /// Gives up a transaction, if there is one.
  func rollback() {
    if !isBroken, [PQTRANS_INTRANS, PQTRANS_INERROR].contains(PQtransactionStatus(handle)) { _ = try? run("ROLLBACK") }
  }

  /// Runs statements without arguments to their end.
  @discardableResult
  func run(_ sql: String, limit: Int64? = nil) throws(RunFailure) -> Result {
    guard PQsendQuery(handle, sql) == 1 else { throw broken() }
    return try finish(limit: limit)
  }

  /// Runs one statement with text arguments; nil is null.
  func run(_ sql: String, _ arguments: [String?]) throws(RunFailure) -> Result {
    var values = arguments.map { $0.map { UnsafePointer(strdup($0)) } ?? nil }
    defer { for value in values { free(UnsafeMutablePointer(mutating: value)) } }
    guard PQsendQueryParams(handle, sql, Int32(values.count), nil, &values, nil, nil, 0) == 1 else { throw broken() }
    return try finish()
  }

  /// Waits for all results of what was sent; the last is returned, the first failure thrown.
  @discardableResult
  func finish(limit: Int64? = nil) throws(RunFailure) -> Result {
    var last: Result?
    var failure: RunFailure?
    while let result = try next(limit: limit) {
      if result.isError { failure = failure ?? self.failure(result) }
      last = result
      // A COPY goes on only with data.
      if result.status == PGRES_COPY_IN || result.status == PGRES_COPY_OUT || result.status == PGRES_COPY_BOTH { break }
    }
    if let failure { throw failure }
    guard let last else { throw broken() }
    return last
  }

  /// All results of a statement that may be refused: the failed one, or nil.
  func outcome() throws(RunFailure) -> Result? {
    var failed: Result?
    while let result = try next() { if result.isError { failed = failed ?? result } }
    if let failed, failed.code.isEmpty { throw broken() }
    return failed
  }

  /// Runs a statement that may be refused: the failed result, or nil.
  func attempt(_ sql: String) throws(RunFailure) -> Result? {
    guard PQsendQuery(handle, sql) == 1 else { throw broken() }
    return try outcome()
  }

  /// Begins what goes on without an end, such as a replication: the refusal, or nil.
  func start(_ sql: String) throws(RunFailure) -> Result? {
    guard PQsendQuery(handle, sql) == 1 else { throw broken() }
    guard let result = try next() else { throw broken() }
    if !result.isError { return nil }
    while try next() != nil {}
    if result.code.isEmpty { throw broken() }
    return result
  }

  /// Data of a COPY. Never more than a piece waits in libpq: a slow server holds the caller back here.
  func put(_ bytes: UnsafePointer<UInt8>, _ count: Int) throws(RunFailure) {
    let sent = bytes.withMemoryRebound(to: CChar.self, capacity: count) { PQputCopyData(handle, $0, Int32(count)) }
    guard sent == 1 else { throw broken() }
    try flush()
  }

  /// The next result; nil after the last.
  func next(limit: Int64? = nil) throws(RunFailure) -> Result? {
    let deadline = monotonicMicros() + (limit ?? timeout)
    try flush(deadline)
    while PQisBusy(handle) == 1 {
      try wait(POLLIN, deadline)
      guard PQconsumeInput(handle) == 1 else { throw broken() }
    }
    return PQgetResult(handle).map { Result($0) }
  }

  /// Sends what libpq holds.
  func flush(_ deadline: Int64? = nil) throws(RunFailure) {
    let deadline = deadline ?? monotonicMicros() + timeout
    while true {
      let rest = PQflush(handle)
      if rest == 0 { return }
      guard rest == 1 else { throw broken() }
      try wait(POLLIN | POLLOUT, deadline)
      guard PQconsumeInput(handle) == 1 else { throw broken() }
    }
  }

  private func wait(_ events: Int32, _ deadline: Int64) throws(RunFailure) {
    let left = deadline - monotonicMicros()
    guard left > 0 else {
      cancel()
      throw connection.failure("the server gave no answer within statement_timeout; raise it, or look at what holds it up", transient: true)
    }
    var descriptor = pollfd(fd: PQsocket(handle), events: Int16(events), revents: 0)
    _ = poll(&descriptor, 1, Int32(clamping: left / 1000 + 1))
  }

  /// Waits until the server sends something: false if nothing came for 100 ms, or on the stop signal.
  func waitForInput() throws(RunFailure) -> Bool {
    guard connection.stop.waitReadable(PQsocket(handle), micros: 100_000) else { return false }
    guard PQconsumeInput(handle) == 1 else { throw broken() }
    return true
  }

  private func cancel() {
    guard let cancel = PQgetCancel(handle) else { return }
    var text = [CChar](repeating: 0, count: 256)
    _ = PQcancel(cancel, &text, 256)
    PQfreeCancel(cancel)
  }

  /// The name of a column's type of any length, for casts: without -1 `character` would mean one character.
  func typeName(_ column: ServerColumn) throws(RunFailure) -> String {
    try run("SELECT format_type($1::oid, -1)", [String(column.oid)]).text(0, 0) ?? "of another type"
  }
}

extension String {
  var trimmed: String {
    String(drop { $0 == " " || $0 == "\n" }.reversed().drop { $0 == " " || $0 == "\n" }.reversed())
  }
}
#endif
