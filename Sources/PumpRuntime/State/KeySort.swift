import Glibc

extension StateTable {
  /// All entries, by the bytes of their keys.
  public func sorted() -> [Int32] {
    var entries: [Int32] = []
    entries.reserveCapacity(count)
    forEach { entries.append($0) }
    return sorted(entries)
  }

  /// These entries, by the bytes of their keys.
  func sorted(_ entries: [Int32]) -> [Int32] { KeySort.sorted(entries) { self.key($0) } }
}

/// Sorts entries by their keys. Most are told apart by eight bytes behind those that all keys begin with, which stand beside the
/// entry while it is sorted: the keys themselves are anywhere in memory.
enum KeySort {
  private struct Item {
    var prefix: UInt64
    var entry: Int32
  }

  static func sorted(_ entries: [Int32], _ key: (Int32) -> UnsafeBufferPointer<UInt8>) -> [Int32] {
    guard let first = entries.first.map(key) else { return [] }
    var common = first.count
    for entry in entries {
      let other = key(entry)
      common = min(common, other.count)
      if memcmp(first.baseAddress!, other.baseAddress!, common) == 0 { continue }
      var place = 0
      while first[place] == other[place] { place += 1 }
      common = place
    }
    var items = entries.map { Item(prefix: prefix(key($0), common), entry: $0) }
    items.sort { a, b in
      if a.prefix != b.prefix { return a.prefix < b.prefix }
      return less(key(a.entry), key(b.entry))
    }
    return items.map(\.entry)
  }

  /// The eight bytes from a place on, zeros behind the end.
  private static func prefix(_ key: UnsafeBufferPointer<UInt8>, _ start: Int) -> UInt64 {
    var value: UInt64 = 0
    for place in start..<start + 8 { value = value << 8 | (place < key.count ? UInt64(key[place]) : 0) }
    return value
  }

  static func less(_ a: UnsafeBufferPointer<UInt8>, _ b: UnsafeBufferPointer<UInt8>) -> Bool {
    let order = memcmp(a.baseAddress!, b.baseAddress!, min(a.count, b.count))
    return order < 0 || (order == 0 && a.count < b.count)
  }
}
