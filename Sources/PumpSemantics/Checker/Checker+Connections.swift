import PumpPlan
import PumpSyntax

extension Checker {
  // MARK: Interface files

  func declare(connector syntax: ConnectorSyntax, builtIn: Bool) {
    let name = syntax.name.text
    if connectors[name] != nil {
      report(.duplicate, syntax.name.span, "connector `\(name)` exists already", help: "choose another name")
      return
    }
    var settings = syntax.settings.map { field in
      let bounds = bounds(field.type)
      return Setting(
        name: field.name.text, type: settingType(field), value: defaultValue(field).map(SettingValue.literal),
        minimum: bounds.minimum, maximum: bounds.maximum, docs: field.docs)
    }
    if name.first?.isUppercase ?? false { settings += Interface.common }
    let endpoints = syntax.endpoints.map { endpoint in
      let takesDocuments = if endpoint.role == .sink, case .name("Document") = endpoint.type.kind { true } else { false }
      return Interface.Endpoint(
        role: endpoint.role, name: endpoint.name.text, docs: endpoint.docs, parameters: endpoint.parameters.map(parameter),
        events: takesDocuments ? .record : events(endpoint.type), takesDocuments: takesDocuments,
        meta: RecordType(fields: resolve(endpoint.meta)), abilities: endpoint.abilities.map(\.text))
    }
    connectors[name] = Interface(name: name, module: syntax.module.text, docs: syntax.docs, settings: settings, endpoints: endpoints)
  }

  private func settingType(_ field: FieldSyntax) -> Type {
    let type = resolve(field.type).plain
    if !isConfigurable(type) {
      report(
        .notConfigurable, field.type.span, "a setting holds scalars, or lists or maps of scalars, this is \(type)",
        help: "declare one for each of its fields")
    }
    return type
  }

  func defaultValue(_ field: FieldSyntax) -> Literal? {
    let type = resolve(field.type).plain
    if let value = field.value { return constant(check(value, Scope(), as: type, "the default of `\(field.name.text)`")) }
    return type.isOptional ? .null : nil
  }

  /// What the `where` of an interface's setting says: `it >= 1`, `it <= 9`, both, or `it != ""`.
  private func bounds(_ type: TypeSyntax) -> Bounds {
    guard case .refined(let base, let predicate) = type.kind else { return Bounds() }
    let value = resolve(base).plain.wrapped
    func read(_ syntax: ExprSyntax) -> Bounds? {
      guard case .binary(let op, let left, let right) = syntax.kind else { return nil }
      if op == .and {
        guard let a = read(left), let b = read(right) else { return nil }
        return Bounds(minimum: a.minimum ?? b.minimum, maximum: a.maximum ?? b.maximum)
      }
      guard case .it = left.kind, let literal = constant(check(right, Scope(), as: value, "the bound")) else { return nil }
      switch op {
      case .greaterEqual: return literal.number.map { Bounds(minimum: $0) }
      case .lessEqual: return literal.number.map { Bounds(maximum: $0) }
      case .notEqual: return literal == .string("") ? Bounds(minimum: 1) : nil
      default: return nil
      }
    }
    if let bounds = read(predicate) { return bounds }
    report(
      .notConfigurable, predicate.span, "the `where` of a setting says the least and the most, or that a text is not empty",
      help: "write `it >= 1`, `it >= 1 and it <= 9` or `it != \"\"`")
    return Bounds()
  }

  func parameter(_ field: FieldSyntax) -> Interface.Parameter {
    func make(
      _ kind: Interface.Parameter.Kind, _ value: Literal? = nil, isPath: Bool = false, meta: String? = nil
    ) -> Interface.Parameter {
      .init(
        name: field.name.text, kind: kind, isEach: field.isEach, isPath: isPath, value: value, meta: meta, bounds: bounds(field.type),
        docs: field.docs)
    }
    if case .name("Field") = field.type.kind { return make(.field) }
    if case .list(let inner) = field.type.kind, case .name("Field") = inner.kind {
      return make(.fields, field.value == nil ? nil : .list([]))
    }
    if case .name("Record") = field.type.kind { return make(.record) }
    if case .name("Scalar") = field.type.kind { return make(.value(.null)) }
    if case .name("Path") = field.type.kind { return make(.value(.string), isPath: true) }
    if field.isEach, case .member(let base, let name, _)? = field.value?.kind, case .name("meta") = base.kind {
      return make(.value(resolve(field.type).plain), .null, meta: name.text)
    }
    return make(.value(field.isEach ? resolve(field.type).plain : settingType(field)), defaultValue(field))
  }

  func events(_ syntax: TypeSyntax) -> Interface.Events {
    if case .name("Record") = syntax.kind { return .record }
    let type = resolve(syntax).plain
    return type == .bytes ? .bytes : .type(type)
  }

  // MARK: Connections

  func check(connection syntax: ConnectionSyntax) -> ConnectionSpec? {
    guard let interface = connectors[syntax.kind.text], interface.needsConnection else {
      reportUnknown(
        .unknownConnector, syntax.kind, "connector", among: connectors.values.filter(\.needsConnection).map(\.name),
        otherwise: "`pumpc connectors` lists them")
      return nil
    }
    let values = check(settings: syntax.settings, interface.settings, "connection `\(syntax.name.text)`")
    return ConnectionSpec(
      id: syntax.name.text, docs: syntax.docs, kind: interface.name, module: interface.module, settings: values, place: place(syntax.span))
  }

  /// The declared settings with the written values in place of defaults.
  func check(settings: [SettingSyntax], _ declared: [Setting], _ what: @autoclosure () -> String) -> [Setting] {
    if settings.isEmpty { return declared }
    var written: [String: SettingValue] = [:]
    var spans: [String: Span] = [:]
    func walk(_ list: [SettingSyntax], _ prefix: String) {
      for setting in list {
        let name = prefix + setting.name.text
        if let first = spans[name] {
          report(.duplicate, setting.name.span, "`\(name)` is set twice", help: "remove one of them", labels: [(first, "first here")])
        }
        spans[name] = setting.name.span
        switch setting.value {
        case .block(let inner):
          if let map = declared.first(where: { $0.name == name }), case .map(let element) = map.type {
            written[name] = self.map(inner, element)
          } else {
            walk(inner, name + ".")
          }
        case .expression(let syntax):
          guard let target = declared.first(where: { $0.name == name }) else {
            let known = declared.map(\.name).filter { $0.hasPrefix(prefix) }.map { String($0.dropFirst(prefix.count)) }
            if declared.contains(where: { $0.name.hasPrefix(name + ".") }) {
              report(.unknownSetting, setting.name.span, "`\(name)` is a group of settings", help: "write `\(setting.name.text) { … }`")
            } else {
              reportUnknown(.unknownSetting, setting.name, "setting of \(what())", among: known, otherwise: stepSetting(name, syntax))
            }
            _ = infer(syntax, settingScope)
            continue
          }
          written[name] = check(setting: syntax, target, settingScope)
        }
      }
    }
    walk(settings, "")
    return declared.map {
      Setting(name: $0.name, type: $0.type, value: written[$0.name] ?? $0.value, minimum: $0.minimum, maximum: $0.maximum, docs: $0.docs)
    }
  }

  /// What is set at a source or a sink, where it was written elsewhere.
  func stepSetting(_ name: String, _ value: ExprSyntax) -> String? {
    for role in [ConnectorSyntax.Role.source, .sink] where Interface.stepSettings(role).contains(where: { $0.name == name }) {
      return "it is a setting of a \(role.rawValue): `\(role.rawValue) … { \(name) = \(value.span.text) }`"
    }
    return nil
  }

  func map(_ settings: [SettingSyntax], _ element: Type) -> SettingValue {
    var entries: [SettingValue.Entry] = []
    for setting in settings {
      guard case .expression(let value) = setting.value else {
        report(.unknownSetting, setting.span, "a group stands here, \(element) is due", help: "write `\"\(setting.name.text)\" = …`")
        continue
      }
      let target = Setting(name: setting.name.text, type: element)
      if let checked = check(setting: value, target, settingScope) { entries.append(.init(key: setting.name.text, value: checked)) }
    }
    return .map(entries)
  }

  /// The value of a setting; nil after an error.
  func check(setting syntax: ExprSyntax, _ target: Setting, _ scope: Scope) -> SettingValue? {
    let value = checkValue(setting: syntax, target, scope)
    guard value.type != .erroneous else { return nil }
    guard let settled = settled(value) else {
      report(
        .notConstant, syntax.span, "a setting is a literal, `config.section.key`, `env.NAME` or a text made of them",
        help: "compute it in the configuration, or write the value itself")
      return nil
    }
    if case .literal(let literal) = settled, let complaint = literal.complaint(target.name, target.bounds) {
      report(.badValue, syntax.span, complaint, help: "write another value, or leave it out")
    }
    return settled
  }

  /// The expression as start-up evaluates it; nil if that would need a step.
  func settled(_ value: Expr) -> SettingValue? {
    func all(_ parts: [Expr]) -> [SettingValue]? {
      let values = parts.compactMap(settled)
      return values.count == parts.count ? values : nil
    }
    switch value.kind {
    case .literal(let literal): return .literal(literal)
    case .config(let section, let key): return .config(section: section, key: key)
    case .environment(let name): return .environment(name)
    case .secretFile(let path): return .secretFile(path)
    // A parameter of a stage that is checked where it is declared; its use puts the argument in its place.
    case .local: return expanding.isEmpty ? nil : .literal(.null)
    case .wrap(let inner): return settled(inner)
    case .list(let items): return all(items).map { .list($0) }
    case .map(let keys, let items): return all(items).map { .map(zip(keys, $0).map { .init(key: $0, value: $1) }) }
    case .coalesce(let first, let second): return all([first, second]).map { .fallback($0[0], $0[1]) }
    case .concatenate(let parts): return all(parts).map { .join($0) }
    case .call("to_string", let arguments): return settled(arguments[0]).map { .text($0, arguments[0].type) }
    // What configuration gives is read as the type that is due.
    case .call(let name, let arguments) where ["to_decimal", "to_float"].contains(name): return settled(arguments[0])
    default: return nil
    }
  }

  func checkValue(setting syntax: ExprSyntax, _ target: Setting, _ scope: Scope) -> Expr {
    if target.type.wrapped == .secret {
      if case .string(let text) = syntax.kind {
        if reportReference(text) { return Expr(.literal(.string("")), .secret) }
        report(
          .secretLiteral, syntax.span, "a secret stands in the spec, where everyone can read it",
          help: "use `env.NAME`, or `secret file \"…\"`")
        return Expr(.literal(.string(text.plain ?? "")), .secret)
      }
      let value = infer(syntax, scope, expecting: target.type)
      if case .environment = value.kind { return Expr(value.kind, .secret) }
      return convert(value, to: target.type)
        ?? {
          mismatch(value, target.type, syntax, "`\(target.name)`"); return Self.erroneous
        }()
    }
    let value = infer(syntax, scope, expecting: target.type)
    // What the environment says is text, read as the type that is due.
    if case .environment = value.kind { return Expr(value.kind, target.type.wrapped) }
    guard let converted = convert(value, to: target.type) else {
      mismatch(value, target.type, syntax, "`\(target.name)`")
      return Self.erroneous
    }
    return converted
  }
}

extension Literal {
  /// The number, the microseconds or the bytes that it stands for.
  fileprivate var number: Int64? {
    switch self {
    case .int(let number), .duration(let number), .size(let number): number
    default: nil
    }
  }

  /// What it must be, where it is beyond the bounds.
  fileprivate func complaint(_ name: String, _ bounds: Bounds) -> String? {
    switch self {
    case .string(let text): bounds.complaint(name, text)
    case .float(let number): bounds.complaint(name, number)
    case .duration(let micros): bounds.complaint(name, Double(micros)) { Quantity.text(duration: $0) }
    case .size(let bytes): bounds.complaint(name, Double(bytes)) { Quantity.text(size: $0) }
    default: number.flatMap { bounds.complaint(name, Double($0)) }
    }
  }
}
