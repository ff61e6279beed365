import Glibc

/// Registers of HyperLogLog in a block that an entry keeps aside: 4 bytes say how many slots there are, 4 how many are taken, 8 are free. Few
/// values stand in a hash table of fine registers, 4 bytes each: 25 bits of the hash, and 6 for the place of the first 1 in those
/// behind. Then all 2^14 registers are there, of a byte each, and no slots. Which of both it is follows from the values alone.
struct Registers {
  static let bits = 14
  static let count = 1 << bits
  static let fineBits = 25
  /// With twice as many slots, all registers take no more.
  static let mostSlots = 2048
  private static let head = 16
  /// The greatest value of a register.
  private static let greatest = 64 - bits + 1

  private let base: UnsafeMutableRawPointer

  init?(_ word: UInt64) {
    guard let base = UnsafeMutableRawPointer(bitPattern: UInt(word)) else { return nil }
    self.base = base
  }

  init(slots: Int, _ memory: StateMemory) {
    let size = Registers.size(slots)
    base = memory.allocate(size)
    memset(base, 0, size)
    base.storeBytes(of: UInt32(slots), as: UInt32.self)
  }

  func release(_ memory: StateMemory) { memory.release(base, Registers.size(slots)) }

  private static func size(_ slots: Int) -> Int { head + (slots == 0 ? count : slots * 4) }

  var word: UInt64 { UInt64(UInt(bitPattern: base)) }
  /// 0 if all registers are there.
  var slots: Int { Int(base.load(as: UInt32.self)) }
  private var taken: Int {
    get { Int(base.load(fromByteOffset: 4, as: UInt32.self)) }
    nonmutating set { base.storeBytes(of: UInt32(newValue), toByteOffset: 4, as: UInt32.self) }
  }
  private var table: UnsafeMutablePointer<UInt32> { (base + Registers.head).assumingMemoryBound(to: UInt32.self) }
  var all: UnsafeMutablePointer<UInt8> { (base + Registers.head).assumingMemoryBound(to: UInt8.self) }

  /// The fine register of a hash.
  static func fine(_ hash: UInt64) -> UInt32 {
    let rest = hash << UInt64(fineBits) | 1 << UInt64(fineBits - 1)
    return UInt32(truncatingIfNeeded: hash >> UInt64(64 - fineBits)) << 6 | UInt32(rest.leadingZeroBitCount + 1)
  }

  /// Adds a fine register; false if there is no room for it.
  func insert(_ entry: UInt32) -> Bool {
    if slots == 0 {
      let between = Registers.fineBits - Registers.bits
      let place = Int(entry >> 6)
      let low = place & (1 << between - 1)
      // The first 1 is in the bits that the registers do not tell apart, or behind them.
      let value = low == 0 ? between + Int(entry & 63) : between - (Int.bitWidth - low.leadingZeroBitCount) + 1
      raise(place >> between, UInt8(value))
      return true
    }
    let mask = slots - 1
    var slot = Int(entry >> 6) & mask
    while table[slot] != 0, table[slot] >> 6 != entry >> 6 { slot = (slot + 1) & mask }
    if table[slot] == 0 {
      if taken >= slots * 3 / 4 { return false }
      taken += 1
    }
    table[slot] = max(table[slot], entry)
    return true
  }

  /// Makes one of all registers so great, if it is not greater.
  func raise(_ place: Int, _ value: UInt8) { all[place] = max(all[place], value) }

  func forEachFine(_ body: (UInt32) -> Void) {
    for slot in 0..<slots where table[slot] != 0 { body(table[slot]) }
  }

  // MARK: The estimate

  /// How many different values were seen, more or less.
  var estimate: Int64 {
    if slots > 0 {
      // How many it takes to fill so many of all fine registers.
      let all = Double(1 << Registers.fineBits)
      return Int64((-all * log1p(-Double(taken) / all)).rounded())
    }
    var counts = [Double](repeating: 0, count: Registers.greatest + 1)
    for place in 0..<Registers.count { counts[min(Int(all[place]), Registers.greatest)] += 1 }
    // Infinite where all registers are full.
    return Int64(min(Registers.estimate(counts).rounded(), 9e18))
  }

  /// From how many registers have each value.
  private static func estimate(_ counts: [Double]) -> Double {
    let all = Double(count)
    if counts[0] == all { return 0 }
    var sum = all * tau(1 - counts[greatest] / all)
    for value in stride(from: greatest - 1, through: 1, by: -1) { sum = 0.5 * (sum + counts[value]) }
    sum += all * sigma(counts[0] / all)
    // 1 / (2 ln 2).
    return 0.721_347_520_444_481_7 * all * all / sum
  }

  /// x + Σ x^(2^k) 2^(k-1): of registers that saw no value.
  private static func sigma(_ x: Double) -> Double {
    var (power, factor, sum) = (x, 1.0, x)
    while true {
      power *= power
      let next = sum + power * factor
      if next == sum { return sum }
      (sum, factor) = (next, factor * 2)
    }
  }

  /// (1 - x - Σ (1 - x^(2^-k))² 2^-k) / 3: of registers that can grow no more.
  private static func tau(_ x: Double) -> Double {
    if x == 0 || x == 1 { return 0 }
    var (root, factor, sum) = (x, 1.0, 1 - x)
    while true {
      root = root.squareRoot()
      factor /= 2
      let next = sum - (1 - root) * (1 - root) * factor
      if next == sum { return sum / 3 }
      sum = next
    }
  }
}
