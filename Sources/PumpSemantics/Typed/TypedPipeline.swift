import PumpPlan
import PumpSyntax

/// A pipeline as the checker understood it, still in the shape of the text: endpoints stand in their steps, and nothing is
/// numbered. `Lowering` makes the plan of it.
struct TypedPipeline {
  enum ErrorRoute {
    case halt, skip
    case chain([Step])
  }
  let id: String
  let docs: String?
  let sources: [TypedEndpoint]
  /// Type of the events that enter.
  let input: Type
  /// The refinements that hold for typed events that enter.
  let checks: [Check]
  let steps: [Step]
  let onError: ErrorRoute
  let delivery: Delivery
  let settings: [Setting]
  /// The meta fields that the main route reads.
  let meta: [Field]
  /// What steps are labelled with.
  let labels: Set<String>
  let place: Place
  /// Of a stream, what comes out of it.
  let output: Flow
  /// The stream that it reads as its source.
  let stream: String?

  /// Every step at every depth, the error route's last.
  var allSteps: [Step] {
    if case .chain(let chain) = onError { steps.flatMap(\.withInner) + chain.flatMap(\.withInner) } else { steps.flatMap(\.withInner) }
  }
  var sinks: [TypedEndpoint] { allSteps.compactMap { if case .sink(let endpoint) = $0.kind { endpoint } else { nil } } }
  var lookups: [TypedEndpoint] { allSteps.compactMap { if case .lookup(let endpoint, _) = $0.kind { endpoint } else { nil } } }
}

/// A use of a connector, with what its arguments per event compute, in the order of `spec.each`.
struct TypedEndpoint {
  let spec: EndpointSpec
  let each: [Expr]
  let span: Span
}

/// A step that keeps something of the events before, as the checker understood it.
struct TypedState {
  let kind: StateSpec.Kind
  /// What is computed of an event: the key's fields first.
  let each: [(field: Field, value: Expr)]
  let keys: Int
  /// Whether the event is kept, or goes on.
  let keepsEvent: Bool
  let limit: SettingValue
  /// What it computes with, over the record of this type.
  var inner: (input: Type, value: Expr)?
  /// The key of the events that it joins.
  var side: [Expr] = []
}

/// A step as the checker understood it.
struct Step {
  struct Arm {
    let condition: Expr?
    let steps: [Step]
  }
  indirect enum Kind {
    /// What needs no number is as the plan has it.
    case plain(PumpPlan.Step.Kind)
    /// What is found becomes the field of that name.
    case lookup(TypedEndpoint, field: String)
    case route([Arm])
    case tee([Step])
    case sink(TypedEndpoint)
    case time(Expr, late: SettingValue, idle: ClockSpec.Idle?)
    case state(TypedState)
    /// To a join of another pipeline.
    case join(pipeline: String, state: Int)
    /// Shows tests what comes by.
    case probe(label: String)
    /// To a pipeline with `input`.
    case feed(String)
  }
  let name: String
  let kind: Kind
  /// Type of the events that go on.
  let output: Type
  let place: Place

  /// This step and those in it.
  var withInner: [Step] {
    switch kind {
    case .route(let arms): [self] + arms.flatMap { $0.steps.flatMap(\.withInner) }
    case .tee(let inner): [self] + inner.flatMap(\.withInner)
    default: [self]
    }
  }
}
