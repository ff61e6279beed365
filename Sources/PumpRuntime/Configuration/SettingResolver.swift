/// Finds what a setting is worth where neither configuration file nor command line says it.
struct SettingResolver {
  enum Problem: Error {
    /// An environment variable that is not set.
    case unset(String)
    /// An environment variable that is not of the type.
    case wrong(String, type: String)
    /// Why a secret's file cannot be read.
    case unreadable(String)
  }

  let environment: (String) -> String?
  /// Sections that are known already: those declared with `config`.
  let resolved: [String: Settings]

  func value(of source: SettingValue, _ shape: Shape) -> Result<Value, Problem> {
    do throws(Problem) { return .success(try read(source, shape)) } catch { return .failure(error) }
  }

  /// `shape` is the setting's, or that of what it holds.
  private func read(_ source: SettingValue, _ shape: Shape) throws(Problem) -> Value {
    switch source {
    case .value(let value): return value
    case .config(let name, let key): return resolved[name]?[key] ?? .null
    case .environment(let name):
      guard let text = environment(name) else { throw .unset(name) }
      guard let value = Value.parse(text, shape) else { throw .wrong(name, type: shape.plainName) }
      return value
    case .secretFile(let path):
      do throws(FileProblem) {
        let bytes = try readWholeFile(path, limit: 1 << 20)
        let text = String(decoding: bytes, as: UTF8.self)
        return .text(text.last?.isNewline ?? false ? String(text.dropLast()) : text)
      } catch { throw .unreadable(error.message) }
    case .converted(let inner, let from):
      let value = try read(inner, from)
      return shape.kind == .decimal || shape.kind == .float ? value.number(shape) : value.text(from)
    case .join(let parts):
      var joined = ""
      for part in parts { if case .text(let text) = try read(part, .string) { joined += text } }
      return .text(joined)
    case .list(let parts):
      var values: [Value] = []
      for part in parts { values.append(try read(part, shape.element ?? .string)) }
      return .list(values)
    case .map(let pairs):
      var values: [Value.Pair] = []
      for (key, part) in pairs { values.append(.init(key, try read(part, shape.element?.fields[1].shape ?? .string))) }
      return .map(values)
    case .fallback(let first, let second):
      do throws(Problem) {
        // As `${NAME:-default}` of a configuration file: a variable that is empty counts as one that is not set.
        if case .environment(let name) = first, environment(name) == "" { throw .unset(name) }
        let value = try read(first, shape)
        if value != .null { return value }
      } catch { guard case .unset = error else { throw error } }
      return try read(second, shape)
    }
  }
}

extension SettingValue {
  /// The environment variables that it may read.
  var variables: [String] {
    switch self {
    case .value, .config, .secretFile: []
    case .environment(let name): [name]
    case .converted(let inner, _): inner.variables
    case .join(let parts), .list(let parts): parts.flatMap(\.variables)
    case .map(let pairs): pairs.flatMap(\.1.variables)
    case .fallback(let first, let second): first.variables + second.variables
    }
  }
}
