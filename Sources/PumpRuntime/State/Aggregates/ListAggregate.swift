import Glibc

/// Values that an entry keeps aside, one behind the other in a block of its own: the block's size, the bytes in use and the number of
/// values, 8 bytes each, then the values. A word of the entry is its address, or 1 where there were more values than allowed.
struct ValueBlock {
  static let head = 24
  static let overflowed: UInt64 = 1
  let base: UnsafeMutableRawPointer

  init?(_ word: UInt64) {
    guard word > ValueBlock.overflowed else { return nil }
    base = UnsafeMutableRawPointer(bitPattern: UInt(word))!
  }

  var size: Int { base.load(as: Int.self) }
  /// Bytes in use, the head among them.
  var used: Int {
    get { base.load(fromByteOffset: 8, as: Int.self) }
    nonmutating set { base.storeBytes(of: newValue, toByteOffset: 8, as: Int.self) }
  }
  var count: Int {
    get { base.load(fromByteOffset: 16, as: Int.self) }
    nonmutating set { base.storeBytes(of: newValue, toByteOffset: 16, as: Int.self) }
  }
  var values: UnsafeBufferPointer<UInt8> {
    UnsafeBufferPointer(start: (base + ValueBlock.head).assumingMemoryBound(to: UInt8.self), count: used - ValueBlock.head)
  }

  /// The room for more values, which count as in use; nil where the limit does not allow them: then nothing is kept any more.
  static func grow(
    _ state: AggregateState, by bytes: Int, _ values: Int, limit: Int?, _ memory: StateMemory
  ) -> UnsafeMutableRawPointer? {
    if state[0] == overflowed { return nil }
    let old = ValueBlock(state[0])
    if let limit, (old?.count ?? 0) + values > limit {
      old?.release(memory)
      state[0] = overflowed
      return nil
    }
    let used = old?.used ?? head
    if let old, used + bytes <= old.size {
      old.used = used + bytes
      old.count += values
      return old.base + used
    }
    let size = StateMemory.size(max(64, used + bytes, (old?.size ?? 0) * 2))
    let block = memory.allocate(size)
    if let old { memcpy(block, old.base, used) }
    block.storeBytes(of: size, as: Int.self)
    block.storeBytes(of: used + bytes, toByteOffset: 8, as: Int.self)
    block.storeBytes(of: (old?.count ?? 0) + values, toByteOffset: 16, as: Int.self)
    old?.release(memory)
    state[0] = UInt64(UInt(bitPattern: block))
    return block + used
  }

  /// Adds the values of another block, which were added later, behind these; there is none afterwards.
  static func merge(_ other: AggregateState, into state: AggregateState, limit: Int?, _ memory: StateMemory) {
    if state[0] == 0 || other[0] == overflowed { swap(&state[0], &other[0]) }
    if let block = ValueBlock(other[0]) {
      let values = block.values
      if let target = grow(state, by: values.count, block.count, limit: limit, memory) { memcpy(target, values.baseAddress!, values.count) }
    }
    release(other, memory)
  }

  func release(_ memory: StateMemory) { memory.release(base, size) }

  static func release(_ state: AggregateState, _ memory: StateMemory) {
    ValueBlock(state[0])?.release(memory)
    state[0] = 0
  }
}

/// `list`: all values by rank. Each is its time and order (8 bytes each), its length (4), and the bytes of `RowCodec`.
final class ListAggregate: Aggregate {
  private static let head = 20
  private var packed = ByteBuffer(capacity: 64)

  deinit { packed.release() }

  override var size: Int { 1 }
  override var isDefinedForNothing: Bool { true }

  override func add(_ batch: AggregateBatch) {
    let column = argument(batch)
    each(batch) { state, row in
      if state[0] == ValueBlock.overflowed { return }
      packed.count = 0
      packed.state(shape, column, row)
      append(packed.bytes, batch.ranks[row], state)
    }
  }

  private func append(_ bytes: UnsafeBufferPointer<UInt8>, _ rank: Rank, _ state: AggregateState) {
    guard let target = ValueBlock.grow(state, by: ListAggregate.head + bytes.count, 1, limit: spec.limit, memory) else { return }
    target.storeBytes(of: rank, as: Rank.self)
    target.storeBytes(of: UInt32(bytes.count), toByteOffset: 16, as: UInt32.self)
    if bytes.count > 0 { memcpy(target + ListAggregate.head, bytes.baseAddress!, bytes.count) }
  }

  override func merge(_ other: AggregateState, into state: AggregateState) {
    ValueBlock.merge(other, into: state, limit: spec.limit, memory)
  }

  /// The values and their ranks, in the order of adding.
  private func values(_ state: AggregateState) -> [(rank: Rank, bytes: UnsafeBufferPointer<UInt8>)] {
    guard let block = ValueBlock(state[0]) else { return [] }
    var result: [(Rank, UnsafeBufferPointer<UInt8>)] = []
    result.reserveCapacity(block.count)
    let all = UnsafeRawBufferPointer(block.values)
    var place = 0
    while place < all.count {
      let length = Int(all.loadUnaligned(fromByteOffset: place + 16, as: UInt32.self))
      let start = place + ListAggregate.head
      result.append(
        (all.loadUnaligned(fromByteOffset: place, as: Rank.self), UnsafeBufferPointer(rebasing: block.values[start..<start + length])))
      place = start + length
    }
    return result
  }

  override func finish(_ state: AggregateState, _ count: UInt64, into column: Column, _ row: Int, _ context: Context) throws(EventFailure) {
    if state[0] == ValueBlock.overflowed { throw tooMany }
    let values = values(state)
    var places = Array(values.indices)
    // Most come in order.
    if zip(values, values.dropFirst()).contains(where: { $1.rank < $0.rank }) {
      places.sort { values[$0].rank == values[$1].rank ? $0 < $1 : values[$0].rank < values[$1].rank }
    }
    let child = column.children[0]
    let start = child.count
    let codec = RowCodec(shape)
    for (index, place) in places.enumerated() {
      guard codec.unpack(values[place].bytes, into: child, start + index, context.arena) else { throw Aggregate.damaged }
    }
    column.set(Slice(start, places.count), row)
  }

  override func release(_ state: AggregateState) { ValueBlock.release(state, memory) }

  override func write(_ state: AggregateState, into buffer: inout ByteBuffer) {
    if state[0] == ValueBlock.overflowed { return buffer.byte(1) }
    let values = values(state)
    buffer.state(UInt64(values.count) << 1)
    for (rank, bytes) in values {
      buffer.state(signed: rank.time)
      buffer.state(signed: rank.order)
      buffer.state(UInt64(bytes.count))
      buffer.raw(bytes.baseAddress!, bytes.count)
    }
  }

  override func read(_ reader: inout StateReader, _ state: AggregateState) -> Bool {
    guard let head = reader.count() else { return false }
    if head == 1 {
      state[0] = ValueBlock.overflowed
      return true
    }
    let (trial, arena, codec) = (Column(shape), Arena(), RowCodec(shape))
    for _ in 0..<head >> 1 {
      guard let time = reader.signed(), let order = reader.signed(), let length = reader.count(), let bytes = reader.slice(length),
        codec.unpack(bytes, into: trial, 0, arena)
      else { return false }
      trial.clear()
      arena.reset()
      append(bytes, Rank(time: time, order: order), state)
    }
    return head & 1 == 0
  }
}
