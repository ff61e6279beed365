import PumpPlan
import PumpSemantics

/// Typed expressions as Swift. `try` is left to the statement, which asks `fails`.
final class ExpressionRenderer {
  let types: TypeRenderer
  /// What `it` and the encoded record are called here.
  var event = "it"
  var carried = "it"
  /// How a meta field is read.
  var meta: (String, Type) -> String = { _, _ in "Text()" }

  init(_ types: TypeRenderer) { self.types = types }

  /// Whether evaluating it can throw. What an `attempt` holds is caught there.
  func fails(_ e: Expr) -> Bool {
    switch e.kind {
    case .attempt: return false
    case .invoke, .coalesce, .binding: return true
    case .call(let name, let arguments):
      let takesLambda = arguments.contains { if case .lambda = $0.kind { true } else { false } }
      if takesLambda || FunctionSpec.entries[name]?.fails == true { return true }
    default: break
    }
    return e.children.contains(where: fails)
  }

  /// The expression as the right side of a statement.
  func statement(_ e: Expr) -> String { (fails(e) ? "try " : "") + render(e) }

  /// A closure that evaluates it.
  private func closure(_ e: Expr) -> String { "{ () throws(EventFailure) -> \(types.swift(e.type)) in \(statement(e)) }" }

  func literal(_ literal: Literal, _ type: Type) -> String {
    switch literal {
    case .null: return "(nil as \(types.swift(type.asOptional)))"
    case .bool(let value): return value ? "true" : "false"
    case .int(let value): return value == Int64.min ? "Int64.min" : "Int64(\(value))"
    case .float(let value): return "Double(\(value))"
    case .decimal(let digits):
      let negative = digits.hasPrefix("-")
      let parts = digits.drop { $0 == "-" }.split(separator: ".", omittingEmptySubsequences: false)
      let fraction = parts.count > 1 ? String(parts[1]) : ""
      return "Decimal(\(negative ? "-" : "")\(String(parts[0]) + fraction), scale: \(fraction.count))"
    case .string(let text):
      return type.wrapped == .json
        ? "Json(Text(\(Swift.string(text))))" : type.wrapped == .bytes ? "Blob(Text(\(Swift.string(text))))" : "Text(\(Swift.string(text)))"
    case .timestamp(let micros): return "Timestamp(\(micros))"
    case .date(let days): return "Day(\(days))"
    case .duration(let micros): return "Duration(\(micros))"
    case .size(let bytes): return "Size(\(bytes))"
    case .uuid(let text): return "Uuid(Text(\(Swift.string(text))))!"
    case .enumCase(let index):
      guard case .enumeration(let cases) = type.wrapped else { return "nil" }
      return "\(types.swift(type.wrapped)).\(Swift.name(cases.cases[index].name))"
    // Other composed constants are made once by the record that has them as a default.
    case .list, .map, .record: return "\(types.swift(type.wrapped))()"
    }
  }

  func render(_ e: Expr) -> String {
    switch e.kind {
    case .literal(let value): return literal(value, e.type)
    case .local(let name): return Swift.name(name)
    case .it: return event
    case .carried: return carried
    case .field(let base, let index): return "\(render(base)).\(field(base.type, index))"
    case .optionalField(let base, let index): return "(\(render(base))?.\(field(base.type.wrapped, index)))"
    case .meta(let name): return meta(name, e.type)
    case .config(let section, let key): return "config.\(Swift.name(section)).\(Swift.name(key))"
    case .environment, .secretFile: return "nil"
    case .not(let inner): return "!(\(render(inner)))"
    case .and(let a, let b): return "(\(render(a)) ? \(render(b)) : false)"
    case .or(let a, let b): return "(\(render(a)) ? true : \(render(b)))"
    case .conditional(let test, let yes, let no): return "(\(render(test)) ? \(render(yes)) : \(render(no)))"
    case .isNull(let inner): return "(\(render(inner)) == nil)"
    case .wrap(let inner): return "Optional(\(render(inner)))"
    case .unwrap(let inner): return "\(render(inner))!"
    case .invoke(let name, let arguments):
      return "Functions.\(Swift.name(name))(\((arguments.map(render) + ["c"]).joined(separator: ", ")))"
    case .binding(let name, let value, let body):
      return
        "{ () throws(EventFailure) -> \(types.swift(body.type)) in let \(Swift.name(name)) = \(statement(value)); return \(statement(body)) }()"
    case .attempt(let inner): return "Fn.attempt\(inner.type.isOptional ? "(optional: \(closure(inner)))" : "(\(closure(inner)))")"
    case .coalesce(let a, let b): return "Fn.coalesce(\(render(a)), \(e.type.isOptional ? "optional: " : "")\(closure(b)))"
    case .lambda(let name, let body):
      return "{ (\(Swift.name(name)): \(lambdaType)) throws(EventFailure) -> \(types.swift(body.type)) in \(statement(body)) }"
    case .list(let items):
      return items.isEmpty ? "\(types.swift(e.type))()" : "List([\(items.map(render).joined(separator: ", "))], c.arena)"
    case .map(let keys, let items):
      let entries = zip(keys, items).map { "Entry(Text(\(Swift.string($0))), \(render($1)))" }
      return entries.isEmpty ? "\(types.swift(e.type))()" : "Map(List([\(entries.joined(separator: ", "))], c.arena))"
    case .record(let items):
      guard let record = e.type.record else { return "nil" }
      let arguments = zip(record.fields, items).map { "\(Swift.name($0.name)): \(render($1))" }
      return "\(types.swift(e.type))(\(arguments.joined(separator: ", ")))"
    case .concatenate(let parts): return "Fn.concatenate(\(parts.map(render).joined(separator: ", ")), c: c)"
    case .call(let name, let arguments): return call(name, arguments)
    }
  }

  private var lambdaType = ""

  private func field(_ type: Type, _ index: Int) -> String { type.record.map { Swift.name($0.fields[index].name) } ?? "nothing" }

  private func call(_ name: String, _ arguments: [Expr]) -> String {
    if let function = FunctionSpec.entries[name], function.isComparison, let sign = function.sign {
      return "(\(render(arguments[0])) \(sign) \(render(arguments[1])))"
    }
    if let last = arguments.last, case .lambda = last.kind {
      let list = render(arguments[0])
      let outer = lambdaType
      if case .list(let element) = arguments[0].type { lambdaType = types.swift(element) }
      defer { lambdaType = outer }
      return "Fn.\(Swift.function(name))(\(list), c, \(render(last)))"
    }
    return "Fn.\(Swift.function(name))(\((arguments.map(render) + ["c"]).joined(separator: ", ")))"
  }
}
