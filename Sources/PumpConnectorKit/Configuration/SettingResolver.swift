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

  func value(of source: SettingValue, _ type: Type) -> Result<Value, Problem> {
    do throws(Problem) { return .success(try read(source, type)) } catch { return .failure(error) }
  }

  /// `type` is the setting's, or that of what it holds.
  private func read(_ source: SettingValue, _ type: Type) throws(Problem) -> Value {
    switch source {
    case .literal(let literal): return Value(literal, type).widened(to: type)
    case .config(let name, let key): return (resolved[name]?[key] ?? .null).widened(to: type)
    case .environment(let name):
      guard let text = environment(name) else { throw .unset(name) }
      let shape = Shape.of(type)
      guard let value = Value.parse(text, shape) else { throw .wrong(name, type: shape.plainName) }
      return value
    case .secretFile(let path):
      do throws(FileProblem) {
        let bytes = try readWholeFile(path, limit: 1 << 20)
        let text = String(decoding: bytes, as: UTF8.self)
        return .text(text.last?.isNewline ?? false ? String(text.dropLast()) : text)
      } catch { throw .unreadable(error.message) }
    case .text(let inner, let type): return .text(try read(inner, type).plain(Shape.of(type)))
    case .join(let parts):
      var joined = ""
      for part in parts { joined += try read(part, .string).plain(.string) }
      return .text(joined)
    case .list(let parts):
      let element: Type = if case .list(let element) = type.wrapped { element } else { .string }
      var values: [Value] = []
      for part in parts { values.append(try read(part, element)) }
      return .list(values)
    case .map(let entries):
      let element: Type = if case .map(let element) = type.wrapped { element } else { .string }
      var values: [Value.Pair] = []
      for entry in entries { values.append(.init(entry.key, try read(entry.value, element))) }
      return .map(values)
    case .fallback(let first, let second):
      do throws(Problem) {
        // As `${NAME:-default}` of a configuration file: a variable that is empty counts as one that is not set.
        if case .environment(let name) = first, environment(name) == "" { throw .unset(name) }
        let value = try read(first, type)
        if value != .null { return value }
      } catch { guard case .unset = error else { throw error } }
      return try read(second, type)
    }
  }
}

extension Value {
  /// As `\( )` in a string writes it: JSON, texts and times without their quotes.
  func plain(_ shape: Shape) -> String {
    if case .text(let text) = self, shape.kind != .enumeration, shape.kind != .json { return text }
    let context = Context()
    return Fn.toString(Json(context.arena.copy(json(shape))), context).string
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
