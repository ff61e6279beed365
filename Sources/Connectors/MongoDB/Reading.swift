#if MongoDB
internal import CMongoDB
import PumpConnectorKit

/// Reads documents into columns. What does not fit its field throws, with its path.
extension Column {
  /// A document into a record.
  func read(_ document: Document, _ row: Int, _ layout: Layout, _ arena: Arena) throws(EventFailure) {
    if layout.shape.kind == .json { return set(try json(arena) { $0.json(document, .extended) }, row) }
    setPresent(row)
    var seen: UInt64 = 0
    // Documents of one collection have their fields in one order as a rule.
    var expected = 0
    var others = false
    for item in document {
      guard let index = layout.index(item.name, &expected) else {
        others = others || layout.rest != nil
        continue
      }
      if index < 64 { seen |= 1 << UInt64(index) }
      do throws(EventFailure) { try children[index].read(item, row, layout.children[index], arena) } catch {
        throw EventFailure(".\(layout.shape.fields[index].name)\(error.message)")
      }
    }
    if let rest = layout.rest { children[rest].set(others ? try members(document, layout, arena) : Json.emptyObject.text, row) }
    for (index, field) in layout.shape.fields.enumerated() where index != layout.rest {
      let isThere = index < 64 ? seen >> UInt64(index) & 1 == 1 : document.contains { $0.name == layout.names[index] }
      if !isThere { try children[index].absent(field, row, arena) }
    }
  }

  /// What the record does not name, as an object.
  private func members(_ document: Document, _ layout: Layout, _ arena: Arena) throws(EventFailure) -> Text {
    try json(arena) { out in
      out.byte(UInt8(ascii: "{"))
      for item in document where !layout.names(item.name) {
        if out.count > 1 { out.byte(UInt8(ascii: ",")) }
        out.quoted(item.name)
        out.byte(UInt8(ascii: ":"))
        out.json(item, .extended)
      }
      out.byte(UInt8(ascii: "}"))
    }
  }

  /// Extended JSON in the arena.
  private func json(_ arena: Arena, _ write: (inout ByteBuffer) -> Void) throws(EventFailure) -> Text {
    var json = ByteBuffer(capacity: 256)
    defer { json.release() }
    write(&json)
    return arena.copy(try utf8(Text(json.base, json.count)))
  }

  private func absent(_ field: Shape.Field, _ row: Int, _ arena: Arena) throws(EventFailure) {
    if let value = field.value {
      if field.shape.read(arena.copy(value), into: self, row, arena, JSONOptions()) { return }
    }
    guard field.shape.isOptional else { throw EventFailure(".\(field.name): missing, expected \(field.shape.name)") }
    setNull(row)
  }

  func read(_ item: Document.Item, _ row: Int, _ layout: Layout, _ arena: Arena) throws(EventFailure) {
    if item.type == .null || item.type == .undefined {
      if layout.shape.kind == .json, !layout.shape.isOptional { return set(Json.null, row) }
      guard layout.shape.isOptional else { throw mismatch(item) }
      return setNull(row)
    }
    switch layout.shape.kind {
    case .bool:
      guard item.type == .bool else { throw mismatch(item) }
      set(item.bool, row)
    case .int, .duration:
      guard let value = item.whole else { throw mismatch(item) }
      set(value, row)
    case .size:
      guard let value = item.whole, value >= 0 else { throw mismatch(item) }
      set(value, row)
    case .float:
      guard let value = item.float else { throw mismatch(item) }
      set(value, row)
    case .decimal:
      guard let value = item.number else { throw mismatch(item) }
      set(value, row)
    case .string:
      if item.type == .objectId {
        var hex = ByteBuffer(capacity: 64)
        defer { hex.release() }
        hex.hex(item.value)
        return set(arena.copy(hex.bytes), row)
      }
      guard item.type == .string || item.type == .symbol else { throw mismatch(item) }
      set(arena.copy(try utf8(item.text)), row)
    case .bytes:
      guard item.type == .binary else { throw mismatch(item) }
      set(arena.copy(item.binary), row)
    case .uuid:
      guard item.type == .binary, item.subtype == 4, item.binary.count == 16 else { throw mismatch(item) }
      let halves = UnsafeRawPointer(item.binary.base).loadUnaligned(as: (UInt64, UInt64).self)
      set(Uuid(high: UInt64(bigEndian: halves.0), low: UInt64(bigEndian: halves.1)), row)
    case .timestamp:
      guard item.type == .date, let time = item.time else { throw mismatch(item) }
      set(time, row)
    case .date:
      guard item.type == .date, let time = item.time, time.micros % Calendar.dayMicros == 0 else { throw mismatch(item) }
      set(Day(floorDivide(time.micros, Calendar.dayMicros)), row)
    case .enumeration:
      guard item.type == .string, let index = layout.shape.wires.firstIndex(of: item.text) else { throw mismatch(item) }
      set(Int64(index), row)
    case .json: set(try json(arena) { $0.json(item, .extended) }, row)
    case .list:
      guard item.type == .array else { throw mismatch(item) }
      try list(item.document, row, layout.children[0], arena)
    case .map:
      guard item.type == .document else { throw mismatch(item) }
      try map(item.document, row, layout.children[0], arena)
    case .record:
      guard item.type == .document else { throw mismatch(item) }
      try read(item.document, row, layout, arena)
    }
  }

  private func list(_ elements: Document, _ row: Int, _ layout: Layout, _ arena: Arena) throws(EventFailure) {
    let child = children[0]
    let start = child.count
    for (index, item) in elements.enumerated() {
      do throws(EventFailure) { try child.read(item, child.count, layout, arena) } catch {
        throw EventFailure("[\(index)]\(error.message)")
      }
    }
    set(Slice(start, child.count - start), row)
  }

  private func map(_ fields: Document, _ row: Int, _ layout: Layout, _ arena: Arena) throws(EventFailure) {
    let entries = children[0]
    let start = entries.count
    for item in fields {
      let place = entries.count
      entries.setPresent(place)
      entries.children[0].set(arena.copy(try utf8(item.name)), place)
      do throws(EventFailure) { try entries.children[1].read(item, place, layout, arena) } catch {
        throw EventFailure("[\"\(item.name.string)\"]\(error.message)")
      }
    }
    set(Slice(start, entries.count - start), row)
  }

  private func utf8(_ text: Text) throws(EventFailure) -> Text {
    let isValid = text.base.withMemoryRebound(to: CChar.self, capacity: text.count) { bson_utf8_validate($0, text.count, true) }
    guard isValid else { throw EventFailure(": the text is not UTF-8") }
    return text
  }

  private func mismatch(_ item: Document.Item) -> EventFailure {
    var found = "\(item.type.name)"
    switch item.type {
    case .double, .int32, .int64, .decimal, .date, .string, .bool:
      var out = ByteBuffer(capacity: 64)
      defer { out.release() }
      out.json(item, .plain)
      found += " \(out.string.prefix(40))\(out.count > 40 ? "…" : "")"
    case .binary: found += " of subtype \(item.subtype)"
    default: break
    }
    return EventFailure(": expected \(shape.name), found \(Shape.clean(found))")
  }
}

extension Layout {
  /// The field of a name; `expected` predicts the next one.
  @inline(__always)
  fileprivate func index(_ name: Text, _ expected: inout Int) -> Int? {
    if expected < names.count, names[expected] == name, expected != rest {
      expected += 1
      return expected - 1
    }
    guard let found = names.firstIndex(of: name), found != rest else { return nil }
    expected = found + 1
    return found
  }

  fileprivate func names(_ name: Text) -> Bool { names.indices.contains { names[$0] == name && $0 != rest } }
}

extension Document.Item {
  /// A whole number of any type, where 64 bits hold it.
  var whole: Int64? {
    switch type {
    case .int64: int64
    case .int32: Int64(int32)
    case .double: Int64(exactly: double)
    case .decimal: number.flatMap { $0.isWhole ? $0.whole : nil }
    default: nil
    }
  }

  /// A finite double, or a whole number that a double holds exactly.
  var float: Double? {
    switch type {
    case .double: double.isFinite ? (double == 0 ? 0 : double) : nil
    case .int32: Double(int32)
    case .int64: Double(exactly: int64)
    default: nil
    }
  }

  var number: Decimal? {
    switch type {
    case .decimal: Decimal128.value(decimal.low, decimal.high)
    case .int32: Decimal(Int64(int32))
    case .int64: Decimal(int64)
    case .double: whole.map { Decimal($0) }
    default: nil
    }
  }

  /// A date of the years 1 to 9999.
  var time: Timestamp? {
    let (micros, over) = int64.multipliedReportingOverflow(by: 1000)
    return over || !Timestamp.range.contains(micros) ? nil : Timestamp(micros)
  }
}
#endif
