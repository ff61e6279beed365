/// An event as it is, made sure to be UTF-8.
final class TextFormat: RecordFormat {
  static let spec = FormatSpec(
    name: "text", docs: "The bytes as a String, which must be UTF-8; and back, as they are.", decodes: .string, encodes: .text,
    example: #"source file.lines("words.txt") |> decode text"#)

  init(_ shape: Shape, _ options: FormatOptions) {}

  func read(_ text: Text, into column: Column, _ row: Int, _ c: Context) -> String? {
    do throws(EventFailure) { column.set(try Fn.toText(Blob(text), c), row) } catch { return error.message }
    return nil
  }

  func write(_ column: Column, _ row: Int, _ out: inout ByteBuffer) { out.raw(column.get(Text.self, row)) }
}
