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
  /// 10^0 to 10^38. Filled when it is made, and only read since.
  nonisolated(unsafe) package static let powers: UnsafeMutablePointer<Int128> = {
    let table = UnsafeMutablePointer<Int128>.allocate(capacity: 39)
    var power: Int128 = 1
    for index in 0..<39 {
      table[index] = power
      if index < 38 { power *= 10 }
    }
    return table
  }()
  /// The largest magnitude: 38 nines.
  package static let limit: Int128 = powers[38] - 1

  /// Reads plain or scientific notation; nil if it is none or needs more than 38 digits.
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
    // Zeros count as digits only where another digit follows them.
    var pending = 0
    while p < end {
      let digit = p.pointee &- 48
      if digit <= 9 {
        seen += 1
        if pointSeen { scale += 1 }
        if digit == 0 {
          if value != 0 { pending += 1 }
        } else {
          digits += pending + 1
          if digits > digitLimit { return nil }
          value = value * UInt128(powers[pending + 1]) + UInt128(digit)
          pending = 0
        }
      } else if p.pointee == UInt8(ascii: "."), !pointSeen, seen > 0, p + 1 < end {
        pointSeen = true
      } else {
        break
      }
      p += 1
    }
    scale -= pending
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
        exponent = min(exponent * 10 + Int(digit), 1 << 40)
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
    guard scale <= digitLimit else { return nil }
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

  /// The coefficient at a larger scale, nil if it needs too many digits.
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
    if let x = a.coefficient(atScale: scale), let y = b.coefficient(atScale: scale) {
      let (total, over) = x.addingReportingOverflow(y)
      if !over, total.magnitude <= UInt128(limit) { return Decimal(total, scale: scale) }
    }
    return try wideSum(a, b, scale)
  }

  /// The same in 256 bits: the operands may need more digits at a common scale than their sum does.
  private static func wideSum(_ a: Decimal, _ b: Decimal, _ scale: Int32) throws(EventFailure) -> Decimal {
    var x = a.coefficient.magnitude.multipliedFullWidth(by: UInt128(powers[Int(scale - a.scale)]))
    var y = b.coefficient.magnitude.multipliedFullWidth(by: UInt128(powers[Int(scale - b.scale)]))
    var negative = a.coefficient < 0
    if negative == (b.coefficient < 0) {
      let (low, carry) = x.low.addingReportingOverflow(y.low)
      x = (x.high + y.high + (carry ? 1 : 0), low)
    } else {
      if (x.high, x.low) < (y.high, y.low) {
        swap(&x, &y)
        negative.toggle()
      }
      let (low, borrow) = x.low.subtractingReportingOverflow(y.low)
      x = (x.high - y.high - (borrow ? 1 : 0), low)
    }
    var place = scale
    while x.high > 0 || x.low > UInt128(limit) {
      let (high, carried) = x.high.quotientAndRemainder(dividingBy: 10)
      let (low, rest) = UInt128(10).dividingFullWidth((carried, x.low))
      guard rest == 0, place > 0 else { throw overflow(a, "+", b) }
      x = (high, low)
      place -= 1
    }
    return Decimal(negative ? -Int128(x.low) : Int128(x.low), scale: place)
  }

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

  /// Rounded half to even at scale 18, or at the largest one at which the quotient has 38 digits.
  public static func quotient(_ a: Decimal, _ b: Decimal) throws(EventFailure) -> Decimal {
    guard b.coefficient != 0 else { throw EventFailure("division of \(a) by zero") }
    let x = a.normalized
    let y = b.normalized
    for scale in stride(from: Int32(18), through: 0, by: -1) {
      guard let magnitude = ratio(x, y, scale), magnitude <= UInt128(limit) else { continue }
      let value = Int128(magnitude)
      return Decimal((x.coefficient < 0) != (y.coefficient < 0) ? -value : value, scale: scale).normalized
    }
    throw overflow(a, "/", b)
  }

  /// |a / b| · 10^scale, rounded half to even; nil if it passes 128 bits.
  private static func ratio(_ a: Decimal, _ b: Decimal, _ scale: Int32) -> UInt128? {
    let shift = Int(scale + b.scale - a.scale)
    var divisor = b.coefficient.magnitude
    if shift < 0 {
      let (product, over) = divisor.multipliedReportingOverflow(by: UInt128(powers[-shift]))
      // The divisor is more than twice the dividend, which has at most 38 digits.
      if over { return 0 }
      divisor = product
    }
    let first = a.coefficient.magnitude.multipliedFullWidth(by: UInt128(powers[max(0, min(shift, 38))]))
    guard first.high < divisor else { return nil }
    var (quotient, remainder) = divisor.dividingFullWidth(first)
    if shift > 38 {
      // Long division: what is left takes part in the second step.
      let power = UInt128(powers[shift - 38])
      let (whole, over) = quotient.multipliedReportingOverflow(by: power)
      let second = divisor.dividingFullWidth(remainder.multipliedFullWidth(by: power))
      let (sum, carry) = whole.addingReportingOverflow(second.quotient)
      if over || carry { return nil }
      (quotient, remainder) = (sum, second.remainder)
    }
    let rest = divisor - remainder
    if remainder > rest || (remainder == rest && quotient & 1 == 1) {
      if quotient == .max { return nil }
      quotient += 1
    }
    return quotient
  }

  /// What is left of a after whole multiples of b, with the sign of a. It always fits: it is smaller than b and no finer
  /// than either.
  public static func remainder(_ a: Decimal, _ b: Decimal) throws(EventFailure) -> Decimal {
    guard b.coefficient != 0 else { throw EventFailure("remainder of \(a) by zero") }
    let scale = max(a.scale, b.scale)
    if let x = a.coefficient(atScale: scale), let y = b.coefficient(atScale: scale) { return Decimal(x % y, scale: scale) }
    let x = a.coefficient.magnitude.multipliedFullWidth(by: UInt128(powers[Int(scale - a.scale)]))
    let y = b.coefficient.magnitude.multipliedFullWidth(by: UInt128(powers[Int(scale - b.scale)]))
    if (x.high, x.low) < (y.high, y.low) { return a }
    // One of the two was not widened, and y is not the larger one: it has no high half.
    let rest = Int128(y.low.dividingFullWidth((x.high % y.low, x.low)).remainder)
    return Decimal(a.coefficient < 0 ? -rest : rest, scale: scale)
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

  /// Cut towards zero; nil if it does not fit.
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
