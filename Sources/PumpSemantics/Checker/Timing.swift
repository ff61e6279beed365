import PumpPlan
import PumpSyntax

/// What is known of the times and the order of the events that flow.
struct Timing {
  /// Each event has a time.
  var isTimed = false
  /// They come in the same order in every run.
  var isOrdered = true
  /// They come by their times.
  var isSorted = false
  /// No end of the source is in sight.
  var isEndless = false
  /// The source has several partitions, or may have.
  var isDivided = false
  /// A step before has left events out.
  var isThinned = false
  /// Whether a branch is looked at: an arm, or a copy.
  var isInner = false
  /// The fields that tell a row from others, where an event may be a revision of an earlier one.
  var updating: [String]?
}

extension Checker {
  /// A constant of the spec: a literal, or a key of the configuration.
  func constant(_ syntax: ExprSyntax, as type: Type, _ what: String, _ flow: Flow, from least: Int64 = 1) -> SettingValue? {
    var scope = Scope()
    scope.locals = flow.locals
    let value = check(syntax, scope, as: type, what)
    guard value.type != .erroneous else { return nil }
    switch settled(value) {
    case .literal(let literal)?:
      if let number = literal.whole, number < least {
        report(.badValue, syntax.span, "\(what) is too small", help: least == 0 ? "write 0 or more" : "write more than 0")
        return nil
      }
      return .literal(literal)
    case .config(let section, let key)?: return .config(section: section, key: key)
    default:
      report(.notConstant, syntax.span, "\(what) holds for the whole run", help: "write the value itself, or `config.section.key`")
      return nil
    }
  }
}

extension Literal {
  /// A whole number, or microseconds.
  var whole: Int64? {
    switch self {
    case .int(let number), .duration(let number): number
    default: nil
    }
  }
}
