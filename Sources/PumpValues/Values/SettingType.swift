/// What a setting is in Swift.
public protocol SettingType {
  /// Nil if the value is of another type.
  init?(setting value: Value)
}

/// One of the cases of a setting, by its name in the interface.
public protocol SettingChoice: SettingType, RawRepresentable, Sendable where RawValue == String {}

extension SettingChoice {
  public init?(setting value: Value) { if case .text(let name) = value { self.init(rawValue: name) } else { return nil } }
}

/// Also Secret, Json, Uuid and Bytes, as they are written.
extension String: SettingType {
  public init?(setting value: Value) { if case .text(let text) = value { self = text } else { return nil } }
}

extension Bool: SettingType {
  public init?(setting value: Value) { if case .bool(let flag) = value { self = flag } else { return nil } }
}

extension Int64: SettingType {
  public init?(setting value: Value) { if case .int(let number) = value { self = number } else { return nil } }
}

extension Double: SettingType {
  public init?(setting value: Value) { if case .float(let number) = value { self = number } else { return nil } }
}

extension Decimal: SettingType {
  public init?(setting value: Value) { if case .decimal(let number) = value { self = number } else { return nil } }
}

extension Timestamp: SettingType {
  public init?(setting value: Value) { if case .int(let micros) = value { self.init(micros) } else { return nil } }
}

extension Day: SettingType {
  public init?(setting value: Value) { if case .int(let days) = value { self.init(days) } else { return nil } }
}

extension Duration: SettingType {
  public init?(setting value: Value) { if case .int(let micros) = value { self.init(micros) } else { return nil } }
}

extension Size: SettingType {
  public init?(setting value: Value) { if case .int(let bytes) = value { self.init(bytes) } else { return nil } }
}

extension Array: SettingType where Element: SettingType {
  public init?(setting value: Value) {
    guard case .list(let values) = value else { return nil }
    self = values.compactMap { Element(setting: $0) }
  }
}

extension Dictionary: SettingType where Key == String, Value: SettingType {
  public init?(setting value: PumpValues.Value) {
    guard case .map(let pairs) = value else { return nil }
    self.init(pairs.compactMap { pair in Value(setting: pair.value).map { (pair.key, $0) } }) { $1 }
  }
}
