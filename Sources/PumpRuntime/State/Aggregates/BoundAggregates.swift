import Glibc

/// `min` and `max` of what is eight bytes: one word, of an order in which zero, that of a new entry, loses against all.
final class WordBoundAggregate: Aggregate {
  override var size: Int { 1 }
  /// Inverts the order for the smallest.
  private var flip: UInt64 { spec.function == .min ? .max : 0 }

  override func add(_ batch: AggregateBatch) {
    let column = argument(batch)
    let flip = self.flip
    if column.shape.kind == .float {
      let values = column.pointer(Double.self)
      each(batch) { state, row in state[0] = max(state[0], KeyOrder.of(values[row]) ^ flip) }
    } else {
      let values = column.pointer(Int64.self)
      each(batch) { state, row in state[0] = max(state[0], KeyOrder.of(values[row]) ^ flip) }
    }
  }
  override func merge(_ other: AggregateState, into state: AggregateState) {
    state[0] = max(state[0], other[0])
    other[0] = 0
  }
  override func finish(_ state: AggregateState, _ count: UInt64, into column: Column, _ row: Int, _ context: Context) throws(EventFailure) {
    guard isSound(state[0] ^ flip) else { throw Aggregate.damaged }
    let order = state[0] ^ flip
    if column.shape.kind == .float { column.set(KeyOrder.double(order), row) } else { column.set(KeyOrder.int(order), row) }
  }
  private func isSound(_ order: UInt64) -> Bool {
    shape.kind == .float ? KeyOrder.double(order).isFinite : shape.holds(KeyOrder.int(order))
  }
  override func release(_ state: AggregateState) { state[0] = 0 }
  override func write(_ state: AggregateState, into buffer: inout ByteBuffer) { buffer.state(word: state[0]) }
  override func read(_ reader: inout StateReader, _ state: AggregateState) -> Bool {
    guard let word = reader.word() else { return false }
    state[0] = word
    return word == 0 || isSound(word ^ flip)
  }
}

/// `min` and `max` of Decimals: the scale and 1, then the coefficient.
final class DecimalBoundAggregate: Aggregate {
  override var size: Int { 3 }

  private func value(_ state: AggregateState) -> Decimal {
    Decimal(UnsafeRawPointer(state + 1).loadUnaligned(as: Int128.self), scale: Int32(state[0]) - 1)
  }
  private func take(_ value: Decimal, _ state: AggregateState) {
    if state[0] != 0 {
      let old = self.value(state)
      if spec.function == .min ? value >= old : value <= old { return }
    }
    state[0] = UInt64(value.scale) + 1
    UnsafeMutableRawPointer(state + 1).storeBytes(of: value.coefficient, as: Int128.self)
  }

  override func add(_ batch: AggregateBatch) {
    let values = argument(batch).pointer(Decimal.self)
    each(batch) { state, row in take(values[row], state) }
  }
  override func merge(_ other: AggregateState, into state: AggregateState) {
    if other[0] != 0 { take(value(other), state) }
    release(other)
  }
  override func finish(_ state: AggregateState, _ count: UInt64, into column: Column, _ row: Int, _ context: Context) throws(EventFailure) {
    guard state[0] != 0 else { throw Aggregate.damaged }
    // Which of equal values came first must not show.
    column.set(value(state).normalized, row)
  }
  override func release(_ state: AggregateState) { (state[0], state[1], state[2]) = (0, 0, 0) }
  override func write(_ state: AggregateState, into buffer: inout ByteBuffer) {
    buffer.state(state[0])
    if state[0] != 0 { buffer.state(Whole(value(state).coefficient)) }
  }
  override func read(_ reader: inout StateReader, _ state: AggregateState) -> Bool {
    guard let scale = reader.count(), scale <= 39 else { return false }
    if scale == 0 { return true }
    guard let value = reader.wide(), value.magnitude <= UInt128(Decimal.limit) else { return false }
    take(Decimal(value, scale: Int32(scale - 1)), state)
    return true
  }
}

/// `min` and `max` of texts and the rest: the value as a key, in a block of the length and the bytes.
final class KeyBoundAggregate: Aggregate {
  private let codec: KeyCodec
  private var key = ByteBuffer(capacity: 64)

  override init(_ spec: AggregateSpec, _ shape: Shape, _ memory: StateMemory) {
    codec = KeyCodec([shape])
    super.init(spec, shape, memory)
  }
  deinit { key.release() }

  override var size: Int { 1 }

  override func add(_ batch: AggregateBatch) {
    let column = argument(batch)
    each(batch) { state, row in
      key.count = 0
      key.key(shape, column, row)
      take(key.bytes, state)
    }
  }

  private func take(_ key: UnsafeBufferPointer<UInt8>, _ state: AggregateState) {
    if let old = StateBlock(state[0]) {
      if spec.function == .min ? !KeySort.less(key, old.bytes) : !KeySort.less(old.bytes, key) { return }
      if StateMemory.size(StateBlock.head + key.count) == StateMemory.size(StateBlock.head + old.count) { return old.set(key) }
      old.release(memory)
    }
    state[0] = StateBlock(key, memory).word
  }

  override func merge(_ other: AggregateState, into state: AggregateState) {
    if let block = StateBlock(other[0]) { take(block.bytes, state) }
    release(other)
  }
  override func finish(_ state: AggregateState, _ count: UInt64, into column: Column, _ row: Int, _ context: Context) throws(EventFailure) {
    guard let block = StateBlock(state[0]), codec.unpack(block.bytes, into: [column], row, context.arena) else {
      throw Aggregate.damaged
    }
  }
  override func release(_ state: AggregateState) {
    StateBlock(state[0])?.release(memory)
    state[0] = 0
  }
  override func write(_ state: AggregateState, into buffer: inout ByteBuffer) {
    let block = StateBlock(state[0])
    buffer.state(UInt64(block.map { $0.count + 1 } ?? 0))
    if let block { buffer.raw(block.bytes.baseAddress!, block.count) }
  }
  override func read(_ reader: inout StateReader, _ state: AggregateState) -> Bool {
    guard let length = reader.count() else { return false }
    if length == 0 { return true }
    guard let bytes = reader.slice(length - 1), codec.unpack(bytes, into: [Column(shape)], 0, Arena()) else { return false }
    take(bytes, state)
    return true
  }
}

/// Bytes that an entry keeps aside, behind their number.
struct StateBlock {
  static let head = 8
  private let base: UnsafeMutableRawPointer

  /// What a word of an entry says.
  init?(_ word: UInt64) {
    guard let base = UnsafeMutableRawPointer(bitPattern: UInt(word)) else { return nil }
    self.base = base
  }

  init(_ bytes: UnsafeBufferPointer<UInt8>, _ memory: StateMemory) {
    base = memory.allocate(StateBlock.head + bytes.count)
    set(bytes)
  }

  var word: UInt64 { UInt64(UInt(bitPattern: base)) }
  var count: Int { base.load(as: Int.self) }
  var bytes: UnsafeBufferPointer<UInt8> {
    UnsafeBufferPointer(start: (base + StateBlock.head).assumingMemoryBound(to: UInt8.self), count: count)
  }

  func set(_ bytes: UnsafeBufferPointer<UInt8>) {
    base.storeBytes(of: bytes.count, as: Int.self)
    if bytes.count > 0 { memcpy(base + StateBlock.head, bytes.baseAddress!, bytes.count) }
  }

  func release(_ memory: StateMemory) { memory.release(base, StateBlock.head + count) }
}
