import PumpRuntime
import PumpTestSupport
import Testing

@Suite struct PoolTests {
  /// Random events against the invariants that the state machine promises.
  @Test(arguments: 0..<40) func invariants(_ seed: Int) {
    var random = Support.Random(UInt64(seed))
    var settings = PoolLimits(PoolSettings(Settings([:])))
    settings.max = Int.random(in: 1...5, using: &random)
    settings.min = Int.random(in: 0...settings.max, using: &random)
    settings.acquireTimeout = 1000
    settings.idleTimeout = 500
    settings.maxLifetime = 5000
    var state = PoolState(settings)
    var now: Int64 = 0
    var nextRequest = 0
    var waiting: [Int] = []
    var leased: [Int: Int] = [:]
    var alive: Set<Int> = []
    var connects = 0
    func carryOut(_ actions: [PoolState.Action]) {
      for action in actions {
        switch action {
        case .connect: connects += 1
        case .lease(let client, let request):
          #expect(alive.contains(client) && leased[client] == nil)
          #expect(waiting.first == request, "requests are served in their order")
          waiting.removeAll { $0 == request }
          leased[client] = request
        case .fail(let request, _):
          #expect(waiting.contains(request), "every request completes once")
          waiting.removeAll { $0 == request }
        case .disconnect(let client):
          #expect(alive.remove(client) != nil)
          leased[client] = nil
        }
      }
      #expect(state.leasedCount + state.idleCount + state.connecting <= settings.max)
      #expect(state.leasedCount == leased.count && state.waitingCount == waiting.count)
    }
    for _ in 0..<3000 {
      now += Int64.random(in: 0...60, using: &random)
      switch Int.random(in: 0..<10, using: &random) {
      case 0...3:
        nextRequest += 1
        waiting.append(nextRequest)
        carryOut(state.request(nextRequest, now: now))
      case 4...5 where connects > 0:
        connects -= 1
        if Int.random(in: 0..<5, using: &random) == 0 {
          carryOut(state.connectFailed(now: now))
        } else {
          let (client, actions) = state.connected(now: now)
          alive.insert(client)
          carryOut(actions)
        }
      case 6...7:
        if let client = leased.keys.sorted().randomElement(using: &random) {
          leased[client] = nil
          carryOut(state.release(client, broken: Int.random(in: 0..<4, using: &random) == 0, now: now))
        }
      case 8: carryOut(state.tick(now: now))
      default: if Int.random(in: 0..<20, using: &random) == 0 { carryOut(state.clear(now: now)) }
      }
    }
    carryOut(state.close())
    #expect(waiting.isEmpty)
  }

  /// A client that was idle for too long is not handed out, though nothing has ticked meanwhile.
  @Test func idleForTooLong() {
    var settings = PoolLimits(PoolSettings(Settings([:])))
    settings.idleTimeout = 500
    var state = PoolState(settings)
    var actions = state.request(1, now: 0)
    #expect(actions == [.connect])
    actions = state.connected(now: 10).actions
    #expect(actions == [.lease(client: 1, request: 1)])
    actions = state.release(1, broken: false, now: 20)
    #expect(actions.isEmpty)
    actions = state.request(2, now: 520)
    #expect(actions == [.disconnect(client: 1), .connect])
  }

  /// Who waits for a client of a server that is lost learns it at once.
  @Test func lostWhileWaiting() {
    var settings = PoolLimits(PoolSettings(Settings([:])))
    settings.max = 1
    var state = PoolState(settings)
    _ = state.request(1, now: 0)
    _ = state.connected(now: 0)
    var actions = state.request(2, now: 0)
    #expect(actions.isEmpty)
    actions = state.clear(now: 0)
    #expect(actions == [.fail(request: 2, .lost)])
    actions = state.release(1, broken: false, now: 0)
    #expect(actions == [.disconnect(client: 1)])
  }
}

@Suite struct ConnectionStateTests {
  /// Random events and times against the invariants that the state machine promises.
  @Test(arguments: 0..<40) func invariants(_ seed: Int) {
    var random = Support.Random(UInt64(seed))
    var settings = ReconnectPolicy(ReconnectSettings(Settings([:])))
    settings.initial = 100
    settings.max = 2000
    settings.jitter = [0, 0.5, 1].randomElement(using: &random)!
    settings.giveUpAfter = seed % 4 == 0 ? 20_000 : nil
    var state = ConnectionState(settings)
    var now: Int64 = 0
    var attempts = 0
    var earliest: Int64 = 0
    for _ in 0..<2000 {
      now += Int64.random(in: 0...300, using: &random)
      let before = state.phase
      let wasDown = before == .connecting || before == .reconnecting
      switch Int.random(in: 0..<10, using: &random) {
      case 0...4:
        switch state.admit(now: now) {
        case .go:
          #expect(before != .closed && before != .failed)
          if wasDown {
            #expect(attempts == 0, "one attempt at a time while the connection is down")
            #expect(now >= earliest, "no attempt before its pause is over")
          }
          attempts += 1
        case .wait(let until): #expect(until >= now && state.phase != .ready)
        case .never: #expect(before == .closed || before == .failed)
        }
      case 5...6 where attempts > 0:
        attempts = 0
        state.connected()
        #expect(state.failures == 0 && (state.phase == .ready || before == .closed || before == .failed))
      case 7...8 where attempts > 0:
        attempts = 0
        let failures = state.failures
        let chance = Double.random(in: 0...1, using: &random)
        let isFinal = state.failed(permanently: Int.random(in: 0..<200, using: &random) == 0, now: now, random: chance)
        if before == .closed || before == .failed {
          #expect(state.phase == before)
        } else {
          #expect(state.failures == failures + 1)
          #expect(isFinal == (state.phase == .failed))
          let pause = settings.pause(after: failures + 1, random: chance)
          #expect(pause <= settings.max && pause >= 0)
          if settings.jitter == 0 { #expect(pause == min(settings.max, settings.initial << min(failures, 10))) }
          earliest = now + pause
        }
      default:
        state.lost(now: now)
        if before == .ready {
          #expect(state.phase == .reconnecting)
          earliest = now
          attempts = 0
        } else {
          #expect(state.phase == before)
        }
      }
    }
    state.drain()
    state.close()
    #expect(state.phase == .closed || state.phase == .failed)
    let last = state.admit(now: now)
    #expect(last == .never)
  }

  @Test func givesUp() {
    var settings = ReconnectPolicy(ReconnectSettings(Settings([:])))
    settings.giveUpAfter = 1_000_000
    var state = ConnectionState(settings)
    var admissions = [state.admit(now: 0)]
    let early = state.failed(permanently: false, now: 0, random: 1)
    for time: Int64 in [50_000, 100_000, 100_000] { admissions.append(state.admit(now: time)) }
    // One probe at a time.
    #expect(admissions == [.go, .wait(until: 100_000), .go, .wait(until: 200_000)] && !early)
    let late = state.failed(permanently: false, now: 1_000_000, random: 1)
    #expect(late)
    #expect(state.phase == .failed)
  }

  /// Who waits for a connection that is down waits for its next attempt, not longer.
  @Test func aFailureSaysWhenToTryAgain() {
    let connection = Connection(
      id: "c", kind: "C", settings: Settings([:]), logger: Logger(asJSON: false, quiet: true), stop: StopSignal())
    func attempt() -> RunFailure? {
      do throws(RunFailure) { try connection.attempt { () throws(RunFailure) in throw connection.failure("down", transient: true) } } catch
      {
        return error
      }
      return nil
    }
    let first = attempt()
    // The first pause is a random share of a tenth of a second; 0 makes the second call another attempt.
    let second = attempt()
    #expect(first?.retryAt != nil)
    if connection.counts.failures == 1 { #expect(second?.retryAt == first?.retryAt) }
    #expect(second?.isTransient == true)
  }
}
