/// A Swift expression. Whether it throws follows from the calls in it; the statement that holds it writes the `try`.
indirect enum SwiftExpression: Sendable, ExpressibleByStringLiteral {
  /// A name or a path of names, such as `c.arena` and `.nothing`, or a word such as `nil`.
  case name(String)
  /// The text of a string, which the printer encodes.
  case string(String)
  /// Strings and what stands between them as `\\(…)`.
  case interpolation([SwiftExpression])
  /// A number, as it is written.
  case number(String)
  /// `List<Text>`, where it is called.
  case type(SwiftType)
  /// `order.amount`.
  case member(SwiftExpression, String)
  /// `(order?.amount)`.
  case optionalMember(SwiftExpression, String)
  /// `order!`.
  case unwrapped(SwiftExpression)
  /// `sinks[0]`.
  case element(SwiftExpression, SwiftExpression)
  /// `round(amount, c)`; a closure stands after the parentheses.
  case call(SwiftExpression, [SwiftExpression], SwiftClosure? = nil, throws: Bool = false)
  /// `wire: "order_id"`, among the arguments of a call.
  case labeled(String, SwiftExpression)
  /// `&sink.bytes`, among the arguments of a call.
  case reference(SwiftExpression)
  case closure(SwiftClosure)
  case not(SwiftExpression)
  /// `(a == b)`.
  case binary(SwiftExpression, String, SwiftExpression)
  /// `(a ? b : c)`.
  case conditional(SwiftExpression, SwiftExpression, SwiftExpression)
  /// `(nil as Text?)`.
  case cast(SwiftExpression, SwiftType)
  case array([SwiftExpression])
  case dictionary([(key: SwiftExpression, value: SwiftExpression)])
  case tuple([SwiftExpression])

  init(stringLiteral name: String) { self = .name(name) }

  static func number(_ value: some BinaryInteger) -> Self { .number("\(value)") }

  /// A call of a function, of a type's initialiser or of an enum's case.
  static func call(_ function: Self, _ arguments: Self..., throws isThrowing: Bool = false) -> Self {
    .call(function, arguments, throws: isThrowing)
  }
  func dot(_ name: String) -> Self { .member(self, name) }
  /// A call of a method.
  func dot(_ name: String, _ arguments: Self...) -> Self { .call(.member(self, name), arguments) }

  /// What a closure holds is thrown where it is called.
  var isThrowing: Bool {
    switch self {
    case .name, .string, .number, .type, .closure: false
    case .member(let base, _), .optionalMember(let base, _), .unwrapped(let base), .labeled(_, let base), .reference(let base),
      .not(let base), .cast(let base, _):
      base.isThrowing
    case .element(let base, let index): base.isThrowing || index.isThrowing
    case .call(let function, let arguments, _, let isThrowing): isThrowing || function.isThrowing || arguments.contains(where: \.isThrowing)
    case .binary(let left, _, let right): left.isThrowing || right.isThrowing
    case .conditional(let test, let yes, let no): test.isThrowing || yes.isThrowing || no.isThrowing
    case .array(let items), .tuple(let items), .interpolation(let items): items.contains(where: \.isThrowing)
    case .dictionary(let entries): entries.contains { $0.key.isThrowing || $0.value.isThrowing }
    }
  }
}

/// `{ (element: Text) throws(EventFailure) -> Bool in … }`, or `{ text, number in … }` where the types are known.
struct SwiftClosure: Sendable {
  var parameters: [(name: String, type: SwiftType?)] = []
  var error: String?
  var result: SwiftType?
  var body: [SwiftStatement]
}
