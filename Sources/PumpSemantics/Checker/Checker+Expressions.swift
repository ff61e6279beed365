import PumpPlan
import PumpSyntax

extension Checker {
  static let erroneous = Expr(.literal(.null), .erroneous)

  /// The expression as a value of a type, with the conversions that the language makes by itself.
  func check(_ syntax: ExprSyntax, _ scope: Scope, as type: Type, _ what: @autoclosure () -> String) -> Expr {
    let value = infer(syntax, scope, expecting: type)
    if let converted = convert(value, to: type) { return converted }
    mismatch(value, type, syntax, what())
    return Self.erroneous
  }

  func mismatch(_ value: Expr, _ type: Type, _ syntax: ExprSyntax, _ what: String) {
    if value.type == .null {
      report(.nullable, syntax.span, "\(what) is of type \(type), which has no null", help: "declare it as `\(type)?`, or give a value")
    } else if case .optional(let base) = value.type, convert(Expr(.literal(.null), base), to: type) != nil {
      report(
        .nullable, syntax.span, "this may be null (\(value.type)), \(what) needs \(type)",
        help: "give a value for null with `?? …`, or let only others pass with `filter \(syntax.span.text) != null`")
    } else if value.type == .secret || type == .secret {
      report(
        .secret, syntax.span, "\(what) needs \(type), this is \(value.type): a secret converts to nothing and nothing to a secret",
        help: "pass it as the setting itself, from `env.NAME` or a configuration key of type Secret")
    } else {
      let quoted = unquoted(syntax, type.wrapped)
      report(
        .mismatch, syntax.span, "\(what) needs \(type), this is \(value.type)",
        help: quoted.map { "write `\($0)` without quotes" } ?? conversionHelp(value.type, type, syntax.span.text),
        fix: quoted.map { Fix("write `\($0)`", .certain, [Edit(syntax.span, $0)]) })
    }
  }

  /// The literal that a quoted text would be without its quotes, where that is one of the type.
  func unquoted(_ syntax: ExprSyntax, _ type: Type) -> String? {
    guard case .string(let string) = syntax.kind, let text = string.plain, !text.isEmpty else { return nil }
    if case .enumeration(let cases) = type { return cases.cases.first { $0.name == text || $0.wire == text }?.name }
    if type == .timestamp, LiteralReader.date(text) != nil { return text + "T00:00:00Z" }
    let source = SourceText(path: "", text: text)
    let lexed = Lexer.lex(source)
    guard lexed.diagnostics.isEmpty, lexed.tokens.count == 2 else { return nil }
    switch (lexed.tokens[0].kind, type) {
    case (.integer, .int), (.integer, .decimal), (.integer, .float), (.fraction, .decimal), (.fraction, .float), (.duration, .duration),
      (.size, .size), (.date, .date):
      return text
    case (.timestamp, .timestamp): return LiteralReader.timestamp(text) != nil ? text : nil
    case (.identifier, .bool): return text == "true" || text == "false" ? text : nil
    default: return nil
    }
  }

  private func conversionHelp(_ from: Type, _ to: Type, _ text: String) -> String? {
    switch (from, to.wrapped) {
    case (_, .string): "write `\"\\(\(text))\"` or `to_string(\(text))`"
    case (.int, .bytes), (.uuid, .bytes), (.enumeration, .bytes), (.json, .bytes): "write `to_string(\(text))`"
    case (.string, .int), (.float, .int), (.decimal, .int), (.json, .int): "write `to_int(\(text))`"
    case (.string, .decimal), (.float, .decimal), (.json, .decimal): "write `to_decimal(\(text))`"
    case (.string, .float), (.decimal, .float), (.json, .float): "write `to_float(\(text))`"
    case (.string, .timestamp): "write `to_timestamp(\(text))`"
    case (.string, .bytes): "write `to_bytes(\(text))`"
    case (.string, .enumeration(let cases)) where cases.name != nil: "write `\(cases.name!)(\(text))`"
    case (.json, .enumeration(let cases)) where cases.name != nil: "write `\(cases.name!)(to_string(\(text)))`"
    case (.int, .duration): "write a unit: `\(text)ms`, `\(text)s`, `\(text)m`"
    case (.int, .size): "write a unit: `\(text)KiB`, `\(text)MiB`"
    case (.date, .timestamp): "write a time with its zone: `\(text)T00:00:00Z`"
    case (_, .bool): "write a comparison, such as `\(text) != …`"
    default: nil
    }
  }

  /// The value as a type it converts to by itself: `Int` to `Decimal` and `Float`, `T` to `T?`, a literal to what is due.
  func convert(_ value: Expr, to type: Type) -> Expr? {
    let type = type.plain
    if value.type == .erroneous || type == .erroneous { return Expr(value.kind, .erroneous) }
    if value.type == type { return value }
    if value.type == .null { return type.isOptional ? Expr(.literal(.null), type) : nil }
    if case .optional(let base) = type {
      if case .optional(let inner) = value.type {
        guard inner == .int, base == .decimal || base == .float else { return nil }
        let name = unique("value")
        let local = Expr(.local(name), value.type)
        let converted = convert(Expr(.unwrap(local), inner), to: base)!
        return Expr(
          .binding(
            name, value, Expr(.conditional(Expr(.isNull(local), .bool), Expr(.literal(.null), type), Expr(.wrap(converted), type)), type)),
          type)
      }
      return convert(value, to: base).map { Expr(.wrap($0), type) }
    }
    switch (value.type, type) {
    case (.int, .decimal):
      if case .literal(.int(let number)) = value.kind { return Expr(.literal(.decimal(String(number))), .decimal) }
      return Expr(.call("to_decimal", [value]), .decimal)
    case (.int, .float):
      if case .literal(.int(let number)) = value.kind { return Expr(.literal(.float(Double(number))), .float) }
      return Expr(.call("to_float", [value]), .float)
    case (.decimal, .float):
      if case .literal(.decimal(let digits)) = value.kind { return Expr(.literal(.float(Double(digits) ?? 0)), .float) }
      return nil
    case (.list(let from), .list(let to)):
      if from == .null { return Expr(value.kind, type) }
      guard case .list(let items) = value.kind else { return nil }
      let converted = items.compactMap { convert($0, to: to) }
      return converted.count == items.count ? Expr(.list(converted), type) : nil
    case (.record(let from), .record(let to)):
      // The same names in another order, or fields that convert; names must match.
      guard case .record(let items) = value.kind, from.fields.count == to.fields.count else { return nil }
      var converted: [Expr] = []
      for field in to.fields {
        guard let index = from.index(of: field.name), let item = convert(items[index], to: field.type) else { return nil }
        converted.append(item)
      }
      return Expr(.record(converted), type)
    default: return nil
    }
  }

  /// The expression with its own type; `expecting` only helps literals, lists, records and the cases of enums.
  func infer(_ syntax: ExprSyntax, _ scope: Scope, expecting: Type? = nil) -> Expr {
    let value = Self.narrowed(value(of: syntax, scope, expecting: expecting), scope)
    if silenced == 0 { expressions.append((syntax.span, value.type)) }
    return value
  }

  private func value(of syntax: ExprSyntax, _ scope: Scope, expecting: Type?) -> Expr {
    let expecting = expecting?.plain
    switch syntax.kind {
    case .erroneous: return Self.erroneous
    case .literal(let value): return literal(value, syntax.span, expecting: expecting)
    case .string(let text):
      if scope.isSetting { reportReference(text) }
      return string(text, scope)
    case .it:
      guard let event = scope.event else { return noEvent(syntax.span) }
      if let grouping, !grouping.isInside { return ofSingleEvents("it", syntax.span, "top(3, it, by: .amount)") }
      return event
    case .field(let name):
      guard let event = scope.event else { return noEvent(syntax.span) }
      return field(of: event, name, syntax.span)
    case .name(let name): return self.name(Name(text: name, span: syntax.span), scope, expecting: expecting)
    case .member(let base, let name, let optional): return member(base, name, optional, syntax.span, scope)
    case .index(let base, let index): return self.index(base, index, syntax.span, scope)
    case .call(let name, let arguments): return call(name, arguments, receiver: nil, syntax.span, scope, expecting)
    case .method(let base, let name, let arguments, optional: false):
      return call(name, arguments, receiver: base, syntax.span, scope, expecting)
    case .method(let base, let name, let arguments, optional: true):
      return optionalCall(name, arguments, base, syntax.span, scope, expecting)
    case .unary(let op, let operand): return unary(op, operand, syntax.span, scope, expecting)
    case .binary(let op, let left, let right): return binary(op, left, right, syntax.span, scope, expecting)
    case .conditional(let condition, let yes, let no):
      let test = check(condition, scope, as: .bool, "a condition")
      let (whereTrue, whereFalse) = (Self.present(where: test, is: true), Self.present(where: test, is: false))
      let (a, b, type) = unify(yes, no, scope.knowing(whereTrue), or: scope.knowing(whereFalse), expecting, "the two branches")
      return Expr(.conditional(test, a, b), type)
    case .match(let subject, let arms): return match(subject, arms, syntax.span, scope, expecting)
    case .binding(let name, let value, let body):
      let bound = infer(value, scope)
      let id = unique(name.text)
      var inner = scope
      inner.locals[name.text] = Expr(.local(id), bound.type)
      let result = infer(body, inner, expecting: expecting)
      return Expr(.binding(id, bound, result), result.type)
    case .list(let items): return list(items, syntax.span, scope, expecting)
    case .record(let items):
      if case .map(let element) = expecting?.wrapped { return map(items, element, scope) }
      return record(items, scope, expecting?.wrapped.record)
    case .lambda:
      report(
        .badLambda, syntax.span, "a lambda stands only as the argument of a function that takes one",
        help: "such as `map(.items, i => i.qty)`")
      return Self.erroneous
    case .attempt(let operand):
      let value = infer(operand, scope, expecting: expecting?.wrapped)
      return Expr(.attempt(value), value.type.asOptional)
    case .secretFile(let path):
      guard scope.isSetting, let plain = path.plain else {
        report(
          .outsideSettings, syntax.span, "`secret file` stands only in settings, with a plain path",
          help: "use it as a connection's setting")
        return Self.erroneous
      }
      return Expr(.secretFile(plain), .secret)
    }
  }

  private func noEvent(_ span: Span) -> Expr {
    report(
      .noEvent, span, "there is no event here",
      help: "this value holds for the whole run: use a literal, `config.section.key` or `env.NAME`")
    return Self.erroneous
  }

  func string(_ syntax: StringSyntax, _ scope: Scope) -> Expr {
    if let plain = syntax.plain { return Expr(.literal(.string(plain)), .string) }
    let parts = syntax.parts.map { part -> Expr in
      switch part {
      case .text(let text): return Expr(.literal(.string(text)), .string)
      case .expression(let expression): return text(of: infer(expression, scope), expression.span)
      }
    }
    return Expr(.concatenate(parts), .string)
  }

  /// A value as the text that `\( )` writes.
  func text(of value: Expr, _ span: Span) -> Expr {
    if value.type == .string { return value }
    if value.type.holdsSecret {
      report(.secret, span, "a secret never becomes text", help: "leave it out")
      return Self.erroneous
    }
    return Expr(.call("to_string", [value]), value.type == .erroneous ? .erroneous : .string)
  }

  func name(_ name: Name, _ scope: Scope, expecting: Type?) -> Expr {
    if let local = scope.locals[name.text] {
      let isOutside = local.contains { if case .environment = $0.kind { true } else if case .secretFile = $0.kind { true } else { false } }
      guard isOutside, !scope.isSetting else { return local }
      report(
        .outsideSettings, name.span, "`\(name.text)` is what the environment says, which stands only in settings",
        help: "declare a key in `config`, and pass that")
      return Self.erroneous
    }
    if case .enumeration(let type) = expecting?.wrapped, let index = type.cases.firstIndex(where: { $0.name == name.text }) {
      if let owner = type.name { symbols.use(.enumCase, "\(owner).\(name.text)", at: name.span) }
      return Expr(.literal(.enumCase(index)), .enumeration(type))
    }
    if case .enumeration(let type) = expecting?.wrapped {
      reportUnknown(.unknownCase, name, "case of \(Type.enumeration(type))", among: type.cases.map(\.name))
      return Self.erroneous
    }
    if let record = scope.event?.type.record, record.index(of: name.text) != nil {
      report(
        .unknownName, name.span, "there is no local `\(name.text)`", help: "a field of the event is written `.\(name.text)`",
        fix: Fix("write `.\(name.text)`", .certain, [Edit(Span(name.span.source, name.span.start..<name.span.start), ".")]))
      return Self.erroneous
    }
    if ["config", "env", "meta"].contains(name.text) {
      report(
        .unknownName, name.span, "`\(name.text)` alone is no value",
        help: name.text == "config" ? "write `config.section.key`" : "write `\(name.text).NAME`")
      return Self.erroneous
    }
    reportUnknown(
      .unknownName, name, "name", among: scope.locals.keys,
      otherwise: "fields are written `.name`, texts in quotes, an enum's case as `Enum.case` where no enum is expected",
      foreign: ForeignWords.names)
    return Self.erroneous
  }

  private func list(_ items: [ExprSyntax], _ span: Span, _ scope: Scope, _ expecting: Type?) -> Expr {
    if case .list(let element) = expecting?.wrapped {
      return Expr(.list(items.map { check($0, scope, as: element, "an element") }), .list(element))
    }
    guard !items.isEmpty else { return Expr(.list([]), .list(.null)) }
    var values = items.map { infer($0, scope) }
    if values.contains(where: { $0.type == .json }), values.contains(where: { $0.type != .json && $0.type != .null }) {
      return Expr(.list(values.map(Self.json)), values.contains { $0.type == .erroneous } ? .erroneous : .list(.json))
    }
    var type = values[0].type
    for value in values.dropFirst() { type = common(type, value.type) ?? type }
    for (index, value) in values.enumerated() {
      guard let converted = convert(value, to: type) else {
        mismatch(value, type, items[index], "an element of this list")
        return Self.erroneous
      }
      values[index] = converted
    }
    guard type != .null else {
      report(.cannotInfer, span, "the type of these elements is not known", help: "write at least one that is not null")
      return Self.erroneous
    }
    return Expr(.list(values), type == .erroneous ? .erroneous : .list(type))
  }

  private func map(_ items: [ExprSyntax.RecordItem], _ element: Type, _ scope: Scope) -> Expr {
    var keys: [String] = []
    var values: [Expr] = []
    for item in items {
      switch item {
      case .field(let name, let value):
        keys.append(name.text)
        values.append(check(value ?? ExprSyntax(kind: .field(name), span: name.span), scope, as: element, "`\(name.text)`"))
      case .spread(let value):
        report(.mismatch, value.span, "`...` does not stand in a map", help: "use `merge(a, b)`")
      }
    }
    return Expr(.map(keys, values), .map(element))
  }
}
