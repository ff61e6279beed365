import PumpPlan

/// Gives every record and enum of the plan its Swift type; records that steps make are named after the step.
final class TypeTranslator {
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
  func reserve(_ pipelines: [PipelineSpec]) {
    for pipeline in pipelines {
      let name = unique(Swift.type(Swift.camel(pipeline.id) + "Pipeline"))
      classes[pipeline.id] = name
      taken.insert(name + "Errors")
      for number in pipeline.states.indices { for part in ["After", "Inner", "Side"] { taken.insert("\(name)\(part)\(number)") } }
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

  func swift(_ type: Type, hint: String = "Record") -> SwiftType {
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
    case .list(let element): .generic("List", swift(element, hint: hint))
    case .map(let element): .generic("Map", swift(element, hint: hint))
    case .optional(let base): .optional(swift(base, hint: hint))
    case .refined(let base, _): swift(base, hint: hint)
    case .record(let record): .named(name(of: record, hint: hint))
    case .enumeration(let type): .named(name(of: type, hint: hint))
    }
  }

  /// The shape of a type's values: what columns are made by.
  func shape(_ type: Type) -> SwiftExpression {
    switch type {
    case .bool: "Shape.bool"
    case .int: "Shape.int"
    case .float: "Shape.float"
    case .decimal: "Shape.decimal"
    case .string, .secret, .erroneous, .null: "Shape.string"
    case .bytes: "Shape.bytes"
    case .timestamp: "Shape.timestamp"
    case .date: "Shape.date"
    case .duration: "Shape.duration"
    case .size: "Shape.size"
    case .uuid: "Shape.uuid"
    case .json: "Shape.json"
    case .list(let element): .call("Shape.list", shape(element))
    case .map(let element): .call("Shape.map", shape(element))
    case .optional(let base): shape(base).dot("optional")
    case .refined(let base, _): shape(base)
    case .record(let record): .name(name(of: record, hint: "Record")).dot("shape")
    // What only settings have needs no Swift type.
    case .enumeration(let type):
      isUnnamed(type) ? .call("Shape.of", literal(of: type)) : .name(name(of: type, hint: "Choice")).dot("shape")
    }
  }

  private func isUnnamed(_ type: EnumType) -> Bool { enums[type] == nil && type.name == nil }

  // MARK: Types as values

  /// The type as a value of the model. Records and enums that have a Swift type are named by it.
  func literal(_ type: Type) -> SwiftExpression {
    switch type {
    case .list(let element): .call(".list", literal(element))
    case .map(let element): .call(".map", literal(element))
    case .optional(let base): .call(".optional", literal(base))
    case .refined(let base, _): literal(base)
    case .record(let record): .name(name(of: record, hint: "Record")).dot("shape").dot("type")
    case .enumeration(let type):
      isUnnamed(type) ? literal(of: type) : .name(name(of: type, hint: "Choice")).dot("shape").dot("type")
    case .bool, .int, .float, .decimal, .string, .bytes, .timestamp, .date, .duration, .size, .uuid, .json, .secret:
      .name(".\(type.description.lowercased())")
    case .null, .erroneous: ".string"
    }
  }

  func literal(_ record: RecordType) -> SwiftExpression {
    let fields = SwiftExpression.labeled("fields", .array(record.fields.map { literal($0) }))
    return .call("PumpProgram.RecordType", named(record.name) + [fields])
  }

  func literal(_ field: Field) -> SwiftExpression {
    var arguments: [SwiftExpression] = [.string(field.name), literal(field.type)]
    if field.wire != field.name { arguments.append(.labeled("wire", .string(field.wire))) }
    if let value = field.value { arguments.append(.labeled("value", LiteralTranslator(types: self).translate(value))) }
    if field.isRest { arguments.append(.labeled("isRest", .name("true"))) }
    return .call("PumpProgram.Field", arguments)
  }

  func literal(of type: EnumType) -> SwiftExpression {
    let cases = type.cases.map { item -> SwiftExpression in
      .call(".init", [.string(item.name)] + (item.wire == item.name ? [] : [.labeled("wire", .string(item.wire))]))
    }
    return .call(".enumeration", .call("PumpProgram.EnumType", named(type.name) + [.labeled("cases", .array(cases))]))
  }

  private func named(_ name: String?) -> [SwiftExpression] { name.map { [.labeled("name", .string($0))] } ?? [] }
}
