/// Values of any shape as compact bytes: numbers in as many bytes as they need, lengths before texts, lists and maps, one byte before what
/// may be null. They have no order that means anything; `KeyCodec` makes those that have.
public struct RowCodec {
  let shape: Shape

  public init(_ shape: Shape) { self.shape = shape }

  /// Appends the value at a row of a column of this shape, or of the plain or optional form of it.
  public func pack(_ column: Column, _ row: Int, into buffer: inout ByteBuffer) { buffer.state(shape, column, row) }

  /// Writes the value to a row; texts are copied to the arena. False if the bytes are none of this shape.
  public func unpack(_ bytes: UnsafeBufferPointer<UInt8>, into column: Column, _ row: Int, _ arena: Arena) -> Bool {
    var reader = StateReader(bytes)
    return reader.value(shape, column, row, arena) && reader.isAtEnd
  }
}

extension ByteBuffer {
  mutating func state(_ shape: Shape, _ column: Column, _ row: Int) {
    if shape.isOptional {
      let isNull = column.isNull(row)
      byte(isNull ? 0 : 1)
      if isNull { return }
    }
    switch shape.kind {
    case .bool: byte(column.get(UInt8.self, row))
    case .int, .timestamp, .date, .duration, .size, .enumeration: state(signed: column.get(Int64.self, row))
    case .float: state(word: column.get(Double.self, row).bitPattern)
    case .decimal:
      let value = column.get(Decimal.self, row)
      byte(UInt8(truncatingIfNeeded: value.scale))
      let magnitude = value.coefficient.magnitude
      // The sign, whether 64 bits suffice, and the least bits.
      let sign: UInt64 = value.coefficient < 0 ? 1 : 0
      let isLong = magnitude >> 62 != 0
      state(UInt64(truncatingIfNeeded: magnitude & (1 << 62 - 1)) << 2 | (isLong ? 2 : 0) | sign)
      if isLong {
        state(UInt64(truncatingIfNeeded: magnitude >> 62 & (1 << 62 - 1)))
        byte(UInt8(truncatingIfNeeded: magnitude >> 124))
      }
    case .uuid:
      let value = column.get(Uuid.self, row)
      state(word: value.high)
      state(word: value.low)
    case .string, .bytes, .json:
      let text = column.get(Text.self, row)
      state(UInt64(text.count))
      raw(text)
    case .list, .map:
      let slice = column.get(Slice.self, row)
      let (elements, element) = (column.children[0], shape.element!)
      state(UInt64(slice.count))
      let start = count
      for place in 0..<Int(slice.count) { state(element, elements, Int(slice.start) + place) }
      // Elements of no bytes, which are records without fields, could be any number of them for a reader.
      if count == start { for _ in 0..<Int(slice.count) { byte(0) } }
    case .record: for (place, field) in shape.fields.enumerated() { state(field.shape, column.children[place], row) }
    }
  }
}

extension StateReader {
  /// Writes the next value of a shape to a row; false if there is none.
  mutating func value(_ shape: Shape, _ column: Column, _ row: Int, _ arena: Arena) -> Bool {
    if shape.isOptional {
      guard let flag = byte(), flag <= 1 else { return false }
      if flag == 0 {
        column.setNull(row)
        return true
      }
    }
    switch shape.kind {
    case .bool:
      guard let flag = byte(), flag <= 1 else { return false }
      column.set(flag == 1, row)
    case .int, .timestamp, .date, .duration, .size, .enumeration:
      guard let value = signed(), shape.holds(value) else { return false }
      column.set(value, row)
    case .float:
      guard let bits = word(), Double(bitPattern: bits).isFinite else { return false }
      column.set(Double(bitPattern: bits), row)
    case .decimal:
      guard let value = decimal() else { return false }
      column.set(value, row)
    case .uuid:
      guard let high = word(), let low = word() else { return false }
      column.set(Uuid(high: high, low: low), row)
    case .string, .bytes, .json:
      guard let length = count(), let bytes = slice(length) else { return false }
      let text = arena.copy(bytes)
      guard shape.kind == .bytes || isUTF8(text.base, text.count) else { return false }
      column.set(text, row)
    case .list, .map: return list(shape, column, row, arena)
    case .record:
      for (place, field) in shape.fields.enumerated() where !value(field.shape, column.children[place], row, arena) { return false }
      column.setPresent(row)
    }
    return true
  }

  private mutating func list(_ shape: Shape, _ column: Column, _ row: Int, _ arena: Arena) -> Bool {
    let (elements, element) = (column.children[0], shape.element!)
    // Each takes a byte or more.
    guard let count = count(), count <= left else { return false }
    let (start, first) = (elements.count, place)
    for place in 0..<count where !value(element, elements, start + place, arena) { return false }
    if place == first, slice(count) == nil { return false }
    column.set(Slice(start, count), row)
    return true
  }

  private mutating func decimal() -> Decimal? {
    guard let scale = byte(), scale <= 38, let low = number() else { return nil }
    var magnitude = UInt128(low >> 2)
    if low & 2 != 0 {
      guard let middle = number(), middle < 1 << 62, let high = byte(), high < 16 else { return nil }
      magnitude |= UInt128(middle) << 62 | UInt128(high) << 124
    }
    guard magnitude <= UInt128(Decimal.limit) else { return nil }
    return Decimal(low & 1 == 1 ? -Int128(magnitude) : Int128(magnitude), scale: Int32(scale))
  }
}
