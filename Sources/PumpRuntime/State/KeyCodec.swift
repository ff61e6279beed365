/// Keys as bytes whose order, byte by byte, is the order of the values, field by field: null first, texts by their bytes, enums by
/// case, Decimals by value whatever their scales. Equal values have equal bytes, and no key is the beginning of another.
/// Taken are all kinds but Json, lists and maps, and records of them.
public struct KeyCodec {
  let shapes: [Shape]
  private let kinds: [Kind]

  private enum Kind: UInt8 {
    case word, text, other
  }

  public init(_ shapes: [Shape]) {
    self.shapes = shapes
    kinds = shapes.map { shape in
      switch shape.kind {
      case _ where shape.isOptional: .other
      case .int, .timestamp, .date, .duration, .size: .word
      case .string, .bytes: .text
      default: .other
      }
    }
  }

  /// Appends the key of a row of columns, one for each shape.
  @inline(__always)
  public func pack(_ columns: [Column], _ row: Int, into buffer: inout ByteBuffer) {
    for place in 0..<kinds.count {
      // The usual kinds, without a look at the shape.
      switch kinds[place] {
      case .word: buffer.key(ordered: KeyOrder.of(columns[place].get(Int64.self, row)))
      case .text: buffer.key(columns[place].get(Text.self, row))
      case .other: buffer.key(shapes[place], columns[place], row)
      }
    }
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
  mutating func key(ordered value: UInt64) {
    reserve(8)
    UnsafeMutableRawPointer(base + count).storeBytes(of: value.bigEndian, as: UInt64.self)
    count += 8
  }

  /// Zeros are followed by 255, and two zeros end the text: it comes before all that it is the beginning of.
  @inline(__always)
  mutating func key(_ text: Text) {
    let size = text.count
    reserve(size + 8)
    let (source, target) = (UnsafeRawPointer(text.base), UnsafeMutableRawPointer(base + count))
    var place = 0
    // Eight bytes at a time, the last of them again where fewer are left.
    while place + 8 <= size {
      let word = source.loadUnaligned(fromByteOffset: place, as: UInt64.self)
      if ByteBuffer.hasZero(word) { return keyWithZeros(text) }
      target.storeBytes(of: word, toByteOffset: place, as: UInt64.self)
      place += 8
    }
    if place < size {
      if size >= 8 {
        let word = source.loadUnaligned(fromByteOffset: size - 8, as: UInt64.self)
        if ByteBuffer.hasZero(word) { return keyWithZeros(text) }
        target.storeBytes(of: word, toByteOffset: size - 8, as: UInt64.self)
      } else {
        for place in 0..<size {
          let byte = source.load(fromByteOffset: place, as: UInt8.self)
          if byte == 0 { return keyWithZeros(text) }
          target.storeBytes(of: byte, toByteOffset: place, as: UInt8.self)
        }
      }
    }
    target.storeBytes(of: 0, toByteOffset: size, as: UInt16.self)
    count += size + 2
  }

  /// Whether one of eight bytes is zero.
  @inline(__always)
  private static func hasZero(_ word: UInt64) -> Bool { (word &- 0x0101_0101_0101_0101) & ~word & 0x8080_8080_8080_8080 != 0 }

  @inline(never)
  private mutating func keyWithZeros(_ text: Text) {
    for place in 0..<text.count {
      byte(text[place])
      if text[place] == 0 { byte(255) }
    }
    byte(0)
    byte(0)
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
