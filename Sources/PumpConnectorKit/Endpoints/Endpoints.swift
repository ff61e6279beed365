/// Why a run cannot go on: one line for people, naming the endpoint.
public struct RunFailure: Error, Sendable {
  public let message: String
  /// Trying again may help: a system is down, or too busy.
  public let isTransient: Bool
  /// When the connection is tried again, where it is down: before, there is nothing to try.
  public internal(set) var retryAt: Int64?
  /// The connection has failed for good: no event is to blame, and no other will fare better.
  public internal(set) var isFinal = false
  public init(_ message: String, transient: Bool = false) {
    self.message = message
    isTransient = transient
  }
}

/// What an endpoint is opened with.
public struct EndpointContext: Sendable {
  public let pipeline: String
  public let spec: EndpointSpec
  /// All that the endpoint is told, from which a connector reads its own type of arguments.
  public let settings: Settings
  public let stop: StopSignal
  /// Meta fields that the pipeline reads.
  public let meta: [String]
  /// Whether the positions of the pipeline's sources are kept for the next run.
  public let keepsPositions: Bool
  /// Whether the pipeline, or one that it feeds, goes by the times of its events: of partitions it asks when nothing is left to read.
  public let isTimed: Bool
  /// Whether a step of these keeps something of the events before: one process reads all partitions.
  public let keepsState: Bool
  public let logger: Logger
  /// How the pipeline's first step wants a stream cut into events; nil if lines, or whole files, are events.
  package let framing: Framing?

  package init(
    pipeline: String, spec: EndpointSpec, settings: Settings, stop: StopSignal, meta: [String], keepsPositions: Bool, isTimed: Bool,
    keepsState: Bool, logger: Logger, framing: Framing?
  ) {
    self.pipeline = pipeline
    self.spec = spec
    self.settings = settings
    self.stop = stop
    self.meta = meta
    self.keepsPositions = keepsPositions
    self.isTimed = isTimed
    self.keepsState = keepsState
    self.logger = logger
    self.framing = framing
  }

  /// Bytes of the longest event that a source takes: `max_event`.
  public var eventLimit: Int { Int(clamping: SourceSettings(settings).maxEvent.bytes) }
}

/// Where events come from. The thread that made it hands it over to one of its own, and has it back for `close`: it need not
/// be safe for two.
public protocol Source: AnyObject {
  /// Positions are kept: it goes on from there, and says with each batch how far it goes (`Batch.checkpoint`). Called
  /// before the first `next`, by the same thread; after a transient failure once more.
  func resume(_ positions: any PositionStore) throws(RunFailure)
  /// The next events; false at the end. Where nothing came for 100 ms the batch stays empty, so that what waits in the
  /// sinks is committed in time. Waits are cut short by the stop signal. A transient failure is followed by another call.
  func next(_ batch: Batch) throws(RunFailure) -> Bool
  /// Everything up to this position is durable. Called between calls of `next`, by the same thread.
  func acknowledge(_ position: Int64) throws(RunFailure)
  /// The end, after the last acknowledgement.
  func close()
  /// Whether the last call neither succeeded nor failed: what it waits for is under way still.
  var isUndecided: Bool { get }
  /// Whether it comes to an end by itself. Stopped before that, what it gave is not all there is.
  var ends: Bool { get }
  /// Bytes read and bytes in all, where known, for progress.
  var progress: (done: Int64, total: Int64)? { get }
}

extension Source {
  public func resume(_ positions: any PositionStore) throws(RunFailure) {
    if positions.isTransactional { throw RunFailure("its source cannot go on from positions that a sink keeps; leave `positions` out") }
  }
  public func acknowledge(_ position: Int64) throws(RunFailure) {}
  public func close() {}
  public var isUndecided: Bool { false }
  public var ends: Bool { false }
  public var progress: (done: Int64, total: Int64)? { nil }
}

/// An event that a sink refuses.
public struct Refusal: Sendable {
  public let row: Int
  public let message: String
  /// Nil for `refused`.
  public let reason: FailureReason?
  public init(row: Int, message: String, reason: FailureReason? = nil) {
    self.row = row
    self.message = message
    self.reason = reason
  }
}

/// Where events go. Its pipeline calls it under a lock, from the threads of its sources: it need not be safe for two.
public protocol Sink: AnyObject {
  /// Takes the events; they need not be durable before `commit`. Refused ones are returned, all others are taken: what a
  /// sink may have to send again it copies.
  func write(_ buffer: SinkBuffer) throws(RunFailure) -> [Refusal]
  /// Makes everything written durable. Returned are events that were refused only now, by their number since the last
  /// commit. After a transient failure it is called again, and nothing is lost between.
  func commit() throws(RunFailure) -> [Refusal]
  /// Whether `commit` may refuse events.
  var refusesLate: Bool { get }
  /// Whether what `write` takes has its place at once among what other sinks of this connection write, so that two sinks of
  /// one target need no commit between them.
  var takesEffectOnWrite: Bool { get }
  /// Bytes that wait for the commit; many of them bring it about.
  var pending: Int { get }
  /// Whether nothing is durable before `close`: sources are acknowledged after it then.
  var isDurableAtEnd: Bool { get }
  /// This sink, if it can keep positions in the transaction of its events.
  var keeper: (any PositionKeeper)? { get }
  /// The end: after a commit, or after a failure.
  func close(completed: Bool) throws(RunFailure)
}

extension Sink {
  public var refusesLate: Bool { false }
  public var takesEffectOnWrite: Bool { false }
  public var pending: Int { 0 }
  public var isDurableAtEnd: Bool { false }
  public var keeper: (any PositionKeeper)? { nil }
}

/// What finds records by keys. Its pipeline calls it under a lock, as it does a sink.
public protocol Lookup: AnyObject {
  /// Asks the system for what is not known yet of these rows of `keys`. After a transient failure it is called again; another
  /// one is told of the events that asked.
  func load(_ keys: Column, _ rows: UnsafeBufferPointer<Int32>, _ context: Context) throws(RunFailure)
  /// For each row of `keys`, which were loaded, writes the record found, or null, to the same row of `result`.
  func find(_ keys: Column, _ rows: UnsafeBufferPointer<Int32>, into result: Column, _ context: Context) throws(EventFailure)
}

extension Lookup {
  public func load(_ keys: Column, _ rows: UnsafeBufferPointer<Int32>, _ context: Context) throws(RunFailure) {}
}

/// One kind of system: opens endpoints. One instance serves one connection (or all uses of `file` and its like), so
/// that all pipelines share its clients.
public protocol Connector: AnyObject {
  func source(_ context: EndpointContext) throws(RunFailure) -> any Source
  func sink(_ context: EndpointContext) throws(RunFailure) -> any Sink
  func lookup(_ context: EndpointContext) throws(RunFailure) -> any Lookup
  /// Finds out once, before anything flows, whether the system answers.
  func probe() throws(RunFailure)
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
  public func probe() throws(RunFailure) {}
  public func shutdown() {}
}

/// Makes a connector for one connection.
public typealias ConnectorFactory = @Sendable (Connection) throws(RunFailure) -> any Connector
