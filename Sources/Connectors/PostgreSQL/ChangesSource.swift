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

  private struct Relation {
    let schema: String
    let table: String
    let columns: [ServerColumn]
    let isKey: [Bool]
  }
  private struct Change {
    let operation: String
    let relation: UInt32
    let lsn: Int64
    let transaction: (id: Int64, committed: Int64)
    let number: Int
  }

  init(_ connection: Connection, _ context: EndpointContext) throws(RunFailure) {
    self.connection = connection
    self.context = context
    publication = context.settings.text("publication") ?? ""
    slot = context.settings.text("slot") ?? ""
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
    let started = try client.run(
      "START_REPLICATION SLOT \(SQL.quoted(slot)) LOGICAL \(Self.text(given)) (proto_version '1', publication_names \(names))")
    guard started.status == PGRES_COPY_BOTH else { throw client.failure(started) }
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
          try take(&message, start, batch, &changes)
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
      transaction.id = Int64(message.int32())
      if transaction.id != skip.transaction { skip.rows = 0 }
      hasOpenRows = true
    case UInt8(ascii: "C"):
      _ = message.byte()
      _ = message.int64()
      given = message.int64()
      hasOpenRows = false
      openRows = 0
    case UInt8(ascii: "R"):
      let id = UInt32(bitPattern: message.int32())
      let schema = message.text()
      let table = message.text()
      _ = message.byte()
      var columns: [ServerColumn] = []
      var isKey: [Bool] = []
      for _ in 0..<message.int16() {
        isKey.append(message.byte() & 1 == 1)
        let name = message.text()
        columns.append(ServerColumn(name: name, oid: UInt32(bitPattern: message.int32())))
        _ = message.int32()
      }
      relations[id] = Relation(schema: schema, table: table, columns: columns, isKey: isKey)
    case UInt8(ascii: "I"): row("insert", &message, lsn, batch, &changes)
    case UInt8(ascii: "U"): row("update", &message, lsn, batch, &changes)
    case UInt8(ascii: "D"): row("delete", &message, lsn, batch, &changes)
    default: break
    }
  }

  /// The new row, or of a deleted one what identifies it.
  private func row(_ operation: String, _ message: inout Message, _ lsn: Int64, _ batch: Batch, _ changes: inout [Change]) {
    let id = UInt32(bitPattern: message.int32())
    guard let relation = relations[id] else { return }
    openRows += 1
    guard openRows > skip.rows else { return }
    var kind = message.byte()
    if operation == "update", kind != UInt8(ascii: "N") {
      skipTuple(&message)
      kind = message.byte()
    }
    var out = ByteBuffer(capacity: 512)
    defer { out.release() }
    let arena = batch.context.arena
    out.raw("{")
    var isFirst = true
    for index in 0..<Int(message.int16()) {
      let form = message.byte()
      // An unchanged value that is stored apart is not sent; of a deleted row only the key is.
      let value = form == UInt8(ascii: "t") ? message.bytes(Int(message.int32())) : nil
      if form == UInt8(ascii: "u") || index >= relation.columns.count { continue }
      if kind == UInt8(ascii: "K"), !relation.isKey[index] { continue }
      if !isFirst { out.raw(",") }
      isFirst = false
      out.quoted(arena.copy(relation.columns[index].name))
      out.raw(":")
      if let value { json(value, relation.columns[index], &out) } else { out.raw("null") }
    }
    out.raw("}")
    let event = arena.copy(out.bytes)
    UnsafeMutablePointer(mutating: event.base)[event.count] = 0
    batch.append(event)
    changes.append(Change(operation: operation, relation: id, lsn: lsn, transaction: transaction, number: openRows))
  }

  private func skipTuple(_ message: inout Message) {
    for _ in 0..<message.int16() where message.byte() == UInt8(ascii: "t") { _ = message.bytes(Int(message.int32())) }
  }

  /// A value as `decode json` reads it.
  private func json(_ value: Text, _ column: ServerColumn, _ out: inout ByteBuffer) {
    switch column.family {
    case .bool: out.raw(value.count == 1 && value[0] == UInt8(ascii: "t") ? "true" : "false")
    case .int, .json: out.raw(value)
    case .float, .numeric:
      let isNumber = value.count > 0 && value.bytes.allSatisfy { $0 <= 0x39 || $0 == UInt8(ascii: "e") }
      if isNumber { out.raw(value) } else { out.quoted(value) }
    case .bytea:
      let arena = Arena()
      let bytes = Column(.bytes)
      if bytes.readPostgres(value, 0, Context(arena: arena)) { out.json(bytes, 0, JSONOptions()) } else { out.raw("null") }
    case .timestamp, .timestamptz:
      let arena = Arena()
      let time = Column(.timestamp)
      if time.readPostgres(value, 0, Context(arena: arena)) { out.json(time, 0, JSONOptions()) } else { out.quoted(value) }
    default: out.quoted(Text(value.base, value.count))
    }
  }

  private func describe(_ changes: [Change], _ batch: Batch) {
    let relations = self.relations
    func text(_ change: Change, _ name: String) -> String {
      let relation = relations[change.relation]
      return name == "operation" ? change.operation : (name == "schema" ? relation?.schema : relation?.table) ?? ""
    }
    func number(_ change: Change, _ name: String) -> Int64 {
      name == "lsn" ? change.lsn : name == "transaction" ? change.transaction.id : change.transaction.committed
    }
    let kinds: [(String, Shape)] = [
      ("operation", .string), ("schema", .string), ("table", .string), ("lsn", .int), ("transaction", .int), ("committed_at", .timestamp),
    ]
    batch.describe = { row in
      guard row < changes.count else { return "{}" }
      let parts = kinds.map { name, shape in
        let value = shape.kind == .string ? Value.text(text(changes[row], name)) : Value.int(number(changes[row], name))
        return "\"\(name)\":\(value.json(shape))"
      }
      return "{\(parts.joined(separator: ","))}"
    }
    for (name, shape) in kinds where context.meta.contains(name) {
      let column = batch.meta[name] ?? Column(shape)
      batch.meta[name] = column
      for (row, change) in changes.enumerated() {
        if shape.kind == .string {
          column.set(batch.context.arena.copy(text(change, name)), row)
        } else {
          column.set(number(change, name), row)
        }
      }
    }
  }
}

/// A message of the replication protocol: numbers are big-endian, texts end with a zero. Reading past its end gives zeros.
private struct Message {
  private var base: UnsafePointer<UInt8>
  private var left: Int

  init(_ base: UnsafePointer<UInt8>, _ count: Int) {
    self.base = base
    left = count
  }

  mutating func byte() -> UInt8 {
    guard left > 0 else { return 0 }
    defer {
      base += 1
      left -= 1
    }
    return base[0]
  }
  private mutating func number(_ size: Int) -> UInt64 {
    var value: UInt64 = 0
    for _ in 0..<size { value = value << 8 | UInt64(byte()) }
    return value
  }
  mutating func int16() -> Int { Int(number(2)) }
  mutating func int32() -> Int32 { Int32(truncatingIfNeeded: number(4)) }
  mutating func int64() -> Int64 { Int64(bitPattern: number(8)) }
  mutating func text() -> String {
    var bytes: [UInt8] = []
    while left > 0 {
      let next = byte()
      if next == 0 { break }
      bytes.append(next)
    }
    return String(decoding: bytes, as: UTF8.self)
  }
  mutating func bytes(_ count: Int) -> Text {
    let size = max(0, min(count, left))
    defer {
      base += size
      left -= size
    }
    return Text(base, size)
  }
}

extension ByteBuffer {
  /// Eight bytes, the highest first.
  fileprivate mutating func int64(_ value: Int64) {
    for shift in stride(from: 56, through: 0, by: -8) { byte(UInt8(truncatingIfNeeded: value >> Int64(shift))) }
  }
}
#endif
