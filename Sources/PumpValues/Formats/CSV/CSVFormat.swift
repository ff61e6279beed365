/// Records as CSV, one a line or, with a header, in any order of columns.
final class CSVFormat: RecordFormat {
  static let spec = FormatSpec(
    name: "csv",
    docs: """
      Comma-separated values, as RFC 4180 has them. A cell in quotes may hold separators, line feeds and quotes, which stand
      twice; a quote within another cell is a character like any other. Every row has as many cells as the header or, without
      one, as the type has fields; any other fails and says how many it has. Empty lines are no rows.

      An empty cell without quotes is null where the type has null, else the empty text; in quotes it is the empty text. A
      record of one column that is null is written `""`, because an empty line would be no row, and `""` is read as null where
      the only column is nullable: `null: "-"` keeps null and the empty text apart there.

      A field of type Bytes holds the bytes of its cell as they are.

      Behind `file.lines`, `file.bytes` or `stdin.lines` the stream is cut into records, so that line feeds in quotes are
      fine there and memory holds one record at a time. `sink file.lines` refuses an event that holds a line feed.
      """,
    decodes: .records, encodes: .records, framing: .records,
    options: [
      .init(
        "header", .flag,
        """
        The first row names the columns: they may come in any order, and more of them than the type asks for. Not for
        events that are one record each. `encode` has the sink write it.
        """),
      .init("separator", .character, "Between cells; `\\t` for tabs.", value: ","),
      .init("quote", .character, "Around cells.", value: "\""),
      .init("null", .text, "The cell that stands for null.", value: ""),
    ],
    example: #"source file.lines("orders.csv") |> decode csv(header: true, separator: ";") as Order"#,
    headerLine: { names, options in
      let (separator, quote) = (options["separator"] ?? ",", options["quote"] ?? "\"")
      return names.map { name in
        let needs = name.contains { $0.isNewline || String($0) == separator || String($0) == quote }
        return needs
          ? quote + name.split(separator: Character(quote), omittingEmptySubsequences: false).joined(separator: quote + quote) + quote
          : name
      }.joined(separator: separator)
    },
    problem: { options, _ in
      let (separator, quote) = (options["separator"] ?? ",", options["quote"] ?? "\"")
      return separator == quote ? ("`separator` and `quote` are the same", "choose two characters") : nil
    })

  private let shape: Shape
  private let scanner: CSVScanner
  private let null: Text
  private let hasHeader: Bool
  private let memory = Arena(chunkSize: 256)
  private let columns: CSVColumns
  private var cells: [CSVScanner.Cell] = []
  /// The header that is in force, the place of each field in it, and why it does not fit.
  private var header: Header?
  private var places: [Int?]
  private var width: Int
  private var headerProblem: String?

  init(_ shape: Shape, _ options: FormatOptions) {
    self.shape = shape
    scanner = CSVScanner(separator: options.byte("separator", ","), quote: options.byte("quote", "\""))
    null = memory.copy(options.text("null", ""))
    hasHeader = options.flag("header")
    columns = CSVColumns(shape, scanner)
    places = Array(shape.fields.indices)
    width = shape.fields.count
  }

  var framing: Framing? {
    Framing(
      hasHeader: hasHeader, headerProblem: { [columns] text in columns.places(text).problem }, scanner: { [scanner] in scanner })
  }

  func begin(_ header: Header?) {
    guard let header, header !== self.header else { return }
    self.header = header
    let found = columns.places(header.text)
    (places, width, headerProblem) = (found.places, found.width, found.problem)
  }

  func read(_ text: Text, into column: Column, _ row: Int, _ c: Context) -> String? {
    if let headerProblem { return headerProblem }
    let record = text.count > 0 && text[text.count - 1] == 0x0A ? text.slice(0, text.count - 1).withoutReturn : text
    if let problem = scanner.cells(record, into: &cells, c.arena) { return problem }
    guard cells.count == width else {
      return "\(cells.count) cell\(cells.count == 1 ? "" : "s"), \(header == nil ? "expected" : "the header has") \(width)"
    }
    let isLone = width == 1
    return Fields.fill(column, row, c) { index in
      guard let place = places[index] else { return nil }
      let cell = cells[place]
      let isNull = cell.isQuoted ? isLone && cell.text.isEmpty && null.isEmpty : cell.text == null
      return isNull && shape.fields[index].shape.isOptional ? nil : cell.text
    }
  }

  func write(_ column: Column, _ row: Int, _ out: inout ByteBuffer) {
    let first = out.count
    for (index, child) in column.children.enumerated() {
      if index > 0 { out.byte(scanner.separator) }
      if child.isNull(row) {
        out.raw(null)
        continue
      }
      let start = out.count
      Fields.write(child, row, &out)
      if needsQuotes(Text(out.base + start, out.count - start)) { quote(&out, start) }
    }
    // An empty line would be no record.
    if out.count == first, column.children.count == 1 { quote(&out, first) }
  }

  private func needsQuotes(_ cell: Text) -> Bool {
    // What a reader would take for null, or for a byte order mark.
    if cell == null || cell.beginsWithMark { return true }
    return cell.bytes.contains { $0 == scanner.separator || $0 == scanner.quote || $0 == 0x0A || $0 == 0x0D }
  }

  private func quote(_ out: inout ByteBuffer, _ start: Int) {
    let count = out.count - start
    let quotes = occurrences(of: scanner.quote, in: out.base + start, count)
    out.reserve(quotes + 2)
    // From the end, so that nothing is written over that was not moved yet.
    var to = start + count + quotes + 1
    out.base[to] = scanner.quote
    for from in stride(from: start + count - 1, through: start, by: -1) {
      to -= 1
      out.base[to] = out.base[from]
      if out.base[from] == scanner.quote {
        to -= 1
        out.base[to] = scanner.quote
      }
    }
    out.base[start] = scanner.quote
    out.count += quotes + 2
  }
}

/// The columns that a type asks for, and where a header has them.
private struct CSVColumns: Sendable {
  private let fields: [(name: String, isNeeded: Bool)]
  private let scanner: CSVScanner

  init(_ shape: Shape, _ scanner: CSVScanner) {
    fields = shape.fields.map { ($0.wire, !$0.shape.isOptional && $0.value == nil) }
    self.scanner = scanner
  }

  func places(_ header: Text) -> (places: [Int?], width: Int, problem: String?) {
    let arena = Arena(chunkSize: 1024)
    var cells: [CSVScanner.Cell] = []
    func failed(_ problem: String) -> ([Int?], Int, String?) {
      (fields.map { _ in nil }, cells.count, "the header \(problem); found: \(Shape.excerpt(header, upTo: 200))\(hint(header, cells))")
    }
    if header.isEmpty { return (fields.map { _ in nil }, 0, "there is no header: nothing came") }
    if let problem = scanner.cells(header, into: &cells, arena) { return failed("is no CSV: \(problem)") }
    let names = cells.map(\.text.string)
    let places = fields.map { field in names.firstIndex(of: field.name) }
    for (field, place) in zip(fields, places) {
      guard let place else {
        if field.isNeeded { return failed("has no column \(Shape.quote(field.name))") }
        continue
      }
      if names[(place + 1)...].contains(field.name) { return failed("has column \(Shape.quote(field.name)) twice") }
    }
    if places.allSatisfy({ $0 == nil }) { return failed("has none of the columns \(fields.map(\.name).joined(separator: ", "))") }
    return (places, names.count, nil)
  }

  /// The likely cause of a header that does not fit.
  private func hint(_ header: Text, _ cells: [CSVScanner.Cell]) -> String {
    if header.bytes.contains(0) { return ". Is the file UTF-16? Make it UTF-8" }
    for other in [UInt8(ascii: ";"), UInt8(ascii: ","), 0x09, UInt8(ascii: "|")]
    where cells.count == 1 && other != scanner.separator && header.bytes.contains(other) {
      let text = other == 0x09 ? "\\t" : String(UnicodeScalar(other))
      return ". Is the separator \"\(text)\"? Write `csv(header: true, separator: \"\(text)\")`"
    }
    func plain(_ name: String) -> String { name.lowercased().filter { !$0.isWhitespace } }
    for field in fields {
      let near = cells.map(\.text.string).first { $0 != field.name && plain($0) == plain(field.name) }
      if let near {
        return
          ". Blanks and capital letters count: is it \(Shape.quote(near))? Write `\(field.name): … as \(Shape.quote(near))` in the type"
      }
    }
    return ""
  }
}
