#if PostgreSQL
internal import CPostgreSQL
import PumpRuntime

/// `changes`: logical replication with `pgoutput`, protocol version 1. What was acknowledged is confirmed to the slot;
/// after a lost session the server begins again behind that.
final class ChangesSource: Source, @unchecked Sendable {
  private let connection: Connection
  private let context: EndpointContext
  private let publication: String
  private let slot: String
  private var client: Client?
  private var relations: [UInt32: Relation] = [:]
  private var transaction: (id: Int64, committed: Int64) = (0, 0)
  /// The end of the last whole transaction that was given, of the last acknowledged, and of what the server has sent.
  private var given: Int64 = 0
  private var acknowledged: Int64 = 0
  private var confirmed: Int64 = 0
  private var serverEnd: Int64 = 0
  private var lastStatus: Int64 = 0
  private var hasOpenRows = false
  /// Rows of the transaction behind `given` that were given, and how many of which are passed over after a new start.
  private var openRows = 0
  private var skip: (rows: Int, transaction: Int64) = (0, 0)
  /// Batches that were given, and how far each goes until it is acknowledged: the end of its transaction may come with the next.
  private var number: Int64 = 0
  private var durable: Int64 = 0
  private var positions: [(number: Int64, end: Int64)] = []

  private let types: ServerTypes
  /// What ended the reading behind events that were given first.
  private var failure: RunFailure?

  private final class Relation {
    let schema: String
    let table: String
    let columns: [ChangeColumn]
    let isKey: [Bool]
    init(_ schema: String, _ table: String, _ columns: [ChangeColumn], _ isKey: [Bool]) {
      (self.schema, self.table, self.columns, self.isKey) = (schema, table, columns, isKey)
    }
  }
  private struct Change {
    let operation: String
    let relation: Relation
    let lsn: Int64
    let transaction: (id: Int64, committed: Int64)
    let number: Int
    /// JSON of what is known of the row as it was, and names of columns whose values were not sent.
    var old: Text?
    var unchanged: [String] = []
  }

  init(_ connection: Connection, _ context: EndpointContext) throws(RunFailure) {
    self.connection = connection
    self.context = context
    publication = context.settings.text("publication") ?? ""
    slot = context.settings.text("slot") ?? ""
    types = ServerTypes(connection)
    let isName =
      !slot.isEmpty && slot.utf8.count < 64
      && slot.utf8.allSatisfy { $0 == 0x5F || ($0 >= 0x61 && $0 <= 0x7A) || ($0 >= 0x30 && $0 <= 0x39) }
    guard isName else {
      throw RunFailure("source `\(context.spec.label)`: a slot's name holds a to z, 0 to 9 and _ only; write `slot: \"orders\"`")
    }
  }

  /// A position is the end of the last whole transaction, how many rows behind it were given, and of which transaction.
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

  private static func text(_ lsn: Int64) -> String { "\(String(lsn >> 32, radix: 16))/\(String(lsn & 0xFFFF_FFFF, radix: 16))" }

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
      // Rows of a transaction that goes on are not behind the position yet.
      positions.append((number, given))
    }
    batch.position = number
    settle()
    describe(changes, batch)
  }

  /// Tells the server how far the slot may be moved: at most behind what was acknowledged.
  private func confirm(_ client: Client, force: Bool) throws(RunFailure) {
    let now = currentMicros()
    // Where nothing waits, other tables' changes need not be kept either.
    let position = acknowledged == given && !hasOpenRows ? max(acknowledged, serverEnd) : acknowledged
    guard force || (position > confirmed && now - lastStatus > 200_000) || now - lastStatus > 5_000_000 else { return }
    var status = ByteBuffer(capacity: 40)
    defer { status.release() }
    status.byte(UInt8(ascii: "r"))
    for value in [position, position, position, now - 946_684_800_000_000] { status.int64(value) }
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

  // MARK: Messages

  private func take(_ message: inout Message, _ lsn: Int64, _ batch: Batch, _ changes: inout [Change]) throws(RunFailure) {
    switch message.byte() {
    case UInt8(ascii: "B"):
      _ = message.int64()
      transaction = (0, message.int64() + 946_684_800_000_000)
      transaction.id = Int64(message.uint32())
      if transaction.id != skip.transaction { skip.rows = 0 }
      hasOpenRows = true
    case UInt8(ascii: "C"):
      _ = message.byte()
      _ = message.int64()
      given = message.int64()
      hasOpenRows = false
      openRows = 0
    case UInt8(ascii: "R"):
      let id = message.uint32()
      let schema = message.text()
      let table = message.text()
      _ = message.byte()
      var columns: [(name: String, type: UInt32)] = []
      var isKey: [Bool] = []
      for _ in 0..<message.int16() {
        isKey.append(message.byte() & 1 == 1)
        columns.append((message.text(), message.uint32()))
        _ = message.uint32()
      }
      try types.learn(columns.map(\.type))
      relations[id] = Relation(schema, table, columns.map { ChangeColumn(name: $0.name, type: types[$0.type]) }, isKey)
    case UInt8(ascii: "I"): row("insert", &message, lsn, batch, &changes)
    case UInt8(ascii: "U"): row("update", &message, lsn, batch, &changes)
    case UInt8(ascii: "D"): row("delete", &message, lsn, batch, &changes)
    case UInt8(ascii: "T"):
      let count = Int(message.uint32())
      _ = message.byte()
      for _ in 0..<count {
        guard let relation = relations[message.uint32()] else { continue }
        give(Change(operation: "truncate", relation: relation, lsn: lsn, transaction: transaction, number: openRows + 1), batch, &changes) {
          $0.raw("{}")
        }
      }
    default: break
    }
  }

  /// The new row, or of a deleted one what identifies it.
  private func row(_ operation: String, _ message: inout Message, _ lsn: Int64, _ batch: Batch, _ changes: inout [Change]) {
    guard let relation = relations[message.uint32()] else { return }
    var change = Change(operation: operation, relation: relation, lsn: lsn, transaction: transaction, number: openRows + 1)
    var kind = message.byte()
    var old: [Message.Value]?
    var new: [Message.Value]?
    // `K` has the key of the row as it was, `O` all of it.
    let isWhole = kind == UInt8(ascii: "O")
    if kind != UInt8(ascii: "N") {
      old = message.tuple()
      if operation == "update" { kind = message.byte() }
    }
    if kind == UInt8(ascii: "N") { new = message.tuple() }
    if let old {
      change.old = Self.text(batch.context.arena) {
        write(&$0, relation, old.indices.filter { isWhole || $0 < relation.isKey.count && relation.isKey[$0] }, old)
      }
    }
    guard var values = new else {
      return give(change, batch, &changes) { out in
        write(&out, relation, (old ?? []).indices.filter { isWhole || $0 < relation.isKey.count && relation.isKey[$0] }, old ?? [])
      }
    }
    // A value that is stored apart and has not changed is not sent; the whole old row has it.
    for index in values.indices where values[index] == .unchanged {
      if isWhole, let old, index < old.count, old[index] != .unchanged {
        values[index] = old[index]
      } else if index < relation.columns.count {
        change.unchanged.append(relation.columns[index].name)
      }
    }
    give(change, batch, &changes) { write(&$0, relation, values.indices.filter { values[$0] != .unchanged }, values) }
  }

  private func write(_ out: inout ByteBuffer, _ relation: Relation, _ columns: [Int], _ values: [Message.Value]) {
    out.raw("{")
    var isFirst = true
    for index in columns where index < relation.columns.count {
      if !isFirst { out.raw(",") }
      isFirst = false
      relation.columns[index].json(values[index].text, &out)
    }
    out.raw("}")
  }

  private static func text(_ arena: Arena, _ write: (inout ByteBuffer) -> Void) -> Text {
    var out = ByteBuffer(capacity: 512)
    defer { out.release() }
    write(&out)
    return arena.copy(out.bytes)
  }

  private func give(_ change: Change, _ batch: Batch, _ changes: inout [Change], _ write: (inout ByteBuffer) -> Void) {
    openRows += 1
    guard openRows > skip.rows else { return }
    let event = Self.text(batch.context.arena, write)
    UnsafeMutablePointer(mutating: event.base)[event.count] = 0
    batch.append(event)
    changes.append(change)
  }

  // MARK: What is said of them

  private static let meta: [(name: String, shape: Shape)] = [
    ("operation", .string), ("schema", .string), ("table", .string), ("lsn", .int), ("transaction", .int), ("committed_at", .timestamp),
    ("old", Shape.json.optional), ("unchanged", .list(.string)),
  ]

  private func describe(_ changes: [Change], _ batch: Batch) {
    // Made anew for each event: few are described, and they share no memory with those that are read.
    batch.describe = { row in
      guard row < changes.count else { return "{}" }
      let arena = Arena()
      let parts = Self.meta.map { name, shape in
        let column = Column(shape)
        Self.set(column, 0, name, changes[row], arena)
        var out = ByteBuffer(capacity: 64)
        defer { out.release() }
        out.json(column, 0, JSONOptions())
        return "\"\(name)\":\(out.string)"
      }
      return "{\(parts.joined(separator: ","))}"
    }
    for (name, shape) in Self.meta where context.meta.contains(name) {
      let column = batch.meta[name] ?? Column(shape)
      batch.meta[name] = column
      for (row, change) in changes.enumerated() { Self.set(column, row, name, change, batch.context.arena) }
    }
  }

  private static func set(_ column: Column, _ row: Int, _ name: String, _ change: Change, _ arena: Arena) {
    switch name {
    case "operation": column.set(arena.copy(change.operation), row)
    case "schema": column.set(arena.copy(change.relation.schema), row)
    case "table": column.set(arena.copy(change.relation.table), row)
    case "lsn": column.set(change.lsn, row)
    case "transaction": column.set(change.transaction.id, row)
    case "committed_at": column.set(change.transaction.committed, row)
    case "old": if let old = change.old { column.set(Json(old), row) } else { column.setNull(row) }
    default: List(change.unchanged.map { arena.copy($0) }, arena).write(column, row)
    }
  }
}

extension ByteBuffer {
  /// Eight bytes, the highest first.
  fileprivate mutating func int64(_ value: Int64) {
    for shift in stride(from: 56, through: 0, by: -8) { byte(UInt8(truncatingIfNeeded: value >> Int64(shift))) }
  }
}
#endif
