import Glibc

/// Keys as bytes whose order, byte by byte, is the order of the values, field by field: null first, texts by their bytes, enums by
/// case, Decimals by value whatever their scales. Equal values have equal bytes, and no key is the beginning of another.
/// Taken are all kinds but Json, lists and maps, and records of them.
public struct KeyCodec {
  let shapes: [Shape]

  public init(_ shapes: [Shape]) { self.shapes = shapes }

  /// Appends the key of a row of columns, one for each shape.
  public func pack(_ columns: [Column], _ row: Int, into buffer: inout ByteBuffer) {
    for place in 0..<shapes.count { buffer.key(shapes[place], columns[place], row) }
  }

  /// Writes the values of a key to a row; texts are copied to the arena. False if the bytes are no key of these shapes.
  @discardableResult
  public func unpack(_ key: UnsafeBufferPointer<UInt8>, into columns: [Column], _ row: Int, _ arena: Arena) -> Bool {
    var reader = KeyReader(key, arena)
    for place in 0..<shapes.count where !reader.value(shapes[place], columns[place], row) { return false }
    return reader.isAtEnd
  }
}

extension ByteBuffer {
  /// A value as part of a key, of the shape that its column has or the plain or optional form of it.
  mutating func key(_ shape: Shape, _ column: Column, _ row: Int) {
    if shape.isOptional {
      let isNull = column.isNull(row)
      byte(isNull ? 0 : 1)
      if isNull { return }
    }
    switch shape.kind {
    case .bool: byte(column.get(UInt8.self, row))
    case .int, .timestamp, .date, .duration, .size: key(ordered: KeyOrder.of(column.get(Int64.self, row)))
    case .float: key(ordered: KeyOrder.of(column.get(Double.self, row)))
    case .enumeration:
      let index = column.get(Int64.self, row)
      if shape.cases.count <= 256 { byte(UInt8(truncatingIfNeeded: index)) } else { key(ordered: UInt64(bitPattern: index)) }
    case .uuid:
      let value = column.get(Uuid.self, row)
      key(ordered: value.high)
      key(ordered: value.low)
    case .string, .bytes, .json: key(column.get(Text.self, row))
    case .decimal: key(column.get(Decimal.self, row))
    case .record:
      for (place, field) in shape.fields.enumerated() { key(field.shape, column.children[place], row) }
    case .list, .map: preconditionFailure("lists and maps are no keys")
    }
  }

  @inline(__always)
  private mutating func key(ordered value: UInt64) {
    reserve(8)
    UnsafeMutableRawPointer(base + count).storeBytes(of: value.bigEndian, as: UInt64.self)
    count += 8
  }

  /// Zeros are followed by 255, and two zeros end the text: it comes before all that it is the beginning of.
  private mutating func key(_ text: Text) {
    reserve(text.count + 2)
    if memchr(text.base, 0, text.count) == nil {
      memcpy(base + count, text.base, text.count)
      count += text.count
    } else {
      for place in 0..<text.count {
        byte(text[place])
        if text[place] == 0 { byte(255) }
      }
      reserve(2)
    }
    base[count] = 0
    base[count + 1] = 0
    count += 2
  }
}

/// Eight bytes whose order as an unsigned number is that of the value.
enum KeyOrder {
  private static let sign: UInt64 = 1 << 63

  @inline(__always) static func of(_ value: Int64) -> UInt64 { UInt64(bitPattern: value) ^ sign }
  @inline(__always) static func int(_ order: UInt64) -> Int64 { Int64(bitPattern: order ^ sign) }

  /// Both zeros are one.
  @inline(__always) static func of(_ value: Double) -> UInt64 {
    let bits = (value + 0).bitPattern
    return bits & sign == 0 ? bits | sign : ~bits
  }
  @inline(__always) static func double(_ order: UInt64) -> Double {
    Double(bitPattern: order & sign == 0 ? ~order : order & ~sign)
  }
}
