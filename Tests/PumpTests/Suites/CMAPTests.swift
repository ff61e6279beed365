import Foundation
import PumpRuntime
import Testing

/// MongoDB's public cases of "Connection Monitoring and Pooling", its folder `cmap-format`.
@Suite struct CMAPTests {
  private static let suite = "cmap-format"
  private static let names = Suites.files(suite, ".json")

  /// Cases that are not run, all of them for a real server with fail points, and why they would not hold here.
  private static let others = [
    "pool-checkout-custom-maxConnecting-is-enforced": "maxConnecting",
    "pool-checkout-maxConnecting-is-enforced": "maxConnecting",
    "pool-checkout-maxConnecting-timeout": "maxConnecting",
    "pool-checkout-minPoolSize-connection-maxConnecting": "maxConnecting",
    "pool-checkout-returned-connection-maxConnecting":
      "maxConnecting: pool.max is the only limit of a pool whose server is up, and one attempt at a time of one that is down",
    "pool-clear-interrupting-pending-connections": "nobody interrupts a connect of another thread; connect_timeout ends it",
    "pool-create-min-size-error": "a failed attempt closes no client that works; who finds the server gone does that",
  ]

  private static func load(_ name: String) throws -> [String: Any] {
    try Suites.json("\(suite)/\(name)") as! [String: Any]
  }

  @Test(.enabled(if: Suites.has(suite), Suites.reason)) func everyOtherCaseHasItsReason() throws {
    let integration = try Self.names.filter { try Self.load($0)["style"] as? String != "unit" }
    #expect(Set(integration) == Set(Self.others.keys.map { $0 + ".json" }))
  }

  @Test(.enabled(if: Suites.has(suite), Suites.reason), arguments: names.filter { others[String($0.dropLast(5))] == nil })
  func unit(_ name: String) throws {
    let test = try Self.load(name)
    let driver = Driver(test["poolOptions"] as? [String: Any] ?? [:])
    var error: String?
    for operation in test["operations"] as! [[String: Any]] where error == nil { error = try driver.perform(operation) }
    // The texts are each driver's own.
    #expect(error == (test["error"] as? [String: Any])?["type"] as? String)
    let ignored = test["ignore"] as? [String] ?? []
    let actual = driver.events.filter { !ignored.contains($0["type"] as! String) }
    let expected = test["events"] as? [[String: Any]] ?? []
    #expect(actual.count >= expected.count, "\(actual)")
    for (actual, expected) in zip(actual, expected) { #expect(Self.matches(actual, expected), "\(actual) is not \(expected)") }
  }

  /// 42 stands for anything that is there.
  private static func matches(_ actual: Any?, _ expected: Any) -> Bool {
    guard let actual else { return false }
    if (expected as? NSNumber) == 42 || (expected as? String) == "42" { return true }
    guard let fields = expected as? [String: Any] else { return (actual as! NSObject).isEqual(expected) }
    return fields.allSatisfy { key, value in matches((actual as! [String: Any])[key], value) }
  }

  /// A pool and the life of its connection in virtual time. CMAP's monitor, which readies and clears a pool, is the attempt
  /// that a connection admits while it is down; so a pool that is not ready refuses as `Connection.attempt` does.
  private final class Driver {
    private(set) var events: [[String: Any]] = []
    private var pool: PoolState
    private var life = ConnectionState(ReconnectPolicy(ReconnectSettings(Settings([:]))))
    private var now: Int64 = 0
    /// Attempts under way: CMAP's number of the connection, and when it succeeds.
    private var attempts: [(id: Int, due: Int64)] = []
    private var created = 0
    private var ids: [Int: Int] = [:]
    private var labels: [String: Int] = [:]
    /// Who waits for what: a thread's name, "" for the main one, and the label of what it gets.
    private var requests: [Int: (thread: String, label: String?)] = [:]
    private var lastRequest = 0
    private var queues: [(thread: String, operations: [[String: Any]])] = []
    private var errors: [String: String] = [:]
    /// The pause between runs in the background; nil for none.
    private let pause: Int64?
    private var nextRun: Int64 = 0

    private static let limit: Int64 = 10_000_000

    init(_ options: [String: Any]) {
      func micros(_ name: String) -> Int64? { (options[name] as? Int).map { Int64($0) * 1000 } }
      var settings = PoolLimits(PoolSettings(Settings([:])))
      settings.max = options["maxPoolSize"] as? Int ?? 100
      settings.min = options["minPoolSize"] as? Int ?? 0
      settings.idleTimeout = micros("maxIdleTimeMS") ?? settings.idleTimeout
      settings.acquireTimeout = micros("waitQueueTimeoutMS") ?? settings.acquireTimeout
      pool = PoolState(settings)
      let interval = micros("backgroundThreadIntervalMS") ?? 10_000
      pause = interval > 0 ? interval : nil
      emit(
        "ConnectionPoolCreated",
        ["options": ["maxPoolSize": settings.max, "minPoolSize": settings.min, "maxIdleTimeMS": Int(settings.idleTimeout / 1000)]])
      _ = life.admit(now: now)
    }

    private func emit(_ type: String, _ fields: [String: Any] = [:]) {
      events.append(fields.merging(["type": type, "address": "pool"]) { $1 })
    }

    /// Does one operation of the main thread; returns the type of the error that it ends with.
    func perform(_ operation: [String: Any]) throws -> String? {
      if let thread = operation["thread"] as? String {
        queues[queues.firstIndex { $0.thread == thread }!].operations.append(operation)
        return nil
      }
      switch operation["name"] as! String {
      case "start": queues.append((operation["target"] as! String, []))
      case "wait":
        let end = now + Int64(operation["ms"] as! Int) * 1000
        try pass { self.now >= end }
      case "waitForThread":
        let thread = operation["target"] as! String
        try pass { !self.isBusy(thread) }
        return errors[thread]
      case "waitForEvent":
        let (type, count) = (operation["event"] as! String, operation["count"] as! Int)
        let limit = (operation["timeout"] as? Int).map { Int64($0) * 1000 } ?? Self.limit
        try pass(limit) { self.events.count { $0["type"] as! String == type } >= count }
      case "ready":
        let wasReady = life.phase == .ready
        life.connected()
        if !wasReady { emit("ConnectionPoolReady") }
      case "clear":
        if life.phase == .ready {
          emit("ConnectionPoolCleared", ["interruptInUseConnections": false])
          life.lost(now: now)
          _ = life.admit(now: now)
        }
        carryOut(pool.clear(now: now), "stale")
      case "close":
        life.close()
        carryOut(pool.close(), "poolClosed")
        emit("ConnectionPoolClosed")
      case "checkIn":
        let client = labels[operation["connection"] as! String]!
        emit("ConnectionCheckedIn", ["connectionId": ids[client]!])
        carryOut(pool.release(client, broken: false, now: now), pool.isClosed ? "poolClosed" : "stale")
      case "checkOut":
        checkOut(operation)
        try pass { !self.isBusy("") }
        return errors[""]
      case let name: throw Server.Problem(message: "no operation \(name)")
      }
      return nil
    }

    private func isBusy(_ thread: String) -> Bool {
      requests.values.contains { $0.thread == thread } || queues.contains { $0.thread == thread && !$0.operations.isEmpty }
    }

    private func checkOut(_ operation: [String: Any]) {
      lastRequest += 1
      requests[lastRequest] = (operation["thread"] as? String ?? "", operation["label"] as? String)
      emit("ConnectionCheckOutStarted")
      carryOut(pool.request(lastRequest, now: now), "idle")
    }

    /// Lets time pass until something holds.
    private func pass(_ limit: Int64 = limit, until holds: () -> Bool) throws {
      let end = now + limit
      while !holds() {
        guard now < end else { throw Server.Problem(message: "nothing came of it: \(events)") }
        now += 1000
        // All that threads are given to do is to check out.
        for index in queues.indices where !queues[index].operations.isEmpty {
          guard !requests.values.contains(where: { $0.thread == queues[index].thread }) else { continue }
          checkOut(queues[index].operations.removeFirst())
        }
        while let first = attempts.first, first.due <= now {
          attempts.removeFirst()
          emit("ConnectionReady", ["connectionId": first.id, "duration": 1])
          let (client, actions) = pool.connected(now: now)
          ids[client] = first.id
          carryOut(actions, "stale")
        }
        // Who waits looks at the time too.
        let isDue = pause.map { _ in now >= nextRun } ?? false
        if isDue || pool.waitingCount > 0 { carryOut(pool.tick(now: now), "idle") }
        if isDue { nextRun = now + pause! }
      }
    }

    private func carryOut(_ actions: [PoolState.Action], _ cause: String) {
      for action in actions {
        switch action {
        case .connect:
          guard life.admit(now: now) == .go else {
            carryOut(pool.connectFailed(now: now), cause)
            continue
          }
          created += 1
          attempts.append((created, now + 1000))
          emit("ConnectionCreated", ["connectionId": created])
        case .lease(let client, let request):
          if let label = requests.removeValue(forKey: request)!.label { labels[label] = client }
          emit("ConnectionCheckedOut", ["connectionId": ids[client]!, "duration": 1])
        case .fail(let request, let reason):
          let (type, text) =
            switch reason {
            case .timeout: ("WaitQueueTimeoutError", "timeout")
            case .closed: ("PoolClosedError", "poolClosed")
            case .connectFailed, .lost: ("PoolClearedError", "connectionError")
            }
          errors[requests.removeValue(forKey: request)!.thread] = type
          emit("ConnectionCheckOutFailed", ["reason": text, "duration": 1])
        case .disconnect(let client): emit("ConnectionClosed", ["connectionId": ids[client]!, "reason": cause])
        }
      }
    }
  }
}
