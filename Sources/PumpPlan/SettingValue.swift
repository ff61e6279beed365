/// Where a setting's value comes from while neither a configuration file nor the command line gives one. All of it is known
/// when a program starts, before any step runs: what needs an event cannot be written here, so no back end has to refuse it.
public struct SettingValue: Codable, Sendable {
  public indirect enum Kind: Codable, Sendable {
    case constant(Literal)
    /// A key that a `config` section declares.
    case config(section: String, key: String)
    /// An environment variable, its text read as the type.
    case environment(String)
    /// A file's text without its last line end.
    case secretFile(String)
    /// A value of another type: a whole number as a Decimal or Float, any scalar as text.
    case converted(SettingValue)
    /// Pieces of text after each other.
    case joined([SettingValue])
    case list([SettingValue])
    case map([Entry])
    /// The second where the first is a variable that is not set or empty, or null.
    case fallback(SettingValue, SettingValue)
  }
  public struct Entry: Codable, Sendable {
    public let key: String
    public let value: SettingValue
    public init(key: String, value: SettingValue) {
      self.key = key
      self.value = value
    }
  }

  public let kind: Kind
  public let type: Type
  public init(_ kind: Kind, _ type: Type) {
    self.kind = kind
    self.type = type
  }
  public init(constant: Literal, _ type: Type) { self.init(.constant(constant), type) }

  /// The literal that it is; nil where the environment or configuration says it.
  public var constant: Literal? { if case .constant(let literal) = kind { literal } else { nil } }

  /// The direct parts.
  public var children: [SettingValue] {
    switch kind {
    case .constant, .config, .environment, .secretFile: []
    case .converted(let inner): [inner]
    case .joined(let parts), .list(let parts): parts
    case .map(let entries): entries.map(\.value)
    case .fallback(let first, let second): [first, second]
    }
  }

  /// The environment variables that it reads.
  public var variables: [String] {
    if case .environment(let name) = kind { [name] } else { children.flatMap(\.variables) }
  }
}
