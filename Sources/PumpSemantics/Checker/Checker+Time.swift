import PumpPlan
import PumpSyntax

/// `time`, and what steps ask of the times of events.
extension Checker {
  func time(_ syntax: TimeSyntax, _ step: StepSyntax, _ flow: inout Flow, _ pipeline: PipelineContext) -> [Step] {
    if flow.meta == nil || flow.timing.isInner {
      report(
        .badTime, step.span, "`time` stands in the chain that all events take",
        help: "put it before the \(flow.meta == nil ? "error route: a failure has no time of its own" : "`route` or `tee`")")
      return []
    }
    if flow.timing.isTimed {
      report(.badTime, step.span, "the events have their time already", help: "leave one of the two out")
      return []
    }
    if flow.timing.isThinned {
      report(
        .timeBehindFilter, step.span, "events that a step before leaves out do not move the time on",
        help: "put `time` before the step that filters, behind `decode`")
    }
    let value = check(syntax.value, scope(flow), as: .timestamp, "the time of an event")
    pipeline.note(value)
    pipeline.canFail = true
    var idle: ClockSpec.Idle?
    switch syntax.idle {
    case .never?: idle = .never
    case .after(let duration)?:
      pipeline.varies.append((duration.span, "idle"))
      idle = constant(duration, as: .duration, "`idle`", flow, from: 0).map { .after($0) }
    case nil:
      if flow.timing.isDivided, flow.timing.isEndless {
        report(
          .noIdle, step.span, "the source may have several partitions, and one that gives nothing would hold the others",
          help: "write `idle 1m`: a partition of which nothing is left to read does not hold others that are so far ahead; or `idle never`")
      }
    }
    let late = constant(syntax.late, as: .duration, "`late`", flow, from: 0)
    flow.timing.isTimed = true
    guard let late, value.type != .erroneous else { return [] }
    return [
      Step(name: step.label?.text ?? "time", kind: .time(value, late: late, idle: idle), output: flow.type, place: place(step.span))
    ]
  }

  /// Whether events have a time here; if not, that is told.
  func needsTime(_ what: String, _ span: Span, _ flow: Flow) -> Bool {
    if flow.timing.isTimed || flow.type == .erroneous { return true }
    let field = flow.type.record?.fields.first { $0.type == .timestamp }?.name ?? "at"
    report(
      .noTime, span, "\(what) goes by the times of events, and they have none here",
      help: "say which it is, behind `decode`: `|> time .\(field) late 10s`")
    return false
  }

  /// Whether events come in the same order in every run; if not, that is told.
  func needsOrder(_ word: String, _ syntax: StateSyntax, _ span: Span, _ flow: Flow) {
    guard syntax.asRead == nil, !flow.timing.isOrdered || flow.timing.isDivided, flow.type != .erroneous else { return }
    report(
      .noOrder, span, "`\(word)` follows the order of the events, which is another in each run here",
      help: flow.timing.isTimed
        ? "put `|> order` before it, or write `as read` where the result may differ from run to run"
        : "put `|> time .at late 10s |> order` before it, or write `as read` where the result may differ from run to run")
  }

  /// What no revised event may go through: an older row would stand.
  func refuseUpdating(_ step: StepSyntax, _ flow: Flow) -> Bool {
    guard flow.timing.updating != nil else { return false }
    switch step.kind {
    case .map, .set, .rename, .drop, .lookup, .log, .tee, .encode, .sink, .call, .discard, .erroneous: return false
    default:
      report(
        .updating, step.span, "an event here may replace an earlier one, which this step would leave standing",
        help: "these go on: map, set, rename and drop that keep the key, lookup, log, tee, encode, and a sink by that key")
      return true
    }
  }

  /// The names of the key's fields after a step; nil where it does not keep them, which is told.
  func keepKey(_ keys: [String], _ value: Expr, _ before: Type, _ span: Span) -> [String]? {
    guard let record = before.record, let after = value.type.record, case .record(let items) = value.kind else { return keys }
    var kept: [String] = []
    for key in keys {
      let place = items.indices.first { index in
        guard case .field(let base, let field) = items[index].kind, case .it = base.kind else { return false }
        return record.fields[field].name == key
      }
      guard let place else {
        report(
          .updating, span, "`\(key)` tells an event from those that it replaces, and is not kept",
          help: "keep it as it is: a sink finds the row by it")
        return nil
      }
      kept.append(after.fields[place].name)
    }
    return kept
  }

  /// What may be revised ends only where a key replaces it.
  func checkUpdating(_ keys: [String], into sink: TypedEndpoint, _ syntax: EndpointSyntax) {
    var names: [String]?
    if case .list(let items)? = sink.spec.setting("key")?.value {
      names = items.map { if case .literal(.string(let name)) = $0 { name } else { "" } }
    }
    let wanted = "`key: [\(keys.joined(separator: ", "))]`"
    guard let names, !names.isEmpty else {
      report(
        .updating, syntax.span, "an event here may replace an earlier one, and `\(sink.spec.described)` has no key by which it could",
        help: "write to a table, collection or index with \(wanted), or leave `emit on change` out")
      return
    }
    if Set(names) != Set(keys) {
      report(
        .updating, syntax.span,
        "an event here replaces the one with the same \(keys.joined(separator: ", ")), the sink one with the same "
          + names.joined(separator: ", "), help: "write \(wanted)")
    }
  }
}
