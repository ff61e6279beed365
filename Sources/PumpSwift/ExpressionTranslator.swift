import PumpPlan
import PumpSemantics

/// Typed expressions as Swift.
final class ExpressionTranslator {
  let types: TypeTranslator
  /// What `it` and the encoded record are called here.
  var event: SwiftExpression = "it"
  var carried: SwiftExpression = "it"
  /// How a meta field is read.
  var meta: (String, Type) -> SwiftExpression = { _, _ in .call("Text", []) }
  private var lambdaType: SwiftType = ""

  init(_ types: TypeTranslator) { self.types = types }

  func literal(_ literal: Literal, _ type: Type) -> SwiftExpression {
    switch literal {
    case .null: return .cast("nil", types.swift(type.asOptional))
    case .bool(let value): return value ? "true" : "false"
    case .int(let value): return value == Int64.min ? "Int64.min" : .call("Int64", .number(value))
    case .float(let value): return .call("Double", .number("\(value)"))
    case .decimal(let digits):
      let negative = digits.hasPrefix("-")
      let parts = digits.drop { $0 == "-" }.split(separator: ".", omittingEmptySubsequences: false)
      let fraction = parts.count > 1 ? String(parts[1]) : ""
      return .call(
        "Decimal", .number((negative ? "-" : "") + String(parts[0]) + fraction), .labeled("scale", .number(fraction.count)))
    case .string(let value):
      let text = SwiftExpression.call("Text", .string(value))
      return type.wrapped == .json ? .call("Json", text) : type.wrapped == .bytes ? .call("Blob", text) : text
    case .timestamp(let micros): return .call("Timestamp", .number(micros))
    case .date(let days): return .call("Day", .number(days))
    case .duration(let micros): return .call("Duration", .number(micros))
    case .size(let bytes): return .call("Size", .number(bytes))
    case .uuid(let text): return .unwrapped(.call("Uuid", .call("Text", .string(text))))
    case .enumCase(let index):
      guard case .enumeration(let cases) = type.wrapped else { return "nil" }
      return SwiftExpression.type(types.swift(type.wrapped)).dot(Swift.name(cases.cases[index].name))
    // Other composed constants are made once by the record that has them as a default.
    case .list, .map, .record: return .call(.type(types.swift(type.wrapped)), [])
    }
  }

  func translate(_ e: Expr) -> SwiftExpression {
    switch e.kind {
    case .literal(let value): return literal(value, e.type)
    case .local(let name): return .name(Swift.name(name))
    case .it: return event
    case .carried: return carried
    case .field(let base, let index): return .member(translate(base), field(base.type, index))
    case .optionalField(let base, let index): return .optionalMember(translate(base), field(base.type.wrapped, index))
    case .meta(let name): return meta(name, e.type)
    case .config(let section, let key): return .name("config.\(Swift.name(section)).\(Swift.name(key))")
    case .environment, .secretFile: return "nil"
    case .not(let inner): return .not(translate(inner))
    // A conditional takes what throws on both sides, `&&` does not.
    case .and(let a, let b): return .conditional(translate(a), translate(b), "false")
    case .or(let a, let b): return .conditional(translate(a), "true", translate(b))
    case .conditional(let test, let yes, let no): return .conditional(translate(test), translate(yes), translate(no))
    case .isNull(let inner): return .binary(translate(inner), "==", "nil")
    case .wrap(let inner): return .call("Optional", translate(inner))
    case .unwrap(let inner): return .unwrapped(translate(inner))
    case .invoke(let name, let arguments):
      return .call(.name("Functions.\(Swift.name(name))"), arguments.map(translate) + ["config", "c"], throws: true)
    case .binding(let name, let value, let body):
      let value = SwiftStatement.constant(Swift.name(name), translate(value))
      return .call(.closure(closure(body, [value])), [], throws: true)
    case .enumCase(let text):
      let number = SwiftExpression.call("Fn.enumCase", translate(text), types.shape(e.type), throws: true)
      return .unwrapped(.call(.type(types.swift(e.type)), .labeled("rawValue", number)))
    case .fail(let reason):
      return .call("Fn.fail", [SwiftExpression.type(types.swift(e.type)).dot("self"), translate(reason)], throws: true)
    case .attempt(let inner):
      let evaluated = SwiftExpression.closure(closure(inner))
      return .call("Fn.attempt", inner.type.isOptional ? .labeled("optional", evaluated) : evaluated)
    case .coalesce(let a, let b):
      let value = translate(a)
      let other = SwiftExpression.closure(closure(b))
      return .call("Fn.coalesce", [value, e.type.isOptional ? .labeled("optional", other) : other], throws: true)
    case .lambda(let name, let body):
      var closure = closure(body)
      closure.parameters = [(Swift.name(name), lambdaType)]
      return .closure(closure)
    case .list(let items):
      return items.isEmpty ? .call(.type(types.swift(e.type)), []) : .call("List", .array(items.map(translate)), "c.arena")
    case .map(let keys, let items):
      let entries = zip(keys, items).map { SwiftExpression.call("Entry", .call("Text", .string($0)), translate($1)) }
      return entries.isEmpty ? .call(.type(types.swift(e.type)), []) : .call("Map", .call("List", .array(entries), "c.arena"))
    case .record(let items):
      guard let record = e.type.record else { return "nil" }
      let arguments = zip(record.fields, items).map { SwiftExpression.labeled(Swift.name($0.name), translate($1)) }
      return .call(.type(types.swift(e.type)), arguments)
    case .concatenate(let parts): return .call("Fn.concatenate", parts.map(translate) + [.labeled("c", "c")])
    case .call(let name, let arguments): return call(name, arguments)
    }
  }

  /// A closure that evaluates it.
  private func closure(_ e: Expr, _ before: [SwiftStatement] = []) -> SwiftClosure {
    let type = types.swift(e.type)
    let value = translate(e)
    return SwiftClosure(error: "EventFailure", result: type, body: before + [before.isEmpty ? .evaluate(value) : .result(value)])
  }

  private func field(_ type: Type, _ index: Int) -> String { type.record.map { Swift.name($0.fields[index].name) } ?? "nothing" }

  private func call(_ name: String, _ arguments: [Expr]) -> SwiftExpression {
    let function = FunctionSpec.entries[name]
    if let function, function.isComparison, let sign = function.sign {
      return .binary(translate(arguments[0]), sign, translate(arguments[1]))
    }
    let kernel = SwiftExpression.name("Fn.\(Swift.function(name))")
    if let last = arguments.last, case .lambda = last.kind {
      let list = translate(arguments[0])
      let outer = lambdaType
      if case .list(let element) = arguments[0].type { lambdaType = types.swift(element) }
      defer { lambdaType = outer }
      return .call(kernel, [list, "c", translate(last)], throws: true)
    }
    return .call(kernel, arguments.map(translate) + ["c"], throws: function?.fails == true)
  }
}
