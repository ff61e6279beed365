/// A value of configuration or of an endpoint's argument, known once the program starts.
public indirect enum Value: Sendable, Equatable {
  case null
  case bool(Bool)
  /// Also Timestamp and Duration in microseconds, Date in days, Size in bytes.
  case int(Int64)
  case float(Double)
  case decimal(Decimal)
  case text(String)
  case list([Value])
  case map([Pair])
  public struct Pair: Sendable, Equatable {
    public let key: String
    public let value: Value
    public init(_ key: String, _ value: Value) {
      self.key = key
      self.value = value
    }
  }
}

extension Setting {
  package var shape: Shape { Shape.of(type) }
  package var isSecret: Bool { type.holdsSecret }

  /// What it must be, where the value is beyond its bounds. A secret is never empty: a login without its password would be
  /// a weaker one.
  package func complaint(_ value: Value) -> String? {
    let bounds = isSecret ? Bounds(minimum: 1) : bounds
    switch value {
    case .int(let number):
      let shown: (Int64) -> String = shape.kind == .duration ? { Quantity.text(duration: $0) } : { String($0) }
      return bounds.complaint(name, Double(number), shown).map { "\($0), `\(shown(number))` is not" }
    case .float(let number): return bounds.complaint(name, number).map { "\($0), `\(Fn.text(number))` is not" }
    case .text(let text): return bounds.complaint(name, text)
    default: return nil
    }
  }
}

/// Resolved settings of one connection, section or endpoint. Only the types that are generated from interfaces read them, so
/// that each name, type and default stands in its interface alone.
public struct Settings: Sendable {
  package let values: [String: Value]
  public init(_ values: [String: Value]) { self.values = values }
  package subscript(_ name: String) -> Value { values[name] ?? .null }

  /// Nil if it is null, or there is no such setting.
  public func read<T: SettingType>(_ name: String) -> T? { T(setting: self[name]) }

  /// A setting that has no default. That it is missing is a mistake of the program, not of a user: a run does not begin before
  /// each has its value.
  public func required<T: SettingType>(_ name: String) -> T {
    guard let value = T(setting: self[name]) else { preconditionFailure("setting `\(name)` has no value") }
    return value
  }
}

extension Value {
  /// The value's JSON, as a column of the shape reads it.
  public func json(_ shape: Shape) -> String {
    var out = ByteBuffer(capacity: 64)
    defer { out.release() }
    write(&out, shape)
    return out.string
  }

  private func write(_ out: inout ByteBuffer, _ shape: Shape) {
    let arena = Arena()
    switch (self, shape.kind) {
    case (.null, _): out.raw("null")
    case (.bool(let value), _): out.bool(value)
    case (.int(let value), .timestamp): out.json(Timestamp(value))
    case (.int(let value), .date): out.json(Day(value))
    case (.int(let value), .duration): out.json(Duration(value))
    case (.int(let value), _): out.int(value)
    case (.float(let value), _): out.double(value)
    case (.decimal(let value), _): out.decimal(value)
    case (.text(let value), .enumeration): out.quoted(shape.cases.firstIndex(of: value).map { shape.wires[$0] } ?? arena.copy(value))
    case (.text(let value), .json): out.text(value)
    case (.text(let value), _): out.quoted(arena.copy(value))
    case (.list(let values), _):
      out.byte(UInt8(ascii: "["))
      for (index, value) in values.enumerated() {
        if index > 0 { out.byte(UInt8(ascii: ",")) }
        value.write(&out, shape.kind == .record ? shape.fields[index].shape : shape.element ?? .string)
      }
      out.byte(UInt8(ascii: "]"))
    case (.map(let pairs), _):
      out.byte(UInt8(ascii: "{"))
      for (index, pair) in pairs.enumerated() {
        if index > 0 { out.byte(UInt8(ascii: ",")) }
        out.quoted(arena.copy(pair.key))
        out.byte(UInt8(ascii: ":"))
        let inner = shape.kind == .record ? shape.fields.first { $0.wire == pair.key }?.shape : shape.element?.fields.last?.shape
        pair.value.write(&out, inner ?? .string)
      }
      out.byte(UInt8(ascii: "}"))
    }
  }
}
