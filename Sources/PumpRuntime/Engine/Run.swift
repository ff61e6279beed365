import Glibc
import Synchronization

/// What a run did, pipeline by pipeline.
public struct RunReport: Sendable {
  public struct Line: Sendable {
    public let pipeline: String
    public let taken: Int
    public let filtered: Int
    public let discarded: Int
    public let failed: Int
    public let acknowledged: Int
    public let retries: Int
    public let sent: [(label: String, count: Int)]
    /// A source was stopped before its end.
    public let isCut: Bool
  }
  public let lines: [Line]
  public let micros: Int64
  public let failure: String?
}

/// Runs all pipelines of a program to their end, or until the stop signal.
/// One thread runs it: what it opens is there before the threads of the sources and of the status page, which only read it. What
/// those change is atomic or behind a lock.
public final class Runner: @unchecked Sendable {
  private let executable: Executable
  private var program: Program { executable.program }
  private let configuration: Configuration
  private let factories: [String: ConnectorFactory]
  private let logger: Logger
  public let stop = StopSignal()
  private var connectors: [String: any Connector] = [:]
  private(set) var connections: [Connection] = []
  private var running: [String: Pipeline] = [:]
  /// The locks of pipelines that keep something together.
  private let units: [String: PlainLock]
  private let unitNames: [String: String]
  private let keepingState: Set<String>
  /// How many feed each pipeline so far.
  private var feeders: [String: Int] = [:]
  private let failure = Mutex<String?>(nil)
  private let endings: Endings

  /// The names of steps that begin anew.
  private let reset: Set<String>

  public init(
    _ executable: Executable, _ configuration: Configuration, _ factories: [String: ConnectorFactory], _ logger: Logger,
    reset: Set<String> = []
  ) {
    self.executable = executable
    self.reset = reset
    endings = Endings(executable.program)
    unitNames = executable.program.unitNames
    keepingState = executable.program.keepingState
    var locks: [String: PlainLock] = [:]
    units = unitNames.mapValues { name in
      let lock = locks[name] ?? PlainLock()
      locks[name] = lock
      return lock
    }
    self.configuration = configuration
    self.factories = factories
    self.logger = logger
  }

  private func connector(_ spec: EndpointSpec) throws(RunFailure) -> any Connector {
    let key = spec.connection ?? spec.connector
    if let known = connectors[key] { return known }
    guard let factory = factories[spec.connector] else {
      throw RunFailure("connection `\(key)`: this build has no client for \(spec.connector)")
    }
    let settings = spec.connection.map { configuration.section("connection:\($0)") } ?? Settings([:])
    let connection = Connection(id: key, kind: spec.connector, settings: settings, logger: logger, stop: stop)
    try connection.checkFiles()
    let connector = try factory(connection)
    connectors[key] = connector
    if spec.connection != nil { connections.append(connection) }
    return connector
  }

  private func context(_ pipeline: PipelineSpec, _ spec: EndpointSpec, framing: Framing? = nil) -> EndpointContext {
    let settings = configuration.section("pipeline:\(pipeline.id):\(spec.label)")
    return EndpointContext(
      pipeline: pipeline.id, spec: spec, settings: settings, stop: stop, meta: pipeline.meta.map(\.name),
      keepsPositions: configuration.state != nil || pipeline.sinks.contains { keepsPositions(pipeline, $0.label) },
      isTimed: unitNames[pipeline.id] != nil, keepsState: keepingState.contains(pipeline.id), logger: logger, framing: framing)
  }

  private func keepsPositions(_ pipeline: PipelineSpec, _ label: String) -> Bool {
    SinkArguments(configuration.section("pipeline:\(pipeline.id):\(label)")).positions != nil
  }

  /// Opens sinks and lookups of a pipeline after those that it feeds.
  private func open(_ spec: PipelineSpec) throws(RunFailure) -> Pipeline {
    if let known = running[spec.id] { return known }
    var sinks: [any Sink] = []
    var spools: [SinkSet.Spool] = []
    var feeds: [Pipeline] = []
    for sink in spec.sinks {
      if let endpoint = sink.endpoint {
        do throws(RunFailure) {
          let sink = try connector(endpoint).sink(context(spec, endpoint))
          if let whenDown = endpoint.whenDown { spools.append((sinks.count, try spool(sink, endpoint, whenDown, spec))) }
          sinks.append(spools.last?.number == sinks.count ? spools.last!.sink : sink)
        } catch {
          for opened in sinks { try? opened.close(completed: false) }
          throw RunFailure("\(spec.id): \(error.message)")
        }
      } else {
        // What has no endpoint sends to a pipeline, and the compiler knows them all.
        let target = try open(program.pipeline(sink.pipeline!)!)
        feeds.append(target)
        sinks.append(FeedSink(sink, of: spec.id, target, isLocked: target.lock === units[spec.id], feeders: &feeders))
      }
    }
    var lookups: [any Lookup] = []
    for lookup in spec.lookups { lookups.append(try connector(lookup).lookup(context(spec, lookup))) }
    let keepers = sinks.enumerated().compactMap { number, sink in
      keepsPositions(spec, spec.sinks[number].label) ? sink.keeper.map { (number, $0) } : nil
    }
    let keeper: SinkSet.Keeper? = keepers.first
    let pipeline = Pipeline(
      spec, executable.steps[spec.id]!, configuration, sinks: sinks, spools: spools, feeds: feeds,
      feeders: program.feeders(of: spec.id), lock: units[spec.id] ?? PlainLock(), lookups: lookups, keeper: keeper, logger: logger,
      stop: stop, clock: currentMicros)
    guard keeper == nil || !pipeline.isDurableAtEnd else {
      for sink in sinks { try? sink.close(completed: false) }
      throw RunFailure(
        "\(spec.id): a file that this pipeline feeds is replaced at the end only, and positions are kept before that; use `mode: append`")
    }
    guard !pipeline.keeperSharesTarget else {
      for sink in sinks { try? sink.close(completed: false) }
      throw RunFailure(
        "\(spec.id): the sink that keeps positions writes to what another sink of this pipeline may write to; leave `positions` out and give the rows a key, or send both through one sink"
      )
    }
    running[spec.id] = pipeline
    return pipeline
  }

  /// The sink behind its spool, where it stands in a branch that holds no others back.
  private func spool(
    _ sink: any Sink, _ endpoint: EndpointSpec, _ whenDown: WhenDown, _ pipeline: PipelineSpec
  ) throws(RunFailure) -> SpoolSink {
    guard let folder = configuration.state else {
      throw RunFailure(
        "`when down` of `\(endpoint.label)` keeps events in the folder of the state: set `state` in `[general]` of pipelines.conf")
    }
    let settings = configuration.section("pipeline:\(pipeline.id):\(endpoint.label)")
    return try SpoolSink(
      sink, endpoint, whenDown, try SpoolLog(folder: folder, pipeline: pipeline.id, label: endpoint.label),
      RetryPolicy(RetrySettings(settings), limit: configuration.shutdownTimeout), stop
    ) { [logger] failures, failure in
      guard failures & (failures - 1) == 0 else { return }
      logger.warning("`\(endpoint.label)` is down, its branch alone waits (attempt \(failures)): \(failure.message)", pipeline: pipeline.id)
    }
  }

  /// Runs; `progress` is called now and then with what was done so far.
  public func run(progress: (RunReport, (done: Int64, total: Int64)) -> Void = { _, _ in }) -> RunReport {
    let begin = monotonicMicros()
    var threads: [WorkerThread] = []
    do throws(RunFailure) {
      var work: [(Pipeline, any Source, Int, EndpointSpec)] = []
      for spec in program.pipelines {
        let pipeline = try open(spec)
        for (number, endpoint) in spec.sources.enumerated() {
          do throws(RunFailure) {
            let source = try connector(endpoint).source(context(spec, endpoint, framing: pipeline.processor.framing))
            // What is opened is closed, also where the start fails after it.
            sources.append(source)
            work.append((pipeline, source, number, endpoint))
          } catch {
            throw RunFailure("\(spec.id): \(error.message)")
          }
        }
      }
      try makeUnits()
      reportOrphans()
      status = try configuration.metrics.map { address throws(RunFailure) in try listen(address) }
      try probe()
      unfinished.store(work.count, ordering: .relaxed)
      for (pipeline, source, number, endpoint) in work { threads.append(start(pipeline, source, number, endpoint)) }
    } catch {
      fail(error.message)
    }
    var tended = begin
    while !threads.isEmpty, finished.wait(micros: 20_000) {
      if monotonicMicros() - tended >= 1_000_000 {
        for connection in connections where !stop.isRequested { connection.tend() }
        tended = monotonicMicros()
      }
      progress(report(since: begin), totals)
    }
    for thread in threads { thread.join() }
    finish()
    status?.end()
    return report(since: begin)
  }

  /// Pipelines whose steps keep something do so on disk, where there is a folder for it. Before a sink that is whole only at its end
  /// nothing is acknowledged before that, and nothing need be kept.
  private func makeUnits() throws(RunFailure) {
    guard let folder = configuration.state else {
      if let name = reset.first { throw RunFailure("there is no state of `\(Shape.clean(name))`: no `state` is set in `[general]`") }
      return
    }
    var unknown = reset
    for name in Set(unitNames.values).sorted() {
      // Those that feed others are committed before these.
      let pipelines = program.flowOrder.filter { unitNames[$0] == name }.map { running[$0]! }
      if pipelines.contains(where: \.isWholeAtEnd) || pipelines.allSatisfy({ $0.spec.states.isEmpty }) { continue }
      if let pipeline = pipelines.first(where: \.hasKeeper) {
        throw RunFailure(
          "\(pipeline.spec.id): a sink keeps the positions of the sources, and a step of the pipeline, or of one that it feeds, keeps something of the events before: these are kept together with the state; leave `positions` out, and give the rows a key"
        )
      }
      let unit = try Unit(name, folder: folder, reset: reset)
      for pipeline in pipelines {
        pipeline.unit = unit
        unit.add(pipeline)
      }
      guard !reset.isEmpty else { continue }
      try unit.load()
      unknown = unknown.filter { !unit.hasReset($0) }
    }
    if let name = unknown.sorted().first {
      throw RunFailure("\(Shape.clean(folder)) keeps nothing of `\(Shape.clean(name))`; `pumpc state list` says what is there")
    }
  }

  /// Tells of branches that are not in the program any more and have left events.
  private func reportOrphans() {
    guard let folder = configuration.state else { return }
    let known = program.pipelines.flatMap { pipeline in
      pipeline.sinks.compactMap { sink in sink.endpoint?.whenDown == nil ? nil : (pipeline: pipeline.id, label: sink.label) }
    }
    for file in SpoolLog.orphans(in: folder, besides: known) {
      logger.warning(
        "\(file) holds events of a branch that is not in the program any more: they were acknowledged, and nobody sends them; put the branch back, or remove the file"
      )
    }
  }

  /// Threads that still run, and the signal of the last.
  private let unfinished = Atomic<Int>(0)
  private let finished = StopSignal()
  private var sources: [any Source] = []
  private var status: StatusServer?

  private func listen(_ address: String) throws(RunFailure) -> StatusServer {
    let server = try StatusServer(address) { [self] path in
      switch path {
      case "/livez": return ("200 OK", "alive\n")
      case "/readyz":
        let unready = unready
        return unready.isEmpty ? ("200 OK", "ready\n") : ("503 Service Unavailable", unready.joined(separator: "\n") + "\n")
      case "/metrics": return ("200 OK", metrics)
      default: return ("404 Not Found", "there are /livez, /readyz and /metrics\n")
      }
    }
    logger.info("status page on port \(server.port): /livez, /readyz, /metrics")
    return server
  }

  /// Every connection is tried once before anything flows: what cannot work ends the run, what is down is waited for.
  private func probe() throws(RunFailure) {
    for connection in connections {
      do throws(RunFailure) { try connectors[connection.id]?.probe() } catch {
        guard error.isTransient, connection.common.connect != .required else { throw RunFailure(error.message) }
      }
    }
  }

  private func start(_ pipeline: Pipeline, _ source: any Source, _ number: Int, _ endpoint: EndpointSpec) -> WorkerThread {
    let settings = configuration.section("pipeline:\(pipeline.spec.id):\(endpoint.label)")
    let policy = RetryPolicy(RetrySettings(settings), limit: configuration.shutdownTimeout)
    let positions = pipeline.positions(endpoint.label, folder: configuration.state)
    // Nobody else touches it before `finish`, which waits for the thread.
    let source = HandedOver(source)
    return WorkerThread { [self] in
      do throws(RunFailure) {
        let isWhole = try pipeline.run(source.value, number: number, policy, endpoint.label, positions)
        for id in endings.sourceEnded(pipeline.spec.id, isWhole: isWhole) { try end(running[id]!) }
      } catch {
        fail("\(pipeline.spec.id): \(error.message)")
      }
      if unfinished.subtract(1, ordering: .acquiringAndReleasing).newValue == 0 { finished.request() }
    }
  }

  /// What came of a pipeline whose sources have ended appears now, however long others go on.
  private func end(_ pipeline: Pipeline) throws(RunFailure) {
    guard pipeline.isDurableAtEnd, failure.withLock({ $0 }) == nil else { return }
    try pipeline.commit()
    try close(pipeline)
    if endings.areClosed(pipeline.spec) { try pipeline.acknowledgeAll() }
  }

  private func close(_ pipeline: Pipeline) throws(RunFailure) {
    let id = pipeline.spec.id
    guard endings.close(id) else { return }
    let isFailed = failure.withLock { $0 } != nil
    try pipeline.closeSinks(completed: !isFailed && !endings.isCut(id))
  }

  /// Ends the process where a stop takes longer than it may. A client that waits for a system which is there and silent, or a disk
  /// that does not answer, hears no signal. Nothing is lost by it: what is not acknowledged comes again, as after a kill.
  func boundStop() {
    let timeout = configuration.shutdownTimeout
    _ = WorkerThread { [self] in
      while stop.wait(micros: 3_600_000_000) {}
      // Those that heed the time by themselves are given a moment more: they say what waits.
      while stop.age - 2_000_000 < timeout { usleep(20_000) }
      let reason =
        failure.withLock { $0 } ?? "a system gave no answer before the end of shutdown_timeout; what it did not confirm comes again"
      ProgramCommand.complain("error: \(reason)\n")
      _exit(1)
    }
  }

  private func fail(_ message: String) {
    failure.withLock { if $0 == nil { $0 = message } }
    stop.request()
  }

  /// Commits in the order of the flow, then closes everything; a failure keeps what is not committed unacknowledged.
  private func finish() {
    let pipelines = program.pipelines.compactMap { running[$0.id] }
    for pipeline in pipelines where failure.withLock({ $0 }) == nil {
      do throws(RunFailure) { try pipeline.drain() } catch { fail("\(pipeline.spec.id): \(error.message)") }
    }
    for pipeline in pipelines where failure.withLock({ $0 }) == nil {
      do throws(RunFailure) { try pipeline.commit() } catch { fail("\(pipeline.spec.id): \(error.message)") }
    }
    for pipeline in pipelines {
      do throws(RunFailure) { try close(pipeline) } catch { fail("\(pipeline.spec.id): \(error.message)") }
    }
    for pipeline in pipelines where !(pipeline.isDurableAtEnd && endings.isCut(pipeline.spec.id)) && failure.withLock({ $0 }) == nil {
      do throws(RunFailure) { try pipeline.acknowledgeAll() } catch { fail("\(pipeline.spec.id): \(error.message)") }
    }
    for pipeline in pipelines where endings.isCut(pipeline.spec.id) && pipeline.counts.taken > 0 {
      guard let sink = pipeline.endSinks.first else { continue }
      fail(
        "\(pipeline.spec.id): stopped before the end of its source; `\(sink)` is not replaced, what came is in the `.part` beside it")
    }
    for source in sources { source.close() }
    for connection in connections { connection.drain() }
    for connector in connectors.values { connector.shutdown() }
    for connection in connections { connection.close() }
  }

  private var totals: (done: Int64, total: Int64) {
    running.values.reduce((0, 0)) { sum, pipeline in
      let counts = pipeline.counts
      return (sum.0 + counts.done, sum.1 + counts.total)
    }
  }

  var spooled: [(pipeline: String, label: String, bytes: Int)] {
    program.pipelines.flatMap { spec in (running[spec.id]?.spooled ?? []).map { (spec.id, $0.label, $0.bytes) } }
  }

  var counts: [(pipeline: String, counts: Pipeline.Counts)] {
    program.pipelines.compactMap { spec in (running[spec.id]?.counts).map { (spec.id, $0) } }
  }

  func report(since start: Int64) -> RunReport {
    let lines = program.pipelines.compactMap { spec -> RunReport.Line? in
      guard let counts = running[spec.id]?.counts else { return nil }
      return .init(
        pipeline: spec.id, taken: counts.taken, filtered: counts.filtered, discarded: counts.discarded, failed: counts.failed,
        acknowledged: counts.acknowledged, retries: counts.retries,
        sent: zip(spec.sinks, counts.sent).map { ($0.label, $1) }, isCut: endings.isCut(spec.id))
    }
    return RunReport(lines: lines, micros: monotonicMicros() - start, failure: failure.withLock { $0 })
  }
}
