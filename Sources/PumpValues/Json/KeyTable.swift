import Glibc

/// The keys of an object in their declared order, ready for comparison with text as it stands in JSON.
/// Nothing of it changes once it is made.
public struct KeyTable: ~Copyable, @unchecked Sendable {
  @frozen @usableFromInline struct Entry {
    @usableFromInline let word: UInt64
    @usableFromInline let mask: UInt64
    /// The key with its quotes.
    @usableFromInline let base: UnsafePointer<UInt8>
    @usableFromInline let length: Int
    @usableFromInline let next: Int

    /// Whether the key stands here. Most are compared as one or two words, the second of which may share bytes with the first.
    @inlinable @inline(__always)
    func matches(_ p: UnsafePointer<UInt8>) -> Bool {
      func word(_ place: UnsafePointer<UInt8>) -> UInt64 { UnsafeRawPointer(place).loadUnaligned(as: UInt64.self) }
      guard (word(p) ^ self.word) & mask == 0 else { return false }
      if length <= 8 { return true }
      return word(p + length - 8) == word(base + length - 8) && (length <= 16 || memcmp(p + 8, base + 8, length - 16) == 0)
    }
  }
  @usableFromInline let entries: UnsafeMutablePointer<Entry>
  public let count: Int

  /// Lives as long as the program: tables are made once for each type.
  public init(_ keys: [String]) {
    count = keys.count
    entries = .allocate(capacity: max(1, keys.count))
    if keys.isEmpty {
      let nothing = UnsafeMutablePointer<UInt8>.allocate(capacity: 16)
      entries.initialize(to: Entry(word: 0, mask: .max, base: nothing, length: 8, next: 0))
    }
    for (index, key) in keys.enumerated() {
      // A key that needs escapes in JSON never equals raw bytes; it is found by its unescaped text.
      let bytes = [UInt8(ascii: "\"")] + Array(key.utf8) + [UInt8(ascii: "\"")]
      let copy = UnsafeMutablePointer<UInt8>.allocate(capacity: bytes.count + 16)
      copy.initialize(repeating: 0, count: bytes.count + 16)
      for (place, byte) in bytes.enumerated() { copy[place] = byte }
      let word = UnsafeRawPointer(copy).loadUnaligned(as: UInt64.self)
      let mask: UInt64 = bytes.count >= 8 ? .max : (1 << UInt64(8 * bytes.count)) - 1
      let plain = !key.utf8.contains { $0 < 0x20 || $0 == 0x22 || $0 == 0x5C }
      (entries + index).initialize(
        to: Entry(
          word: plain ? word : 0, mask: plain ? mask : .max, base: UnsafePointer(copy), length: bytes.count,
          next: index + 1 < keys.count ? index + 1 : 0))
    }
  }
}
