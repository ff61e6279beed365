/// Reads what states wrote. It believes nothing: bytes may come from a damaged disk.
struct StateReader {
  let bytes: UnsafeBufferPointer<UInt8>
  private(set) var place = 0

  init(_ bytes: UnsafeBufferPointer<UInt8>) { self.bytes = bytes }

  var isAtEnd: Bool { place == bytes.count }
  var left: Int { bytes.count - place }

  /// Seven bits a byte, the least first.
  mutating func number() -> UInt64? {
    var value: UInt64 = 0
    var shift: UInt64 = 0
    while place < bytes.count {
      let byte = bytes[place]
      place += 1
      if shift == 63, byte > 1 { return nil }
      value |= UInt64(byte & 0x7F) << shift
      if byte < 0x80 { return value }
      shift += 7
      if shift > 63 { return nil }
    }
    return nil
  }

  /// A number of things, each of which takes memory: less than 2^40.
  mutating func count() -> Int? {
    guard let value = number(), value < 1 << 40 else { return nil }
    return Int(value)
  }

  /// Signs stand in the last bit.
  mutating func signed() -> Int64? { number().map { Int64(bitPattern: $0 >> 1) ^ -Int64(bitPattern: $0 & 1) } }

  mutating func word() -> UInt64? {
    guard left >= 8 else { return nil }
    defer { place += 8 }
    return UInt64(littleEndian: UnsafeRawBufferPointer(bytes).loadUnaligned(fromByteOffset: place, as: UInt64.self))
  }

  mutating func slice(_ count: Int) -> UnsafeBufferPointer<UInt8>? {
    guard count >= 0, count <= left else { return nil }
    defer { place += count }
    return UnsafeBufferPointer(rebasing: bytes[place..<place + count])
  }

  mutating func byte() -> UInt8? {
    guard left > 0 else { return nil }
    defer { place += 1 }
    return bytes[place]
  }

  mutating func whole() -> Whole? {
    guard let head = count(), head >> 1 <= left / 8 else { return nil }
    var words: [UInt64] = []
    for _ in 0..<head >> 1 {
      guard let word = word() else { return nil }
      words.append(word)
    }
    return Whole(magnitude: words, isNegative: head & 1 == 1)
  }

  /// A whole number of 128 bits, not the least of them.
  mutating func wide() -> Int128? {
    guard let number = whole(), let magnitude = number.short, magnitude <= UInt128(Int128.max) else { return nil }
    return number.isNegative ? -Int128(magnitude) : Int128(magnitude)
  }
}

/// What `StateReader` reads.
extension ByteBuffer {
  @inline(__always)
  mutating func state(_ value: UInt64) {
    reserve(10)
    var value = value
    while value >= 0x80 {
      base[count] = UInt8(truncatingIfNeeded: value) | 0x80
      count += 1
      value >>= 7
    }
    base[count] = UInt8(truncatingIfNeeded: value)
    count += 1
  }

  @inline(__always)
  mutating func state(signed value: Int64) { state(UInt64(bitPattern: value << 1 ^ value >> 63)) }

  mutating func state(word value: UInt64) {
    reserve(8)
    UnsafeMutableRawPointer(base + count).storeBytes(of: value.littleEndian, as: UInt64.self)
    count += 8
  }

  mutating func state(_ number: Whole) {
    state(UInt64(number.words.count << 1 | (number.isNegative ? 1 : 0)))
    for word in number.words { state(word: word) }
  }
}
