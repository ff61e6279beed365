import Glibc

/// Reads configuration files and overrides against what a program may be configured with, then resolves every setting. All
/// mistakes are found in one go.
struct ConfigurationLoader {
  private let schema: [ConfigSchema.Section]
  private let stateReason: String?
  private let environment: (String) -> String?
  private var problems: [ConfProblem] = []
  private var written: [String: [String: Value]] = [:]
  /// Settings whose line is wrong already, as `section key`: that they have no value then is no second mistake.
  private var mistaken: Set<String> = []
  private var ignored: [String] = []

  init(schema: ConfigSchema, environment: @escaping (String) -> String?) {
    self.schema = schema.sections + [ConfigSchema.general]
    self.stateReason = schema.stateReason
    self.environment = environment
  }

  private mutating func report(
    _ kind: ConfProblem.Kind, _ entry: ConfEntry, _ message: String, _ help: String, fix: ConfProblem.Fix? = nil
  ) {
    let override = entry.beginning.isEmpty ? "\(entry.section.replacing(":", with: ".")).\(entry.key)" : nil
    problems.append(
      ConfProblem(kind, path: entry.path, line: entry.line, column: entry.column, override: override, message, help: help, fix: fix))
  }

  // MARK: Files and overrides

  mutating func add(_ file: ConfFile) {
    problems += file.problems
    for entry in file.entries where entry.section == "general" && entry.key == "ignore" { ignored += entry.words }
    var unknown: Set<String> = []
    for (name, line) in file.sections where !isKnown(name) && unknown.insert(name).inserted {
      let known = schema.map(\.name)
      let help =
        near(name, known).map { "did you mean `[\($0)]`?" }
        ?? "this program knows \(known.sorted().map { "[\($0)]" }.joined(separator: ", ")); name other programs' sections in `[general] ignore=`"
      problems.append(ConfProblem(.section, path: file.path, line: line, "there is no section `[\(Shape.clean(name))]`", help: help))
    }
    for entry in file.entries where !unknown.contains(entry.section) { add(entry) }
  }

  private func isKnown(_ name: String) -> Bool {
    schema.contains { $0.name == name } || ignored.contains { $0 == name || ($0.hasSuffix("*") && name.hasPrefix($0.dropLast())) }
  }

  private mutating func add(_ entry: ConfEntry) {
    guard let section = schema.first(where: { $0.name == entry.section }) else { return }
    // All after the name of a map is one key: `properties.linger.ms`.
    let map = section.settings.first { $0.shape.kind == .map && entry.key.hasPrefix($0.name + ".") }
    guard let setting = section.settings.first(where: { $0.name == entry.key }) ?? map else {
      let known = section.settings.map(\.name)
      report(
        .key, entry, "section `[\(entry.section)]` has no key `\(Shape.clean(entry.key))`",
        near(entry.key, known).map { "did you mean `\($0)`?" } ?? "it has \(known.joined(separator: ", "))")
      return
    }
    // Those are read with the files.
    if entry.section == "general", ["include", "ignore"].contains(entry.key) { return }
    let text: String
    let bare: [String]
    do throws(ConfFile.UnsetVariable) { (text, bare) = try ConfFile.expand(entry.value, entry.variables(environment)) } catch {
      mistaken.insert("\(entry.section) \(setting.name)")
      report(.variable, entry, "`${\(Shape.clean(error.name))}` is not set", help(unset: error.name, setting, section))
      return
    }
    for doubt in entry.doubts(setting, bare: bare, environment) { report(.doubtful, entry, doubt.message, doubt.help, fix: doubt.fix) }
    if setting.shape.kind == .map {
      add(text, to: setting, entry)
    } else if let value = read(text, setting, setting.shape, entry) {
      written[entry.section, default: [:]][setting.name] = value
    }
  }

  private func help(unset name: String, _ setting: Setting, _ section: ConfigSchema.Section) -> String {
    if name.contains(":") || section.settings.contains(where: { $0.name == name }) {
      return "`${…}` reads the environment alone, no other key: write the value itself"
    }
    let name = Shape.clean(name)
    return setting.isSecret ? "set the variable" : "set the variable, or write `${\(name):-default}`"
  }

  private mutating func add(_ text: String, to setting: Setting, _ entry: ConfEntry) {
    guard setting.name != entry.key else {
      report(.type, entry, "`\(entry.key)` is a group", "write `\(entry.key).name = value`")
      return
    }
    // Only maps come here, and their elements are entries of key and value.
    guard let value = read(text, setting, setting.shape.element!.fields[1].shape, entry) else { return }
    var pairs: [Value.Pair] = []
    if case .map(let known)? = written[entry.section]?[setting.name] { pairs = known }
    let key = String(entry.key.dropFirst(setting.name.count + 1))
    pairs.removeAll { $0.key == key }
    written[entry.section, default: [:]][setting.name] = .map(pairs + [.init(key, value)])
  }

  /// The value that a text stands for; what is wrong with it is reported, and never shown where it may be a secret.
  private mutating func read(_ text: String, _ setting: Setting, _ shape: Shape, _ entry: ConfEntry) -> Value? {
    mistaken.insert("\(entry.section) \(setting.name)")
    guard let value = Value.parse(text, shape) else {
      let found = setting.isSecret || entry.value.contains("$") ? "the value" : "`\(Shape.clean(String(text.prefix(40))))`"
      let expected = shape.kind == .enumeration ? "one of \(shape.cases.joined(separator: ", "))" : shape.plainName
      report(.type, entry, "`\(entry.key)` needs \(expected), \(found) is none", shape.example)
      return nil
    }
    if let complaint = setting.complaint(value) {
      report(.type, entry, complaint, setting.isSecret || shape.kind == .string ? "write a value, or leave the line out" : shape.example)
      return nil
    }
    mistaken.remove("\(entry.section) \(setting.name)")
    return value
  }

  /// `connection.db.port=5433`, `shop.min_amount=5`, `pipeline.p.label.key=v`.
  mutating func add(override: String) {
    guard let equal = override.firstIndex(of: "=") else {
      problems.append(
        ConfProblem(
          .syntax, path: "--set", override: override, "`\(Shape.clean(override))` has no `=`", help: "write `--set section.key=value`"))
      return
    }
    let path = String(override[..<equal])
    // The longest section that fits wins: labels may hold dots.
    let fits = schema.filter { section in path.hasPrefix(section.name.replacing(":", with: ".") + ".") }
    guard let section = fits.max(by: { $0.name.count < $1.name.count }), path != "general.include", path != "general.ignore" else {
      problems.append(
        ConfProblem(
          .section, path: "--set", override: path, "`\(Shape.clean(path))` names no setting",
          help: "write `--set connection.ID.key=value` or `--set section.key=value`"))
      return
    }
    add(
      ConfEntry(
        override: String(path.dropFirst(section.name.count + 1)), of: section.name, String(override[override.index(after: equal)...])))
  }

  // MARK: Values

  mutating func finish() -> (Configuration, [ConfProblem]) {
    var resolved: [String: Settings] = [:]
    // Plain sections first: others refer to them.
    for section in schema.filter({ !$0.name.contains(":") }) + schema.filter({ $0.name.contains(":") }) {
      var values: [String: Value] = [:]
      for setting in section.settings where !mistaken.contains("\(section.name) \(setting.name)") {
        if let value = written[section.name]?[setting.name] {
          values[setting.name] = value
        } else if let source = setting.value {
          values[setting.name] = value(of: source, setting, section.name, resolved)
        } else {
          missing(
            "`\(setting.name)` of `[\(section.name)]` has no value",
            "set `\(setting.name)` in `[\(section.name)]` of pipelines.conf, or pass `--set \(section.name.replacing(":", with: ".")).\(setting.name)=…`"
          )
        }
      }
      resolved[section.name] = Settings(values)
    }
    if let stateReason, written["general"]?["state"] == nil, !mistaken.contains("general state") {
      missing(
        "`state` of `[general]` has no value: \(stateReason)", "name a folder there: `state = state`, or pass `--set general.state=FOLDER`")
    }
    return (Configuration(sections: resolved, general: GeneralSettings(resolved["general"] ?? Settings([:]))), problems)
  }

  private mutating func missing(_ message: String, _ help: String) { problems.append(ConfProblem(.missing, message, help: help)) }

  private mutating func value(of source: SettingValue, _ setting: Setting, _ section: String, _ resolved: [String: Settings]) -> Value {
    let resolver = SettingResolver(environment: environment, resolved: resolved)
    switch resolver.value(of: source, setting.type) {
    case .success(let value):
      guard let complaint = setting.complaint(value) else { return value }
      let why = source.variables.first.map { "; it comes from the environment variable `\($0)`" } ?? ""
      problems.append(ConfProblem(.type, "\(complaint), in `[\(section)]`\(why)", help: "write it in `[\(section)]` of pipelines.conf"))
    case .failure(.unset(let name)):
      let optional = setting.shape.isOptional ? "; where it may be left out, write `env.\(name) ?? null`" : ""
      missing(
        "`\(setting.name)` of `[\(section)]` needs the environment variable `\(name)`",
        "set \(name), or give `\(setting.name)` in pipelines.conf\(optional)")
    case .failure(.wrong(let name, let type)):
      problems.append(
        ConfProblem(
          .type, "the environment variable `\(name)` is no \(type), which `\(setting.name)` of `[\(section)]` needs",
          help: "set \(name) to what `\(setting.name)` needs"))
    case .failure(.unreadable(let reason)):
      missing("`\(setting.name)` of `[\(section)]`: \(reason)", "create the file, or give `\(setting.name)` in pipelines.conf")
    }
    return .null
  }
}
