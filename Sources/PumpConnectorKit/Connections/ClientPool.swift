import Glibc
import Synchronization

/// What a pool holds: a session with a server, or an open database. It goes from thread to thread, and one has it at a time.
public protocol PooledClient: AnyObject, Sendable {
  /// The server is gone, as this client found.
  var isBroken: Bool { get }
  /// Nothing is left from its last use.
  var isReusable: Bool { get }
  /// It is given up: idle for too long, too old, broken, or the program ends.
  func disconnect()
}

extension PooledClient {
  public var isReusable: Bool { true }
  public func disconnect() {}
}

/// Carries out what `PoolState` decides, for blocking clients used by threads of our own.
/// All that changes is used under `lock`; a client is one thread's from `acquire` to `release`.
public final class ClientPool<Client: PooledClient>: @unchecked Sendable {
  private let connection: Connection
  private let connect: @Sendable () throws(RunFailure) -> Client
  private var state: PoolState
  private var clients: [Int: Client] = [:]
  private var numbers: [ObjectIdentifier: Int] = [:]
  private var nextRequest = 0
  private let lock = PlainLock()
  private var waiters: [Int: Waiter<Client>] = [:]
  private let acquired = Atomic<Int>(0)
  private let waited = Atomic<Int64>(0)

  public init(_ connection: Connection, connect: @escaping @Sendable () throws(RunFailure) -> Client) {
    self.connection = connection
    self.connect = connect
    state = PoolState(PoolLimits(connection.common.pool))
    connection.observe(
      { [weak self] in self?.counts ?? .none }, tend: { [weak self] in self?.tend() }
    )
  }

  /// What there is of clients now, for `/metrics`.
  public var counts: Connection.PoolCounts {
    lock.lock()
    defer { lock.unlock() }
    return .init(
      inUse: state.leasedCount, idle: state.idleCount, waiting: state.waitingCount,
      acquired: acquired.load(ordering: .relaxed), waited: waited.load(ordering: .relaxed))
  }

  /// Waits for a client, at most for the acquire timeout.
  public func acquire() throws(RunFailure) -> Client {
    // There is none only where one is to be left.
    try acquire(leaving: 0)!
  }

  /// A client that is kept for a while, between two commits; nil if it would be the last. Whoever needs one just for a
  /// moment, on the same thread even, thus finds one.
  public func acquireSpare() throws(RunFailure) -> Client? { try acquire(leaving: 1) }

  private func acquire(leaving spare: Int) throws(RunFailure) -> Client? {
    let begin = monotonicMicros()
    lock.lock()
    guard spare == 0 || state.leasedCount + state.waitingCount + spare < state.limits.max else {
      lock.unlock()
      return nil
    }
    defer {
      acquired.add(1, ordering: .relaxed)
      waited.add(monotonicMicros() - begin, ordering: .relaxed)
    }
    nextRequest += 1
    let request = nextRequest
    let waiter = Waiter<Client>()
    waiters[request] = waiter
    carryOut(state.request(request, now: begin))
    lock.unlock()
    while !waiter.sleep(micros: 100_000) {
      lock.lock()
      carryOut(state.tick(now: monotonicMicros()))
      lock.unlock()
    }
    // It is woken with its answer.
    return try waiter.answer!.get()
  }

  private func answer(_ request: Int, _ result: Swift.Result<Client, RunFailure>) {
    waiters.removeValue(forKey: request)?.wake(result)
  }

  public func release(_ client: Client, broken: Bool) {
    lock.lock()
    defer { lock.unlock() }
    guard let number = numbers[ObjectIdentifier(client)] else { return }
    carryOut(state.release(number, broken: broken, now: monotonicMicros()))
  }

  /// Uses a client. Where it finds the server gone, all idle ones are given up with it.
  public func with<T>(_ body: (Client) throws(RunFailure) -> T) throws(RunFailure) -> T {
    let client = try acquire()
    do throws(RunFailure) {
      let result = try body(client)
      release(client, broken: !client.isReusable)
      return result
    } catch {
      let isGone = client.isBroken
      release(client, broken: isGone || !client.isReusable)
      if isGone { lost(error.message) }
      throw error
    }
  }

  /// The server is gone, and every client of now with it.
  public func lost(_ reason: String) {
    connection.lost(reason)
    lock.lock()
    defer { lock.unlock() }
    carryOut(state.clear(now: monotonicMicros()))
  }

  /// Gives up idle and old clients, and keeps as many as are wanted, though nobody asks for one.
  public func tend() {
    lock.lock()
    defer { lock.unlock() }
    carryOut(state.tick(now: monotonicMicros()))
  }

  public func close() {
    lock.lock()
    defer { lock.unlock() }
    carryOut(state.close())
  }

  private func carryOut(_ actions: [PoolState.Action]) {
    for action in actions {
      switch action {
      // What is leased was idle, and stays in `clients` until it is disconnected.
      case .lease(let client, let request): answer(request, .success(clients[client]!))
      case .fail(let request, let reason): answer(request, .failure(failure(reason)))
      case .disconnect(let client):
        guard let gone = clients.removeValue(forKey: client) else { continue }
        numbers[ObjectIdentifier(gone)] = nil
        gone.disconnect()
      case .connect: open()
      }
    }
  }

  /// Opening a database blocks; the lock is given up meanwhile.
  private func open() {
    lock.unlock()
    let result: Result<Client, RunFailure>
    do throws(RunFailure) { result = .success(try connection.attempt(connect)) } catch { result = .failure(error) }
    lock.lock()
    switch result {
    case .success(let client):
      let (number, actions) = state.connected(now: monotonicMicros())
      clients[number] = client
      numbers[ObjectIdentifier(client)] = number
      carryOut(actions)
    case .failure(let problem):
      for action in state.connectFailed(now: monotonicMicros()) {
        if case .fail(let request, .connectFailed) = action { answer(request, .failure(problem)) } else { carryOut([action]) }
      }
    }
  }

  private func failure(_ reason: PoolState.Reason) -> RunFailure {
    switch reason {
    case .timeout:
      RunFailure("connection `\(connection.id)`: no client was free within acquire_timeout; raise `pool.max`, or look for what holds them")
    case .closed: RunFailure("connection `\(connection.id)` is closed")
    case .connectFailed: RunFailure("connection `\(connection.id)` cannot be opened")
    case .lost: RunFailure("connection `\(connection.id)` is lost", transient: true)
    }
  }
}

/// One request for a client: woken alone, when its answer is there, and without another look at the pool's lock.
/// The answer is written before the semaphore is signalled, and read after it.
private final class Waiter<Client>: @unchecked Sendable {
  private let semaphore = Semaphore()
  private(set) var answer: Result<Client, RunFailure>?

  func wake(_ answer: Result<Client, RunFailure>) {
    self.answer = answer
    semaphore.signal()
  }

  /// False if there was no answer for so long.
  func sleep(micros: Int64) -> Bool { semaphore.wait(micros: micros) }
}
