/// The lines of a stream.
final class LinesFormat: RecordFormat {
  static let spec = FormatSpec(
    name: "lines",
    docs: """
      The lines of a whole file as events of their own, without LF or CR LF; empty lines are left out, lines of blanks are not.
      `encode` puts a line feed behind each event.
      """,
    decodes: .bytes, encodes: .text, framing: .only, example: #"source file.bytes("words.txt") |> decode lines"#)

  init(_ shape: Shape, _ options: FormatOptions) {}

  var framing: Framing? { .lines }

  func read(_ text: Text, into column: Column, _ row: Int, _ c: Context) -> String? {
    column.set(text, row)
    return nil
  }

  func write(_ column: Column, _ row: Int, _ out: inout ByteBuffer) {
    out.raw(column.get(Text.self, row))
    out.byte(0x0A)
  }
}
