import Glibc

/// The text is not what the type says; why is worked out afterwards, by `Shape.explain`, for that event alone.
@frozen public struct Malformed: Error {
  @inlinable public init() {}
}

/// A strict RFC 8259 reader over a slice of memory. The bytes after the slice must be readable for 64 bytes, and the
/// byte right after it must end every token: a control character, or a JSON delimiter.
@frozen public struct JSONReader {
  public var p: UnsafePointer<UInt8>
  public let end: UnsafePointer<UInt8>
  /// The caller's, who keeps it longer than the reader.
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

  /// Enters an object; false if it is empty, and then it is left already.
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
    if entry.pointee.matches(p) {
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
}
