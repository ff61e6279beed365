import Foundation
import PumpCompiler
import PumpSemantics
import PumpTestSupport
import Testing

extension ConnectorTests {
  /// What every kind of connection promises, whatever the system: one set of cases over all endpoints of the interface files.
  @Suite(.serialized) struct ContractTests {
    static let kinds = builtInConnectors().filter(\.needsConnection).map(\.name).filter { listening[$0] == nil }
    /// Kinds that are servers themselves: nothing is connected to, lost or reached again. Their own suites.
    static let listening: [String: Any.Type] = ["Webhook": WebhookTests.self]

    /// A kind or an endpoint that the table forgets is not kept by anything.
    @Test func nothingIsForgotten() {
      #expect(Set(contractSystems.keys) == Set(Self.kinds))
      for interface in builtInConnectors() where interface.needsConnection && Self.listening[interface.name] == nil {
        let rows = contractSystems[interface.name]?.rows.map(\.label) ?? []
        #expect(Set(rows) == Set(interface.endpoints.map { "\($0.role.rawValue)_\($0.name)" }), "\(interface.name)")
      }
    }

    @Test(arguments: kinds) func holds(_ kind: String) throws {
      guard let interface = builtInConnectors().first(where: { $0.name == kind }), let type = contractSystems[kind] else { return }
      let contract = try Contract(interface, type)
      try contract.fail()
      try contract.saturate()
      try contract.connectAndShare()
      try contract.reconnect()
      try contract.acknowledge()
      try contract.drain()
      try contract.fallSilent()
    }
  }
}

/// One program with a pipeline for each endpoint of a kind, all over one connection, `c`; what it is given, and what of that must be
/// there.
final class Contract {
  private let interface: Interface
  private let type: any ContractSystem.Type
  private let system: any ContractSystem
  private let proxy: Server?
  private let program: TestProgram
  private let places: [String: String]
  private let rows: [ContractRow]
  /// Ids that each row was given, and the next that is free.
  private var given: [String: [Int]] = [:]
  private var next = 1
  private var isPrimed = false
  /// Of lookups: this much above a key is one that is not there.
  private static let nowhere = 1_000_000
  private static let types = "type Event { id: Int, customer: String }\n"

  init(_ interface: Interface, _ type: any ContractSystem.Type) throws {
    self.interface = interface
    self.type = type
    rows = type.rows
    let run = UUID().uuidString.prefix(8).lowercased()
    let places = Dictionary(uniqueKeysWithValues: rows.map { ($0.label, "\($0.label)_\(run)") })
    self.places = places
    let server = try type.real == nil ? type.serve() : nil
    system = try type.init(server, places: places)
    proxy = try system.port.map { try Server("proxy", type.proxyOptions + ["127.0.0.1:\($0)"]) }
    // Endpoints that hold a client have one each; all others share the last.
    let holders = interface.endpoints.filter { $0.role == .source && $0.abilities.contains("lease") }.count
    let pipelines = rows.map { Self.pipeline($0, interface.endpoint($0.role, $0.name)!, places[$0.label]!) }
    let pool = "pool { max = \(holders + 1), idle_timeout = 200ms, max_lifetime = 700ms }"
    program = try TestProgram(
      Self.types + Self.connection(type, pool) + pipelines.joined(separator: "\n"),
      files: Dictionary(uniqueKeysWithValues: rows.map { ("\($0.label).in", "") }),
      settings: ["general.state=state", "general.metrics=127.0.0.1:0", "general.shutdown_timeout=3s"] + system.set(proxy),
      environment: system.environment(proxy))
  }

  private static func connection(_ type: any ContractSystem.Type, _ more: String) -> String {
    let kind = contractSystems.first { $0.value == type }!.key
    return "connection c: \(kind) {\n  \(type.settings)\n  \(more)\n  reconnect { max = 200ms }\n}\n"
  }

  private static func pipeline(_ row: ContractRow, _ endpoint: Interface.Endpoint, _ place: String) -> String {
    var isBytes = false
    if case .bytes = endpoint.events { isBytes = true }
    let step = "c.\(row.name)(\(row.arguments.replacing("$", with: place)))"
    let read = "source file.lines(\"\(row.label).in\", follow: true) |> decode json as Event"
    let written = "sink file.lines(\"\(row.label).out\", mode: append) { batch { linger = 50ms } }"
    let chain =
      switch row.role {
      case .source: "source \(step)\(isBytes ? "" : " as Event |> encode json") |> \(written)"
      case .sink: "\(read)\(isBytes ? " |> encode json" : "") |> sink \(step) { batch { linger = 50ms } }"
      case .lookup:
        "\(read) |> lookup \(step) as found: \(row.type) |> map { id: .id, found: \(row.customer) } |> encode json |> \(written)"
      }
    return "pipeline \(row.label) {\n  \(chain)\n  on error halt\n}\n"
  }

  // MARK: Giving and finding

  private func place(_ row: ContractRow) -> String { places[row.label]! }
  private func file(_ row: ContractRow) -> String { "\(row.label).out" }

  /// Gives each of these endpoints so many events.
  private func give(_ count: Int, _ rows: [ContractRow]) throws {
    let ids = next...(next + count - 1)
    next += count
    for row in rows {
      given[row.label] = row.traits.contains(.newest) ? [ids.upperBound] : (given[row.label] ?? []) + ids
      if row.role != .sink { try system.put(row, place(row), ids) }
      if row.role == .source { continue }
      let events = ids.map { "{\"id\":\($0),\"customer\":\"cust-\($0 % 97)\"}\n" }
      try program.append(events.joined(), to: "\(row.label).in")
      guard row.role == .lookup else { continue }
      given[row.label]! += ids.map { $0 + Self.nowhere }
      try program.append(ids.map { "{\"id\":\($0 + Self.nowhere),\"customer\":\"\"}\n" }.joined(), to: "\(row.label).in")
    }
  }

  /// The ids of what came of an endpoint's events; of a lookup's those with the right answer.
  private func found(_ row: ContractRow) -> [Int] {
    switch row.role {
    case .sink: return (try? system.found(row, place(row))) ?? []
    case .source: return SQLiteSystem.ids(program.read(file(row)))
    case .lookup:
      return program.lines(file(row)).compactMap { line in
        guard let id = SQLiteSystem.ids(line).first else { return nil }
        let answer = id < Self.nowhere ? "\"cust-\(id % 97)\"" : "null"
        return line == "{\"id\":\(id),\"found\":\(answer)}" ? id : nil
      }
    }
  }

  private func missing(_ row: ContractRow) -> Set<Int> { Set(given[row.label] ?? []).subtracting(found(row)) }

  /// Everything that was given comes, and comes once where it must.
  private func arrive(_ what: ContractCase, _ how: String) {
    for row in rows {
      let ok = program.wait(seconds: 40) { missing(row).isEmpty }
      #expect(ok, "\(interface.name) \(row.label), \(what) \(how): missing \(missing(row).sorted().prefix(5)) \(program.log.suffix(2000))")
      guard row.role == .sink, !row.traits.contains(.repeats) else { continue }
      let all = found(row)
      #expect(all.count == Set(all).count, "\(interface.name) \(row.label), \(what) \(how): duplicates")
    }
  }

  /// Starts the program and waits until all sources hear what is given to them.
  private func start() throws {
    for row in rows where row.traits.contains(.ends) { try give(20, [row]) }
    try program.start()
    try prime(first: !isPrimed)
    isPrimed = true
  }

  /// Endpoints that do not see the past are given an event of no account until it comes through.
  private func prime(first: Bool) throws {
    for row in rows where row.traits.contains(.volatile) || first && row.traits.contains(.misses) {
      func zeros() -> Int { found(row).count { $0 == 0 } }
      let before = zeros()
      let ok = try program.wait(seconds: 40) {
        try system.put(row, place(row), 0...0)
        usleep(100_000)
        return zeros() > before
      }
      #expect(ok, "\(interface.name) \(row.label) hears nothing: \(program.log)")
    }
  }

  private var fed: [ContractRow] { rows.filter { !$0.traits.contains(.ends) } }

  // MARK: Cases

  /// The server is down at the start, and `connect` does not wait for it: the run fails and names the connection.
  func fail() throws {
    guard proxy != nil || type.unreachable != nil else { return }
    let row = rows.first { $0.role == .sink }!
    let pipeline = Self.pipeline(row, interface.endpoint(row.role, row.name)!, place(row))
    let failing = try TestProgram(
      Self.types + Self.connection(type, "connect = required\n  connect_timeout = 2s") + pipeline, files: ["\(row.label).in": ""],
      settings: system.set(proxy) + (type.unreachable.map { [$0] } ?? []), environment: system.environment(proxy))
    try proxy?.tell("refuse on")
    let outcome = try failing.run()
    try proxy?.tell("refuse off")
    #expect(outcome.code == 1 && outcome.err.contains("connection `c`"), "\(interface.name), fail: \(outcome.code) \(outcome.err)")
  }

  /// Two pipelines and one client: both come to their end.
  func saturate() throws {
    let row = rows.first { $0.role == .sink }!
    let pipeline = Self.pipeline(row, interface.endpoint(row.role, row.name)!, place(row)).replacing(", follow: true", with: "")
    let events = (1...200).map { "{\"id\":\(next + $0),\"customer\":\"a\"}\n" }
    let second = pipeline.replacing("pipeline \(row.label)", with: "pipeline second").replacing("\(row.label).in", with: "second.in")
    let saturated = try TestProgram(
      Self.types + Self.connection(type, "pool { max = 1 }") + pipeline + second,
      files: ["\(row.label).in": events.prefix(100).joined(), "second.in": events.suffix(100).joined()], settings: system.set(proxy),
      environment: system.environment(proxy))
    let outcome = try saturated.run()
    #expect(outcome.code == 0, "\(interface.name), saturate: \(outcome.err)")
    given[row.label] = Array(next + 1...next + 200)
    next += 201
    #expect(program.wait(seconds: 5) { missing(row).isEmpty }, "\(interface.name), saturate: missing")
  }

  /// The state is told, the clients of all pipelines are those of one pool, and they are replaced when they are old.
  func connectAndShare() throws {
    try start()
    try give(20, fed)
    arrive(.connect, "")
    #expect(program.log.contains("connection `c` is ready"), "\(interface.name), connect: \(program.log)")
    #expect(program.metric("pump_connection_state", "connection=\"c\",state=\"ready\"") == 1, "\(interface.name), connect")
    #expect(program.page("/readyz") == "ready\n", "\(interface.name), connect")
    #expect(program.metric("pump_connection_acquired_total") ?? 1 > 0, "\(interface.name), connect: no client is counted")
    if type.not[.share] == nil {
      let holders = interface.endpoints.filter { $0.role == .source && $0.abilities.contains("lease") }.count
      // The two numbers are read one after the other, and a client may change sides between.
      let shares = program.wait(seconds: 3) {
        let (busy, idle) = (program.metric("pump_connection_in_use"), program.metric("pump_connection_idle"))
        return busy.flatMap { busy in idle.map { busy + $0 <= holders + 1 } } ?? false
      }
      #expect(shares, "\(interface.name), share: more than \(holders + 1) clients")
      let limit = holders + 1 + type.ownSessions
      // A client that is replaced is gone a moment later.
      let ok = try proxy.map { proxy in try program.wait(seconds: 3) { try Int(proxy.tell("connections"))! <= limit } } ?? true
      #expect(ok, "\(interface.name), share: more than \(limit) sessions")
    }
    if type.not[.expire] == nil {
      let before = program.metric("pump_connection_connects_total") ?? 0
      for _ in 1...2 {
        usleep(800_000)
        try give(5, fed)
        arrive(.expire, "")
      }
      #expect(program.metric("pump_connection_connects_total") ?? 0 > before, "\(interface.name), expire: no new client")
      #expect(program.metric("pump_connection_losses_total") == 0, "\(interface.name), expire: \(program.log)")
    }
  }

  /// The network and the server fail in every way, with events under way: none is missing afterwards.
  func reconnect() throws {
    guard type.not[.reconnect] == nil else { return }
    guard let proxy else { return print("\(interface.name) at \(type.variable!): the server is not to be stopped") }
    let faults: [(String, [String], [String])] = [
      ("reset", ["reset"], []), ("fin", ["fin"], []), ("refuse", ["refuse on", "reset"], ["refuse off"]),
      ("cut-after", ["cut-after 1500"], []),
    ]
    let hearing = fed.filter { !$0.traits.contains(.volatile) }
    for (name, begin, end) in faults {
      try give(20, hearing)
      for command in begin { try proxy.tell(command) }
      try give(20, hearing)
      usleep(400_000)
      for command in end { try proxy.tell(command) }
      arrive(.reconnect, name)
    }
    try give(20, hearing)
    try system.stop()
    usleep(400_000)
    try system.start()
    try give(20, hearing)
    arrive(.reconnect, "restart")
    try prime(first: false)
    try give(20, fed)
    arrive(.reconnect, "over")
    #expect(program.log.contains("connection `c` is ready again"), "\(interface.name), reconnect: \(program.log)")
  }

  /// Nothing is acknowledged before its sink has it: what a killed run, or a run whose sink fails, has taken comes again.
  func acknowledge() throws {
    try give(200, fed.filter { $0.not[.restart] == nil && ($0.role != .sink || proxy == nil) })
    usleep(100_000)
    if let proxy {
      let before = acknowledged
      try proxy.tell("refuse on")
      try proxy.tell("reset")
      try give(50, fed.filter { $0.role == .sink })
      usleep(600_000)
      #expect(acknowledged == before, "\(interface.name), acknowledge: before the sink has it")
    }
    program.kill(SIGKILL)
    try proxy?.tell("refuse off")
    for row in rows where row.role == .source && row.not[.acknowledge] == nil {
      try FileManager.default.moveItem(atPath: "\(program.folder)/\(file(row))", toPath: "\(program.folder)/kept")
      try FileManager.default.createSymbolicLink(atPath: "\(program.folder)/\(file(row))", withDestinationPath: "/dev/full")
      try give(20, [row])
      let outcome = try program.run()
      #expect(outcome.code == 1, "\(interface.name) \(row.label), acknowledge: \(outcome.err)")
      try FileManager.default.removeItem(atPath: "\(program.folder)/\(file(row))")
      try FileManager.default.moveItem(atPath: "\(program.folder)/kept", toPath: "\(program.folder)/\(file(row))")
    }
    try start()
    arrive(.restart, "")
  }

  private var acknowledged: Int {
    rows.filter { $0.role == .sink }.map { program.metric("pump_events_acknowledged_total", "\"\($0.label)\"") ?? 0 }.reduce(0, +)
  }

  /// SIGTERM with events under way: what was taken is delivered, and does not come again.
  func drain() throws {
    #expect(try program.stop().code == 0, "\(interface.name), drain: \(program.log)")
    let draining = fed.filter { $0.not[.drain] == nil }
    let before = Dictionary(uniqueKeysWithValues: draining.map { ($0.label, found($0).count) })
    try start()
    let first = next
    try give(300, draining)
    usleep(60_000)
    let outcome = try program.stop()
    #expect(outcome.code == 0, "\(interface.name), drain: \(outcome.err)")
    for row in draining {
      let line = outcome.err.split(separator: "\n").first { $0.hasPrefix("\(row.label): ") }
      let taken = line?.split(separator: " ")[1].replacing(",", with: "")
      let delivered = found(row).count - before[row.label]!
      #expect(taken == "\(delivered)", "\(interface.name) \(row.label), drain: \(delivered) delivered of \(line ?? "")")
    }
    try start()
    arrive(.drain, "")
    for row in draining {
      let ids = found(row).filter { $0 % Self.nowhere >= first }
      #expect(ids.count == Set(ids).count, "\(interface.name) \(row.label), drain: what was delivered came again")
    }
    #expect(try program.stop().code == 0, "\(interface.name), drain: \(program.log)")
  }

  /// SIGTERM while nothing answers on connections that stay: the end comes in its time, and what was not delivered with the next run.
  func fallSilent() throws {
    guard let proxy else { return }
    let hearing = fed.filter { !$0.traits.contains(.volatile) }
    try start()
    try give(5, hearing)
    arrive(.silence, "before")
    try proxy.tell("stall both")
    try give(20, hearing)
    usleep(400_000)
    program.kill(SIGTERM)
    let outcome = try program.end(seconds: 20)
    #expect(outcome.code == 1 && outcome.err.contains("shutdown_timeout"), "\(interface.name), silence: \(outcome.code) \(outcome.err)")
    try proxy.tell("stall off")
    try start()
    arrive(.silence, "after")
    #expect(try program.stop().code == 0, "\(interface.name), silence: \(program.log)")
  }
}
