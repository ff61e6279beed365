/// A type of the language, resolved: aliases are gone, records and enums stand in full.
public enum Type: Hashable, Codable, Sendable {
  case bool, int, float, decimal, string, bytes, timestamp, date, duration, size, uuid, json, secret
  indirect case list(Type)
  indirect case map(Type)
  indirect case optional(Type)
  case record(RecordType)
  indirect case enumeration(EnumType)
  /// A base type with a predicate; stands only in declared types, `plain` takes it off.
  indirect case refined(Type, Refinement)
  /// The type of `null` alone.
  case null
  /// What had an error already; it goes with everything.
  case erroneous
}

/// `where` of a declared type: its source text for messages, and the number of its predicate in the checker's list.
public struct Refinement: Hashable, Codable, Sendable {
  public let text: String
  public let number: Int
  public init(text: String, number: Int) {
    self.text = text
    self.number = number
  }
  public static func == (a: Refinement, b: Refinement) -> Bool { a.text == b.text }
  public func hash(into hasher: inout Hasher) { hasher.combine(text) }
}

public final class RecordType: Codable, Sendable {
  /// The declared name, where the record is exactly as declared.
  public let name: String?
  public let fields: [Field]
  public init(name: String? = nil, fields: [Field]) {
    self.name = name
    self.fields = fields
  }
  public func index(of field: String) -> Int? { fields.firstIndex { $0.name == field } }
  /// The place of the field that holds what the type does not name, in an open record.
  public var rest: Int? { fields.firstIndex { $0.isRest } }
}

/// Records are structural: two with the same fields in the same order are one type, whatever their names.
extension RecordType: Hashable {
  public static func == (a: RecordType, b: RecordType) -> Bool { a === b || a.fields == b.fields }
  public func hash(into hasher: inout Hasher) { for field in fields { hasher.combine(field.name) } }
}

public final class Field: Hashable, Codable, Sendable {
  public let name: String
  /// The name on the wire.
  public let wire: String
  public let type: Type
  public let value: Literal?
  public let docs: String?
  /// Whether it holds the members of an object that the record does not name, as an object of Json. On the wire they stand behind
  /// the other fields, without a name of their own.
  public let isRest: Bool
  public init(_ name: String, _ type: Type, wire: String? = nil, value: Literal? = nil, docs: String? = nil, isRest: Bool = false) {
    self.name = name
    self.wire = wire ?? name
    self.type = type
    self.value = value
    self.docs = docs
    self.isRest = isRest
  }
  public static func == (a: Field, b: Field) -> Bool {
    a.name == b.name && a.wire == b.wire && a.type == b.type && a.isRest == b.isRest
  }
  public func hash(into hasher: inout Hasher) { hasher.combine(name) }
}

extension Field: CustomStringConvertible {
  public var description: String { "\(isRest ? "..." : "")\(name): \(type)" }
}

public struct EnumType: Hashable, Codable, Sendable {
  public struct Case: Hashable, Codable, Sendable {
    public let name: String
    public let wire: String
    public init(_ name: String, wire: String? = nil) {
      self.name = name
      self.wire = wire ?? name
    }
  }
  public let name: String?
  public let cases: [Case]
  public init(name: String? = nil, cases: [Case]) {
    self.name = name
    self.cases = cases
  }
  public static func == (a: EnumType, b: EnumType) -> Bool { a.cases == b.cases }
  public func hash(into hasher: inout Hasher) { for item in cases { hasher.combine(item.name) } }
}

extension Type {
  /// The type without refinements, at every depth.
  public var plain: Type { hasRefinement ? unrefined : self }

  private var unrefined: Type {
    switch self {
    case .refined(let base, _): base.plain
    case .list(let element): .list(element.plain)
    case .map(let element): .map(element.plain)
    case .optional(let base): base.plain.asOptional
    case .record(let record):
      .record(
        RecordType(
          name: record.name,
          fields: record.fields.map { Field($0.name, $0.type.plain, wire: $0.wire, value: $0.value, docs: $0.docs, isRest: $0.isRest) }))
    default: self
    }
  }

  private var hasRefinement: Bool {
    switch self {
    case .refined: true
    case .list(let base), .map(let base), .optional(let base): base.hasRefinement
    case .record(let record): record.fields.contains { $0.type.hasRefinement }
    default: false
    }
  }

  /// `T?`; an optional stays what it is.
  public var asOptional: Type {
    switch self {
    case .optional, .erroneous, .null: self
    default: .optional(self)
    }
  }

  /// `T` of `T?`, else itself.
  public var wrapped: Type { if case .optional(let base) = self { base } else { self } }
  public var isOptional: Bool { if case .optional = self { true } else { self == .null } }
  public var record: RecordType? { if case .record(let record) = self { record } else { nil } }
  public var isNumeric: Bool {
    switch self {
    case .int, .float, .decimal: true
    default: false
    }
  }

  /// Whether a value of this type holds an open record anywhere.
  public var isOpen: Bool {
    switch self {
    case .list(let base), .map(let base), .optional(let base), .refined(let base, _): base.isOpen
    case .record(let record): record.fields.contains { $0.isRest || $0.type.isOpen }
    default: false
    }
  }

  /// Whether a value of this type holds a secret anywhere.
  public var holdsSecret: Bool {
    switch self {
    case .secret: true
    case .list(let base), .map(let base), .optional(let base), .refined(let base, _): base.holdsSecret
    case .record(let record): record.fields.contains { $0.type.holdsSecret }
    default: false
    }
  }
}

/// As the language writes it; records without a name stand in full.
extension Type: CustomStringConvertible {
  public var description: String {
    switch self {
    case .bool: "Bool"
    case .int: "Int"
    case .float: "Float"
    case .decimal: "Decimal"
    case .string: "String"
    case .bytes: "Bytes"
    case .timestamp: "Timestamp"
    case .date: "Date"
    case .duration: "Duration"
    case .size: "Size"
    case .uuid: "Uuid"
    case .json: "Json"
    case .secret: "Secret"
    case .list(let element): "[\(element)]"
    case .map(let element): "[String: \(element)]"
    case .optional(let base): "\(base)?"
    case .record(let record):
      record.name ?? (record.fields.isEmpty ? "{}" : "{ \(record.fields.map(\.description).joined(separator: ", ")) }")
    case .enumeration(let type): type.name ?? "enum { \(type.cases.map(\.name).joined(separator: ", ")) }"
    case .refined(let base, let refinement): "\(base) where \(refinement.text)"
    case .null: "null"
    case .erroneous: "unknown"
    }
  }
}

/// A constant of the plan.
public enum Literal: Hashable, Codable, Sendable {
  case null
  case bool(Bool)
  case int(Int64)
  case float(Double)
  /// The digits, with sign and point.
  case decimal(String)
  case string(String)
  /// Microseconds since 1970-01-01T00:00:00Z.
  case timestamp(Int64)
  /// Days since 1970-01-01.
  case date(Int64)
  /// Microseconds.
  case duration(Int64)
  /// Bytes.
  case size(Int64)
  case uuid(String)
  /// The index of an enum's case.
  case enumCase(Int)
  case list([Literal])
  case map([Entry])
  case record([Literal])
  public struct Entry: Hashable, Codable, Sendable {
    public let key: String
    public let value: Literal
    public init(key: String, value: Literal) {
      self.key = key
      self.value = value
    }
  }
}
