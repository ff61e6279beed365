#if PostgreSQL
import PumpConnectorKit

extension ChangesSource {
  final class Relation {
    let schema: String
    let table: String
    let columns: [ChangeColumn]
    let isKey: [Bool]
    init(_ schema: String, _ table: String, _ columns: [ChangeColumn], _ isKey: [Bool]) {
      (self.schema, self.table, self.columns, self.isKey) = (schema, table, columns, isKey)
    }
  }
  struct Change {
    let operation: String
    let relation: Relation
    let lsn: Int64
    let transaction: (id: Int64, committed: Int64)
    let number: Int
    /// JSON of what is known of the row as it was, and names of columns whose values were not sent.
    var old: Text?
    var unchanged: [String] = []
  }

  // MARK: Messages

  func take(_ message: inout Message, _ lsn: Int64, _ batch: Batch, _ changes: inout [Change]) throws(RunFailure) {
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
    func writeOld(_ out: inout ByteBuffer) {
      let values = old ?? []
      write(&out, relation, values.indices.filter { isWhole || $0 < relation.isKey.count && relation.isKey[$0] }, values)
    }
    if old != nil { change.old = makeText(batch.context.arena, writeOld) }
    guard var values = new else { return give(change, batch, &changes, writeOld) }
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

  private func give(_ change: Change, _ batch: Batch, _ changes: inout [Change], _ write: (inout ByteBuffer) -> Void) {
    openRows += 1
    guard openRows > skip.rows else { return }
    var out = ByteBuffer(capacity: 512)
    defer { out.release() }
    write(&out)
    batch.append(batch.context.arena.copy(out.bytes))
    changes.append(change)
  }

  // MARK: What is said of them

  private static let meta: [(name: String, shape: Shape)] = [
    ("operation", .string), ("schema", .string), ("table", .string), ("lsn", .int), ("transaction", .int), ("committed_at", .timestamp),
    ("old", Shape.json.optional), ("unchanged", .list(.string)),
  ]

  func describe(_ changes: [Change], _ batch: Batch) {
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
      let column = batch.metaColumn(name, shape)
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
#endif
