extension JSONReader {
  /// Validates and skips any value.
  @inlinable
  public mutating func skip() throws(Malformed) {
    space()
    if p.pointee == UInt8(ascii: "{") || p.pointee == UInt8(ascii: "[") { try skipContainer() } else { try skipScalar() }
  }

  @inlinable @inline(__always)
  mutating func skipScalar() throws(Malformed) {
    switch p.pointee {
    case UInt8(ascii: "\""): try skipString()
    case UInt8(ascii: "t"), UInt8(ascii: "f"): _ = try bool()
    case UInt8(ascii: "n"): guard try null() else { throw Malformed() }
    default: _ = try number()
    }
  }

  /// Validates a string, escapes too, without making its text.
  @inlinable @inline(__always)
  mutating func skipString() throws(Malformed) {
    guard p.pointee == UInt8(ascii: "\""), p < end else { throw Malformed() }
    p += 1
    let start = p
    let high = skipPlain()
    if p.pointee == 0x22, p < end, high & 0x8080_8080_8080_8080 == 0 {
      p += 1
    } else {
      try skipRest(of: start)
    }
  }

  /// Goes on to the next quote, backslash or control character; returns the OR of all skipped
  /// bytes: a set high bit means that one was not ASCII.
  @inlinable @inline(__always)
  mutating func skipPlain() -> UInt64 {
    var high: UInt64 = 0
    while true {
      let block = UnsafeRawPointer(p).loadUnaligned(as: SIMD16<UInt8>.self)
      // Whole vectors on both sides: comparisons with a scalar are not vectorised by the compiler.
      let quote = block .== SIMD16<UInt8>(repeating: 0x22)
      let backslash = block .== SIMD16<UInt8>(repeating: 0x5C)
      let control = block .< SIMD16<UInt8>(repeating: 0x20)
      // Sixteen bytes as two words; the first byte is the lowest, as on every machine that this is built for.
      let mask = unsafeBitCast(quote .| backslash .| control, to: SIMD2<UInt64>.self)
      let bits = unsafeBitCast(block, to: SIMD2<UInt64>.self)
      if mask[0] | mask[1] != 0 {
        let offset = mask[0] != 0 ? mask[0].trailingZeroBitCount >> 3 : 8 + mask[1].trailingZeroBitCount >> 3
        p += offset
        // Bytes after the stop may raise the flag in vain; then a check is done that was not needed.
        return high | bits[0] | (offset > 8 ? bits[1] : 0)
      }
      high |= bits[0] | bits[1]
      p += 16
    }
  }

  /// From the first escape on, or of a string that is not ASCII.
  @usableFromInline @inline(never)
  mutating func skipRest(of start: UnsafePointer<UInt8>) throws(Malformed) {
    while p < end, p.pointee == 0x5C {
      let escape = p[1]
      p += 2
      if escape == UInt8(ascii: "u") {
        _ = try unicodeEscape(end)
      } else if !"\"\\/bfnrt".utf8.contains(escape) {
        throw Malformed()
      }
      _ = skipPlain()
    }
    guard p < end, p.pointee == 0x22, isUTF8(start, p - start) else { throw Malformed() }
    p += 1
  }

  /// Without recursion: one bit a level tells objects from arrays.
  @usableFromInline
  mutating func skipContainer() throws(Malformed) {
    let outer = depth
    var kinds = (UInt64(0), UInt64(0), UInt64(0), UInt64(0), UInt64(0), UInt64(0), UInt64(0), UInt64(0))
    try withUnsafeMutableBytes(of: &kinds) { (raw) throws(Malformed) in
      let kinds = raw.assumingMemoryBound(to: UInt8.self)
      var inObject = false
      while true {
        // A value begins here.
        space()
        guard p < end else { throw Malformed() }
        let byte = p.pointee
        if byte == UInt8(ascii: "{") || byte == UInt8(ascii: "[") {
          let isObject = byte == UInt8(ascii: "{")
          guard depth < JSONReader.depthLimit else { throw Malformed() }
          let bit = UInt8(1) << UInt8(depth & 7)
          kinds[depth >> 3] = inObject ? kinds[depth >> 3] | bit : kinds[depth >> 3] & ~bit
          depth += 1
          p += 1
          space()
          guard p < end else { throw Malformed() }
          if p.pointee == (isObject ? UInt8(ascii: "}") : UInt8(ascii: "]")) {
            p += 1
            depth -= 1
          } else {
            inObject = isObject
            if isObject {
              try skipString()
              try expect(UInt8(ascii: ":"))
            }
            continue
          }
        } else {
          try skipScalar()
        }
        // A value ended here: leave what closes.
        while depth > outer {
          space()
          guard p < end else { throw Malformed() }
          if p.pointee == UInt8(ascii: ",") {
            p += 1
            if inObject {
              space()
              try skipString()
              try expect(UInt8(ascii: ":"))
            }
            break
          }
          guard p.pointee == (inObject ? UInt8(ascii: "}") : UInt8(ascii: "]")) else { throw Malformed() }
          p += 1
          depth -= 1
          inObject = kinds[depth >> 3] & (UInt8(1) << UInt8(depth & 7)) != 0
        }
        if depth == outer { return }
      }
    }
  }

  /// Any value, validated, as its own text without white space between tokens.
  public mutating func json() throws(Malformed) -> Text {
    space()
    let start = p
    try skip()
    let raw = Text(start, p - start)
    return hasSpace(raw) ? minified(raw, arena) : raw
  }
}
