import Glibc

/// Entries of steps as the log keeps them: what was put, and what is gone.
struct Changes {
  enum Operation: UInt8 { case put, drop, dropPrefix }
  private(set) var bytes = ByteBuffer(capacity: 4096)
  /// The step at hand, and which of its tables.
  var step: UInt16 = 0

  mutating func release() { bytes.release() }
  mutating func clear() { bytes.count = 0 }

  private mutating func head(_ operation: Operation, _ table: UInt8, _ key: UnsafeBufferPointer<UInt8>) {
    bytes.byte(operation.rawValue)
    bytes.byte(UInt8(truncatingIfNeeded: step))
    bytes.byte(UInt8(truncatingIfNeeded: step >> 8))
    bytes.byte(table)
    length(key.count)
    if key.count > 0 { bytes.raw(key.baseAddress!, key.count) }
  }

  private mutating func length(_ count: Int) { bytes.plain(UInt32(truncatingIfNeeded: count)) }

  mutating func put(_ table: UInt8, _ key: UnsafeBufferPointer<UInt8>, _ value: (inout ByteBuffer) -> Void) {
    head(.put, table, key)
    let start = bytes.count
    length(0)
    value(&bytes)
    var count = UInt32(truncatingIfNeeded: bytes.count - start - 4)
    memcpy(bytes.base + start, &count, 4)
  }

  mutating func put(_ table: UInt8, _ key: [UInt8], _ value: (inout ByteBuffer) -> Void) {
    key.withUnsafeBufferPointer { put(table, $0, value) }
  }

  mutating func drop(_ table: UInt8, _ key: [UInt8], prefix: Bool = false) {
    key.withUnsafeBufferPointer { head(prefix ? .dropPrefix : .drop, table, $0) }
  }

  /// Reads what was written; false where it is damaged.
  static func read(
    _ bytes: UnsafeBufferPointer<UInt8>,
    _ body: (Operation, _ step: UInt16, _ table: UInt8, _ key: UnsafeBufferPointer<UInt8>, _ value: UnsafeBufferPointer<UInt8>)
      throws(RunFailure) -> Void
  ) throws(RunFailure) -> Bool {
    var reader = Plain(bytes)
    while !reader.isAtEnd {
      guard let operation = reader.byte().flatMap(Operation.init), let low = reader.byte(), let high = reader.byte(),
        let table = reader.byte(),
        let key = reader.part()
      else { return false }
      var value = UnsafeBufferPointer<UInt8>(start: nil, count: 0)
      if operation == .put {
        guard let part = reader.part() else { return false }
        value = part
      }
      try body(operation, UInt16(low) | UInt16(high) << 8, table, key, value)
    }
    return true
  }
}

extension ByteBuffer {
  /// A number as it lies in memory.
  mutating func plain<Number: FixedWidthInteger>(_ number: Number) {
    var number = number.littleEndian
    withUnsafeBytes(of: &number) { raw($0.baseAddress!.assumingMemoryBound(to: UInt8.self), $0.count) }
  }

  /// Bytes behind their count.
  mutating func part(_ part: UnsafeBufferPointer<UInt8>) {
    plain(UInt32(truncatingIfNeeded: part.count))
    if part.count > 0 { raw(part.baseAddress!, part.count) }
  }
}

/// Reads numbers and parts that `ByteBuffer` wrote; nil at the end.
struct Plain {
  private let bytes: UnsafeBufferPointer<UInt8>
  private(set) var place = 0
  init(_ bytes: UnsafeBufferPointer<UInt8>) { self.bytes = bytes }

  var isAtEnd: Bool { place >= bytes.count }
  mutating func byte() -> UInt8? {
    guard place < bytes.count else { return nil }
    place += 1
    return bytes[place - 1]
  }
  mutating func number<Number: FixedWidthInteger>(_: Number.Type) -> Number? {
    let size = MemoryLayout<Number>.size
    guard place + size <= bytes.count else { return nil }
    defer { place += size }
    return Number(littleEndian: UnsafeRawPointer(bytes.baseAddress! + place).loadUnaligned(as: Number.self))
  }
  mutating func part() -> UnsafeBufferPointer<UInt8>? {
    guard let count = number(UInt32.self), place + Int(count) <= bytes.count else { return nil }
    defer { place += Int(count) }
    return UnsafeBufferPointer(rebasing: bytes[place..<place + Int(count)])
  }
  var rest: UnsafeBufferPointer<UInt8> { UnsafeBufferPointer(rebasing: bytes[place...]) }
}

/// The keys of a table that have changed since they were written last.
struct Dirty {
  private var keys: Set<[UInt8]> = []

  mutating func note(_ key: UnsafeBufferPointer<UInt8>) { keys.insert(Array(key)) }
  mutating func note(_ key: [UInt8]) { keys.insert(key) }
  mutating func take() -> Set<[UInt8]> {
    defer { keys.removeAll(keepingCapacity: true) }
    return keys
  }
}

extension Kept {
  /// The events of a list, behind how many they are.
  static func write(_ first: Kept?, into out: inout ByteBuffer) {
    var kept = first
    while let item = kept {
      out.plain(item.time)
      out.plain(item.order)
      out.byte(item.base.pointee.isMatched ? 1 : 0)
      out.part(item.bytes)
      kept = item.next
    }
  }

  /// The same again, in their order; nil where they are damaged.
  static func read(_ bytes: UnsafeBufferPointer<UInt8>) -> [Kept]? {
    var reader = Plain(bytes)
    var items: [Kept] = []
    while !reader.isAtEnd {
      guard let time = reader.number(Int64.self), let order = reader.number(Int64.self), let flag = reader.byte(), let part = reader.part()
      else {
        for item in items { item.free() }
        return nil
      }
      let item = Kept(part, time, order)
      item.base.pointee.isMatched = flag == 1
      items.last?.next = item
      items.append(item)
    }
    return items
  }

  static func free(_ first: Kept?) {
    var kept = first
    while let item = kept {
      kept = item.next
      item.free()
    }
  }
}
