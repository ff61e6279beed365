import Glibc

/// A hash table from packed keys to states of some words: open addressing with linear probing, 8 bytes a slot, no object for each
/// entry. An entry is a number; its state has one address for as long as it lives. One thread has the table at a time.
///
/// An entry is a block of the length of the key (4 bytes), the key, and the state. How long a key it has room for follows from the
/// first key of the table; longer ones stand apart, each in a block of its own.
public final class StateTable {
  /// Words of state of each entry.
  public let words: Int
  /// Entries that are there.
  public private(set) var count = 0

  /// The upper half of each is of the hash, the lower one the entry and 1; 0 where there is none. What the upper bits of a hash
  /// say comes first, so that a larger table is filled from a smaller one in order.
  private var slots: UnsafeMutablePointer<UInt64>
  private var slotBits = StateTable.leastBits
  private static let leastBits = 6

  /// Blocks of entries: all chunks but the first few are of one size.
  private var chunks: [UnsafeMutableRawPointer] = []
  private static let chunkBits = 10
  /// Entries that were ever made, and the last of those that are free again: each names the one before it.
  private var made = 0
  private var free: Int32 = -1
  /// Bytes of a block, and of them those before the state; 0 before the first key.
  private var stride = 0
  private var area = 0
  /// Bytes of keys that stand apart.
  private var apart = 0

  /// What `touch` read: it must be of use to be done.
  private var touched: UInt32 = 0

  private static let freed = UInt32.max
  private static var empty: UnsafePointer<UInt8> { UnsafePointer(bitPattern: 16)! }

  // `slots` has 2^slotBits places, at least a quarter of them 0. A block's length says where its key is: in the block, or in
  // memory of `malloc` whose address stands at byte 8. Nobody keeps an address of a key past a change of the table.

  public init(words: Int) {
    self.words = words
    slots = StateTable.zeros(1 << StateTable.leastBits)
  }

  deinit {
    freeKeys()
    for chunk in chunks { chunk.deallocate() }
    Glibc.free(slots)
  }

  /// Memory that is held, in bytes.
  public var bytes: Int { 8 << slotBits + chunks.count * (stride << StateTable.chunkBits) + apart }

  // MARK: Finding

  /// The entry of a key, -1 if it has none.
  public func find(_ key: UnsafeBufferPointer<UInt8>) -> Int32 {
    let base = key.baseAddress ?? StateTable.empty
    return entry(slot(base, key.count, StateTable.tag(base, key.count)))
  }

  /// The entry of a key, which is made where it has none; its state is zeros then.
  public func insert(_ key: UnsafeBufferPointer<UInt8>) -> (entry: Int32, isNew: Bool) {
    let base = key.baseAddress ?? StateTable.empty
    let tag = StateTable.tag(base, key.count)
    let place = slot(base, key.count, tag)
    let found = entry(place)
    if found >= 0 { return (found, false) }
    return (make(base, key.count, place, tag), true)
  }

  /// What `insert` gives for one key after the other: sooner than that where the table is large, because the processor waits for many
  /// places of memory at once. Where there are `limit` entries, a key that has none gets -1. `isNew`, if it is given, says for each
  /// key whether its entry was made.
  public func insert(
    _ keys: PackedKeys, limit: Int = .max, into entries: UnsafeMutablePointer<Int32>, isNew: UnsafeMutablePointer<Bool>? = nil
  ) {
    visit(keys) { index, base, length, tag in
      let place = slot(base, length, tag)
      var found = entry(place)
      let isMade = found < 0 && count < limit
      if isMade { found = make(base, length, place, tag) }
      entries[index] = found
      isNew?[index] = isMade
    }
  }

  /// What `find` gives for each key.
  public func find(_ keys: PackedKeys, into entries: UnsafeMutablePointer<Int32>) {
    visit(keys) { index, base, length, tag in entries[index] = entry(slot(base, length, tag)) }
  }

  /// Visits keys with their tags. Those of a large table touch what they will look at some keys before.
  @inline(__always)
  private func visit(_ keys: PackedKeys, _ body: (Int, UnsafePointer<UInt8>, Int, UInt32) -> Void) {
    let width = 32
    withUnsafeTemporaryAllocation(of: UInt32.self, capacity: width) { tags in
      var start = 0
      while start < keys.count {
        let end = min(start + width, keys.count)
        for index in start..<end { tags[index - start] = StateTable.tag(keys[index].baseAddress!, keys[index].count) }
        if slotBits > 12 { touch(UnsafeBufferPointer(rebasing: tags[..<(end - start)])) }
        for index in start..<end { body(index, keys[index].baseAddress!, keys[index].count, tags[index - start]) }
        start = end
      }
    }
  }

  /// Reads the slots of tags, then the blocks that these lead to: no read hangs on the one before.
  private func touch(_ tags: UnsafeBufferPointer<UInt32>) {
    withUnsafeTemporaryAllocation(of: UInt64.self, capacity: tags.count) { found in
      for index in 0..<tags.count { found[index] = slots[Int(tags[index] >> UInt32(32 - slotBits))] }
      var sum: UInt32 = 0
      for index in 0..<tags.count where found[index] >> 32 == UInt64(tags[index]) {
        sum &+= block(Int32(truncatingIfNeeded: found[index] & 0xFFFF_FFFF) - 1).load(as: UInt32.self)
      }
      touched = sum
    }
  }

  @inline(__always)
  private static func tag(_ base: UnsafePointer<UInt8>, _ count: Int) -> UInt32 {
    UInt32(truncatingIfNeeded: KeyHash.of(base, count) >> 32)
  }

  /// Where a key is, or the empty slot where it would be.
  @inline(__always)
  private func slot(_ base: UnsafePointer<UInt8>, _ count: Int, _ tag: UInt32) -> Int {
    let slots = self.slots
    let mask = 1 << slotBits - 1
    var place = Int(tag >> UInt32(32 - slotBits))
    while true {
      let slot = slots[place]
      if slot == 0 { return place }
      if slot >> 32 == UInt64(tag) {
        let block = block(Int32(truncatingIfNeeded: slot & 0xFFFF_FFFF) - 1)
        if block.load(as: UInt32.self) == UInt32(truncatingIfNeeded: count), sameBytes(base, keyBase(block, count), count) { return place }
      }
      place = (place + 1) & mask
    }
  }

  /// The entry of a slot, -1 if it is empty.
  @inline(__always)
  private func entry(_ place: Int) -> Int32 { Int32(truncatingIfNeeded: slots[place] & 0xFFFF_FFFF) - 1 }

  @inline(__always)
  private func block(_ entry: Int32) -> UnsafeMutableRawPointer {
    chunks[Int(entry) >> StateTable.chunkBits] + (Int(entry) & (1 << StateTable.chunkBits - 1)) * stride
  }

  @inline(__always)
  private func keyBase(_ block: UnsafeMutableRawPointer, _ count: Int) -> UnsafePointer<UInt8> {
    count <= area - 4
      ? UnsafePointer((block + 4).assumingMemoryBound(to: UInt8.self)) : block.load(fromByteOffset: 8, as: UnsafePointer<UInt8>.self)
  }

  /// The words of an entry.
  @inline(__always)
  public func state(_ entry: Int32) -> UnsafeMutablePointer<UInt64> { (block(entry) + area).assumingMemoryBound(to: UInt64.self) }

  /// The key of an entry; its bytes stay where they are until the entry is removed.
  public func key(_ entry: Int32) -> UnsafeBufferPointer<UInt8> {
    let block = block(entry)
    let count = Int(block.load(as: UInt32.self))
    return UnsafeBufferPointer(start: keyBase(block, count), count: count)
  }

  // MARK: Changing

  private func make(_ base: UnsafePointer<UInt8>, _ length: Int, _ place: Int, _ tag: UInt32) -> Int32 {
    let entry = make(base, length)
    slots[place] = UInt64(tag) << 32 | UInt64(entry + 1)
    count += 1
    if count > (3 << slotBits) / 4 { widen() }
    return entry
  }

  private func make(_ base: UnsafePointer<UInt8>, _ length: Int) -> Int32 {
    precondition(length < Int(StateTable.freed), "a key is shorter than 4 GiB")
    if area == 0 {
      area = max(16, (min(length, 44) + 11) & ~7)
      stride = area + words * 8
    }
    let entry: Int32
    if free >= 0 {
      entry = free
      free = block(entry).load(fromByteOffset: 8, as: Int32.self)
    } else {
      precondition(made < Int(Int32.max), "a table has less than 2^31 entries")
      if made >> StateTable.chunkBits == chunks.count {
        chunks.append(.allocate(byteCount: stride << StateTable.chunkBits, alignment: 16))
      }
      entry = Int32(made)
      made += 1
    }
    let block = block(entry)
    block.storeBytes(of: UInt32(length), as: UInt32.self)
    memset(block + area, 0, words * 8)
    if length <= area - 4 {
      memcpy(block + 4, base, length)
    } else {
      let memory = malloc(length)!
      memcpy(memory, base, length)
      block.storeBytes(of: memory, toByteOffset: 8, as: UnsafeMutableRawPointer.self)
      apart += StateTable.held(length)
    }
    return entry
  }

  /// What a block of `malloc` takes.
  private static func held(_ length: Int) -> Int { max(32, (length + 23) & ~15) }

  /// Twice the slots. Those of one upper part of the hash stay together, so both tables are walked in order.
  private func widen() {
    let (old, oldCount) = (slots, 1 << slotBits)
    slotBits += 1
    let larger = StateTable.zeros(1 << slotBits)
    let mask = 1 << slotBits - 1
    for index in 0..<oldCount where old[index] != 0 {
      var place = Int(old[index] >> UInt64(64 - slotBits))
      while larger[place] != 0 { place = (place + 1) & mask }
      larger[place] = old[index]
    }
    Glibc.free(old)
    slots = larger
  }

  /// Takes an entry out; its number and its key's memory serve others.
  public func remove(_ entry: Int32) {
    let key = key(entry)
    let base = key.baseAddress!
    var hole = slot(base, key.count, StateTable.tag(base, key.count))
    // Those behind move up until one is where it wants to be: no marks of what was removed are needed.
    let mask = 1 << slotBits - 1
    var next = (hole + 1) & mask
    while slots[next] != 0 {
      let wanted = Int(slots[next] >> UInt64(64 - slotBits))
      if (next - wanted) & mask >= (next - hole) & mask {
        slots[hole] = slots[next]
        hole = next
      }
      next = (next + 1) & mask
    }
    slots[hole] = 0
    let block = block(entry)
    if key.count > area - 4 {
      Glibc.free(UnsafeMutableRawPointer(mutating: base))
      apart -= StateTable.held(key.count)
    }
    block.storeBytes(of: StateTable.freed, as: UInt32.self)
    block.storeBytes(of: free, toByteOffset: 8, as: Int32.self)
    free = entry
    count -= 1
  }

  /// Takes all entries out. Up to 1 MiB of memory is kept for those to come.
  public func removeAll() {
    freeKeys()
    while let last = chunks.last, (chunks.count * stride) << StateTable.chunkBits > 1 << 20 {
      last.deallocate()
      chunks.removeLast()
    }
    // Fewer slots suffice for what may come; where as many are wanted again, they are made again.
    if slotBits > 12 {
      Glibc.free(slots)
      slotBits = StateTable.leastBits
      slots = StateTable.zeros(1 << slotBits)
    } else if count > 0 {
      memset(slots, 0, 8 << slotBits)
    }
    (count, made, free) = (0, 0, -1)
    if chunks.isEmpty { (area, stride) = (0, 0) }
  }

  private func freeKeys() {
    guard apart > 0 else { return }
    forEach { entry in
      let key = key(entry)
      if key.count > area - 4 { Glibc.free(UnsafeMutableRawPointer(mutating: key.baseAddress!)) }
    }
    apart = 0
  }

  private static func zeros(_ count: Int) -> UnsafeMutablePointer<UInt64> {
    // Large ones are pages that are zeros already.
    calloc(count, 8)!.assumingMemoryBound(to: UInt64.self)
  }

  // MARK: All entries

  /// Visits all entries, in no order that means anything; the one that is visited may be removed.
  public func forEach(_ body: (Int32) throws -> Void) rethrows {
    for entry in 0..<Int32(made) where block(entry).load(as: UInt32.self) != StateTable.freed { try body(entry) }
  }
}
