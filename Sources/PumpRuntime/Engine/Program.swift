/// A program ready to run, made from a plan by the interpreter, or written out by generated code.
public struct Program: Sendable {
  public let name: String
  public let config: [ConfigSchema.Section]
  public let connections: [ConnectionSpec]
  public let pipelines: [PipelineSpec]
  public let tests: [TestSpec]
  public init(name: String, config: [ConfigSchema.Section], connections: [ConnectionSpec], pipelines: [PipelineSpec], tests: [TestSpec]) {
    self.name = name
    self.config = config
    self.connections = connections
    self.pipelines = pipelines
    self.tests = tests
  }

  /// Everything that may be configured.
  public var schema: ConfigSchema {
    ConfigSchema(
      config: config, connections: connections.map { ($0.id, $0.settings) },
      pipelines: pipelines.map { pipeline in
        let endpoints = pipeline.sources + pipeline.sinks.compactMap(\.endpoint) + pipeline.lookups
        return (pipeline.id, pipeline.settings, endpoints.map { ($0.label, $0.settings) })
      })
  }
}

public struct ConnectionSpec: Sendable {
  public let id: String
  public let kind: String
  public let settings: [Setting]
  public init(id: String, kind: String, settings: [Setting]) {
    self.id = id
    self.kind = kind
    self.settings = settings
  }
}

public enum ErrorPolicy: Sendable { case halt, skip, route }

public struct PipelineSpec: Sendable {
  /// Where a step's events end: an endpoint, or another pipeline.
  public struct SinkSpec: Sendable {
    public let endpoint: EndpointSpec?
    public let pipeline: String?
    let shape: Shape?
    public init(_ endpoint: EndpointSpec) {
      self.endpoint = endpoint
      pipeline = nil
      shape = endpoint.sinkShape
    }
    public init(feeding pipeline: String, shape: Shape?) {
      endpoint = nil
      self.pipeline = pipeline
      self.shape = shape
    }
    var label: String { endpoint?.label ?? "sink \(pipeline!)" }
  }
  public let id: String
  public let sources: [EndpointSpec]
  /// The record's shape of what comes in; nil for bytes.
  public let input: Shape?
  /// Sinks in the order of the steps, the error route's last.
  public let sinks: [SinkSpec]
  public let lookups: [EndpointSpec]
  public let onError: ErrorPolicy
  /// Names of the steps, by their numbers, for failures.
  public let stages: [String]
  public let meta: [String]
  public let settings: [Setting]
  public let process: @Sendable (Configuration) -> any Processor
  public let processErrors: (@Sendable (Configuration) -> any Processor)?
  public init(
    id: String, sources: [EndpointSpec], input: Shape?, sinks: [SinkSpec], lookups: [EndpointSpec] = [], onError: ErrorPolicy,
    stages: [String],
    meta: [String] = [], settings: [Setting] = [], process: @escaping @Sendable (Configuration) -> any Processor,
    processErrors: (@Sendable (Configuration) -> any Processor)? = nil
  ) {
    self.id = id
    self.sources = sources
    self.input = input
    self.sinks = sinks
    self.lookups = lookups
    self.onError = onError
    self.stages = stages
    self.meta = meta
    self.settings = settings
    self.process = process
    self.processErrors = processErrors
  }
}

/// A `test` of the spec: JSON texts in and out.
public struct TestSpec: Sendable {
  public enum Input: Sendable {
    case json(String)
    case bytes(String)
    case file(String)
  }
  public enum Expectation: Sendable {
    case equals(String)
    case matches(String)
    case count(Int)
  }
  public struct Given: Sendable {
    public let label: String
    public let input: Input
    public let meta: String?
    public init(_ label: String, _ input: Input, meta: String? = nil) {
      self.label = label
      self.input = input
      self.meta = meta
    }
  }
  public struct Expect: Sendable {
    /// The sink's label; nil for failures.
    public let sink: String?
    public let expectation: Expectation
    public let text: String
    public let place: String
    public init(_ sink: String?, _ expectation: Expectation, text: String, place: String) {
      self.sink = sink
      self.expectation = expectation
      self.text = text
      self.place = place
    }
  }
  public let title: String
  public let pipeline: String
  public let given: [Given]
  /// JSON arrays of rows, by the lookup's label.
  public let lookups: [String: String]
  /// `section.key=value`.
  public let config: [(section: String, key: String, value: Value)]
  public let now: Int64?
  public let expects: [Expect]
  public let place: String
  public init(
    title: String, pipeline: String, given: [Given], lookups: [String: String] = [:],
    config: [(section: String, key: String, value: Value)] = [], now: Int64? = nil, expects: [Expect], place: String
  ) {
    self.title = title
    self.pipeline = pipeline
    self.given = given
    self.lookups = lookups
    self.config = config
    self.now = now
    self.expects = expects
    self.place = place
  }
}

extension Shape {
  /// What an error route receives.
  public static let failure = Shape.record(
    "Failure",
    [
      .init("message", .string), .init("stage", .string), .init("payload", .bytes), .init("meta", .json), .init("attempts", .int),
      .init("at", .timestamp),
    ])
}
