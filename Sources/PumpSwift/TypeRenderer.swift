import PumpPlan

/// Gives every record and enum of the plan its Swift type; records that steps make are named after the step.
final class TypeRenderer {
  private var records: [RecordType: String] = [:]
  private var enums: [EnumType: String] = [:]
  private var taken: Set<String> = []
  private(set) var recordOrder: [(type: RecordType, name: String)] = []
  private(set) var enumOrder: [(type: EnumType, name: String)] = []

  private func unique(_ name: String) -> String {
    var candidate = name
    var number = 2
    while !taken.insert(candidate).inserted {
      candidate = "\(name)\(number)"
      number += 1
    }
    return candidate
  }

  private var classes: [String: String] = [:]

  /// Names the classes of pipelines before any type can take their names.
  func reserve(_ pipelines: [String]) {
    for id in pipelines {
      let name = unique(Swift.type(Swift.camel(id) + "Pipeline"))
      classes[id] = name
      taken.insert(name + "Errors")
    }
  }

  func className(_ pipeline: String) -> String { classes[pipeline]! }

  func name(of record: RecordType, hint: String) -> String {
    if let known = records[record] { return known }
    let name = unique(Swift.type(record.name ?? hint))
    records[record] = name
    for field in record.fields { _ = swift(field.type, hint: name + Swift.camel(field.name)) }
    recordOrder.append((record, name))
    return name
  }

  func name(of type: EnumType, hint: String) -> String {
    if let known = enums[type] { return known }
    let name = unique(Swift.type(type.name ?? hint))
    enums[type] = name
    enumOrder.append((type, name))
    return name
  }

  func swift(_ type: Type, hint: String = "Record") -> String {
    switch type {
    case .bool: "Bool"
    case .int: "Int64"
    case .float: "Double"
    case .decimal: "Decimal"
    case .string, .secret, .erroneous, .null: "Text"
    case .bytes: "Blob"
    case .timestamp: "Timestamp"
    case .date: "Day"
    case .duration: "Duration"
    case .size: "Size"
    case .uuid: "Uuid"
    case .json: "Json"
    case .list(let element): "List<\(swift(element, hint: hint))>"
    case .map(let element): "Map<\(swift(element, hint: hint))>"
    case .optional(let base): "\(swift(base, hint: hint))?"
    case .refined(let base, _): swift(base, hint: hint)
    case .record(let record): name(of: record, hint: hint)
    case .enumeration(let type): name(of: type, hint: hint)
    }
  }

  func shape(_ type: Type) -> String {
    switch type {
    case .bool: ".bool"
    case .int: ".int"
    case .float: ".float"
    case .decimal: ".decimal"
    case .string, .secret, .erroneous, .null: ".string"
    case .bytes: ".bytes"
    case .timestamp: ".timestamp"
    case .date: ".date"
    case .duration: ".duration"
    case .size: ".size"
    case .uuid: ".uuid"
    case .json: ".json"
    case .list(let element): ".list(\(shape(element)))"
    case .map(let element): ".map(\(shape(element)))"
    case .optional(let base): "\(shape(base).hasPrefix(".") ? "Shape" : "")\(shape(base)).optional"
    case .refined(let base, _): shape(base)
    case .record(let record): "\(name(of: record, hint: "Record")).shape"
    // What only settings have needs no Swift type.
    case .enumeration(let type):
      enums[type] == nil && type.name == nil ? "Shape.of(\(literal(of: type)))" : "\(name(of: type, hint: "Choice")).shape"
    }
  }

  // MARK: Types as values

  /// The type as a value of the model. Records and enums that have a Swift type are named by it.
  func literal(_ type: Type) -> String {
    switch type {
    case .list(let element): ".list(\(literal(element)))"
    case .map(let element): ".map(\(literal(element)))"
    case .optional(let base): ".optional(\(literal(base)))"
    case .refined(let base, _): literal(base)
    case .record(let record): "\(name(of: record, hint: "Record")).shape.type"
    case .enumeration(let type):
      enums[type] == nil && type.name == nil ? literal(of: type) : "\(name(of: type, hint: "Choice")).shape.type"
    case .bool, .int, .float, .decimal, .string, .bytes, .timestamp, .date, .duration, .size, .uuid, .json, .secret:
      ".\(type.description.lowercased())"
    case .null, .erroneous: ".string"
    }
  }

  func literal(_ record: RecordType) -> String {
    let name = record.name.map { "name: \(Swift.string($0)), " } ?? ""
    return "RecordType(\(name)fields: [\(record.fields.map { literal($0) }.joined(separator: ", "))])"
  }

  func literal(_ field: Field) -> String {
    var arguments = "\(Swift.string(field.name)), \(literal(field.type))"
    if field.wire != field.name { arguments += ", wire: \(Swift.string(field.wire))" }
    if let value = field.value { arguments += ", value: \(LiteralPrinter(types: self).line(value))" }
    return "Field(\(arguments))"
  }

  private func literal(of type: EnumType) -> String {
    let cases = type.cases.map {
      $0.wire == $0.name ? ".init(\(Swift.string($0.name)))" : ".init(\(Swift.string($0.name)), wire: \(Swift.string($0.wire)))"
    }
    let name = type.name.map { "name: \(Swift.string($0)), " } ?? ""
    return ".enumeration(EnumType(\(name)cases: [\(cases.joined(separator: ", "))]))"
  }

  // MARK: Declarations

  func render(enumeration type: EnumType, _ name: String, _ out: inout SwiftWriter) {
    out.block("enum \(name): Int64, ColumnValue, JSONReadable, JSONWritable, Sendable {") { out in
      for item in type.cases { out.line("case \(Swift.name(item.name))") }
      out.line()
      out.line("static let shape = Shape.of(\(literal(of: type)))")
      out.line("static var nothing: \(name) { .\(Swift.name(type.cases[0].name)) }")
      out.line("private static let wires = KeyTable([\(type.cases.map { Swift.string($0.wire) }.joined(separator: ", "))])")
      out.line("init(from json: inout JSONReader) throws(Malformed) { self = \(name)(rawValue: try json.enumCase(\(name).wires))! }")
      out.line("func write(json out: inout ByteBuffer) { out.quoted(\(name).wires, Int(rawValue)) }")
      out.line(
        "static func read(_ column: Column, _ row: Int, _ arena: Arena) -> \(name) { \(name)(rawValue: column.get(Int64.self, row))! }")
      out.line("func write(_ column: Column, _ row: Int) { column.set(rawValue, row) }")
    }
    out.line()
  }

  func render(record: RecordType, _ name: String, _ literal: (Literal, Type) -> String, _ out: inout SwiftWriter) {
    let fields = record.fields
    out.block("struct \(name): ColumnValue, JSONReadable, JSONWritable, Hashable, @unchecked Sendable {") { out in
      for field in fields {
        out.lines(Swift.docs(field.docs))
        out.line("var \(Swift.name(field.name)): \(swift(field.type))")
      }
      out.line()
      let head = record.name.map { "name: \(Swift.string($0)), " } ?? ""
      out.block("static let shape = Shape.of(.record(RecordType(\(head)fields: [", tail: "])))") { out in
        for field in fields { LiteralPrinter(types: self).print(field, tail: ",", &out) }
      }
      for (index, field) in fields.enumerated() {
        guard let value = field.value, Self.isComposed(value) else { continue }
        out.line("fileprivate static let default\(index): \(swift(field.type)) = shape.fields[\(index)].constant()")
      }
      out.line("fileprivate static let keys = KeyTable([\(fields.map { Swift.string($0.wire) }.joined(separator: ", "))])")
      out.line("static var nothing: \(name) { \(name)(\(fields.map { "\(Swift.name($0.name)): .nothing" }.joined(separator: ", "))) }")
      out.line()
      renderWriter(fields, &out)
      out.line()
      out.block("static func read(_ column: Column, _ row: Int, _ arena: Arena) -> \(name) {") { out in
        out.line(
          "\(name)(\(fields.enumerated().map { "\(Swift.name($1.name)): .read(column.children[\($0)], row, arena)" }.joined(separator: ", ")))"
        )
      }
      out.line()
      out.block("func write(_ column: Column, _ row: Int) {") { out in
        out.line("column.setPresent(row)")
        for (index, field) in fields.enumerated() { out.line("\(Swift.name(field.name)).write(column.children[\(index)], row)") }
      }
    }
    out.line()
    out.block("extension \(name) {") { renderReader(fields, name, literal, &$0) }
    out.line()
  }

  private func renderReader(_ fields: [Field], _ name: String, _ literal: (Literal, Type) -> String, _ out: inout SwiftWriter) {
    out.block("init(from json: inout JSONReader) throws(Malformed) {") { out in
      for (index, field) in fields.enumerated() {
        let value = field.value.map { Self.isComposed($0) ? "\(name).default\(index)" : literal($0, field.type) }
        out.line("self.\(Swift.name(field.name)) = \(value ?? ".nothing")")
      }
      let masks = max(1, (fields.count + 63) / 64)
      for mask in 0..<masks { out.line("var seen\(mask): UInt64 = 0") }
      out.line("var expected = 0")
      out.block("if try json.object() {") { out in
        out.block("repeat {", tail: "} while try json.moreMembers()") { out in
          out.line("switch try json.key(\(name).keys, &expected) {")
          for (index, field) in fields.enumerated() {
            out.line("case \(index):")
            out.line("  try json.note(&seen\(index / 64), \(index % 64))")
            out.line("  self.\(Swift.name(field.name)) = try .init(from: &json)")
          }
          out.line("default: try json.skip()")
          out.line("}")
        }
      }
      for mask in 0..<masks {
        var required: UInt64 = 0
        for (index, field) in fields.enumerated() where index / 64 == mask && !field.type.isOptional && field.value == nil {
          required |= 1 << UInt64(index % 64)
        }
        if required != 0 {
          out.line("guard seen\(mask) & \(required) == \(required) else { throw Malformed() }")
        } else {
          out.line("_ = seen\(mask)")
        }
      }
    }
  }

  /// A default that is made once, in memory that stays.
  private static func isComposed(_ value: Literal) -> Bool {
    switch value {
    case .list(let items): !items.isEmpty
    case .map(let entries): !entries.isEmpty
    case .record: true
    default: false
    }
  }

  private func renderWriter(_ fields: [Field], _ out: inout SwiftWriter) {
    out.block("func write(json out: inout ByteBuffer) {") { out in
      for (index, field) in fields.enumerated() {
        let prefix = (index == 0 ? "{" : ",") + JSONLiteral.quoted(field.wire) + ":"
        out.line("out.raw(\(Swift.string(prefix)))")
        out.line("\(Swift.name(field.name)).write(json: &out)")
      }
      out.line(fields.isEmpty ? "out.raw(\"{}\")" : "out.byte(UInt8(ascii: \"}\"))")
    }
  }
}
