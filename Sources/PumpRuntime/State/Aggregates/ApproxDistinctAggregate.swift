import Glibc

/// `approx_distinct`: HyperLogLog of 2^14 registers (Flajolet, Fusy, Gandouet, Meunier 2007) over the 64-bit hash of the value's key. The
/// estimate is that of Ertl, "New cardinality estimation algorithms for HyperLogLog sketches" (2017), which needs no tables of
/// corrections; its standard error is 0.8 %. As long as values are few they are told apart by 25 bits, as HyperLogLog++ does (Heule,
/// Nunkesser, Hall 2013): up to 1536 of them the result is nearly always exact.
final class ApproxDistinctAggregate: Aggregate {
  private var key = ByteBuffer(capacity: 64)

  deinit { key.release() }

  override var size: Int { 1 }
  override var isDefinedForNothing: Bool { true }

  override func add(_ batch: AggregateBatch) {
    let column = argument(batch)
    each(batch) { state, row in
      key.count = 0
      key.key(shape, column, row)
      insert(Registers.fine(KeyHash.of(key.base, key.count)), state)
    }
  }

  /// Adds one of the fine registers.
  private func insert(_ entry: UInt32, _ state: AggregateState) {
    if state[0] == 0 { state[0] = Registers(slots: 4, memory).word }
    while let registers = Registers(state[0]), !registers.insert(entry) {
      let larger = Registers(slots: registers.slots * 2 > Registers.mostSlots ? 0 : registers.slots * 2, memory)
      registers.forEachFine { _ = larger.insert($0) }
      registers.release(memory)
      state[0] = larger.word
    }
  }

  override func merge(_ other: AggregateState, into state: AggregateState) {
    // Registers that are all there take in others of either form.
    if Registers(state[0])?.slots != 0 { swap(&state[0], &other[0]) }
    if let registers = Registers(other[0]) {
      if registers.slots > 0 {
        registers.forEachFine { insert($0, state) }
      } else if let target = Registers(state[0]) {
        for place in 0..<Registers.count { target.raise(place, registers.all[place]) }
      }
    }
    release(other)
  }

  override func finish(_ state: AggregateState, _ count: UInt64, into column: Column, _ row: Int, _ context: Context) {
    column.set(Registers(state[0])?.estimate ?? 0, row)
  }

  override func release(_ state: AggregateState) {
    Registers(state[0])?.release(memory)
    state[0] = 0
  }

  /// How many registers, and whether all are there; then the steps from each to the next, by place.
  override func write(_ state: AggregateState, into buffer: inout ByteBuffer) {
    guard let registers = Registers(state[0]) else { return buffer.byte(0) }
    var entries: [UInt32] = []
    if registers.slots > 0 {
      registers.forEachFine { entries.append($0) }
      entries.sort()
    } else {
      for place in 0..<Registers.count where registers.all[place] > 0 { entries.append(UInt32(place << 6) | UInt32(registers.all[place])) }
    }
    buffer.state(UInt64(entries.count) << 1 | (registers.slots == 0 ? 1 : 0))
    var last: UInt32 = 0
    for entry in entries {
      buffer.state(UInt64(entry - last))
      last = entry
    }
  }

  override func read(_ reader: inout StateReader, _ state: AggregateState) -> Bool {
    guard let head = reader.count(), head >> 1 <= Registers.count else { return false }
    let isWhole = head & 1 == 1
    if isWhole { state[0] = Registers(slots: 0, memory).word }
    var entry: UInt64 = 0
    for _ in 0..<head >> 1 {
      guard let step = reader.number(), step > 0, step < 1 << 31 else { return false }
      entry += step
      let (place, value) = (Int(entry >> 6), UInt8(truncatingIfNeeded: entry & 63))
      guard place < (isWhole ? Registers.count : 1 << Registers.fineBits), value > 0,
        value <= 65 - (isWhole ? Registers.bits : Registers.fineBits)
      else { return false }
      if isWhole { Registers(state[0])!.raise(place, value) } else { insert(UInt32(entry), state) }
    }
    return true
  }
}
