/// `first` and `last` of what is eight bytes: the time, as an order in which only a new entry has zero, the order, and the value.
final class WordEndAggregate: Aggregate {
  override var size: Int { 3 }
  private var isLast: Bool { spec.function == .last }

  @inline(__always)
  private static func time(_ rank: Rank) -> UInt64 { max(1, KeyOrder.of(rank.time)) }

  @inline(__always)
  private static func take(_ value: UInt64, _ time: UInt64, _ order: Int64, _ state: AggregateState, isLast: Bool) {
    let (oldTime, oldOrder) = (state[0], Int64(bitPattern: state[1]))
    let isEarlier = time < oldTime || (time == oldTime && order < oldOrder)
    if oldTime != 0, isEarlier == isLast { return }
    (state[0], state[1], state[2]) = (time, UInt64(bitPattern: order), value)
  }

  override func add(_ batch: AggregateBatch) {
    let values = argument(batch).pointer(UInt64.self)
    let (isLast, ranks) = (self.isLast, batch.ranks)
    each(batch) { state, row in
      let rank = ranks[row]
      WordEndAggregate.take(values[row], WordEndAggregate.time(rank), rank.order, state, isLast: isLast)
    }
  }
  override func merge(_ other: AggregateState, into state: AggregateState) {
    if other[0] != 0 { WordEndAggregate.take(other[2], other[0], Int64(bitPattern: other[1]), state, isLast: isLast) }
    release(other)
  }
  override func finish(_ state: AggregateState, _ count: UInt64, into column: Column, _ row: Int, _ context: Context) throws(EventFailure) {
    guard state[0] != 0 else { throw Aggregate.damaged }
    column.set(state[2], row)
  }
  override func release(_ state: AggregateState) { (state[0], state[1], state[2]) = (0, 0, 0) }
  override func write(_ state: AggregateState, into buffer: inout ByteBuffer) { for place in 0..<3 { buffer.state(word: state[place]) } }
  override func read(_ reader: inout StateReader, _ state: AggregateState) -> Bool {
    for place in 0..<3 {
      guard let word = reader.word() else { return false }
      state[place] = word
    }
    return shape.kind == .float ? Double(bitPattern: state[2]).isFinite : shape.holds(Int64(bitPattern: state[2])) || state[0] == 0
  }
}

/// `first` and `last` of any values, `min_by` and `max_by`: one item, kept aside. Of those of equal order the earliest counts.
final class ItemAggregate: Aggregate {
  private let codec: ItemCodec

  override init(_ spec: AggregateSpec, _ shape: Shape, _ memory: StateMemory) {
    codec = ItemCodec(spec, shape, memory)
    super.init(spec, shape, memory)
  }

  override var size: Int { 1 }

  override func add(_ batch: AggregateBatch) {
    let (values, order) = (argument(batch), spec.by.map { batch.columns[$0] })
    each(batch) { state, row in
      codec.setKey(order, row)
      let rank = batch.ranks[row]
      guard let old = Item(state[0]) else {
        state[0] = codec.make(values, row, rank).word
        return
      }
      if !wins(codec.key.bytes, rank, old) { return }
      state[0] = codec.make(values, row, rank, instead: old).word
    }
  }

  private func wins(_ key: UnsafeBufferPointer<UInt8>, _ rank: Rank, _ old: Item) -> Bool {
    switch spec.function {
    case .first: return rank < old.rank
    case .last: return !(rank < old.rank)
    default:
      let order = Item.compare(key, old.key)
      return order == 0 ? rank < old.rank : (order < 0) == (spec.function == .minBy)
    }
  }

  override func merge(_ other: AggregateState, into state: AggregateState) {
    guard let item = Item(other[0]) else { return }
    if let old = Item(state[0]), !wins(item.key, item.rank, old) { return release(other) }
    release(state)
    swap(&state[0], &other[0])
  }
  override func finish(_ state: AggregateState, _ count: UInt64, into column: Column, _ row: Int, _ context: Context) throws(EventFailure) {
    guard let item = Item(state[0]), codec.read(item, into: column, row, context.arena) else { throw Aggregate.damaged }
  }
  override func release(_ state: AggregateState) {
    Item(state[0])?.release(memory)
    state[0] = 0
  }
  override func write(_ state: AggregateState, into buffer: inout ByteBuffer) {
    let item = Item(state[0])
    buffer.byte(item == nil ? 0 : 1)
    item?.write(into: &buffer)
  }
  override func read(_ reader: inout StateReader, _ state: AggregateState) -> Bool {
    guard let flag = reader.byte(), flag <= 1 else { return false }
    if flag == 0 { return true }
    guard let item = codec.item(&reader) else { return false }
    state[0] = item.word
    return true
  }
}
