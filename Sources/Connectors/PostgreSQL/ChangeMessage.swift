#if PostgreSQL
import PumpConnectorKit

/// A message of the replication protocol: numbers are big-endian, texts end with a zero. Reading past its end gives zeros.
struct Message {
  /// A column's value in a row.
  enum Value: Equatable {
    case null
    /// Stored apart and not changed, so it was not sent.
    case unchanged
    /// In the server's text form, in the message's own memory.
    case text(Text)

    var text: Text? { if case .text(let text) = self { text } else { nil } }
  }

  private var base: UnsafePointer<UInt8>
  private var left: Int

  init(_ base: UnsafePointer<UInt8>, _ count: Int) {
    self.base = base
    left = count
  }

  mutating func byte() -> UInt8 {
    guard left > 0 else { return 0 }
    defer {
      base += 1
      left -= 1
    }
    return base[0]
  }
  private mutating func number(_ size: Int) -> UInt64 {
    var value: UInt64 = 0
    for _ in 0..<size { value = value << 8 | UInt64(byte()) }
    return value
  }
  mutating func int16() -> Int { Int(number(2)) }
  mutating func uint32() -> UInt32 { UInt32(truncatingIfNeeded: number(4)) }
  mutating func int64() -> Int64 { Int64(bitPattern: number(8)) }
  mutating func text() -> String {
    var bytes: [UInt8] = []
    while left > 0 {
      let next = byte()
      if next == 0 { break }
      bytes.append(next)
    }
    return String(decoding: bytes, as: UTF8.self)
  }
  private mutating func bytes(_ count: Int) -> Text {
    let size = max(0, min(count, left))
    defer {
      base += size
      left -= size
    }
    return Text(base, size)
  }

  /// The values of a row.
  mutating func tuple() -> [Value] {
    (0..<int16()).map { _ in
      switch byte() {
      case UInt8(ascii: "t"): .text(bytes(Int(uint32())))
      case UInt8(ascii: "u"): .unchanged
      default: .null
      }
    }
  }
}
#endif
