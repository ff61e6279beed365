#if PostgreSQL
internal import CPostgreSQL
import PumpConnectorKit

/// `listen`: what other sessions NOTIFY on a channel.
final class ListenSource: Source {
  private let pool: ClientPool<Client>
  private let connection: Connection
  private let context: EndpointContext
  private let channel: String
  private var client: Client?

  init(_ pool: ClientPool<Client>, _ connection: Connection, _ context: EndpointContext) {
    self.pool = pool
    self.connection = connection
    self.context = context
    channel = PostgreSQLListenSourceArguments(context.settings).channel
  }

  func next(_ batch: Batch) throws(RunFailure) -> Bool {
    do throws(RunFailure) {
      if client == nil {
        let opened = try pool.acquire()
        client = opened
        try opened.run("LISTEN \(SQL.quoted(channel))")
        try hear(opened)
      }
      _ = try client!.waitForInput()
    } catch {
      if let client, client.isBroken { pool.lost(error.message) }
      close()
      throw error
    }
    let arena = batch.context.arena
    var pids: [Int64] = []
    while batch.count < 1024, let notification = PQnotifies(client!.handle) {
      defer { PQfreemem(notification) }
      batch.append(arena.copy(String(cString: notification.pointee.extra)))
      pids.append(Int64(notification.pointee.be_pid))
    }
    let channel = self.channel
    batch.describe = { [pids] row in
      "{\"channel\":\(Value.text(channel).json(.string)),\"pid\":\(row < pids.count ? pids[row] : 0)}"
    }
    for name in context.meta {
      let column = batch.metaColumn(name, name == "pid" ? .int : .string)
      for row in 0..<batch.count { if name == "pid" { column.set(pids[row], row) } else { column.set(arena.copy(channel), row) } }
    }
    return !context.stop.isRequested
  }

  /// A pooler that gives sessions of the server from transaction to transaction gives away what was listened for. Only it says
  /// another process number than the server; then another session sends something, which must come.
  private func hear(_ client: Client) throws(RunFailure) {
    guard try client.run("SELECT pg_backend_pid()").text(0, 0) != String(PQbackendPID(client.handle)) else { return }
    let probe = "pump_\(UInt64.random(in: 0...UInt64.max))"
    try client.run("LISTEN \(probe)")
    let other = try connection.attempt { () throws(RunFailure) in try Client(connection) }
    let end = monotonicMicros() + 3_000_000
    while monotonicMicros() < end, !context.stop.isRequested {
      try other.run("NOTIFY \(probe)")
      _ = try client.waitForInput()
      while let notification = PQnotifies(client.handle) {
        defer { PQfreemem(notification) }
        if String(cString: notification.pointee.relname) == probe {
          try client.run("UNLISTEN \(probe)")
          return
        }
      }
    }
    if context.stop.isRequested { return }
    throw connection.failure(
      "`listen` hears nothing through this pooler, which changes sessions between transactions; connect to the server itself, or let it pool sessions"
    )
  }

  func close() {
    if let client { pool.release(client, broken: true) }
    client = nil
  }
}
#endif
