/// The form of a value at run time: how columns store it, and how formats read and write it. Made once for each type.
public final class Shape: @unchecked Sendable {
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
    public init(_ name: String, _ shape: Shape, wire: String? = nil, value: String? = nil) {
      self.name = name
      self.wire = wire ?? name
      self.shape = shape
      self.value = value
    }
  }

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
  let keys: KeyTable
  /// `{"id":`, `,"name":`: what stands before each field's value in JSON.
  let prefixes: [Text]
  /// Fields that must be present.
  let required: [Int]

  private init(_ kind: Kind, _ name: String, isOptional: Bool, fields: [Field], cases: [(String, String)], element: Shape?) {
    self.kind = kind
    self.name = name
    self.isOptional = isOptional
    self.fields = fields
    self.element = element
    let memory = Shape.names
    self.cases = cases.map(\.0)
    wires = cases.map { memory.copy($0.1) }
    keys = KeyTable(kind == .enumeration ? cases.map(\.1) : fields.map(\.wire))
    required = fields.indices.filter { !fields[$0].shape.isOptional && fields[$0].value == nil }
    prefixes = fields.enumerated().map { index, field in
      var buffer = ByteBuffer(capacity: 64)
      buffer.byte(index == 0 ? UInt8(ascii: "{") : UInt8(ascii: ","))
      buffer.quoted(memory.copy(field.wire))
      buffer.byte(UInt8(ascii: ":"))
      defer { buffer.release() }
      return memory.copy(buffer.bytes)
    }
  }

  /// Names live as long as the program. Shapes are made at start-up, by one thread.
  private static let names = Arena()

  private static func scalar(_ kind: Kind, _ name: String) -> Shape {
    Shape(kind, name, isOptional: false, fields: [], cases: [], element: nil)
  }
  public static let bool = scalar(.bool, "Bool")
  public static let int = scalar(.int, "Int")
  public static let float = scalar(.float, "Float")
  public static let decimal = scalar(.decimal, "Decimal")
  public static let string = scalar(.string, "String")
  public static let bytes = scalar(.bytes, "Bytes")
  public static let timestamp = scalar(.timestamp, "Timestamp")
  public static let date = scalar(.date, "Date")
  public static let duration = scalar(.duration, "Duration")
  public static let size = scalar(.size, "Size")
  public static let uuid = scalar(.uuid, "Uuid")
  public static let json = scalar(.json, "Json")

  public static func list(_ element: Shape) -> Shape {
    Shape(.list, "[\(element.name)]", isOptional: false, fields: [], cases: [], element: element)
  }
  public static func map(_ element: Shape) -> Shape {
    let entry = Shape(
      .record, "entry", isOptional: false, fields: [Field("key", .string), Field("value", element)], cases: [], element: nil)
    return Shape(.map, "[String: \(element.name)]", isOptional: false, fields: [], cases: [], element: entry)
  }
  public static func record(_ name: String, _ fields: [Field]) -> Shape {
    Shape(.record, name, isOptional: false, fields: fields, cases: [], element: nil)
  }
  /// Cases as (name, name on the wire).
  public static func enumeration(_ name: String, _ cases: [(String, String)]) -> Shape {
    Shape(.enumeration, name, isOptional: false, fields: [], cases: cases, element: nil)
  }
  public var optional: Shape {
    if isOptional { return self }
    return Shape(kind, name + "?", isOptional: true, fields: fields, cases: zip(cases, wires).map { ($0, $1.string) }, element: element)
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
