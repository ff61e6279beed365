import Glibc

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
  public init(_ sections: [Section]) { self.sections = sections }
}

/// The configuration of one run: every setting resolved, low to high from the spec, the files in order and `--set`.
public struct Configuration: Sendable {
  let sections: [String: Settings]
  private let general: [String: Value]

  init(sections: [String: Settings], general: [String: Value]) {
    self.sections = sections
    self.general = general
  }

  /// Folder of positions, where one is configured.
  public var state: String? { if case .text(let folder)? = general["state"] { folder } else { nil } }
  /// `HOST:PORT` of the status page, where one is configured.
  public var metrics: String? { if case .text(let address)? = general["metrics"] { address } else { nil } }
  /// How long a stop waits for systems that are down, in microseconds.
  public var shutdownTimeout: Int64 { if case .int(let time)? = general["shutdown_timeout"] { time } else { 30_000_000 } }

  public func section(_ name: String) -> Settings { sections[name] ?? Settings([:]) }

  /// One key as a value of generated code.
  public func read<T: ColumnValue>(_ section: String, _ key: String, _ shape: Shape) -> T {
    constant(self.section(section)[key].json(shape), shape)
  }

  /// Resolves everything, or reports every mistake at once.
  public static func load(
    _ schema: ConfigSchema, files: [ConfFile], overrides: [String], environment: @escaping (String) -> String?
  ) -> (Configuration, [ConfProblem]) {
    var loader = Loader(schema: schema, environment: environment)
    for file in files { loader.add(file) }
    for override in overrides { loader.add(override: override) }
    return loader.finish()
  }
}

/// A value from JSON that was checked against its type, in memory that lives as long as the program.
public func constant<T: ColumnValue>(_ json: String, _ shape: Shape) -> T {
  let memory = Arena()
  let text = memory.copy(json)
  (UnsafeMutablePointer(mutating: text.base) + text.count).pointee = 0
  let column = Column(shape)
  precondition(shape.read(text, into: column, 0, memory, JSONOptions()), "constants were checked against their types")
  _ = Unmanaged.passRetained(memory)
  return T.read(column, 0, memory)
}

/// The nearest of some names to a mistyped one.
private func near(_ name: String, _ candidates: [String]) -> String? {
  let wanted = Array(name.utf8)
  var best: (String, Int)?
  for candidate in candidates {
    let other = Array(candidate.utf8)
    guard abs(other.count - wanted.count) <= 3 else { continue }
    var row = Array(0...other.count)
    for i in wanted.indices {
      var corner = row[0]
      row[0] = i + 1
      for j in other.indices {
        let above = row[j + 1]
        row[j + 1] = min(above + 1, row[j] + 1, corner + (wanted[i] == other[j] ? 0 : 1))
        corner = above
      }
    }
    if row[other.count] <= max(1, min(3, wanted.count / 3)), row[other.count] < best?.1 ?? .max { best = (candidate, row[other.count]) }
  }
  return best?.0
}

private struct Loader {
  let schema: ConfigSchema
  let environment: (String) -> String?
  var problems: [ConfProblem] = []
  var written: [String: [String: Value]] = [:]
  var ignored: [String] = []
  var general: [String: Value] = [:]

  init(schema: ConfigSchema, environment: @escaping (String) -> String?) {
    self.schema = schema
    self.environment = environment
  }

  /// Settings of `[general]`; `include` and `ignore` are read with the files.
  private static let generalSettings: [(name: String, shape: Shape)] = [
    ("state", .string), ("metrics", .string), ("shutdown_timeout", .duration), ("include", .string), ("ignore", .string),
  ]

  mutating func report(_ kind: ConfProblem.Kind, _ entry: ConfEntry, _ message: String, _ help: String) {
    problems.append(ConfProblem(kind: kind, path: entry.path, line: entry.line, column: entry.column, message: message, help: help))
  }

  mutating func add(_ file: ConfFile) {
    problems += file.problems
    for entry in file.entries where entry.section == "general" && entry.key == "ignore" {
      ignored += entry.value.split(separator: ",").map { String($0.filter { $0 != " " }) }
    }
    var unknown: Set<String> = []
    for (name, line) in file.sections where !isKnown(name) && unknown.insert(name).inserted {
      let known = schema.sections.map(\.name) + ["general"]
      let help =
        near(name, known).map { "did you mean `[\($0)]`?" }
        ?? "this program knows \(known.sorted().map { "[\($0)]" }.joined(separator: ", ")); name other programs' sections in `[general] ignore=`"
      problems.append(
        ConfProblem(
          kind: .section, path: file.path, line: line, column: 1, message: "there is no section `[\(Shape.clean(name))]`", help: help))
    }
    for entry in file.entries where !unknown.contains(entry.section) { add(entry) }
  }

  private func isKnown(_ name: String) -> Bool {
    name == "general" || schema.sections.contains { $0.name == name }
      || ignored.contains { $0 == name || ($0.hasSuffix("*") && name.hasPrefix($0.dropLast())) }
  }

  private mutating func add(_ entry: ConfEntry) {
    if entry.section == "general" { return add(general: entry) }
    guard let section = schema.sections.first(where: { $0.name == entry.section }) else { return }
    // All after the name of a map is one key: `properties.linger.ms`.
    let map = section.settings.first { $0.shape.kind == .map && entry.key.hasPrefix($0.name + ".") }
    guard let setting = section.settings.first(where: { $0.name == entry.key }) ?? map else {
      let known = section.settings.map(\.name)
      report(
        .key, entry, "section `[\(entry.section)]` has no key `\(Shape.clean(entry.key))`",
        near(entry.key, known).map { "did you mean `\($0)`?" } ?? "it has \(known.joined(separator: ", "))")
      return
    }
    let text: String
    do throws(ConfFile.UnsetVariable) { text = try ConfFile.expand(entry.value, environment) } catch {
      report(
        .variable, entry, "`${\(Shape.clean(error.name))}` is not set",
        "set the variable, or write `${\(Shape.clean(error.name)):-default}`")
      return
    }
    if setting.shape.kind == .map {
      guard setting.name != entry.key else {
        report(.type, entry, "`\(entry.key)` is a group", "write `\(entry.key).name = value`")
        return
      }
      var pairs: [Value.Pair] = []
      if case .map(let known)? = written[entry.section]?[setting.name] { pairs = known }
      let key = String(entry.key.dropFirst(setting.name.count + 1))
      pairs.removeAll { $0.key == key }
      pairs.append(.init(key, .text(text)))
      written[entry.section, default: [:]][setting.name] = .map(pairs)
      return
    }
    guard let value = Value.parse(text, setting.shape) else {
      // A secret's text never stands in a message.
      let found = setting.isSecret || entry.value.contains("$") ? "the value" : "`\(Shape.clean(String(text.prefix(40))))`"
      let expected = setting.shape.kind == .enumeration ? "one of \(setting.shape.cases.joined(separator: ", "))" : setting.shape.name
      report(.type, entry, "`\(entry.key)` needs \(expected), \(found) is none", example(setting.shape))
      return
    }
    if let complaint = setting.complaint(value) {
      report(.type, entry, "\(complaint), `\(Shape.clean(String(text.prefix(40))))` is less", example(setting.shape))
      return
    }
    written[entry.section, default: [:]][setting.name] = value
  }

  private mutating func add(general entry: ConfEntry) {
    let known = Self.generalSettings.map(\.name)
    guard let setting = Self.generalSettings.first(where: { $0.name == entry.key }) else {
      report(
        .key, entry, "section `[general]` has no key `\(Shape.clean(entry.key))`",
        near(entry.key, known).map { "did you mean `\($0)`?" } ?? "it has \(known.joined(separator: ", "))")
      return
    }
    guard let value = Value.parse(entry.value, setting.shape) else {
      report(.type, entry, "`\(entry.key)` needs \(setting.shape.name)", example(setting.shape))
      return
    }
    general[entry.key] = value
  }

  private func example(_ shape: Shape) -> String {
    switch shape.kind {
    case .bool: "write true or false"
    case .int: "write a whole number, such as 5"
    case .duration: "write a duration, such as 5s or 100ms"
    case .size: "write a size, such as 64KiB"
    case .float, .decimal: "write a number, such as 1.5"
    case .enumeration: "write one of \(shape.cases.joined(separator: ", "))"
    default: "write a \(shape.name)"
    }
  }

  /// `connection.db.port=5433`, `shop.min_amount=5`, `pipeline.p.label.key=v`.
  mutating func add(override: String) {
    guard let equal = override.firstIndex(of: "=") else {
      problems.append(
        ConfProblem(
          kind: .syntax, path: "--set", line: 1, column: 1, message: "`\(Shape.clean(override))` has no `=`",
          help: "write `--set section.key=value`"))
      return
    }
    let path = String(override[..<equal])
    let value = String(override[override.index(after: equal)...])
    // The longest section that fits wins: labels may hold dots.
    if path.hasPrefix("general."), path != "general.include" {
      add(ConfEntry(section: "general", key: String(path.dropFirst(8)), value: value, path: "--set", line: 1, column: 1))
      return
    }
    let fits = schema.sections.filter { section in path.hasPrefix(section.name.replacing(":", with: ".") + ".") }
    guard let section = fits.max(by: { $0.name.count < $1.name.count }) else {
      problems.append(
        ConfProblem(
          kind: .section, path: "--set", line: 1, column: 1, message: "`\(Shape.clean(path))` names no setting",
          help: "write `--set connection.ID.key=value` or `--set section.key=value`"))
      return
    }
    add(
      ConfEntry(section: section.name, key: String(path.dropFirst(section.name.count + 1)), value: value, path: "--set", line: 1, column: 1)
    )
  }

  mutating func finish() -> (Configuration, [ConfProblem]) {
    var resolved: [String: Settings] = [:]
    // Plain sections first: others refer to them.
    let ordered = schema.sections.filter { !$0.name.contains(":") } + schema.sections.filter { $0.name.contains(":") }
    for section in ordered {
      var values: [String: Value] = [:]
      for setting in section.settings {
        if let value = written[section.name]?[setting.name] {
          values[setting.name] = value
        } else if let source = setting.value {
          let value = value(of: source, setting, setting.type, section.name, resolved)
          if let complaint = setting.complaint(value) {
            missing("\(complaint): in `[\(section.name)]` it is \(value.json(setting.shape))", example(setting.shape))
          }
          values[setting.name] = value
        } else {
          missing(
            "`\(setting.name)` of `[\(section.name)]` has no value",
            "set `\(setting.name)` in `[\(section.name)]` of pipelines.conf, or pass `--set \(section.name.replacing(":", with: ".")).\(setting.name)=…`"
          )
        }
      }
      resolved[section.name] = Settings(values)
    }
    return (Configuration(sections: resolved, general: general), problems)
  }

  private mutating func missing(_ message: String, _ help: String) {
    problems.append(ConfProblem(kind: .missing, path: "configuration", line: 1, column: 1, message: message, help: help))
  }

  /// `type` is the setting's, or that of what it holds.
  private mutating func value(
    of source: SettingValue, _ setting: Setting, _ type: Type, _ section: String, _ resolved: [String: Settings]
  ) -> Value {
    let shape = Shape.of(type)
    switch source {
    case .literal(let literal): return Value(literal, type)
    case .config(let name, let key): return (resolved[name]?[key] ?? .null).widened(to: type)
    case .environment(let name):
      guard let text = environment(name) else {
        if shape.isOptional { return .null }
        missing(
          "`\(setting.name)` of `[\(section)]` needs the environment variable `\(name)`",
          "set \(name), or give `\(setting.name)` in pipelines.conf")
        return .null
      }
      guard let value = Value.parse(text, shape) else {
        missing("the environment variable `\(name)` is no \(shape.name)", "set \(name) to what `\(setting.name)` needs")
        return .null
      }
      return value
    case .secretFile(let path):
      guard let bytes = try? readWholeFile(path, limit: 1 << 20) else {
        missing("the secret file `\(Shape.clean(path))` cannot be read", "create it, or give `\(setting.name)` in pipelines.conf")
        return .null
      }
      let text = String(decoding: bytes, as: UTF8.self)
      return .text(String(text.last == "\n" ? text.dropLast() : Substring(text)))
    case .join(let parts):
      return .text(parts.map { value(of: $0, setting, .string, section, resolved).plain(.string) }.joined())
    case .text(let inner, let type): return .text(value(of: inner, setting, type, section, resolved).plain(Shape.of(type)))
    case .list(let parts):
      let element: Type = if case .list(let element) = type.wrapped { element } else { .string }
      return .list(parts.map { value(of: $0, setting, element, section, resolved) })
    case .map(let pairs):
      let element: Type = if case .map(let element) = type.wrapped { element } else { .string }
      return .map(pairs.map { Value.Pair($0.key, value(of: $0.value, setting, element, section, resolved)) })
    }
  }
}

extension Value {
  /// As `\( )` in a string writes it: JSON, texts and times without their quotes.
  func plain(_ shape: Shape) -> String {
    if case .text(let text) = self { return text }
    let json = json(shape)
    return json.hasPrefix("\"") ? String(json.dropFirst().dropLast()) : json
  }

  /// A whole number where a fractional one is due.
  fileprivate func widened(to type: Type) -> Value {
    switch (self, type.wrapped) {
    case (.int(let value), .float): .float(Double(value))
    case (.int(let value), .decimal): .decimal(Decimal(value))
    default: self
    }
  }
}
