/// Decimals in keys. A value is ±0.d₁d₂d₃… × 10^e with d₁ not zero. The first byte holds the sign and e, then come pairs of digits,
/// each 1 to 100, without pairs of zeros at the end, and a zero; of negative numbers all bytes are inverted.
enum KeyDecimal {
  static let zero: UInt8 = 0x80
  /// What stands before the digits of a positive number is this and its exponent, -37 to 38.
  static let middle = 0x80 + 38
  static let exponents = -37...38
  static let mostPairs = 19
}

extension ByteBuffer {
  mutating func key(_ value: Decimal) {
    reserve(KeyDecimal.mostPairs + 2)
    guard value.coefficient != 0 else { return byte(KeyDecimal.zero) }
    let plain = value.normalized
    let flip: UInt8 = plain.coefficient < 0 ? 0xFF : 0
    var magnitude = plain.coefficient.magnitude
    let digits = KeyDecimal.digits(magnitude)
    if digits % 2 == 1 { magnitude *= 10 }
    let first = UInt8(truncatingIfNeeded: KeyDecimal.middle + digits - Int(plain.scale))
    base[count] = first ^ flip
    var pairs = (digits + 1) / 2
    // From the last to the first, 64 bits at a time: wider ones are slow to divide.
    let start = base + count + 1
    var place = pairs
    while place > 0 {
      let isShort = magnitude <= UInt128(UInt64.max)
      let (rest, part) = isShort ? (0, magnitude) : magnitude.quotientAndRemainder(dividingBy: 1_000_000_000_000_000_000)
      var short = UInt64(truncatingIfNeeded: part)
      for _ in 0..<(isShort ? place : 9) {
        place -= 1
        start[place] = (UInt8(truncatingIfNeeded: short % 100) + 1) ^ flip
        short /= 100
      }
      magnitude = rest
    }
    while start[pairs - 1] == 1 ^ flip { pairs -= 1 }
    start[pairs] = flip
    count += pairs + 2
  }
}

extension KeyDecimal {
  /// How many digits a number has that is not zero.
  static func digits(_ magnitude: UInt128) -> Int {
    var (low, high) = (1, 38)
    while low < high {
      let middle = (low + high) / 2
      if magnitude < UInt128(Decimal.powers[middle]) { high = middle } else { low = middle + 1 }
    }
    return low
  }

  /// The value of a first byte and pairs of digits, both not inverted; nil if there is none.
  static func value(_ first: UInt8, _ pairs: [UInt8], isNegative: Bool) -> Decimal? {
    let exponent = Int(first) - middle
    guard exponents.contains(exponent), !pairs.isEmpty, pairs.count <= mostPairs, pairs[0] > 10, pairs.last! > 1 else { return nil }
    var coefficient: Int128 = 0
    for pair in pairs {
      guard (1...100).contains(pair) else { return nil }
      coefficient = coefficient * 100 + Int128(pair - 1)
    }
    var scale = pairs.count * 2 - exponent
    // An odd number of digits has a zero behind the last.
    if scale > 0, coefficient % 10 == 0 {
      coefficient /= 10
      scale -= 1
    }
    while scale < 0 {
      coefficient *= 10
      scale += 1
    }
    guard scale <= 38 else { return nil }
    return Decimal(isNegative ? -coefficient : coefficient, scale: Int32(scale))
  }
}
