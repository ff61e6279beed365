import PumpPlan
import PumpSyntax

extension Checker {
  func field(of base: Expr, _ name: Name, _ span: Span) -> Expr {
    if isFunction(of: base, name) {
      report(
        .unknownField, name.span, "`\(name.text)` is a function, which is called", help: "write `\(name.text)()`",
        fix: Fix("call it", .certain, [Edit(name.span.after, "()")]))
      return Self.erroneous
    }
    switch base.type {
    case .erroneous: return base
    case .record(let record):
      if let index = record.index(of: name.text) {
        use(name, of: record)
        return Expr(.field(base, index), record.fields[index].type)
      }
      if let grouping, !grouping.isInside, case .it = base.kind, grouping.event.record?.index(of: name.text) != nil {
        return ofSingleEvents(".\(name.text)", span, "last(.\(name.text))")
      }
      let isEvent = if case .it = base.kind { true } else { false }
      let deeper = isEvent ? Self.path(to: name.text, in: record) : nil
      reportUnknown(
        .unknownField, name, "field", among: record.fields.map(\.name),
        otherwise: deeper.map { "did you mean `\($0)`?" } ?? record.inRest { ".\($0).\(name.text)" } ?? "the event here is \(base.type)")
    case .json: return Expr(.call("json_member", [base, Expr(.literal(.string(name.text)), .string)]), .json)
    case .optional:
      let value = span.text.hasSuffix(".\(name.text)") ? span.text.dropLast(name.text.count + 1) : ""
      report(
        .nullable, span, "this may be null (\(base.type))",
        help: "write `\(value)?.\(name.text)`" + (value.isEmpty ? "" : ", or let only others pass with `filter \(value) != null`"))
    case .map: report(.unknownField, name.span, "a map has no fields", help: "write `[\"\(name.text)\"]`")
    case .bytes, .string:
      if case .it = base.kind {
        // A step that was forgotten is told once, not for each field.
        guard !toldUndecoded else { return Self.erroneous }
        toldUndecoded = silenced == 0
        report(
          .unknownField, name.span, "the event here is \(base.type), which has no fields", help: "decode it first: `|> decode json as T`")
      } else {
        report(.unknownField, name.span, "\(base.type) has no fields", help: "a function is called as `\(name.text)(…)`")
      }
    case .list(let element) where element.record?.index(of: name.text) != nil:
      report(
        .unknownField, name.span, "a list has no fields, its elements have",
        help: "write `map(…, x => x.\(name.text))`, `any(…, x => x.\(name.text) == …)` or a step `expand`")
    default: report(.unknownField, name.span, "\(base.type) has no fields", help: "the value here is \(base.type)")
    }
    return Self.erroneous
  }

  /// Outside of an aggregate's arguments there is no single event.
  func ofSingleEvents(_ what: String, _ span: Span, _ example: String) -> Expr {
    report(
      .badGroup, span, "`\(what)` is of single events, and here all of a group are one",
      help: "take it in by an aggregate: `\(example)`; or let it be a part of the key")
    return Self.erroneous
  }

  /// Whether what has no fields was given the name of a function that takes it alone.
  private func isFunction(of base: Expr, _ name: Name) -> Bool {
    switch base.type {
    case .record, .map, .json, .optional, .erroneous: return false
    default:
      if case .it = base.kind { return false }
      return FunctionSpec.byName[name.text]?.signatures.contains { $0.parameters.count == 1 } ?? false
    }
  }

  /// Where a field stands deeper in a record, such as `.order.customer`.
  private static func path(to name: String, in record: RecordType, depth: Int = 4) -> String? {
    for field in record.fields where depth > 0 {
      guard case .record(let inner) = field.type.wrapped.plain else { continue }
      let rest = inner.index(of: name) == nil ? path(to: name, in: inner, depth: depth - 1) : ".\(name)"
      if let rest { return ".\(field.name)\(field.type.isOptional ? "?" : "")\(rest)" }
    }
    return nil
  }

  private func use(_ field: Name, of record: RecordType) {
    if let type = record.name { symbols.use(.field, type + "." + field.text, at: field.span) }
  }

  func member(_ base: ExprSyntax, _ name: Name, _ optional: Bool, _ span: Span, _ scope: Scope) -> Expr {
    if case .name(let word) = base.kind, scope.locals[word] == nil {
      if word == "meta" { return meta(name, span, scope) }
      if word == "env" { return environment(name, span, scope) }
      if case .enumeration(let type) = types[word] != nil || enums[word] != nil ? resolve(named: word) : .erroneous {
        use(type: word, at: base.span)
        guard let index = type.cases.firstIndex(where: { $0.name == name.text }) else {
          reportUnknown(.unknownCase, name, "case of \(word)", among: type.cases.map(\.name))
          return Self.erroneous
        }
        symbols.use(.enumCase, "\(word).\(name.text)", at: name.span)
        return Expr(.literal(.enumCase(index)), .enumeration(type))
      }
    }
    if case .name(let word) = base.kind, scope.locals[word] == nil {
      func write(_ text: String, _ help: String) {
        report(
          .unknownName, base.span, "there is no name `\(word)`", help: help,
          fix: Fix("write `\(text).\(name.text)`", .certain, [Edit(base.span, text)]))
      }
      if configs[word] != nil {
        write("config.\(word)", "did you mean `config.\(word).\(name.text)`?")
        return config(Name(text: word, span: base.span), name, span, scope)
      }
      if let near = nearest(to: word, in: ["config", "meta", "env"] + Array(types.keys) + Array(enums.keys)) {
        report(
          .unknownName, base.span, "there is no name `\(word)`", help: "did you mean `\(near)`?",
          fix: Fix(renaming: base.span, word, to: near))
        return Self.erroneous
      }
      if let event = scope.event, event.type.record?.index(of: word) == nil, ForeignWords.events.contains(word.lowercased()) {
        write("", "the event's field is `.\(name.text)`")
        return field(of: event, name, span)
      }
    }
    if case .member(let root, let section, _) = base.kind, case .name("config") = root.kind { return config(section, name, span, scope) }
    if case .name("config") = base.kind, configs[name.text] != nil {
      report(.unknownName, span, "`config.\(name.text)` is a section", help: "write `config.\(name.text).key`")
      return Self.erroneous
    }
    guard optional else { return field(of: infer(base, scope), name, span) }
    let value = Self.declared(infer(base, scope))
    switch value.type {
    case .optional(.record(let record)):
      guard let index = record.index(of: name.text) else {
        reportUnknown(.unknownField, name, "field", among: record.fields.map(\.name))
        return Self.erroneous
      }
      use(name, of: record)
      return Expr(.optionalField(value, index), record.fields[index].type.asOptional)
    case .optional(.json):
      let id = unique("value")
      let local = Expr(.local(id), value.type)
      let inner = Expr(.call("json_member", [Expr(.unwrap(local), .json), Expr(.literal(.string(name.text)), .string)]), .json)
      return Expr(
        .binding(
          id, value,
          Expr(
            .conditional(Expr(.isNull(local), .bool), Expr(.literal(.null), .json.asOptional), Expr(.wrap(inner), .json.asOptional)),
            .json.asOptional)), .json.asOptional)
    case .erroneous: return value
    default:
      report(.nullable, span, "`?.` is for what may be null, this is \(value.type)", help: "write `.\(name.text)`")
      return Self.erroneous
    }
  }

  func meta(_ name: Name, _ span: Span, _ scope: Scope) -> Expr {
    guard let meta = scope.meta else {
      let member = name.text == "raw" ? ".payload" : ".meta.\(name.text)"
      report(
        .noEvent, span, "there is no source here to say `meta`",
        help: scope.event == nil
          ? "use `meta` in the steps of a pipeline" : "in `on error` the failure holds what the source said: write `\(member)`")
      return Self.erroneous
    }
    if let field = meta.fields.first(where: { $0.name == name.text }) { return Expr(.meta(name.text), field.type) }
    reportUnknown(.unknownField, name, "meta field", among: meta.fields.map(\.name))
    return Self.erroneous
  }

  func environment(_ name: Name, _ span: Span, _ scope: Scope) -> Expr {
    guard scope.isSetting else {
      report(
        .outsideSettings, span, "`env` stands only in settings and in arguments that hold for the whole run",
        help: "declare a key in `config` and set it to `${\(name.text)}` in pipelines.conf")
      return Self.erroneous
    }
    return Expr(.environment(name.text), .string)
  }

  func config(_ section: Name, _ key: Name, _ span: Span, _ scope: Scope) -> Expr {
    guard scope.hasConfig else { return Self.erroneous }
    guard let keys = configTypes[section.text] else {
      reportUnknown(
        .unknownConfig, section, "configuration section", among: configs.keys,
        otherwise: "declare it: `config \(section.text) { \(key.text): String }`")
      return Self.erroneous
    }
    guard let type = keys[key.text] else {
      let declaration = configs[section.text]!
      if nearest(to: key.text, in: keys.keys) != nil {
        reportUnknown(.unknownConfig, key, "key", among: keys.keys)
      } else {
        report(
          .unknownConfig, key.span, "section `\(section.text)` has no key `\(key.text)`",
          help: "declare it with its type in `config \(section.text)`",
          fix: Fix("declare `\(key.text)`", .maybe, [Edit(declaration.end, "  \(key.text): String\n")]),
          labels: [(declaration.name.span, "the section")])
      }
      return Self.erroneous
    }
    symbols.use(.configKey, "\(section.text).\(key.text)", at: key.span)
    if type.holdsSecret, !scope.isSetting {
      report(
        .secret, span, "a secret stands only in settings, beside `==` and `!=`, and as the `key` of `hmac_sha256`",
        help: "use it as a connection's setting, or compare it: `\(span.text) == …`")
      return Self.erroneous
    }
    return Expr(.config(section.text, key.text), type)
  }

  /// `config.section.key` of type Secret, for the places in a pipeline that take one.
  func secret(_ syntax: ExprSyntax, _ scope: Scope) -> Expr? {
    guard scope.hasConfig, !scope.isSetting, case .member(let base, let key, _) = syntax.kind,
      case .member(let root, let section, _) = base.kind, case .name("config") = root.kind,
      configTypes[section.text]?[key.text] == .secret
    else { return nil }
    return config(section, key, syntax.span, settingScope)
  }

  func index(_ base: ExprSyntax, _ index: ExprSyntax, _ span: Span, _ scope: Scope) -> Expr {
    let value = infer(base, scope)
    switch value.type {
    case .erroneous: return value
    case .record:
      if case .string(let text) = index.kind, let name = text.plain { return field(of: value, Name(text: name, span: index.span), span) }
      report(.badOperator, span, "a record has fields, which are known by name", help: "write `.name`, or `[\"a name\"]`")
      return Self.erroneous
    case .list(let element): return Expr(.call("element", [value, check(index, scope, as: .int, "an index")]), element)
    case .map(let element): return Expr(.call("get", [value, check(index, scope, as: .string, "a key")]), element.asOptional)
    case .json:
      let key = infer(index, scope)
      if key.type == .string { return Expr(.call("json_member", [value, key]), .json) }
      return Expr(.call("json_element", [value, check(index, scope, as: .int, "an index")]), .json)
    default:
      let isText = value.type == .string && index.span.text.utf8.allSatisfy { $0 >= 48 && $0 <= 57 }
      report(
        .badOperator, span, "\(value.type) has no elements",
        help: isText ? "write `substring(\(base.span.text), \(index.span.text), 1)`" : "`[ ]` is for lists, maps and Json")
      return Self.erroneous
    }
  }
}

extension RecordType {
  /// How what an open record does not name is reached.
  func inRest(_ text: (String) -> String) -> String? { rest.map { "what the type does not name is written `\(text(fields[$0].name))`" } }
}
