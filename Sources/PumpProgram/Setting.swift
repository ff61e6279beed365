/// Where a setting's value comes from when neither a configuration file nor the command line gives one. Start-up can
/// evaluate every case without running a step; values of the environment and of secrets are never in it.
public enum SettingValue: Hashable, Codable, Sendable {
  /// A constant of the setting's type.
  case literal(Literal)
  case config(section: String, key: String)
  case environment(String)
  case secretFile(String)
  /// A value of a type as `\( )` in a text writes it.
  indirect case text(SettingValue, Type)
  /// Texts, one after the other.
  case join([SettingValue])
  case list([SettingValue])
  case map([Entry])
  /// The second if the first is a variable that is not set or empty, or null.
  indirect case fallback(SettingValue, SettingValue)

  public struct Entry: Hashable, Codable, Sendable {
    public let key: String
    public let value: SettingValue
    public init(key: String, value: SettingValue) {
      self.key = key
      self.value = value
    }
  }

  /// The names of the environment variables that it asks for.
  public var variables: [String] {
    switch self {
    case .literal, .config, .secretFile: []
    case .environment(let name): [name]
    case .text(let value, _): value.variables
    case .join(let parts), .list(let parts): parts.flatMap(\.variables)
    case .map(let entries): entries.flatMap(\.value.variables)
    case .fallback(let first, let second): first.variables + second.variables
    }
  }
}

/// One key of a section, a connection's setting or an endpoint's argument: what configuration may say there.
public final class Setting: Codable, Sendable {
  /// `pool.max` for a nested one.
  public let name: String
  public let type: Type
  /// The value of lowest precedence; nil if one is required.
  public let value: SettingValue?
  /// The least and the most that a number, a duration (in microseconds), a size (in bytes) or the length of a text may be.
  public let minimum: Int64?
  public let maximum: Int64?
  public let docs: String?
  public init(
    name: String, type: Type, value: SettingValue? = nil, minimum: Int64? = nil, maximum: Int64? = nil, docs: String? = nil
  ) {
    self.name = name
    self.type = type
    self.value = value
    self.minimum = minimum
    self.maximum = maximum
    self.docs = docs
  }

  public var bounds: Bounds { Bounds(minimum: minimum, maximum: maximum) }

  /// The case of an enum that the spec says.
  public var chosenCase: String? {
    guard case .literal(.enumCase(let index))? = value, case .enumeration(let cases) = type.wrapped else { return nil }
    return cases.cases[index].name
  }
}

/// `config NAME { … }`: section `[NAME]` of pipelines.conf.
public struct ConfigSection: Codable, Sendable {
  public let name: String
  public let docs: String?
  public let keys: [Setting]
  public init(name: String, docs: String? = nil, keys: [Setting]) {
    self.name = name
    self.docs = docs
    self.keys = keys
  }
}

extension SettingValue: CustomStringConvertible {
  public var description: String {
    switch self {
    case .literal(let literal): "\(literal)"
    case .config(let section, let key): "config.\(section).\(key)"
    case .environment(let name): "env.\(name)"
    case .secretFile(let path): "secret file \(JSONLiteral.quoted(path))"
    case .text(let value, _): "text(\(value))"
    case .join(let parts): "join(\(parts.map(\.description).joined(separator: ", ")))"
    case .list(let items): "[\(items.map(\.description).joined(separator: ", "))]"
    case .map(let entries): "{\(entries.map { "\(JSONLiteral.quoted($0.key)): \($0.value)" }.joined(separator: ", "))}"
    case .fallback(let first, let second): "\(first) ?? \(second)"
    }
  }
}
