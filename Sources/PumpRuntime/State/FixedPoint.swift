import Glibc

/// Exact sums in two's complement. As long as all bits that occur fit a window of a few words, these stand in the entry: a word that
/// says where the window is, then its words. What does not fit goes into an accumulator of all bits there can be, kept aside: after
/// Kulisch's long accumulator. Whatever the order of what is added, the sum is the same.
struct FixedPoint {
  /// Words of the window.
  let words: Int
  /// The exponent of the first bit of all.
  let least: Int
  /// Words of all bits, those among them that 2^64 additions need.
  let fullWords: Int

  /// Words in the entry.
  var size: Int { words + 1 }

  // The first word is 0 before anything was added (so is an entry that is new), the window's first bit and 1, or `spilled`; then
  // the second word is the address of the accumulator.
  static let spilled: UInt64 = 1 << 63
  /// Bits that a window keeps free above the greatest one when it is laid anew.
  private static let room = 32

  // MARK: Adding

  /// Adds ±value × 2^place, counted from the first bit of all.
  func add(_ value: UInt128, _ isNegative: Bool, _ place: Int, _ state: UnsafeMutablePointer<UInt64>, _ memory: StateMemory) {
    if value == 0 { return }
    if state[0] & FixedPoint.spilled != 0 {
      _ = FixedPoint.add(accumulator(state), fullWords, value, place, isNegative)
      return
    }
    if state[0] == 0 { state[0] = UInt64(max(0, place - 80)) + 1 }
    let window = state + 1
    let width = words * 64
    let (low, high) = (place + value.trailingZeroBitCount, place + 128 - value.leadingZeroBitCount)
    func fits() -> Bool {
      let base = Int(state[0]) - 1
      guard low >= base, high - base < width else { return false }
      // Zeros at its end may lie before the window.
      let (shift, cut) = (max(0, place - base), max(0, base - place))
      if FixedPoint.add(window, words, value >> UInt128(cut), shift, isNegative) { return true }
      _ = FixedPoint.add(window, words, value >> UInt128(cut), shift, !isNegative)
      return false
    }
    if fits() { return }
    let sum = Whole(signed: window, words)
    let base = Int(state[0]) - 1
    let first = sum.isZero ? low : min(low, base + sum.trailingZeros)
    let spare = width - (max(high, base + sum.bits) - first) - FixedPoint.room
    if spare >= 0 {
      let moved = max(0, first - spare / 2)
      state[0] = UInt64(moved) + 1
      memset(window, 0, words * 8)
      put(sum, base, window, words, moved)
      if fits() { return }
    }
    spill(state, memory)
    _ = FixedPoint.add(accumulator(state), fullWords, value, place, isNegative)
  }

  private func accumulator(_ state: UnsafeMutablePointer<UInt64>) -> UnsafeMutablePointer<UInt64> {
    UnsafeMutablePointer(bitPattern: UInt(state[1]))!
  }

  /// Adds a number to words whose first bit is `origin`; the bits of it that lie before are zeros.
  private func put(_ number: Whole, _ place: Int, _ target: UnsafeMutablePointer<UInt64>, _ count: Int, _ origin: Int) {
    let aligned = place >= origin ? number : number.shifted(right: origin - place)
    for (index, word) in aligned.words.enumerated() where word != 0 {
      _ = FixedPoint.add(target, count, UInt128(word), max(0, place - origin) + index * 64, number.isNegative)
    }
  }

  private func spill(_ state: UnsafeMutablePointer<UInt64>, _ memory: StateMemory) {
    let full = memory.allocate(fullWords * 8).bindMemory(to: UInt64.self, capacity: fullWords)
    full.initialize(repeating: 0, count: fullWords)
    put(Whole(signed: state + 1, words), Int(state[0]) - 1, full, fullWords, 0)
    memset(state, 0, size * 8)
    state[0] = FixedPoint.spilled
    state[1] = UInt64(UInt(bitPattern: full))
  }

  /// Adds ±value × 2^shift to words of two's complement; false if that passes their sign, the words then being what they are modulo
  /// their width. Bits of the value beyond the words are zeros.
  private static func add(_ words: UnsafeMutablePointer<UInt64>, _ count: Int, _ value: UInt128, _ shift: Int, _ isNegative: Bool) -> Bool {
    let (place, part) = (shift >> 6, UInt128(shift & 63))
    let low = value << part
    let above = part == 0 ? 0 : UInt64(truncatingIfNeeded: value >> (128 - part))
    let wasNegative = Int64(bitPattern: words[count - 1]) < 0
    var carry = false
    var index = place
    while index < count {
      let word =
        switch index - place {
        case 0: UInt64(truncatingIfNeeded: low)
        case 1: UInt64(truncatingIfNeeded: low >> 64)
        case 2: above
        default: 0 as UInt64
        }
      if index - place > 2, !carry { break }
      if isNegative {
        let (first, one) = words[index].subtractingReportingOverflow(word)
        let (second, two) = first.subtractingReportingOverflow(carry ? 1 : 0)
        words[index] = second
        carry = one || two
      } else {
        let (first, one) = words[index].addingReportingOverflow(word)
        let (second, two) = first.addingReportingOverflow(carry ? 1 : 0)
        words[index] = second
        carry = one || two
      }
      index += 1
    }
    let isBelow = Int64(bitPattern: words[count - 1]) < 0
    return isNegative ? !wasNegative || isBelow : wasNegative || !isBelow
  }

  // MARK: The whole

  /// The sum, and the exponent of its first bit.
  func value(_ state: UnsafeMutablePointer<UInt64>) -> (number: Whole, exponent: Int) {
    if state[0] == 0 { return (Whole(0), 0) }
    if state[0] & FixedPoint.spilled != 0 { return (Whole(signed: accumulator(state), fullWords), least) }
    return (Whole(signed: state + 1, words), least + Int(state[0]) - 1)
  }

  /// Adds another sum, which is nothing afterwards.
  func merge(_ other: UnsafeMutablePointer<UInt64>, into state: UnsafeMutablePointer<UInt64>, _ memory: StateMemory) {
    // The one that has an accumulator keeps it.
    if other[0] & FixedPoint.spilled != 0 || state[0] == 0 {
      for place in 0..<size { swap(&other[place], &state[place]) }
    }
    let (number, exponent) = value(other)
    for (index, word) in number.words.enumerated() where word != 0 {
      add(UInt128(word), number.isNegative, exponent - least + index * 64, state, memory)
    }
    release(other, memory)
  }

  /// Frees what is kept aside; nothing was added then.
  func release(_ state: UnsafeMutablePointer<UInt64>, _ memory: StateMemory) {
    if state[0] & FixedPoint.spilled != 0 { memory.release(accumulator(state), fullWords * 8) }
    memset(state, 0, size * 8)
  }

  // MARK: On disk

  /// The number without zeros at its end, whatever the form in memory: equal sums are equal bytes.
  func write(_ state: UnsafeMutablePointer<UInt64>, into buffer: inout ByteBuffer) {
    let (number, exponent) = value(state)
    let zeros = number.trailingZeros
    buffer.state(number.shifted(right: zeros))
    if !number.isZero { buffer.state(UInt64(exponent - least + zeros)) }
  }

  /// Reads into a sum to which nothing was added.
  func read(_ reader: inout StateReader, _ state: UnsafeMutablePointer<UInt64>, _ memory: StateMemory) -> Bool {
    guard let number = reader.whole() else { return false }
    if number.isZero { return true }
    guard let place = reader.count(), place + number.bits < fullWords * 64 else { return false }
    for (index, word) in number.words.enumerated() where word != 0 {
      add(UInt128(word), number.isNegative, place + index * 64, state, memory)
    }
    return true
  }
}
