import Glibc
import Synchronization

/// One running pipeline: source → steps → sinks, with the error route, and acknowledgement after the sinks' commit.
/// Sources of a merge, and pipelines that feed this one, enter one at a time; a sink that is slow or down holds its
/// sources back, so that nothing piles up.
///
/// Everything but `counts` is used under `lock`: by the thread of the source at work, or of a pipeline that feeds this one. Once all of
/// these have ended, one thread closes it without the lock: that of the source that was the last, or the runner's.
final class Pipeline: @unchecked Sendable {
  struct Counts: Sendable {
    var taken = 0
    var failed = 0
    var filtered = 0
    var discarded = 0
    var acknowledged = 0
    var retries = 0
    var sent: [Int] = []
    var done: Int64 = 0
    var total: Int64 = 0
    /// Of steps that keep something and of the times, as they were at the last commit.
    var kept: [Kept] = []
    var times: Times?
    struct Kept: Sendable {
      let step: String
      let entries: Int
      let bytes: Int
    }
    /// In microseconds since 1970.
    struct Times: Sendable {
      let mark: Int64
      let newest: Int64?
      let late: Int
      let idle: Int
    }
  }

  let spec: PipelineSpec
  let processor: any Processor
  private let errors: ErrorRoute
  private let outputs: Outputs
  private let sinks: SinkSet
  private let keeper: SinkSet.Keeper?
  /// The pipelines that it feeds.
  private let feeds: [Pipeline]
  /// Its own, or one for all pipelines of a unit that keeps something: what feeds another works under the other's lock, too.
  let lock: PlainLock
  /// The steps that keep something of the events before, and the routes behind these.
  private(set) var flow: StateFlow?
  private let afters: [any Processor]
  /// Of each partition of each source, how many events it gave.
  private var given: [Int64: Int64] = [:]
  /// Sources, and pipelines that feed it, that have not come to their end; and how far those that feed it have come.
  private var openInputs: Int
  private var read: Set<Int> = []
  /// The sources that tell of their partitions.
  private var divided: Set<Int> = []
  private var feederMarks: [Int64]
  private let shared: Mutex<Counts>
  private var acknowledgements = Acknowledgements()
  private var failure: RunFailure?
  private var pendingRows = 0
  private var pendingSince: Int64 = 0
  private let batchLimit: Int
  private let linger: Int64
  private let clock: @Sendable () -> Int64
  private let stop: StopSignal
  private let logger: Logger
  /// Batches that nobody uses.
  private var free: [Batch] = []

  /// A commit is due at this many bytes or batches, whatever the settings say: memory stays bounded.
  private static let pendingLimit = 8 << 20
  private static let keptLimit = 512

  init(
    _ spec: PipelineSpec, _ steps: PipelineSteps, _ configuration: Configuration, sinks: [any Sink], spools: [SinkSet.Spool] = [],
    feeds: [Pipeline] = [], feeders: Int = 0, lock: PlainLock = PlainLock(),
    lookups: [any Lookup], keeper: SinkSet.Keeper?, logger: Logger, stop: StopSignal, clock: @escaping @Sendable () -> Int64
  ) {
    self.spec = spec
    self.lock = lock
    processor = steps.main(configuration)
    afters = steps.states.map { $0.after(configuration) }
    openInputs = spec.sources.count + feeders
    feederMarks = Array(repeating: .min, count: feeders)
    errors = ErrorRoute(spec, steps.error?(configuration), logger)
    self.keeper = keeper
    self.feeds = feeds
    self.clock = clock
    self.logger = logger
    self.stop = stop
    outputs = Outputs(
      sinks: spec.sinks.map { $0.makeBuffer() }, states: spec.states.map { $0.makeBuffers() }, log: { logger.info($0, pipeline: spec.id) })
    shared = Mutex(Counts(sent: Array(repeating: 0, count: spec.sinks.count)))
    self.sinks = SinkSet(spec, configuration, sinks, spools: spools, keeper: keeper, errorBatch: errors.batch, stop: stop)
    var limit = Int.max
    var wait = Int64.max
    for feed in feeds {
      limit = min(limit, feed.batchLimit)
      wait = min(wait, feed.linger)
    }
    for sink in spec.sinks where sink.endpoint != nil {
      let settings = BatchSettings(configuration.settings(of: sink, in: spec))
      limit = min(limit, Int(clamping: settings.max))
      wait = min(wait, settings.linger.micros)
    }
    batchLimit = max(1, limit)
    linger = wait
    self.sinks.onRetry = { [unowned self] in retried($0, $1, $2) }
    outputs.lookups = zip(spec.lookups, lookups).map { endpoint, lookup in
      let settings = configuration.section("pipeline:\(spec.id):\(endpoint.label)")
      return LookupStep(
        lookup, endpoint.label, RetryPolicy(RetrySettings(settings), limit: configuration.shutdownTimeout), stop,
        onRetry: { [unowned self] in retried(endpoint.label, $0, $1) }, onBreak: { [unowned self] in outputs.broken = $0 })
    }
    let targets = zip(spec.sinks, sinks).compactMap { sink, target in (target as? FeedSink).map { (behind: sink.behind, target: $0) } }
    guard !spec.states.isEmpty || spec.clock != nil || !targets.isEmpty else { return }
    flow = makeFlow(steps, configuration, targets)
    outputs.clock = flow?.clock
  }

  private func makeFlow(_ steps: PipelineSteps, _ configuration: Configuration, _ feeds: [StateFlow.Feed]) -> StateFlow {
    let constants = Constants(configuration: configuration)
    let made = spec.makeSteps(steps, configuration, outputs, now: { [clock] in Timestamp(clock()) }) { number, state, now in
      let emitter = Emitter(state, now: now) { [unowned self] (batch) throws(RunFailure) in
        try run(afters[number], batch, isTaken: false)
        let isKept = sinks.kept.last === batch
        try flow!.pass(behind: number, batch)
        return !isKept
      }
      emitter.leaveOut = { [unowned self] in shared.withLock { $0.filtered += 1 } }
      return emitter
    }
    let clock = spec.clock.map { clock in
      var idle: Int64?
      if case .after(let value)? = clock.idle { idle = constants.number(value) }
      return FlowClock(late: constants.number(clock.late), idle: idle)
    }
    if let clock {
      // Each holds the flow from the start on.
      for source in 0..<openInputs {
        clock.source = Int32(source)
        clock.join(0)
      }
    }
    return StateFlow(
      spec, made, clock, outputs, sides: steps.states.map { $0.side?(configuration) }, feeds: feeds,
      fail: { [unowned self] (failures) throws(RunFailure) in
        shared.withLock { $0.failed += failures.count }
        try route(failures)
      })
  }

  private func retried(_ label: String, _ failures: Int, _ failure: RunFailure) {
    shared.withLock { $0.retries += 1 }
    // The second, for a first may be over at once, then ever more seldom.
    guard failures > 1, failures & (failures - 1) == 0 else { return }
    logger.warning("`\(label)` waits, its source with it (attempt \(failures)): \(failure.message)", pipeline: spec.id)
  }

  /// Who looks at the probes, before anything runs.
  func onProbe(_ body: @escaping (Int, String) -> Void) { outputs.onProbe = body }

  var counts: Counts { shared.withLock { $0 } }
  /// What waits in a step would be lost, were its events acknowledged before the end.
  var isDurableAtEnd: Bool { sinks.isDurableAtEnd || unit == nil && !spec.states.isEmpty && spec.delivery != .atMostOnce }
  var isWholeAtEnd: Bool { sinks.isDurableAtEnd }
  var hasKeeper: Bool { keeper != nil }
  /// Where what its steps keep is made durable with its sinks.
  var unit: Unit?
  /// Whether something was written since the last commit.
  var hasPending: Bool { pendingRows > 0 }
  var waiting: [Acknowledgements.Progress] { acknowledgements.waiting }
  var keeperSharesTarget: Bool { sinks.keeperSharesTarget }

  /// Where the positions of a source are kept: by a sink, or in files of a folder.
  func positions(_ label: String, folder: String?) -> PositionPlace? {
    if let unit { return .log(unit.store(spec.id, label)) }
    if let keeper { return .sink(KeptPositions(keeper.sink, pipeline: spec.id, label: label)) }
    return folder.map { .file(FilePositions(folder: $0, pipeline: spec.id, label: label)) }
  }

  /// Runs a source to its end, or until the stop signal; whether it gave all that it has is returned.
  @discardableResult
  func run(
    _ source: any Source, number: Int = 0, _ policy: RetryPolicy, _ label: String, _ positions: PositionPlace?
  ) throws(RunFailure) -> Bool {
    var isWhole = !source.ends
    var batch = Batch()
    if let unit {
      let isReady: Void? = try policy.run(label, stop, onRetry: nil) { () throws(RunFailure) in
        lock.lock()
        defer { lock.unlock() }
        try unit.load()
      }
      guard isReady != nil else { return isWhole }
    }
    if let positions, spec.sources[number].abilities.contains("resume") {
      let isReady: Void? = try policy.run(label, stop, onRetry: nil) { () throws(RunFailure) in try source.resume(positions.store) }
      guard isReady != nil else { return isWhole }
    }
    var failures = 0
    while !stop.isRequested {
      let more = try policy.run(label, stop, failures: &failures, onRetry: nil) { () throws(RunFailure) in
        // Nothing is left of an attempt that broke off.
        batch.clear()
        batch.context.now = Timestamp(clock())
        return try source.next(batch)
      }
      guard let more else { break }
      if !source.isUndecided { failures = 0 }
      lock.lock()
      defer { lock.unlock() }
      let rows = batch.count + batch.refused.count
      if rows > 0 || flow != nil {
        try unlessFailed { () throws(RunFailure) in try accept(batch, from: number, isDrained: rows == 0) }
      }
      if rows > 0 || !batch.checkpoint.isEmpty {
        acknowledgements.took(
          .init(source: source, positions: positions, position: batch.position, rows: rows, checkpoint: batch.checkpoint))
      }
      guard more else {
        if !stop.isRequested {
          isWhole = true
          try unlessFailed { () throws(RunFailure) in try inputEnded(number) }
        }
        break
      }
      if let progress = source.progress { shared.withLock { ($0.done, $0.total) = progress } }
      // Where nothing waits, a position that has moved need not wait either.
      if isCommitDue || batch.wantsCommit || pendingRows == 0 && !batch.checkpoint.isEmpty { try commitLocked() }
      try acknowledge(source)
      let following = batch.firstNumber + UInt64(batch.count)
      // It stays with its events, or is free by now, for this source as for another.
      if sinks.keepsBatches, rows > 0 { batch = free.popLast() ?? Batch() }
      batch.firstNumber = following
    }
    // Other sources may go on for long: what came from this one does not wait for them.
    lock.lock()
    defer { lock.unlock() }
    try commitLocked()
    try acknowledge(source)
    return isWhole
  }

  private var isCommitDue: Bool {
    hasNews
      || pendingRows > 0
        && (pendingRows >= batchLimit || sinks.kept.count >= Self.keptLimit || monotonicMicros() - pendingSince >= linger
          || sinks.pending >= Self.pendingLimit)
  }

  /// Events from another pipeline; they are durable after `commit`. The batch is the caller's again afterwards.
  func feed(_ buffer: SinkBuffer, _ firstNumber: UInt64, from step: String, _ feed: FeedSink) throws(RunFailure) {
    if !feed.isLocked { lock.lock() }
    defer { if !feed.isLocked { lock.unlock() } }
    let batch = free.popLast() ?? Batch()
    batch.clear()
    batch.context.now = Timestamp(clock())
    batch.firstNumber = firstNumber
    if let origin = buffer.batchOrigin {
      let rows = (0..<buffer.count).map { (origin: Int(buffer.origins[$0]), number: buffer.number($0)) }
      batch.origin = { "\(origin(rows[$0].origin))\n\(step)\n\(rows[$0].number)" }
    }
    if buffer.times.count == buffer.count {
      for row in 0..<buffer.count {
        batch.times.append(buffer.times[row])
        batch.orders.append(order(buffer.orders[row], from: feed))
        batch.partitions.append(Int32(truncatingIfNeeded: buffer.orders[row] >> Self.partitionBits & 0xFFFF))
      }
    }
    if let records = buffer.records {
      batch.count = buffer.count
      if sinks.keepsBatches {
        let copies = batch.recordColumn(records.shape)
        for row in 0..<buffer.count { copies.copy(row, from: records, row, into: batch.context.arena) }
      } else {
        batch.records = records
      }
    } else {
      for row in 0..<buffer.count { batch.append(buffer.event(row)) }
    }
    try unlessFailed { () throws(RunFailure) in
      if let join = feed.join { return try flow!.join(join, batch) }
      flow?.clock?.source = Int32(feed.number)
      try run(processor, batch)
      try flow?.pass(behind: nil, batch)
      try advance()
    }
    if sinks.kept.last !== batch {
      if !sinks.keepsBatches { batch.records = nil }
      free.append(batch)
    }
  }

  /// The place of an event that another pipeline gives. Where that is the only one, its sources are told apart as they are there; of
  /// several they become partitions of its own.
  private func order(_ order: Int64, from feed: FeedSink) -> Int64 {
    if feed.join != nil || feederMarks.count == 1 { return order }
    let source = (order >> Self.sourceBits) << Self.nestedBits
    return ((order ^ source) & Self.withoutSource) | Int64(feed.number) << Self.sourceBits
  }

  func commit() throws(RunFailure) {
    lock.lock()
    defer { lock.unlock() }
    try commitLocked()
  }

  /// Whether a spool of this pipeline, or of one that it feeds, has something that a commit sees to.
  private var hasNews: Bool { sinks.hasNews || feeds.contains { $0.hasNews } }

  /// Waits until spools are empty, and routes what their sinks refuse. A stop leaves what they hold to the next run.
  func drain() throws(RunFailure) {
    while !stop.isRequested, sinks.spooled.contains(where: { $0.bytes > 0 }) || hasNews {
      try commit()
      if !stop.wait(micros: 20_000) { return }
    }
  }

  /// Bytes in each spool, by the label of its sink.
  var spooled: [(label: String, bytes: Int)] { sinks.spooled }

  /// After a failure nothing more is committed or acknowledged: another source could acknowledge a position past events that
  /// were lost with it.
  private func unlessFailed(_ body: () throws(RunFailure) -> Void) throws(RunFailure) {
    if let failure { throw failure }
    do throws(RunFailure) { try body() } catch {
      failure = RunFailure(error.message)
      throw failure!
    }
  }

  private func commitLocked() throws(RunFailure) {
    if let unit { return try unit.commit() }
    try commitSinks()
    settle()
  }

  /// Makes all that was written durable in the sinks.
  func commitSinks() throws(RunFailure) {
    try unlessFailed { () throws(RunFailure) in
      defer { count() }
      pendingRows = 0
      try sinks.commit(acknowledgements.waiting) { (late) throws(RunFailure) in try route(late) }
    }
    free += sinks.release()
  }

  /// What was taken is durable with all that came of it.
  func settle() { if !isDurableAtEnd { acknowledgements.settle() } }

  /// Tells the counts what the sinks have done.
  private func count() {
    let (sent, refused) = sinks.takeCounts()
    let kept = flow?.steps.map { Counts.Kept(step: $0.spec.name, entries: $0.keys, bytes: $0.bytes) } ?? []
    let times = flow?.clock.map { Counts.Times(mark: $0.mark, newest: $0.newest, late: $0.lateCount, idle: $0.idleCount) }
    shared.withLock { counts in
      (counts.kept, counts.times) = (kept, times)
      for index in sent.indices { counts.sent[index] += sent[index] }
      counts.failed += refused
    }
  }

  private func acknowledge(_ source: any Source) throws(RunFailure) {
    guard let item = acknowledgements.take(source) else { return }
    if !item.checkpoint.isEmpty, case .file(let positions)? = item.positions { try positions.save(item.checkpoint) }
    try source.acknowledge(item.position)
    shared.withLock { $0.acknowledged += item.rows }
  }

  /// Bytes that wait for a commit with the sink that has most of them; of too many batches it is time as well.
  func pending(isLocked: Bool) -> Int {
    if !isLocked { lock.lock() }
    defer { if !isLocked { lock.unlock() } }
    return sinks.kept.count >= Self.keptLimit ? Int.max : sinks.pending
  }

  /// Sinks whose events are durable only when they are closed whole.
  var endSinks: [String] { sinks.durableAtEnd }

  func closeSinks(completed: Bool) throws(RunFailure) { try sinks.close(completed: completed) }

  /// What is durable now that all sinks are closed, those of pipelines that this one feeds too.
  func acknowledgeAll() throws(RunFailure) {
    acknowledgements.settle()
    for source in acknowledgements.durable.map(\.source) { try acknowledge(source) }
  }

  private static let sourceBits: Int64 = 56
  private static let partitionBits: Int64 = 40
  /// Where the source of a pipeline that feeds this one stands: above 4096 partitions.
  private static let nestedBits: Int64 = 52
  private static let withoutSource: Int64 = 1 << sourceBits - 1

  /// What a source gave goes through the pipeline, and so does all that it moves on.
  private func accept(_ batch: Batch, from source: Int, isDrained: Bool) throws(RunFailure) {
    guard let flow else { return try run(processor, batch) }
    flow.clock?.source = Int32(source)
    if let assigned = batch.assigned {
      divided.insert(source)
      flow.clock?.assign(assigned)
    }
    if isDrained {
      if !divided.contains(source) { flow.clock?.drained(0) }
      try inputIsRead(source)
    }
    if batch.count + batch.refused.count > 0 {
      for row in 0..<batch.count {
        let partition = Int64(batch.partitions.count > 0 ? batch.partitions[row] : 0) & 0xFFFF
        let key = Int64(source) << Self.sourceBits | partition << Self.partitionBits
        batch.orders.append(key | given[key, default: 0])
        given[key, default: 0] += 1
      }
      try run(processor, batch)
      try flow.pass(behind: nil, batch)
    }
    for partition in batch.drained { flow.clock?.drained(partition) }
    try advance()
  }

  /// Moves the flow's mark as far as its events have come.
  private func advance() throws(RunFailure) {
    guard let flow else { return }
    if let clock = flow.clock {
      if clock.advance() { try flow.advance(behind: nil, clock.mark) }
    } else if let least = feederMarks.min(), least > .min {
      try flow.advance(behind: nil, least)
    }
  }

  /// Of a source, or of a pipeline that feeds this one, all was read that was there at first.
  func inputIsRead(_ number: Int) throws(RunFailure) {
    guard read.insert(number).inserted, read.count == max(spec.sources.count, feederMarks.count) else { return }
    try flow?.isRead()
  }

  // MARK: On disk

  /// How far its events have come, for the next run.
  var flowState: FlowState {
    let steps = (flow?.steps ?? []).map { step in
      FlowState.Step(given: step.emitter.given, mark: flow!.mark(of: step.number), sideMark: flow!.sideMark(of: step.number))
    }
    return FlowState(feederMarks: feederMarks, given: given, steps: steps, clock: flow?.clock?.numbers ?? [])
  }

  /// The same again; false where it is damaged.
  func restore(_ state: FlowState) -> Bool {
    // Another program may have others; they begin anew.
    if state.feederMarks.count == feederMarks.count { feederMarks = state.feederMarks }
    given.merge(state.given) { $1 }
    guard let flow else { return true }
    if state.steps.count == flow.steps.count {
      for (step, kept) in zip(flow.steps, state.steps) {
        step.emitter.given = kept.given
        flow.restore(step.number, kept.mark, kept.sideMark)
      }
    }
    guard let clock = flow.clock else { return true }
    return state.clock.isEmpty || clock.restore(state.clock)
  }

  /// All entries of its steps are there again.
  func restored() {
    guard let flow else { return }
    for step in flow.steps { step.restored(flow.mark(of: step.number), flow.sideMark(of: step.number)) }
  }

  /// A source, or a pipeline that feeds this one, has come to its end.
  func inputEnded(_ number: Int) throws(RunFailure) {
    openInputs -= 1
    try inputIsRead(number)
    if let flow {
      flow.clock?.source = Int32(number)
      flow.clock?.ended()
      if number < feederMarks.count { feederMarks[number] = .max }
      if openInputs == 0 { try flow.finish(behind: nil) } else { try advance() }
    }
  }

  /// How far a pipeline that feeds this one has come.
  func moved(_ feed: FeedSink, _ mark: Int64) throws(RunFailure) {
    if let join = feed.join { return try flow!.advanceSide(join, mark) }
    feederMarks[feed.number] = mark
    if flow?.clock == nil { try advance() }
  }

  /// `isTaken`: the events have entered the pipeline with this batch.
  private func run(_ processor: any Processor, _ batch: Batch, isTaken: Bool = true) throws(RunFailure) {
    if pendingRows == 0 { pendingSince = monotonicMicros() }
    pendingRows += batch.count + batch.refused.count
    outputs.clear()
    if sinks.keepsBatches { sinks.keep(batch) }
    processor.process(batch, outputs)
    if let broken = outputs.broken { throw broken }
    let failures = (batch.refused + outputs.failures).sorted { ($0.row, $0.step) < ($1.row, $1.step) }
    let (filtered, discarded) = (outputs.filtered, outputs.discarded)
    shared.withLock { counts in
      if isTaken { counts.taken += batch.count + batch.refused.count }
      counts.failed += failures.count
      counts.filtered += filtered
      counts.discarded += discarded
    }
    // Where the error route writes to a target of the main route, both are written in one order.
    if sinks.sharesTargets, !failures.isEmpty, try errors.process(failures.map { ($0, batch) }, outputs, now: Timestamp(clock())) {
      let more = outputs.discarded - discarded
      shared.withLock { $0.discarded += more }
      try route(refusals: try sinks.write(outputs, batch, failed: failures), batch)
    } else {
      let refusals = try sinks.write(outputs, batch)
      if !sinks.sharesTargets, !failures.isEmpty { try route(failures.map { ($0, batch) }) }
      try route(refusals: refusals, batch)
    }
  }

  /// What sinks refused of a batch just written.
  private func route(refusals: [Failure], _ batch: Batch) throws(RunFailure) {
    guard !refusals.isEmpty else { return }
    shared.withLock { $0.failed += refusals.count }
    try route(refusals.map { ($0, batch) })
  }

  private func route(_ failures: [SinkSet.Late]) throws(RunFailure) {
    outputs.clear()
    guard try errors.process(failures, outputs, now: Timestamp(clock())) else { return }
    // What the route filters has been counted: it failed.
    let discarded = outputs.discarded
    shared.withLock { $0.discarded += discarded }
    _ = try sinks.write(outputs, errors.batch)
  }
}
