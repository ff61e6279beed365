import CHiredis
import Glibc
import PumpRuntime

/// One session with Redis; `Binding.swift` says what it must do.
final class RedisClient: RedisProtocol, @unchecked Sendable {
  private let context: UnsafeMutablePointer<redisContext>
  private let connection: Connection
  /// Elements that were taken from the list since the last confirmation.
  private var taken: Int64 = 0

  private init(_ context: UnsafeMutablePointer<redisContext>, _ connection: Connection) {
    (self.context, self.connection) = (context, connection)
  }

  static func connect(_ settings: RedisSettings, _ connection: Connection) throws(RunFailure) -> RedisClient {
    let limit = timeval(tv_sec: Int(connection.connectTimeout / 1_000_000), tv_usec: 0)
    let client = RedisClient(redisConnectWithTimeout(settings.host, Int32(settings.port), limit), connection)
    guard client.validate() else { throw client.failure("cannot reach \(settings.host):\(settings.port); check `host` and `port`") }
    if let password = settings.password { _ = try client.ask("AUTH", password) }
    return client
  }
  func disconnect() { redisFree(context) }
  func validate() -> Bool { context.pointee.err == 0 }

  func readList(_ batch: Batch, _ arguments: RedisListSourceArguments) throws(RunFailure) -> Bool {
    // What a run that was killed had taken comes first.
    if taken == 0 { while try ask("RPOPLPUSH", arguments.name + ".taken", arguments.name) != nil {} }
    while batch.count < 100, let element = try ask("RPOPLPUSH", arguments.name, arguments.name + ".taken") {
      element.withUnsafeBytes { batch.add($0) }
      taken += 1
    }
    (batch.position, batch.wantsCommit) = (taken, batch.count > 0)
    return true
  }
  func confirmList(_ position: Int64, _ arguments: RedisListSourceArguments) throws(RunFailure) {
    _ = try ask("DEL", arguments.name + ".taken")
    taken = 0
  }
  func writeList(_ events: RedisListEvents) throws(RunFailure) -> [Refusal] {
    for row in 0..<events.count { _ = try ask("LPUSH", events.name(row).string, value: events.event(row)) }
    return []
  }
  func findJson(_ key: Text) throws(RunFailure) -> String? { try ask("GET", key.string).map { String(decoding: $0, as: UTF8.self) } }

  /// One command; its parts are sent with their lengths, so that nothing in them means anything. Nil is Redis's nil.
  private func ask(_ words: String..., value: Text? = nil) throws(RunFailure) -> [UInt8]? {
    let parts = words.map { Array($0.utf8) } + (value.map { [Array($0.bytes)] } ?? [])
    let bytes = parts.flatMap { $0 }.map { CChar(bitPattern: $0) }
    let raw = bytes.withUnsafeBufferPointer { buffer in
      var next = buffer.baseAddress!
      var starts: [UnsafePointer<CChar>?] = parts.map { part in
        defer { next += part.count }; return next
      }
      return redisCommandArgv(context, Int32(parts.count), &starts, parts.map(\.count))
    }
    guard let raw else { throw failure("the server is gone") }
    defer { freeReplyObject(raw) }
    let reply = raw.assumingMemoryBound(to: redisReply.self).pointee
    let text = reply.str.map { [UInt8](UnsafeRawBufferPointer(start: $0, count: reply.len)) }
    guard reply.type == REDIS_REPLY_ERROR else { return text }
    let problem = String(decoding: text ?? [], as: UTF8.self)
    // While it reads its data, or waits for its master, others may help; anything else is a mistake.
    throw connection.failure(problem, transient: ["LOADING", "MASTERDOWN", "READONLY", "BUSY"].contains { problem.hasPrefix($0) })
  }
  private func failure(_ what: String) -> RunFailure { connection.failure("\(what) (error \(context.pointee.err))", transient: true) }
}
