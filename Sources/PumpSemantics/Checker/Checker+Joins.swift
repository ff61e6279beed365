import PumpPlan
import PumpSyntax

/// `join`: events of a stream beside the event.
extension Checker {
  func join(
    _ syntax: JoinSyntax, _ within: [ExprSyntax], _ limit: SettingValue, _ step: StepSyntax, _ flow: inout Flow, _ pipeline: PipelineContext
  ) -> [Step]? {
    guard needsTime("`join`", step.span, flow), let stream = joined(syntax, needsTime: true, pipeline) else { return nil }
    var bounds = within.compactMap { constant($0, as: .duration, "`within`", flow, from: .min) }
    guard bounds.count == within.count else { return nil }
    if bounds.count == 1 {
      guard case .literal(.duration(let most)) = bounds[0] else {
        report(
          .badJoin, within[0].span, "one bound is both, and this one is only known at the start",
          help: "write both: `within config.a.from to config.a.to`")
        return nil
      }
      bounds = [.literal(.duration(-most)), .literal(.duration(most))]
    }
    if case .literal(.duration(let from)) = bounds[0], case .literal(.duration(let to)) = bounds[1], from > to {
      report(.badJoin, within[0].span, "the first bound is above the second", help: "write the earlier one first")
      return nil
    }
    if stream.timing.isDivided || !stream.timing.isOrdered {
      pipeline.varies.append((step.span, "the order of an event's pairs with `\(syntax.stream.text)`"))
    }
    guard let made = match(syntax, stream, step, flow, pipeline) else { return nil }
    let spec = JoinSpec(stream: syntax.stream.text, event: stream.type, each: made.key.map(\.field), isLeft: syntax.isLeft)
    let state = TypedState(
      kind: .join(spec, from: bounds[0], to: bounds[1]), each: made.key, keys: made.key.count, keepsEvent: true, limit: limit,
      inner: made.test.map { (made.pair, $0) }, side: made.side)
    return finish(state, syntax, made.output, step, &flow)
  }

  func joinLatest(
    _ syntax: JoinSyntax, _ whole: StateSyntax, _ limit: SettingValue, _ step: StepSyntax, _ flow: inout Flow, _ pipeline: PipelineContext
  ) -> [Step]? {
    let asRead = whole.asRead != nil
    if let place = whole.asRead {
      pipeline.varies.append((place, "as read"))
    } else {
      guard needsTime("`join latest`", step.span, flow) else { return nil }
    }
    guard let stream = joined(syntax, needsTime: !asRead, pipeline), let made = match(syntax, stream, step, flow, pipeline) else {
      return nil
    }
    guard made.test == nil else {
      report(
        .badJoin, syntax.condition.span, "`join latest` finds the newest event of a key, by equality alone",
        help: "test the rest behind it: `|> filter …`")
      return nil
    }
    let spec = JoinSpec(stream: syntax.stream.text, event: stream.type, each: made.key.map(\.field), isLeft: syntax.isLeft)
    let state = TypedState(
      kind: .joinLatest(spec, asRead: asRead), each: made.key, keys: made.key.count, keepsEvent: true, limit: limit, side: made.side)
    return finish(state, syntax, made.output, step, &flow)
  }

  private func finish(_ state: TypedState, _ syntax: JoinSyntax, _ output: Type, _ step: StepSyntax, _ flow: inout Flow) -> [Step] {
    flow.type = output
    flow.timing.isOrdered = false
    flow.timing.isSorted = false
    flow.timing.isThinned = true
    return [Step(name: step.label?.text ?? "join \(syntax.stream.text)", kind: .state(state), output: output, place: place(step.span))]
  }

  /// What flows from the stream; nil after a report.
  private func joined(_ syntax: JoinSyntax, needsTime: Bool, _ pipeline: PipelineContext) -> Flow? {
    guard let stream = stream(syntax.stream, pipeline) else { return nil }
    if stream.timing.updating != nil {
      report(
        .updating, syntax.stream.span, "events of `\(syntax.stream.text)` may replace earlier ones, and no join follows that",
        help: "write them to a table and look them up")
      return nil
    }
    guard stream.timing.isTimed || !needsTime else {
      report(
        .noTime, syntax.stream.span, "events of `\(syntax.stream.text)` have no time, and the join goes by it",
        help: "say it in the stream: `|> time .at late 10s`")
      return nil
    }
    guard stream.type.record != nil else {
      if stream.type != .erroneous {
        report(.badJoin, syntax.stream.span, "`\(syntax.stream.text)` gives \(stream.type), a join takes records", help: "decode it there")
      }
      return nil
    }
    return stream
  }

  private typealias Match = (
    key: [(field: Field, value: Expr)], side: [Expr], test: Expr?, pair: Type, output: Type
  )

  /// Which equalities the condition holds, and what else.
  private func match(
    _ syntax: JoinSyntax, _ stream: Flow, _ step: StepSyntax, _ flow: Flow, _ pipeline: PipelineContext
  ) -> Match? {
    guard let pair = adding(syntax.name, stream.type, "join", step, flow),
      let output = adding(syntax.name, syntax.isLeft ? stream.type.asOptional : stream.type, "join", step, flow)
    else { return nil }
    var (key, side): ([(field: Field, value: Expr)], [Expr]) = ([], [])
    var rest: [ExprSyntax] = []
    for part in syntax.condition.conjuncts {
      guard case .binary(.equal, let a, let b) = part.kind, let sides = sorted(a, b, syntax.name.text) else {
        rest.append(part)
        continue
      }
      var there = Scope()
      there.locals[syntax.name.text] = Expr(.it, stream.type)
      var (left, right) = (infer(sides.event, scope(flow)), infer(sides.other, there))
      guard left.type != .erroneous, right.type != .erroneous else { return nil }
      guard let type = common(left.type, right.type), isKeyType(type.wrapped),
        let one = convert(left, to: type), let other = convert(right, to: type)
      else {
        report(
          .badJoin, part.span, "the two sides of this equality are of other types: \(left.type) and \(right.type)",
          help: "convert one of them: `to_string(…)`, `to_int(…)`")
        return nil
      }
      (left, right) = (one, other)
      pipeline.note(left)
      pipeline.note(right)
      key.append((Field("key \(key.count + 1)", type), left))
      side.append(right)
    }
    guard !key.isEmpty else {
      report(
        .badJoin, syntax.condition.span, "a join finds its events by an equality, and there is none",
        help: "write `on .id == \(syntax.name.text).id`, more conditions by `and`")
      return nil
    }
    var test: Expr?
    var scope = scope(flow)
    scope.event = Expr(.it, pair)
    scope.locals[syntax.name.text] = Expr(.field(Expr(.it, pair), pair.record!.fields.count - 1), stream.type)
    for part in rest {
      let condition = check(part, scope, as: .bool, "`on`")
      guard condition.type != .erroneous else { return nil }
      test = test.map { Expr(.and($0, condition), .bool) } ?? condition
    }
    if let test { pipeline.note(test) }
    return (key, side, test, pair, output)
  }

  private func isKeyType(_ type: Type) -> Bool {
    switch type {
    case .json, .list, .map, .record, .secret, .null, .erroneous: false
    default: true
    }
  }

  /// The side of the event, and that of the stream; nil where one has both or neither.
  private func sorted(_ a: ExprSyntax, _ b: ExprSyntax, _ name: String) -> (event: ExprSyntax, other: ExprSyntax)? {
    let (left, right) = (a.reads(name), b.reads(name))
    if right, !left, !b.readsEvent { return (a, b) }
    if left, !right, !a.readsEvent { return (b, a) }
    return nil
  }
}

extension ExprSyntax {
  /// What `and` joins.
  fileprivate var conjuncts: [ExprSyntax] {
    if case .binary(.and, let a, let b) = kind { a.conjuncts + b.conjuncts } else { [self] }
  }

  fileprivate func reads(_ name: String) -> Bool {
    contains { if case .name(name) = $0.kind { true } else { false } }
  }

  fileprivate var readsEvent: Bool {
    contains {
      switch $0.kind {
      case .it, .field: true
      default: false
      }
    }
  }

  private func contains(_ test: (ExprSyntax) -> Bool) -> Bool { test(self) || parts.contains { $0.contains(test) } }

  private var parts: [ExprSyntax] {
    switch kind {
    case .literal, .name, .it, .field, .secretFile, .erroneous: []
    case .string(let text): text.parts.compactMap { if case .expression(let value) = $0 { value } else { nil } }
    case .member(let base, _, optional: _), .unary(_, let base), .attempt(let base), .lambda(_, let base): [base]
    case .index(let a, let b), .binary(_, let a, let b), .binding(_, let a, let b): [a, b]
    case .call(_, let arguments): arguments.map(\.value)
    case .method(let base, _, let arguments, optional: _): [base] + arguments.map(\.value)
    case .conditional(let a, let b, let c): [a, b, c]
    case .match(let subject, let arms): [subject] + arms.flatMap { ($0.pattern.map { [$0] } ?? []) + [$0.value] }
    case .list(let items): items
    case .record(let items):
      items.compactMap { item in
        switch item {
        case .field(let name, let value): value ?? ExprSyntax(kind: .field(name), span: name.span)
        case .spread(let value): value
        }
      }
    }
  }
}
