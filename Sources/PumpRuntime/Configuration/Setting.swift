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
  var shape: Shape { Shape.of(type) }
  var isSecret: Bool { type.holdsSecret }

  /// What it must be, where this value is less than that.
  func complaint(_ value: Value) -> String? {
    guard let minimum, case .int(let number) = value, number < minimum else { return nil }
    return "`\(name)` must be \(minimum) or more"
  }
}

/// Resolved settings of one connection, section or endpoint. A missing name is a mistake of the program, not of a user.
public struct Settings: Sendable {
  public let values: [String: Value]
  public init(_ values: [String: Value]) { self.values = values }
  public subscript(_ name: String) -> Value { values[name] ?? .null }

  public func text(_ name: String) -> String? { if case .text(let value) = self[name] { value } else { nil } }
  public func int(_ name: String) -> Int64? { if case .int(let value) = self[name] { value } else { nil } }
  public func bool(_ name: String) -> Bool { self[name] == .bool(true) }
  public func float(_ name: String) -> Double? { if case .float(let value) = self[name] { value } else { nil } }
  public func texts(_ name: String) -> [String] {
    guard case .list(let values) = self[name] else { return [] }
    return values.compactMap { if case .text(let value) = $0 { value } else { nil } }
  }
  public func map(_ name: String) -> [String: String] {
    guard case .map(let pairs) = self[name] else { return [:] }
    return Dictionary(pairs.compactMap { pair in if case .text(let text) = pair.value { (pair.key, text) } else { nil } }) { $1 }
  }
}

extension Value {
  /// Reads text from a configuration file or the environment as a type; nil where it does not fit.
  static func parse(_ string: String, _ shape: Shape) -> Value? {
    let arena = Arena()
    let text = arena.copy(string)
    let trimmed = Fn.trim(text, Context(arena: arena))
    switch shape.kind {
    case .bool:
      switch trimmed.string.lowercased() {
      case "true", "yes", "on", "1": return .bool(true)
      case "false", "no", "off", "0": return .bool(false)
      default: return nil
      }
    case .int: return Int64(trimmed.string.filter { $0 != "_" }).map { .int($0) }
    case .float: return Double(trimmed.string).flatMap { $0.isFinite ? .float($0) : nil }
    case .decimal: return Decimal(trimmed).map { .decimal($0) }
    case .string, .bytes, .json, .uuid: return .text(string)
    case .timestamp: return Calendar.timestamp(trimmed).map { .int($0.micros) }
    case .date: return Calendar.day(trimmed).map { .int($0.days) }
    case .duration: return Calendar.duration(trimmed).map { .int($0.micros) }
    case .size: return size(trimmed.string).map { .int($0) }
    case .enumeration: return shape.cases.contains(string) || shape.wires.contains(text) ? .text(string) : nil
    case .list:
      let parts = Fn.split(trimmed, Text(","), Context(arena: arena)).elements.map { Fn.trim($0, Context(arena: arena)).string }
      let values = parts.filter { !$0.isEmpty }.map { parse($0, shape.element!) }
      return values.contains { $0 == nil } ? nil : .list(values.map { $0! })
    case .map, .record: return nil
    }
  }

  private static func size(_ text: String) -> Int64? {
    let digits = text.prefix { $0.isNumber }
    let units: [String: Int64] = [
      "": 1, "B": 1, "KB": 1000, "MB": 1_000_000, "GB": 1_000_000_000, "KiB": 1 << 10, "MiB": 1 << 20, "GiB": 1 << 30,
    ]
    guard let number = Int64(digits), let unit = units[String(text.dropFirst(digits.count))] else { return nil }
    let (product, over) = number.multipliedReportingOverflow(by: unit)
    return over ? nil : product
  }

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
