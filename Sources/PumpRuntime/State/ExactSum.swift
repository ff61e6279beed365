/// Exact sums of Doubles, rounded once: five words would be a Double for most of them, but not for all, nor in every order.
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

  /// Adds a finite number.
  @inline(__always)
  static func add(_ x: Double, _ state: UnsafeMutablePointer<UInt64>, _ memory: StateMemory) {
    let (mantissa, place) = parts(x)
    // Neither nothing nor what is spilled has a window; both give a shift beyond it.
    let shift = UInt64(bitPattern: Int64(place)) &+ 1 &- state[0]
    if state[0] != 0, shift <= 137 {
      let part = shift & 63
      let low = mantissa &<< part
      let high = (mantissa &>> 1) &>> (63 &- part)
      let word = shift &>> 6
      // Inverted for a negative number, and 1 more.
      let sign = 0 &- (x.bitPattern &>> 63)
      let (a, one) = state[1].addingReportingOverflow((word == 0 ? low : 0) ^ sign)
      let (first, two) = a.addingReportingOverflow(sign & 1)
      let (b, three) = state[2].addingReportingOverflow((word == 0 ? high : word == 1 ? low : 0) ^ sign)
      let (second, four) = b.addingReportingOverflow(one || two ? 1 : 0)
      let top = (word == 1 ? high : word == 2 ? low : 0) ^ sign
      let old = state[3]
      let third = old &+ top &+ (three || four ? 1 : 0)
      if Int64(bitPattern: (third ^ old) & (third ^ top)) >= 0 {
        state[1] = first
        state[2] = second
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
    let (number, exponent) = sums.value(state)
    return number.double(exponent)
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
