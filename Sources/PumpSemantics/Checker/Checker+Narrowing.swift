import PumpPlan
import PumpSyntax

/// Where a value is read from: `["it", "customer", "name"]`, `["meta", "key"]`, or a local.
typealias Path = [String]

/// What a test for null shows of the values after it.
extension Checker {
  /// The path that an expression reads; nil where it computes something.
  static func path(_ e: Expr) -> Path? {
    switch e.kind {
    case .it: ["it"]
    case .carried: ["carried"]
    case .local(let name): ["let", name]
    case .meta(let name): ["meta", name]
    case .field(let base, let index), .optionalField(let base, let index):
      path(base).flatMap { path in base.type.wrapped.record.map { path + [$0.fields[index].name] } }
    case .unwrap(let inner), .wrap(let inner): path(inner)
    default: nil
    }
  }

  /// What is there where the test has this outcome.
  static func present(where test: Expr, is outcome: Bool) -> Set<Path> {
    switch test.kind {
    case .not(let inner): return present(where: inner, is: !outcome)
    case .and(let a, let b), .or(let a, let b):
      let (left, right) = (present(where: a, is: outcome), present(where: b, is: outcome))
      let needsBoth = if case .and = test.kind { outcome } else { !outcome }
      return needsBoth ? left.union(right) : left.intersection(right)
    case .isNull(let value) where !outcome:
      var result: Set<Path> = []
      var part = value
      // `a?.b` is there where `a` is.
      while let path = path(part) {
        result.insert(path)
        switch part.kind {
        case .field(let base, _), .optionalField(let base, _), .unwrap(let base), .wrap(let base): part = base
        default: return result
        }
      }
      return result
    case .call("equals", let sides) where outcome && sides.count == 2:
      // What equals something that is there is there.
      return sides.indices.reduce(into: []) { result, index in
        if sides[index].type.isOptional, isThere(sides[1 - index]) {
          result.formUnion(present(where: Expr(.isNull(sides[index]), .bool), is: false))
        }
      }
    default: return []
    }
  }

  private static func isThere(_ value: Expr) -> Bool {
    if case .wrap(let inner) = value.kind { return !inner.type.isOptional }
    return !value.type.isOptional
  }

  /// The value, which is not null where a test before has shown that.
  static func narrowed(_ value: Expr, _ scope: Scope) -> Expr {
    guard value.type.isOptional, !scope.present.isEmpty, let path = path(value), scope.present.contains(path) else { return value }
    return Expr(.unwrap(value), value.type.wrapped)
  }

  /// The value with the type that it was declared with, for what asks whether it is there: to ask again is no mistake.
  static func declared(_ value: Expr) -> Expr { if case .unwrap(let inner) = value.kind { inner } else { value } }
}

extension Flow {
  /// The step makes another event: of the old one nothing is known, of its source still.
  mutating func forgetEvent() { present = present.filter { $0[0] == "meta" } }

  /// These fields are other ones now, or gone.
  mutating func forget(_ fields: [String]) { present = present.filter { $0[0] != "it" || $0.count < 2 || !fields.contains($0[1]) } }
}
