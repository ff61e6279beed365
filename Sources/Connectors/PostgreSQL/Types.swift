#if PostgreSQL
import PumpConnectorKit

/// A column of a table or query, by what the server calls its type.
struct ServerColumn {
  let name: String
  let oid: UInt32

  /// Types that are treated alike. Their numbers are fixed, see `pg_type.dat` of PostgreSQL's sources.
  enum Family {
    case bool, int, float, numeric, text, bytea, timestamp, timestamptz, date, interval, uuid, json, array, other
  }

  var family: Family {
    switch oid {
    case 16: .bool
    case 20, 21, 23, 26: .int
    case 700, 701: .float
    case 1700: .numeric
    case 18, 19, 25, 1042, 1043: .text
    case 17: .bytea
    case 1114: .timestamp
    case 1184: .timestamptz
    case 1082: .date
    case 1186: .interval
    case 2950: .uuid
    case 114, 3802: .json
    case 199, 1000, 1001, 1005, 1007, 1009, 1014, 1015, 1016, 1021, 1022, 1115, 1182, 1185, 1187, 1231, 2951, 3807: .array
    default: .other
    }
  }

  /// Whether a field of this shape is stored in the column, and read from it. Columns with a precision (`numeric(10,2)`,
  /// `timestamptz(0)`, `real`, `char(n)`) may round or pad what they take.
  func holds(_ shape: Shape) -> Bool {
    switch shape.kind {
    case .bool: family == .bool
    case .int, .size: family == .int || family == .numeric
    case .float: family == .float
    case .decimal: family == .numeric || family == .int
    // Enums of the database, addresses and the like have a text form.
    case .string, .enumeration: family == .text || family == .other || family == .interval
    case .bytes: family == .bytea
    case .timestamp: family == .timestamptz || family == .timestamp
    case .date: family == .date
    case .duration: family == .interval || family == .int
    case .uuid: family == .uuid
    case .json: family == .json
    case .list: family == .array || family == .json || family == .other
    case .map, .record: family == .json
    }
  }

  /// What is asked for when the column is read as this shape.
  func selected(as shape: Shape) -> String {
    let name = SQL.quoted(self.name)
    switch (shape.kind, family) {
    case (.list, .array) where oid == 1001:
      // JSON has base64 for bytes, the server would give `\x…`.
      return """
        CASE WHEN \(name) IS NOT NULL THEN coalesce((SELECT json_agg(translate(encode(pump_e, 'base64'), E'\\n', '') ORDER BY pump_n)
        FROM unnest(\(name)) WITH ORDINALITY AS pump_u(pump_e, pump_n)), '[]') END
        """
    // Times without a zone are UTC, as they are outside of arrays.
    case (.list, .array) where oid == 1115: return "to_json(\(name)::timestamptz[])"
    case (.list, .array), (.list, .other): return "to_json(\(name))"
    default: return name
    }
  }
}

/// Writes values as the server reads them in text form.
extension ByteBuffer {
  /// Appends the plain text of a value that is not null.
  mutating func postgres(_ column: Column, _ row: Int, _ target: ServerColumn) {
    switch column.shape.kind {
    case .bool: raw(column.get(Bool.self, row) ? "t" : "f")
    case .int, .size: int(column.get(Int64.self, row))
    case .float: double(column.get(Double.self, row))
    case .decimal: decimal(column.get(Decimal.self, row))
    case .string, .json: raw(column.get(Text.self, row))
    case .bytes:
      raw("\\x")
      for byte in column.get(Text.self, row).bytes {
        self.byte(Self.hex[Int(byte >> 4)])
        self.byte(Self.hex[Int(byte & 15)])
      }
    case .timestamp: timestamp(column.get(Timestamp.self, row))
    case .date: day(column.get(Day.self, row))
    case .duration: if target.family == .interval { duration(column.get(Duration.self, row)) } else { int(column.get(Int64.self, row)) }
    case .uuid: uuid(column.get(Uuid.self, row))
    case .enumeration: raw(column.shape.wires[Int(column.get(Int64.self, row))])
    case .list where target.family != .json: array(column, row)
    case .list, .map, .record: json(column, row, JSONOptions())
    }
  }

  private static let hex = Array("0123456789abcdef".utf8)

  /// `{"a","b",NULL}`: every element in quotes, so that nothing in it means anything.
  private mutating func array(_ column: Column, _ row: Int) {
    let slice = column.get(Slice.self, row)
    let elements = column.children[0]
    byte(UInt8(ascii: "{"))
    for i in 0..<Int(slice.count) {
      if i > 0 { byte(UInt8(ascii: ",")) }
      let element = Int(slice.start) + i
      if elements.isNull(element) {
        raw("NULL")
      } else if elements.shape.kind == .list {
        array(elements, element)
      } else {
        var text = ByteBuffer(capacity: 64)
        text.postgres(elements, element, ServerColumn(name: "", oid: elements.shape.kind == .duration ? 1186 : 0))
        byte(UInt8(ascii: "\""))
        for each in text.bytes {
          if each == UInt8(ascii: "\"") || each == UInt8(ascii: "\\") { byte(UInt8(ascii: "\\")) }
          byte(each)
        }
        byte(UInt8(ascii: "\""))
        text.release()
      }
    }
    byte(UInt8(ascii: "}"))
  }

  /// A field of a line of COPY's text format.
  @inline(__always)
  mutating func copyField(_ column: Column, _ row: Int, _ target: ServerColumn) {
    if column.isNull(row) { return raw("\\N") }
    let start = count
    postgres(column, row, target)
    switch column.shape.kind {
    case .bool, .int, .size, .float, .decimal, .timestamp, .date, .duration, .uuid: return
    default: escapeForCopy(from: start)
    }
  }

  /// Escapes what was written since: backslash, tab, line feed and carriage return.
  private mutating func escapeForCopy(from start: Int) {
    var special = 0
    for i in start..<count where Self.isSpecial(base[i]) { special += 1 }
    guard special > 0 else { return }
    reserve(special + 16)
    var from = count - 1
    var to = count + special - 1
    count += special
    while from >= start {
      let byte = base[from]
      if Self.isSpecial(byte) {
        base[to] =
          switch byte {
          case 0x09: UInt8(ascii: "t")
          case 0x0A: UInt8(ascii: "n")
          case 0x0D: UInt8(ascii: "r")
          default: byte
          }
        base[to - 1] = UInt8(ascii: "\\")
        to -= 2
      } else {
        base[to] = byte
        to -= 1
      }
      from -= 1
    }
  }

  @inline(__always) private static func isSpecial(_ byte: UInt8) -> Bool { byte == 0x5C || byte == 0x09 || byte == 0x0A || byte == 0x0D }
}

/// Reads values that the server gave in text form.
extension Column {
  /// False if the text is not a value of this column's shape. Nil is null.
  func readPostgres(_ text: Text?, _ row: Int, _ c: Context) -> Bool {
    guard let text else {
      guard shape.isOptional else { return false }
      setNull(row)
      return true
    }
    switch shape.kind {
    case .bool:
      guard text.count == 1 else { return false }
      set(text[0] == UInt8(ascii: "t"), row)
      return true
    case .bytes:
      guard text.count >= 2, text.count % 2 == 0, text[0] == 0x5C, text[1] == UInt8(ascii: "x") else { return false }
      let bytes = c.arena.allocate(text.count / 2).assumingMemoryBound(to: UInt8.self)
      for i in 1..<text.count / 2 { bytes[i - 1] = Self.nibble(text[2 * i]) << 4 | Self.nibble(text[2 * i + 1]) }
      set(Blob(Text(bytes, text.count / 2 - 1)), row)
      return true
    case .timestamp:
      // `2026-01-02 03:04:05.6+00`, or without the zone: sessions are in UTC.
      guard text.count >= 19, text.count <= 32 else { return false }
      let bytes = c.arena.allocate(text.count + 2).assumingMemoryBound(to: UInt8.self)
      var count = text.count
      bytes.update(from: text.base, count: count)
      bytes[10] = UInt8(ascii: "T")
      if bytes[count - 3] == UInt8(ascii: "+") { count -= 3 }
      bytes[count] = UInt8(ascii: "Z")
      return parse(Text(bytes, count + 1), row, c)
    case .duration:
      // Microseconds of a number, or an interval as ISO 8601.
      guard let value = Int64(text.string).map({ Duration($0) }) ?? Calendar.duration(text) else { return false }
      set(value, row)
      return true
    case .list, .map, .record:
      return shape.read(c.arena.copy(text), into: self, row, c.arena, JSONOptions())
    default: return parse(text, row, c)
    }
  }

  private static func nibble(_ byte: UInt8) -> UInt8 { byte <= 0x39 ? byte & 15 : (byte & 15) + 9 }
}
#endif
