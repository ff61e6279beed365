/// Exact sums of Doubles and of their squares, rounded once when they are asked for.
enum ExactSum {
  /// Of Doubles: 2^-1074 to 2^1024.
  static let sums = FixedPoint(words: 3, least: -1074, fullWords: 34)
  /// Of their squares.
  static let squares = FixedPoint(words: 4, least: -2148, fullWords: 67)
  /// Words of a sum in its entry.
  static let size = 4

  /// A Double as a whole number and the place of its first bit.
  @inline(__always)
  private static func parts(_ x: Double) -> (mantissa: UInt64, place: Int) {
    let bits = x.bitPattern
    let exponent = Int(truncatingIfNeeded: bits >> 52 & 0x7FF)
    let fraction = bits & (1 << 52 - 1)
    return exponent == 0 ? (fraction, 0) : (fraction | 1 << 52, exponent - 1)
  }

  /// Adds a finite number. There are no branches that hang on the data: signs and carries of numbers as they come would be guessed
  /// wrong half of the time.
  @inline(__always)
  static func add(_ x: Double, _ state: UnsafeMutablePointer<UInt64>, _ memory: StateMemory) {
    let (mantissa, place) = parts(x)
    // Neither nothing nor what is spilled has a window; both give a shift beyond it.
    let shift = UInt64(bitPattern: Int64(place)) &+ 1 &- state[0]
    if state[0] != 0, shift <= 137 {
      let value = UInt128(mantissa) &<< UInt128(shift & 63)
      let (low, high) = (UInt64(truncatingIfNeeded: value), UInt64(truncatingIfNeeded: value &>> 64))
      // Which of the three words it begins in.
      let isSecond = 0 &- (shift &>> 6 & 1)
      let isThird = 0 &- (shift &>> 7)
      let isFirst = ~(isSecond | isThird)
      // Inverted for a negative number, and 1 more.
      let sign = 0 &- (x.bitPattern &>> 63)
      let below = UInt128((high & isFirst | low & isSecond) ^ sign) &<< 64 | UInt128((low & isFirst) ^ sign)
      let top = (high & isSecond | low & isThird) ^ sign
      let words = UnsafeMutableRawPointer(state + 1)
      let (part, one) = words.loadUnaligned(as: UInt128.self).addingReportingOverflow(below)
      let (rest, two) = part.addingReportingOverflow(UInt128(sign & 1))
      let old = state[3]
      let third = old &+ top &+ (one ? 1 : 0) &+ (two ? 1 : 0)
      if Int64(bitPattern: (third ^ old) & (third ^ top)) >= 0 {
        words.storeBytes(of: rest, as: UInt128.self)
        state[3] = third
        return
      }
    }
    sums.add(UInt128(mantissa), x < 0, place, state, memory)
  }

  /// Adds a finite number's square.
  static func addSquare(_ x: Double, _ state: UnsafeMutablePointer<UInt64>, _ memory: StateMemory) {
    let (mantissa, place) = parts(x)
    squares.add(UInt128(mantissa) * UInt128(mantissa), false, place * 2, state, memory)
  }

  /// The sum; nil if it is beyond all Doubles.
  static func sum(_ state: UnsafeMutablePointer<UInt64>) -> Double? {
    if let usual = usualSum(state) { return usual }
    let (number, exponent) = sums.value(state)
    return number.double(exponent)
  }

  /// The sum that a window holds, where it is a normal Double.
  private static func usualSum(_ state: UnsafeMutablePointer<UInt64>) -> Double? {
    guard state[0] != 0, state[0] & FixedPoint.spilled == 0 else { return nil }
    let isNegative = Int64(bitPattern: state[3]) < 0
    let sign: UInt64 = isNegative ? .max : 0
    let words = UnsafeRawPointer(state + 1).loadUnaligned(as: UInt128.self)
    let (low, carry) = (words ^ (UInt128(sign) << 64 | UInt128(sign))).addingReportingOverflow(isNegative ? 1 : 0)
    let high = (state[3] ^ sign) &+ (carry ? 1 : 0)
    if high == 0, low == 0 { return 0 }
    // The first 128 bits, and whether there are more behind them.
    let shift = high != 0 ? high.leadingZeroBitCount : 64 + low.leadingZeroBitCount
    let first = high == 0 ? low << UInt128(shift - 64) : UInt128(high) << UInt128(64 + shift) | low >> UInt128(64 - shift)
    let hasMore = high != 0 && low << UInt128(64 + shift) != 0
    // Half of the last of 53 bits.
    let half: UInt128 = 1 << 74
    let rest = first & (half * 2 - 1)
    var mantissa = UInt64(truncatingIfNeeded: first >> 75)
    if rest > half || (rest == half && (hasMore || mantissa & 1 == 1)) { mantissa += 1 }
    let exponent = sums.least + Int(state[0]) - 1 + 139 - shift
    guard exponent > -1022, exponent < 900 else { return nil }
    // Both factors are exact, and so is their product.
    return (isNegative ? -1 : 1) * Double(mantissa) * Double(sign: .plus, exponent: exponent, significand: 1)
  }

  /// The sum over a count that is not 0.
  static func average(_ state: UnsafeMutablePointer<UInt64>, _ count: UInt64) -> Double? {
    let (number, exponent) = sums.value(state)
    return number.quotient(exponent, [count], root: false)
  }

  /// A finite number as a whole one and the exponent of its first bit.
  static func whole(_ x: Double) -> (number: Whole, exponent: Int) {
    let (mantissa, place) = parts(x)
    return (Whole(magnitude: [mantissa], isNegative: x < 0), place + sums.least)
  }

  /// The variance of a sample, or its square root; of two numbers or more.
  static func variance(
    _ sum: UnsafeMutablePointer<UInt64>, _ squares: UnsafeMutablePointer<UInt64>, _ count: UInt64, root: Bool
  ) -> Double? {
    let (s, sumExponent) = sums.value(sum)
    let (q, squaresExponent) = ExactSum.squares.value(squares)
    // (n Σx² - (Σx)²) / (n (n - 1)), at the smaller of two exponents.
    let exponent = min(squaresExponent, 2 * sumExponent)
    let number = (q * Whole(Int128(count))).shifted(left: squaresExponent - exponent) - (s * s).shifted(left: 2 * sumExponent - exponent)
    return number.quotient(exponent, [count, count - 1], root: root)
  }
}
