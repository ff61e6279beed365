import Glibc

/// Numbers that whole ones become: each is rounded once, half to even.
extension Whole {
  /// The number times 2^exponent as the nearest Double; nil if that is not finite. `hasMore`: the true magnitude is a little larger, by
  /// less than 1; then there must be 64 bits or more.
  func double(_ exponent: Int, hasMore: Bool = false) -> Double? {
    guard !isZero else { return 0 }
    // Doubles below 2^-1022 have fewer digits.
    let (mantissa, dropped) = rounded(to: min(53, bits + exponent + 1074), hasMore)
    let value = scalbn(Double(mantissa), Int32(clamping: dropped + exponent))
    return value.isFinite ? (isNegative && value != 0 ? -value : value) : nil
  }

  /// The square root of the number, which is not negative, times 2^exponent; nil if that is not finite. As near as the root of a Double is.
  func squareRoot(_ exponent: Int, hasMore: Bool) -> Double? {
    guard !isZero else { return 0 }
    let (mantissa, dropped) = rounded(to: 53, hasMore)
    let whole = dropped + exponent
    let value = scalbn((Double(mantissa) * (whole & 1 == 0 ? 1 : 2)).squareRoot(), Int32(clamping: whole >> 1))
    return value.isFinite ? value : nil
  }

  /// The number times 2^exponent over divisors that are not 0, as the nearest Double, or its square root; nil if that is not finite.
  func quotient(_ exponent: Int, _ divisors: [UInt64], root: Bool) -> Double? {
    // Each divisor takes at most 64 bits, and as many are to be left.
    let shift = 64 * (divisors.count + 1)
    var quotient = shifted(left: shift)
    var hasMore = false
    for divisor in divisors where quotient.divide(by: divisor) != 0 { hasMore = true }
    return root ? quotient.squareRoot(exponent - shift, hasMore: hasMore) : quotient.double(exponent - shift, hasMore: hasMore)
  }

  /// Divisors that make 10^scale.
  static func tens(_ scale: Int) -> [UInt64] {
    stride(from: scale, to: 0, by: -19).map { UInt64(Decimal.powers[min($0, 19)]) }
  }

  /// The first bits of the magnitude, and how many behind them were dropped; at most one bit more, where rounding makes it.
  private func rounded(to precision: Int, _ hasMore: Bool) -> (mantissa: UInt64, dropped: Int) {
    let dropped = bits - precision
    if dropped <= 0 { return (words[0], 0) }
    // All less than half of the least Double.
    if precision < 0 { return (0, 0) }
    let kept = shifted(right: dropped)
    var mantissa = kept.isZero ? 0 : kept.words[0]
    let isHalf = words[(dropped - 1) / 64] >> UInt64((dropped - 1) % 64) & 1 == 1
    if isHalf, mantissa & 1 == 1 || hasMore || trailingZeros < dropped - 1 { mantissa += 1 }
    return (mantissa, dropped)
  }

  /// The number over 10^scale as a Decimal, exactly; nil if that needs more than 38 digits, or more of them behind the point.
  func decimal(_ scale: Int) -> Decimal? {
    var (number, scale) = (self, scale)
    while true {
      if scale <= 38, let magnitude = number.short, magnitude <= UInt128(Decimal.limit) {
        return Decimal(isNegative ? -Int128(magnitude) : Int128(magnitude), scale: Int32(scale))
      }
      guard scale > 0, number.divide(by: 10) == 0 else { return nil }
      scale -= 1
    }
  }

  /// The number over 10^scale and a divisor as a Decimal of at most so many digits behind the point, fewer where it has more than 38 in all.
  /// Nil if it is too large.
  func quotient(_ scale: Int, by divisor: UInt64, digits: Int) -> Decimal? {
    for digits in stride(from: digits, through: 0, by: -1) {
      // Twice the quotient: its last bit is the half.
      var double = shifted(left: 1).timesTen(max(0, digits - scale))
      var hasMore = double.divide(by: divisor) != 0
      for divisor in Whole.tens(scale - digits) where double.divide(by: divisor) != 0 { hasMore = true }
      guard let twice = double.short else { continue }
      var magnitude = twice >> 1
      if twice & 1 == 1, hasMore || magnitude & 1 == 1 { magnitude += 1 }
      if magnitude > UInt128(Decimal.limit) { continue }
      return Decimal(isNegative ? -Int128(magnitude) : Int128(magnitude), scale: Int32(digits)).normalized
    }
    return nil
  }

  /// The quotient rounded to a whole number.
  func rounded(by divisor: UInt64) -> Whole {
    var double = shifted(left: 1)
    let hasMore = double.divide(by: divisor) != 0
    let isHalf = double.isZero ? false : double.words[0] & 1 == 1
    let quotient = double.shifted(right: 1)
    guard isHalf, hasMore || (!quotient.isZero && quotient.words[0] & 1 == 1) else { return quotient }
    return quotient + Whole(isNegative ? -1 : 1)
  }
}
