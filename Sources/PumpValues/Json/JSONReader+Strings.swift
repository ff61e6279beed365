import Glibc

extension JSONReader {
  /// A string's text: a slice of the input, or unescaped into the arena.
  @inlinable @inline(__always)
  public mutating func string() throws(Malformed) -> Text {
    space()
    guard p.pointee == UInt8(ascii: "\""), p < end else { throw Malformed() }
    p += 1
    let start = p
    let high = skipPlain()
    guard p.pointee == 0x22, p < end else { return try slowString(start) }
    let text = Text(start, p - start, jsonSafe: true)
    p += 1
    if high & 0x8080_8080_8080_8080 != 0, !isUTF8(text.base, text.count) { throw Malformed() }
    return text
  }

  /// A string with escapes, from after its quote.
  @usableFromInline @inline(never)
  mutating func slowString(_ start: UnsafePointer<UInt8>) throws(Malformed) -> Text {
    guard p < end, p.pointee == 0x5C else { throw Malformed() }
    var close = p
    while close < end, close.pointee != 0x22 {
      guard close.pointee >= 0x20 else { throw Malformed() }
      close += close.pointee == 0x5C ? 2 : 1
    }
    guard close < end else { throw Malformed() }
    let target = arena.allocate(close - start).assumingMemoryBound(to: UInt8.self)
    memcpy(target, start, p - start)
    var out = target + (p - start)
    while p < close {
      guard p.pointee == 0x5C else {
        out.pointee = p.pointee
        out += 1
        p += 1
        continue
      }
      let escape = p[1]
      p += 2
      switch escape {
      case UInt8(ascii: "\""), UInt8(ascii: "\\"), UInt8(ascii: "/"): out.pointee = escape
      case UInt8(ascii: "b"): out.pointee = 8
      case UInt8(ascii: "f"): out.pointee = 12
      case UInt8(ascii: "n"): out.pointee = 10
      case UInt8(ascii: "r"): out.pointee = 13
      case UInt8(ascii: "t"): out.pointee = 9
      case UInt8(ascii: "u"):
        out = encodeUTF8(try unicodeEscape(close), out)
        continue
      default: throw Malformed()
      }
      out += 1
    }
    p = close + 1
    guard isUTF8(target, out - target) else { throw Malformed() }
    return Text(target, out - target)
  }

  /// A scalar from after `\u`: four digits, or twice four of a surrogate pair.
  mutating func unicodeEscape(_ limit: UnsafePointer<UInt8>) throws(Malformed) -> UInt32 {
    let scalar = try hex(limit)
    guard scalar & 0xFC00 != 0xDC00 else { throw Malformed() }
    guard scalar & 0xFC00 == 0xD800 else { return scalar }
    guard limit - p >= 6, p[0] == 0x5C, p[1] == UInt8(ascii: "u") else { throw Malformed() }
    p += 2
    let low = try hex(limit)
    guard low & 0xFC00 == 0xDC00 else { throw Malformed() }
    return 0x10000 + (scalar & 0x3FF) << 10 + low & 0x3FF
  }

  private mutating func hex(_ limit: UnsafePointer<UInt8>) throws(Malformed) -> UInt32 {
    guard limit - p >= 4 else { throw Malformed() }
    var value: UInt32 = 0
    for index in 0..<4 {
      guard let digit = hexValue(p[index]) else { throw Malformed() }
      value = value << 4 | UInt32(digit)
    }
    p += 4
    return value
  }
}
