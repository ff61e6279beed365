import PumpConnectorKit

/// What SQLite makes of a value that a column is given ("Datatypes In SQLite", sections 3 and 3.1): a declared type is a
/// preference, by which values of other types are converted where they look like one of it.
enum Affinity: String {
  case text = "TEXT", numeric = "NUMERIC", integer = "INTEGER", real = "REAL"
  /// Nothing is converted.
  case blob = "BLOB"

  /// By the rules of section 3.1, in their order.
  init(declared type: String) {
    let name = type.uppercased()
    func has(_ parts: String...) -> Bool { parts.contains { name.contains($0) } }
    self =
      if has("INT") { .integer } else if has("CHAR", "CLOB", "TEXT") { .text } else if name.isEmpty || has("BLOB") {
        .blob
      } else if has(
        "REAL", "FLOA", "DOUB")
      { .real } else { .numeric }
  }
}

/// A column of a table that is there.
struct TableColumn {
  let name: String
  let declared: String
  let affinity: Affinity
  /// Its place in the primary key, from 1; 0 outside.
  let keyPlace: Int

  /// Whether values of a type stay what they are: others are refused at the start, not changed one by one. Decimals are
  /// looked at one by one where the column makes binary numbers of them.
  func keeps(_ shape: Shape) -> Bool {
    if affinity == .blob { return true }
    switch shape.kind {
    case .bool, .int, .size, .duration: return affinity == .integer || affinity == .numeric
    case .float: return affinity == .real || affinity == .numeric
    case .decimal: return affinity != .integer
    // Such texts never look like numbers; DATE, DATETIME, UUID and JSON are numeric to SQLite.
    case .timestamp, .date, .uuid, .list, .map, .record: return affinity == .text || isNumericByName
    case .enumeration: return affinity == .text || isNumericByName && shape.wires.allSatisfy { Double($0.string) == nil }
    case .bytes: return isNumericByName
    case .string, .json: return affinity == .text
    }
  }

  /// Numeric for want of another rule, not because its type says numbers.
  private var isNumericByName: Bool {
    affinity == .numeric && !["NUM", "DEC", "BOOL", "MONEY"].contains { declared.uppercased().contains($0) }
  }

  /// Whether it makes a binary number of a decimal's text.
  var rounds: Bool { affinity == .numeric || affinity == .real }
}

extension Decimal {
  /// Whether it is the same after it was a binary number of SQLite: a whole number of 64 bits, or one of 15 digits.
  func survives(in column: TableColumn) -> Bool {
    if column.affinity == .numeric, isWhole, whole != nil { return true }
    var digits = coefficient.magnitude
    while digits > 0, digits % 10 == 0 { digits /= 10 }
    return digits < 1_000_000_000_000_000
  }
}

extension Database {
  /// The columns of a table, none where there is no such table.
  func columns(_ table: String) throws(RunFailure) -> [TableColumn] {
    let name = Database.literal(table)
    // In a strict table ANY converts nothing; SQLite before 3.37 has no strict tables.
    let isStrict = ((try? rows("SELECT strict FROM pragma_table_list(\(name))")) ?? []).contains(["1"])
    return try rows("SELECT name, type, pk FROM pragma_table_info(\(name))").map { row in
      TableColumn(
        name: row[0], declared: row[1], affinity: isStrict && row[1] == "ANY" ? .blob : Affinity(declared: row[1]),
        keyPlace: Int(row[2]) ?? 0)
    }
  }

  /// Makes sure of a table and its columns: SQLite itself takes a quoted name that is no column for a text.
  func check(_ table: String, has fields: [String]) throws(RunFailure) {
    func failure(_ text: String) -> RunFailure { RunFailure("connection `\(id)` (\(Shape.clean(path))): \(Shape.clean(text))") }
    // Those that are computed or hidden can be read, too.
    let columns = try rows("SELECT name FROM pragma_table_xinfo(\(Database.literal(table)))").map { $0[0] }
    guard !columns.isEmpty else {
      let tables = try rows(
        "SELECT name FROM sqlite_master WHERE type IN ('table', 'view') AND name NOT LIKE 'sqlite~_%' ESCAPE '~' ORDER BY name"
      ).map { $0[0] }
      let known = tables.isEmpty ? "the database has none; check `path`" : "it has \(tables.prefix(20).joined(separator: ", "))"
      throw failure("there is no table `\(table)`; \(near(table, tables).map { "did you mean `\($0)`?" } ?? known)")
    }
    for field in fields where !(columns + ["rowid", "oid", "_rowid_"]).contains(where: { $0.lowercased() == field.lowercased() }) {
      let help = near(field, columns).map { "did you mean `\($0)`? It" } ?? "it"
      throw failure("table `\(table)` has no column `\(field)`; \(help) has \(columns.joined(separator: ", "))")
    }
  }

  /// The sets of columns that no two rows have alike.
  func uniqueKeys(_ table: String, _ columns: [TableColumn]) throws(RunFailure) -> [Set<String>] {
    var keys = [Set(columns.filter { $0.keyPlace > 0 }.map(\.name))]
    for index in try rows("SELECT name FROM pragma_index_list(\(Database.literal(table))) WHERE \"unique\" AND NOT partial") {
      keys.append(Set(try rows("SELECT name FROM pragma_index_info(\(Database.literal(index[0])))").map { $0[0] }))
    }
    return keys
  }
}
