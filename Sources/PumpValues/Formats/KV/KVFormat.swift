/// Pairs such as `level=info took=5ms`.
final class KVFormat: RecordFormat {
  static let spec = FormatSpec(
    name: "kv",
    docs: #"""
      Pairs of key and value, one record a line: `level=info message="all good"`. In quotes `\"` and `\\` stand for themselves.
      Keys that the type does not name are left out; a null is not written.

      It is not logfmt, which `decode logfmt` reads: a key without a value fails the event here, and `\n` in quotes is two
      characters. A line feed in a value is written as it is, which `sink file.lines` refuses.
      """#,
    decodes: .records, encodes: .records,
    options: [
      .init("separator", .character, "Between pairs.", value: " "),
      .init("assign", .character, "Between key and value.", value: "="),
    ],
    example: #"source file.lines("app.log") |> decode kv as Entry"#,
    problem: { options, fields in
      let (separator, assign) = (options["separator"] ?? " ", options["assign"] ?? "=")
      if separator == assign { return ("`separator` and `assign` are the same", "choose two characters") }
      return fields.first { $0.name.contains(separator) || $0.name.contains(assign) || $0.name.first == " " }.map {
        ("\(Shape.quote($0.name)) is no key: it holds a separator or a blank", "give the field another name by `as \"…\"`")
      }
    })

  private let separator: UInt8
  private let assign: UInt8
  private let names: FieldNames
  private var found: [Text?]
  private static let quote = UInt8(ascii: "\"")
  private static let escapes = Escapes(["\"\"", "\\\\"])

  init(_ shape: Shape, _ options: FormatOptions) {
    separator = options.byte("separator", " ")
    assign = options.byte("assign", "=")
    names = FieldNames(shape)
    found = Array(repeating: nil, count: names.count)
  }

  func read(_ text: Text, into column: Column, _ row: Int, _ c: Context) -> String? {
    for index in found.indices { found[index] = nil }
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
      let value: Text
      if i < text.count, text[i] == Self.quote {
        guard let end = text.closingQuote(i) else { return "the value of \(Shape.excerpt(key, quoted: true)) has no closing quote" }
        value = Self.escapes.text(text.slice(i + 1, end - i - 1), c)
        i = end + 1
      } else {
        let open = i
        while i < text.count, text[i] != separator { i += 1 }
        value = text.slice(open, i - open)
      }
      if let index = names.index(of: key) { found[index] = value }
    }
    return Fields.fill(column, row, c) { found[$0] }
  }

  func write(_ column: Column, _ row: Int, _ out: inout ByteBuffer) {
    var isFirst = true
    for (index, child) in column.children.enumerated() where !child.isNull(row) {
      if !isFirst { out.byte(separator) }
      isFirst = false
      out.raw(names[index])
      out.byte(assign)
      let start = out.count
      Fields.write(child, row, &out)
      quoteIfNeeded(&out, start)
    }
  }

  private func quoteIfNeeded(_ out: inout ByteBuffer, _ start: Int) {
    let written = UnsafeBufferPointer(start: out.base + start, count: out.count - start)
    let needs = written.contains {
      $0 == separator || $0 == assign || $0 == Self.quote || $0 == Escapes.backslash || $0 == 0x0A || $0 == 0x0D
    }
    guard needs else { return }
    let bytes = Array(written)
    out.count = start
    out.byte(Self.quote)
    for byte in bytes {
      if byte == Self.quote || byte == Escapes.backslash { out.byte(Escapes.backslash) }
      out.byte(byte)
    }
    out.byte(Self.quote)
  }
}
