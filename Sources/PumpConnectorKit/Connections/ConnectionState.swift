/// When a connection that is down is tried again; times in microseconds.
public struct ReconnectPolicy: Sendable {
  public var initial: Int64
  public var max: Int64
  public var multiplier: Double
  /// The random share of a pause: 1 spreads it from nothing to the whole, 0 makes it exact.
  public var jitter: Double
  /// From this time without the system on, the connection has failed for good.
  public var giveUpAfter: Int64?

  public init(_ settings: ReconnectSettings) {
    (initial, max) = Self.bounds(settings.initial, settings.max)
    multiplier = settings.multiplier
    jitter = settings.jitter
    giveUpAfter = settings.giveUpAfter?.micros
  }

  /// The first and the longest pause as they are taken: never so short that a system that is down is asked in a loop.
  static func bounds(_ initial: Duration, _ max: Duration) -> (initial: Int64, max: Int64) {
    let initial = Swift.max(1000, initial.micros)
    return (initial, Swift.max(initial, max.micros))
  }

  /// The pause after so many failures in a row; `random` is between 0 and 1.
  public func pause(after failures: Int, random: Double) -> Int64 {
    var whole = Double(initial)
    for _ in 1..<Swift.max(2, failures) where whole < Double(max) { whole *= multiplier }
    if failures <= 1 { whole = Double(initial) }
    whole = Swift.min(whole, Double(max))
    return Int64(whole * (1 - jitter + jitter * random))
  }
}

/// The life of one connection as a pure state machine: events go in, time and chance are arguments.
///
/// `initialized → connecting → ready ⇄ reconnecting → draining → closed`, and `failed` where trying again cannot help.
/// Invariants: while a connection is down at most one attempt is under way, and none begins before its pause is over;
/// nothing leaves `closed` and `failed`.
public struct ConnectionState: Sendable {
  public enum Phase: String, Sendable { case initialized, connecting, ready, reconnecting, draining, closed, failed }
  public enum Admission: Equatable, Sendable {
    case go
    /// Down: the next attempt may begin at this time.
    case wait(until: Int64)
    case never
  }

  public let policy: ReconnectPolicy
  public private(set) var phase = Phase.initialized
  /// Attempts that failed since the connection was last ready.
  public private(set) var failures = 0
  public private(set) var downSince: Int64?
  public private(set) var nextAttempt: Int64 = 0
  private var isProbing = false

  public init(_ policy: ReconnectPolicy) { self.policy = policy }

  /// Whether a client may connect now.
  public mutating func admit(now: Int64) -> Admission {
    switch phase {
    case .closed, .failed: return .never
    case .draining, .ready: return .go
    case .initialized, .connecting, .reconnecting:
      guard !isProbing else { return .wait(until: now + policy.initial) }
      guard now >= nextAttempt else { return .wait(until: nextAttempt) }
      isProbing = true
      if phase == .initialized { phase = .connecting }
      return .go
    }
  }

  public mutating func connected() {
    guard phase != .closed, phase != .failed else { return }
    isProbing = false
    failures = 0
    downSince = nil
    if phase != .draining { phase = .ready }
  }

  /// An attempt failed, or the server of a connection that was ready is gone. True if that is for good.
  @discardableResult
  public mutating func failed(permanently: Bool, now: Int64, random: Double) -> Bool {
    isProbing = false
    guard phase != .closed, phase != .failed else { return phase == .failed }
    failures += 1
    let since = downSince ?? now
    downSince = since
    if permanently || policy.giveUpAfter.map({ now - since >= $0 }) ?? false {
      phase = .failed
      return true
    }
    if phase == .ready { phase = .reconnecting }
    nextAttempt = now + policy.pause(after: failures, random: random)
    return false
  }

  /// A client found the server gone: the first attempt to come back may begin at once.
  public mutating func lost(now: Int64) {
    guard phase == .ready else { return }
    phase = .reconnecting
    downSince = now
    nextAttempt = now
  }

  public mutating func drain() { if phase != .closed, phase != .failed { phase = .draining } }
  public mutating func close() { if phase != .failed { phase = .closed } }
}
