import PumpPlan
import PumpSyntax

/// `group`: what is computed of the events of a key and window.
extension Checker {
  func group(
    _ syntax: StateSyntax, _ windowSyntax: WindowSyntax?, _ onChange: Span?, _ body: ExprSyntax, _ limit: SettingValue,
    _ step: StepSyntax, _ flow: inout Flow, _ pipeline: PipelineContext
  ) -> [Step]? {
    guard case .record(let items) = body.kind else { return nil }
    var window: WindowSpec?
    if let windowSyntax {
      guard let checked = self.window(windowSyntax, flow) else { return nil }
      window = checked
    }
    var hasTimes = false
    switch window {
    case .rows(_, let within)?:
      needsOrder("window rows", syntax, step.span, flow)
      if within != nil { _ = needsTime("`within`", windowSyntax!.span, flow) }
    case nil: break
    default:
      guard needsTime("a window", windowSyntax!.span, flow) else { return nil }
      hasTimes = true
    }
    check(onChange, window, flow, step)
    guard let key = key(syntax.keys ?? [], flow, pipeline) else { return nil }
    for case .field(let name, _) in items where key.contains(where: { $0.field.name == name.text }) {
      report(
        .duplicate, name.span, "`\(name.text)` is a field of the key, which the result has already",
        help: "leave it out, or choose another name")
      return nil
    }
    guard
      let computed = aggregates(items, key.map(\.field), window: hasTimes ? 0 : nil, flow, pipeline)
    else { return nil }
    let state = TypedState(
      kind: .group(window, computed.specs(after: key.count), onChange: onChange != nil), each: key + computed.each, keys: key.count,
      keepsEvent: false, limit: limit)
    let result = computed.body(.it)
    let name = step.label?.text ?? "group"
    flow.type = result.type
    flow.meta = RecordType(fields: [])
    flow.timing.isOrdered = true
    flow.timing.isDivided = false
    flow.timing.isTimed = flow.timing.isTimed && window != nil
    flow.timing.isSorted = hasTimes && onChange == nil
    if onChange != nil {
      var keys = key.map(\.field.name)
      if hasTimes {
        guard let start = computed.fieldOfStart(in: result) else {
          report(
            .updating, body.span, "a result may replace an earlier one of the same key and window, and does not say which window that is",
            help: "add a field: `from: window.start`")
          return nil
        }
        keys.append(start)
      }
      flow.timing.updating = keys
    }
    return [
      Step(name: name, kind: .state(state), output: computed.raw, place: place(step.span)),
      Step(name: name, kind: .plain(.map(result)), output: result.type, place: place(step.span)),
    ]
  }

  private func check(_ onChange: Span?, _ window: WindowSpec?, _ flow: Flow, _ step: StepSyntax) {
    if let onChange {
      switch window {
      case .session?, .sliding?:
        report(
          .updating, onChange, "a \(window!.word) window gives its result at its end only",
          help: "leave `emit on change` out, or take `window tumbling`")
      case .rows?:
        report(.updating, onChange, "a window of rows gives its result when it is full", help: "leave `emit on change` out")
      default: break
      }
    } else if window == nil, flow.timing.isEndless {
      report(
        .badWindow, step.span, "this group has no window, and its source no end: there would never be a result",
        help: "add a window, such as `window tumbling 1m`, or `emit on change` with a sink by its key")
    }
  }

  private func window(_ syntax: WindowSyntax, _ flow: Flow) -> WindowSpec? {
    func length(_ value: ExprSyntax, _ what: String, from least: Int64 = 1) -> SettingValue? {
      constant(value, as: .duration, what, flow, from: least)
    }
    switch syntax.kind {
    case .tumbling(let value, let offset):
      guard let size = length(value, "the length of a window") else { return nil }
      let zero = SettingValue.literal(.duration(0))
      return .tumbling(size, offset: offset.map { constant($0, as: .duration, "`offset`", flow, from: .min) ?? zero } ?? zero)
    case .calendar(let calendar, let zone):
      guard case .string(let text) = zone.kind, let name = text.plain else {
        report(.badWindow, zone.span, "a zone is a text, known before any event", help: "write `zone \"Europe/Prague\"`")
        return nil
      }
      return .calendar(WindowSpec.Calendar(rawValue: calendar.rawValue)!, zone: name)
    case .sliding(let value, let every):
      guard let size = length(value, "the length of a window"), let step = length(every, "`every`") else { return nil }
      if case .literal(.duration(let whole)) = size, case .literal(.duration(let part)) = step, whole % part != 0 {
        report(
          .badWindow, every.span, "`every` does not divide the length of the window",
          help: "write one that goes into \(value.span.text) without a rest")
        return nil
      }
      return .sliding(size, every: step)
    case .session(let gap): return length(gap, "the gap of a session").map { .session($0) }
    case .rows(let count, let within):
      guard let count = constant(count, as: .int, "the number of rows", flow) else { return nil }
      return .rows(count, within: within.flatMap { length($0, "`within`") })
    }
  }
}

extension WindowSpec {
  var word: String {
    switch self {
    case .tumbling, .calendar: "tumbling"
    case .sliding: "sliding"
    case .session: "session"
    case .rows: "rows"
    }
  }
}
