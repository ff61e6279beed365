import PumpPlan
import PumpSyntax

/// The steps that keep something of the events before, but for groups and joins.
extension Checker {
  func state(_ syntax: StateSyntax, _ step: StepSyntax, _ flow: inout Flow, _ pipeline: PipelineContext) -> [Step] {
    guard flow.meta != nil else {
      report(
        .badState, step.span, "an error route keeps nothing of the events before",
        help: "send the failures to a pipeline with `input Failure`, which may")
      flow.type = .erroneous
      return []
    }
    guard flow.type.record != nil || flow.type == .json else {
      needsRecord(syntax.word, step.span, flow)
      flow.type = .erroneous
      return []
    }
    pipeline.canFail = true
    pipeline.keeps = pipeline.keeps ?? step.span
    let limit = limit(of: syntax, flow)
    let steps: [Step]?
    switch syntax.kind {
    case .group(let window, let onChange, let body): steps = group(syntax, window, onChange, body, limit, step, &flow, pipeline)
    case .join(let join, let within):
      if let place = syntax.asRead {
        report(
          .badState, place, "a join within a time goes by times, in whatever order they are read",
          help: "leave `as read` out, or take `join latest`")
      }
      steps = self.join(join, within, limit, step, &flow, pipeline)
    case .joinLatest(let join): steps = joinLatest(join, syntax, limit, step, &flow, pipeline)
    case .order: steps = order(limit, step, &flow)
    case .dedupe(let within):
      _ = needsTime("`dedupe … within`", step.span, flow)
      steps = keyed(syntax, step, &flow, pipeline) { each, flow in
        constant(within, as: .duration, "`within`", flow).map {
          TypedState(kind: .dedupe(within: $0), each: each, keys: each.count, keepsEvent: true, limit: limit)
        }
      }
    case .dedupeLast(let count):
      steps = keyed(syntax, step, &flow, pipeline) { each, flow in
        constant(count, as: .int, "the number of keys", flow).map {
          TypedState(kind: .dedupeLast($0), each: each, keys: each.count, keepsEvent: true, limit: limit)
        }
      }
    case .previous(let within, let name):
      _ = needsTime("`previous`", step.span, flow)
      let before = flow.type
      steps = keyed(syntax, step, &flow, pipeline, adding: (name, before.asOptional)) { each, flow in
        constant(within, as: .duration, "`within`", flow).map {
          TypedState(kind: .previous(within: $0), each: each, keys: each.count, keepsEvent: true, limit: limit)
        }
      }
    case .running(let within, let name, let body): steps = running(syntax, within, name, body, limit, step, &flow, pipeline)
    case .fold(let within, let name, let type, let next): steps = fold(syntax, within, name, type, next, limit, step, &flow, pipeline)
    }
    flow.carried = nil
    flow.forgetEvent()
    flow.afterState()
    if steps == nil { flow.type = .erroneous }
    return steps ?? []
  }

  /// One million, unless it is written.
  private func limit(of syntax: StateSyntax, _ flow: Flow) -> SettingValue {
    let usual = SettingValue.literal(.int(1_000_000))
    guard let (count, unit) = syntax.limit else { return usual }
    let rows =
      switch syntax.kind {
      case .join, .order, .running: true;
      default: false
      }
    if (unit == .rows) != rows {
      report(
        .badState, count.span, "the limit of `\(syntax.word)` counts \(rows ? "rows" : "keys")",
        help: "write `limit \(count.span.text) \(rows ? "rows" : "keys")`")
    }
    return constant(count, as: .int, "the limit", flow) ?? usual
  }

  /// The fields of a key, with their names; nil after a report.
  func key(_ syntax: [ExprSyntax], _ flow: Flow, _ pipeline: PipelineContext) -> [(field: Field, value: Expr)]? {
    var parts: [(name: Name, value: ExprSyntax)] = []
    for part in syntax {
      switch part.kind {
      case .record(let items):
        for item in items {
          switch item {
          case .field(let name, let value): parts.append((name, value ?? ExprSyntax(kind: .field(name), span: name.span)))
          case .spread(let value): report(.badKey, value.span, "a key is written field by field", help: "write `by { a: .a, b: .b }`")
          }
        }
      case .field(let name), .member(_, let name, optional: _): parts.append((name, part))
      case .erroneous: return nil
      case .name(let name) where flow.type.record?.index(of: name) != nil:
        report(
          .badKey, part.span, "a field of the event begins with a dot", help: "write `.\(name)`",
          fix: Fix("write `.\(name)`", .certain, [Edit(part.span, ".\(name)")]))
        return nil
      case .call(let name, _) where ForeignWords.windows[name.text.lowercased()] != nil:
        report(
          .badKey, part.span, "a window is no part of the key",
          help: "write `\(ForeignWords.windows[name.text.lowercased()]!)` behind the key")
        return nil
      default:
        report(.badKey, part.span, "this part of the key has no name", help: "write `by { name: \(part.span.text) }`")
        return nil
      }
    }
    var key: [(field: Field, value: Expr)] = []
    var isFine = true
    for (name, syntax) in parts {
      let value = infer(syntax, scope(flow))
      pipeline.note(value)
      if value.type == .erroneous { isFine = false; continue }
      if key.contains(where: { $0.field.name == name.text }) {
        report(.duplicate, name.span, "field `\(name.text)` stands twice in the key", help: "write `by { other: \(syntax.span.text) }`")
        isFine = false
      }
      guard isKey(value.type) else {
        report(
          .badKey, syntax.span, "a key is made of texts, numbers, times and their like, this is \(value.type)",
          help: value.type.wrapped == .json ? "give it a type: `to_string(\(syntax.span.text))`" : "take a field of it")
        isFine = false
        continue
      }
      let wire = flow.type.record?.fields.first { $0.name == name.text }?.wire
      key.append((Field(name.text, value.type, wire: wire), value))
    }
    return isFine ? key : nil
  }

  private func isKey(_ type: Type) -> Bool {
    switch type.wrapped {
    case .json, .list, .map, .secret, .null, .erroneous: false
    case .record(let record): record.rest == nil && record.fields.allSatisfy { isKey($0.type) }
    default: true
    }
  }

  /// A step by a key, in the order of the events, which adds a field or nothing.
  private func keyed(
    _ syntax: StateSyntax, _ step: StepSyntax, _ flow: inout Flow, _ pipeline: PipelineContext, adding: (name: Name, type: Type)? = nil,
    _ make: ([(field: Field, value: Expr)], Flow) -> TypedState?
  ) -> [Step]? {
    needsOrder(syntax.word, syntax, step.span, flow)
    if let place = syntax.asRead { pipeline.varies.append((place, "as read")) }
    guard let key = key(syntax.keys ?? [], flow, pipeline) else { return nil }
    guard let state = make(key, flow) else { return nil }
    var output = flow.type
    if let (name, type) = adding {
      guard let added = self.adding(name, type, syntax.word, step, flow) else { return nil }
      output = added
    }
    flow.type = output
    if syntax.asRead != nil { flow.timing.isOrdered = false }
    return [Step(name: step.label?.text ?? syntax.word, kind: .state(state), output: output, place: place(step.span))]
  }

  /// The event's type with one field more.
  func adding(_ name: Name, _ type: Type, _ word: String, _ step: StepSyntax, _ flow: Flow) -> Type? {
    guard let record = flow.type.record else {
      needsRecord(word, step.span, flow)
      return nil
    }
    guard isFree(name, among: MadeField.all(of: Expr(.it, flow.type))) else { return nil }
    guard record.rest == nil else {
      report(
        .badState, step.span, "`\(word)` adds a field, and `...\(record.fields[record.rest!].name)` may hold one of that name",
        help: "drop it first: `|> drop \(record.fields[record.rest!].name)`")
      return nil
    }
    return .record(RecordType(fields: record.fields + [Field(name.text, type)]))
  }

  private func order(_ limit: SettingValue, _ step: StepSyntax, _ flow: inout Flow) -> [Step]? {
    guard needsTime("`order`", step.span, flow) else { return nil }
    if flow.timing.isSorted {
      report(
        .needlessOrder, step.span, "the events are in the order of their times already", help: "leave `order` out")
    }
    flow.timing.isOrdered = true
    flow.timing.isSorted = true
    flow.timing.isDivided = false
    let state = TypedState(kind: .order, each: [], keys: 0, keepsEvent: true, limit: limit)
    return [Step(name: step.label?.text ?? "order", kind: .state(state), output: flow.type, place: place(step.span))]
  }

  private func running(
    _ syntax: StateSyntax, _ within: ExprSyntax, _ name: Name, _ body: ExprSyntax, _ limit: SettingValue, _ step: StepSyntax,
    _ flow: inout Flow, _ pipeline: PipelineContext
  ) -> [Step]? {
    guard needsTime("`running`", step.span, flow), case .record(let items) = body.kind else { return nil }
    let inner = flow
    let computed = aggregates(items, [], window: nil, inner, pipeline)
    guard let computed else { return nil }
    let before = flow.type
    let raw = keyed(syntax, step, &flow, pipeline, adding: (name, computed.raw)) { key, flow in
      constant(within, as: .duration, "`within`", flow).map {
        TypedState(
          kind: .running(within: $0, computed.specs(after: key.count)), each: key + computed.each, keys: key.count, keepsEvent: true,
          limit: limit)
      }
    }
    guard let raw, before.record != nil else { return nil }
    // What was aggregated becomes what is computed of it.
    var fields = MadeField.all(of: Expr(.it, flow.type))
    let added = fields.removeLast()
    let id = unique("aggregates")
    let value = Expr(.binding(id, added.value, computed.body(.local(id))), computed.result)
    fields.append(MadeField(name.text, value))
    let made = makeRecord(fields)
    flow.type = made.type
    return raw + [Step(name: step.label?.text ?? "running", kind: .plain(.map(made)), output: made.type, place: place(step.span))]
  }

  private func fold(
    _ syntax: StateSyntax, _ within: ExprSyntax, _ name: Name, _ typeSyntax: TypeSyntax, _ next: ExprSyntax, _ limit: SettingValue,
    _ step: StepSyntax, _ flow: inout Flow, _ pipeline: PipelineContext
  ) -> [Step]? {
    guard needsTime("`fold`", step.span, flow) else { return nil }
    let type = resolve(typeSyntax).plain
    guard let record = type.record else {
      if type != .erroneous {
        report(
          .badState, typeSyntax.span, "what is kept is a record, this is \(type)",
          help: "write `as \(name.text): { n: Int = 0 } = { n: \(name.text).n + 1 }`")
      }
      return nil
    }
    var start: [Literal] = []
    for field in record.fields {
      guard let value = field.value ?? (field.type.isOptional ? .null : nil) else {
        report(
          .badState, typeSyntax.span, "`\(field.name)` has no value to begin with",
          help: "write it behind the type: `\(field.name): \(field.type) = …`")
        return nil
      }
      start.append(value)
    }
    guard let output = adding(name, type, "fold", step, flow) else { return nil }
    let pair = Expr(.it, output)
    var scope = scope(flow)
    // Of the event and what is kept one record is made: its last field is that.
    scope.event = pair
    scope.locals[name.text] = Expr(.field(pair, output.record!.fields.count - 1), type)
    let value = check(next, scope, as: type, "what is kept")
    pipeline.note(value)
    guard value.type != .erroneous else { return nil }
    return keyed(syntax, step, &flow, pipeline, adding: (name, type)) { key, flow in
      constant(within, as: .duration, "`within`", flow).map {
        TypedState(
          kind: .fold(within: $0, start: .record(start)), each: key, keys: key.count, keepsEvent: true, limit: limit, inner: (output, value)
        )
      }
    }
  }
}

extension Flow {
  /// Bytes of the source are gone behind a step that keeps events.
  mutating func afterState() {
    meta = meta.map { RecordType(fields: $0.fields.filter { $0.name != "raw" }) }
    sender = .nobody("the event may wait in a step before", help: "reply before it, or answer at once and send the rest elsewhere")
    isWhole = false
  }
}
