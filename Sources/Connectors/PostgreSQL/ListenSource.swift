#if PostgreSQL
internal import CPostgreSQL
import PumpRuntime

/// `listen`: what other sessions NOTIFY on a channel.
final class ListenSource: Source, @unchecked Sendable {
  private let pool: ClientPool<Client>
  private let context: EndpointContext
  private let channel: String
  private var client: Client?

  init(_ pool: ClientPool<Client>, _ context: EndpointContext) {
    self.pool = pool
    self.context = context
    channel = context.settings.text("channel") ?? ""
  }

  func next(_ batch: Batch) throws(RunFailure) -> Bool {
    do throws(RunFailure) {
      if client == nil {
        let opened = try pool.acquire()
        client = opened
        try opened.run("LISTEN \(SQL.quoted(channel))")
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
      let column = batch.meta[name] ?? Column(name == "pid" ? .int : .string)
      batch.meta[name] = column
      for row in 0..<batch.count { if name == "pid" { column.set(pids[row], row) } else { column.set(arena.copy(channel), row) } }
    }
    return !context.stop.isRequested
  }

  func close() {
    if let client { pool.release(client, broken: true) }
    client = nil
  }
}
#endif
