#if PostgreSQL
import PumpConnectorKit

/// The table in which positions of sources are kept, in the transaction of the rows that came from there.
struct PositionTable {
  private let table: String

  init(_ name: String) { table = SQL.table(name) }

  /// All positions of a source, or those of some parts; the table is made where it is missing.
  func read(_ client: Client, _ source: String, _ parts: [String]?) throws(RunFailure) -> [String: String] {
    // Whoever may not create tables can have it made by others, so it is looked for first.
    if try !exists(client) {
      do throws(RunFailure) {
        try client.run("CREATE TABLE IF NOT EXISTS \(table) (source text, part text, position text NOT NULL, PRIMARY KEY (source, part))")
      } catch {
        // Of two replicas that make it at once the server refuses one, in spite of IF NOT EXISTS.
        guard try exists(client) else { throw error }
      }
    }
    var sql = "SELECT part, position FROM \(table) WHERE source = \(SQL.literal(source))"
    if let parts { sql += " AND part = ANY (ARRAY[\(parts.map(SQL.literal).joined(separator: ", "))]::text[])" }
    let found = try client.run(sql)
    var positions: [String: String] = [:]
    for row in 0..<found.rows { positions[found.text(row, 0) ?? ""] = found.text(row, 1) }
    return positions
  }

  private func exists(_ client: Client) throws(RunFailure) -> Bool {
    try client.run("SELECT to_regclass(\(SQL.literal(table))) IS NOT NULL").text(0, 0) == "t"
  }

  /// Within the transaction: each position goes where the one before it still is.
  func write(_ client: Client, _ changes: [PositionChange]) throws(RunFailure) {
    for change in changes {
      let place = "source = \(SQL.literal(change.source)) AND part = \(SQL.literal(change.part))"
      let previous = change.previous.map { "position = \(SQL.literal($0))" } ?? "false"
      let sql: String
      switch (change.position, change.previous) {
      case (let position?, nil):
        let values = [change.source, change.part, position].map(SQL.literal).joined(separator: ", ")
        sql = "INSERT INTO \(table) (source, part, position) VALUES (\(values)) ON CONFLICT DO NOTHING RETURNING 1"
      case (let position?, _): sql = "UPDATE \(table) SET position = \(SQL.literal(position)) WHERE \(place) AND \(previous) RETURNING 1"
      case (nil, _): sql = "DELETE FROM \(table) WHERE \(place) AND \(previous) RETURNING 1"
      }
      guard try client.run(sql).rows == 1 else { throw .overtaken(change) }
    }
  }

  /// Whether a transaction whose answer was lost took place after all; one that moved no position cannot be told.
  func holds(_ client: Client, _ changes: [PositionChange]) throws(RunFailure) -> Bool {
    if changes.isEmpty { return false }
    for (source, group) in Dictionary(grouping: changes, by: \.source) {
      let kept = try read(client, source, group.map(\.part))
      guard group.allSatisfy({ kept[$0.part] == $0.position }) else { return false }
    }
    return true
  }
}
#endif
