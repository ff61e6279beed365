import PumpPlan
import PumpSyntax

/// `match`: a chain of conditionals whose cases leave nothing out.
extension Checker {
  func match(_ subject: ExprSyntax, _ arms: [ExprSyntax.MatchArm], _ span: Span, _ scope: Scope, _ expecting: Type?) -> Expr {
    let value = Self.declared(infer(subject, scope))
    if value.type == .erroneous { return value }
    guard value.type != .null else {
      report(.cannotInfer, subject.span, "the type of this value is not known", help: "match a value of the type that is meant")
      return Self.erroneous
    }
    let id = unique("subject")
    let local = Expr(.local(id), value.type)
    var seen: Set<Literal> = []
    var branches: [(Expr?, ExprSyntax)] = []
    var hasElse = false
    // After the case of null, and in those of values, the subject is there.
    let whereThere: Set<Path> = Self.path(value).map { [$0] } ?? []
    for arm in arms {
      if hasElse {
        report(.unreachable, arm.span, "this case is never reached", help: "move it above `else`")
        continue
      }
      guard let pattern = arm.pattern else {
        hasElse = true
        branches.append((nil, arm.value))
        continue
      }
      if case .literal(.null) = pattern.kind {
        guard value.type.isOptional else {
          report(.nullable, pattern.span, "this is never null: it is \(value.type)", help: "remove the case")
          continue
        }
        if !seen.insert(.null).inserted { report(.unreachable, arm.span, "this case stands twice", help: "remove it") }
        branches.append((Expr(.isNull(local), .bool), arm.value))
        continue
      }
      let test = check(pattern, scope, as: value.type.wrapped, "the case")
      if test.type == .erroneous { return Self.erroneous }
      if let literal = constant(test), !seen.insert(literal).inserted {
        report(.unreachable, arm.span, "this case stands twice", help: "remove it")
      }
      branches.append((Expr(.call("equals", [local, convert(test, to: value.type) ?? test]), .bool), arm.value))
    }
    if !hasElse { hasElse = isExhaustive(value.type, seen, span) }
    guard hasElse, !branches.isEmpty else { return Self.erroneous }
    // All results are brought to one type, then the arms become a chain of conditionals.
    var isThere = false
    let scopes = branches.map { test, _ in
      let isNull = if case .isNull? = test?.kind { true } else { false }
      defer { isThere = isThere || isNull }
      return isNull || !(isThere || test != nil) ? scope : scope.knowing(whereThere)
    }
    // What fails has the type of the others.
    let order = branches.indices.filter { !isFailure(branches[$0].1) } + branches.indices.filter { isFailure(branches[$0].1) }
    var results = branches.map { _ in Self.erroneous }
    var type: Type?
    for index in order {
      let result = infer(branches[index].1, scopes[index], expecting: expecting ?? (isFailure(branches[index].1) ? type : nil))
      results[index] = result
      guard let known = type else {
        type = result.type
        continue
      }
      guard let joined = common(known, result.type) else {
        report(
          .mismatch, branches[index].1.span, "all cases must have one type: \(known) and \(result.type)", help: nil,
          labels: [(branches[order[0]].1.span, "this is \(known)")])
        return Self.erroneous
      }
      type = joined
    }
    guard let type, type != .erroneous else { return Self.erroneous }
    results = results.map { convert($0, to: type) ?? $0 }
    var chain = results.last!
    for index in branches.indices.dropLast().reversed() {
      chain = Expr(.conditional(branches[index].0 ?? Expr(.literal(.bool(true)), .bool), results[index], chain), type)
    }
    return Expr(.binding(id, value, chain), type)
  }

  private func isExhaustive(_ type: Type, _ seen: Set<Literal>, _ span: Span) -> Bool {
    var missing: [String] = []
    if type.isOptional, !seen.contains(.null) { missing.append("null") }
    switch type.wrapped {
    case .enumeration(let type):
      for (index, item) in type.cases.enumerated() where !seen.contains(.enumCase(index)) { missing.append(item.name) }
    case .bool:
      for value in [true, false] where !seen.contains(.bool(value)) { missing.append("\(value)") }
    default: missing.append("else")
    }
    if missing.isEmpty { return true }
    report(.notExhaustive, span, "this `match` has no case for \(missing.joined(separator: ", "))", help: "add them, or `else => …`")
    return false
  }
}
