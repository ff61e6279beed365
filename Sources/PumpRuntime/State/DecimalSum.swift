/// Exact sums of Decimals of any scales: as long as they fit, 128 bits at the largest scale that came; else 320 bits at scale 38,
/// kept aside, which hold 2^63 Decimals of 38 digits before and behind the point.
enum DecimalSum {
  /// Words in the entry: the scale and 1, or `spilled`; then the sum, or the address of what is kept aside. Zeros are nothing.
  static let size = 3
  private static let spilled: UInt64 = 1 << 63
  static let fullWords = 5

  @inline(__always)
  private static func sum(_ state: UnsafeMutablePointer<UInt64>) -> Int128 {
    UnsafeRawPointer(state + 1).loadUnaligned(as: Int128.self)
  }
  @inline(__always)
  private static func set(_ sum: Int128, _ state: UnsafeMutablePointer<UInt64>) {
    UnsafeMutableRawPointer(state + 1).storeBytes(of: sum, as: Int128.self)
  }

  @inline(__always)
  static func add(_ value: Decimal, _ state: UnsafeMutablePointer<UInt64>, _ memory: StateMemory) {
    if state[0] == UInt64(UInt32(bitPattern: value.scale)) + 1 {
      let (total, over) = sum(state).addingReportingOverflow(value.coefficient)
      if !over { return set(total, state) }
    }
    addOther(value.coefficient, Int(value.scale), state, memory)
  }

  private static func addOther(_ coefficient: Int128, _ scale: Int, _ state: UnsafeMutablePointer<UInt64>, _ memory: StateMemory) {
    if state[0] == 0 {
      state[0] = UInt64(scale) + 1
      return set(coefficient, state)
    }
    if state[0] & spilled == 0 {
      let old = Int(state[0]) - 1
      let common = max(old, scale)
      let (a, aOver) = sum(state).multipliedReportingOverflow(by: Decimal.powers[common - old])
      let (b, bOver) = coefficient.multipliedReportingOverflow(by: Decimal.powers[common - scale])
      let (total, over) = a.addingReportingOverflow(b)
      if !aOver, !bOver, !over {
        state[0] = UInt64(common) + 1
        return set(total, state)
      }
      spill(state, memory)
    }
    addFull(Whole(coefficient).timesTen(38 - scale), state)
  }

  private static func full(_ state: UnsafeMutablePointer<UInt64>) -> UnsafeMutablePointer<UInt64> {
    UnsafeMutablePointer(bitPattern: UInt(state[1]))!
  }

  private static func addFull(_ number: Whole, _ state: UnsafeMutablePointer<UInt64>) {
    let target = full(state)
    let total = Whole(signed: target, fullWords) + number
    total.store(target, fullWords)
  }

  private static func spill(_ state: UnsafeMutablePointer<UInt64>, _ memory: StateMemory) {
    let (number, scale) = value(state)
    let block = memory.allocate(fullWords * 8).bindMemory(to: UInt64.self, capacity: fullWords)
    number.timesTen(38 - scale).store(block, fullWords)
    (state[0], state[1], state[2]) = (spilled, UInt64(UInt(bitPattern: block)), 0)
  }

  /// The sum times 10^scale, and the scale.
  static func value(_ state: UnsafeMutablePointer<UInt64>) -> (number: Whole, scale: Int) {
    if state[0] == 0 { return (Whole(0), 0) }
    if state[0] & spilled != 0 { return (Whole(signed: full(state), fullWords), 38) }
    return (Whole(sum(state)), Int(state[0]) - 1)
  }

  /// The sum as a Decimal; nil if it has more digits than that.
  static func result(_ state: UnsafeMutablePointer<UInt64>) -> Decimal? {
    if state[0] & spilled == 0, state[0] != 0, sum(state).magnitude <= UInt128(Decimal.limit) {
      return Decimal(sum(state), scale: Int32(state[0]) - 1)
    }
    let (number, scale) = value(state)
    return number.decimal(scale)
  }

  /// Adds another sum, which is nothing afterwards.
  static func merge(_ other: UnsafeMutablePointer<UInt64>, into state: UnsafeMutablePointer<UInt64>, _ memory: StateMemory) {
    if other[0] & spilled != 0 || state[0] == 0 {
      for place in 0..<size { swap(&other[place], &state[place]) }
    }
    if other[0] & spilled != 0 {
      addFull(value(other).number, state)
    } else if other[0] != 0 {
      addOther(sum(other), Int(other[0]) - 1, state, memory)
    }
    release(other, memory)
  }

  static func release(_ state: UnsafeMutablePointer<UInt64>, _ memory: StateMemory) {
    if state[0] & spilled != 0 { memory.release(full(state), fullWords * 8) }
    (state[0], state[1], state[2]) = (0, 0, 0)
  }

  static func write(_ state: UnsafeMutablePointer<UInt64>, into buffer: inout ByteBuffer) {
    let (number, scale) = value(state)
    buffer.state(UInt64(scale))
    buffer.state(number)
  }

  /// Reads into a sum to which nothing was added.
  static func read(_ reader: inout StateReader, _ state: UnsafeMutablePointer<UInt64>, _ memory: StateMemory) -> Bool {
    guard let scale = reader.count(), scale <= 38, let number = reader.whole() else { return false }
    if let magnitude = number.short, magnitude <= UInt128(Int128.max) {
      state[0] = UInt64(scale) + 1
      set(number.isNegative ? -Int128(magnitude) : Int128(magnitude), state)
      return true
    }
    guard number.bits < fullWords * 64 - 1 else { return false }
    let wide = number.timesTen(38 - scale)
    guard wide.bits < fullWords * 64 - 1 else { return false }
    state[0] = 1
    spill(state, memory)
    addFull(wide, state)
    return true
  }
}

/// Sums and sums of squares of Decimals and Ints, for their variance. In the entry: the scale and 1, the sum in 128 bits and that of the
/// squares, of twice the scale, in 192, as long as the numbers are of 64 bits at that scale; else both are kept aside at scale 38.
enum DecimalSquares {
  static let size = 6
  private static let spilled: UInt64 = 1 << 63
  /// Of the squares at scale 76: 10^152 × 2^63.
  private static let fullWords = 10

  static func add(_ value: Decimal, _ state: UnsafeMutablePointer<UInt64>, _ memory: StateMemory) {
    let scale = UInt64(UInt32(bitPattern: value.scale)) + 1
    if state[0] == 0 { state[0] = scale }
    if state[0] == scale, let short = Int64(exactly: value.coefficient) {
      let sum = UnsafeMutableRawPointer(state + 1)
      sum.storeBytes(of: sum.loadUnaligned(as: Int128.self) &+ Int128(short), as: Int128.self)
      let square = short.magnitude.multipliedFullWidth(by: short.magnitude)
      let (low, one) = state[3].addingReportingOverflow(square.low)
      // The upper half is less than 2^63.
      let (middle, two) = state[4].addingReportingOverflow(square.high + (one ? 1 : 0))
      (state[3], state[4]) = (low, middle)
      if two { state[5] += 1 }
      return
    }
    addOther(value, state, memory)
  }

  /// The numbers stand at another scale, or are longer.
  private static func addOther(_ value: Decimal, _ state: UnsafeMutablePointer<UInt64>, _ memory: StateMemory) {
    let number = Whole(value.coefficient)
    merge(number, number * number, Int(value.scale), state, memory)
  }

  /// Adds a sum and a sum of squares.
  private static func merge(
    _ sum: Whole, _ squares: Whole, _ scale: Int, _ state: UnsafeMutablePointer<UInt64>, _ memory: StateMemory
  ) {
    let old = value(state)
    let common = state[0] & spilled != 0 ? 38 : max(old.scale, scale)
    var total = old.sum.timesTen(common - old.scale) + sum.timesTen(common - scale)
    var squaresTotal = old.squares.timesTen(2 * (common - old.scale)) + squares.timesTen(2 * (common - scale))
    if state[0] & spilled == 0 {
      if total.bits < 127, squaresTotal.bits <= 190 {
        state[0] = UInt64(common) + 1
        total.store(state + 1, 2)
        return squaresTotal.store(state + 3, 3)
      }
      let words = DecimalSum.fullWords + fullWords
      state[0] = spilled
      state[1] = UInt64(UInt(bitPattern: memory.allocate(words * 8).bindMemory(to: UInt64.self, capacity: words)))
      total = total.timesTen(38 - common)
      squaresTotal = squaresTotal.timesTen(2 * (38 - common))
    }
    total.store(full(state), DecimalSum.fullWords)
    squaresTotal.store(full(state) + DecimalSum.fullWords, fullWords)
  }

  private static func full(_ state: UnsafeMutablePointer<UInt64>) -> UnsafeMutablePointer<UInt64> {
    UnsafeMutablePointer(bitPattern: UInt(state[1]))!
  }

  private static func value(_ state: UnsafeMutablePointer<UInt64>) -> (sum: Whole, squares: Whole, scale: Int) {
    if state[0] == 0 { return (Whole(0), Whole(0), 0) }
    if state[0] & spilled == 0 {
      let squares = Whole(magnitude: Array(UnsafeBufferPointer(start: state + 3, count: 3)))
      return (Whole(signed: state + 1, 2), squares, Int(state[0]) - 1)
    }
    let words = full(state)
    return (Whole(signed: words, DecimalSum.fullWords), Whole(signed: words + DecimalSum.fullWords, fullWords), 38)
  }

  /// The variance of a sample of two numbers or more, or its square root; nil if that is not finite.
  static func variance(_ state: UnsafeMutablePointer<UInt64>, _ count: UInt64, root: Bool) -> Double? {
    let (sum, squares, scale) = value(state)
    return (squares * Whole(Int128(count)) - sum * sum).quotient(0, [count, count - 1] + Whole.tens(2 * scale), root: root)
  }

  static func merge(_ other: UnsafeMutablePointer<UInt64>, into state: UnsafeMutablePointer<UInt64>, _ memory: StateMemory) {
    if state[0] == 0 {
      for place in 0..<size { swap(&other[place], &state[place]) }
      return
    }
    if other[0] == 0 { return }
    let (sum, squares, scale) = value(other)
    merge(sum, squares, scale, state, memory)
    release(other, memory)
  }

  static func release(_ state: UnsafeMutablePointer<UInt64>, _ memory: StateMemory) {
    if state[0] & spilled != 0 { memory.release(full(state), (DecimalSum.fullWords + fullWords) * 8) }
    for place in 0..<size { state[place] = 0 }
  }

  static func write(_ state: UnsafeMutablePointer<UInt64>, into buffer: inout ByteBuffer) {
    let (sum, squares, scale) = value(state)
    buffer.state(UInt64(scale))
    buffer.state(sum)
    buffer.state(squares)
  }

  static func read(_ reader: inout StateReader, _ state: UnsafeMutablePointer<UInt64>, _ memory: StateMemory) -> Bool {
    guard let scale = reader.count(), scale <= 38, let sum = reader.whole(), let squares = reader.whole(), !squares.isNegative,
      // What may be at scale 38 must fit the words there.
      sum.timesTen(38 - scale).bits < DecimalSum.fullWords * 64 - 1, squares.timesTen(2 * (38 - scale)).bits < fullWords * 64 - 1
    else { return false }
    merge(sum, squares, scale, state, memory)
    return true
  }
}

extension Whole {
  /// As words of two's complement, which it fits.
  func store(_ target: UnsafeMutablePointer<UInt64>, _ count: Int) {
    var carry = isNegative
    for place in 0..<count {
      let word = place < words.count ? words[place] : 0
      if isNegative { (target[place], carry) = (~word).addingReportingOverflow(carry ? 1 : 0) } else { target[place] = word }
    }
  }
}
