import Glibc

/// `distinct`: the different values, as keys in a hash table that an entry keeps aside.
final class DistinctAggregate: Aggregate {
  private let codec: KeyCodec
  private var key = ByteBuffer(capacity: 64)

  override init(_ spec: AggregateSpec, _ shape: Shape, _ memory: StateMemory) {
    codec = KeyCodec([shape])
    super.init(spec, shape, memory)
  }
  deinit { key.release() }

  override var size: Int { 1 }
  override var isDefinedForNothing: Bool { true }

  override func add(_ batch: AggregateBatch) {
    let column = argument(batch)
    each(batch) { state, row in
      if state[0] == KeySet.overflowed { return }
      key.count = 0
      key.key(shape, column, row)
      KeySet.insert(key.bytes, state, limit: spec.limit, memory)
    }
  }

  override func merge(_ other: AggregateState, into state: AggregateState) {
    if state[0] == 0 || other[0] == KeySet.overflowed { swap(&state[0], &other[0]) }
    if state[0] != KeySet.overflowed, let set = KeySet(other[0]) {
      set.forEach { KeySet.insert($0, state, limit: spec.limit, memory) }
    }
    release(other)
  }

  override func finish(_ state: AggregateState, _ count: UInt64, into column: Column, _ row: Int, _ context: Context) throws(EventFailure) {
    if state[0] == KeySet.overflowed { throw tooMany }
    column.set(Int64(KeySet(state[0])?.count ?? 0), row)
  }

  override func release(_ state: AggregateState) {
    KeySet(state[0])?.release(memory)
    state[0] = 0
  }

  override func write(_ state: AggregateState, into buffer: inout ByteBuffer) {
    if state[0] == KeySet.overflowed { return buffer.byte(1) }
    let set = KeySet(state[0])
    buffer.state(UInt64(set?.count ?? 0) << 1)
    set?.forEach {
      buffer.state(UInt64($0.count))
      buffer.raw($0.baseAddress!, $0.count)
    }
  }

  override func read(_ reader: inout StateReader, _ state: AggregateState) -> Bool {
    guard let head = reader.count() else { return false }
    if head == 1 {
      state[0] = KeySet.overflowed
      return true
    }
    let (trial, arena) = (Column(shape), Arena())
    for _ in 0..<head >> 1 {
      guard let length = reader.count(), let bytes = reader.slice(length), codec.unpack(bytes, into: [trial], 0, arena) else {
        return false
      }
      trial.clear()
      arena.reset()
      KeySet.insert(bytes, state, limit: spec.limit, memory)
    }
    return head & 1 == 0
  }
}

/// A set of keys in one block: its size, the bytes in use, the number of keys and of slots (8 bytes each); the slots, of 4 bytes, each 0 or
/// where its key is; then the keys, each behind its length of 4 bytes. A word of the entry is its address, or 1 where there were more keys
/// than allowed.
struct KeySet {
  static let overflowed: UInt64 = 1
  private static let head = 32
  private let base: UnsafeMutableRawPointer

  init?(_ word: UInt64) {
    guard word > KeySet.overflowed else { return nil }
    base = UnsafeMutableRawPointer(bitPattern: UInt(word))!
  }

  private init(slots: Int, keyBytes: Int, _ memory: StateMemory) {
    let size = StateMemory.size(KeySet.head + slots * 4 + keyBytes)
    base = memory.allocate(size)
    memset(base + KeySet.head, 0, slots * 4)
    for (place, value) in [size, KeySet.head + slots * 4, 0, slots].enumerated() {
      base.storeBytes(of: value, toByteOffset: place * 8, as: Int.self)
    }
  }

  private var size: Int { base.load(as: Int.self) }
  private var used: Int { base.load(fromByteOffset: 8, as: Int.self) }
  var count: Int { base.load(fromByteOffset: 16, as: Int.self) }
  private var slotCount: Int { base.load(fromByteOffset: 24, as: Int.self) }
  private var slots: UnsafeMutablePointer<UInt32> { (base + KeySet.head).assumingMemoryBound(to: UInt32.self) }
  private var word: UInt64 { UInt64(UInt(bitPattern: base)) }

  private func key(_ place: Int) -> UnsafeBufferPointer<UInt8> {
    let length = Int(base.loadUnaligned(fromByteOffset: place, as: UInt32.self))
    return UnsafeBufferPointer(start: (base + place + 4).assumingMemoryBound(to: UInt8.self), count: length)
  }

  /// The slot of a key, or the empty one where it would be.
  private func slot(_ key: UnsafeBufferPointer<UInt8>, _ hash: UInt64) -> Int {
    let (slots, mask) = (slots, slotCount - 1)
    var slot = Int(truncatingIfNeeded: hash) & mask
    while slots[slot] != 0 {
      let other = self.key(Int(slots[slot]))
      if other.count == key.count, sameBytes(other.baseAddress!, key.baseAddress!, key.count) { break }
      slot = (slot + 1) & mask
    }
    return slot
  }

  /// Adds a key. Where the limit does not allow it, nothing is kept any more.
  static func insert(_ key: UnsafeBufferPointer<UInt8>, _ state: AggregateState, limit: Int?, _ memory: StateMemory) {
    if state[0] == overflowed { return }
    let hash = KeyHash.of(key.baseAddress!, key.count)
    var set = KeySet(state[0])
    if let set, set.slots[set.slot(key, hash)] != 0 { return }
    let (count, used) = (set?.count ?? 0, (set?.used ?? 0) + 4 + key.count)
    // Places are of 32 bits.
    if count >= limit ?? .max || used >= 1 << 32 {
      set?.release(memory)
      state[0] = overflowed
      return
    }
    if set == nil || used > set!.size || count + 1 > set!.slotCount * 3 / 4 {
      set = larger(set, for: key.count, memory)
      state[0] = set!.word
    }
    set!.append(key, hash)
  }

  private func append(_ key: UnsafeBufferPointer<UInt8>, _ hash: UInt64) {
    let place = used
    slots[slot(key, hash)] = UInt32(place)
    base.storeBytes(of: UInt32(key.count), toByteOffset: place, as: UInt32.self)
    if key.count > 0 { memcpy(base + place + 4, key.baseAddress!, key.count) }
    base.storeBytes(of: place + 4 + key.count, toByteOffset: 8, as: Int.self)
    base.storeBytes(of: count + 1, toByteOffset: 16, as: Int.self)
  }

  /// The same keys with room for another one.
  private static func larger(_ old: KeySet?, for bytes: Int, _ memory: StateMemory) -> KeySet {
    guard let old else { return KeySet(slots: 8, keyBytes: (4 + bytes) * 4, memory) }
    let slots = old.count + 1 > old.slotCount * 3 / 4 ? old.slotCount * 2 : old.slotCount
    let keyBytes = old.used - head - old.slotCount * 4
    let set = KeySet(slots: slots, keyBytes: keyBytes + max(keyBytes, 4 + bytes), memory)
    old.forEach { set.append($0, KeyHash.of($0.baseAddress!, $0.count)) }
    old.release(memory)
    return set
  }

  func forEach(_ body: (UnsafeBufferPointer<UInt8>) -> Void) {
    var place = KeySet.head + slotCount * 4
    let end = used
    while place < end {
      let key = key(place)
      body(key)
      place += 4 + key.count
    }
  }

  func release(_ memory: StateMemory) { memory.release(base, size) }
}
