@_exported import PumpProgram

extension Shape {
  /// The run-time form of a type; secrets are texts that only settings hold.
  public static func of(_ type: Type) -> Shape {
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
    case .enumeration(let type): .enumeration(type)
    case .record(let record): .record(record, record.name ?? "record", record.fields.map(field))
    }
  }

  private static func field(_ field: PumpProgram.Field) -> Field {
    let shape = of(field.type)
    return Field(field.name, shape, wire: field.wire, value: field.value.map { Value($0, field.type).json(shape) }, isRest: field.isRest)
  }

  /// What an error route receives.
  public static let failure = of(.failure)
}

extension Shape.Field {
  /// The default of a field, in memory that lives as long as the program. Asked for of fields that have one.
  public func constant<T: ColumnValue>() -> T { PumpValues.constant(value!, shape) }
}

extension Type {
  /// The shape of records; nil for bytes, which are slices of text.
  package var recordShape: Shape? { self == .bytes ? nil : Shape.of(self) }
}

extension EndpointSpec {
  /// The record's shape; nil for bytes.
  public var shape: Shape? { type.recordShape }
  /// The shape of the records that a sink gets; nil if it gets bytes.
  package var sinkShape: Shape? { takesDocuments ? nil : shape }
}

extension Value {
  /// A constant of the plan as a value.
  public init(_ literal: Literal, _ type: Type) {
    switch (literal, type.wrapped) {
    case (.null, _): self = .null
    case (.bool(let value), _): self = .bool(value)
    case (.int(let value), _), (.timestamp(let value), _), (.date(let value), _), (.duration(let value), _), (.size(let value), _):
      self = .int(value)
    case (.float(let value), _): self = .float(value)
    case (.decimal(let digits), _): self = .decimal(Decimal(digits) ?? Decimal(0))
    case (.string(let text), _), (.uuid(let text), _): self = .text(text)
    case (.enumCase(let index), .enumeration(let cases)): self = .text(cases.cases[index].name)
    case (.list(let items), .list(let element)): self = .list(items.map { Value($0, element) })
    case (.map(let entries), .map(let element)): self = .map(entries.map { .init($0.key, Value($0.value, element)) })
    case (.record(let items), .record(let record)):
      self = .map(zip(record.fields, items).map { .init($0.wire, Value($1, $0.type)) })
    case (.enumCase, _), (.list, _), (.map, _), (.record, _): preconditionFailure("a constant of the plan is of its type")
    }
  }
}
