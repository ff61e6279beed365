import PumpPlan
import PumpSyntax

/// `mode: if .deleted then delete else upsert`: what holds for the whole run is chosen by each event. A sink of each choice is made,
/// between which the events are routed; of one target they keep their order whichever sink they pass.
extension Checker {
  private typealias Choice = (condition: ExprSyntax?, value: Name)

  /// The steps of a sink that chooses by its events; nil if it does not.
  func choosing(
    _ syntax: EndpointSyntax, _ found: Found, _ step: StepSyntax, _ flow: Flow, _ pipeline: PipelineContext
  ) -> [Step]? {
    guard let (place, choices) = choice(syntax), let label = syntax.arguments[place].label,
      let parameter = found.endpoint.parameters.first(where: { $0.name == label.text }), !parameter.isEach,
      case .value(.enumeration(let type)) = parameter.kind
    else { return nil }
    for choice in choices where !type.cases.contains(where: { $0.name == choice.value.text }) {
      reportUnknown(.unknownCase, choice.value, "`\(parameter.name)` of `\(syntax.name)`", among: type.cases.map(\.name))
      return []
    }
    // It is a value like others, whose mistakes are told here.
    let whole = infer(syntax.arguments[place].value, scope(flow), expecting: .enumeration(type))
    if whole.type == .erroneous { return [] }
    var left = flow
    var arms: [Step.Arm] = []
    for (number, choice) in choices.enumerated() {
      var branch = left
      var condition: Expr?
      if let syntax = choice.condition {
        silenced += 1
        let test = check(syntax, scope(left), as: .bool, "the condition")
        silenced -= 1
        pipeline.note(test)
        branch.present.formUnion(Self.present(where: test, is: true))
        left.present.formUnion(Self.present(where: test, is: false))
        condition = test
      }
      var arguments = syntax.arguments
      arguments[place] = ArgumentSyntax(label: label, value: ExprSyntax(kind: .name(choice.value.text), span: choice.value.span))
      // Each has its own name, by which it is configured.
      let name = Name(text: "\(syntax.name) \(choice.value.text)", span: choice.value.span)
      let sink = EndpointSyntax(
        label: name, target: syntax.target, endpoint: syntax.endpoint, arguments: arguments, type: syntax.type, settings: syntax.settings,
        span: syntax.span)
      // What is wrong with the other arguments is told once.
      if number > 0 { silenced += 1 }
      arms.append(
        Step.Arm(
          condition: condition,
          steps: self.sink(sink, found, StepSyntax(label: name, kind: .sink(sink), span: step.span), branch, pipeline)))
      if number > 0 { silenced -= 1 }
    }
    return [Step(name: step.label?.text ?? "sink \(syntax.name)", kind: .route(arms), output: flow.type, place: self.place(step.span))]
  }

  /// Whether a sink may be one that chooses by its events.
  func chooses(_ syntax: EndpointSyntax) -> Bool { choice(syntax) != nil }

  /// The argument by which a sink of a connection may choose, by its place, and the choices.
  private func choice(_ syntax: EndpointSyntax) -> (place: Int, choices: [Choice])? {
    guard connections[syntax.target.text] != nil else { return nil }
    for (place, argument) in syntax.arguments.enumerated() {
      if case .name = argument.value.kind { continue }
      if let choices = Self.choices(argument.value) { return (place, choices) }
    }
    return nil
  }

  /// The cases that a choice by `if` or `match` ends in, each with its condition; nil if it ends in something else.
  private static func choices(_ syntax: ExprSyntax) -> [Choice]? {
    switch syntax.kind {
    case .name(let word): return [(nil, Name(text: word, span: syntax.span))]
    case .conditional(let condition, let yes, let no):
      guard case .name(let word) = yes.kind, let others = choices(no) else { return nil }
      return [(condition, Name(text: word, span: yes.span))] + others
    case .match(let subject, let arms):
      var result: [Choice] = []
      for arm in arms {
        guard case .name(let word) = arm.value.kind else { return nil }
        let condition = arm.pattern.map { ExprSyntax(kind: .binary(.equal, subject, $0), span: $0.span) }
        result.append((condition, Name(text: word, span: arm.value.span)))
      }
      // The last arm takes what no other has: a `match` leaves nothing out.
      return result.last.map { result.dropLast() + [(nil, $0.value)] }
    default: return nil
    }
  }
}
