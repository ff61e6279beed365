import PumpPlan
import PumpRuntime

extension Shape {
  /// The run-time form of a type; secrets are texts that only settings hold.
  static func of(_ type: Type) -> Shape {
    switch type {
    case .bool: .bool
    case .int: .int
    case .float: .float
    case .decimal: .decimal
    case .string, .secret, .erroneous, .null: .string
    case .bytes: .bytes
    case .timestamp: .timestamp
    case .date: .date
    case .duration: .duration
    case .size: .size
    case .uuid: .uuid
    case .json: .json
    case .list(let element): .list(of(element))
    case .map(let element): .map(of(element))
    case .optional(let base): of(base).optional
    case .refined(let base, _): of(base)
    case .enumeration(let type): .enumeration(type.name ?? "enum", type.cases.map { ($0.name, $0.wire) })
    case .record(let record): .record(record.name ?? "record", record.fields.map(field))
    }
  }

  private static func field(_ field: PumpPlan.Field) -> Field {
    let shape = of(field.type)
    return Field(field.name, shape, wire: field.wire, value: field.value.map { value($0, field.type).json(shape) })
  }
}

/// A constant of the plan as a runtime value.
func value(_ literal: Literal, _ type: Type) -> Value {
  switch literal {
  case .null: .null
  case .bool(let value): .bool(value)
  case .int(let value), .timestamp(let value), .date(let value), .duration(let value), .size(let value): .int(value)
  case .float(let value): .float(value)
  case .decimal(let digits): .decimal(Decimal(digits) ?? Decimal(0))
  case .string(let text), .uuid(let text): .text(text)
  case .enumCase(let index): if case .enumeration(let cases) = type.wrapped { .text(cases.cases[index].name) } else { .null }
  case .list(let items):
    if case .list(let element) = type.wrapped { .list(items.map { value($0, element) }) } else { .list(items.map { value($0, .string) }) }
  case .map(let entries):
    if case .map(let element) = type.wrapped { .map(entries.map { .init($0.key, value($0.value, element)) }) } else { .map([]) }
  case .record(let items):
    if case .record(let record) = type.wrapped {
      .map(zip(record.fields, items).map { .init($0.wire, value($1, $0.type)) })
    } else {
      .map([])
    }
  }
}
