import PumpPlan

/// A plan as text that a reader can follow: the wiring with its numbers, and every step with what it computes. Nothing reads
/// it again; it shows what the checker made of a spec.
public func planText(_ plan: Plan) -> String {
  var out = PlanPrinter()
  out.print(plan)
  return out.text
}

private struct PlanPrinter {
  private(set) var text = ""
  private var depth = 0

  private mutating func line(_ line: String) { text += String(repeating: "  ", count: depth) + line + "\n" }

  private mutating func inside(_ body: (inout PlanPrinter) -> Void) {
    depth += 1
    body(&self)
    depth -= 1
  }

  mutating func print(_ plan: Plan) {
    line("plan \(plan.version) of \(plan.program.name)")
    for type in plan.enums { line("enum \(type.name ?? "_") { \(type.cases.map { named($0.name, $0.wire) }.joined(separator: ", ")) }") }
    for type in plan.records { line("type \(type.name ?? "_") \(fields(type))") }
    for section in plan.program.config { settings("config \(section.name)", section.keys) }
    for connection in plan.program.connections { settings("connection \(connection.id): \(connection.kind)", connection.settings) }
    for function in plan.functions {
      let parameters = function.parameters.map { "\($0.name): \($0.type)" }.joined(separator: ", ")
      line("fn \(function.name)(\(parameters)) -> \(function.result) = \(function.body)")
    }
    for (pipeline, body) in zip(plan.program.pipelines, plan.bodies) { print(pipeline, body) }
    for test in plan.program.tests { print(test, plan.program.pipeline(test.pipeline)!) }
  }

  private func named(_ name: String, _ wire: String) -> String { name == wire ? name : "\(name) as \(JSONLiteral.quoted(wire))" }

  private func fields(_ record: RecordType) -> String {
    let parts = record.fields.map { field in
      named(field.name, field.wire) + ": \(field.type)" + (field.value.map { " = \($0)" } ?? "")
    }
    return "{ \(parts.joined(separator: ", ")) }"
  }

  private mutating func settings(_ head: String, _ settings: [Setting]) {
    line(head)
    inside { out in
      for setting in settings {
        let least = setting.minimum.map { " from \($0)" } ?? ""
        let most = setting.maximum.map { " to \($0)" } ?? ""
        out.line("\(setting.name): \(setting.type)\(setting.value.map { " = \($0)" } ?? "")\(least)\(most)")
      }
    }
  }

  private mutating func endpoint(_ head: String, _ endpoint: EndpointSpec) {
    let each = endpoint.each.map { " each \($0.name): \($0.type)" }.joined()
    let documents = endpoint.takesDocuments ? " as documents" : ""
    let down = endpoint.whenDown.map { " when down \($0)" } ?? ""
    settings("\(head) \(endpoint.described) @\(endpoint.label): \(endpoint.type)\(documents)\(each)\(down)", endpoint.settings)
  }

  private mutating func print(_ pipeline: PipelineSpec, _ body: PipelineBody) {
    line("pipeline \(pipeline.id): \(pipeline.input), \(pipeline.delivery.rawValue), on error \(pipeline.onError.rawValue)")
    inside { out in
      if !pipeline.meta.isEmpty { out.line("meta " + pipeline.meta.map { "\($0.name): \($0.type)" }.joined(separator: ", ")) }
      for (index, source) in pipeline.sources.enumerated() { out.endpoint("source \(index)", source) }
      for (index, sink) in pipeline.sinks.enumerated() {
        switch sink.target {
        case .endpoint(let endpoint): out.endpoint("\(sink.route.rawValue) sink \(index) of step \(sink.step)", endpoint)
        case .pipeline(let id, let type): out.line("\(sink.route.rawValue) sink \(index) of step \(sink.step) to pipeline \(id): \(type)")
        case .join(let id, let state, let type):
          out.line("\(sink.route.rawValue) sink \(index) of step \(sink.step) to state \(state) of \(id): \(type)")
        }
      }
      for (index, lookup) in pipeline.lookups.enumerated() { out.endpoint("lookup \(index)", lookup) }
      if let clock = pipeline.clock {
        out.line("clock of step \(clock.step): late \(clock.late)\(clock.idle.map { ", idle \($0)" } ?? "")")
      }
      out.route("main", body.main)
      for (index, (state, body)) in zip(pipeline.states, body.states).enumerated() { out.state(index, state, body) }
      if let error = body.error { out.route("error", error) }
    }
  }

  private mutating func state(_ index: Int, _ state: StateSpec, _ body: StateBody) {
    line("state \(index) of step \(state.step) \(JSONLiteral.quoted(state.name)): \(state.kind), limit \(state.limit)")
    inside { out in
      let each = state.each.map { "\($0.name): \($0.type)" }.joined(separator: ", ")
      out.line("each { \(each) }, of them \(state.keys) key, \(state.meta) meta\(state.event.map { ", event \($0)" } ?? "")")
      if let inner = body.inner { out.route("inner", inner) }
      if let side = body.side { out.route("side", side) }
      out.route("after", body.after)
    }
  }

  private mutating func route(_ head: String, _ route: Route) {
    line("\(head) route")
    inside { out in
      out.checks(route.checks)
      out.steps(route.steps)
    }
  }

  private mutating func checks(_ checks: [Check]) { for check in checks { line("check \(check.condition), else \(check.message)") } }

  private mutating func steps(_ steps: [Step]) { for step in steps { print(step) } }

  private mutating func print(_ step: Step) {
    let head = "\(step.number) \(step.name)"
    switch step.kind {
    case .decode(let format, let type, let checks, let framed):
      line("\(head): \(self.format(format)) as \(type)\(framed ? ", many of one" : "")")
      inside { $0.checks(checks) }
    case .encode(let format, let part): line("\(head): \(self.format(format))\(part.map { " of \($0)" } ?? "")")
    case .filter(let test): line("\(head): \(test)")
    case .assert(let test, let reason): line("\(head): \(test), else \(reason)")
    case .map(let value): line("\(head): \(value)")
    case .expand(let index): line("\(head): field \(index) -> \(step.output)")
    case .lookup(let index, let key, let found): line("\(head): lookup \(index) by \(key) -> \(found)")
    case .route(let arms):
      line(head)
      inside { out in
        for arm in arms {
          out.line(arm.condition.map { "when \($0)" } ?? "else")
          out.inside { $0.steps(arm.steps) }
        }
      }
    case .tee(let inner):
      line(head)
      inside { $0.steps(inner) }
    case .log(let text): line("\(head): \(text)")
    case .sample(let share): line("\(head): \(share)")
    case .time(let value): line("\(head): \(value)")
    case .state(let index, let part, let each): line("\(head): \(part) of state \(index)\(each.map { " each \($0)" }.joined())")
    case .probe(let index): line("probe \(index)")
    case .sink(let index, let each): line("\(head): sink \(index)\(each.map { " each \($0)" }.joined())")
    case .discard: line(head)
    }
  }

  private func format(_ format: Format) -> String {
    let options = format.options.sorted { $0.key < $1.key }.map { "\($0.key): \($0.value)" }
    return options.isEmpty ? format.name : "\(format.name)(\(options.joined(separator: ", ")))"
  }

  private mutating func print(_ test: TestSpec, _ pipeline: PipelineSpec) {
    line("test \(JSONLiteral.quoted(test.title)) for \(test.pipeline)")
    inside { out in
      for given in test.given { out.line("given \(given.input)\(given.meta.map { " with meta \($0)" } ?? "")") }
      for rows in test.lookups { out.line("lookup \(rows.lookup) by \(rows.key): \(rows.rows)") }
      for item in test.config { out.line("config \(item.section).\(item.key) = \(item.value)") }
      if let now = test.now { out.line("at \(now)") }
      for expect in test.expects { out.line("expect \(expect.subject) \(expect.expectation)") }
    }
  }
}
