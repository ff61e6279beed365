#if PostgreSQL
import PumpConnectorKit

/// What the server's catalog says of a table.
struct TableFacts {
  struct Column {
    let name: String
    /// As the catalog writes it, `character(3)`.
    let type: String
    let oid: UInt32
    /// Computed by the server: never written.
    let isGenerated: Bool
    /// `GENERATED ALWAYS AS IDENTITY`: never changed by an update.
    let isAlways: Bool
  }
  let columns: [Column]
  /// Rows get in by INSERT only: a view, or a table with row-level security.
  let needsInsert: Bool
  /// Other tables' foreign keys point here, so that it cannot be truncated alone.
  let isReferenced: Bool
  private let hasIndices: Bool

  /// `table` is quoted already; nil if there is none of that name.
  init?(_ client: Client, _ table: String) throws(RunFailure) {
    let found = try client.run(
      """
      SELECT c.relkind IN ('r', 'p'), c.relkind = 'v' OR row_security_active(c.oid),
        EXISTS (SELECT FROM pg_constraint f WHERE f.confrelid = c.oid AND f.contype = 'f' AND f.conrelid <> c.oid)
      FROM pg_class c WHERE c.oid = to_regclass($1)
      """, [table])
    guard found.rows == 1 else { return nil }
    hasIndices = found.text(0, 0) == "t"
    needsInsert = found.text(0, 1) == "t"
    isReferenced = found.text(0, 2) == "t"
    let list = try client.run(
      """
      SELECT attname, format_type(atttypid, atttypmod), atttypid, attgenerated <> '', attidentity = 'a' FROM pg_attribute
      WHERE attrelid = to_regclass($1) AND attnum > 0 AND NOT attisdropped ORDER BY attnum
      """, [table])
    columns = (0..<list.rows).map { row in
      Column(
        name: list.text(row, 0) ?? "", type: list.text(row, 1) ?? "", oid: UInt32(list.text(row, 2) ?? "") ?? 0,
        isGenerated: list.text(row, 3) == "t", isAlways: list.text(row, 4) == "t")
    }
  }

  func column(_ name: String) -> Column? { columns.first { $0.name == name } }

  /// The facts of a table that an endpoint needs, once it was seen to have columns for all fields.
  static func read(_ client: Client, _ name: String, _ shape: Shape?, key: [String]) throws(RunFailure) -> TableFacts {
    guard let facts = try TableFacts(client, SQL.table(name)) else { throw try missing(client, name, shape, key) }
    for field in shape?.fields ?? [] where facts.column(field.wire) == nil {
      throw client.connection.failure(
        "table `\(name)` has no column `\(field.wire)`; \(near(field.wire, facts.columns.map(\.name)).map { "did you mean `\($0)`? It" } ?? "it") has "
          + facts.columns.map(\.name).joined(separator: ", "))
    }
    return facts
  }

  /// Whether ON CONFLICT finds a unique index over exactly these columns; views and foreign tables cannot be asked.
  func checkKey(_ client: Client, _ name: String, _ key: [String]) throws(RunFailure) {
    guard hasIndices, !key.isEmpty else { return }
    let found = try client.run(
      """
      SELECT i.indimmediate FROM pg_index i WHERE i.indrelid = to_regclass($1) AND i.indisunique AND i.indpred IS NULL AND i.indexprs IS NULL
        AND (SELECT array_agg(a.attname::text ORDER BY a.attname::text) FROM unnest((i.indkey::int2[])[0:i.indnkeyatts - 1]) AS k
          JOIN pg_attribute a ON a.attrelid = i.indrelid AND a.attnum = k)
          = (SELECT array_agg(k ORDER BY k) FROM (SELECT DISTINCT k FROM unnest($2::text[]) AS k) AS keys)
      ORDER BY 1 DESC
      """, [SQL.table(name), SQL.array(key)])
    let columns = key.map { "`\($0)`" }.joined(separator: ", ")
    if found.rows == 0 {
      throw client.connection.failure(
        "table `\(name)` has no unique index over \(columns), by which rows of a key are found; make it: CREATE UNIQUE INDEX ON "
          + "\(SQL.table(name)) (\(key.map(SQL.quoted).joined(separator: ", ")))")
    }
    if found.text(0, 0) != "t" {
      throw client.connection.failure(
        "the unique constraint of table `\(name)` over \(columns) is deferrable, and such a one cannot find rows of a key; "
          + "make it NOT DEFERRABLE, or a unique index beside it")
    }
  }

  // MARK: A table that is not there

  private static func missing(_ client: Client, _ name: String, _ shape: Shape?, _ key: [String]) throws(RunFailure) -> RunFailure {
    let found = try client.run(
      """
      SELECT CASE WHEN pg_table_is_visible(c.oid) THEN relname ELSE nspname || '.' || relname END
      FROM pg_class c JOIN pg_namespace n ON n.oid = relnamespace
      WHERE relkind IN ('r', 'p', 'v', 'm', 'f') AND nspname NOT IN ('pg_catalog', 'information_schema') AND nspname NOT LIKE 'pg\\_%'
      ORDER BY 1 LIMIT 1000
      """)
    let names = (0..<found.rows).compactMap { found.text($0, 0) }
    let create = shape.map { ": \(definition(name, $0, key))" } ?? ""
    return client.connection.failure(
      "relation \"\(name)\" does not exist; " + (near(name, names).map { "did you mean `\($0)`? Otherwise " } ?? "")
        + "create the table, or check its name"
        + create)
  }

  /// A table that holds the events of a type.
  private static func definition(_ name: String, _ shape: Shape, _ key: [String]) -> String {
    var parts = shape.fields.map { "\(SQL.quoted($0.wire)) \(type(of: $0.shape))\($0.shape.isOptional ? "" : " NOT NULL")" }
    if !key.isEmpty { parts.append("PRIMARY KEY (\(key.map(SQL.quoted).joined(separator: ", ")))") }
    return "CREATE TABLE \(SQL.table(name)) (\(parts.joined(separator: ", ")))"
  }

  private static func type(of shape: Shape) -> String {
    switch shape.kind {
    case .bool: "boolean"
    case .int, .size: "bigint"
    case .float: "double precision"
    case .decimal: "numeric"
    case .string, .enumeration: "text"
    case .bytes: "bytea"
    case .timestamp: "timestamptz"
    case .date: "date"
    case .duration: "interval"
    case .uuid: "uuid"
    case .list:
      switch shape.element!.kind {
      case .record, .map, .json, .list: "jsonb"
      default: type(of: shape.element!) + "[]"
      }
    case .json, .map, .record: "jsonb"
    }
  }
}
#endif
