import PumpPlan

/// Numbers the steps, sinks and lookups of one pipeline, once and for all: whoever comes later reads the numbers. Steps are
/// numbered in the order of the text, those of the error route after those of the main route.
struct Lowering {
  private var stages: [StageSpec] = []
  private var sinks: [SinkSpec] = []
  private var lookups: [EndpointSpec] = []
  private var probes: [String] = []
  private var clock: ClockSpec?
  private var states: [StateSpec?] = []
  private var bodies: [StateBody?] = []
  private var route = RouteKind.main
  /// The step that keeps something behind which the steps at hand stand.
  private var behind: Int?
  private let meta: [Field]

  private init(_ meta: [Field]) { self.meta = meta }

  static func lower(_ pipeline: TypedPipeline) -> (spec: PipelineSpec, body: PipelineBody) {
    var lowering = Lowering(pipeline.meta)
    let main = Route(input: pipeline.input, checks: pipeline.checks, steps: lowering.steps(pipeline.steps[...], pipeline.input))
    var error: Route?
    let policy: ErrorPolicy
    switch pipeline.onError {
    case .halt: policy = .halt
    case .skip: policy = .skip
    case .chain(let steps):
      policy = .route
      lowering.route = .error
      error = Route(input: .failure, checks: [], steps: lowering.steps(steps[...], .failure))
    }
    let spec = PipelineSpec(
      id: pipeline.id, docs: pipeline.docs, sources: pipeline.sources.map(\.spec), input: pipeline.input, stages: lowering.stages,
      sinks: lowering.sinks, lookups: lowering.lookups, probes: lowering.probes, clock: lowering.clock,
      states: lowering.states.map { $0! }, onError: policy, delivery: pipeline.delivery, meta: pipeline.meta, settings: pipeline.settings,
      place: pipeline.place)
    return (spec, PipelineBody(main: main, error: error, states: lowering.bodies.map { $0! }))
  }

  /// The chain up to a step that keeps something; what follows that is a chain of its own. `input` is what enters.
  private mutating func steps(_ steps: ArraySlice<Step>, _ input: Type) -> [PumpPlan.Step] {
    var result: [PumpPlan.Step] = []
    var event = input
    for (index, step) in zip(steps.indices, steps) {
      if case .state(let state) = step.kind { return result + [self.state(state, step, event, steps[(index + 1)...])] }
      result.append(self.step(step, event))
      event = step.output
    }
    return result
  }

  private mutating func state(_ state: TypedState, _ step: Step, _ event: Type, _ rest: ArraySlice<Step>) -> PumpPlan.Step {
    let (number, place) = (stages.count, states.count)
    stages.append(StageSpec(name: step.name, reason: .expression, place: step.place))
    states.append(nil)
    bodies.append(nil)
    let said = state.keepsEvent ? meta : []
    let each = state.each.map(\.value) + said.map { Expr(.meta($0.name), $0.type) }
    // The name stays where other steps come and go: it counts those of its kind.
    let same = states.compactMap { $0 }.count { $0.name == step.name || $0.name.hasPrefix(step.name + " ") }
    states[place] = StateSpec(
      step: number, behind: behind, name: same == 0 ? step.name : "\(step.name) \(same + 1)", kind: state.kind,
      each: state.each.map(\.field) + said,
      keys: state.keys, meta: said.count, event: state.keepsEvent ? event : nil, output: step.output, limit: state.limit)
    func part(_ part: StatePart, _ input: Type, _ each: [Expr]) -> Route {
      Route(
        input: input, checks: [],
        steps: [.init(number: number, name: step.name, kind: .state(place, part, each: each), output: input, place: step.place)])
    }
    let outer = behind
    behind = place
    let after = Route(input: step.output, checks: [], steps: steps(rest, step.output))
    behind = outer
    var side: Route?
    switch state.kind {
    case .join(let join, _, _), .joinLatest(let join, _): side = part(.side, join.event, state.side)
    default: break
    }
    bodies[place] = StateBody(after: after, inner: state.inner.map { part(.inner, $0.input, [$0.value]) }, side: side)
    return .init(number: number, name: step.name, kind: .state(place, .main, each: each), output: step.output, place: step.place)
  }

  private mutating func step(_ step: Step, _ event: Type) -> PumpPlan.Step {
    var number = stages.count
    if case .probe = step.kind {
      number -= 1
    } else {
      stages.append(StageSpec(name: step.name, reason: step.kind.reason, place: step.place))
    }
    let kind: PumpPlan.Step.Kind
    switch step.kind {
    case .plain(let plain): kind = plain
    case .lookup(let endpoint, _):
      lookups.append(endpoint.spec)
      kind = .lookup(lookups.count - 1, key: endpoint.each[0], found: endpoint.spec.type.asOptional)
    case .route(let arms): kind = .route(arms.map { .init(condition: $0.condition, steps: steps($0.steps[...], event)) })
    case .tee(let inner): kind = .tee(steps(inner[...], event))
    case .time(let value, let late, let idle):
      clock = ClockSpec(step: number, late: late, idle: idle)
      kind = .time(value)
    case .state: preconditionFailure("a step that keeps something ends its chain")
    case .sink(let endpoint):
      sinks.append(SinkSpec(step: number, route: route, behind: behind, target: .endpoint(endpoint.spec)))
      kind = .sink(sinks.count - 1, each: endpoint.each)
    case .probe(let label):
      probes.append(label)
      kind = .probe(probes.count - 1)
    case .feed(let target):
      sinks.append(SinkSpec(step: number, route: route, behind: behind, target: .pipeline(target, step.output)))
      kind = .sink(sinks.count - 1, each: [])
    case .join(let target, let state):
      sinks.append(SinkSpec(step: number, route: route, behind: behind, target: .join(target, state, step.output)))
      kind = .sink(sinks.count - 1, each: [])
    }
    return PumpPlan.Step(number: number, name: step.name, kind: kind, output: step.output, place: step.place)
  }
}

extension Step.Kind {
  /// Why events fail in such a step. A sink's own failures are those of its arguments; what its system refuses is told apart.
  fileprivate var reason: FailureReason {
    switch self {
    case .plain(.decode): .decode
    case .plain(.encode(_, part: nil)): .encode
    case .plain(.assert): .assert
    case .lookup: .lookup
    case .time: .late
    case .plain, .route, .tee, .sink, .feed, .join, .state, .probe: .expression
    }
  }
}
