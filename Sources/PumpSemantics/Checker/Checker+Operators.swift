import PumpPlan
import PumpSyntax

extension Checker {
  /// The type that both convert to, if there is one.
  func common(_ a: Type, _ b: Type) -> Type? {
    if a == b { return a }
    if a == .erroneous || b == .erroneous { return .erroneous }
    if a == .null { return b.asOptional }
    if b == .null { return a.asOptional }
    if a.isOptional || b.isOptional { return common(a.wrapped, b.wrapped)?.asOptional }
    if a == .int, b == .decimal || b == .float { return b }
    if b == .int, a == .decimal || a == .float { return a }
    if case .list(let x) = a, case .list(let y) = b { return x == .null ? b : y == .null ? a : common(x, y).map { .list($0) } }
    return nil
  }

  /// Two expressions brought to one type.
  func unify(
    _ left: ExprSyntax, _ right: ExprSyntax, _ scope: Scope, or other: Scope, _ expecting: Type?, _ what: @autoclosure () -> String,
    takesJson: Bool = false
  ) -> (Expr, Expr, Type) {
    if expecting == nil, isFailure(left), !isFailure(right) {
      // What fails has the type of the other side.
      let b = infer(right, other)
      return (infer(left, scope, expecting: b.type), b, b.type)
    }
    var a = infer(left, scope, expecting: expecting)
    // A case of an enum, an empty list or a record takes its type from the other side.
    let b = infer(right, other, expecting: expecting ?? (a.type == .null ? nil : a.type.wrapped))
    if expecting == nil, needsHint(left) { a = infer(left, scope, expecting: b.type.wrapped) }
    let type = common(a.type, b.type) ?? literalCommon(a, b)
    guard let type else {
      for (text, other) in [(right, a), (left, b)] {
        guard let value = unquoted(text, other.type.wrapped) else { continue }
        report(
          .mismatch, text.span, "\(what()) must have one type: \(a.type) and \(b.type)", help: "write `\(value)` without quotes",
          fix: Fix("write `\(value)`", .certain, [Edit(text.span, value)]), labels: [])
        return (Self.erroneous, Self.erroneous, .erroneous)
      }
      if takesJson, a.type.wrapped == .json || b.type.wrapped == .json { return (a, b, .json) }
      report(
        .mismatch, right.span, "\(what()) must have one type: \(a.type) and \(b.type)", help: conversion(a.type, b.type),
        labels: [(left.span, "this is \(a.type)")])
      return (Self.erroneous, Self.erroneous, .erroneous)
    }
    if type == .erroneous { return (a, b, type) }
    return (convert(a, to: type) ?? a, convert(b, to: type) ?? b, type)
  }

  private func needsHint(_ syntax: ExprSyntax) -> Bool {
    switch syntax.kind {
    case .list(let items): items.isEmpty
    default: false
    }
  }

  /// A Decimal literal beside a Float is a Float.
  private func literalCommon(_ a: Expr, _ b: Expr) -> Type? {
    let isLiteral: (Expr) -> Bool = { if case .literal(.decimal) = $0.kind { true } else { false } }
    if a.type.wrapped == .float, isLiteral(b) { return a.type }
    if b.type.wrapped == .float, isLiteral(a) { return b.type }
    return nil
  }

  private func conversion(_ a: Type, _ b: Type) -> String? {
    switch (a.wrapped, b.wrapped) {
    case (.timestamp, .date), (.date, .timestamp): "write a time with its zone, such as `2026-01-01T00:00:00Z`"
    case (.decimal, .float), (.float, .decimal): "convert one of them with `to_decimal(x)` or `to_float(x)`"
    case (.enumeration(let cases), .string) where cases.name != nil, (.string, .enumeration(let cases)) where cases.name != nil:
      "read the text as a case with `\(cases.name!)(x)`, or make text of the other with `to_string(x)`"
    case (.string, _), (_, .string): "make text of the other with `to_string(x)`, or read the text with `to_int(x)` and its like"
    default: nil
    }
  }

  func unary(_ op: UnaryOperator, _ operand: ExprSyntax, _ span: Span, _ scope: Scope, _ expecting: Type?) -> Expr {
    if op == .not { return Expr(.not(check(operand, scope, as: .bool, "`not`")), .bool) }
    // The smallest Int has no positive twin: read sign and digits together.
    if case .literal(.integer(let digits)) = operand.kind, expecting?.wrapped != .float, expecting?.wrapped != .decimal {
      if let number = Int64("-" + digits) { return Expr(.literal(.int(number)), .int) }
    }
    let value = infer(operand, scope, expecting: expecting)
    switch value.kind {
    case .literal(.int(let number)) where number != Int64.min: return Expr(.literal(.int(-number)), .int)
    case .literal(.float(let number)): return Expr(.literal(.float(-number)), .float)
    case .literal(.decimal(let digits)):
      return Expr(.literal(.decimal(digits.hasPrefix("-") ? String(digits.dropFirst()) : "-" + digits)), .decimal)
    case .literal(.duration(let number)) where number != Int64.min: return Expr(.literal(.duration(-number)), .duration)
    default: break
    }
    if value.type == .erroneous { return value }
    let negate = FunctionSpec.bySign["-x"]!
    if negate.signature([value.type]) != nil { return Expr(.call(negate.name, [value]), value.type) }
    report(
      .badOperator, span, "`-` is not defined for \(value.type)", help: value.type.isOptional ? "give a value for null with `?? …`" : nil)
    return Self.erroneous
  }

  func binary(_ op: BinaryOperator, _ left: ExprSyntax, _ right: ExprSyntax, _ span: Span, _ scope: Scope, _ expecting: Type?) -> Expr {
    switch op {
    case .and, .or:
      let a = check(left, scope, as: .bool, "`\(op.rawValue)`")
      let b = check(right, scope.knowing(Self.present(where: a, is: op == .and)), as: .bool, "`\(op.rawValue)`")
      return Expr(op == .and ? .and(a, b) : .or(a, b), .bool)
    case .coalesce: return coalesce(left, right, span, scope, expecting)
    case .equal, .notEqual: return equality(op, left, right, span, scope)
    case .less, .lessEqual, .greater, .greaterEqual: return comparison(op, left, right, span, scope)
    case .isIn: return membership(left, right, span, scope)
    case .matches:
      let text = check(left, scope, as: .string, "`matches`")
      let pattern = check(right, scope, as: .string, "the pattern")
      return Expr(.call("matches", [text, self.pattern(pattern, right, right.span)]), .bool)
    case .add, .subtract, .multiply, .divide, .remainder: return arithmetic(op, left, right, span, scope, expecting)
    }
  }

  private func coalesce(_ left: ExprSyntax, _ right: ExprSyntax, _ span: Span, _ scope: Scope, _ expecting: Type?) -> Expr {
    // A default for what is there by now is needless, and no mistake.
    let value = Self.declared(infer(left, scope, expecting: expecting?.asOptional))
    if value.type == .erroneous {
      _ = infer(right, scope, expecting: expecting)
      return value
    }
    if case .environment = value.kind {
      // What the environment says is text, read as the type that is due.
      let type = expecting ?? .string
      let second = infer(right, scope, expecting: type)
      let fallback = if case .environment = second.kind { Expr(second.kind, type.wrapped) } else { convert(second, to: type) }
      guard let fallback = fallback.flatMap({ convert($0, to: type) }) else {
        mismatch(second, type, right, "the right side of `??`")
        return Self.erroneous
      }
      return Expr(.coalesce(Expr(value.kind, type.wrapped), fallback), type)
    }
    guard value.type.isOptional else {
      report(.nullable, left.span, "`??` is for what may be null, this is \(value.type)", help: "remove `?? …`")
      return Self.erroneous
    }
    let fallback = infer(right, scope, expecting: value.type.wrapped)
    if fallback.type.isOptional, let type = common(value.type, fallback.type), let a = convert(value, to: type),
      let b = convert(fallback, to: type)
    {
      return Expr(.coalesce(a, b), type)
    }
    if let converted = convert(fallback, to: value.type.wrapped) { return Expr(.coalesce(value, converted), converted.type) }
    if let type = common(value.type.wrapped, fallback.type), let a = convert(value, to: type.asOptional) {
      return Expr(.coalesce(a, fallback), type)
    }
    mismatch(fallback, value.type.wrapped, right, "the right side of `??`")
    return Self.erroneous
  }

  private func equality(_ op: BinaryOperator, _ left: ExprSyntax, _ right: ExprSyntax, _ span: Span, _ scope: Scope) -> Expr {
    func negated(_ e: Expr) -> Expr { op == .notEqual ? Expr(.not(e), .bool) : e }
    if case .literal(.null) = right.kind {
      let value = Self.declared(infer(left, scope))
      if value.type == .erroneous { return value }
      if value.type == .json, let test = equality(json: value, Expr(.literal(.null), .null)) { return negated(test) }
      guard value.type.isOptional else {
        report(
          .nullable, left.span, "this is never null: it is \(value.type)",
          help: "remove the comparison, or declare the field as `\(value.type)?`")
        return Self.erroneous
      }
      return negated(Expr(.isNull(value), .bool))
    }
    if let test = secretEquality(left, right, span, scope) { return test.type == .erroneous ? test : negated(test) }
    // An enum's case on the left takes its type from the right.
    if case .name(let word) = left.kind, scope.locals[word] == nil {
      let b = infer(right, scope)
      let a = infer(left, scope, expecting: b.type)
      guard let x = convert(a, to: b.type) else {
        if a.type != .erroneous { mismatch(a, b.type, left, "the left side") }
        return Self.erroneous
      }
      return negated(Expr(.call("equals", [x, b]), .bool))
    }
    let (a, b, type) = unify(left, right, scope, or: scope, nil, "both sides of `\(op.rawValue)`", takesJson: true)
    if type == .erroneous { return Self.erroneous }
    if a.type.wrapped == .json, let test = equality(json: a, b) { return negated(test) }
    if b.type.wrapped == .json, let test = equality(json: b, a) { return negated(test) }
    if type == .json || type == .optional(.json) {
      report(.badOperator, span, "Json is not compared as it is", help: "convert it first: `to_int(x)`, `to_string(x)` and their like")
      return Self.erroneous
    }
    return negated(Expr(.call("equals", [a, b]), .bool))
  }

  /// A secret beside a text or bytes: its time says nothing of where they differ. Nil where neither is one.
  private func secretEquality(_ left: ExprSyntax, _ right: ExprSyntax, _ span: Span, _ scope: Scope) -> Expr? {
    let isLeft = secret(left, scope) != nil
    guard let secret = isLeft ? secret(left, scope) : secret(right, scope) else { return nil }
    let other = infer(isLeft ? right : left, scope)
    switch other.type {
    case .erroneous: return other
    case .string, .bytes: return Expr(.call("secret_equals", [secret, other]), .bool)
    default:
      report(
        .secret, span, "a secret is compared with a String or Bytes, this is \(other.type)",
        help: other.type.isOptional ? "give a value for null with `?? \"\"`" : nil)
      return Self.erroneous
    }
  }

  private func comparison(_ op: BinaryOperator, _ left: ExprSyntax, _ right: ExprSyntax, _ span: Span, _ scope: Scope) -> Expr {
    let (a, b, type) = unify(left, right, scope, or: scope, nil, "both sides of `\(op.rawValue)`")
    let compare = FunctionSpec.bySign[op.rawValue]!
    if compare.signature([type, type]) != nil { return Expr(.call(compare.name, [a, b]), .bool) }
    switch type {
    case .erroneous: return Self.erroneous
    case .optional:
      let side = a.type.isOptional && infer(left, scope).type.isOptional ? left : right
      report(
        .nullable, side.span, "this may be null, and null is neither less nor greater",
        help: "give a value for null with `?? …`, or let only others pass with `filter \(side.span.text) != null`")
    default: report(.badOperator, span, "\(type) has no order", help: "`\(op.rawValue)` is for numbers, texts, times, durations and sizes")
    }
    return Self.erroneous
  }

  private func membership(_ left: ExprSyntax, _ right: ExprSyntax, _ span: Span, _ scope: Scope) -> Expr {
    if case .list = right.kind {
      let value = infer(left, scope)
      let items = infer(right, scope, expecting: .list(value.type))
      if value.type == .erroneous || items.type == .erroneous { return Self.erroneous }
      return Expr(.call("contains", [items, value]), .bool)
    }
    let whole = infer(right, scope)
    switch whole.type {
    case .erroneous: return whole
    case .list(let element): return Expr(.call("contains", [whole, check(left, scope, as: element, "the left side of `in`")]), .bool)
    case .string: return Expr(.call("contains", [whole, check(left, scope, as: .string, "the left side of `in`")]), .bool)
    case .map: return Expr(.call("has_key", [whole, check(left, scope, as: .string, "the left side of `in`")]), .bool)
    case .optional(.list), .optional(.string), .optional(.map):
      report(
        .nullable, right.span, "this may be null (\(whole.type))",
        help: "let only others pass with `filter \(right.span.text) != null`, or write `\(right.span.text) != null and …`")
      return Self.erroneous
    default:
      report(.badOperator, right.span, "`in` looks into lists, texts and maps, this is \(whole.type)", help: "write `x in [a, b]`")
      return Self.erroneous
    }
  }

  private func arithmetic(_ op: BinaryOperator, _ left: ExprSyntax, _ right: ExprSyntax, _ span: Span, _ scope: Scope, _ expecting: Type?)
    -> Expr
  {
    let hint = expecting.flatMap { $0.wrapped.isNumeric ? $0.wrapped : nil }
    let a = infer(left, scope, expecting: isLiteral(left) ? hint : nil)
    let b = infer(right, scope, expecting: isLiteral(right) ? (a.type == .float ? .float : hint) : nil)
    if a.type == .erroneous || b.type == .erroneous { return Self.erroneous }
    let function = FunctionSpec.bySign[op.rawValue]!
    for (value, syntax) in [(a, left), (b, right)] where value.type.isOptional {
      report(
        .nullable, syntax.span, "this may be null (\(value.type))",
        help: "give a value for null with `(\(syntax.span.text) ?? 0)`, or let only others pass with `filter \(syntax.span.text) != null`")
      return Self.erroneous
    }
    if op == .divide || op == .remainder, isZero(b) {
      report(.badValue, right.span, "this divides by zero: every event fails here", help: "write another divisor")
      return Self.erroneous
    }
    if a.type.isNumeric, b.type.isNumeric {
      if let type = common(a.type, b.type) ?? literalCommon(a, b), let x = convert(a, to: type), let y = convert(b, to: type) {
        return Expr(.call(function.name, [x, y]), type)
      }
      report(
        .badOperator, span, "`\(op.rawValue)` of \(a.type) and \(b.type): one is exact, one is not",
        help: "convert one of them with `to_decimal(x)` or `to_float(x)`", labels: [(left.span, "\(a.type)"), (right.span, "\(b.type)")])
      return Self.erroneous
    }
    if let signature = function.signature([a.type, b.type]), case .type(let result) = signature.result {
      return Expr(.call(function.name, [a, b]), result)
    }
    switch (op, a.type, b.type) {
    case (.add, .string, _), (.add, _, .string):
      func part(_ side: ExprSyntax) -> String {
        let text = side.span.text
        if case .string = side.kind, text.hasPrefix("\""), !text.hasPrefix("\"\"\"") { return String(text.dropFirst().dropLast()) }
        return "\\(\(text))"
      }
      let joined = "\"\(part(left))\(part(right))\""
      report(
        .badOperator, span, "texts are not added", help: "write `\(joined)`", fix: Fix("write `\(joined)`", .certain, [Edit(span, joined)]))
    case (_, .timestamp, .int), (_, .int, .timestamp):
      report(
        .badOperator, span, "`\(op.rawValue)` is not defined for \(a.type) and \(b.type)", help: "write a duration, such as `24h` or `90s`",
        labels: [(left.span, "\(a.type)"), (right.span, "\(b.type)")])
    default:
      report(
        .badOperator, span, "`\(op.rawValue)` is not defined for \(a.type) and \(b.type)", help: nil,
        labels: [(left.span, "\(a.type)"), (right.span, "\(b.type)")])
    }
    return Self.erroneous
  }

  /// A zero that no event can change; a Float is divided by it without a failure.
  private func isZero(_ value: Expr) -> Bool {
    switch value.kind {
    case .literal(.int(0)): true
    case .literal(.decimal(let digits)): digits.allSatisfy { $0 == "0" || $0 == "." || $0 == "-" }
    default: false
    }
  }

  private func isLiteral(_ syntax: ExprSyntax) -> Bool {
    switch syntax.kind {
    case .literal: true
    case .unary(.minus, let operand): isLiteral(operand)
    default: false
    }
  }
}
