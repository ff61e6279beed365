import PumpPlan
import PumpSyntax

extension Checker {
  /// `f(a, b)`, or `a.f(b)` with a receiver.
  func call(_ name: Name, _ arguments: [ArgumentSyntax], receiver: ExprSyntax?, _ span: Span, _ scope: Scope, _ expecting: Type?) -> Expr {
    let all = (receiver.map { [ArgumentSyntax(label: nil, value: $0)] } ?? []) + arguments
    if let signature = signatures[name.text] {
      symbols.use(.function, name.text, at: name.span)
      return invoke(name, signature, all, span, scope)
    }
    if receiver == nil, let value = aggregate(name, arguments, span) { return value }
    if types[name.text] != nil || enums[name.text] != nil { return enumCase(name, all, span, scope) }
    if name.text == "fail" { return fail(all, name, span, scope, expecting) }
    guard let function = FunctionSpec.byName[name.text] else {
      if name.text == "now" || stages[name.text] != nil {
        report(.unknownFunction, name.span, "`\(name.text)` is a stage, not a function", help: "use it as a step: `|> \(name.text)(…)`")
      } else {
        reportUnknown(
          .unknownFunction, name, "function", among: Array(FunctionSpec.byName.keys) + Array(functions.keys),
          otherwise: "`pumpc functions` lists them all", foreign: ForeignWords.functions)
      }
      return Self.erroneous
    }
    return library(function, all, name, span, scope)
  }

  // MARK: What is no function of the library

  /// `fail(…)`, where the spec has no function of that name.
  func isFailure(_ syntax: ExprSyntax) -> Bool {
    if case .call(let name, _) = syntax.kind { name.text == "fail" && signatures["fail"] == nil } else { false }
  }

  /// `Currency(.text)`: the case that a text names.
  private func enumCase(_ name: Name, _ arguments: [ArgumentSyntax], _ span: Span, _ scope: Scope) -> Expr {
    use(type: name.text, at: name.span)
    let type = resolve(named: name.text).plain
    if type == .erroneous { return Self.erroneous }
    guard case .enumeration = type else {
      report(
        .unknownFunction, name.span, "`\(name.text)` is a type, not a function",
        help: type.record == nil ? nil : "a record is written with its fields: `{ … }`")
      return Self.erroneous
    }
    guard arguments.count == 1, arguments[0].label == nil else {
      report(.badArguments, span, "`\(name.text)` takes the text that names a case", help: "write `\(name.text)(.text)`")
      return Self.erroneous
    }
    let text = check(arguments[0].value, scope, as: .string, "the name of the case")
    return text.type == .erroneous ? text : Expr(.enumCase(text), type)
  }

  /// `fail("why")`: the event fails, and so it has whatever type is due.
  private func fail(_ arguments: [ArgumentSyntax], _ name: Name, _ span: Span, _ scope: Scope, _ expecting: Type?) -> Expr {
    guard arguments.count == 1, arguments[0].label == nil else {
      report(.badArguments, span, "`fail` takes the reason", help: "write `fail(\"no price for \\(.sku)\")`")
      return Self.erroneous
    }
    let reason = check(arguments[0].value, scope, as: .string, "the reason")
    if reason.type == .erroneous { return reason }
    guard let expecting, expecting != .erroneous else {
      report(
        .cannotInfer, span, "the type of this value is not known",
        help: "let `fail` be one of two: `.x ?? fail(\"no x\")`, `if … then … else fail(\"…\")`; a step that fails is `assert`")
      return Self.erroneous
    }
    return Expr(.fail(reason), expecting)
  }

  /// `a?.f(b)`: null where `a` is, else the call.
  func optionalCall(
    _ name: Name, _ arguments: [ArgumentSyntax], _ base: ExprSyntax, _ span: Span, _ scope: Scope, _ expecting: Type?
  ) -> Expr {
    let value = Self.declared(infer(base, scope))
    if value.type == .erroneous { return value }
    guard value.type.isOptional else {
      report(.nullable, span, "`?.` is for what may be null, this is \(value.type)", help: "write `.\(name.text)(…)`")
      return Self.erroneous
    }
    // No name of the language has this form, so the arguments cannot mean it.
    let (id, word) = (unique("value"), "?.")
    var inner = scope
    inner.locals[word] = Expr(.unwrap(Expr(.local(id), value.type)), value.type.wrapped)
    let result = call(name, arguments, receiver: ExprSyntax(kind: .name(word), span: base.span), span, inner, expecting?.wrapped)
    if result.type == .erroneous { return result }
    let type = result.type.asOptional
    let there = convert(result, to: type) ?? result
    let isNull = Expr(.isNull(Expr(.local(id), value.type)), .bool)
    return Expr(.binding(id, value, Expr(.conditional(isNull, Expr(.literal(.null), type), there), type)), type)
  }

  /// Matches labelled and positional arguments to parameters; nil after a report.
  private func order(
    _ arguments: [ArgumentSyntax], _ names: [String], required: (Int) -> Bool, _ name: Name, _ span: Span, _ signature: String,
    labelled: String? = nil, quiet: Bool = false
  ) -> [ExprSyntax?]? {
    var result = [ExprSyntax?](repeating: nil, count: names.count)
    var next = 0
    for argument in arguments {
      if let label = argument.label {
        guard let index = names.firstIndex(of: label.text) else {
          if !quiet { reportUnknown(.badArguments, label, "parameter", among: names, otherwise: "it is `\(signature)`") }
          return nil
        }
        guard result[index] == nil else {
          if !quiet { report(.badArguments, label.span, "`\(label.text)` is given twice", help: "remove one of them") }
          return nil
        }
        result[index] = argument.value
      } else {
        while next < names.count, result[next] != nil { next += 1 }
        guard next < names.count else {
          if !quiet {
            report(
              .badArguments, argument.value.span, "`\(name.text)` takes \(names.count) argument\(names.count == 1 ? "" : "s")",
              help: "it is `\(signature)`")
          }
          return nil
        }
        if names[next] == labelled {
          if !quiet {
            report(
              .badArguments, argument.value.span, "`\(names[next])` of `\(name.text)` is given by its name",
              help: "write `\(names[next]): \(argument.value.span.text)`; it is `\(signature)`")
          }
          return nil
        }
        result[next] = argument.value
      }
    }
    for index in names.indices where result[index] == nil && required(index) {
      if !quiet { report(.badArguments, span, "`\(name.text)` needs `\(names[index])`", help: "it is `\(signature)`") }
      return nil
    }
    return result
  }

  private func invoke(
    _ name: Name, _ signature: (parameters: [(name: String, type: Type, value: Expr?)], result: Type), _ arguments: [ArgumentSyntax],
    _ span: Span, _ scope: Scope
  ) -> Expr {
    let text = "\(name.text)(\(signature.parameters.map { "\($0.name): \($0.type)" }.joined(separator: ", "))) -> \(signature.result)"
    guard
      let ordered = order(
        arguments, signature.parameters.map(\.name), required: { signature.parameters[$0].value == nil }, name, span, text)
    else {
      for argument in arguments { _ = infer(argument.value, scope) }
      return Expr(Self.erroneous.kind, .erroneous)
    }
    let values = zip(ordered, signature.parameters).map { syntax, parameter in
      syntax.map { check($0, scope, as: parameter.type, "`\(parameter.name)`") } ?? parameter.value!
    }
    if values.contains(where: { $0.type == .erroneous }) { return Self.erroneous }
    return Expr(.invoke(name.text, values), signature.result)
  }

  // MARK: The library's functions

  private func library(_ function: FunctionSpec, _ arguments: [ArgumentSyntax], _ name: Name, _ span: Span, _ scope: Scope) -> Expr {
    // Arguments that are not lambdas have one type whatever the overload; literals may still adapt.
    let inferred = arguments.map { argument -> Expr? in
      if case .lambda = argument.value.kind { return nil }
      if case .record = argument.value.kind { return nil }
      if function.labelled == argument.label?.text, let secret = secret(argument.value, scope) { return secret }
      return infer(argument.value, scope)
    }
    if inferred.contains(where: { $0?.type == .erroneous }) { return Self.erroneous }
    var best: (cost: Int, expression: Expr)?
    var lambdas = Lambdas()
    var isOrdered = false
    for signature in function.signatures {
      guard
        let ordered = order(
          arguments, signature.parameters.map(\.name), required: { signature.parameters[$0].value == nil }, name, span, signature.text,
          labelled: function.labelled, quiet: true)
      else { continue }
      isOrdered = true
      silenced += 1
      let candidate = apply(function, signature, ordered, arguments, inferred, scope, &lambdas)
      silenced -= 1
      if let candidate, candidate.cost < (best?.cost ?? .max) { best = candidate }
    }
    if var best {
      best.expression = withoutNulls(best.expression)
      if let regex = function.regex, let place = function.signatures[0].parameters.firstIndex(where: { $0.name == regex }),
        case .call(let name, var values) = best.expression.kind
      {
        let argument = arguments.first { $0.label?.text == regex } ?? (arguments.count > place ? arguments[place] : nil)
        values[place] = pattern(values[place], argument?.value, argument?.value.span ?? span)
        best.expression = Expr(.call(name, values), best.expression.type)
      }
      checkTimePattern(of: function, best.expression, arguments, span)
      return best.expression
    }
    if function.signatures.count == 1 || !isOrdered {
      let signature = function.signatures[0]
      guard
        let ordered = order(
          arguments, signature.parameters.map(\.name), required: { signature.parameters[$0].value == nil }, name, span, signature.text,
          labelled: function.labelled)
      else { return Self.erroneous }
      let before = diagnostics.count
      lambdas = Lambdas()
      _ = apply(function, signature, ordered, arguments, inferred, scope, &lambdas)
      if diagnostics.count > before { return Self.erroneous }
    }
    if let (body, inner) = lambdas.failed {
      // No overload can take it: its own mistake is told where it is.
      _ = infer(body, inner)
      return Self.erroneous
    }
    let types = zip(arguments, inferred).map { $1?.type.description ?? ($0.value.span.text.count < 20 ? $0.value.span.text : "…") }.joined(
      separator: ", ")
    let nullable = inferred.contains { $0?.type.isOptional ?? false }
    let sparse = zip(arguments, inferred).first { if case .list(.optional)? = $1?.type { true } else { false } }?.0.value.span.text
    report(
      nullable || sparse != nil ? .nullable : .badArguments, span, "`\(name.text)` does not take (\(types))",
      help: nullable
        ? "an argument may be null: give a value with `?? …`"
        : sparse.map { "elements may be null: leave those out with `compact(\($0))`" }
          ?? "it is \(function.signatures.map { "`\($0.text)`" }.joined(separator: " or "))")
    return Self.erroneous
  }

  /// `filter(list, v => v != null)` leaves no null.
  private func withoutNulls(_ e: Expr) -> Expr {
    guard case .call("filter", let arguments) = e.kind, case .list(let element) = e.type, element.isOptional,
      case .lambda(let name, let test)? = arguments.last?.kind, Self.present(where: test, is: true).contains(["let", name])
    else { return e }
    return Expr(.call("compact", [e]), .list(element.wrapped))
  }

  /// Bodies of lambdas by their place and their parameter's type, and one that has a mistake.
  private struct Lambdas {
    var known: [String: (String, Expr)] = [:]
    var failed: (body: ExprSyntax, scope: Scope)?
  }

  private func apply(
    _ function: FunctionSpec, _ signature: Signature, _ ordered: [ExprSyntax?], _ arguments: [ArgumentSyntax], _ inferred: [Expr?],
    _ scope: Scope, _ lambdas: inout Lambdas
  ) -> (cost: Int, expression: Expr)? {
    var variables: [String: Type] = [:]
    var values: [Expr] = []
    var cost = 0
    for (index, parameter) in signature.parameters.enumerated() {
      guard let syntax = ordered[index] else {
        let type = substitute(parameter.pattern, variables) ?? .string
        values.append(Expr(.literal(parameter.value!), type))
        continue
      }
      if case .lambda(let input, let output) = parameter.pattern {
        guard case .lambda(let name, let body) = syntax.kind else {
          report(.badArguments, syntax.span, "`\(parameter.name)` is a lambda", help: "write `x => …`")
          return nil
        }
        guard let type = substitute(input, variables) else { return nil }
        // The body is inferred once for each type of its parameter, whatever the number of overloads.
        let memo = "\(syntax.span.start) \(type)"
        if lambdas.known[memo] == nil {
          let id = unique(name.text)
          var inner = scope
          inner.locals[name.text] = Expr(.local(id), type)
          let inferred = infer(body, inner)
          lambdas.known[memo] = (id, inferred)
          if inferred.type == .erroneous { lambdas.failed = (body, inner) }
        }
        let (id, inferredBody) = lambdas.known[memo]!
        var result = inferredBody
        if result.type == .erroneous { return nil }
        if let wanted = substitute(output, variables) {
          guard let converted = convert(result, to: wanted) else {
            mismatch(result, wanted, body, "the lambda's value")
            return nil
          }
          if result.type != wanted { cost += 1 }
          result = converted
        } else if !bind(output, to: result.type, &variables) {
          return nil
        }
        values.append(Expr(.lambda(id, result), result.type))
        continue
      }
      if case .lambda = syntax.kind {
        report(.badLambda, syntax.span, "`\(parameter.name)` takes a value, not a lambda", help: "it is `\(signature.text)`")
        return nil
      }
      let number = arguments.firstIndex { $0.value.span.start == syntax.span.start && $0.value.span.end == syntax.span.end }
      var value = number.flatMap { inferred[$0] } ?? Self.erroneous
      if case .record = syntax.kind {
        value = infer(
          syntax, scope, expecting: substitute(parameter.pattern, variables) ?? (isMap(parameter.pattern) ? guessMap(syntax, scope) : nil))
        if value.type == .erroneous { return nil }
      }
      if let type = substitute(parameter.pattern, variables) {
        guard let converted = convert(value, to: type) else {
          mismatch(value, type, syntax, "`\(parameter.name)`")
          return nil
        }
        if value.type != type { cost += type == .float ? 2 : 1 }
        values.append(converted)
      } else {
        guard bind(parameter.pattern, to: value.type, &variables) else { return nil }
        values.append(value)
      }
    }
    guard let result = substitute(signature.result, variables) else { return nil }
    return (cost, Expr(.call(function.name, values), result))
  }

  private func isMap(_ pattern: Pattern) -> Bool { if case .map = pattern { true } else { false } }

  /// `{ a: 1 }` where a map of any type is due: the first value's type.
  private func guessMap(_ syntax: ExprSyntax, _ scope: Scope) -> Type? {
    guard case .record(let items) = syntax.kind, case .field(_, let value?) = items.first else { return nil }
    return .map(infer(value, scope).type)
  }

  private func substitute(_ pattern: Pattern, _ variables: [String: Type]) -> Type? {
    switch pattern {
    case .type(let type): return type
    case .variable(let name): return variables[name]
    case .list(let element): return substitute(element, variables).map { .list($0) }
    case .map(let element): return substitute(element, variables).map { .map($0) }
    case .optional(let base): return substitute(base, variables).map(\.asOptional)
    case .lambda: return nil
    }
  }

  private func bind(_ pattern: Pattern, to type: Type, _ variables: inout [String: Type]) -> Bool {
    switch (pattern, type) {
    case (.variable(let name), _):
      if let known = variables[name] { return known == type }
      if type == .null { return false }
      variables[name] = type
      return true
    case (.list(let element), .list(let inner)): return bind(element, to: inner, &variables)
    case (.map(let element), .map(let inner)): return bind(element, to: inner, &variables)
    case (.optional(let base), .optional(let inner)): return bind(base, to: inner, &variables)
    case (.type(let wanted), _): return wanted == type
    default: return false
    }
  }
}
