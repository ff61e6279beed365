/// One XML document an event, into records.
final class XMLFormat: RecordFormat {
  static let spec = FormatSpec(
    name: "xml",
    docs: #"""
      XML 1.0, one document an event. The root element, of any name, is the record:

      - a field takes the element of its name, or else the attribute: `sku: String` takes `<sku>A1</sku>` or `sku="A1"`; a field
        that is a record takes what stands in its element;
      - a field that is a list takes all elements of its name, in their order, also with others between them; without one it is empty;
      - `price: Decimal as "#text"` takes the element's own text, without the white space around it and without what is in its
        elements; `id: Int as "@id"` an attribute alone, where there is an element of that name too.

      Elements and attributes that the type does not name are left out. Prefixes of names (`soap:Body`) are no part of them. Where
      an element stands twice and the type has one, the last counts. An element without content, or with `xsi:nil="true"`, is null
      where the type has null, else the empty text. Blanks around a value count in String and Bytes only.

      The text must be UTF-8. The five entities and numbers such as `&#233;` are read; a document type (`<!DOCTYPE`) is refused, so
      are more than 512 elements in each other.
      """#,
    decodes: .nested, encodes: nil,
    example:
      #"source file.bytes("orders/*.xml") |> decode xml as { id: Int, items: { item: [{ sku: String, note: String? }] } }"#,
    instead: "use `encode json`",
    problem: { _, fields in
      for field in fields {
        if let problem = XMLFormat.problem(field.name, field.type) { return problem }
      }
      return nil
    })

  /// What of a type no XML can fill.
  private static func problem(_ name: String, _ type: Type, inList: Bool = false) -> (message: String, help: String)? {
    switch type.wrapped {
    case .map:
      return ("`xml` cannot hold field \(Shape.quote(name)) of type \(type)", "use a record with a field for each element, or a list")
    case .list(let element):
      if inList { return ("`xml` cannot hold a list of lists: field \(Shape.quote(name))", "use a list of records that hold lists") }
      if name.isTextOrAttribute { return ("\(Shape.quote(name)) is one text, and no list", "use String, and `split` it") }
      return problem(name, element, inList: true)
    case .record(let record):
      if name.isTextOrAttribute { return ("\(Shape.quote(name)) is a text, and no record", "use a scalar type") }
      return record.fields.lazy.compactMap { problem($0.wire, $0.type) }.first
    default: return nil
    }
  }

  private let root: XMLRecord

  init(_ shape: Shape, _ options: FormatOptions) { root = XMLRecord(shape) }

  func read(_ text: Text, into column: Column, _ row: Int, _ c: Context) -> String? {
    do throws(XMLProblem) {
      var reader = try XMLReader(text, c)
      let tag = try reader.root()
      try root.read(&reader, tag, column, row, c)
      try reader.finish()
    } catch { return error.description }
    return nil
  }
}

extension String {
  fileprivate var isTextOrAttribute: Bool { self == "#text" || hasPrefix("@") }
}
