import Glibc

extension JSONReader {
  @inlinable public mutating func timestamp(_ format: TimeFormat = .rfc3339) throws(Malformed) -> Timestamp {
    switch format {
    case .rfc3339:
      guard let value = Calendar.timestamp(try string()) else { throw Malformed() }
      return value
    case .epochSeconds, .epochMillis:
      let number = try decimal()
      guard let scaled = try? Decimal.product(number, Decimal(format == .epochSeconds ? 1_000_000 : 1000)),
        let micros = scaled.rounded(0).whole, Timestamp.range.contains(micros)
      else { throw Malformed() }
      return Timestamp(micros)
    }
  }

  @inlinable public mutating func day() throws(Malformed) -> Day {
    guard let value = Calendar.day(try string()) else { throw Malformed() }
    return value
  }

  @inlinable public mutating func duration() throws(Malformed) -> Duration {
    guard let value = Calendar.duration(try string()) else { throw Malformed() }
    return value
  }

  /// A number of bytes, not negative.
  @inlinable public mutating func size() throws(Malformed) -> Size {
    let value = try int()
    guard value >= 0 else { throw Malformed() }
    return Size(value)
  }

  @inlinable public mutating func uuid() throws(Malformed) -> Uuid {
    guard let value = Uuid(try string()) else { throw Malformed() }
    return value
  }

  @inlinable public mutating func blob() throws(Malformed) -> Blob {
    guard let value = Base64.decode(try string(), arena) else { throw Malformed() }
    return Blob(value)
  }

  public mutating func jsonValue() throws(Malformed) -> Json { Json(try json()) }

  /// The index of an enum's case by its name on the wire.
  @inlinable @inline(__always)
  public mutating func enumCase(_ wires: borrowing KeyTable) throws(Malformed) -> Int64 {
    space()
    for index in 0..<wires.count {
      let entry = wires.entries + index
      guard entry.pointee.matches(p) else { continue }
      p += entry.pointee.length
      return Int64(index)
    }
    return try slowCase(wires)
  }

  /// A case that is written with escapes, or none.
  @usableFromInline @inline(never)
  mutating func slowCase(_ wires: borrowing KeyTable) throws(Malformed) -> Int64 {
    let name = try string()
    for index in 0..<wires.count {
      let entry = wires.entries + index
      if entry.pointee.length == name.count + 2, memcmp(entry.pointee.base + 1, name.base, name.count) == 0 { return Int64(index) }
    }
    throw Malformed()
  }

  /// Notes that a field was read; strict input has each once.
  @inlinable @inline(__always)
  public func note(_ seen: inout UInt64, _ index: Int) throws(Malformed) {
    let bit = UInt64(1) << UInt64(index & 63)
    if strict, index < 64, seen & bit != 0 { throw Malformed() }
    seen |= bit
  }
}

extension Base64 {
  /// RFC 4648 with padding; nil for other text.
  public static func decode(_ text: Text, _ arena: Arena) -> Text? {
    guard text.count % 4 == 0 else { return nil }
    if text.isEmpty { return Text() }
    var padding = 0
    while padding < 2, text[text.count - 1 - padding] == UInt8(ascii: "=") { padding += 1 }
    var valid = true
    let result = arena.build(text.count / 4 * 3) { out in
      var count = 0
      for group in stride(from: 0, to: text.count, by: 4) {
        var bits: UInt32 = 0
        for i in group..<group + 4 {
          guard let digit = digit(text[i]) ?? (i >= text.count - padding ? 0 : nil) else {
            valid = false
            return 0
          }
          bits = bits << 6 | UInt32(digit)
        }
        out[count] = UInt8(bits >> 16)
        out[count + 1] = UInt8(bits >> 8 & 255)
        out[count + 2] = UInt8(bits & 255)
        count += 3
      }
      return count - padding
    }
    return valid ? result : nil
  }

  private static func digit(_ byte: UInt8) -> UInt8? {
    switch byte {
    case 65...90: byte - 65
    case 97...122: byte - 71
    case 48...57: byte + 4
    case UInt8(ascii: "+"): 62
    case UInt8(ascii: "/"): 63
    default: nil
    }
  }
}
