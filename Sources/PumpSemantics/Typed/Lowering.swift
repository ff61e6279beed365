import PumpPlan

/// Numbers the steps, sinks and lookups of one pipeline, once and for all: whoever comes later reads the numbers. Steps are
/// numbered in the order of the text, those of the error route after those of the main route.
struct Lowering {
  private var stages: [StageSpec] = []
  private var sinks: [SinkSpec] = []
  private var lookups: [EndpointSpec] = []
  private var probes: [String] = []
  private var route = RouteKind.main

  static func lower(_ pipeline: TypedPipeline) -> (spec: PipelineSpec, body: PipelineBody) {
    var lowering = Lowering()
    let main = Route(input: pipeline.input, checks: pipeline.checks, steps: lowering.steps(pipeline.steps))
    var error: Route?
    let policy: ErrorPolicy
    switch pipeline.onError {
    case .halt: policy = .halt
    case .skip: policy = .skip
    case .chain(let steps):
      policy = .route
      lowering.route = .error
      error = Route(input: .failure, checks: [], steps: lowering.steps(steps))
    }
    let spec = PipelineSpec(
      id: pipeline.id, docs: pipeline.docs, sources: pipeline.sources.map(\.spec), input: pipeline.input, stages: lowering.stages,
      sinks: lowering.sinks, lookups: lowering.lookups, probes: lowering.probes, onError: policy, delivery: pipeline.delivery,
      meta: pipeline.meta, settings: pipeline.settings, place: pipeline.place)
    return (spec, PipelineBody(main: main, error: error))
  }

  private mutating func steps(_ steps: [Step]) -> [PumpPlan.Step] { steps.map { step($0) } }

  private mutating func step(_ step: Step) -> PumpPlan.Step {
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
    case .route(let arms): kind = .route(arms.map { .init(condition: $0.condition, steps: steps($0.steps)) })
    case .tee(let inner): kind = .tee(steps(inner))
    case .sink(let endpoint):
      sinks.append(SinkSpec(step: number, route: route, target: .endpoint(endpoint.spec)))
      kind = .sink(sinks.count - 1, each: endpoint.each)
    case .probe(let label):
      probes.append(label)
      kind = .probe(probes.count - 1)
    case .feed(let target):
      sinks.append(SinkSpec(step: number, route: route, target: .pipeline(target, step.output)))
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
    case .plain, .route, .tee, .sink, .feed, .probe: .expression
    }
  }
}
