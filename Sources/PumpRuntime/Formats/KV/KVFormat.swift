/// Pairs such as `level=info took=5ms`.
final class KVFormat: RecordFormat {
  static let spec = FormatSpec(
    name: "kv",
    docs: #"""
      Pairs of key and value, one record a line: `level=info message="all good"`. In quotes `\"` and `\\` stand for themselves.
      Keys that the type does not name are left out; a null is not written.

      It is not logfmt: a key without a value fails the event (logfmt reads true), and `\n` in quotes is two characters. A
      line feed in a value is written as it is, which `sink file.lines` refuses.
      """#,
    decodes: .records, encodes: .records,
    options: [
      .init("separator", .character, "Between pairs.", value: " "),
      .init("assign", .character, "Between key and value.", value: "="),
    ],
    example: #"source file.lines("app.log") |> decode kv as Entry"#,
    problem: { options, _ in
      (options["separator"] ?? " ") == (options["assign"] ?? "=") ? ("`separator` and `assign` are the same", "choose two characters") : nil
    })

  private let shape: Shape
  private let separator: UInt8
  private let assign: UInt8
  private let memory = Arena(chunkSize: 1024)
  private let wires: [Text]
  private var found: [Text?]
  private static let quote = UInt8(ascii: "\"")
  private static let escape = UInt8(ascii: "\\")

  init(_ shape: Shape, _ options: FormatOptions) {
    self.shape = shape
    separator = options.byte("separator", " ")
    assign = options.byte("assign", "=")
    wires = shape.fields.map { [memory] in memory.copy($0.wire) }
    found = Array(repeating: nil, count: wires.count)
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
      var value: Text
      if i < text.count, text[i] == Self.quote {
        let open = i + 1
        i += 1
        while i < text.count, text[i] != Self.quote { i += text[i] == Self.escape ? 2 : 1 }
        guard i < text.count else { return "the value of \(Shape.excerpt(key, quoted: true)) has no closing quote" }
        value = text.slice(open, i - open)
        if value.bytes.contains(Self.escape) { value = unescaped(value, c) }
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

  /// In one pass: of `\\"` the quote is not escaped.
  private func unescaped(_ value: Text, _ c: Context) -> Text {
    c.arena.build(value.count) { out in
      var (i, count) = (0, 0)
      while i < value.count {
        if value[i] == Self.escape, i + 1 < value.count, value[i + 1] == Self.quote || value[i + 1] == Self.escape { i += 1 }
        out[count] = value[i]
        (i, count) = (i + 1, count + 1)
      }
      return count
    }
  }

  func write(_ column: Column, _ row: Int, _ out: inout ByteBuffer) {
    var isFirst = true
    for (index, child) in column.children.enumerated() where !child.isNull(row) {
      if !isFirst { out.byte(separator) }
      isFirst = false
      out.raw(wires[index])
      out.byte(assign)
      let start = out.count
      Fields.write(child, row, &out)
      quoteIfNeeded(&out, start)
    }
  }

  private func quoteIfNeeded(_ out: inout ByteBuffer, _ start: Int) {
    let written = UnsafeBufferPointer(start: out.base + start, count: out.count - start)
    let needs = written.contains {
      $0 == separator || $0 == assign || $0 == Self.quote || $0 == Self.escape || $0 == 0x0A || $0 == 0x0D
    }
    guard needs else { return }
    let bytes = Array(written)
    out.count = start
    out.byte(Self.quote)
    for byte in bytes {
      if byte == Self.quote || byte == Self.escape { out.byte(Self.escape) }
      out.byte(byte)
    }
    out.byte(Self.quote)
  }
}
