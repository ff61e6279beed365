#if MongoDB
internal import CMongoDB
import PumpConnectorKit

/// Writes columns as BSON. What BSON cannot hold throws, with its path.
extension ByteBuffer {
  /// A record as a document: the fields that are asked for, in that order, or all.
  mutating func document(_ column: Column, _ row: Int, _ layout: Layout, fields: [Int]? = nil) throws(EventFailure) {
    let start = beginDocument()
    if let fields {
      for index in fields { try field(column, row, layout, index) }
    } else {
      for index in layout.names.indices where index != layout.rest { try field(column, row, layout, index) }
      if let rest = layout.rest { try members(of: column.children[rest].get(Text.self, row)) }
    }
    endDocument(start)
  }

  @inline(__always)
  mutating func field(_ column: Column, _ row: Int, _ layout: Layout, _ index: Int) throws(EventFailure) {
    do throws(EventFailure) { try item(layout.names[index], column.children[index], row, layout.children[index]) } catch {
      throw EventFailure(".\(layout.shape.fields[index].name)\(error.message)")
    }
  }

  /// A value under its name.
  mutating func item(_ name: Text, _ column: Column, _ row: Int, _ layout: Layout) throws(EventFailure) {
    if column.isNull(row) { return item(.null, name) }
    switch layout.shape.kind {
    case .bool:
      item(.bool, name)
      byte(column.get(Bool.self, row) ? 1 : 0)
    case .int, .size, .duration:
      item(.int64, name)
      fixed(column.get(Int64.self, row))
    case .float:
      item(.double, name)
      fixed(column.get(Double.self, row))
    case .decimal:
      guard let bits = Decimal128.bits(column.get(Decimal.self, row)) else {
        throw EventFailure(": \(column.get(Decimal.self, row)) has more than the 34 digits of decimal128")
      }
      item(.decimal, name)
      fixed(bits.low)
      fixed(bits.high)
    case .string:
      let text = column.get(Text.self, row)
      if text.count == 24, name == Text("_id"), let id = text.objectId {
        item(.objectId, name)
        id.withUnsafeBufferPointer { raw($0.baseAddress!, $0.count) }
      } else {
        item(.string, name)
        string(text)
      }
    case .enumeration:
      item(.string, name)
      string(layout.shape.wires[Int(column.get(Int64.self, row))])
    case .bytes: binary(name, column.get(Text.self, row), subtype: 0)
    case .uuid:
      let value = column.get(Uuid.self, row)
      item(.binary, name)
      fixed(Int32(16))
      byte(4)
      fixed(value.high.bigEndian)
      fixed(value.low.bigEndian)
    case .timestamp:
      item(.date, name)
      fixed(floorDivide(column.get(Int64.self, row), 1000))
    case .date:
      item(.date, name)
      fixed(column.get(Int64.self, row) * 86_400_000)
    case .json: try json(name, column.get(Text.self, row))
    case .list:
      item(.array, name)
      try list(column.children[0], column.get(Slice.self, row), layout.children[0])
    case .map:
      item(.document, name)
      try map(column.children[0], column.get(Slice.self, row), layout.children[0])
    case .record:
      item(.document, name)
      try document(column, row, layout)
    }
  }

  /// The fields of an object of Json.
  mutating func members(of object: Text) throws(EventFailure) {
    guard object.count > 2 else { return }
    let parsed = try ExtendedJSON.parse { $0.raw(object) }
    parsed.withUnsafeBufferPointer { bytes in
      for item in Document(bytes.baseAddress!, bytes.count) { copy(item) }
    }
  }

  /// A field as it is; an `_id` of 24 hex digits becomes an ObjectId.
  mutating func copy(_ item: Document.Item) {
    if item.type == .string, item.name == Text("_id"), let id = item.text.objectId {
      self.item(.objectId, item.name)
      return id.withUnsafeBufferPointer { raw($0.baseAddress!, $0.count) }
    }
    self.item(item.type, item.name)
    raw(item.value)
  }

  private mutating func binary(_ name: Text, _ bytes: Text, subtype: UInt8) {
    item(.binary, name)
    fixed(Int32(truncatingIfNeeded: bytes.count))
    byte(subtype)
    raw(bytes)
  }

  private mutating func list(_ elements: Column, _ slice: Slice, _ layout: Layout) throws(EventFailure) {
    let start = beginDocument()
    var digits = ByteBuffer(capacity: 24)
    defer { digits.release() }
    for index in 0..<Int(slice.count) {
      digits.count = 0
      digits.int(Int64(index))
      do throws(EventFailure) { try item(Text(digits.base, digits.count), elements, Int(slice.start) + index, layout) } catch {
        throw EventFailure("[\(index)]\(error.message)")
      }
    }
    endDocument(start)
  }

  private mutating func map(_ entries: Column, _ slice: Slice, _ layout: Layout) throws(EventFailure) {
    let start = beginDocument()
    for entry in Int(slice.start)..<Int(slice.start + slice.count) {
      let key = entries.children[0].get(Text.self, entry)
      guard !key.bytes.contains(0) else { throw EventFailure(": a key of a document holds no zero byte") }
      do throws(EventFailure) { try item(key, entries.children[1], entry, layout) } catch {
        throw EventFailure("[\"\(key.string)\"]\(error.message)")
      }
    }
    endDocument(start)
  }

  /// The value that extended JSON stands for.
  private mutating func json(_ name: Text, _ text: Text) throws(EventFailure) {
    let parsed = try ExtendedJSON.parse { out in
      out.raw("{\"v\":")
      out.raw(text)
      out.raw("}")
    }
    try parsed.withUnsafeBufferPointer { bytes throws(EventFailure) in
      guard let value = Document(bytes.baseAddress!, bytes.count)["v"] else { throw EventFailure(": the JSON is none that BSON can hold") }
      item(value.type, name)
      raw(value.value)
    }
  }
}

/// Towards the past, also before 1970.
func floorDivide(_ value: Int64, _ divisor: Int64) -> Int64 {
  let (quotient, remainder) = value.quotientAndRemainder(dividingBy: divisor)
  return remainder < 0 ? quotient - 1 : quotient
}

/// Extended JSON as libbson reads it.
enum ExtendedJSON {
  /// The bytes of the document.
  static func parse(_ text: String) throws(EventFailure) -> [UInt8] { try parse { $0.text(text) } }

  static func parse(_ write: (inout ByteBuffer) -> Void) throws(EventFailure) -> [UInt8] {
    var json = ByteBuffer(capacity: 256)
    defer { json.release() }
    write(&json)
    guard !hasHugeInteger(Text(json.base, json.count)) else { throw EventFailure(": a whole number in the JSON does not fit 64 bits") }
    var size: UInt32 = 0
    let problem = Problem.Memory()
    guard let bytes = pump_mongo_parse(json.base, json.count, &size, problem.error) else {
      throw EventFailure(": \(problem.value.message)")
    }
    defer { bson_free(bytes) }
    return Array(UnsafeBufferPointer(start: bytes, count: Int(size)))
  }

  /// libbson would cut such a number down to its last 64 bits.
  private static func hasHugeInteger(_ json: Text) -> Bool {
    var i = 0
    while i < json.count {
      let start = i
      if json[i] == UInt8(ascii: "\"") {
        i += 1
        while i < json.count, json[i] != UInt8(ascii: "\"") { i += json[i] == UInt8(ascii: "\\") ? 2 : 1 }
      } else if json[i] == UInt8(ascii: "-") || isDigit(json[i]) {
        while i + 1 < json.count, isDigit(json[i + 1]) { i += 1 }
        let isWhole = i + 1 == json.count || ![UInt8(ascii: "."), UInt8(ascii: "e"), UInt8(ascii: "E")].contains(json[i + 1])
        if isWhole, i - start >= 18, Int64(json.slice(start, i + 1 - start).string) == nil { return true }
        // What follows the point or the exponent is not a number of its own.
        while !isWhole, i + 1 < json.count, ![UInt8(ascii: ","), UInt8(ascii: "]"), UInt8(ascii: "}")].contains(json[i + 1]) { i += 1 }
      }
      i += 1
    }
    return false
  }

  private static func isDigit(_ byte: UInt8) -> Bool { byte >= 0x30 && byte <= 0x39 }
}
#endif
