#if PostgreSQL
internal import CPostgreSQL
import PumpConnectorKit

/// `changes`: logical replication with `pgoutput`, protocol version 1. What was acknowledged is confirmed to the slot;
/// after a lost session the server begins again after that.
final class ChangesSource: Source {
  private let connection: Connection
  let context: EndpointContext
  private let publication: String
  private let slot: String
  private var client: Client?
  var relations: [UInt32: Relation] = [:]
  var transaction: (id: Int64, committed: Int64) = (0, 0)
  /// The end of the last whole transaction that was given, of the last acknowledged, and of what the server has sent.
  var given: Int64 = 0
  private var acknowledged: Int64 = 0
  private var confirmed: Int64 = 0
  private var serverEnd: Int64 = 0
  private var lastStatus: Int64 = 0
  var hasOpenRows = false
  /// Rows already emitted of the open transaction, the one after `given`; after a reconnect this many are skipped.
  var openRows = 0
  var skip: (rows: Int, transaction: Int64) = (0, 0)
  /// Batches that were given, and how far each goes until it is acknowledged: the end of its transaction may come with the next.
  private var number: Int64 = 0
  private var durable: Int64 = 0
  private var positions: [(number: Int64, end: Int64)] = []

  let types: ServerTypes
  /// What ended the reading after events that were given first.
  private var failure: RunFailure?

  init(_ connection: Connection, _ context: EndpointContext) throws(RunFailure) {
    self.connection = connection
    self.context = context
    let arguments = PostgreSQLChangesSourceArguments(context.settings)
    (publication, slot) = (arguments.publication, arguments.slot)
    types = ServerTypes(connection)
    let isName =
      !slot.isEmpty && slot.utf8.count < 64
      && slot.utf8.allSatisfy { $0 == 0x5F || ($0 >= 0x61 && $0 <= 0x7A) || ($0 >= 0x30 && $0 <= 0x39) }
    guard isName else {
      throw RunFailure("source `\(context.spec.label)`: a slot's name holds a to z, 0 to 9 and _ only; write `slot: \"orders\"`")
    }
  }

  /// A position is the end of the last whole transaction, how many rows after it were given, and of which transaction.
  func resume(_ positions: any PositionStore) throws(RunFailure) {
    guard positions.isTransactional, let parts = try positions.load(nil)[""]?.split(separator: " "), parts.count == 3,
      let end = Int64(parts[0]), let rows = Int(parts[1]), let id = Int64(parts[2])
    else { return }
    (given, acknowledged, openRows, transaction.id) = (end, end, rows, id)
  }

  // MARK: The session

  private func begin() throws(RunFailure) -> Client {
    let client = try connection.attempt { () throws(RunFailure) in try Client(connection, replication: true) }
    guard try client.run("SELECT 1 FROM pg_publication WHERE pubname = \(SQL.literal(publication))").rows == 1 else {
      throw connection.failure(
        "there is no publication `\(publication)`; create it: CREATE PUBLICATION \(SQL.quoted(publication)) FOR TABLE …")
    }
    if try client.run("SELECT 1 FROM pg_replication_slots WHERE slot_name = \(SQL.literal(slot))").rows == 0 {
      guard given == 0 else {
        throw connection.failure(
          "the slot `\(slot)` is gone, and with it the changes behind \(Self.text(given)); load the tables anew, and name another slot")
      }
      try client.run("CREATE_REPLICATION_SLOT \(SQL.quoted(slot)) LOGICAL pgoutput NOEXPORT_SNAPSHOT")
    }
    let names = SQL.literal(SQL.quoted(publication))
    let refused = try client.start(
      "START_REPLICATION SLOT \(SQL.quoted(slot)) LOGICAL \(Self.text(given)) (proto_version '1', publication_names \(names))")
    if let refused {
      guard refused.code == "55000" else { throw client.failure(refused) }
      // The slot was invalidated: what it no longer has is lost to it.
      let reason = [refused.message, refused.detail].filter { !$0.isEmpty }.joined(separator: ": ")
      throw connection.failure(
        "\(reason); drop the slot, SELECT pg_drop_replication_slot(\(SQL.literal(slot))), and copy the tables anew")
    }
    relations = [:]
    hasOpenRows = false
    // What was given is not given again: the server begins with the transaction that was open, unless its end was confirmed.
    // A session that ended while it skipped had not come as far.
    skip = (max(openRows, skip.transaction == transaction.id ? skip.rows : 0), transaction.id)
    openRows = 0
    return client
  }

  static func text(_ lsn: Int64) -> String { "\(String(lsn >> 32, radix: 16))/\(String(lsn & 0xFFFF_FFFF, radix: 16))" }

  func next(_ batch: Batch) throws(RunFailure) -> Bool {
    do throws(RunFailure) {
      if let failure {
        self.failure = nil
        throw failure
      }
      if self.client == nil { self.client = try begin() }
      let client = self.client!
      try confirm(client, force: false)
      try read(client, batch)
      return !context.stop.isRequested || batch.count > 0
    } catch {
      client = nil
      if error.isTransient { connection.lost(error.message) }
      throw error
    }
  }

  private func read(_ client: Client, _ batch: Batch) throws(RunFailure) {
    var changes: [Change] = []
    reading: while changes.count < 1024 {
      // What was read is given before a session's end is told, which the next call finds again.
      let isEmpty = changes.isEmpty && batch.refused.isEmpty
      var line: UnsafeMutablePointer<CChar>?
      let count = PQgetCopyData(client.handle, &line, 1)
      if count > 0, let line {
        defer { PQfreemem(line) }
        var message = Message(UnsafeRawPointer(line).assumingMemoryBound(to: UInt8.self), Int(count))
        switch message.byte() {
        case UInt8(ascii: "w"):
          let start = message.int64()
          serverEnd = max(serverEnd, message.int64())
          _ = message.int64()
          do throws(RunFailure) { try take(&message, start, batch, &changes) } catch {
            guard isEmpty else {
              failure = error
              break reading
            }
            throw error
          }
        case UInt8(ascii: "k"):
          serverEnd = max(serverEnd, message.int64())
          _ = message.int64()
          guard message.byte() == 1 else { break }
          do throws(RunFailure) { try confirm(client, force: true) } catch {
            guard isEmpty else { break reading }
            throw error
          }
        default: break
        }
      } else if count == 0 {
        // The end of a transaction follows its rows at once.
        if !changes.isEmpty, !hasOpenRows { break }
        do throws(RunFailure) { if try !client.waitForInput() { break } } catch {
          guard isEmpty else { break }
          throw error
        }
      } else if !isEmpty {
        break
      } else {
        _ = try client.finish()
        throw connection.failure("the server ended the replication", transient: true)
      }
    }
    if context.keepsPositions, !changes.isEmpty { batch.checkpoint = ["": "\(given) \(openRows) \(transaction.id)"] }
    batch.origin = { "\(changes[$0].transaction.id) \(changes[$0].transaction.committed) \(changes[$0].number)" }
    if !changes.isEmpty || !batch.refused.isEmpty {
      number += 1
      // Rows of a transaction that goes on are not after the position yet.
      positions.append((number, given))
    }
    batch.position = number
    settle()
    describe(changes, batch)
  }

  /// Tells the server how far the slot may be moved: at most after what was acknowledged.
  private func confirm(_ client: Client, force: Bool) throws(RunFailure) {
    let now = monotonicMicros()
    // Where nothing waits, other tables' changes need not be kept either.
    let position = acknowledged == given && !hasOpenRows ? max(acknowledged, serverEnd) : acknowledged
    guard force || (position > confirmed && now - lastStatus > 200_000) || now - lastStatus > 5_000_000 else { return }
    var status = ByteBuffer(capacity: 40)
    defer { status.release() }
    status.byte(UInt8(ascii: "r"))
    for value in [position, position, position, currentMicros() - 946_684_800_000_000] { status.int64(value) }
    status.byte(0)
    let sent = status.base.withMemoryRebound(to: CChar.self, capacity: status.count) {
      PQputCopyData(client.handle, $0, Int32(status.count))
    }
    guard sent == 1 else { throw client.broken() }
    try client.flush()
    confirmed = position
    lastStatus = now
  }

  func acknowledge(_ position: Int64) throws(RunFailure) {
    durable = position
    settle()
    if let client { try? confirm(client, force: true) }
  }

  /// Everything up to a transaction's end is acknowledged where no row before it waits.
  private func settle() {
    let end = durable == number ? given : positions.last { $0.number <= durable }?.end ?? 0
    positions.removeAll { $0.number <= durable }
    acknowledged = max(acknowledged, end)
  }

  func close() { client = nil }
}

extension ByteBuffer {
  /// Eight bytes, the highest first.
  fileprivate mutating func int64(_ value: Int64) {
    for shift in stride(from: 56, through: 0, by: -8) { byte(UInt8(truncatingIfNeeded: value >> Int64(shift))) }
  }
}
#endif
