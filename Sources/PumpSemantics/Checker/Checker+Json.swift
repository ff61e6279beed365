import PumpPlan
import PumpSyntax

/// Json among values whose types are known.
extension Checker {
  /// The value as Json.
  static func json(_ value: Expr) -> Expr {
    value.type == .json || value.type == .erroneous ? value : Expr(.call("to_json", [value]), .json)
  }

  /// `.level == "error"` where the left is Json: whether it is that text, number or truth value. Nil where the other is none of them.
  func equality(json: Expr, _ other: Expr) -> Expr? {
    let id = unique("json")
    let local = Expr(.local(id), .json)
    func isOf(_ type: String) -> Expr {
      Expr(.call("equals", [Expr(.call("json_type", [local]), .string), Expr(.literal(.string(type)), .string)]), .bool)
    }
    func same(_ text: Expr) -> Expr { Expr(.call("equals", [Expr(.call("to_string", [local]), .string), text]), .bool) }
    let test: Expr
    switch other.type {
    case .null: test = isOf("null")
    case .string: test = Expr(.and(isOf("string"), same(other)), .bool)
    case .bool: test = Expr(.and(isOf("bool"), same(Expr(.call("to_string", [other]), .string))), .bool)
    case .int, .decimal:
      guard let number = convert(other, to: .decimal.asOptional) else { return nil }
      // A number that no Decimal holds equals none.
      let value = Expr(.attempt(Expr(.call("to_decimal", [local]), .decimal)), .decimal.asOptional)
      test = Expr(.and(isOf("number"), Expr(.call("equals", [value, number]), .bool)), .bool)
    case .float:
      test = Expr(.and(isOf("number"), Expr(.call("equals", [Expr(.call("to_float", [local]), .float), other]), .bool)), .bool)
    default: return nil
    }
    guard json.type.isOptional else { return Expr(.binding(id, json, test), .bool) }
    let outer = unique("json")
    let maybe = Expr(.local(outer), json.type)
    let inner = Expr(.binding(id, Expr(.unwrap(maybe), .json), test), .bool)
    return Expr(
      .binding(outer, json, Expr(.conditional(Expr(.isNull(maybe), .bool), Expr(.literal(.bool(false)), .bool), inner), .bool)), .bool)
  }

  /// `{ ...json, a: 1 }` is Json as well: the later of two with one name counts.
  func jsonObject(_ items: [ExprSyntax.RecordItem], _ scope: Scope) -> Expr {
    var result = Self.emptyObject
    for item in items {
      switch item {
      case .field(let name, let syntax):
        let value = infer(syntax ?? ExprSyntax(kind: .field(name), span: name.span), scope)
        if value.type == .erroneous { return value }
        result = Expr(.call("json_with", [result, Expr(.literal(.string(name.text)), .string), Self.json(value)]), .json)
      case .spread(let syntax):
        let value = infer(syntax, scope)
        if value.type == .erroneous { return value }
        guard value.type == .json || value.type.record != nil else {
          report(.mismatch, syntax.span, "`...` takes a record or Json, this is \(value.type)", help: "write its fields one by one")
          return Self.erroneous
        }
        result = Expr(.call("merge", [result, Self.json(value)]), .json)
      }
    }
    return result
  }
}
