/// Records whose fields are texts: CSV, key=value and regular expressions share the reading and writing of scalars.
enum Fields {
  /// Reads a text as the type of a column; false where it is none.
  static func parse(_ text: Text, _ column: Column, _ row: Int, _ c: Context) -> Bool {
    let shape = column.shape
    do throws(EventFailure) {
      switch shape.kind {
      case .bool: column.set(try Fn.toBool(text, c), row)
      case .int:
        var reader = JSONReader(terminated(text, c), c.arena)
        guard let value = try? reader.int(), reader.p == reader.end else { return false }
        column.set(value, row)
      case .float:
        var reader = JSONReader(terminated(text, c), c.arena)
        guard let value = try? reader.double(), reader.p == reader.end else { return false }
        column.set(value, row)
      case .decimal: column.set(try Fn.toDecimal(text, c), row)
      case .string:
        guard isUTF8(text.base, text.count) else { return false }
        column.set(Text(text.base, text.count), row)
      case .bytes: column.set(Blob(text), row)
      case .timestamp: column.set(try Fn.toTimestamp(text, c), row)
      case .date: column.set(try Fn.toDate(text, c), row)
      case .duration:
        guard let value = Calendar.duration(text) else { return false }
        column.set(value, row)
      case .size:
        let value = try Fn.toInt(text, c)
        guard value >= 0 else { return false }
        column.set(value, row)
      case .uuid: column.set(try Fn.toUuid(text, c), row)
      case .json: column.set(try Fn.parseJson(text, c).text, row)
      case .enumeration:
        guard let index = shape.wires.firstIndex(of: text) else { return false }
        column.set(Int64(index), row)
      case .list, .map, .record: return false
      }
    } catch { return false }
    return true
  }

  /// A copy that ends as the JSON reader needs it.
  private static func terminated(_ text: Text, _ c: Context) -> Text {
    let copy = c.arena.copy(Text(text.base, text.count))
    (UnsafeMutablePointer(mutating: copy.base) + copy.count).pointee = 0
    return copy
  }

  /// Fills a record from texts by field; nil is an absent one. The first problem is returned.
  static func fill(_ column: Column, _ row: Int, _ c: Context, _ text: (Int) -> Text?) -> String? {
    column.setPresent(row)
    for (index, field) in column.shape.fields.enumerated() {
      let child = column.children[index]
      guard let text = text(index) else {
        if let value = field.value {
          var reader = JSONReader(c.arena.copy(value), c.arena)
          guard (try? field.shape.value(&reader, child, row, .rfc3339)) != nil else { return ".\(field.wire): bad default" }
        } else if field.shape.isOptional {
          child.setNull(row)
        } else {
          return ".\(Shape.clean(field.wire)): missing, expected \(field.shape.name)"
        }
        continue
      }
      guard parse(text, child, row, c) else {
        let expected =
          field.shape.kind == .enumeration ? "one of \(field.shape.wires.map(\.string).joined(separator: ", "))" : field.shape.name
        return ".\(Shape.clean(field.wire)): expected \(expected), found \(Shape.excerpt(text, quoted: true))"
      }
    }
    return nil
  }

  /// A scalar as plain text.
  static func write(_ column: Column, _ row: Int, _ out: inout ByteBuffer) {
    switch column.shape.kind {
    case .string, .json: out.raw(column.get(Text.self, row))
    case .bytes: out.base64(column.get(Text.self, row))
    case .timestamp: out.timestamp(column.get(Timestamp.self, row))
    case .date: out.day(column.get(Day.self, row))
    case .duration: out.duration(column.get(Duration.self, row))
    case .uuid: out.uuid(column.get(Uuid.self, row))
    case .enumeration: out.raw(column.shape.wires[Int(column.get(Int64.self, row))])
    default: out.json(column, row, JSONOptions())
    }
  }
}

extension Column {
  /// Reads a scalar from text, as CSV does; false where it is none.
  public func parse(_ text: Text, _ row: Int, _ context: Context) -> Bool { Fields.parse(text, self, row, context) }
}

/// A format of texts, ready to read or write records of one shape. Used by the interpreter and by generated programs.
public final class RecordFormat: @unchecked Sendable {
  enum Kind {
    case csv
    case kv
    case regex(Regex)
  }
  private let kind: Kind
  public let shape: Shape
  private let separator: UInt8
  private let quote: UInt8
  private let assign: UInt8
  private let null: Text
  private let memory = Arena()
  /// Fields of the shape by the columns of the header; nil without one.
  private var order: [Int]?
  private var cells: [Text] = []
  private var present: [Bool] = []
  private let wires: [Text]
  private let groups: [Int]

  public static func csv(_ shape: Shape, separator: String = ",", quote: String = "\"", null: String = "") -> RecordFormat {
    RecordFormat(.csv, shape, separator, quote, "=", null)
  }
  public static func kv(_ shape: Shape, separator: String = " ", assign: String = "=") -> RecordFormat {
    RecordFormat(.kv, shape, separator, "\"", assign, "")
  }
  /// The pattern was compiled by the checker.
  public static func regex(_ shape: Shape, _ pattern: String) -> RecordFormat {
    RecordFormat(.regex(try! Regex(pattern)), shape, " ", "\"", "=", "")
  }

  private init(_ kind: Kind, _ shape: Shape, _ separator: String, _ quote: String, _ assign: String, _ null: String) {
    self.kind = kind
    self.shape = shape
    self.separator = separator.utf8.first ?? 44
    self.quote = quote.utf8.first ?? 34
    self.assign = assign.utf8.first ?? 61
    self.null = memory.copy(null)
    wires = shape.fields.map { [memory] in memory.copy($0.wire) }
    if case .regex(let regex) = kind { groups = shape.fields.map { regex.names[$0.wire] ?? -1 } } else { groups = [] }
  }

  /// Reads one record into a row; why it is none is returned.
  public func read(_ text: Text, into column: Column, _ row: Int, _ c: Context) -> String? {
    switch kind {
    case .csv:
      guard let problem = split(text, c) else { return fillCells(column, row, c) }
      return problem
    case .kv: return readPairs(text, column, row, c)
    case .regex(let regex):
      let found: Regex.Match?
      do throws(EventFailure) { found = try regex.firstMatch(in: text) } catch { return error.message }
      guard let match = found else { return "the pattern is not found in \(Shape.excerpt(text, quoted: true))" }
      return Fields.fill(column, row, c) { groups[$0] < 0 ? nil : match.text(groups[$0], text) }
    }
  }

  private func fillCells(_ column: Column, _ row: Int, _ c: Context) -> String? {
    if order == nil, cells.count > shape.fields.count { return "\(cells.count) columns, expected \(shape.fields.count)" }
    return Fields.fill(column, row, c) { index in
      let place = order.map { $0.firstIndex(of: index) ?? Int.max } ?? index
      guard place < cells.count else { return nil }
      // An empty unquoted cell is null where the type has it.
      if !present[place], cells[place] == null, shape.fields[index].shape.isOptional { return nil }
      return cells[place]
    }
  }

  /// RFC 4180: cells of one record; quoted ones may hold separators, doubled quotes and line ends.
  private func split(_ text: Text, _ c: Context) -> String? {
    cells.removeAll(keepingCapacity: true)
    present.removeAll(keepingCapacity: true)
    var i = 0
    while true {
      if i < text.count, text[i] == quote {
        var out = ByteBuffer(capacity: 64)
        defer { out.release() }
        i += 1
        while true {
          guard i < text.count else { return "a quoted cell has no end" }
          if text[i] == quote {
            guard i + 1 < text.count, text[i + 1] == quote else { break }
            i += 1
          }
          out.byte(text[i])
          i += 1
        }
        i += 1
        cells.append(c.arena.copy(out.bytes))
        present.append(true)
        guard i >= text.count || text[i] == separator else { return "text stands behind the quote that ends a cell" }
      } else {
        let start = i
        while i < text.count, text[i] != separator { i += 1 }
        cells.append(text.slice(start, i - start))
        present.append(false)
      }
      guard i < text.count else { return nil }
      i += 1
    }
  }

  private func readPairs(_ text: Text, _ column: Column, _ row: Int, _ c: Context) -> String? {
    var found = [Text?](repeating: nil, count: shape.fields.count)
    var i = 0
    while i < text.count {
      while i < text.count, text[i] == separator || text[i] == 0x20 { i += 1 }
      let start = i
      while i < text.count, text[i] != assign, text[i] != separator { i += 1 }
      let key = text.slice(start, i - start)
      guard i < text.count, text[i] == assign else {
        if key.isEmpty { break }
        return "\(Shape.excerpt(key, quoted: true)) has no value"
      }
      i += 1
      var value: Text
      if i < text.count, text[i] == quote {
        let open = i + 1
        i += 1
        while i < text.count, text[i] != quote { i += text[i] == 0x5C ? 2 : 1 }
        guard i < text.count else { return "the value of \(Shape.excerpt(key, quoted: true)) has no closing quote" }
        value = text.slice(open, i - open)
        if value.bytes.contains(0x5C) { value = unescaped(value, c) }
        i += 1
      } else {
        let open = i
        while i < text.count, text[i] != separator { i += 1 }
        value = text.slice(open, i - open)
      }
      if let index = wires.firstIndex(of: key) { found[index] = value }
    }
    return Fields.fill(column, row, c) { found[$0] }
  }

  /// Without the backslashes that stand before quotes and backslashes.
  private func unescaped(_ text: Text, _ c: Context) -> Text {
    c.arena.build(text.count) { out in
      var (i, count) = (0, 0)
      while i < text.count {
        if text[i] == 0x5C, i + 1 < text.count, text[i + 1] == quote || text[i + 1] == 0x5C { i += 1 }
        out[count] = text[i]
        (i, count) = (i + 1, count + 1)
      }
      return count
    }
  }

  // MARK: Whole files

  /// Calls the body with each record of a file; with a header the first one names the columns.
  public func forEachRecord(_ text: Text, header: Bool, _ c: Context, _ body: (Text) -> Void) throws(EventFailure) {
    order = nil
    var needsHeader = header
    var i = text.count >= 3 && text[0] == 0xEF && text[1] == 0xBB && text[2] == 0xBF ? 3 : 0
    while i < text.count {
      let start = i
      var quoted = false
      while i < text.count, quoted || text[i] != 0x0A {
        if text[i] == quote { quoted.toggle() }
        i += 1
      }
      let end = i > start && text[i - 1] == 0x0D ? i - 1 : i
      i += 1
      guard end > start else { continue }
      let record = text.slice(start, end - start)
      if needsHeader {
        needsHeader = false
        if let problem = split(record, c) { throw EventFailure("the header: \(problem)") }
        order = cells.map { wires.firstIndex(of: $0) ?? -1 }
        for (index, field) in shape.fields.enumerated() where !order!.contains(index) && !field.shape.isOptional && field.value == nil {
          throw EventFailure("the header has no column \(Shape.excerpt(wires[index], quoted: true))")
        }
      } else {
        body(record)
      }
    }
  }

  // MARK: Writing

  /// One record without its line end.
  public func write(_ column: Column, _ row: Int, _ out: inout ByteBuffer) {
    let isCSV = if case .csv = kind { true } else { false }
    var written = 0
    for (index, child) in column.children.enumerated() {
      // A pair without a value is left out; a cell keeps its place.
      if !isCSV, child.isNull(row) { continue }
      if written > 0 { out.byte(separator) }
      written += 1
      if !isCSV {
        out.raw(wires[index])
        out.byte(assign)
      }
      if child.isNull(row) {
        out.raw(null)
        continue
      }
      let start = out.count
      Fields.write(child, row, &out)
      quoteIfNeeded(&out, start)
    }
  }

  private func quoteIfNeeded(_ out: inout ByteBuffer, _ start: Int) {
    let isCSV = if case .csv = kind { true } else { false }
    var needs = false
    for i in start..<out.count {
      let byte = out.base[i]
      if byte == separator || byte == quote || byte == 0x0A || byte == 0x0D || (!isCSV && (byte == 0x5C || byte == assign)) { needs = true }
    }
    if isCSV, !null.isEmpty || out.count == start, Text(out.base + start, out.count - start) == null { needs = true }
    guard needs else { return }
    let arena = Arena()
    let text = arena.copy(Text(out.base + start, out.count - start))
    out.count = start
    out.byte(quote)
    for byte in text.bytes {
      if byte == quote { out.byte(isCSV ? quote : 0x5C) } else if byte == 0x5C, !isCSV { out.byte(0x5C) }
      out.byte(byte)
    }
    out.byte(quote)
  }
}

/// The lines of a whole file, without LF and CRLF, empty ones left out.
public enum Lines {
  public static func forEach(_ text: Text, _ body: (Text) -> Void) {
    var i = text.count >= 3 && text[0] == 0xEF && text[1] == 0xBB && text[2] == 0xBF ? 3 : 0
    while i < text.count {
      let start = i
      while i < text.count, text[i] != 0x0A { i += 1 }
      let end = i > start && text[i - 1] == 0x0D ? i - 1 : i
      if end > start { body(text.slice(start, end - start)) }
      i += 1
    }
  }
}
