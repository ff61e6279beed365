import Glibc

/// Two digits for each number below 100. Of a literal, so that its place is known without asking whether it was made.
@inlinable @inline(__always)
var digitPairs: UnsafePointer<UInt8> {
  let pairs: StaticString = """
    0001020304050607080910111213141516171819202122232425262728293031323334353637383940414243444546474849\
    5051525354555657585960616263646566676869707172737475767778798081828384858687888990919293949596979899
    """
  return pairs.utf8Start
}

extension ByteBuffer {
  @inlinable public mutating func int(_ value: Int64) {
    reserve(24)
    if value < 0 {
      base[count] = UInt8(ascii: "-")
      count += 1
    }
    digits(value.magnitude)
  }

  @inlinable @inline(__always)
  mutating func digits(_ magnitude: UInt64) {
    if magnitude < 10 {
      base[count] = UInt8(truncatingIfNeeded: 48 + magnitude)
      count += 1
      return
    }
    let length = decimalLength(magnitude)
    var rest = magnitude
    var place = count + length
    count = place
    while rest >= 100 {
      let (quotient, pair) = rest.quotientAndRemainder(dividingBy: 100)
      rest = quotient
      place -= 2
      base[place] = digitPairs[2 * Int(pair)]
      base[place + 1] = digitPairs[2 * Int(pair) + 1]
    }
    if rest >= 10 {
      base[place - 2] = digitPairs[2 * Int(rest)]
      base[place - 1] = digitPairs[2 * Int(rest) + 1]
    } else {
      base[place - 1] = UInt8(truncatingIfNeeded: 48 + rest)
    }
  }

  @inlinable @inline(__always)
  func decimalLength(_ value: UInt64) -> Int {
    var length = 1
    var bound: UInt64 = 10
    while value >= bound {
      length += 1
      if length == 20 { break }
      bound &*= 10
    }
    return length
  }

  /// A number with at least so many digits, zeros in front.
  @inlinable public mutating func padded(_ value: Int64, _ width: Int) {
    reserve(24)
    for place in stride(from: width - 1, through: 1, by: -1) {
      var bound: Int64 = 1
      for _ in 0..<place { bound *= 10 }
      if value < bound { byte(48) }
    }
    int(value)
  }

  /// Plain notation without trailing zeros.
  public mutating func decimal(_ value: Decimal) {
    reserve(48)
    let plain = value.normalized
    if plain.coefficient < 0 {
      base[count] = UInt8(ascii: "-")
      count += 1
    }
    let magnitude = plain.coefficient.magnitude
    let start = count
    if magnitude <= UInt128(UInt64.max) {
      digits(UInt64(magnitude))
    } else {
      let (high, low) = magnitude.quotientAndRemainder(dividingBy: 10_000_000_000_000_000_000)
      digits(UInt64(high))
      var place = UInt64(1_000_000_000_000_000_000)
      let rest = UInt64(low)
      while place > 0 {
        base[count] = UInt8(48 + rest / place % 10)
        count += 1
        place /= 10
      }
    }
    let scale = Int(plain.scale)
    if scale == 0 { return }
    let length = count - start
    if length <= scale {
      let zeros = scale - length + 1
      memmove(base + start + zeros, base + start, length)
      memset(base + start, 48, zeros)
      count += zeros
    }
    memmove(base + count - scale + 1, base + count - scale, scale)
    base[count - scale] = UInt8(ascii: ".")
    count += 1
  }

  /// The shortest digits that read back the same, laid out as ECMAScript's Number::toString does. Not for NaN and infinity.
  @inlinable public mutating func double(_ value: Double) {
    reserve(32)
    if value == 0 {
      base[count] = 48
      count += 1
      return
    }
    if value < 0 {
      base[count] = UInt8(ascii: "-")
      count += 1
    }
    let (digits, exponent) = ShortestDouble.digits(value.magnitude)
    layout(digits, exponent)
  }

  /// digits × 10^exponent.
  @inlinable mutating func layout(_ number: UInt64, _ power: Int) {
    var number = number
    var exponent = power
    while number % 10 == 0 {
      number /= 10
      exponent += 1
    }
    let start = count
    digits(number)
    let length = count - start
    // The place of the point, counted from the first digit.
    let point = length + exponent
    if exponent >= 0, point <= 21 {
      for _ in 0..<exponent { byte(48) }
    } else if point > 0, point <= 21 {
      memmove(base + start + point + 1, base + start + point, length - point)
      base[start + point] = UInt8(ascii: ".")
      count += 1
    } else if point > -6, point <= 0 {
      let zeros = 2 - point
      memmove(base + start + zeros, base + start, length)
      memset(base + start, 48, zeros)
      base[start + 1] = UInt8(ascii: ".")
      count += zeros
    } else {
      if length > 1 {
        memmove(base + start + 2, base + start + 1, length - 1)
        base[start + 1] = UInt8(ascii: ".")
        count += 1
      }
      base[count] = UInt8(ascii: "e")
      base[count + 1] = point > 0 ? UInt8(ascii: "+") : UInt8(ascii: "-")
      count += 2
      digits(UInt64(abs(point - 1)))
    }
  }
}

/// Raffaello Giulietti's Schubfach: the shortest decimal in the rounding interval of a double, closest to it.
public enum ShortestDouble {
  static let lowest = -292
  static let highest = 324

  /// 10^k scaled to 128 bits and rounded up, for k from `lowest` to `highest`, as pairs (high, low).
  /// Filled when it is made, and only read since.
  @usableFromInline nonisolated(unsafe) static let powers: UnsafeMutablePointer<UInt64> = {
    let table = UnsafeMutablePointer<UInt64>.allocate(capacity: 2 * (highest - lowest + 1))
    // Little-endian 32-bit limbs; exact for powers up to the highest.
    func store(_ k: Int, _ limbs: [UInt32], exact: Bool) {
      var top = limbs.count - 1
      while limbs[top] == 0 { top -= 1 }
      let shift = limbs[top].leadingZeroBitCount
      func limb(_ i: Int) -> UInt64 { i >= 0 ? UInt64(limbs[i]) : 0 }
      var words: [UInt64] = []
      for i in 0..<4 {
        let at = top - i
        words.append((limb(at) << shift | (shift > 0 ? limb(at - 1) >> (32 - shift) : 0)) & 0xFFFF_FFFF)
      }
      var high = words[0] << 32 | words[1]
      var low = words[2] << 32 | words[3]
      var rest = !exact
      if !rest {
        if shift > 0, top - 4 >= 0, (limb(top - 4) << shift) & 0xFFFF_FFFF != 0 { rest = true }
        var i = top - 4 - (shift > 0 ? 1 : 0)
        if shift == 0 { i = top - 4 }
        while i >= 0, !rest {
          if limbs[i] != 0 { rest = true }
          i -= 1
        }
      }
      if rest {
        low &+= 1
        if low == 0 { high &+= 1 }
      }
      table[2 * (k - lowest)] = high
      table[2 * (k - lowest) + 1] = low
    }
    var limbs: [UInt32] = [1] + [UInt32](repeating: 0, count: 40)
    for k in 0...highest {
      store(k, limbs, exact: true)
      var carry: UInt64 = 0
      for i in limbs.indices {
        let product = UInt64(limbs[i]) * 10 + carry
        limbs[i] = UInt32(truncatingIfNeeded: product)
        carry = product >> 32
      }
    }
    limbs = [UInt32](repeating: 0, count: 44)
    limbs[40] = 1
    for k in 1...(-lowest) {
      var remainder: UInt64 = 0
      for i in limbs.indices.reversed() {
        let value = remainder << 32 | UInt64(limbs[i])
        limbs[i] = UInt32(value / 10)
        remainder = value % 10
      }
      store(-k, limbs, exact: false)
    }
    return table
  }()

  @inlinable @inline(__always)
  static func roundToOdd(_ high: UInt64, _ low: UInt64, _ value: UInt64) -> UInt64 {
    let x = low.multipliedFullWidth(by: value).high
    let y = high.multipliedFullWidth(by: value)
    let (sum, carry) = y.low.addingReportingOverflow(x)
    return (y.high &+ (carry ? 1 : 0)) | (sum > 1 ? 1 : 0)
  }

  /// Digits and power of ten of a positive finite double.
  @inlinable public static func digits(_ value: Double) -> (UInt64, Int) {
    let bits = value.bitPattern
    let fraction = bits & 0xF_FFFF_FFFF_FFFF
    let biased = Int(bits >> 52) & 0x7FF
    let c: UInt64
    let q: Int
    if biased != 0 {
      c = fraction | 1 << 52
      q = biased - 1075
      if q <= 0, q > -53, c & ((1 << UInt64(-q)) - 1) == 0 { return (c >> UInt64(-q), 0) }
    } else {
      c = fraction
      q = -1074
    }
    let accept: UInt64 = c & 1 == 0 ? 0 : 1
    let closer = fraction == 0 && biased > 1
    let left = 4 * c - 2 + (closer ? 1 : 0)
    let middle = 4 * c
    let right = 4 * c + 2
    let k = (q * 1_262_611 - (closer ? 524_031 : 0)) >> 22
    let h = UInt64(q + ((-k * 1_741_647) >> 19) + 1)
    let index = 2 * (-k + 292)
    let high = powers[index]
    let low = powers[index + 1]
    let vl = roundToOdd(high, low, left << h)
    let v = roundToOdd(high, low, middle << h)
    let vr = roundToOdd(high, low, right << h)
    let lower = vl + accept
    let upper = vr - accept
    let s = v / 4
    if s >= 10 {
      let sp = s / 10
      let below = lower <= 40 * sp
      let above = 40 * sp + 40 <= upper
      if below != above { return (sp + (above ? 1 : 0), k + 1) }
    }
    let below = lower <= 4 * s
    let above = 4 * s + 4 <= upper
    if below != above { return (s + (above ? 1 : 0), k) }
    let half = 4 * s + 2
    let up = v > half || (v == half && s & 1 != 0)
    return (s + (up ? 1 : 0), k)
  }
}

/// Reads doubles: exactly by Clinger's fast path where the digits allow it, else by the C library.
public enum DoubleReader {
  /// Filled when it is made, and only read since.
  @usableFromInline nonisolated(unsafe) static let powers: UnsafeMutablePointer<Double> = {
    let table = UnsafeMutablePointer<Double>.allocate(capacity: 23)
    var power = 1.0
    for index in 0...22 {
      table[index] = power
      power *= 10
    }
    return table
  }()

  @inlinable static func power(_ exponent: Int) -> Double { powers[exponent] }

  /// The number that a text of the program's own making says.
  static func value(_ text: String) -> Double { strtod(text, nil) }

  /// The number whose validated text stands between two pointers; nil if it is not finite.
  @usableFromInline @inline(never)
  static func slow(_ start: UnsafePointer<UInt8>, _ end: UnsafePointer<UInt8>) -> Double? {
    let count = end - start
    let value = withUnsafeTemporaryAllocation(of: CChar.self, capacity: count + 1) { copy in
      memcpy(copy.baseAddress!, start, count)
      copy[count] = 0
      return strtod(copy.baseAddress!, nil)
    }
    return value.isFinite ? value : nil
  }
}
