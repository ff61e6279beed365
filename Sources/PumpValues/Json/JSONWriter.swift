import Glibc

/// How a Timestamp is written and read in JSON.
public enum TimeFormat: String, Sendable { case rfc3339, epochSeconds = "epoch_s", epochMillis = "epoch_ms" }

@usableFromInline let hexDigits = Text("0123456789abcdef")

extension ByteBuffer {
  /// A string with its quotes; what need not be escaped is not.
  @inlinable @inline(__always)
  public mutating func quoted(_ text: Text) {
    reserve(text.count + 18)
    base[count] = 0x22
    count += 1
    if text.jsonSafe {
      memcpy(base + count, text.base, text.count)
      count += text.count
    } else {
      escape(text)
    }
    byte(0x22)
  }

  /// One of the texts of a table.
  @inlinable public mutating func quoted(_ texts: borrowing KeyTable, _ index: Int) {
    let entry = texts.entries + index
    if entry.pointee.word != 0 {
      raw(entry.pointee.base, entry.pointee.length)
    } else {
      quoted(Text(entry.pointee.base + 1, entry.pointee.length - 2))
    }
  }

  @usableFromInline mutating func escape(_ text: Text) {
    var start = 0
    for i in 0..<text.count {
      let byte = text[i]
      if byte >= 0x20, byte != 0x22, byte != 0x5C { continue }
      raw(text.base + start, i - start)
      start = i + 1
      self.byte(0x5C)
      switch byte {
      case 0x22, 0x5C: self.byte(byte)
      case 8: self.byte(UInt8(ascii: "b"))
      case 9: self.byte(UInt8(ascii: "t"))
      case 10: self.byte(UInt8(ascii: "n"))
      case 12: self.byte(UInt8(ascii: "f"))
      case 13: self.byte(UInt8(ascii: "r"))
      default:
        raw("u00")
        self.byte(hexDigits[Int(byte >> 4)])
        self.byte(hexDigits[Int(byte & 15)])
      }
    }
    raw(text.base + start, text.count - start)
  }

  public mutating func bool(_ value: Bool) { if value { raw("true") } else { raw("false") } }

  public mutating func base64(_ text: Text) {
    reserve((text.count + 2) / 3 * 4)
    Base64.encode(text.count, { text[$0] }, { byte($0) })
  }
}

/// JSON of any value, as `encode json` writes it. Values are written by overloads of `json`, so that a record's writer
/// reads like the record.
extension ByteBuffer {
  @inlinable @inline(__always) public mutating func json(_ value: Int64) { int(value) }
  @inlinable @inline(__always) public mutating func json(_ value: Double) { double(value) }
  @inlinable @inline(__always) public mutating func json(_ value: Bool) { bool(value) }
  @inlinable @inline(__always) public mutating func json(_ value: Decimal) { decimal(value) }
  @inlinable @inline(__always) public mutating func json(_ value: Text) { quoted(value) }
  @inlinable public mutating func json(_ value: Json) { raw(value.text) }
  @inlinable public mutating func json(_ value: Timestamp) {
    byte(0x22)
    timestamp(value)
    byte(0x22)
  }
  public mutating func json(_ value: Timestamp, _ format: TimeFormat) {
    switch format {
    case .rfc3339: json(value)
    case .epochSeconds: json(Decimal(Int128(value.micros), scale: 6))
    case .epochMillis: json(Decimal(Int128(value.micros), scale: 3))
    }
  }
  @inlinable public mutating func json(_ value: Day) {
    byte(0x22)
    day(value)
    byte(0x22)
  }
  @inlinable public mutating func json(_ value: Duration) {
    byte(0x22)
    duration(value)
    byte(0x22)
  }
  @inlinable public mutating func json(_ value: Size) { int(value.bytes) }
  @inlinable public mutating func json(_ value: Uuid) {
    byte(0x22)
    uuid(value)
    byte(0x22)
  }
  public mutating func json(_ value: Blob) {
    byte(0x22)
    base64(value.text)
    byte(0x22)
  }
}
