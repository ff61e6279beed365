/// A whole number of any length: what sums are when their results are computed.
struct Whole {
  var isNegative = false
  /// The magnitude, from the least word to the greatest, which is not 0; none for zero.
  private(set) var words: [UInt64] = []

  init(magnitude words: [UInt64], isNegative: Bool = false) {
    self.words = words
    self.isNegative = isNegative
    trim()
  }

  init(_ value: Int128) {
    let magnitude = value.magnitude
    self.init(magnitude: [UInt64(truncatingIfNeeded: magnitude), UInt64(truncatingIfNeeded: magnitude >> 64)], isNegative: value < 0)
  }

  /// Words of two's complement, as accumulators have them.
  init(signed base: UnsafePointer<UInt64>, _ count: Int) {
    var words = Array(UnsafeBufferPointer(start: base, count: count))
    let isNegative = Int64(bitPattern: words[count - 1]) < 0
    if isNegative {
      var carry = true
      for place in 0..<count {
        (words[place], carry) = (~words[place]).addingReportingOverflow(carry ? 1 : 0)
      }
    }
    self.init(magnitude: words, isNegative: isNegative)
  }

  private mutating func trim() {
    while words.last == 0 { words.removeLast() }
    if words.isEmpty { isNegative = false }
  }

  var isZero: Bool { words.isEmpty }
  /// Bits of the magnitude.
  var bits: Int { words.isEmpty ? 0 : words.count * 64 - words[words.count - 1].leadingZeroBitCount }
  /// Zeros at its end; 0 for zero.
  var trailingZeros: Int {
    guard let place = words.firstIndex(where: { $0 != 0 }) else { return 0 }
    return place * 64 + words[place].trailingZeroBitCount
  }

  /// The magnitude in 128 bits, if it fits.
  var short: UInt128? {
    words.count <= 2 ? UInt128(words.count > 1 ? words[1] : 0) << 64 | UInt128(words.first ?? 0) : nil
  }

  // MARK: Arithmetic

  static func + (a: Whole, b: Whole) -> Whole {
    if a.isNegative == b.isNegative { return Whole(magnitude: added(a.words, b.words), isNegative: a.isNegative) }
    return less(a.words, b.words)
      ? Whole(magnitude: subtracted(b.words, a.words), isNegative: b.isNegative)
      : Whole(magnitude: subtracted(a.words, b.words), isNegative: a.isNegative)
  }

  static func - (a: Whole, b: Whole) -> Whole { a + Whole(magnitude: b.words, isNegative: !b.isNegative) }

  static func * (a: Whole, b: Whole) -> Whole {
    var result = [UInt64](repeating: 0, count: a.words.count + b.words.count)
    for (i, x) in a.words.enumerated() {
      var carry: UInt64 = 0
      for (j, y) in b.words.enumerated() {
        // (2^64 - 1)² and two more words fit 128 bits.
        let sum = UInt128(x) * UInt128(y) + UInt128(result[i + j]) + UInt128(carry)
        result[i + j] = UInt64(truncatingIfNeeded: sum)
        carry = UInt64(truncatingIfNeeded: sum >> 64)
      }
      result[i + b.words.count] = carry
    }
    return Whole(magnitude: result, isNegative: a.isNegative != b.isNegative)
  }

  private static func less(_ a: [UInt64], _ b: [UInt64]) -> Bool {
    if a.count != b.count { return a.count < b.count }
    for place in a.indices.reversed() where a[place] != b[place] { return a[place] < b[place] }
    return false
  }

  private static func added(_ a: [UInt64], _ b: [UInt64]) -> [UInt64] {
    var result = a.count < b.count ? b : a
    let other = a.count < b.count ? a : b
    var carry: UInt64 = 0
    for place in result.indices {
      let sum = UInt128(result[place]) + UInt128(place < other.count ? other[place] : 0) + UInt128(carry)
      result[place] = UInt64(truncatingIfNeeded: sum)
      carry = UInt64(truncatingIfNeeded: sum >> 64)
    }
    if carry > 0 { result.append(carry) }
    return result
  }

  /// The second is not the greater one.
  private static func subtracted(_ a: [UInt64], _ b: [UInt64]) -> [UInt64] {
    var result = a
    var borrow = false
    for place in result.indices {
      let (part, first) = result[place].subtractingReportingOverflow(place < b.count ? b[place] : 0)
      let (rest, second) = part.subtractingReportingOverflow(borrow ? 1 : 0)
      result[place] = rest
      borrow = first || second
    }
    return result
  }

  func shifted(left count: Int) -> Whole {
    guard count > 0, !isZero else { return self }
    let (whole, part) = (count / 64, count % 64)
    var result = [UInt64](repeating: 0, count: words.count + whole + 1)
    for (place, word) in words.enumerated() {
      result[place + whole] |= word << UInt64(part)
      if part > 0 { result[place + whole + 1] = word >> UInt64(64 - part) }
    }
    return Whole(magnitude: result, isNegative: isNegative)
  }

  func shifted(right count: Int) -> Whole {
    let (whole, part) = (count / 64, count % 64)
    guard count > 0, whole < words.count else { return count > 0 ? Whole(0) : self }
    var result = Array(words[whole...])
    if part > 0 {
      for place in result.indices {
        let above = place + 1 < result.count ? result[place + 1] << UInt64(64 - part) : 0
        result[place] = result[place] >> UInt64(part) | above
      }
    }
    return Whole(magnitude: result, isNegative: isNegative)
  }

  /// Divides by a number that is not 0, towards zero; what is left.
  mutating func divide(by divisor: UInt64) -> UInt64 {
    var rest: UInt64 = 0
    for place in words.indices.reversed() { (words[place], rest) = divisor.dividingFullWidth((rest, words[place])) }
    trim()
    return rest
  }

  /// Times 10^digits.
  func timesTen(_ digits: Int) -> Whole {
    var (result, left) = (self, digits)
    while left > 0 {
      let step = min(left, 38)
      result = result * Whole(Decimal.powers[step])
      left -= step
    }
    return result
  }
}
