import PumpPlan
import PumpSyntax

extension Checker {
  /// The word of a step names no stage: the step would be taken for it.
  func reportStepNames() {
    for name in order.stages where Parser.stepWords.contains(name) {
      let declared = stages[name]!.name
      let other = "\(name)_stage"
      report(
        .takenName, declared.span, "`\(name)` is the word of a step, which no stage can have", help: "name it otherwise: `\(other)`",
        fix: Fix("name it `\(other)`", .maybe, [Edit(declared.span, other)]))
    }
  }

  func checkDeclaration(of syntax: StageSyntax) {
    let context = PipelineContext(syntax.name)
    let type = resolve(syntax.input).plain
    var flow = Flow(type: type, meta: RecordType(fields: [Self.raw]))
    for parameter in syntax.parameters {
      let kind = resolve(parameter.type).plain
      flow.locals[parameter.name.text] = Expr(.local(unique(parameter.name.text)), kind)
    }
    let before = diagnostics.count
    expanding = [syntax.name.text]
    _ = check(chain: syntax.steps, flow, mustEnd: false, syntax.span, in: context)
    expanding = []
    if diagnostics[before...].contains(where: { $0.severity == .error }) { brokenStages.insert(syntax.name.text) }
  }

  func stage(_ name: Name, _ arguments: [ArgumentSyntax], _ span: Span, _ flow: inout Flow, _ pipeline: PipelineContext) -> (
    steps: [Step], ended: Bool
  ) {
    guard let syntax = stages[name.text] else {
      reportUnknown(
        .unknownStage, name, "step or stage", among: Array(stages.keys) + Parser.stepWords,
        otherwise: "declare it: `stage \(name.text)() on T = |> …`", foreign: ForeignWords.steps.mapValues(\.withoutFix))
      flow.type = .erroneous
      return ([], false)
    }
    symbols.use(.stage, name.text, at: name.span)
    guard !expanding.contains(name.text) else {
      // A circle is reported where it is declared, once, however deep it is found.
      if brokenStages.insert(expanding[0]).inserted {
        let outer = silenced
        silenced = 0
        report(
          .functionCycle, stages[expanding[0]]!.name.span,
          "stages contain each other in a circle: \((expanding + [name.text]).joined(separator: " → "))",
          help: "the language is total: remove the circle")
        silenced = outer
      }
      flow.type = .erroneous
      return ([], false)
    }
    // The event must have what the stage declares; more fields pass through.
    let wanted = resolve(syntax.input).plain
    if flow.type != .erroneous, wanted != .erroneous, !hasFields(flow.type, wanted, span, name) {
      flow.type = .erroneous
      return ([], false)
    }
    var inner = flow
    inner.locals = [:]
    let adapted = adapt(flow.type, wanted)
    if let adapted { inner.type = adapted.type }
    var outer = settingScope
    outer.locals = flow.locals
    var next = 0
    for argument in arguments {
      let index =
        argument.label.map { label in syntax.parameters.firstIndex { $0.name.text == label.text } }
        ?? (next < syntax.parameters.count ? next : nil)
      guard let index else {
        report(
          .badArguments, argument.value.span, "stage `\(name.text)` has no such parameter",
          help: "it takes (\(syntax.parameters.map { "\($0.name.text): \($0.type.span.text)" }.joined(separator: ", ")))")
        continue
      }
      let parameter = syntax.parameters[index]
      inner.locals[parameter.name.text] = check(argument.value, outer, as: resolve(parameter.type).plain, "`\(parameter.name.text)`")
      next = index + 1
    }
    for parameter in syntax.parameters where inner.locals[parameter.name.text] == nil {
      guard let value = parameter.value else {
        report(
          .badArguments, span, "stage `\(name.text)` needs `\(parameter.name.text)`",
          help: "write `\(name.text)(\(parameter.name.text): …)`")
        return ([], false)
      }
      inner.locals[parameter.name.text] = check(value, Scope(), as: resolve(parameter.type).plain, "`\(parameter.name.text)`")
    }
    expanding.append(name.text)
    silenced += 1
    let outerError = suppressed
    suppressed = nil
    let chain = check(chain: syntax.steps, inner, mustEnd: false, syntax.span, in: pipeline)
    silenced -= 1
    expanding.removeLast()
    if let inside = suppressed, !brokenStages.contains(name.text) {
      report(
        .wrongStep, span, "stage `\(name.text)` does not fit here: \(inside)",
        help: "the event here is \(flow.type); drop or rename what collides")
    }
    suppressed = outerError ?? (silenced > 0 ? suppressed : nil)
    let locals = flow.locals
    flow = chain.flow
    flow.locals = locals
    let first = adapted.map { [Step(name: name.text, kind: .plain(.map($0)), output: $0.type, place: place(span))] } ?? []
    return (first + chain.steps, chain.ended)
  }

  /// The event with the conversions that the stage's fields ask for, where any is needed.
  func adapt(_ type: Type, _ wanted: Type) -> Expr? {
    guard let record = type.record, let fields = wanted.record?.fields else { return nil }
    let event = Expr(.it, type)
    var changed = false
    var made = MadeField.all(of: event)
    for (index, field) in record.fields.enumerated() {
      guard let due = fields.first(where: { $0.name == field.name }), due.type != field.type,
        let converted = convert(made[index].value, to: due.type)
      else { continue }
      changed = true
      made[index].value = converted
    }
    return changed ? makeRecord(made) : nil
  }

  func hasFields(_ type: Type, _ wanted: Type, _ span: Span, _ name: Name) -> Bool {
    guard let fields = wanted.record?.fields, let record = type.record else {
      if type == wanted { return true }
      report(.wrongStep, span, "stage `\(name.text)` works on \(wanted), the event here is \(type)", help: "decode or map it first")
      return false
    }
    for field in fields {
      guard let index = record.index(of: field.name) else {
        report(
          .wrongStep, span, "stage `\(name.text)` needs field `\(field.name)`, the event here is \(type)",
          help: "add it with `set { \(field.name): … }`")
        return false
      }
      guard convert(Expr(.it, record.fields[index].type), to: field.type) != nil else {
        report(
          .wrongStep, span, "stage `\(name.text)` needs `\(field.name)` as \(field.type), here it is \(record.fields[index].type)",
          help: "convert it with `set { \(field.name): … }`")
        return false
      }
    }
    return true
  }
}
