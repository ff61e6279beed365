/// An exact decimal number: coefficient × 10^-scale, at most 38 digits. Equal values are equal whatever their scales.
@frozen public struct Decimal: Sendable {
  public var coefficient: Int128
  /// Digits after the point, 0 to 38.
  public var scale: Int32

  @inlinable @inline(__always)
  public init(_ coefficient: Int128, scale: Int32 = 0) {
    self.coefficient = coefficient
    self.scale = scale
  }
  @inlinable public init(_ value: Int64) { self.init(Int128(value)) }

  static let digitLimit = 38
  nonisolated(unsafe) static let powers: UnsafeMutablePointer<Int128> = {
    let table = UnsafeMutablePointer<Int128>.allocate(capacity: 39)
    var power: Int128 = 1
    for index in 0..<39 {
      table[index] = power
      if index < 38 { power *= 10 }
    }
    return table
  }()
  /// The largest magnitude: 38 nines.
  static let limit: Int128 = powers[38] - 1

  /// Reads plain or scientific notation; nil where it is none or needs more than 38 digits.
  public init?(_ text: Text) {
    guard let value = Decimal.parse(text.base, text.end) else { return nil }
    self = value
  }

  public init?(_ string: String) {
    var string = string
    guard let value = string.withUTF8({ $0.isEmpty ? nil : Decimal.parse($0.baseAddress!, $0.baseAddress! + $0.count) }) else { return nil }
    self = value
  }

  @usableFromInline static func parse(_ start: UnsafePointer<UInt8>, _ end: UnsafePointer<UInt8>) -> Decimal? {
    var p = start
    let negative = p < end && p.pointee == UInt8(ascii: "-")
    if negative { p += 1 }
    var value: UInt128 = 0
    var digits = 0
    var scale = 0
    var seen = 0
    var pointSeen = false
    // Zeros after the point count only where another digit follows them.
    var pending = 0
    while p < end {
      let digit = p.pointee &- 48
      if digit <= 9 {
        seen += 1
        if pointSeen, digit == 0 {
          pending += 1
        } else {
          for _ in 0..<pending { digits += value == 0 ? 0 : 1; value = digits <= digitLimit ? value &* 10 : value }
          scale += pending
          pending = 0
          if value != 0 || digit != 0 { digits += 1 }
          if digits > digitLimit { return nil }
          value = value &* 10 &+ UInt128(digit)
          if pointSeen { scale += 1 }
        }
      } else if p.pointee == UInt8(ascii: "."), !pointSeen, seen > 0, p + 1 < end {
        pointSeen = true
      } else {
        break
      }
      p += 1
    }
    guard seen > 0 else { return nil }
    if p < end {
      guard p.pointee | 0x20 == UInt8(ascii: "e") else { return nil }
      p += 1
      let down = p < end && p.pointee == UInt8(ascii: "-")
      if p < end, down || p.pointee == UInt8(ascii: "+") { p += 1 }
      guard p < end else { return nil }
      var exponent = 0
      while p < end {
        let digit = p.pointee &- 48
        guard digit <= 9 else { return nil }
        exponent = min(exponent * 10 + Int(digit), 100_000)
        p += 1
      }
      scale += down ? exponent : -exponent
    }
    if value == 0 { return Decimal(0) }
    while scale < 0 {
      digits += 1
      guard digits <= digitLimit else { return nil }
      value *= 10
      scale += 1
    }
    while scale > digitLimit {
      guard value % 10 == 0 else { return nil }
      value /= 10
      scale -= 1
    }
    let coefficient = Int128(value)
    return Decimal(negative ? -coefficient : coefficient, scale: Int32(scale))
  }

  /// Without trailing zeros after the point.
  public var normalized: Decimal {
    var value = self
    // Most are short, and 128 bits are slow to divide.
    if var short = Int64(exactly: coefficient) {
      while value.scale > 0, short % 10 == 0 {
        short /= 10
        value.scale -= 1
      }
      value.coefficient = Int128(short)
      return value
    }
    while value.scale > 0 {
      let (quotient, remainder) = value.coefficient.quotientAndRemainder(dividingBy: 10)
      if remainder != 0 { break }
      value.coefficient = quotient
      value.scale -= 1
    }
    return value
  }

  /// The coefficient at a larger scale, nil where it needs too many digits.
  func coefficient(atScale target: Int32) -> Int128? {
    if target == scale { return coefficient }
    let (product, overflow) = coefficient.multipliedReportingOverflow(by: Decimal.powers[Int(target - scale)])
    return overflow || product.magnitude > UInt128(Decimal.limit) ? nil : product
  }

  static func overflow(_ a: Decimal, _ sign: StaticString, _ b: Decimal) -> EventFailure {
    EventFailure("\(a) \(sign) \(b) needs more than 38 digits")
  }

  public static func sum(_ a: Decimal, _ b: Decimal) throws(EventFailure) -> Decimal {
    let scale = max(a.scale, b.scale)
    let x = a.normalizedFor(scale)
    let y = b.normalizedFor(scale)
    let common = max(x.scale, y.scale)
    guard let left = x.coefficient(atScale: common), let right = y.coefficient(atScale: common) else { throw overflow(a, "+", b) }
    let total = left + right
    guard total.magnitude <= UInt128(limit) else { throw overflow(a, "+", b) }
    return Decimal(total, scale: common)
  }

  /// Large scales are cut where zeros allow it, so that aligning fits.
  private func normalizedFor(_ scale: Int32) -> Decimal { self.scale < scale || scale > 18 ? normalized : self }

  public static func product(_ a: Decimal, _ b: Decimal) throws(EventFailure) -> Decimal {
    let (direct, overflowed) = a.coefficient.multipliedReportingOverflow(by: b.coefficient)
    if !overflowed, direct.magnitude <= UInt128(limit), a.scale + b.scale <= 38 { return Decimal(direct, scale: a.scale + b.scale) }
    let wide = a.coefficient.magnitude.multipliedFullWidth(by: b.coefficient.magnitude)
    guard let value = shrink(wide, scale: Int(a.scale + b.scale)) else { throw overflow(a, "*", b) }
    return (a.coefficient < 0) != (b.coefficient < 0) ? Decimal(-value.coefficient, scale: value.scale) : value
  }

  /// Rounds a 256-bit magnitude half to even to at most 38 digits.
  private static func shrink(_ wide: (high: UInt128, low: UInt128), scale: Int) -> Decimal? {
    var cut = max(0, scale - 38)
    while cut <= min(scale, 38) {
      let divisor = UInt128(powers[cut])
      if wide.high < divisor {
        var (quotient, remainder) = divisor.dividingFullWidth(wide)
        let half = divisor / 2
        if cut > 0, remainder > half || (remainder == half && quotient & 1 == 1) { quotient += 1 }
        remainder = 0
        if quotient <= UInt128(limit) { return Decimal(Int128(quotient), scale: Int32(scale - cut)) }
      }
      cut += 1
    }
    return nil
  }

  /// Rounded half to even at scale 18.
  public static func quotient(_ a: Decimal, _ b: Decimal) throws(EventFailure) -> Decimal {
    guard b.coefficient != 0 else { throw EventFailure("division of \(a) by zero") }
    let x = a.normalized
    let y = b.normalized
    // a/b at scale 18: coefficient · 10^(18 + scaleB - scaleA) / coefficientB.
    let shift = 18 + Int(y.scale) - Int(x.scale)
    var numerator = (high: UInt128(0), low: x.coefficient.magnitude)
    var denominator = y.coefficient.magnitude
    if shift >= 0 {
      guard shift <= 38 else { throw overflow(a, "/", b) }
      numerator = x.coefficient.magnitude.multipliedFullWidth(by: UInt128(powers[shift]))
    } else {
      let (product, over) = denominator.multipliedReportingOverflow(by: UInt128(powers[-shift]))
      guard !over else { return Decimal(0) }
      denominator = product
    }
    guard numerator.high < denominator else { throw overflow(a, "/", b) }
    var (quotient, remainder) = denominator.dividingFullWidth(numerator)
    let twice = remainder.addingReportingOverflow(remainder)
    if twice.overflow || twice.partialValue > denominator || (twice.partialValue == denominator && quotient & 1 == 1) { quotient += 1 }
    remainder = 0
    guard quotient <= UInt128(limit) else { throw overflow(a, "/", b) }
    let value = Int128(quotient)
    return Decimal((x.coefficient < 0) != (y.coefficient < 0) ? -value : value, scale: 18).normalized
  }

  public static func remainder(_ a: Decimal, _ b: Decimal) throws(EventFailure) -> Decimal {
    guard b.coefficient != 0 else { throw EventFailure("remainder of \(a) by zero") }
    let scale = max(a.scale, b.scale)
    guard let x = a.coefficient(atScale: scale), let y = b.coefficient(atScale: scale) else { throw overflow(a, "%", b) }
    return Decimal(x % y, scale: scale)
  }

  /// Rounded half to even to so many fraction digits.
  public func rounded(_ digits: Int64) -> Decimal {
    let target = Int32(clamping: max(0, digits))
    guard scale > target else { return self }
    let divisor = Decimal.powers[Int(scale - target)]
    var (quotient, remainder) = coefficient.quotientAndRemainder(dividingBy: divisor)
    let half = divisor / 2
    let size = remainder.magnitude
    if size > UInt128(half) || (size == UInt128(half) && quotient & 1 != 0) { quotient += coefficient < 0 ? -1 : 1 }
    remainder = 0
    return Decimal(quotient, scale: target)
  }

  /// Cut towards zero; nil where it does not fit.
  public var whole: Int64? { Int64(exactly: coefficient / Decimal.powers[Int(scale)]) }
  public var isWhole: Bool { coefficient % Decimal.powers[Int(scale)] == 0 }
  public func floored() -> Decimal {
    let power = Decimal.powers[Int(scale)]
    let (quotient, remainder) = coefficient.quotientAndRemainder(dividingBy: power)
    return Decimal(remainder < 0 ? quotient - 1 : quotient)
  }

  public var double: Double {
    if coefficient.magnitude < 1 << 53, scale <= 22 { return Double(Int64(coefficient)) / DoubleReader.power(Int(scale)) }
    return Double(description) ?? 0
  }
}

extension Decimal: Comparable, CustomStringConvertible {
  public static func == (a: Decimal, b: Decimal) -> Bool {
    if a.scale == b.scale { return a.coefficient == b.coefficient }
    return compare(a, b) == 0
  }
  public static func < (a: Decimal, b: Decimal) -> Bool {
    if a.scale == b.scale { return a.coefficient < b.coefficient }
    return compare(a, b) < 0
  }
  /// -1, 0 or 1; aligned in 256 bits where that is needed.
  public static func compare(_ a: Decimal, _ b: Decimal) -> Int {
    let scale = max(a.scale, b.scale)
    if let x = a.coefficient(atScale: scale), let y = b.coefficient(atScale: scale) { return x < y ? -1 : x == y ? 0 : 1 }
    if (a.coefficient < 0) != (b.coefficient < 0) { return a.coefficient < 0 ? -1 : 1 }
    let x = a.coefficient.magnitude.multipliedFullWidth(by: UInt128(powers[Int(scale - a.scale)]))
    let y = b.coefficient.magnitude.multipliedFullWidth(by: UInt128(powers[Int(scale - b.scale)]))
    let order = x.high != y.high ? (x.high < y.high ? -1 : 1) : x.low < y.low ? -1 : x.low == y.low ? 0 : 1
    return a.coefficient < 0 ? -order : order
  }
  public var description: String {
    var buffer = ByteBuffer(capacity: 64)
    defer { buffer.release() }
    buffer.decimal(self)
    return buffer.string
  }
}

extension Decimal: Hashable {
  public func hash(into hasher: inout Hasher) {
    let plain = normalized
    hasher.combine(plain.coefficient)
    hasher.combine(plain.scale)
  }
}
