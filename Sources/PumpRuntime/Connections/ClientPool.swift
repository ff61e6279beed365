import Glibc

/// Carries out what `PoolState` decides, for blocking clients used by threads of our own.
public final class ClientPool<Client: AnyObject & Sendable>: @unchecked Sendable {
  private let id: String
  private let connect: @Sendable () throws(RunFailure) -> Client
  private var state: PoolState
  private var clients: [Int: Client] = [:]
  private var numbers: [ObjectIdentifier: Int] = [:]
  private var answers: [Int: Result<Client, RunFailure>] = [:]
  private var nextRequest = 0
  private let lock = PlainLock()
  private let changed = UnsafeMutablePointer<pthread_cond_t>.allocate(capacity: 1)

  public init(_ id: String, _ settings: PoolSettings, connect: @escaping @Sendable () throws(RunFailure) -> Client) {
    self.id = id
    self.connect = connect
    state = PoolState(settings)
    pthread_cond_init(changed, nil)
  }

  deinit {
    pthread_cond_destroy(changed)
    changed.deallocate()
  }

  /// Waits for a client, at most for the acquire timeout.
  public func acquire() throws(RunFailure) -> Client {
    lock.lock()
    defer { lock.unlock() }
    nextRequest += 1
    let request = nextRequest
    carryOut(state.request(request, now: currentMicros()))
    while answers[request] == nil {
      lock.wait(changed, micros: 100_000)
      carryOut(state.tick(now: currentMicros()))
    }
    return try answers.removeValue(forKey: request)!.get()
  }

  public func release(_ client: Client, broken: Bool) {
    lock.lock()
    defer { lock.unlock() }
    guard let number = numbers[ObjectIdentifier(client)] else { return }
    carryOut(state.release(number, broken: broken, now: currentMicros()))
  }

  public func close() {
    lock.lock()
    defer { lock.unlock() }
    carryOut(state.close())
  }

  private func carryOut(_ actions: [PoolState.Action]) {
    for action in actions {
      switch action {
      case .lease(let client, let request): answers[request] = .success(clients[client]!)
      case .fail(let request, let reason): answers[request] = answers[request] ?? .failure(failure(reason))
      case .disconnect(let client): if let gone = clients.removeValue(forKey: client) { numbers[ObjectIdentifier(gone)] = nil }
      case .connect: open()
      }
    }
    pthread_cond_broadcast(changed)
  }

  /// Opening a database blocks; the lock is given up meanwhile.
  private func open() {
    lock.unlock()
    let result: Result<Client, RunFailure>
    do throws(RunFailure) { result = .success(try connect()) } catch { result = .failure(error) }
    lock.lock()
    switch result {
    case .success(let client):
      let (number, actions) = state.connected(now: currentMicros())
      clients[number] = client
      numbers[ObjectIdentifier(client)] = number
      carryOut(actions)
    case .failure(let problem):
      for action in state.connectFailed(now: currentMicros()) {
        if case .fail(let request, .connectFailed) = action { answers[request] = .failure(problem) } else { carryOut([action]) }
      }
    }
  }

  private func failure(_ reason: PoolState.Reason) -> RunFailure {
    switch reason {
    case .timeout:
      RunFailure("connection `\(id)`: no client was free within acquire_timeout; raise `pool.max`, or look for what holds them")
    case .closed: RunFailure("connection `\(id)` is closed")
    case .connectFailed: RunFailure("connection `\(id)` cannot be opened")
    }
  }
}
