/// JSON, where a step has no faster way of its own: both back ends read and write it without this object where they can.
final class JSONFormat: RecordFormat {
  static let spec = FormatSpec(
    name: "json",
    docs: """
      JSON, as RFC 8259 has it: one value an event. Fields that the type does not name are left out; those that it names and that
      are not there are null or their default, else the event fails. A byte order mark before the value is ignored.
      """,
    decodes: .any, encodes: .any,
    options: [
      .init("strict", .flag, "Fields that the type does not name, and keys that stand twice, are errors.", for: .decode),
      .init("omit_null", .flag, "Fields that are null are left out.", for: .encode),
      .init(
        "readable", .flag,
        "Fields of Bytes are written as text where they are UTF-8, else in base64 with `_base64` behind their name. So does an error route unless it says `readable: false`.",
        for: .encode),
      .init("time", .oneOf(["rfc3339", "epoch_s", "epoch_ms"]), "How a Timestamp is written.", value: "rfc3339"),
    ],
    example: "source stdin.lines() |> decode json(strict) as Order")

  private let shape: Shape
  private let options: JSONOptions

  init(_ shape: Shape, _ options: FormatOptions) {
    self.shape = shape
    self.options = JSONOptions(options)
  }

  func read(_ text: Text, into column: Column, _ row: Int, _ c: Context) -> String? {
    shape.read(text, into: column, row, c.arena, options) ? nil : shape.explain(text, options)
  }

  func write(_ column: Column, _ row: Int, _ out: inout ByteBuffer) { out.json(column, row, options) }
}

extension JSONOptions {
  public init(_ options: FormatOptions) {
    self.init(
      strict: options.flag("strict"), omitNull: options.flag("omit_null"), time: TimeFormat(rawValue: options.text("time", "")) ?? .rfc3339,
      readable: options.flag("readable"))
  }
}
