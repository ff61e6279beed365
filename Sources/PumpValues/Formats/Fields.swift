/// Scalars as plain text, as all formats write them whose fields are texts.
package enum Fields {
  /// Reads a text as the type of a column; false if it is none.
  static func parse(_ text: Text, _ column: Column, _ row: Int, _ c: Context) -> Bool {
    let shape = column.shape
    do throws(EventFailure) {
      switch shape.kind {
      case .bool: column.set(try Fn.toBool(text, c), row)
      case .int:
        var reader = JSONReader(c.arena.copy(text), c.arena)
        guard let value = try? reader.int(), reader.p == reader.end else { return false }
        column.set(value, row)
      case .float:
        var reader = JSONReader(c.arena.copy(text), c.arena)
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

  /// Fills a record from texts by field; nil is an absent one. The first problem is returned.
  static func fill(_ column: Column, _ row: Int, _ c: Context, _ text: (Int) -> Text?) -> String? {
    column.setPresent(row)
    for (index, field) in column.shape.fields.enumerated() {
      let child = column.children[index]
      guard let text = text(index) else {
        guard let isSet = try? field.setDefault(child, row, c.arena) else { return ".\(field.wire): bad default" }
        if isSet { continue }
        if field.shape.isOptional {
          child.setNull(row)
        } else {
          return ".\(Shape.clean(field.wire)): missing, expected \(field.shape.name)"
        }
        continue
      }
      guard parse(text, child, row, c) else {
        if let problem = notUTF8(text) { return ".\(Shape.clean(field.wire)): \(problem)" }
        let expected =
          field.shape.kind == .enumeration ? "one of \(field.shape.wires.map(\.string).joined(separator: ", "))" : field.shape.name
        return ".\(Shape.clean(field.wire)): expected \(expected), found \(Shape.excerpt(text, quoted: true))"
      }
    }
    return nil
  }

  /// What is wrong with bytes that are no text, with the first that is wrong; nil if they are one.
  static func notUTF8(_ text: Text) -> String? {
    let valid = validUTF8(text.base, text.count)
    guard valid < text.count else { return nil }
    let byte = String(text[valid], radix: 16, uppercase: true)
    return "the text is not UTF-8: byte \(valid) is 0x\(byte.count < 2 ? "0" : "")\(byte)"
  }

  /// A scalar as plain text.
  package static func write(_ column: Column, _ row: Int, _ out: inout ByteBuffer) {
    switch column.shape.kind {
    case .string, .json: out.raw(column.get(Text.self, row))
    case .bytes: out.raw(column.get(Text.self, row))
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
  /// Reads a scalar from text, as CSV does; false if it is none.
  public func parse(_ text: Text, _ row: Int, _ context: Context) -> Bool { Fields.parse(text, self, row, context) }
}

/// The fields of a record by their names in the data. Records of any width are read in linear time.
struct FieldNames {
  private let memory = Arena(chunkSize: 1024)
  private let names: [Text]
  private var places = KeyPlaces()

  init(_ shape: Shape) { self.init(shape.fields.map(\.wire)) }
  init(_ names: [String]) {
    let texts = names.map { [memory] in memory.copy($0) }
    self.names = texts
    for (index, name) in texts.enumerated() { _ = places.place(of: name, among: index) { texts[$0] } }
  }

  var count: Int { names.count }
  subscript(index: Int) -> Text { names[index] }
  func index(of name: Text) -> Int? { places.find(name, among: names.count) { names[$0] } }
}

extension Text {
  /// The place of the quote that closes the one at `open`: one behind a backslash does not. Nil if there is none.
  func closingQuote(_ open: Int) -> Int? {
    var i = open + 1
    while i < count, base[i] != UInt8(ascii: "\"") { i += base[i] == Escapes.backslash ? 2 : 1 }
    return i < count ? i : nil
  }
}
