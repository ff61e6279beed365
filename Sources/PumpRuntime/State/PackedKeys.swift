/// Keys of many rows, one behind the other. Whoever made them releases them.
public struct PackedKeys {
  /// What `KeyCodec.pack` appends to; `end` closes a key.
  public var bytes = ByteBuffer(capacity: 4096)
  private var ends = PlainList<Int>()

  public init() {}

  public mutating func release() {
    bytes.release()
    ends.release()
  }

  public var count: Int { ends.count }

  /// Forgets all keys; memory is kept.
  public mutating func removeAll() {
    bytes.count = 0
    ends.removeAll()
  }

  /// What was appended since the last key is one.
  @inline(__always)
  public mutating func end() { ends.append(bytes.count) }

  @inline(__always)
  public subscript(place: Int) -> UnsafeBufferPointer<UInt8> {
    let start = place == 0 ? 0 : ends[place - 1]
    return UnsafeBufferPointer(start: bytes.base + start, count: ends[place] - start)
  }
}

extension KeyCodec {
  /// Appends the keys of rows.
  public func pack(_ columns: [Column], _ rows: Range<Int>, into keys: inout PackedKeys) {
    for row in rows {
      pack(columns, row, into: &keys.bytes)
      keys.end()
    }
  }
}
