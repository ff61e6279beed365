#if PostgreSQL
import PumpConnectorKit

/// The statements that apply changes to one table; `$1` is the row as JSON, `$2` what it was.
struct MirrorSQL {
  private let table: String
  private let facts: TableFacts
  private let key: [String]
  /// A column of an event that the table does not have.
  private(set) var missing: String?
  private var known: [String: String] = [:]

  init(_ name: String, _ facts: TableFacts, _ key: [String]) {
    table = SQL.table(name)
    self.facts = facts
    self.key = key
  }

  var names: [String] { facts.columns.map(\.name) }

  /// Foreign keys of other tables forbid a truncation of this one alone.
  var truncate: String { facts.isReferenced ? "DELETE FROM \(table)" : "TRUNCATE \(table)" }

  mutating func delete() -> String {
    remembered("delete", []) { "DELETE FROM \($0.table) AS t USING \($0.row("r", 1, $0.key)) WHERE \($0.same("t", "r"))" }
  }

  /// The whole row, whether one of its key is there or not.
  mutating func put(_ columns: [String]) -> String {
    remembered("put", columns) { sql in
      let columns = sql.written(columns)
      let others = sql.changed(columns)
      let action =
        others.isEmpty ? "NOTHING" : "UPDATE SET " + others.map { "\(SQL.quoted($0)) = excluded.\(SQL.quoted($0))" }.joined(separator: ", ")
      return """
        INSERT INTO \(sql.table) (\(columns.map(SQL.quoted).joined(separator: ", "))) OVERRIDING SYSTEM VALUE
        SELECT \(columns.map { sql.value("r", $0) }.joined(separator: ", ")) FROM \(sql.row("r", 1, columns))
        ON CONFLICT (\(sql.key.map(SQL.quoted).joined(separator: ", "))) DO \(action)
        """
    }
  }

  /// Some columns of a row that is there.
  mutating func change(_ columns: [String]) -> String {
    remembered("change", columns) { sql in
      let columns = sql.written(columns)
      var others = sql.changed(columns)
      // Where nothing changes it still finds its row.
      if others.isEmpty { others = sql.key }
      return "UPDATE \(sql.table) AS t SET \(sql.assignments(others)) FROM \(sql.row("r", 1, columns)) WHERE \(sql.same("t", "r"))"
    }
  }

  /// Before a row gets another key: where one of the new key is there, the change was applied before, and that one stays.
  mutating func giveWay() -> String {
    remembered("give way", []) { sql in
      """
      DELETE FROM \(sql.table) AS t USING \(sql.row("r", 1, sql.key)), \(sql.row("o", 2, sql.key))
      WHERE \(sql.same("t", "o")) AND NOT (\(sql.same("t", "r"))) AND EXISTS (SELECT FROM \(sql.table) AS n WHERE \(sql.same("n", "r")))
      """
    }
  }

  /// A row gets another key, and what else has changed.
  mutating func move(_ columns: [String]) -> String {
    remembered("move", columns) { sql in
      let columns = sql.written(columns)
      let others = sql.key + sql.changed(columns)
      return """
        UPDATE \(sql.table) AS t SET \(sql.assignments(others)) FROM \(sql.row("r", 1, columns)), \(sql.row("o", 2, sql.key))
        WHERE \(sql.same("t", "o"))
        """
    }
  }

  // MARK: Parts

  private mutating func remembered(_ what: String, _ columns: [String], _ make: (Self) -> String) -> String {
    let signature = "\(what)\0\(columns.joined(separator: "\0"))"
    if let sql = known[signature] { return sql }
    missing = missing ?? columns.first { facts.column($0) == nil }
    if missing != nil { return "" }
    let sql = make(self)
    known[signature] = sql
    return sql
  }

  /// What the server computes by itself is not written.
  private func written(_ columns: [String]) -> [String] { columns.filter { facts.column($0)?.isGenerated == false } }

  private func changed(_ columns: [String]) -> [String] {
    columns.filter { !key.contains($0) && facts.column($0)?.isAlways == false }
  }

  /// Columns of a parameter's JSON, of the table's types; bytes are base64 there.
  private func row(_ alias: String, _ parameter: Int, _ columns: [String]) -> String {
    let list = columns.map { name -> String in
      // `remembered` has looked for the columns of events, and those of the key were checked at the start.
      let column = facts.column(name)!
      return "\(SQL.quoted(name)) \(column.oid == 17 ? "text" : column.oid == 1001 ? "text[]" : column.type)"
    }
    return "json_to_record($\(parameter)::json) AS \(alias)(\(list.joined(separator: ", ")))"
  }

  private func value(_ alias: String, _ name: String) -> String {
    let value = "\(alias).\(SQL.quoted(name))"
    switch facts.column(name)?.oid {
    case 17: return "decode(\(value), 'base64')"
    case 1001:
      return
        "CASE WHEN \(value) IS NOT NULL THEN ARRAY(SELECT decode(e, 'base64') FROM unnest(\(value)) WITH ORDINALITY AS u(e, n) ORDER BY n) END"
    default: return value
    }
  }

  private func assignments(_ columns: [String]) -> String {
    columns.map { "\(SQL.quoted($0)) = \(value("r", $0))" }.joined(separator: ", ")
  }

  private func same(_ table: String, _ alias: String) -> String {
    key.map { "\(table).\(SQL.quoted($0)) = \(value(alias, $0))" }.joined(separator: " AND ")
  }
}
#endif
