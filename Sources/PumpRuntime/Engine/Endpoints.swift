/// Why a run cannot go on: one line for people, naming the endpoint.
public struct RunFailure: Error, Sendable {
  public let message: String
  public init(_ message: String) { self.message = message }
}

/// Use of a connector's source, sink or lookup, as the plan has it.
public struct EndpointSpec: Sendable {
  public let connection: String?
  public let connector: String
  public let name: String
  public let label: String
  public let settings: [Setting]
  /// Arguments per event, by name and shape.
  public let each: [Shape.Field]
  /// The record's shape; nil for bytes.
  public let shape: Shape?
  public init(
    connection: String? = nil, connector: String, name: String, label: String, settings: [Setting], each: [Shape.Field] = [],
    shape: Shape? = nil
  ) {
    self.connection = connection
    self.connector = connector
    self.name = name
    self.label = label
    self.settings = settings
    self.each = each
    self.shape = shape
  }
}

/// What an endpoint is opened with.
public struct EndpointContext: Sendable {
  public let pipeline: String
  public let spec: EndpointSpec
  public let settings: Settings
  public let stop: StopSignal
  /// Meta fields that the pipeline reads.
  public let meta: [String]
  /// Where the position of this source is kept, if configured.
  public let state: PositionStore?
}

public protocol Source: AnyObject, Sendable {
  /// The next events, or nil at the end; an empty batch where nothing came for a while. Waits are cut short by the stop
  /// signal. The batch is the caller's until it is given back by `next`.
  func next(_ batch: Batch) throws(RunFailure) -> Bool
  /// Everything up to this position is durable.
  func acknowledge(_ position: Int64) throws(RunFailure)
  /// Bytes read and bytes in all, where known, for progress.
  var progress: (done: Int64, total: Int64)? { get }
}

extension Source {
  public func acknowledge(_ position: Int64) throws(RunFailure) {}
  public var progress: (done: Int64, total: Int64)? { nil }
}

/// An event that a sink refuses.
public struct Refusal: Sendable {
  public let row: Int
  public let message: String
  public init(row: Int, message: String) {
    self.row = row
    self.message = message
  }
}

public protocol Sink: AnyObject, Sendable {
  /// Takes the events; they need not be durable before `commit`. Refused ones are returned, all others are taken.
  func write(_ buffer: SinkBuffer) throws(RunFailure) -> [Refusal]
  /// Everything written is durable.
  func commit() throws(RunFailure)
  /// The end: after a commit, or after a failure.
  func close(completed: Bool) throws(RunFailure)
}

public protocol Lookup: AnyObject, Sendable {
  /// For each row of `keys` writes the record found, or null, to the same row of `result`.
  func find(_ keys: Column, _ rows: UnsafeBufferPointer<Int32>, into result: Column, _ context: Context) throws(EventFailure)
}

/// One kind of system: opens endpoints. One instance serves one connection (or all uses of `file` and its like), so
/// that all pipelines share its clients.
public protocol Connector: AnyObject, Sendable {
  func source(_ context: EndpointContext) throws(RunFailure) -> any Source
  func sink(_ context: EndpointContext) throws(RunFailure) -> any Sink
  func lookup(_ context: EndpointContext) throws(RunFailure) -> any Lookup
  /// Ends all clients.
  func shutdown()
}

extension Connector {
  public func source(_ context: EndpointContext) throws(RunFailure) -> any Source {
    throw RunFailure("`\(context.spec.label)` is no source")
  }
  public func sink(_ context: EndpointContext) throws(RunFailure) -> any Sink { throw RunFailure("`\(context.spec.label)` is no sink") }
  public func lookup(_ context: EndpointContext) throws(RunFailure) -> any Lookup {
    throw RunFailure("`\(context.spec.label)` is no lookup")
  }
  public func shutdown() {}
}

/// Makes a connector for one connection with its resolved settings.
public typealias ConnectorFactory = @Sendable (_ connection: String, _ settings: Settings) throws -> any Connector
