import Glibc
import Synchronization

/// One connection of the program, shared by every endpoint that names it: its settings, the state of its life, and what
/// is counted of it. Connectors report what happens; `ConnectionState` decides.
public final class Connection: Sendable {
  public struct Counts: Sendable {
    public var connects = 0
    public var failures = 0
    public var losses = 0
  }
  /// What a pool says of itself.
  public struct PoolCounts: Sendable {
    public let inUse: Int
    public let idle: Int
    public let waiting: Int
    /// Clients handed out, and the microseconds that all of them were waited for.
    public let acquired: Int
    public let waited: Int64
    public init(inUse: Int, idle: Int, waiting: Int, acquired: Int, waited: Int64) {
      (self.inUse, self.idle, self.waiting, self.acquired, self.waited) = (inUse, idle, waiting, acquired, waited)
    }
    public static let none = PoolCounts(inUse: 0, idle: 0, waiting: 0, acquired: 0, waited: 0)
  }

  public let id: String
  public let kind: String
  /// All of them, from which a connector reads its own type of settings.
  public let settings: Settings
  /// Those that every connection has.
  public let common: ConnectionSettings
  public let logger: Logger
  public let stop: StopSignal
  private struct Inside {
    var state: ConnectionState
    var counts = Counts()
    var reason = ""
    /// When it last became ready, and how often in a row it was lost soon after; then not every time is told.
    var readyAt: Int64 = 0
    var flaps = 0
    var tellsOfFlap: Bool { flaps & (flaps - 1) == 0 }
    var pool: (@Sendable () -> PoolCounts)?
    var tend: (@Sendable () -> Void)?
  }
  private let inside: Mutex<Inside>

  public init(id: String, kind: String, settings: Settings, logger: Logger, stop: StopSignal) {
    self.id = id
    self.kind = kind
    self.settings = settings
    common = ConnectionSettings(settings)
    self.logger = logger
    self.stop = stop
    inside = Mutex(Inside(state: ConnectionState(ReconnectPolicy(common.reconnect))))
  }

  public var phase: ConnectionState.Phase { inside.withLock { $0.state.phase } }
  public var counts: Counts { inside.withLock { $0.counts } }
  public var pool: PoolCounts? { inside.withLock { $0.pool }?() }
  /// Whoever keeps the clients says what there is of them, for `/metrics`, and looks after them now and then.
  public func observe(_ pool: @escaping @Sendable () -> PoolCounts, tend: @escaping @Sendable () -> Void = {}) {
    inside.withLock { ($0.pool, $0.tend) = (pool, tend) }
  }
  /// Looks after the pool; called now and then.
  package func tend() { inside.withLock { $0.tend }?() }

  /// How long an attempt may take, in microseconds.
  public var connectTimeout: Int64 { max(1000, common.connectTimeout.micros) }

  /// A failure of this connection: what was tried and what would help follow its id.
  public func failure(_ message: String, transient: Bool = false) -> RunFailure {
    RunFailure("connection `\(id)`: \(Shape.clean(message))", transient: transient)
  }

  /// Files that clients would only say something vague of.
  package func checkFiles() throws(RunFailure) {
    for (name, path) in [("tls.ca", common.tls.ca), ("tls.certificate", common.tls.certificate), ("tls.key", common.tls.key)] {
      guard let path, access(path, R_OK) != 0 else { continue }
      throw failure("`\(name)`: cannot read \(path): \(String(cString: strerror(errno))); check the path")
    }
  }

  /// Connects, unless the connection is known to be down and its pause is not over.
  public func attempt<T>(_ connect: () throws(RunFailure) -> T) throws(RunFailure) -> T {
    let now = monotonicMicros()
    let (admission, reason) = inside.withLock { ($0.state.admit(now: now), $0.reason) }
    switch admission {
    case .never:
      var failure = RunFailure(reason.isEmpty ? "connection `\(id)` is closed" : reason)
      failure.isFinal = true
      throw failure
    case .wait(let until):
      var failure = RunFailure(reason.isEmpty ? "connection `\(id)` is down" : reason, transient: true)
      failure.retryAt = until
      throw failure
    case .go: break
    }
    do throws(RunFailure) {
      let client = try connect()
      ready(after: monotonicMicros() - now)
      return client
    } catch {
      failed(error)
      let (retryAt, isFinal) = inside.withLock { ($0.state.nextAttempt, $0.state.phase == .failed) }
      // Trying again cannot help, even where the failure itself would pass: its time is over.
      var failure = RunFailure(error.message, transient: error.isTransient && !isFinal)
      (failure.retryAt, failure.isFinal) = (retryAt, isFinal)
      throw failure
    }
  }

  /// Waits for a system that is down, until the stop signal.
  public func untilReady<T>(_ body: () throws(RunFailure) -> T) throws(RunFailure) -> T {
    while true {
      do throws(RunFailure) { return try body() } catch {
        guard error.isTransient, stop.wait(micros: 20_000) else { throw error }
      }
    }
  }

  /// The system answers.
  public func ready(after micros: Int64? = nil) {
    let (old, isTold, down) = inside.withLock { inside in
      let old = inside.state.phase
      let down = inside.state.downSince
      inside.state.connected()
      inside.counts.connects += 1
      if old != .ready { inside.readyAt = monotonicMicros() }
      return (old, inside.state.phase == .ready && inside.tellsOfFlap, down)
    }
    guard isTold, old != .ready else { return }
    if let down {
      logger.info("connection `\(id)` is ready again after \((monotonicMicros() - down) / 1000) ms", connection: id)
    } else {
      logger.info("connection `\(id)` is ready" + (micros.map { " after \($0 / 1000) ms" } ?? ""), connection: id)
    }
  }

  /// An attempt failed.
  public func failed(_ error: RunFailure) {
    let (failures, isFinal, isNew) = inside.withLock { inside in
      inside.counts.failures += 1
      inside.reason = error.message
      let isFinal = inside.state.failed(permanently: !error.isTransient, now: monotonicMicros(), random: .random(in: 0...1))
      return (inside.state.failures, isFinal, inside.counts.connects == 0)
    }
    if isFinal { return logger.error("\(error.message); no further attempt", connection: id) }
    // The run ends with these very words.
    if isNew, common.connect == .required { return }
    // The first, then ever more seldom.
    if failures & (failures - 1) == 0 { logger.warning("\(error.message); trying again (attempt \(failures))", connection: id) }
  }

  /// A connection that is lost within this time, in microseconds, has not been of much use.
  private static let flapTime: Int64 = 5_000_000

  /// A client found the server gone.
  public func lost(_ what: String) {
    // A failure's message names the connection already.
    let prefix = "connection `\(id)`: "
    let reason = what.hasPrefix(prefix) ? String(what.dropFirst(prefix.count)) : what
    let flaps: Int? = inside.withLock { inside in
      guard inside.state.phase == .ready else { return nil }
      inside.state.lost(now: monotonicMicros())
      inside.counts.losses += 1
      inside.flaps = monotonicMicros() - inside.readyAt < Self.flapTime ? inside.flaps + 1 : 0
      return inside.tellsOfFlap ? inside.flaps : nil
    }
    guard let flaps else { return }
    let again = flaps > 1 ? " (\(flaps) times in a row soon after it was ready)" : ""
    logger.warning("connection `\(id)` is lost: \(Shape.clean(reason)); reconnecting\(again)", connection: id)
  }

  package func drain() { inside.withLock { $0.state.drain() } }
  package func close() {
    inside.withLock { $0.state.close() }
  }
}
