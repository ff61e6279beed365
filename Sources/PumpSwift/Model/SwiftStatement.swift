/// A Swift statement. What it evaluates has a `try` where it throws.
indirect enum SwiftStatement: Sendable {
  /// `let name = value`; the name may be a tuple's pattern.
  case constant(String, type: SwiftType? = nil, SwiftExpression)
  case variable(String, type: SwiftType? = nil, SwiftExpression)
  case assign(SwiftExpression, SwiftExpression)
  /// `out.filtered += 1`.
  case increment(SwiftExpression)
  case evaluate(SwiftExpression)
  case exit(SwiftExpression?)
  case fail(SwiftExpression)
  case require([SwiftCondition], otherwise: [SwiftStatement])
  case when([SwiftCondition], [SwiftStatement])
  case each(String, in: SwiftExpression, [SwiftStatement])
  case loop([SwiftStatement], while: SwiftExpression)
  /// `do throws(EventFailure) { … } catch { … }`.
  case attempt([SwiftStatement], otherwise: [SwiftStatement])
  case choose(SwiftExpression, [SwiftCase])
  /// What follows stands at this place of the spec, for debuggers and crash reports.
  case location(file: String, line: Int)
  /// What follows stands in the generated file again.
  case endOfLocation

  /// `return value`.
  static func result(_ value: SwiftExpression) -> Self { .exit(value) }
  /// `guard test else { throw … }`.
  static func require(_ test: SwiftExpression, orFail failure: SwiftExpression) -> Self {
    .require([.test(test)], otherwise: [.fail(failure)])
  }
}

/// A part of the condition of a `guard` or an `if`.
enum SwiftCondition: Sendable {
  case test(SwiftExpression)
  /// `let name = value`.
  case binding(String, SwiftExpression)

  var value: SwiftExpression {
    switch self {
    case .test(let value), .binding(_, let value): value
    }
  }
}

/// A case of a `switch`; without a pattern, the default.
struct SwiftCase: Sendable {
  let pattern: SwiftExpression?
  let body: [SwiftStatement]
  init(_ pattern: SwiftExpression?, _ body: [SwiftStatement]) { (self.pattern, self.body) = (pattern, body) }
}
