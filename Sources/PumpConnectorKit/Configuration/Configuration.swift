/// What a program may be configured with: its sections, connections and pipelines.
public struct ConfigSchema: Sendable {
  public struct Section: Sendable {
    /// `shop`, `connection:db`, `pipeline:p`, `pipeline:p:label`.
    public let name: String
    public let settings: [Setting]
    public init(_ name: String, _ settings: [Setting]) {
      self.name = name
      self.settings = settings
    }
  }
  public let sections: [Section]
  /// Why the program does not run without `state` in `[general]`; nil where it does.
  public let stateReason: String?
  public init(_ sections: [Section], stateReason: String? = nil) {
    self.sections = sections
    self.stateReason = stateReason
  }
}

extension ConfigSchema {
  /// `[general]`, which every program has.
  public static let general = Section(
    "general",
    [
      Setting(
        name: "state", type: .string.asOptional, value: .literal(.null), minimum: 1,
        docs: "Folder that keeps positions of files, tables and change streams, and what steps keep of events, from run to run."),
      Setting(
        name: "metrics", type: .string.asOptional, value: .literal(.null), minimum: 1,
        docs: "Address and port that serve /metrics, /readyz and /livez, such as 127.0.0.1:9464."),
      Setting(
        name: "shutdown_timeout", type: .duration, value: .literal(.duration(30_000_000)), minimum: 0,
        docs: "How long a stop waits for systems that are down or give no answer."),
      Setting(
        name: "include", type: .list(.string), value: .literal(.list([])),
        docs: "More configuration files, as names or patterns; a relative one starts from this file's folder."),
      Setting(
        name: "ignore", type: .list(.string), value: .literal(.list([])),
        docs: "Sections of other programs in these files; `web*` is all that begin so."),
    ])
}

/// The configuration of one run: every setting resolved, low to high from the spec, the files in order and `--set`.
public struct Configuration: Sendable {
  package let sections: [String: Settings]

  private let general: GeneralSettings

  package init(sections: [String: Settings], general: GeneralSettings) {
    self.sections = sections
    self.general = general
  }

  /// Folder of positions, where one is configured.
  public var state: String? { general.state }
  /// `HOST:PORT` of the status page, where one is configured.
  public var metrics: String? { general.metrics }
  /// How long a stop waits for systems that are down or give no answer, in microseconds.
  public var shutdownTimeout: Int64 { general.shutdownTimeout.micros }

  public func section(_ name: String) -> Settings { sections[name] ?? Settings([:]) }

  /// One key as a value of generated code.
  public func read<T: ColumnValue>(_ section: String, _ key: String, _ shape: Shape) -> T {
    constant(self.section(section)[key].json(shape), shape)
  }

  /// Resolves everything, or reports every mistake at once.
  public static func load(
    _ schema: ConfigSchema, files: [ConfFile], overrides: [String], environment: @escaping (String) -> String?
  ) -> (Configuration, [ConfProblem]) {
    var loader = ConfigurationLoader(schema: schema, environment: environment)
    for file in files { loader.add(file) }
    for override in overrides { loader.add(override: override) }
    return loader.finish()
  }
}
