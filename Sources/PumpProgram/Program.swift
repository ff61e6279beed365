/// A program as its parts outside the steps: what may be configured, what is connected to what, and its tests. The one
/// description that `check`, the reports, the engine and generated code share; what steps compute is not in it.
public struct Program: Codable, Sendable {
  public var name: String
  /// What `//!` at the head of its first file says.
  public var docs: String?
  public var config: [ConfigSection]
  public var connections: [ConnectionSpec]
  public var pipelines: [PipelineSpec]
  public var tests: [TestSpec]
  public init(
    name: String, docs: String? = nil, config: [ConfigSection] = [], connections: [ConnectionSpec] = [], pipelines: [PipelineSpec] = [],
    tests: [TestSpec] = []
  ) {
    self.name = name
    self.docs = docs
    self.config = config
    self.connections = connections
    self.pipelines = pipelines
    self.tests = tests
  }

  public func pipeline(_ id: String) -> PipelineSpec? { pipelines.first { $0.id == id } }

  /// The type of a configuration key.
  public func type(ofKey key: String, in section: String) -> Type? {
    config.first { $0.name == section }?.keys.first { $0.name == key }?.type
  }
}

public enum Delivery: String, Codable, Sendable {
  case atMostOnce = "at_most_once", atLeastOnce = "at_least_once"

  /// The endpoint that keeps events from coming at least once, and what it cannot do; a source before a sink.
  public static func weakness(_ sources: [EndpointSpec], _ sinks: [EndpointSpec]) -> (endpoint: EndpointSpec, isSource: Bool, why: String)?
  {
    if let source = sources.first(where: { !$0.abilities.contains("replay") || $0.forgets }) {
      return (source, true, "cannot give its events again after a failure")
    }
    return sinks.first { !$0.abilities.contains("ack") || $0.forgets }.map { ($0, false, "does not say when it has an event") }
  }
}

/// What happens to an event that fails.
public enum ErrorPolicy: String, Codable, Sendable { case halt, skip, route }

/// The chain that events of the source enter, or the one that failures do.
public enum RouteKind: String, Codable, Sendable { case main, error }

/// A step as failures, metrics and tests name it.
public struct StageSpec: Codable, Sendable {
  /// `filter`, `decode json`, or the label.
  public let name: String
  /// Why events fail in it, where nothing says more.
  public let reason: FailureReason
  public let place: Place
  public init(name: String, reason: FailureReason, place: Place) {
    self.name = name
    self.reason = reason
    self.place = place
  }
}

/// Where a step's events end.
public struct SinkSpec: Codable, Sendable {
  public enum Target: Codable, Sendable {
    case endpoint(EndpointSpec)
    /// A pipeline with `input` of this type, or whose source is this stream.
    case pipeline(String, Type)
    /// A join of that pipeline, by its place among the steps that keep something.
    case join(String, Int, Type)
  }
  /// The number of the step among the pipeline's stages.
  public let step: Int
  public let route: RouteKind
  /// The step that keeps something behind which it stands, by its place among those; nil in the pipeline's first route.
  public let behind: Int?
  public let target: Target
  public init(step: Int, route: RouteKind, behind: Int? = nil, target: Target) {
    self.step = step
    self.route = route
    self.behind = behind
    self.target = target
  }

  public var endpoint: EndpointSpec? { if case .endpoint(let endpoint) = target { endpoint } else { nil } }
  public var pipeline: String? {
    switch target {
    case .endpoint: nil
    case .pipeline(let id, _), .join(let id, _, _): id
    }
  }
  public var label: String {
    switch target {
    case .endpoint(let endpoint): endpoint.label
    case .pipeline(let id, _), .join(let id, _, _): "sink \(id)"
    }
  }
  /// The type of what it gets: Bytes, or a record.
  public var type: Type {
    switch target {
    case .endpoint(let endpoint): endpoint.type
    case .pipeline(_, let type), .join(_, _, let type): type
    }
  }
}

/// The wiring of one pipeline: given once, by lowering. Steps, sinks and lookups are known by their places in these lists,
/// those of the error route after those of the main route.
public struct PipelineSpec: Codable, Sendable {
  public let id: String
  public let docs: String?
  /// None for a pipeline that others feed.
  public let sources: [EndpointSpec]
  /// The type of the events that enter.
  public let input: Type
  /// Every step of both routes, at every depth, in the order of the text.
  public let stages: [StageSpec]
  public let sinks: [SinkSpec]
  public let lookups: [EndpointSpec]
  /// The labels of the steps that tests ask about and that are no sinks.
  public let probes: [String]
  /// What its events have their times from, where it says that.
  public let clock: ClockSpec?
  /// The steps that keep something of the events before.
  public let states: [StateSpec]
  public let onError: ErrorPolicy
  public let delivery: Delivery
  /// What the main route reads of `meta`; `raw` is the event itself and not among them.
  public let meta: [Field]
  public let settings: [Setting]
  public let place: Place
  public init(
    id: String, docs: String? = nil, sources: [EndpointSpec] = [], input: Type, stages: [StageSpec], sinks: [SinkSpec] = [],
    lookups: [EndpointSpec] = [], probes: [String] = [], clock: ClockSpec? = nil, states: [StateSpec] = [], onError: ErrorPolicy,
    delivery: Delivery, meta: [Field] = [],
    settings: [Setting] = [], place: Place
  ) {
    self.id = id
    self.docs = docs
    self.sources = sources
    self.input = input
    self.stages = stages
    self.sinks = sinks
    self.lookups = lookups
    self.probes = probes
    self.clock = clock
    self.states = states
    self.onError = onError
    self.delivery = delivery
    self.meta = meta
    self.settings = settings
    self.place = place
  }

  /// Why its events come at most once, where an endpoint makes it so.
  public var weakness: String? {
    Delivery.weakness(sources, sinks.compactMap(\.endpoint)).map { "`\($0.endpoint.described)` \($0.why)" }
  }

  /// The connections whose sinks wait for each other while one of them is down; none if only one could.
  public var heldTogether: [String] {
    let waiting = Set(sinks.compactMap { $0.endpoint.flatMap { $0.whenDown == nil ? $0.connection : nil } })
    return waiting.count > 1 ? waiting.sorted() : []
  }

  /// Whether the times of its events are known to what it sends them to.
  public var carriesTimes: Bool { clock != nil || !states.isEmpty || sinks.contains { $0.pipeline != nil } }

  /// Sources, sinks and lookups: whatever a step may be configured for.
  public var endpoints: [EndpointSpec] { sources + sinks.compactMap(\.endpoint) + lookups }
}
