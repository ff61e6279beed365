#if MongoDB
internal import CMongoDB
import PumpConnectorKit

/// How a document is written as JSON.
enum JSONStyle {
  /// As `decode json` reads it.
  case plain
  /// Relaxed extended JSON, from which the same document can be made again.
  case extended
}

extension ByteBuffer {
  mutating func json(_ document: Document, _ style: JSONStyle, asArray: Bool = false) {
    byte(asArray ? UInt8(ascii: "[") : UInt8(ascii: "{"))
    var isFirst = true
    for item in document {
      if !isFirst { byte(UInt8(ascii: ",")) }
      isFirst = false
      if !asArray {
        quoted(item.name)
        byte(UInt8(ascii: ":"))
      }
      json(item, style)
    }
    byte(asArray ? UInt8(ascii: "]") : UInt8(ascii: "}"))
  }

  mutating func json(_ item: Document.Item, _ style: JSONStyle) {
    switch item.type {
    case .double: number(item.double, style)
    case .string: quoted(item.text)
    case .symbol, .code: wrapped(item.type == .code ? "$code" : "$symbol", item.text, style)
    case .document: json(item.document, style)
    case .array: json(item.document, style, asArray: true)
    case .binary: binary(item, style)
    case .undefined: raw(style == .plain ? "null" : "{\"$undefined\":true}")
    case .null: raw("null")
    case .objectId:
      raw(style == .plain ? "\"" : "{\"$oid\":\"")
      hex(item.value)
      raw(style == .plain ? "\"" : "\"}")
    case .bool: bool(item.bool)
    case .date: date(item, style)
    case .int32: int(Int64(item.int32))
    case .int64: int(item.int64)
    case .decimal: decimal(item, style)
    case .timestamp:
      // A number of its own in the high half, seconds since 1970.
      let seconds = item.int64 >> 32 & 0xFFFF_FFFF
      if style == .plain {
        json(Timestamp(seconds * 1_000_000))
      } else {
        text("{\"$timestamp\":{\"t\":\(seconds),\"i\":\(item.int64 & 0xFFFF_FFFF)}}")
      }
    case .regex, .pointer, .scopedCode, .largest, .smallest: foreign(item, style)
    }
  }

  private mutating func number(_ value: Double, _ style: JSONStyle) {
    if value.isFinite {
      let start = count
      // The shortest digits have no sign for a zero.
      if value == 0, value.sign == .minus { raw("-") }
      double(value)
      // So that it does not become a whole number on its way back.
      if style == .extended, !Text(base + start, count - start).bytes.contains(where: { $0 == 0x2E || $0 == 0x65 }) { raw(".0") }
      return
    }
    let name = value.isNaN ? "NaN" : value < 0 ? "-Infinity" : "Infinity"
    text(style == .plain ? "\"\(name)\"" : "{\"$numberDouble\":\"\(name)\"}")
  }

  private mutating func wrapped(_ name: String, _ text: Text, _ style: JSONStyle) {
    if style == .plain { return quoted(text) }
    self.text("{\"\(name)\":")
    quoted(text)
    raw("}")
  }

  private mutating func binary(_ item: Document.Item, _ style: JSONStyle) {
    if style == .plain {
      if item.subtype == 4, item.binary.count == 16 {
        let halves = UnsafeRawPointer(item.binary.base).loadUnaligned(as: (UInt64, UInt64).self)
        return json(Uuid(high: UInt64(bigEndian: halves.0), low: UInt64(bigEndian: halves.1)))
      }
      return json(Blob(item.binary))
    }
    raw("{\"$binary\":{\"base64\":")
    json(Blob(item.binary))
    raw(",\"subType\":\"")
    hex(Text(item.value.base + 4, 1))
    raw("\"}}")
  }

  private mutating func date(_ item: Document.Item, _ style: JSONStyle) {
    if style == .extended { raw("{\"$date\":") }
    // Relaxed extended JSON has texts for the years 1970 to 9999 only.
    if let time = item.time, style == .plain || item.int64 >= 0 {
      json(time)
    } else if style == .plain {
      int(item.int64)
    } else {
      text("{\"$numberLong\":\"\(item.int64)\"}")
    }
    if style == .extended { raw("}") }
  }

  private mutating func decimal(_ item: Document.Item, _ style: JSONStyle) {
    if style == .plain, let value = item.number { return decimal(value) }
    var bits = bson_decimal128_t(low: item.decimal.low, high: item.decimal.high)
    var text = [CChar](repeating: 0, count: Int(BSON_DECIMAL128_STRING))
    bson_decimal128_to_string(&bits, &text)
    let written = text.withUnsafeBufferPointer { String(cString: $0.baseAddress!) }
    if style == .extended { return self.text("{\"$numberDecimal\":\"\(written)\"}") }
    // What is not a number goes in quotes.
    self.text(written.last!.isNumber ? written : "\"\(written)\"")
  }

  /// Types that have no form but that of extended JSON.
  private mutating func foreign(_ item: Document.Item, _ style: JSONStyle) {
    let text = item.leading
    let rest = Text(text.end + 1, max(0, item.value.end - text.end - 1))
    switch item.type {
    case .regex:
      raw("{\"$regularExpression\":{\"pattern\":")
      quoted(text)
      raw(",\"options\":")
      quoted(Text(rest.base, max(0, rest.count - 1)))
      raw("}}")
    case .pointer:
      raw("{\"$dbPointer\":{\"$ref\":")
      quoted(text)
      raw(",\"$id\":{\"$oid\":\"")
      hex(rest)
      raw("\"}}}")
    case .scopedCode:
      raw("{\"$code\":")
      quoted(text)
      raw(",\"$scope\":")
      json(Document(rest), style)
      raw("}")
    default: raw(item.type == .largest ? "{\"$maxKey\":1}" : "{\"$minKey\":1}")
    }
  }
}

extension Document {
  func json(_ style: JSONStyle) -> String {
    var out = ByteBuffer(capacity: 256)
    defer { out.release() }
    out.json(self, style)
    return out.string
  }
}
#endif
