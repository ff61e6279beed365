import PumpPlan
import PumpSyntax

/// What flows at one point of a chain.
struct Flow {
  var type: Type
  /// The record that was encoded, for the arguments of the sink.
  var carried: Type?
  /// One event is a whole file: formats that frame make many of it.
  var isWhole = false
  /// Its source cuts a stream into events, as the first step's format wants.
  var isCuttable = false
  /// The header line that `encode csv(header)` asks its sink to write.
  var header: String?
  /// Who gets what a `reply` sends.
  var sender = Sender.nobody("events of a stage may come from anywhere", help: "put `reply` at the end of the pipeline that has the source")
  /// What the source says of the event; nil in an error route, whose events are failures.
  var meta: RecordType?
  var timing = Timing()
  /// Values of a stage's parameters.
  var locals: [String: Expr] = [:]
  /// What steps before have shown not to be null.
  var present: Set<Path> = []
}

extension Checker {
  func scope(_ flow: Flow) -> Scope {
    var scope = Scope()
    scope.event = Expr(.it, flow.type)
    scope.meta = flow.meta
    scope.locals = flow.locals
    scope.present = flow.present
    return scope
  }

  /// Checks a chain; `mustEnd` asks for a sink, `discard` or `route` at its end. The flow after it is returned too.
  func check(chain: [StepSyntax], _ start: Flow, mustEnd: Bool, _ whole: Span, in pipeline: PipelineContext) -> (
    steps: [Step], flow: Flow, ended: Bool
  ) {
    var flow = start
    var steps: [Step] = []
    steps.reserveCapacity(chain.count)
    var ended = false
    for syntax in chain {
      if ended {
        report(
          .afterEnd, syntax.span, "nothing flows here: the step before ended the chain",
          help: "move this step up, or send a copy aside with `tee { … }`")
        break
      }
      if case .erroneous = syntax.kind { flow.type = .erroneous; flow.carried = nil; continue }
      let before = flow.type
      let added = check(step: syntax, &flow, in: pipeline)
      flow.isCuttable = false
      ended = added.ended
      let probe = probe(syntax, ended ? before : flow.type, pipeline)
      if ended, let probe { steps.append(probe) }
      steps += added.steps
      if !ended, let probe { steps.append(probe) }
      flows.append((syntax.span, flow.type))
    }
    if mustEnd, !ended, flow.type != .erroneous || chain.isEmpty {
      let last = chain.last?.span ?? whole
      report(
        .notEnded, last.after.start == last.start ? last : last, "this chain does not end: its events go nowhere",
        help: "end it with `|> sink …` or `|> discard`")
    }
    return (steps, flow, ended)
  }

  /// One step becomes one step of the plan; narrowing adds one, a stage many.
  func check(step syntax: StepSyntax, _ flow: inout Flow, in pipeline: PipelineContext) -> (steps: [Step], ended: Bool) {
    pipeline.step = syntax.span
    if refuseUpdating(syntax, flow) {
      flow.type = .erroneous
      flow.timing.updating = nil
      return ([], false)
    }
    var scope: Scope { self.scope(flow) }
    var place: Place { self.place(syntax.span) }
    func make(_ name: String, _ kind: Step.Kind, _ output: Type) -> [Step] {
      [Step(name: syntax.label?.text ?? name, kind: kind, output: output, place: place)]
    }
    /// A step that gives events of another type: what was encoded is forgotten.
    func change(_ name: String, _ value: Expr, forgetting fields: [String]? = nil) -> [Step] {
      if let keys = flow.timing.updating { flow.timing.updating = keepKey(keys, value, flow.type, syntax.span) }
      flow.type = value.type
      flow.carried = nil
      if let fields { flow.forget(fields) } else { flow.forgetEvent() }
      return make(name, .plain(.map(value)), value.type)
    }
    pipeline.note(label: syntax.label, self)
    switch syntax.kind {
    case .erroneous: return ([], false)
    case .decode(let format, let arguments, let type): return (decode(format, arguments, type, syntax, &flow, pipeline), false)
    case .encode(let format, let arguments): return (encode(format, arguments, syntax, &flow, pipeline), false)
    case .filter(let condition):
      let test = check(condition, scope, as: .bool, "`filter`")
      pipeline.note(test)
      flow.timing.isThinned = true
      if case .literal(.bool(false)) = test.kind {
        report(.unreachable, condition.span, "no event passes this filter", help: "remove it, or write the condition that is meant")
      }
      let step = make("filter", .plain(.filter(test)), flow.type)
      return (step + narrow(test, &flow, place), false)
    case .assert(let condition, let reason):
      let test = check(condition, scope, as: .bool, "`assert`")
      let text = check(reason, scope, as: .string, "the reason")
      pipeline.canFail = true
      let step = make("assert", .plain(.assert(test, text)), flow.type)
      return (step + narrow(test, &flow, place), false)
    case .map(let value):
      let result = infer(value, scope)
      pipeline.note(result)
      if result.type == .null || result.type == .list(.null) {
        report(.cannotInfer, value.span, "the type of this value is not known", help: "write a value of the type that is meant")
      }
      return (change("map", result), false)
    case .set(let value):
      guard case .record(let items) = value.kind, flow.type != .erroneous else { return ([], false) }
      if flow.type == .json { return (change("set", setJson(items, scope)), false) }
      guard flow.type.record != nil else {
        needsRecord("set", syntax.span, flow)
        flow.type = .erroneous
        return ([], false)
      }
      let spread = ExprSyntax(kind: .it, span: value.span)
      let result = record([.spread(spread)] + items, scope, flow.type.record, changes: true)
      pipeline.note(result)
      let names = items.compactMap { if case .field(let name, _) = $0 { name.text } else { nil } }
      return (change("set", result, forgetting: names), false)
    case .drop(let paths):
      return (drop(paths, syntax.span, flow).map { change("drop", $0, forgetting: paths.map { $0[0].text }) } ?? [], false)
    case .rename(let pairs):
      let names = pairs.flatMap { [$0.old.text, $0.new.text] }
      return (rename(pairs, syntax.span, flow).map { change("rename", $0, forgetting: names) } ?? [], false)
    case .expand(let list, let name): return (expand(list, name, &flow, pipeline, make), false)
    case .lookup(let endpoint, let name, let type): return (lookup(endpoint, name, type, syntax, &flow, pipeline), false)
    case .route(let arms): return (make("route", .route(route(arms, syntax.span, flow, pipeline)), flow.type), true)
    case .tee(let inner, let whenDown):
      let outer = pipeline.whenDown
      if let whenDown { pipeline.whenDown = self.whenDown(whenDown) }
      var copy = flow
      copy.timing.isInner = true
      copy.sender = .nobody("a `tee` works on a copy of the event", help: "reply behind it, at the end of the pipeline")
      let chain = check(chain: inner, copy, mustEnd: true, syntax.span, in: pipeline)
      pipeline.whenDown = outer
      return (make("tee", .tee(chain.steps), flow.type), false)
    case .log(let value):
      let value = text(of: infer(value, scope), value.span)
      pipeline.note(value)
      return (make("log", .plain(.log(value)), flow.type), false)
    case .sample(let percent, let span):
      guard let number = Double(percent), number > 0, number <= 100 else {
        report(.badValue, span, "`\(percent)%` is no share of the events", help: "write more than 0 and at most 100")
        return ([], false)
      }
      flow.timing.isThinned = true
      return (make("sample", .plain(.sample(number / 100)), flow.type), false)
    case .time(let time): return (self.time(time, syntax, &flow, pipeline), false)
    case .state(let state): return (self.state(state, syntax, &flow, pipeline), false)
    case .call(let name, let arguments): return stage(name, arguments, syntax.span, &flow, pipeline)
    case .sink(let endpoint): return (sink(endpoint, syntax, flow, pipeline), true)
    case .reply(let settings): return (reply(settings, syntax, flow, pipeline), true)
    case .discard: return (make("discard", .plain(.discard), flow.type), true)
    }
  }

  /// Where a test asks what passed a step, or what came to one that ends the chain. Sinks need none: what they get is kept.
  private func probe(_ syntax: StepSyntax, _ type: Type, _ pipeline: PipelineContext) -> Step? {
    guard let label = syntax.label?.text, probed[pipeline.name]?.contains(label) ?? false else { return nil }
    if case .sink(let endpoint) = syntax.kind, !chooses(endpoint) { return nil }
    return Step(name: label, kind: .probe(label: label), output: type, place: place(syntax.span))
  }

  func needsRecord(_ step: String, _ span: Span, _ flow: Flow) {
    guard flow.type != .erroneous else { return }
    let help =
      flow.type == .bytes || flow.type == .string
      ? "decode it first: `|> decode json as T`" : "make a record of it first: `|> map { value: it }`"
    report(.wrongStep, span, "`\(step)` works on records, the event here is \(flow.type)", help: help)
  }

  /// After `filter .x != null`, `x` is no longer optional; of what lies deeper, and of what the source says, that is known too.
  private func narrow(_ test: Expr, _ flow: inout Flow, _ place: Place) -> [Step] {
    let present = Self.present(where: test, is: true)
    guard !present.isEmpty else { return [] }
    defer { flow.present.formUnion(present) }
    guard let record = flow.type.record else { return [] }
    let indices = record.fields.indices.filter { present.contains(["it", record.fields[$0].name]) }
    guard !indices.isEmpty else { return [] }
    var fields = MadeField.all(of: Expr(.it, flow.type))
    for index in indices where record.fields[index].type.isOptional {
      fields[index].value = Expr(.unwrap(fields[index].value), record.fields[index].type.wrapped)
    }
    let narrowed = makeRecord(fields)
    flow.type = narrowed.type
    flow.carried = nil
    return [Step(name: "filter", kind: .plain(.map(narrowed)), output: narrowed.type, place: place)]
  }

  /// A list that is a field gives its place to its elements; any other list, of which the event has none yet, gets a field first.
  /// Null is no elements.
  private func expand(
    _ list: ExprSyntax, _ name: Name, _ flow: inout Flow, _ pipeline: PipelineContext, _ make: (String, Step.Kind, Type) -> [Step]
  ) -> [Step] {
    let value = infer(list, scope(flow))
    pipeline.note(value)
    guard case .list(let element) = value.type.wrapped, element != .null else {
      if value.type != .erroneous, flow.type != .erroneous {
        report(
          .wrongStep, list.span, "`expand` takes a list, this is \(value.type)",
          help: value.type.wrapped == .json
            ? "give it a type: `|> map to_string(\(list.span.text)) |> decode json as [T]`" : "write `expand .items as item`")
      }
      flow.type = .erroneous
      return []
    }
    let elements = value.type.isOptional ? Expr(.coalesce(value, Expr(.list([]), value.type.wrapped)), value.type.wrapped) : value
    var fields = flow.type.record?.fields ?? []
    let event = Expr(.it, flow.type)
    var index = fields.count
    if case .field(let field) = list.kind, let place = fields.firstIndex(where: { $0.name == field.text }) { index = place }
    var made = MadeField.all(of: event)
    guard isFree(name, among: made.indices.filter { $0 != index }.map { made[$0] }) else {
      flow.type = .erroneous
      return []
    }
    var before: [Step] = []
    // The element's name is not in the rest either.
    if index == fields.count || value.type.isOptional || flow.type.record?.rest != nil {
      if index == fields.count { made.append(MadeField(name.text, elements)) }
      made[index].value = elements
      if made[index].name != name.text { made[index].wire = name.text }
      let whole = makeRecord(made)
      before = make("expand", .plain(.map(whole)), whole.type)
      fields = whole.type.record?.fields ?? []
    }
    guard fields.indices.contains(index) else { return [] }
    flow.forget([fields[index].name, name.text])
    fields[index] = Field(name.text, element, wire: fields[index].name == name.text ? fields[index].wire : name.text)
    flow.type = .record(RecordType(fields: fields))
    flow.carried = nil
    flow.timing.isThinned = true
    flow.sender = .nobody(
      "`expand` makes several events of one, and a request has one answer", help: "reply with the whole: leave the list in the event")
    return before + make("expand", .plain(.expand(index)), flow.type)
  }

  private func drop(_ paths: [[Name]], _ span: Span, _ flow: Flow) -> Expr? {
    guard flow.type == .json || flow.type.record != nil else {
      needsRecord("drop", span, flow)
      return flow.type == .erroneous ? nil : Self.erroneous
    }
    let kept = without(paths.map { $0[...] }, Expr(.it, flow.type), scope(flow))
    if kept.type.record?.fields.isEmpty ?? false {
      report(.wrongStep, span, "nothing is left of the event", help: "keep at least one field")
    }
    return kept
  }

  /// The record or Json without what these paths lead to.
  private func without(_ paths: [ArraySlice<Name>], _ base: Expr, _ scope: Scope) -> Expr {
    func below(_ name: Name) -> [ArraySlice<Name>] { paths.filter { $0.count > 1 && $0.first!.text == name.text }.map { $0.dropFirst() } }
    let gone = paths.filter { $0.count == 1 }.map { $0.first! }
    if base.type == .json {
      var result = gone.reduce(base) { Expr(.call("json_without", [$0, Expr(.literal(.string($1.text)), .string)]), .json) }
      var seen: Set<String> = []
      for path in paths where path.count > 1 && seen.insert(path.first!.text).inserted {
        let key = Expr(.literal(.string(path.first!.text)), .string)
        let part = without(below(path.first!), Expr(.call("json_member", [base, key]), .json), scope)
        result = Expr(.call("json_with", [result, key, part]), .json)
      }
      return result
    }
    guard let record = base.type.record else {
      if base.type == .erroneous { return base }
      let name = paths[0].first!
      report(
        base.type.isOptional ? .nullable : .unknownField, name.span,
        base.type.isOptional ? "this may be null (\(base.type))" : "\(base.type) has no fields",
        help: base.type.isOptional ? "let only others pass with `filter … != null`" : nil)
      return Self.erroneous
    }
    for path in paths where record.index(of: path.first!.text) == nil {
      reportUnknown(
        .unknownField, path.first!, "field", among: record.fields.map(\.name),
        otherwise: record.inRest { "\($0).\(path.first!.text)" })
    }
    let kept = record.fields.enumerated().filter { _, field in !gone.contains { $0.text == field.name } }
    let fields = MadeField.all(of: base)
    return makeRecord(
      kept.map { index, field in
        var made = fields[index]
        let value = Self.narrowed(made.value, scope)
        let inner = paths.first { $0.count > 1 && $0.first!.text == field.name }.map { below($0.first!) } ?? []
        made.value = inner.isEmpty ? value : without(inner, value, scope)
        return made
      })
  }

  private func rename(_ pairs: [(old: Name, new: Name)], _ span: Span, _ flow: Flow) -> Expr? {
    guard let record = flow.type.record else {
      needsRecord("rename", span, flow)
      return flow.type == .erroneous ? nil : Self.erroneous
    }
    var fields = MadeField.all(of: Expr(.it, flow.type))
    for (old, new) in pairs {
      guard let index = record.index(of: old.text) else {
        reportUnknown(.unknownField, old, "field", among: record.fields.map(\.name))
        continue
      }
      guard isFree(new, among: fields.indices.filter { $0 != index }.map { fields[$0] }) else { return Self.erroneous }
      fields[index] = fields[index].renamed(new.text)
    }
    return makeRecord(fields)
  }

  private func setJson(_ items: [ExprSyntax.RecordItem], _ scope: Scope) -> Expr {
    var result = Expr(.it, .json)
    for case .field(let name, let syntax) in items {
      let value = infer(syntax ?? ExprSyntax(kind: .field(name), span: name.span), scope)
      if value.type == .erroneous { return value }
      result = Expr(.call("json_with", [result, Expr(.literal(.string(name.text)), .string), Self.json(value)]), .json)
    }
    return result
  }

  /// The text of a condition, however its words are spaced.
  private static func words(of condition: ExprSyntax) -> [UInt8] {
    let space = UInt8(ascii: " ")
    return condition.span.text.utf8.reduce(into: []) { text, byte in
      if byte > space { text.append(byte) } else if text.last != space { text.append(space) }
    }
  }

  private func route(_ arms: [ArmSyntax], _ span: Span, _ flow: Flow, _ pipeline: PipelineContext) -> [Step.Arm] {
    var result: [Step.Arm] = []
    var hasElse = false
    var seen: [[UInt8]: Span] = [:]
    var enumCases: (path: String, type: EnumType, seen: Set<Int>)?
    var onlyCases = true
    // What comes to an arm has passed those before it.
    var left = flow
    left.timing.isInner = true
    for arm in arms {
      if hasElse { report(.unreachable, arm.span, "this branch is never reached", help: "move it above `else`") }
      var branch = left
      var condition: Expr?
      var narrowing: [Step] = []
      if let syntax = arm.condition {
        let test = check(syntax, scope(left), as: .bool, "`when`")
        pipeline.note(test)
        left.present.formUnion(Self.present(where: test, is: false))
        if let first = seen.updateValue(syntax.span, forKey: Self.words(of: syntax)) {
          report(
            .unreachable, syntax.span, "this branch is never reached: the same condition stands above", help: "remove it",
            labels: [(first, "takes the event first")])
        }
        if case .literal(.bool(true)) = test.kind { hasElse = true }
        if case .call("equals", let sides) = test.kind, case .enumeration(let type) = sides[0].type,
          case .literal(.enumCase(let index)) = sides[1].kind, case .binary(_, let left, _) = syntax.kind,
          enumCases == nil || enumCases!.path == left.span.text
        {
          enumCases = (left.span.text, type, (enumCases?.seen ?? []).union([index]))
        } else {
          onlyCases = false
        }
        narrowing = narrow(test, &branch, place(arm.span))
        condition = test
      } else {
        hasElse = true
      }
      let chain = check(chain: arm.steps, branch, mustEnd: true, arm.span, in: pipeline)
      result.append(Step.Arm(condition: condition, steps: narrowing + chain.steps))
    }
    let covered = onlyCases && enumCases.map { $0.seen.count == $0.type.cases.count } ?? false
    if arms.isEmpty {
      report(.notEnded, span, "this `route` has no branch", help: "write `when … => sink …`")
    } else if !hasElse, !covered {
      var help = "add `else => discard` where that is meant"
      if onlyCases, let cases = enumCases {
        let missing = cases.type.cases.indices.filter { !cases.seen.contains($0) }.map { cases.type.cases[$0].name }
        help = "there is no branch for \(missing.joined(separator: ", ")); " + help
      }
      report(.noElse, span, "events that match no branch are dropped and counted as filtered", help: help)
    }
    return result
  }
}
