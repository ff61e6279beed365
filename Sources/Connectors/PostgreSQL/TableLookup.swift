#if PostgreSQL
import PumpConnectorKit

/// `lookup table`: the rows of all keys of a batch in one statement, remembered for a while.
final class TableLookup: Lookup {
  private let pool: ClientPool<Client>
  private let connection: Connection
  private let shape: Shape
  private let name: String
  private let table: String
  private let label: String
  private let column: String?
  /// What stands before and after the keys.
  private var statement: (head: String, tail: String)?
  /// Values by the key's text.
  private var known: LookupCache<[[UInt8]?]>

  init(_ pool: ClientPool<Client>, _ connection: Connection, _ context: EndpointContext) {
    self.pool = pool
    self.connection = connection
    shape = context.spec.shape!
    let arguments = PostgreSQLTableLookupArguments(context.settings)
    name = arguments.name
    table = SQL.table(name)
    column = arguments.column
    known = LookupCache(arguments.cache)
    label = context.spec.label
  }

  private static func text(_ keys: Column, _ row: Int32) -> String? {
    guard !keys.isNull(Int(row)) else { return nil }
    var out = ByteBuffer(capacity: 64)
    defer { out.release() }
    out.postgres(keys, Int(row), ServerColumn(name: "", oid: 0))
    return out.string
  }

  func load(_ keys: Column, _ rows: UnsafeBufferPointer<Int32>, _ context: Context) throws(RunFailure) {
    let wanted = known.wanted(rows.map { Self.text(keys, $0) })
    if !wanted.isEmpty { try load(wanted, keys.shape) }
  }

  func find(_ keys: Column, _ rows: UnsafeBufferPointer<Int32>, into result: Column, _ context: Context) throws(EventFailure) {
    for row in rows {
      guard let text = Self.text(keys, row), let values = known[text] else {
        result.setNull(Int(row))
        continue
      }
      result.setPresent(Int(row))
      for (index, field) in shape.fields.enumerated() {
        let value = values[index].map { bytes in bytes.withUnsafeBufferPointer { context.arena.copy($0) } }
        guard result.children[index].readPostgres(value, Int(row), context) else {
          throw EventFailure("\(label): .\(field.name): the column's value is no \(field.shape.name)")
        }
      }
    }
  }

  private func load(_ keys: [String], _ keyShape: Shape) throws(RunFailure) {
    try pool.with { client throws(RunFailure) in
      if statement == nil { statement = try prepare(client, keyShape) }
      // One message is one transaction, in which the values have the forms that are read here.
      let found = try client.run(
        "\(SQL.settings("SET LOCAL")); \(statement!.head)\(SQL.literal(SQL.array(keys)))\(statement!.tail)")
      for key in keys { known.remember(key, nil) }
      for row in 0..<found.rows {
        guard let number = found.text(row, 0).flatMap({ Int($0) }) else { continue }
        known.remember(keys[number - 1], shape.fields.indices.map { index in found.bytes(row, index + 1).map { Array($0.bytes) } })
      }
    }
  }

  /// The statement, once the types of the columns were compared with the fields'.
  private func prepare(_ client: Client, _ keyShape: Shape) throws(RunFailure) -> (head: String, tail: String) {
    _ = try TableFacts.read(client, name, shape, key: [])
    let key = if let column { column } else { try primaryKey(client) }
    let names = ([key] + shape.fields.map(\.wire)).map(SQL.quoted).joined(separator: ", ")
    let columns = try client.run("SELECT \(names) FROM \(table) LIMIT 0").columns
    let fields = [Shape.Field("key", keyShape)] + shape.fields
    for (field, column) in zip(fields, columns) where !column.holds(field.shape) {
      throw connection.failure(
        "column `\(column.name)` is \(try client.typeName(column)), `\(field.name)` is \(field.shape.name); change its type or the column")
    }
    let selected = zip(shape.fields, columns.dropFirst()).map { $1.selected(as: $0.shape) }.joined(separator: ", ")
    return (
      "SELECT pump_keys.pump_number, \(selected) FROM unnest(",
      """
      ::\(try client.typeName(columns[0]))[]) WITH ORDINALITY AS pump_keys(pump_key, pump_number)
      JOIN \(table) ON \(SQL.quoted(key)) = pump_keys.pump_key
      """
    )
  }

  private func primaryKey(_ client: Client) throws(RunFailure) -> String {
    let found = try client.run(
      """
      SELECT a.attname FROM pg_index i JOIN pg_attribute a ON a.attrelid = i.indrelid AND a.attnum = ANY(i.indkey)
      WHERE i.indrelid = $1::regclass AND i.indisprimary
      """, [table])
    guard found.rows == 1, let name = found.text(0, 0) else {
      throw connection.failure("lookup `\(label)`: the table has no primary key of one column; name one with `column: \"…\"`")
    }
    return name
  }
}
#endif
