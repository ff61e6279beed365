#if PostgreSQL
import PumpConnectorKit

/// A column of a table whose changes are given: writes its values as JSON, in the forms that the `table` source of the same
/// column gives and `decode json` reads.
struct ChangeColumn {
  let name: String
  private let names = Arena()
  private let key: Text
  private let element: ServerColumn?
  private let column: ServerColumn

  init(name: String, type: ChangeType) {
    self.name = name
    key = names.copy(name)
    column = ServerColumn(name: name, oid: type.oid)
    element = type.element.map { ServerColumn(name: name, oid: $0) }
  }

  /// `"name":value`; nil is null.
  func json(_ value: Text?, _ out: inout ByteBuffer) {
    out.quoted(key)
    out.raw(":")
    guard let value else { return out.raw("null") }
    guard let element else { return Self.json(value, column, &out) }
    var array = ArrayText(value, element)
    array.json(&out)
  }

  fileprivate static func json(_ value: Text, _ column: ServerColumn, _ out: inout ByteBuffer) {
    switch column.family {
    case .bool: out.raw(value.count == 1 && value[0] == UInt8(ascii: "t") ? "true" : "false")
    case .int, .json: out.raw(value)
    case .float, .numeric:
      let isNumber = value.count > 0 && value.bytes.allSatisfy { $0 <= 0x39 || $0 == UInt8(ascii: "e") }
      if isNumber { out.raw(value) } else { out.quoted(value) }
    case .bytea: read(value, Column(.bytes), &out)
    case .timestamp, .timestamptz: read(value, Column(.timestamp), &out)
    default: out.quoted(Text(value.base, value.count))
    }
  }

  /// As the runtime writes it; what it cannot hold, such as `infinity`, as its text.
  private static func read(_ value: Text, _ column: Column, _ out: inout ByteBuffer) {
    let arena = Arena()
    if column.readPostgres(value, 0, Context(arena: arena)) { out.json(column, 0, JSONOptions()) } else { out.quoted(value) }
  }
}

/// An array in the server's text form: `{1,NULL,"a b"}`, `{{1},{2}}`, `[0:1]={1,2}`.
private struct ArrayText {
  private let text: Text
  private let element: ServerColumn
  private let delimiter: UInt8
  private var i = 0

  init(_ text: Text, _ element: ServerColumn) {
    self.text = text
    self.element = element
    // Only boxes have commas of their own.
    delimiter = UInt8(ascii: element.oid == 603 ? ";" : ",")
    // Bounds say where the first element stands; a list begins where it begins.
    if text.count > 0, text[0] == UInt8(ascii: "[") { i = (text.bytes.firstIndex(of: UInt8(ascii: "=")) ?? -1) + 1 }
  }

  mutating func json(_ out: inout ByteBuffer) {
    guard i < text.count, text[i] == UInt8(ascii: "{") else { return value(&out) }
    i += 1
    out.raw("[")
    var isFirst = true
    while i < text.count, text[i] != UInt8(ascii: "}") {
      if text[i] == delimiter { i += 1 }
      if !isFirst { out.raw(",") }
      isFirst = false
      json(&out)
    }
    i += 1
    out.raw("]")
  }

  private mutating func value(_ out: inout ByteBuffer) {
    let isQuoted = i < text.count && text[i] == 0x22
    if isQuoted { i += 1 }
    var value = ByteBuffer(capacity: 64)
    defer { value.release() }
    while i < text.count {
      let byte = text[i]
      if isQuoted ? byte == 0x22 : byte == delimiter || byte == UInt8(ascii: "}") { break }
      if byte == 0x5C, i + 1 < text.count { i += 1 }
      value.byte(text[i])
      i += 1
    }
    if isQuoted { i += 1 }
    let text = Text(value.base, value.count)
    if !isQuoted, text == Text("NULL") { return out.raw("null") }
    ChangeColumn.json(text, element, &out)
  }
}
#endif
