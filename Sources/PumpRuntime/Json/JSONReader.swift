import Glibc

/// The text is not what the type says; why is worked out afterwards, by `Shape.explain`, for that event alone.
@frozen public struct Malformed: Error {
  @inlinable public init() {}
}

/// A strict RFC 8259 reader over a slice of memory. The bytes behind the slice must be readable for 64 bytes, and the
/// byte right behind it must end every token: a control character, or a JSON delimiter.
@frozen public struct JSONReader {
  public var p: UnsafePointer<UInt8>
  public let end: UnsafePointer<UInt8>
  public unowned(unsafe) let arena: Arena
  /// `decode json(strict)`: unknown fields and duplicate keys are refused.
  public let strict: Bool
  /// How timestamps are written in this text.
  public var time = TimeFormat.rfc3339
  @usableFromInline var depth = 0

  /// Arrays and objects nest at most this deep.
  public static let depthLimit = 512

  @inlinable @inline(__always)
  public init(_ text: Text, _ arena: Arena, strict: Bool = false) {
    p = text.base
    end = text.end
    self.arena = arena
    self.strict = strict
  }

  @inlinable @inline(__always)
  public mutating func space() {
    if p.pointee <= 0x20 { skipSpace() }
  }

  @usableFromInline mutating func skipSpace() {
    while p < end, p.pointee == 0x20 || p.pointee == 0x0A || p.pointee == 0x0D || p.pointee == 0x09 { p += 1 }
  }

  @inlinable @inline(__always)
  mutating func expect(_ byte: UInt8) throws(Malformed) {
    space()
    guard p < end, p.pointee == byte else { throw Malformed() }
    p += 1
  }

  /// Nothing but white space is left.
  @inlinable @inline(__always)
  public mutating func finish() throws(Malformed) {
    space()
    guard p == end else { throw Malformed() }
  }

  // MARK: Objects and arrays

  @inlinable @inline(__always)
  mutating func enter(_ opening: UInt8, _ closing: UInt8) throws(Malformed) -> Bool {
    try expect(opening)
    depth += 1
    guard depth <= JSONReader.depthLimit else { throw Malformed() }
    space()
    guard p.pointee == closing, p < end else { return true }
    p += 1
    depth -= 1
    return false
  }

  @inlinable @inline(__always)
  mutating func more(_ closing: UInt8) throws(Malformed) -> Bool {
    space()
    guard p < end else { throw Malformed() }
    if p.pointee == UInt8(ascii: ",") {
      p += 1
      return true
    }
    guard p.pointee == closing else { throw Malformed() }
    p += 1
    depth -= 1
    return false
  }

  /// Enters an object; false where it is empty, and then it is left already.
  @inlinable @inline(__always) public mutating func object() throws(Malformed) -> Bool { try enter(UInt8(ascii: "{"), UInt8(ascii: "}")) }
  /// After a member: whether another follows.
  @inlinable @inline(__always) public mutating func moreMembers() throws(Malformed) -> Bool { try more(UInt8(ascii: "}")) }
  @inlinable @inline(__always) public mutating func array() throws(Malformed) -> Bool { try enter(UInt8(ascii: "["), UInt8(ascii: "]")) }
  @inlinable @inline(__always) public mutating func moreElements() throws(Malformed) -> Bool { try more(UInt8(ascii: "]")) }

  /// Reads a key and its colon: the key's index in the table, or -1. `expected` predicts the next one.
  @inlinable @inline(__always)
  public mutating func key(_ keys: borrowing KeyTable, _ expected: inout Int) throws(Malformed) -> Int {
    space()
    let entry = keys.entries + expected
    let word = UnsafeRawPointer(p).loadUnaligned(as: UInt64.self)
    if (word ^ entry.pointee.word) & entry.pointee.mask == 0,
      entry.pointee.length <= 8 || memcmp(p + 8, entry.pointee.base + 8, entry.pointee.length - 8) == 0
    {
      p += entry.pointee.length
      try expect(UInt8(ascii: ":"))
      let found = expected
      expected = entry.pointee.next
      return found
    }
    return try searchKey(keys, &expected)
  }

  @usableFromInline @inline(never)
  mutating func searchKey(_ keys: borrowing KeyTable, _ expected: inout Int) throws(Malformed) -> Int {
    let name = try string()
    try expect(UInt8(ascii: ":"))
    for index in 0..<keys.count {
      let entry = keys.entries + index
      if entry.pointee.length == name.count + 2, entry.pointee.base[1] == name.base[0],
        memcmp(entry.pointee.base + 1, name.base, name.count) == 0
      {
        expected = entry.pointee.next
        return index
      }
    }
    if strict { throw Malformed() }
    return -1
  }

  /// A key of a map.
  @inlinable public mutating func key() throws(Malformed) -> Text {
    let name = try string()
    try expect(UInt8(ascii: ":"))
    return name
  }

  // MARK: Scalars

  /// Whether `null` stands here; then it is read.
  @inlinable @inline(__always)
  public mutating func null() throws(Malformed) -> Bool {
    space()
    guard p.pointee == UInt8(ascii: "n") else { return false }
    guard end - p >= 4, UnsafeRawPointer(p).loadUnaligned(as: UInt32.self) == 0x6C6C_756E else { throw Malformed() }
    p += 4
    return true
  }

  @inlinable @inline(__always)
  public mutating func bool() throws(Malformed) -> Bool {
    space()
    let word = UnsafeRawPointer(p).loadUnaligned(as: UInt32.self)
    if word == 0x6575_7274, end - p >= 4 {
      p += 4
      return true
    }
    guard word == 0x736C_6166, end - p >= 5, p[4] == UInt8(ascii: "e") else { throw Malformed() }
    p += 5
    return false
  }

  /// A whole number of 64 bits; no fraction, no exponent.
  @inlinable @inline(__always)
  public mutating func int() throws(Malformed) -> Int64 {
    space()
    let negative = p.pointee == UInt8(ascii: "-")
    if negative { p += 1 }
    let start = p
    var value: UInt64 = 0
    while true {
      let digit = p.pointee &- 48
      if digit > 9 { break }
      value = value &* 10 &+ UInt64(digit)
      p += 1
    }
    let length = p - start
    guard length > 0, start.pointee != 48 || length == 1, p <= end else { throw Malformed() }
    let next = p.pointee
    guard next != UInt8(ascii: "."), next | 0x20 != UInt8(ascii: "e") else { throw Malformed() }
    if length < 19 { return negative ? -Int64(bitPattern: value) : Int64(bitPattern: value) }
    return try longInt(start, length, negative)
  }

  @usableFromInline @inline(never)
  func longInt(_ start: UnsafePointer<UInt8>, _ length: Int, _ negative: Bool) throws(Malformed) -> Int64 {
    var value: Int64 = 0
    for index in 0..<length {
      let digit = Int64(start[index] &- 48)
      let (product, over) = value.multipliedReportingOverflow(by: 10)
      let (sum, overSum) = negative ? product.subtractingReportingOverflow(digit) : product.addingReportingOverflow(digit)
      guard !over, !overSum else { throw Malformed() }
      value = sum
    }
    return value
  }

  /// Walks over a number by RFC 8259's grammar; its text begins where `p` stood.
  @inlinable @inline(__always)
  mutating func number() throws(Malformed) -> UnsafePointer<UInt8> {
    space()
    let start = p
    if p.pointee == UInt8(ascii: "-") { p += 1 }
    if p.pointee == 48 {
      p += 1
    } else {
      guard p.pointee &- 49 < 9 else { throw Malformed() }
      while p.pointee &- 48 < 10 { p += 1 }
    }
    if p.pointee == UInt8(ascii: ".") {
      p += 1
      guard p.pointee &- 48 < 10 else { throw Malformed() }
      while p.pointee &- 48 < 10 { p += 1 }
    }
    if p.pointee | 0x20 == UInt8(ascii: "e") {
      p += 1
      if p.pointee == UInt8(ascii: "+") || p.pointee == UInt8(ascii: "-") { p += 1 }
      guard p.pointee &- 48 < 10 else { throw Malformed() }
      while p.pointee &- 48 < 10 { p += 1 }
    }
    guard p <= end else { throw Malformed() }
    return start
  }

  @inlinable @inline(__always)
  public mutating func double() throws(Malformed) -> Double {
    space()
    let start = p
    let negative = p.pointee == UInt8(ascii: "-")
    if negative { p += 1 }
    var mantissa: UInt64 = 0
    let whole = p
    while true {
      let digit = p.pointee &- 48
      if digit > 9 { break }
      mantissa = mantissa &* 10 &+ UInt64(digit)
      p += 1
    }
    var digits = p - whole
    guard digits > 0, whole.pointee != 48 || digits == 1 else { throw Malformed() }
    var exponent = 0
    if p.pointee == UInt8(ascii: ".") {
      p += 1
      let fraction = p
      while true {
        let digit = p.pointee &- 48
        if digit > 9 { break }
        mantissa = mantissa &* 10 &+ UInt64(digit)
        p += 1
      }
      exponent = fraction - p
      guard exponent < 0 else { throw Malformed() }
      digits -= exponent
    }
    guard p.pointee | 0x20 != UInt8(ascii: "e"), digits < 19, mantissa < 1 << 53, exponent >= -22 else { return try slowDouble(start) }
    guard p <= end else { throw Malformed() }
    let value = Double(Int64(bitPattern: mantissa)) / DoubleReader.power(-exponent)
    return negative ? -value : value
  }

  @usableFromInline @inline(never)
  mutating func slowDouble(_ start: UnsafePointer<UInt8>) throws(Malformed) -> Double {
    p = start
    _ = try number()
    guard p - start <= 4096, let value = DoubleReader.slow(start, p) else { throw Malformed() }
    return value == 0 ? 0 : value
  }

  @inlinable
  public mutating func decimal() throws(Malformed) -> Decimal {
    space()
    let start = p
    let negative = p.pointee == UInt8(ascii: "-")
    if negative { p += 1 }
    var mantissa: Int64 = 0
    let whole = p
    while p.pointee &- 48 < 10 {
      mantissa = mantissa &* 10 &+ Int64(p.pointee &- 48)
      p += 1
    }
    var digits = p - whole
    guard digits > 0, whole.pointee != 48 || digits == 1 else { throw Malformed() }
    var scale = 0
    if p.pointee == UInt8(ascii: ".") {
      p += 1
      let fraction = p
      while p.pointee &- 48 < 10 {
        mantissa = mantissa &* 10 &+ Int64(p.pointee &- 48)
        p += 1
      }
      scale = p - fraction
      guard scale > 0 else { throw Malformed() }
      digits += scale
    }
    if digits <= 18, p.pointee | 0x20 != UInt8(ascii: "e") {
      guard p <= end else { throw Malformed() }
      return Decimal(Int128(negative ? -mantissa : mantissa), scale: Int32(scale))
    }
    p = start
    _ = try number()
    guard let value = Decimal.parse(start, p) else { throw Malformed() }
    return value
  }

  // MARK: Strings

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

  /// A string with escapes, from behind its quote.
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

  /// A scalar from behind `\u`: four digits, or twice four of a surrogate pair.
  private mutating func unicodeEscape(_ limit: UnsafePointer<UInt8>) throws(Malformed) -> UInt32 {
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

  // MARK: Skipping

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

  /// Goes on to the next quote, backslash or control character; what is returned has a high bit where a byte before had.
  @inlinable @inline(__always)
  mutating func skipPlain() -> UInt64 {
    var high: UInt64 = 0
    while true {
      let block = UnsafeRawPointer(p).loadUnaligned(as: SIMD16<UInt8>.self)
      // Whole vectors on both sides: comparisons with a scalar are not vectorised by the compiler.
      let quote = block .== SIMD16<UInt8>(repeating: 0x22)
      let backslash = block .== SIMD16<UInt8>(repeating: 0x5C)
      let control = block .< SIMD16<UInt8>(repeating: 0x20)
      let mask = unsafeBitCast(quote .| backslash .| control, to: SIMD2<UInt64>.self)
      let bits = unsafeBitCast(block, to: SIMD2<UInt64>.self)
      if mask[0] | mask[1] != 0 {
        let offset = mask[0] != 0 ? mask[0].trailingZeroBitCount >> 3 : 8 + mask[1].trailingZeroBitCount >> 3
        p += offset
        // Bytes behind the stop may raise the flag in vain; then a check is done that was not needed.
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

/// The keys of an object in their declared order, ready for comparison with text as it stands in JSON.
public struct KeyTable: ~Copyable, @unchecked Sendable {
  @frozen @usableFromInline struct Entry {
    @usableFromInline let word: UInt64
    @usableFromInline let mask: UInt64
    /// The key with its quotes.
    @usableFromInline let base: UnsafePointer<UInt8>
    @usableFromInline let length: Int
    @usableFromInline let next: Int
  }
  @usableFromInline let entries: UnsafeMutablePointer<Entry>
  public let count: Int

  /// Lives as long as the program: tables are made once for each type.
  public init(_ keys: [String]) {
    count = keys.count
    entries = .allocate(capacity: max(1, keys.count))
    if keys.isEmpty {
      let nothing = UnsafeMutablePointer<UInt8>.allocate(capacity: 16)
      entries.initialize(to: Entry(word: 0, mask: .max, base: nothing, length: 8, next: 0))
    }
    for (index, key) in keys.enumerated() {
      // A key that needs escapes in JSON never equals raw bytes; it is found by its unescaped text.
      let bytes = [UInt8(ascii: "\"")] + Array(key.utf8) + [UInt8(ascii: "\"")]
      let copy = UnsafeMutablePointer<UInt8>.allocate(capacity: bytes.count + 16)
      copy.initialize(repeating: 0, count: bytes.count + 16)
      for (place, byte) in bytes.enumerated() { copy[place] = byte }
      let word = UnsafeRawPointer(copy).loadUnaligned(as: UInt64.self)
      let mask: UInt64 = bytes.count >= 8 ? .max : (1 << UInt64(8 * bytes.count)) - 1
      let plain = !key.utf8.contains { $0 < 0x20 || $0 == 0x22 || $0 == 0x5C }
      (entries + index).initialize(
        to: Entry(
          word: plain ? word : 0, mask: plain ? mask : .max, base: UnsafePointer(copy), length: bytes.count,
          next: index + 1 < keys.count ? index + 1 : 0))
    }
  }
}
