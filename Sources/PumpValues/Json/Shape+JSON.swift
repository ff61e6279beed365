/// Options of `decode json` and `encode json`.
public struct JSONOptions: Sendable {
  public var strict = false
  public var omitNull = false
  public var time = TimeFormat.rfc3339
  /// Fields of Bytes are written as text where they are UTF-8, else in base64 with `_base64` behind their name.
  public var readable = false
  public init(strict: Bool = false, omitNull: Bool = false, time: TimeFormat = .rfc3339, readable: Bool = false) {
    self.strict = strict
    self.omitNull = omitNull
    self.time = time
    self.readable = readable
  }
}

extension Shape {
  /// Reads one whole JSON text into a row of a column of this shape. A byte order mark before it is ignored.
  public func read(_ text: Text, into column: Column, _ row: Int, _ arena: Arena, _ options: JSONOptions) -> Bool {
    var reader = JSONReader(text, arena, strict: options.strict)
    do throws(Malformed) {
      try value(&reader, column, row, options.time)
      try reader.finish()
      return true
    } catch {
      return text.beginsWithMark && read(text.withoutMark, into: column, row, arena, options)
    }
  }

  @inline(__always)
  func value(_ json: inout JSONReader, _ column: Column, _ row: Int, _ time: TimeFormat) throws(Malformed) {
    if isOptional, try json.null() { return column.setNull(row) }
    switch kind {
    case .bool: column.set(try json.bool(), row)
    case .int: column.set(try json.int(), row)
    case .float: column.set(try json.double(), row)
    case .decimal: column.set(try json.decimal(), row)
    case .string: column.set(try json.string(), row)
    case .bytes: column.set(try json.blob(), row)
    case .timestamp: column.set(try json.timestamp(time), row)
    case .date: column.set(try json.day(), row)
    case .duration: column.set(try json.duration(), row)
    case .size: column.set(try json.size(), row)
    case .uuid: column.set(try json.uuid(), row)
    case .json: column.set(try json.json(), row)
    case .enumeration: column.set(try json.enumCase(keys), row)
    case .list: try list(&json, column, row, time)
    case .map: try map(&json, column, row, time)
    case .record: if rest == nil { try record(&json, column, row, time) } else { try openRecord(&json, column, row, time) }
    }
  }

  private func list(_ json: inout JSONReader, _ column: Column, _ row: Int, _ time: TimeFormat) throws(Malformed) {
    let child = column.children[0]
    let start = child.count
    if try json.array() {
      repeat { try element!.value(&json, child, child.count, time) } while try json.moreElements()
    }
    column.set(Slice(start, child.count - start), row)
  }

  private func map(_ json: inout JSONReader, _ column: Column, _ row: Int, _ time: TimeFormat) throws(Malformed) {
    let entries = column.children[0]
    let keys = entries.children[0]
    let start = entries.count
    var places = KeyPlaces()
    if try json.object() {
      repeat {
        let key = try json.key()
        // Of equal keys the last counts, at the place of the first.
        let known = places.place(of: key, among: entries.count - start) { keys.get(Text.self, start + $0) }
        if known != nil, json.strict { throw Malformed() }
        let place = known.map { start + $0 } ?? entries.count
        entries.setPresent(place)
        keys.set(key, place)
        try entries.shape.fields[1].shape.value(&json, entries.children[1], place, time)
      } while try json.moreMembers()
    }
    column.set(Slice(start, entries.count - start), row)
  }

  private func record(_ json: inout JSONReader, _ column: Column, _ row: Int, _ time: TimeFormat) throws(Malformed) {
    column.setPresent(row)
    // One bit for each of the first 64 fields; wider records note the rest in a list.
    var seen: UInt64 = 0
    var others: [Bool] = fields.count > 64 ? Array(repeating: false, count: fields.count) : []
    var expected = 0
    if try json.object() {
      repeat {
        let index = try json.key(keys, &expected)
        if index < 0 {
          try json.skip()
          continue
        }
        if index < 64 { try json.note(&seen, index) } else if json.strict, others[index] { throw Malformed() }
        if index >= 64 { others[index] = true }
        try fields[index].shape.value(&json, column.children[index], row, time)
      } while try json.moreMembers()
    }
    let all: UInt64 = fields.count >= 64 ? .max : (1 << UInt64(fields.count)) - 1
    if seen == all, fields.count <= 64 { return }
    for index in fields.indices where index < 64 ? seen >> UInt64(index) & 1 == 0 : !others[index] {
      try absent(index, column.children[index], row, json.arena, time)
    }
  }

  /// What the record does not name becomes its rest.
  private func openRecord(_ json: inout JSONReader, _ column: Column, _ row: Int, _ time: TimeFormat) throws(Malformed) {
    column.setPresent(row)
    let rest = rest!
    var seen = [Bool](repeating: false, count: fields.count)
    var members = RestMembers()
    var expected = 0
    if try json.object() {
      repeat {
        let start = json.p
        let key = try json.key(keys, &expected)
        if key < 0 {
          try members.take(&json, from: start)
          continue
        }
        let index = key < rest ? key : key + 1
        seen[index] = true
        try fields[index].shape.value(&json, column.children[index], row, time)
      } while try json.moreMembers()
    }
    column.children[rest].set(members.json(json.arena).text, row)
    for index in fields.indices where !seen[index] && index != rest {
      try absent(index, column.children[index], row, json.arena, time)
    }
  }

  private func absent(_ index: Int, _ column: Column, _ row: Int, _ arena: Arena, _ time: TimeFormat) throws(Malformed) {
    let field = fields[index]
    if try field.setDefault(column, row, arena) { return }
    guard field.shape.isOptional else { throw Malformed() }
    column.setNull(row)
  }
}

extension Shape.Field {
  /// Sets what the field is where it is missing; false if it has no default.
  func setDefault(_ column: Column, _ row: Int, _ arena: Arena) throws(Malformed) -> Bool {
    guard let value else { return false }
    var reader = JSONReader(arena.copy(value), arena)
    try shape.value(&reader, column, row, .rfc3339)
    return true
  }
}

extension ByteBuffer {
  /// The value at a row as JSON.
  public mutating func json(_ column: Column, _ row: Int, _ options: JSONOptions) {
    if column.isNull(row) { return raw("null") }
    let shape = column.shape
    switch shape.kind {
    case .bool: bool(column.get(Bool.self, row))
    case .int, .size: int(column.get(Int64.self, row))
    case .float: double(column.get(Double.self, row))
    case .decimal: decimal(column.get(Decimal.self, row))
    case .string: quoted(column.get(Text.self, row))
    case .bytes: json(column.get(Blob.self, row))
    case .timestamp: json(column.get(Timestamp.self, row), options.time)
    case .date: json(column.get(Day.self, row))
    case .duration: json(column.get(Duration.self, row))
    case .uuid: json(column.get(Uuid.self, row))
    case .json: raw(column.get(Text.self, row))
    case .enumeration: quoted(shape.keys, Int(column.get(Int64.self, row)))
    case .list:
      let slice = column.get(Slice.self, row)
      byte(UInt8(ascii: "["))
      for i in 0..<Int(slice.count) {
        if i > 0 { byte(UInt8(ascii: ",")) }
        json(column.children[0], Int(slice.start) + i, options)
      }
      byte(UInt8(ascii: "]"))
    case .map:
      let slice = column.get(Slice.self, row)
      let entries = column.children[0]
      byte(UInt8(ascii: "{"))
      for i in Int(slice.start)..<Int(slice.start + slice.count) {
        if i > Int(slice.start) { byte(UInt8(ascii: ",")) }
        quoted(entries.children[0].get(Text.self, i))
        byte(UInt8(ascii: ":"))
        json(entries.children[1], i, options)
      }
      byte(UInt8(ascii: "}"))
    case .record: record(column, row, options)
    }
  }

  @inline(__always)
  private mutating func record(_ column: Column, _ row: Int, _ options: JSONOptions) {
    let shape = column.shape
    var written = 0
    for (index, child) in column.children.enumerated() {
      if options.omitNull && child.isNull(row) || index == shape.rest { continue }
      let prefix = shape.prefixes[index]
      if written == 0, index > 0 {
        byte(UInt8(ascii: "{"))
        raw(prefix.base + 1, prefix.count - 1)
      } else {
        raw(prefix)
      }
      written += 1
      if options.readable, child.shape.kind == .bytes, !child.isNull(row) {
        readable(child.get(Text.self, row))
      } else {
        json(child, row, options)
      }
    }
    if written == 0 { byte(UInt8(ascii: "{")) }
    if let rest = shape.rest { members(of: column.children[rest].get(Json.self, row), areFirst: written == 0) }
    byte(UInt8(ascii: "}"))
  }

  /// Bytes as text, or else in base64, which their name then says. Behind that name, its quote and the colon.
  private mutating func readable(_ bytes: Text) {
    guard Fields.notUTF8(bytes) != nil else { return quoted(bytes) }
    count -= 2
    raw("_base64\":")
    json(Blob(bytes))
  }
}
