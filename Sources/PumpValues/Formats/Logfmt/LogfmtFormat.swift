/// Lines such as `level=info msg="all good" cached`, as Go's loggers and Heroku write them.
final class LogfmtFormat: RecordFormat {
  static let spec = FormatSpec(
    name: "logfmt",
    docs: #"""
      logfmt, one record a line: `level=info msg="all good" cached`. A key that stands alone is `true`. `key=` is null where the
      type has null, else the empty text, and `key=""` is the empty text. A value in quotes takes JSON's escapes and `\x1B`; a
      backslash before any other character stands for itself. Without quotes a value ends at the next blank, and nothing in it
      is an escape. Of a key that stands twice the last counts; keys that the type does not name are left out.

      Written are the fields that are not null, in their order. A text that is empty, or that holds blanks, quotes, `=` or control
      characters, stands in quotes with JSON's escapes, so that every event is one line.
      """#,
    decodes: .records, encodes: .records, example: #"source file.lines("app.log") |> decode logfmt as Entry"#,
    problem: { _, fields in
      fields.first { $0.name.isEmpty || $0.name.utf8.contains { $0 <= 0x20 || $0 == assign || $0 == quote } }.map {
        ("\(Shape.quote($0.name)) is no key of logfmt: keys hold no blanks, quotes or `=`", "give the field another name by `as \"…\"`")
      }
    })

  private static let quote = UInt8(ascii: "\"")
  private static let assign = UInt8(ascii: "=")
  private static let escapes = Escapes(
    ["\"\"", "\\\\", "//", "b\u{8}", "f\u{C}", "n\n", "r\r", "t\t", "a\u{7}", "v\u{B}"], hex: true, unicode: true)
  private let names: FieldNames
  private var found: [Text?]

  init(_ shape: Shape, _ options: FormatOptions) {
    names = FieldNames(shape)
    found = Array(repeating: nil, count: names.count)
  }

  func read(_ text: Text, into column: Column, _ row: Int, _ c: Context) -> String? {
    for index in found.indices { found[index] = nil }
    var i = 0
    while true {
      while i < text.count, text[i] <= 0x20 { i += 1 }
      guard i < text.count else { break }
      let start = i
      while i < text.count, text[i] > 0x20, text[i] != Self.assign { i += 1 }
      let key = text.slice(start, i - start)
      if key.isEmpty { return "there is no key before `=` at byte \(start)" }
      if key.bytes.contains(Self.quote) { return "\(Shape.excerpt(key)) is no key: keys hold no quotes" }
      let index = names.index(of: key)
      guard i < text.count, text[i] == Self.assign else {
        if let index { found[index] = Text("true") }
        continue
      }
      i += 1
      if i < text.count, text[i] == Self.quote {
        guard let end = text.closingQuote(i) else { return "the value of \(Shape.excerpt(key, quoted: true)) has no closing quote" }
        if end + 1 < text.count, text[end + 1] > 0x20 {
          return "after the closing quote of \(Shape.excerpt(key, quoted: true)) a blank is expected"
        }
        if let index { found[index] = Self.escapes.text(text.slice(i + 1, end - i - 1), c) }
        i = end + 1
      } else {
        let open = i
        while i < text.count, text[i] > 0x20 { i += 1 }
        guard let index else { continue }
        found[index] = i == open && column.children[index].shape.isOptional ? nil : text.slice(open, i - open)
      }
    }
    return Fields.fill(column, row, c) { found[$0] }
  }

  func write(_ column: Column, _ row: Int, _ out: inout ByteBuffer) {
    var isFirst = true
    for (index, child) in column.children.enumerated() where !child.isNull(row) {
      if !isFirst { out.byte(0x20) }
      isFirst = false
      out.raw(names[index])
      out.byte(Self.assign)
      let start = out.count
      Fields.write(child, row, &out)
      let written = UnsafeBufferPointer(start: out.base + start, count: out.count - start)
      guard written.isEmpty || written.contains(where: { $0 <= 0x20 || $0 == Self.assign || $0 == Self.quote || $0 == 0x7F }) else {
        continue
      }
      // Copied: it is written over.
      let bytes = Array(written)
      out.count = start
      bytes.withUnsafeBufferPointer { out.quoted(Text($0.baseAddress ?? Text().base, $0.count)) }
    }
  }
}
