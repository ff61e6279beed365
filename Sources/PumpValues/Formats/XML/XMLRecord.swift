/// How elements become records of one shape: made once for each type.
final class XMLRecord {
  private let shape: Shape
  /// Fields by the names of elements, and by those of attributes alone, each with the field's place.
  private let elements: FieldNames
  private let elementPlaces: [Int]
  private let attributes: FieldNames
  private let attributePlaces: [Int]
  /// The field that takes the text.
  private let text: Int?
  /// For each field that is a record or a list of them.
  private let inner: [XMLRecord?]

  init(_ shape: Shape) {
    self.shape = shape
    let wires = shape.fields.map(\.wire)
    attributePlaces = wires.indices.filter { wires[$0].hasPrefix("@") }
    text = wires.firstIndex(of: "#text")
    let (attributePlaces, text) = (attributePlaces, text)
    elementPlaces = wires.indices.filter { $0 != text && !attributePlaces.contains($0) }
    elements = FieldNames(elementPlaces.map { wires[$0] })
    attributes = FieldNames(attributePlaces.map { String(wires[$0].dropFirst()) })
    inner = shape.fields.map { field in
      let value = field.shape.kind == .list ? field.shape.element! : field.shape
      return value.kind == .record ? XMLRecord(value) : nil
    }
  }

  /// Reads an element whose tag was read, to behind its end.
  func read(_ reader: inout XMLReader, _ tag: XMLTag, _ column: Column, _ row: Int, _ c: Context) throws(XMLProblem) {
    column.setPresent(row)
    var isSet = [Bool](repeating: false, count: shape.fields.count)
    // Nothing else comes into these lists until the record's end: no type contains itself.
    let starts = column.children.map { $0.shape.kind == .list ? $0.children[0].count : 0 }
    for attribute in tag.attributes {
      let own = attributes.index(of: attribute.name).map { attributePlaces[$0] }
      // An element of the name, which comes later, takes its place.
      guard let place = own ?? elements.index(of: attribute.name).map({ elementPlaces[$0] }) else { continue }
      let kind = shape.fields[place].shape.kind
      if kind == .record || kind == .list { continue }
      isSet[place] = true
      try set(attribute.value, column.children[place], row, at: shape.fields[place].wire, c)
    }
    var own = XMLContent()
    loop: while true {
      switch try reader.next() {
      case .close: break loop
      case .text(let piece): if text != nil { own.append(piece) }
      case .open(let child):
        guard let index = elements.index(of: child.name) else {
          try reader.skip()
          continue
        }
        let place = elementPlaces[index]
        isSet[place] = true
        try element(&reader, child, place, column.children[place], row, starts[place], c)
      }
    }
    if let text {
      let value = own.text(c).withoutXMLSpace
      let field = shape.fields[text]
      // Without content there is no value where there need not be one, else the empty text.
      isSet[text] = !value.isEmpty || !field.shape.isOptional && field.value == nil
      if isSet[text] { try set(value, column.children[text], row, at: "#text", c) }
    }
    for (place, field) in shape.fields.enumerated() {
      let child = column.children[place]
      if isSet[place] {
        if field.shape.kind == .list { child.set(Slice(starts[place], child.children[0].count - starts[place]), row) }
        continue
      }
      guard let isDefault = try? field.setDefault(child, row, c.arena) else { throw XMLProblem(".\(field.wire)", "bad default") }
      if isDefault { continue }
      if field.shape.isOptional {
        child.setNull(row)
      } else if field.shape.kind == .list {
        child.set(Slice(child.children[0].count, 0), row)
      } else {
        throw XMLProblem(".\(Shape.clean(field.wire))", "missing, expected \(field.shape.name)")
      }
    }
  }

  private func element(
    _ reader: inout XMLReader, _ tag: XMLTag, _ place: Int, _ column: Column, _ row: Int, _ start: Int, _ c: Context
  ) throws(XMLProblem) {
    let isList = column.shape.kind == .list
    let target = isList ? column.children[0] : column
    let at = isList ? target.count : row
    let path = shape.fields[place].wire + (isList ? "[\(at - start)]" : "")
    if reader.isNil(tag), target.shape.isOptional {
      try reader.skip()
      return target.setNull(at)
    }
    if let inner = inner[place] {
      do throws(XMLProblem) { try inner.read(&reader, tag, target, at, c) } catch { throw error.inside(".\(Shape.clean(path))") }
      return
    }
    var content = XMLContent()
    loop: while true {
      switch try reader.next() {
      case .close: break loop
      case .text(let piece): content.append(piece)
      case .open(let child):
        throw XMLProblem(".\(Shape.clean(path))", "expected \(target.shape.name), found element \(Shape.excerpt(child.name, quoted: true))")
      }
    }
    try set(content.text(c), target, at, at: path, c)
  }

  private func set(_ text: Text, _ column: Column, _ row: Int, at path: String, _ c: Context) throws(XMLProblem) {
    let kind = column.shape.kind
    let value = kind == .string || kind == .bytes ? text : text.withoutXMLSpace
    if value.isEmpty, column.shape.isOptional { return column.setNull(row) }
    guard Fields.parse(value, column, row, c) else {
      let expected = kind == .enumeration ? "one of \(column.shape.wires.map(\.string).joined(separator: ", "))" : column.shape.name
      throw XMLProblem(".\(Shape.clean(path))", "expected \(expected), found \(Shape.excerpt(value, quoted: true))")
    }
  }
}

/// The text of an element, in the pieces in which it came.
struct XMLContent {
  private var first: Text?
  private var others: [Text] = []

  mutating func append(_ piece: Text) { if first == nil { first = piece } else { others.append(piece) } }

  func text(_ c: Context) -> Text {
    guard let first else { return Text() }
    if others.isEmpty { return first }
    return makeText(c.arena) { out in
      out.raw(first)
      for piece in others { out.raw(piece) }
    }
  }
}
