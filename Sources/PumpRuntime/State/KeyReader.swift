/// Reads keys back. It believes nothing: bytes may come from a damaged disk.
struct KeyReader {
  private let bytes: UnsafeBufferPointer<UInt8>
  private var place = 0
  private let arena: Arena

  init(_ bytes: UnsafeBufferPointer<UInt8>, _ arena: Arena) {
    self.bytes = bytes
    self.arena = arena
  }

  var isAtEnd: Bool { place == bytes.count }

  /// Writes the next value of a shape to a row; false if there is none.
  mutating func value(_ shape: Shape, _ column: Column, _ row: Int) -> Bool {
    if shape.isOptional {
      guard let flag = next(), flag <= 1 else { return false }
      if flag == 0 {
        column.setNull(row)
        return true
      }
    }
    switch shape.kind {
    case .bool:
      guard let flag = next(), flag <= 1 else { return false }
      column.set(flag == 1, row)
    case .int, .timestamp, .date, .duration, .size:
      guard let order = ordered(), shape.holds(KeyOrder.int(order)) else { return false }
      column.set(KeyOrder.int(order), row)
    case .float:
      guard let order = ordered(), KeyOrder.double(order).isFinite else { return false }
      column.set(KeyOrder.double(order), row)
    case .enumeration:
      guard let index = shape.cases.count <= 256 ? next().map({ Int64($0) }) : ordered().map({ Int64(bitPattern: $0) }),
        shape.holds(index)
      else { return false }
      column.set(index, row)
    case .uuid:
      guard let high = ordered(), let low = ordered() else { return false }
      column.set(Uuid(high: high, low: low), row)
    case .string, .bytes, .json:
      guard let text = text(), shape.kind == .bytes || isUTF8(text.base, text.count) else { return false }
      column.set(text, row)
    case .decimal:
      guard let value = decimal() else { return false }
      column.set(value, row)
    case .record:
      for (index, field) in shape.fields.enumerated() where !value(field.shape, column.children[index], row) { return false }
      column.setPresent(row)
    case .list, .map: return false
    }
    return true
  }

  private mutating func next() -> UInt8? {
    guard place < bytes.count else { return nil }
    defer { place += 1 }
    return bytes[place]
  }

  private mutating func ordered() -> UInt64? {
    guard bytes.count - place >= 8 else { return nil }
    defer { place += 8 }
    return UInt64(bigEndian: UnsafeRawBufferPointer(bytes).loadUnaligned(fromByteOffset: place, as: UInt64.self))
  }

  private mutating func text() -> Text? {
    // Where it ends, and how many zeros it holds.
    var end = place
    var zeros = 0
    while true {
      guard end + 1 < bytes.count else { return nil }
      if bytes[end] == 0 {
        if bytes[end + 1] == 0 { break }
        guard bytes[end + 1] == 255 else { return nil }
        zeros += 1
        end += 1
      }
      end += 1
    }
    defer { place = end + 2 }
    if zeros == 0 { return arena.copy(UnsafeBufferPointer(rebasing: bytes[place..<end])) }
    return arena.build(end - place - zeros) { target in
      var (from, to) = (place, 0)
      while from < end {
        target[to] = bytes[from]
        from += bytes[from] == 0 ? 2 : 1
        to += 1
      }
      return to
    }
  }

  private mutating func decimal() -> Decimal? {
    guard let first = next() else { return nil }
    if first == KeyDecimal.zero { return Decimal(0) }
    let flip: UInt8 = first < KeyDecimal.zero ? 0xFF : 0
    var pairs: [UInt8] = []
    while let byte = next() {
      if byte == flip { return KeyDecimal.value(first ^ flip, pairs, isNegative: flip != 0) }
      pairs.append(byte ^ flip)
    }
    return nil
  }
}

extension Shape {
  /// Whether a value of 64 bits may stand in a column of this shape: what is read from disk is checked before others trust it.
  func holds(_ value: Int64) -> Bool {
    switch kind {
    case .timestamp: Timestamp.range.contains(value)
    case .date: Day.range.contains(value)
    case .size: value >= 0
    case .enumeration: value >= 0 && value < Int64(cases.count)
    default: true
    }
  }
}
