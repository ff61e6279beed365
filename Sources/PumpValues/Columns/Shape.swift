/// The form of a value at run time: how columns store it, and how formats read and write it. Made once for each type.
/// Nothing of it changes once it is made.
public final class Shape: Sendable {
  public enum Kind: UInt8, Sendable {
    case bool, int, float, decimal, string, bytes, timestamp, date, duration, size, uuid, json, enumeration, list, map, record
  }

  public struct Field: Sendable {
    public let name: String
    /// The name on the wire.
    public let wire: String
    public let shape: Shape
    /// JSON of the default, where the field may be missing.
    public let value: String?
    /// Whether it holds what an open record does not name.
    public let isRest: Bool
    public init(_ name: String, _ shape: Shape, wire: String? = nil, value: String? = nil, isRest: Bool = false) {
      self.name = name
      self.wire = wire ?? name
      self.shape = shape
      self.value = value
      self.isRest = isRest
    }
  }

  /// What it is the form of.
  public let type: Type
  public let kind: Kind
  /// May be null.
  public let isOptional: Bool
  /// As the language writes the type, for messages.
  public let name: String
  public let fields: [Field]
  /// Cases of an enum, by their names on the wire and in the language.
  public let wires: [Text]
  public let cases: [String]
  /// Of a list or map.
  public let element: Shape?
  /// Names on the wire: of an enum's cases, or of all fields but the rest.
  let keys: KeyTable
  /// The field that holds what an open record does not name.
  public let rest: Int?
  /// `{"id":`, `,"name":`: what stands before each field's value in JSON.
  let prefixes: [Text]

  private init(_ type: Type, _ kind: Kind, _ name: String, fields: [Field] = [], cases: [(String, String)] = [], element: Shape? = nil) {
    Shape.lock.lock()
    defer { Shape.lock.unlock() }
    self.type = type
    self.kind = kind
    self.name = name
    isOptional = type.isOptional
    self.fields = fields
    self.element = element
    let memory = Shape.names
    self.cases = cases.map(\.0)
    wires = cases.map { memory.copy($0.1) }
    keys = KeyTable(kind == .enumeration ? cases.map(\.1) : fields.filter { !$0.isRest }.map(\.wire))
    rest = fields.firstIndex { $0.isRest }
    prefixes = fields.enumerated().map { index, field in
      var buffer = ByteBuffer(capacity: 64)
      buffer.byte(index == 0 ? UInt8(ascii: "{") : UInt8(ascii: ","))
      buffer.quoted(memory.copy(field.wire))
      buffer.byte(UInt8(ascii: ":"))
      defer { buffer.release() }
      return memory.copy(buffer.bytes)
    }
  }

  /// Names live as long as the program. The lock guards their arena.
  private static let names = Arena()
  private static let lock = PlainLock()

  private static func scalar(_ type: Type, _ kind: Kind) -> Shape { Shape(type, kind, type.description) }
  public static let bool = scalar(.bool, .bool)
  public static let int = scalar(.int, .int)
  public static let float = scalar(.float, .float)
  public static let decimal = scalar(.decimal, .decimal)
  public static let string = scalar(.string, .string)
  public static let bytes = scalar(.bytes, .bytes)
  public static let timestamp = scalar(.timestamp, .timestamp)
  public static let date = scalar(.date, .date)
  public static let duration = scalar(.duration, .duration)
  public static let size = scalar(.size, .size)
  public static let uuid = scalar(.uuid, .uuid)
  public static let json = scalar(.json, .json)

  public static func list(_ element: Shape) -> Shape {
    Shape(.list(element.type), .list, "[\(element.name)]", element: element)
  }
  public static func map(_ element: Shape) -> Shape {
    let entry = Shape.record("entry", [Field("key", .string), Field("value", element)])
    return Shape(.map(element.type), .map, "[String: \(element.name)]", element: entry)
  }
  public static func record(_ name: String, _ fields: [Field]) -> Shape {
    let type = RecordType(name: name, fields: fields.map { PumpProgram.Field($0.name, $0.shape.type, wire: $0.wire, isRest: $0.isRest) })
    return record(type, name, fields)
  }
  static func record(_ type: RecordType, _ name: String, _ fields: [Field]) -> Shape { Shape(.record(type), .record, name, fields: fields) }
  public static func enumeration(_ type: EnumType) -> Shape {
    Shape(.enumeration(type), .enumeration, type.name ?? "enum", cases: type.cases.map { ($0.name, $0.wire) })
  }
  public var optional: Shape {
    if isOptional { return self }
    return Shape(
      type.asOptional, kind, name + "?", fields: fields, cases: zip(cases, wires).map { ($0, $1.string) }, element: element)
  }

  /// Bytes of one value in a column.
  var stride: Int {
    switch kind {
    case .bool: 1
    case .int, .float, .timestamp, .date, .duration, .size, .enumeration, .list, .map: 8
    case .string, .bytes, .json, .uuid: 16
    case .decimal: 32
    case .record: 0
    }
  }

  public func field(_ name: String) -> Int? { fields.firstIndex { $0.name == name } }
}
