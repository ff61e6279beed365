#if PostgreSQL
import PumpConnectorKit

/// `table` with `mode: mirror`: changes of another table, one after the other, each batch in one transaction.
///
/// A source may give changes again from a point on. So each leads to the same table whether it was applied before or not, as
/// long as all that follow it come again too: rows are set by their key, and what was not sent stays with the row that has it.
final class MirrorSink: PositionKeeper {
  private let pool: ClientPool<Client>
  private let connection: Connection
  private let context: EndpointContext
  private let name: String
  private let key: [String]
  private let positions: PositionTable?
  private let statements: Statements
  private var changes: [PositionChange] = []
  /// There from the first `write` on.
  private var sql: MirrorSQL?
  /// Where the arguments per event are.
  private let operation: Int
  private let old: Int?
  private let unchanged: Int?
  private var arena = Arena()

  init(
    _ pool: ClientPool<Client>, _ connection: Connection, _ context: EndpointContext, _ arguments: PostgreSQLTableSinkArguments
  ) throws(RunFailure) {
    self.pool = pool
    self.connection = connection
    self.context = context
    name = arguments.name
    let shape = context.spec.shape
    key = arguments.key.map { name in shape?.fields.first { $0.name == name }?.wire ?? name }
    positions = arguments.positions.map(PositionTable.init)
    statements = Statements(pool, positions)
    guard !key.isEmpty else { throw RunFailure("sink `\(context.spec.label)`: `mirror` needs `key: [field]`, the source's primary key") }
    guard let operation = context.spec.argument("operation") else {
      throw RunFailure(
        "sink `\(context.spec.label)`: `mirror` applies what `changes` gives; for other events say what each does: `operation: .field`")
    }
    self.operation = operation
    old = context.spec.argument("old")
    unchanged = context.spec.argument("unchanged")
  }

  var refusesLate: Bool { true }
  var pending: Int { statements.pending }

  func write(_ buffer: SinkBuffer) throws(RunFailure) -> [Refusal] {
    if sql == nil { sql = try describe() }
    var refusals: [Refusal] = []
    for row in 0..<buffer.count {
      do throws(EventFailure) { try add(buffer, row) } catch { refusals.append(Refusal(row: row, message: error.message)) }
      if let missing = sql!.missing {
        throw connection.failure("table `\(name)` has no column `\(missing)`; it has \(sql!.names.joined(separator: ", "))")
      }
    }
    arena.reset()
    return refusals
  }

  private func describe() throws(RunFailure) -> MirrorSQL {
    try connection.untilReady { () throws(RunFailure) in
      try pool.with { client throws(RunFailure) in
        let facts = try TableFacts.read(client, name, context.spec.shape, key: key)
        try facts.checkKey(client, name, key)
        return MirrorSQL(name, facts, key)
      }
    }
  }

  // MARK: One change

  private func add(_ buffer: SinkBuffer, _ row: Int) throws(EventFailure) {
    func text(_ index: Int?) -> Text? {
      guard let index, !buffer.each[index].isNull(row) else { return nil }
      return buffer.each[index].get(Text.self, row)
    }
    let operation = text(self.operation)?.string ?? ""
    if operation == "truncate" {
      statements.add(sql!.truncate, arguments: 0)
      return statements.endRow()
    }
    let event = try Members(buffer.records == nil ? buffer.event(row) : arena.copy(buffer.json(row)), arena)
    for name in key where event.isNull(name) {
      throw EventFailure("the event has no value of the key `\(name)`; the source's table needs it in its primary key or replica identity")
    }
    switch operation {
    case "delete": statement(sql!.delete(), event)
    case "insert", "update", "replace":
      var kept: Set<String> = []
      if let unchanged, !buffer.each[unchanged].isNull(row) {
        let names = buffer.each[unchanged]
        let slice = names.get(Slice.self, row)
        for place in Int(slice.start)..<Int(slice.start + slice.count) { kept.insert(names.children[0].get(Text.self, place).string) }
      }
      let columns = event.names.filter { !kept.contains($0) }
      let old = try text(self.old).map { text throws(EventFailure) in try Members(text, arena) }
      let isMoved = old.map { old in key.allSatisfy { !old.isNull($0) } && key.contains { old.values[$0] != event.values[$0] } } ?? false
      if isMoved, let old {
        statement(sql!.giveWay(), event, old)
        statement(sql!.move(columns), event, old)
      }
      if kept.isEmpty {
        statement(sql!.put(columns), event)
      } else {
        statement(sql!.change(columns), event, meets: true)
      }
    default: throw EventFailure("the operation `\(Shape.clean(operation))` is none of insert, update, delete and truncate")
    }
    statements.endRow()
  }

  private func statement(_ sql: String, _ events: Members..., meets: Bool = false) {
    statements.add(sql, arguments: events.count, meets: meets)
    for event in events { statements.argument { $0.raw(event.text) } }
  }

  // MARK: Commit

  func commit() throws(RunFailure) -> [Refusal] {
    let (refusals, unmet) = try statements.commit(changes)
    if unmet > 0 {
      context.logger.warning(
        "`\(context.spec.label)`: \(unmet) updates of rows that are not in `\(name)` are left out, for their large values were not sent; "
          + "copy the table first, or give the source's REPLICA IDENTITY FULL", pipeline: context.pipeline)
    }
    if positions == nil || refusals.isEmpty { changes = [] }
    return refusals
  }

  func positions(_ source: String, _ parts: [String]?) throws(RunFailure) -> [String: String] {
    // Only a sink that was told to keep positions is asked for them.
    try pool.with { client throws(RunFailure) in try positions!.read(client, source, parts) }
  }

  func keep(_ changes: [PositionChange]) { self.changes = changes }

  func close(completed: Bool) throws(RunFailure) {}
}

/// The members of a JSON object, as texts of JSON.
private struct Members {
  let text: Text
  private(set) var names: [String] = []
  private(set) var values: [String: Text] = [:]

  init(_ json: Text, _ arena: Arena) throws(EventFailure) {
    text = arena.copy(json)
    var reader = JSONReader(text, arena)
    do throws(Malformed) {
      if try reader.object() {
        repeat {
          let name = try reader.key().string
          if values.updateValue(try reader.jsonValue().text, forKey: name) == nil { names.append(name) }
        } while try reader.moreMembers()
      }
      try reader.finish()
    } catch { throw EventFailure("the event is no JSON object of a row") }
  }

  func isNull(_ name: String) -> Bool { values[name].map { $0 == Text("null") } ?? true }
}
#endif
