import Glibc

/// A value that an entry keeps aside, with its rank and the key by which it is ordered: a block of the lengths of key and value (4 bytes each),
/// time and order (8 each), the key, and the value as `RowCodec` packs it.
struct Item {
  private static let head = 24
  private let base: UnsafeMutableRawPointer

  /// What a word of an entry says.
  init?(_ word: UInt64) {
    guard let base = UnsafeMutableRawPointer(bitPattern: UInt(word)) else { return nil }
    self.base = base
  }

  init(_ key: UnsafeBufferPointer<UInt8>, _ value: UnsafeBufferPointer<UInt8>, _ rank: Rank, _ memory: StateMemory) {
    base = memory.allocate(Item.head + key.count + value.count)
    fill(key, value, rank)
  }

  /// Takes other contents; false if they need a block of another size.
  func set(_ key: UnsafeBufferPointer<UInt8>, _ value: UnsafeBufferPointer<UInt8>, _ rank: Rank) -> Bool {
    let (old, new) = (Item.head + keyCount + valueCount, Item.head + key.count + value.count)
    guard StateMemory.size(old) == StateMemory.size(new) else { return false }
    fill(key, value, rank)
    return true
  }

  private func fill(_ key: UnsafeBufferPointer<UInt8>, _ value: UnsafeBufferPointer<UInt8>, _ rank: Rank) {
    base.storeBytes(of: UInt32(key.count), as: UInt32.self)
    base.storeBytes(of: UInt32(value.count), toByteOffset: 4, as: UInt32.self)
    base.storeBytes(of: rank, toByteOffset: 8, as: Rank.self)
    if key.count > 0 { memcpy(base + Item.head, key.baseAddress!, key.count) }
    if value.count > 0 { memcpy(base + Item.head + key.count, value.baseAddress!, value.count) }
  }

  var word: UInt64 { UInt64(UInt(bitPattern: base)) }
  var rank: Rank { base.load(fromByteOffset: 8, as: Rank.self) }
  private var keyCount: Int { Int(base.load(as: UInt32.self)) }
  private var valueCount: Int { Int(base.load(fromByteOffset: 4, as: UInt32.self)) }
  private var bytes: UnsafeMutablePointer<UInt8> { (base + Item.head).assumingMemoryBound(to: UInt8.self) }
  var key: UnsafeBufferPointer<UInt8> { UnsafeBufferPointer(start: bytes, count: keyCount) }
  var value: UnsafeBufferPointer<UInt8> { UnsafeBufferPointer(start: bytes + keyCount, count: valueCount) }

  func release(_ memory: StateMemory) { memory.release(base, Item.head + keyCount + valueCount) }

  func write(into buffer: inout ByteBuffer) {
    buffer.state(signed: rank.time)
    buffer.state(signed: rank.order)
    for part in [key, value] {
      buffer.state(UInt64(part.count))
      buffer.raw(part.baseAddress!, part.count)
    }
  }

  /// -1, 0 or 1: the order of two keys.
  @inline(__always)
  static func compare(_ a: UnsafeBufferPointer<UInt8>, _ b: UnsafeBufferPointer<UInt8>) -> Int {
    let order = memcmp(a.baseAddress!, b.baseAddress!, min(a.count, b.count))
    return order != 0 ? Int(order.signum()) : (a.count - b.count).signum()
  }
}

/// Makes items of an aggregate's columns and reads them back.
final class ItemCodec {
  /// The key of the row that was last looked at.
  private(set) var key = ByteBuffer(capacity: 64)
  private var packed = ByteBuffer(capacity: 64)
  private let shape: Shape
  private let order: Shape?
  private let memory: StateMemory
  /// Where what is read from disk is tried out.
  private let trial: (value: Column, order: Column?)

  init(_ spec: AggregateSpec, _ shape: Shape, _ memory: StateMemory) {
    self.shape = shape
    order = spec.by == nil ? nil : Shape.of(spec.byType!)
    self.memory = memory
    trial = (Column(shape), order.map { Column($0) })
  }

  deinit {
    key.release()
    packed.release()
  }

  func setKey(_ column: Column?, _ row: Int) {
    key.count = 0
    if let column { key.key(order!, column, row) }
  }

  /// An item of a row and the key that was set, instead of another one, whose block it takes where that is as large.
  func make(_ column: Column, _ row: Int, _ rank: Rank, instead old: Item? = nil) -> Item {
    packed.count = 0
    packed.state(shape, column, row)
    if let old {
      if old.set(key.bytes, packed.bytes, rank) { return old }
      old.release(memory)
    }
    return Item(key.bytes, packed.bytes, rank, memory)
  }

  func read(_ item: Item, into column: Column, _ row: Int, _ arena: Arena) -> Bool {
    RowCodec(shape).unpack(item.value, into: column, row, arena)
  }

  /// An item as `write` wrote it, whose value and key can be read.
  func item(_ reader: inout StateReader) -> Item? {
    guard let time = reader.signed(), let place = reader.signed(), let keyCount = reader.count(), let key = reader.slice(keyCount),
      let valueCount = reader.count(), let value = reader.slice(valueCount)
    else { return nil }
    let arena = Arena()
    trial.value.clear()
    trial.order?.clear()
    guard RowCodec(shape).unpack(value, into: trial.value, 0, arena) else { return nil }
    if let order, let column = trial.order {
      guard KeyCodec([order]).unpack(key, into: [column], 0, arena) else { return nil }
    } else if keyCount > 0 {
      return nil
    }
    return Item(key, value, Rank(time: time, order: place), memory)
  }
}
