/// Limits of a pool, as a connection's settings give them; times in microseconds.
public struct PoolLimits: Sendable {
  public var min: Int
  public var max: Int
  public var acquireTimeout: Int64
  public var idleTimeout: Int64
  public var maxLifetime: Int64

  public init(_ settings: PoolSettings) {
    min = Int(clamping: settings.min)
    max = Int(clamping: settings.max)
    acquireTimeout = settings.acquireTimeout.micros
    idleTimeout = settings.idleTimeout.micros
    maxLifetime = settings.maxLifetime.micros
  }
}

/// A pool of clients as a pure state machine: events go in, actions come out, and time is an argument.
///
/// Invariants: leased + idle + connecting ≤ max; no client is leased twice; every request completes exactly once; requests
/// are served in their order; a client of an old generation is never handed out.
public struct PoolState: Sendable {
  public enum Action: Equatable, Sendable {
    case connect
    case lease(client: Int, request: Int)
    case fail(request: Int, Reason)
    case disconnect(client: Int)
  }
  public enum Reason: Equatable, Sendable { case timeout, closed, connectFailed, lost }

  private struct Client: Sendable {
    let generation: Int
    let born: Int64
    var idleSince: Int64
  }

  public let limits: PoolLimits
  public private(set) var generation = 0
  public private(set) var isClosed = false
  public private(set) var connecting = 0
  private var nextClient = 0
  private var idle: [(id: Int, client: Client)] = []
  private var leased: [Int: Client] = [:]
  private var waiting: [(request: Int, deadline: Int64)] = []

  public init(_ limits: PoolLimits) { self.limits = limits }

  public var leasedCount: Int { leased.count }
  public var idleCount: Int { idle.count }
  public var waitingCount: Int { waiting.count }

  /// Someone wants a client.
  public mutating func request(_ id: Int, now: Int64) -> [Action] {
    if isClosed { return [.fail(request: id, .closed)] }
    let gone = evict(now)
    waiting.append((id, now + limits.acquireTimeout))
    return gone + serve(now)
  }

  public mutating func cancel(_ id: Int) { waiting.removeAll { $0.request == id } }

  /// A connect that was asked for has succeeded: the new client's number is returned first.
  public mutating func connected(now: Int64) -> (client: Int, actions: [Action]) {
    connecting -= 1
    nextClient += 1
    if isClosed { return (nextClient, [.disconnect(client: nextClient)]) }
    idle.append((nextClient, Client(generation: generation, born: now, idleSince: now)))
    return (nextClient, serve(now))
  }

  /// A connect has failed: the first that waits learns it, others go on waiting.
  public mutating func connectFailed(now: Int64) -> [Action] {
    connecting -= 1
    guard !waiting.isEmpty else { return [] }
    let first = waiting.removeFirst()
    return [.fail(request: first.request, .connectFailed)] + serve(now)
  }

  public mutating func release(_ id: Int, broken: Bool, now: Int64) -> [Action] {
    guard var client = leased.removeValue(forKey: id) else { return [] }
    let tooOld = now - client.born >= limits.maxLifetime || client.generation != generation
    guard !broken, !tooOld, !isClosed else { return [.disconnect(client: id)] + serve(now) }
    client.idleSince = now
    idle.append((id, client))
    return serve(now)
  }

  /// The server was lost: invalidates every current client and fails all waiters.
  public mutating func clear(now: Int64) -> [Action] {
    generation += 1
    let gone = waiting.map { Action.fail(request: $0.request, .lost) } + idle.map { .disconnect(client: $0.id) }
    waiting.removeAll()
    idle.removeAll()
    return gone + serve(now)
  }

  /// Time has passed: late requests fail, idle and old clients go.
  public mutating func tick(now: Int64) -> [Action] {
    var actions: [Action] = []
    while let index = waiting.firstIndex(where: { $0.deadline <= now }) {
      actions.append(.fail(request: waiting.remove(at: index).request, .timeout))
    }
    return actions + evict(now) + serve(now)
  }

  /// Idle and old clients go.
  private mutating func evict(_ now: Int64) -> [Action] {
    var actions: [Action] = []
    var index = 0
    while index < idle.count {
      let client = idle[index].client
      let surplus = idle.count + leased.count > limits.min && now - client.idleSince >= limits.idleTimeout
      if surplus || now - client.born >= limits.maxLifetime {
        actions.append(.disconnect(client: idle.remove(at: index).id))
      } else {
        index += 1
      }
    }
    return actions
  }

  public mutating func close() -> [Action] {
    isClosed = true
    defer {
      waiting.removeAll()
      idle.removeAll()
    }
    return waiting.map { .fail(request: $0.request, .closed) } + idle.map { .disconnect(client: $0.id) }
  }

  private mutating func serve(_ now: Int64) -> [Action] {
    var actions: [Action] = []
    while !waiting.isEmpty, let newest = idle.popLast() {
      if now - newest.client.born >= limits.maxLifetime || newest.client.generation != generation {
        actions.append(.disconnect(client: newest.id))
        continue
      }
      leased[newest.id] = newest.client
      actions.append(.lease(client: newest.id, request: waiting.removeFirst().request))
    }
    guard !isClosed else { return actions }
    while connecting < Swift.max(waiting.count, limits.min - leased.count - idle.count),
      leased.count + idle.count + connecting < limits.max
    {
      connecting += 1
      actions.append(.connect)
    }
    return actions
  }
}
