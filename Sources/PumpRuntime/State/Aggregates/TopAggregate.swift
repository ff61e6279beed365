import Glibc

/// `top`: the items of the greatest order, the greatest first and of equal ones the earliest first; where ties count, all whose
/// order is that of the last. An entry keeps aside how many there are, how many there is room for, a mark, and the items' addresses.
///
/// Where more items tie than the limit allows, they are dropped and the mark keeps their key: the result fails as long as
/// they would be in it, and no longer.
final class TopAggregate: Aggregate {
  private let codec: ItemCodec
  private let most: Int

  override init(_ spec: AggregateSpec, _ shape: Shape, _ memory: StateMemory) {
    codec = ItemCodec(spec, shape, memory)
    most = max(1, spec.count ?? 1)
    super.init(spec, shape, memory)
  }

  override var size: Int { 1 }
  override var isDefinedForNothing: Bool { true }

  private struct Items {
    static let head = 3
    /// Count, capacity, mark, items.
    var words: UnsafeMutablePointer<UInt64>
    var count: Int {
      get { Int(words[0]) }
      nonmutating set { words[0] = UInt64(newValue) }
    }
    var mark: Item? { Item(words[2]) }
    subscript(place: Int) -> Item { Item(words[Items.head + place])! }
  }

  private func items(_ state: AggregateState) -> Items? {
    UnsafeMutablePointer<UInt64>(bitPattern: UInt(state[0])).map { Items(words: $0) }
  }

  /// With room for one more.
  private func room(_ state: AggregateState) -> Items {
    let old = items(state)
    if let old, old.count < Int(old.words[1]) { return old }
    let capacity = old.map { Int($0.words[1]) * 2 } ?? 5
    let bytes = (Items.head + capacity) * 8
    let words = memory.allocate(bytes).bindMemory(to: UInt64.self, capacity: Items.head + capacity)
    if let old {
      memcpy(words, old.words, (Items.head + old.count) * 8)
      memory.release(old.words, (Items.head + Int(old.words[1])) * 8)
    } else {
      (words[0], words[2]) = (0, 0)
    }
    words[1] = UInt64(capacity)
    state[0] = UInt64(UInt(bitPattern: words))
    return Items(words: words)
  }

  override func add(_ batch: AggregateBatch) {
    let (values, order) = (argument(batch), batch.columns[spec.by!])
    each(batch) { state, row in
      codec.setKey(order, row)
      let rank = batch.ranks[row]
      if let items = items(state), !isIn(codec.key.bytes, rank, items) { return }
      insert(codec.make(values, row, rank), state)
    }
  }

  /// Whether an item would be among the items of the result as far as they are known.
  private func isIn(_ key: UnsafeBufferPointer<UInt8>, _ rank: Rank, _ items: Items) -> Bool {
    if let mark = items.mark, Item.compare(key, mark.key) <= 0 { return false }
    guard items.count >= most else { return true }
    let last = items[most - 1]
    let order = Item.compare(key, last.key)
    return order > 0 || (order == 0 && (spec.keepsTies || rank < last.rank))
  }

  /// Puts an item behind those that are greater or not later.
  private func insert(_ item: Item, _ state: AggregateState) {
    let items = room(state)
    var (low, high) = (0, items.count)
    while low < high {
      let middle = (low + high) / 2
      let order = Item.compare(item.key, items[middle].key)
      if order > 0 || (order == 0 && item.rank < items[middle].rank) { high = middle } else { low = middle + 1 }
    }
    let target = items.words + Items.head + low
    memmove(target + 1, target, (items.count - low) * 8)
    target.pointee = item.word
    items.count += 1
    cut(items)
  }

  /// Drops what is no longer in the result, and those that tie where they are too many.
  private func cut(_ items: Items) {
    if items.count >= most, let mark = items.mark {
      mark.release(memory)
      items.words[2] = 0
    }
    if items.count > most {
      let last = items[most - 1].key
      while items.count > most, !spec.keepsTies || Item.compare(items[items.count - 1].key, last) < 0 { drop(items) }
    }
    guard spec.keepsTies, let limit = spec.limit, items.count > limit else { return }
    let last = items[min(most, items.count) - 1]
    mark(last.key, items)
  }

  private func drop(_ items: Items) {
    items.count -= 1
    items[items.count].release(memory)
  }

  /// Drops all items whose order is not greater than a key, which is marked.
  private func mark(_ key: UnsafeBufferPointer<UInt8>, _ items: Items) {
    let mark = Item(key, UnsafeBufferPointer(start: key.baseAddress, count: 0), Rank(time: 0, order: 0), memory)
    while items.count > 0, Item.compare(items[items.count - 1].key, mark.key) <= 0 { drop(items) }
    items.mark?.release(memory)
    items.words[2] = mark.word
  }

  override func merge(_ other: AggregateState, into state: AggregateState) {
    guard let others = items(other) else { return }
    if items(state) == nil { return swap(&state[0], &other[0]) }
    if let mark = others.mark {
      let items = room(state)
      if items.mark.map({ Item.compare(mark.key, $0.key) > 0 }) ?? true,
        items.count < most || Item.compare(items[most - 1].key, mark.key) <= 0
      {
        self.mark(mark.key, items)
        cut(items)
      }
    }
    for place in 0..<others.count {
      let item = others[place]
      if isIn(item.key, item.rank, room(state)) { insert(item, state) } else { item.release(memory) }
    }
    others.count = 0
    release(other)
  }

  override func finish(_ state: AggregateState, _ count: UInt64, into column: Column, _ row: Int, _ context: Context) throws(EventFailure) {
    let child = column.children[0]
    let start = child.count
    let items = items(state)
    if items?.mark != nil { throw tooMany }
    for place in 0..<(items?.count ?? 0) {
      guard codec.read(items![place], into: child, start + place, context.arena) else { throw Aggregate.damaged }
    }
    column.set(Slice(start, child.count - start), row)
  }

  override func release(_ state: AggregateState) {
    guard let items = items(state) else { return }
    while items.count > 0 { drop(items) }
    items.mark?.release(memory)
    memory.release(items.words, (Items.head + Int(items.words[1])) * 8)
    state[0] = 0
  }

  override func write(_ state: AggregateState, into buffer: inout ByteBuffer) {
    let items = items(state)
    buffer.state(UInt64(items?.count ?? 0) << 1 | (items?.mark == nil ? 0 : 1))
    guard let items else { return }
    for place in 0..<items.count { items[place].write(into: &buffer) }
    guard let mark = items.mark else { return }
    buffer.state(UInt64(mark.key.count))
    buffer.raw(mark.key.baseAddress!, mark.key.count)
  }

  override func read(_ reader: inout StateReader, _ state: AggregateState) -> Bool {
    guard let head = reader.count() else { return false }
    for _ in 0..<head >> 1 {
      guard let item = codec.item(&reader) else { return false }
      insert(item, state)
    }
    guard head & 1 == 1 else { return true }
    guard let length = reader.count(), let key = reader.slice(length), length > 0 else { return false }
    mark(key, room(state))
    return true
  }
}
