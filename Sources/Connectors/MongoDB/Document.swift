#if MongoDB
import PumpConnectorKit

/// Types of BSON, by the byte that stands for each.
enum BSONType: UInt8 {
  case double = 1
  case string, document, array, binary, undefined, objectId, bool, date, null, regex, pointer, code, symbol, scopedCode, int32
  case timestamp, int64, decimal
  case largest = 0x7F
  case smallest = 0xFF

  /// As MongoDB calls it.
  var name: String {
    switch self {
    case .document: "object"
    case .binary: "binData"
    case .int32: "int"
    case .int64: "long"
    case .pointer: "dbPointer"
    case .code: "javascript"
    case .scopedCode: "javascriptWithScope"
    case .largest: "maxKey"
    case .smallest: "minKey"
    default: "\(self)"
    }
  }
}

/// A document or an array in BSON: someone else's bytes, read where they are. What does not keep to its bounds ends it.
struct Document: Sequence {
  let bytes: Text

  init(_ bytes: Text) { self.bytes = bytes }
  init(_ base: UnsafePointer<UInt8>, _ count: Int) { bytes = Text(base, count) }

  func makeIterator() -> Items { Items(self) }

  subscript(_ name: StaticString) -> Item? {
    let name = Text(name)
    return first { $0.name == name }
  }

  /// A field, or by `address.city` a field of a field.
  func find(_ path: [Text]) -> Item? {
    var document = self
    for (index, name) in path.enumerated() {
      guard let found = document.first(where: { $0.name == name }) else { return nil }
      if index == path.count - 1 { return found }
      guard found.type == .document else { return nil }
      document = found.document
    }
    return nil
  }

  var copy: [UInt8] { Array(bytes.bytes) }

  /// A field of a document, or an element of an array.
  struct Item {
    let type: BSONType
    let name: Text
    /// The value as it stands in the document.
    let value: Text

    private func load<T>(_ type: T.Type) -> T { UnsafeRawPointer(value.base).loadUnaligned(as: type) }
    var int32: Int32 { load(Int32.self) }
    var int64: Int64 { load(Int64.self) }
    var double: Double { load(Double.self) }
    var bool: Bool { value[0] != 0 }
    /// Of strings, symbols and code.
    var text: Text { Text(value.base + 4, value.count - 5) }
    var string: Text? { type == .string ? text : nil }
    var document: Document { Document(value) }
    /// Of an array that holds nothing else.
    var documents: [Document] { document.compactMap { $0.type == .document ? $0.document : nil } }
    /// The text that a value of several parts begins with: of a regular expression up to its zero, of others by its length.
    var leading: Text {
      if type == .regex { return Text(value.base, value.bytes.firstIndex(of: 0) ?? value.count) }
      let start = type == .scopedCode ? 8 : 4
      guard value.count > start else { return Text(value.base, 0) }
      let count = Int(UnsafeRawPointer(value.base + start - 4).loadUnaligned(as: Int32.self)) - 1
      return Text(value.base + start, Swift.max(0, Swift.min(count, value.count - start - 1)))
    }
    /// Low half first.
    var decimal: (low: UInt64, high: UInt64) { load((UInt64, UInt64).self) }
    var subtype: UInt8 { value[4] }
    var binary: Text {
      // The old subtype 2 says its length twice.
      let skipped = subtype == 2 && value.count >= 9 ? 9 : 5
      return Text(value.base + skipped, value.count - skipped)
    }
  }

  struct Items: IteratorProtocol {
    private var place: UnsafePointer<UInt8>
    private let end: UnsafePointer<UInt8>

    init(_ document: Document) {
      place = document.bytes.base + 4
      end = document.bytes.end
    }

    mutating func next() -> Item? {
      guard place < end, let type = BSONType(rawValue: place.pointee) else { return nil }
      let start = place + 1
      guard let nameCount = length(ofTextAt: start) else { return nil }
      let value = start + nameCount + 1
      guard let count = size(type, value), count >= 0, count <= end - value else { return nil }
      place = value + count
      return Item(type: type, name: Text(start, nameCount), value: Text(value, count))
    }

    /// Bytes before the zero.
    private func length(ofTextAt start: UnsafePointer<UInt8>) -> Int? {
      var zero = start
      while zero < end {
        if zero.pointee == 0 { return zero - start }
        zero += 1
      }
      return nil
    }

    private func size(_ type: BSONType, _ value: UnsafePointer<UInt8>) -> Int? {
      switch type {
      case .undefined, .null, .largest, .smallest: return 0
      case .bool: return 1
      case .int32: return 4
      case .double, .date, .timestamp, .int64: return 8
      case .objectId: return 12
      case .decimal: return 16
      case .regex:
        guard let pattern = length(ofTextAt: value), let options = length(ofTextAt: value + pattern + 1) else { return nil }
        return pattern + options + 2
      case .string, .symbol, .code, .document, .array, .binary, .pointer, .scopedCode:
        guard end - value >= 5 else { return nil }
        let count = Int(UnsafeRawPointer(value).loadUnaligned(as: Int32.self))
        switch type {
        case .document, .array, .scopedCode: return count >= 5 ? count : nil
        case .binary: return count >= 0 ? count + 5 : nil
        default: return count >= 1 ? count + (type == .pointer ? 16 : 4) : nil
        }
      }
    }
  }
}

/// Documents of our own making, such as options and filters.
indirect enum BSON {
  case int(Int32)
  case text(String)
  case array([BSON])
  case document([(String, BSON)])
  /// A value that is bytes already.
  case raw(BSONType, [UInt8])

  static func raw(_ item: Document.Item) -> BSON { .raw(item.type, Array(item.value.bytes)) }

  /// The bytes of a document or an array.
  var bytes: [UInt8] {
    var out = ByteBuffer(capacity: 256)
    defer { out.release() }
    write(&out)
    return Array(out.bytes)
  }

  private var type: BSONType {
    switch self {
    case .int: .int32
    case .text: .string
    case .array: .array
    case .document: .document
    case .raw(let type, _): type
    }
  }

  private func write(_ out: inout ByteBuffer) {
    let arena = Arena(chunkSize: 1 << 10)
    switch self {
    case .int(let value): out.fixed(value)
    case .text(let value): out.string(arena.copy(value))
    case .array(let values): BSON.document(values.enumerated().map { (String($0), $1) }).write(&out)
    case .document(let fields):
      let start = out.beginDocument()
      for (name, value) in fields {
        out.item(value.type, arena.copy(name))
        value.write(&out)
      }
      out.endDocument(start)
    case .raw(_, let bytes): bytes.withUnsafeBufferPointer { if $0.count > 0 { out.raw($0.baseAddress!, $0.count) } }
    }
  }
}

/// The parts of BSON.
extension ByteBuffer {
  mutating func beginDocument() -> Int {
    fixed(Int32(0))
    return count - 4
  }

  mutating func endDocument(_ start: Int) {
    byte(0)
    UnsafeMutableRawPointer(base + start).storeBytes(of: Int32(truncatingIfNeeded: count - start), as: Int32.self)
  }

  /// What stands before a value; a name holds no zero byte.
  @inline(__always)
  mutating func item(_ type: BSONType, _ name: Text) {
    byte(type.rawValue)
    raw(name)
    byte(0)
  }

  @inline(__always)
  mutating func fixed<T: BitwiseCopyable>(_ value: T) {
    reserve(MemoryLayout<T>.size)
    UnsafeMutableRawPointer(base + count).storeBytes(of: value, as: T.self)
    count += MemoryLayout<T>.size
  }

  @inline(__always)
  mutating func string(_ text: Text) {
    fixed(Int32(truncatingIfNeeded: text.count + 1))
    raw(text)
    byte(0)
  }

  mutating func hex(_ bytes: Text) {
    for byte in bytes.bytes {
      self.byte(hexadecimal[Int(byte >> 4)])
      self.byte(hexadecimal[Int(byte & 15)])
    }
  }
}

private let hexadecimal = Array("0123456789abcdef".utf8)

extension Text {
  /// The 12 bytes of an ObjectId whose 24 hex digits this is.
  var objectId: [UInt8]? {
    guard count == 24 else { return nil }
    var result: [UInt8] = []
    for i in 0..<12 {
      guard let high = Self.digit(self[2 * i]), let low = Self.digit(self[2 * i + 1]) else { return nil }
      result.append(high << 4 | low)
    }
    return result
  }

  private static func digit(_ byte: UInt8) -> UInt8? {
    switch byte {
    case 48...57: byte - 48
    case 97...102: byte - 87
    case 65...70: byte - 55
    default: nil
    }
  }
}
#endif
