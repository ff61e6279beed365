import Glibc
import Synchronization

/// One running pipeline: source → steps → sinks, with the error route, and acknowledgement after the sinks' commit.
/// Sources of a merge, and pipelines that feed this one, enter one at a time; a sink that is slow or down holds its
/// sources back, so that nothing piles up.
final class Pipeline: @unchecked Sendable {
  struct Counts: Sendable {
    var taken = 0
    var failed = 0
    var filtered = 0
    var acknowledged = 0
    var retries = 0
    var sent: [Int] = []
    var done: Int64 = 0
    var total: Int64 = 0
  }

  let spec: PipelineSpec
  let processor: any Processor
  private let errorProcessor: (any Processor)?
  private let outputs: Outputs
  private let sinks: [any Sink]
  private let retries: [RetryPolicy]
  private let lock = PlainLock()
  private let shared: Mutex<Counts>
  private let errorBatch: Batch
  private var failure: RunFailure?
  private var pendingRows = 0
  private var pendingSince: Int64 = 0
  private let batchLimit: Int
  private let linger: Int64
  private let clock: @Sendable () -> Int64
  private let stop: StopSignal
  private let logger: Logger
  /// Sources with their last position: what waits for the commit, and what is durable and waits to be acknowledged, each
  /// by its source's own thread.
  private var unacknowledged: [Progress] = []
  private var durable: [Progress] = []
  /// The sink that keeps positions, and the stores of the sources that it keeps them for.
  private let keeper: Int?
  private struct Progress {
    let source: any Source
    let positions: (any PositionStore)?
    var position: Int64
    var rows: Int
    var checkpoint: Checkpoint
  }
  /// Batches whose events a sink may still refuse, and which of them each sink has got since its last commit.
  private var kept: [Batch] = []
  private var free: [Batch] = []
  private var given: [[(batch: Int, rows: [Int32])]]
  /// How many each sink has got since its last commit.
  private var written: [Int]
  private let keepsBatches: Bool
  /// Whether a sink is durable only when it is closed: nothing is acknowledged before.
  let isDurableAtEnd: Bool

  /// A commit is due at this many bytes or batches, whatever the settings say: memory stays bounded.
  private static let pendingLimit = 8 << 20
  private static let keptLimit = 512
  /// The mark, in `given`, of events that came from the error route.
  private static let errorRoute = -1

  init(
    _ spec: PipelineSpec, _ configuration: Configuration, sinks: [any Sink], lookups: [any Lookup], keeper: Int?, logger: Logger,
    stop: StopSignal, clock: @escaping @Sendable () -> Int64
  ) {
    self.spec = spec
    processor = spec.process(configuration)
    errorProcessor = spec.processErrors?(configuration)
    self.sinks = sinks
    self.keeper = keeper
    self.clock = clock
    self.logger = logger
    self.stop = stop
    outputs = Outputs(
      sinks: spec.sinks.map { SinkBuffer(records: $0.shape, each: $0.endpoint?.each.map(\.shape) ?? []) },
      log: { logger.info($0, pipeline: spec.id) })
    outputs.lookups = lookups
    shared = Mutex(Counts(sent: Array(repeating: 0, count: spec.sinks.count)))
    errorBatch = Batch()
    errorBatch.records = Column(.failure)
    given = Array(repeating: [], count: sinks.count)
    written = Array(repeating: 0, count: sinks.count)
    keepsBatches = spec.onError == .route && sinks.contains { $0.refusesLate }
    isDurableAtEnd = sinks.contains { $0.isDurableAtEnd }
    var limit = Int.max
    var wait = Int64.max
    var policies: [RetryPolicy] = []
    for (index, sink) in spec.sinks.enumerated() {
      let settings = sink.endpoint.map { configuration.section("pipeline:\(spec.id):\($0.label)") } ?? Settings([:])
      policies.append(RetryPolicy(settings, limit: configuration.shutdownTimeout))
      if let feed = sinks[index] as? FeedSink {
        limit = min(limit, feed.target.batchLimit)
        wait = min(wait, feed.target.linger)
        continue
      }
      limit = min(limit, Int(clamping: settings.int("batch.max") ?? 50_000))
      wait = min(wait, settings.int("batch.linger") ?? 1_000_000)
    }
    retries = policies
    batchLimit = max(1, limit)
    linger = wait
  }

  var counts: Counts { shared.withLock { $0 } }

  /// Where the positions of a source are kept: by a sink, or in files of a folder.
  func positions(_ label: String, folder: String?) -> (any PositionStore)? {
    if let keeper { return KeptPositions(sinks[keeper] as! any PositionKeeper, pipeline: spec.id, label: label) }
    return folder.map { FilePositions(folder: $0, pipeline: spec.id, label: label) }
  }

  /// Runs a source to its end, or until the stop signal; whether it gave all that it has is returned.
  @discardableResult
  func run(_ source: any Source, _ policy: RetryPolicy, _ label: String, _ positions: (any PositionStore)?) throws(RunFailure) -> Bool {
    var isWhole = !source.ends
    var batch = Batch()
    if let positions {
      let isReady: Void? = try policy.run(label, stop, onRetry: nil) { () throws(RunFailure) in try source.resume(positions) }
      guard isReady != nil else { return isWhole }
    }
    while !stop.isRequested {
      let more = try policy.run(label, stop, onRetry: nil) { () throws(RunFailure) in
        // Nothing is left of an attempt that broke off.
        batch.clear()
        batch.context.now = Timestamp(clock())
        return try source.next(batch)
      }
      guard let more else { break }
      lock.lock()
      defer { lock.unlock() }
      let rows = batch.count + batch.refused.count
      if rows > 0 { try unlessFailed { () throws(RunFailure) in try accept(batch) } }
      if rows > 0 || !batch.checkpoint.isEmpty {
        Self.add(
          Progress(source: source, positions: positions, position: batch.position, rows: rows, checkpoint: batch.checkpoint),
          to: &unacknowledged)
      }
      guard more else {
        isWhole = isWhole || !stop.isRequested
        break
      }
      if let progress = source.progress { shared.withLock { ($0.done, $0.total) = progress } }
      // Where nothing waits, a position that has moved need not wait either.
      if isCommitDue || batch.wantsCommit || pendingRows == 0 && !batch.checkpoint.isEmpty { try commitLocked() }
      try acknowledge(source)
      let following = batch.firstNumber + UInt64(batch.count)
      // It stays with its events, or is free by now, for this source as for another.
      if keepsBatches, rows > 0 { batch = free.popLast() ?? Batch() }
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
    pendingRows > 0
      && (pendingRows >= batchLimit || kept.count >= Self.keptLimit || clock() - pendingSince >= linger
        || sinks.contains { $0.pending >= Self.pendingLimit })
  }

  /// Events from another pipeline; they are durable after `commit`. The batch is the caller's again afterwards.
  func feed(_ buffer: SinkBuffer, _ firstNumber: UInt64) throws(RunFailure) {
    lock.lock()
    defer { lock.unlock() }
    let batch = free.popLast() ?? Batch()
    batch.clear()
    batch.context.now = Timestamp(clock())
    batch.firstNumber = firstNumber
    if let origin = buffer.batchOrigin {
      let origins = Array(buffer.origins.values)
      batch.origin = { origin(Int(origins[$0])) }
    }
    if let records = buffer.records {
      batch.count = buffer.count
      if keepsBatches {
        let copies = batch.records ?? Column(records.shape)
        for row in 0..<buffer.count { copies.copy(row, from: records, row, into: batch.context.arena) }
        batch.records = copies
      } else {
        batch.records = records
      }
    } else {
      for row in 0..<buffer.count { batch.append(buffer.event(row)) }
    }
    try accept(batch)
    if kept.last !== batch {
      if !keepsBatches { batch.records = nil }
      free.append(batch)
    }
  }

  func commit() throws(RunFailure) {
    lock.lock()
    defer { lock.unlock() }
    try commitLocked()
  }

  /// A pipeline that has failed stays so: what another of its sources would commit or acknowledge now may lie behind what is lost
  /// with the failure, which no sink remembers.
  private func unlessFailed(_ body: () throws(RunFailure) -> Void) throws(RunFailure) {
    if let failure { throw failure }
    do throws(RunFailure) { try body() } catch {
      failure = RunFailure(error.message)
      throw failure!
    }
  }

  private func commitLocked() throws(RunFailure) {
    try unlessFailed { () throws(RunFailure) in
      try routeLate(try commitSinks())
      if let keeper { try commitKeeper(keeper) }
    }
    pendingRows = 0
    for batch in kept { free.append(batch) }
    kept.removeAll(keepingCapacity: true)
    if !isDurableAtEnd { settle() }
  }

  private func routeLate(_ late: [(failure: Failure, batch: Batch)]) throws(RunFailure) {
    guard !late.isEmpty else { return }
    try route(late)
    // The error route's own sinks have now got these; what they refuse cannot be helped.
    if let failure = try commitSinks().first { throw routeFailed(failure.failure) }
  }

  /// Last of all the sink that keeps the positions: everything before them is durable elsewhere.
  private func commitKeeper(_ index: Int) throws(RunFailure) {
    let stores = unacknowledged.compactMap { progress in
      (progress.positions as? KeptPositions).map { ($0, $0.changes(progress.checkpoint)) }
    }
    (sinks[index] as! any PositionKeeper).keep(stores.flatMap(\.1))
    while true {
      let late = try commit(index)
      if late.isEmpty { break }
      try routeLate(late)
    }
    given[index].removeAll(keepingCapacity: true)
    for (store, changes) in stores { store.committed(changes) }
  }

  private static func add(_ progress: Progress, to list: inout [Progress]) {
    guard let known = list.firstIndex(where: { $0.source === progress.source }) else { return list.append(progress) }
    list[known].position = progress.position
    list[known].rows += progress.rows
    list[known].checkpoint.merge(progress.checkpoint) { $1 }
  }

  private func settle() {
    for progress in unacknowledged { Self.add(progress, to: &durable) }
    unacknowledged.removeAll(keepingCapacity: true)
  }

  private func acknowledge(_ source: any Source) throws(RunFailure) {
    guard let index = durable.firstIndex(where: { $0.source === source }) else { return }
    let item = durable.remove(at: index)
    if !item.checkpoint.isEmpty, let files = item.positions as? FilePositions { try files.save(item.checkpoint) }
    try source.acknowledge(item.position)
    shared.withLock { $0.acknowledged += item.rows }
  }

  /// Commits every sink but the one that keeps positions. Returns the events that were refused only now.
  private func commitSinks() throws(RunFailure) -> [(failure: Failure, batch: Batch)] {
    var late: [(failure: Failure, batch: Batch)] = []
    for index in sinks.indices where index != keeper {
      late += try commit(index)
      given[index].removeAll(keepingCapacity: true)
    }
    return late
  }

  /// Commits a sink, again and again where its system is down. Returns the events that were refused only now.
  private func commit(_ index: Int) throws(RunFailure) -> [(failure: Failure, batch: Batch)] {
    let label = spec.sinks[index].label
    let refusals = try retries[index].run(
      label, stop, onRetry: { [self] in retried(label, $0, $1) }
    ) { () throws(RunFailure) in try sinks[index].commit() }
    guard let refusals else {
      throw RunFailure(
        "`\(label)` did not get its last events before the end of shutdown_timeout; they are not acknowledged and come again")
    }
    shared.withLock { counts in
      counts.sent[index] += written[index] - refusals.count
      counts.failed += refusals.count
    }
    written[index] = 0
    guard !refusals.isEmpty else { return [] }
    let step = step(of: index)
    return try refusals.map { refusal throws(RunFailure) in
      let (batch, row) = origin(index, refusal.row)
      let failure = Failure(row: row, step: step, message: refusal.message)
      if batch == Self.errorRoute { throw routeFailed(failure) }
      return (failure, batch < kept.count ? kept[batch] : errorBatch)
    }
  }

  private func retried(_ label: String, _ failures: Int, _ failure: RunFailure) {
    shared.withLock { $0.retries += 1 }
    // The second, for a first may be over at once, then ever more seldom.
    guard failures > 1, failures & (failures - 1) == 0 else { return }
    logger.warning("`\(label)` waits, its source with it (attempt \(failures)): \(failure.message)", pipeline: spec.id)
  }

  /// The batch and row of the n-th event that a sink got since its last commit.
  private func origin(_ sink: Int, _ number: Int) -> (batch: Int, row: Int) {
    var left = number
    for part in given[sink] {
      if left < part.rows.count { return (part.batch, Int(part.rows[left])) }
      left -= part.rows.count
    }
    return (Int.max, 0)
  }

  /// Bytes that wait for a commit with the sink that has most of them; of too many batches it is time as well.
  var pending: Int {
    lock.lock()
    defer { lock.unlock() }
    return kept.count >= Self.keptLimit ? Int.max : sinks.map(\.pending).max() ?? 0
  }

  /// Sinks whose events are durable only when they are closed whole.
  var endSinks: [String] { zip(spec.sinks, sinks).filter { $1.isDurableAtEnd }.map(\.0.label) }

  func closeSinks(completed: Bool) throws(RunFailure) {
    var first: RunFailure?
    for sink in sinks { do throws(RunFailure) { try sink.close(completed: completed) } catch { first = first ?? error } }
    if let first { throw first }
  }

  /// What is durable now that all sinks are closed, those of pipelines that this one feeds too.
  func acknowledgeAll() throws(RunFailure) {
    settle()
    for source in durable.map(\.source) { try acknowledge(source) }
  }

  private func accept(_ batch: Batch) throws(RunFailure) {
    if pendingRows == 0 { pendingSince = clock() }
    pendingRows += batch.count + batch.refused.count
    outputs.clear()
    if keepsBatches {
      batch.own()
      kept.append(batch)
    }
    processor.process(batch, outputs)
    let failures = batch.refused + outputs.failures
    let filtered = outputs.filtered
    outputs.failures.removeAll(keepingCapacity: true)
    let refusals = try write(batch, mark: keepsBatches ? kept.count - 1 : Int.max)
    let all = failures.sorted { ($0.row, $0.step) < ($1.row, $1.step) } + refusals
    shared.withLock { counts in
      counts.taken += batch.count + batch.refused.count
      counts.failed += all.count
      counts.filtered += filtered
    }
    if !all.isEmpty { try route(all.map { ($0, batch) }) }
  }

  /// Hands the buffers to their sinks; what a sink refuses becomes a failure of its event.
  private func write(_ batch: Batch, mark: Int) throws(RunFailure) -> [Failure] {
    var refusals: [Failure] = []
    for index in sinks.indices {
      let buffer = outputs.sinks[index]
      if buffer.count == 0 { continue }
      buffer.batchOrigin = batch.origin
      let refused = try sinks[index].write(buffer)
      written[index] += buffer.count - refused.count
      if sinks[index].refusesLate {
        let gone = Set(refused.map(\.row))
        let origins = Array(buffer.origins.values)
        let rows = gone.isEmpty ? origins : origins.indices.filter { !gone.contains($0) }.map { origins[$0] }
        given[index].append((mark, rows))
      }
      if refused.isEmpty { continue }
      let step = step(of: index)
      refusals += refused.map { Failure(row: Int(buffer.origins[$0.row]), step: step, message: $0.message) }
    }
    return refusals
  }

  /// The number of the step that is a sink; behind all others where the plan has no name for it.
  private func step(of sink: Int) -> Int {
    let name = "sink \(spec.sinks[sink].label)"
    return spec.stages.firstIndex(of: name) ?? spec.stages.count + sink
  }

  private func stage(_ failure: Failure) -> String {
    if failure.step < 0 { return "source" }
    return failure.step < spec.stages.count ? spec.stages[failure.step] : "sink \(spec.sinks[failure.step - spec.stages.count].label)"
  }

  private func routeFailed(_ failure: Failure) -> RunFailure {
    RunFailure("the error route failed in `\(stage(failure))`: \(failure.message)")
  }

  /// What is said of an event, with the number of the record within it.
  private static func meta(_ json: String, _ record: Record?) -> String {
    guard let record else { return json }
    return "\(json.dropLast())\(json == "{}" ? "" : ",")\"record\":\(record.number)}"
  }

  private func route(_ failures: [(failure: Failure, batch: Batch)]) throws(RunFailure) {
    switch spec.onError {
    case .halt:
      let first = failures[0].failure
      throw RunFailure("an event failed in `\(stage(first))`: \(first.message); `on error` says what to do with such events")
    case .skip:
      for (failure, _) in failures.prefix(5) {
        logger.warning("skipped an event that failed in `\(stage(failure))`: \(failure.message)", pipeline: spec.id)
      }
      if failures.count > 5 { logger.warning("skipped \(failures.count - 5) more", pipeline: spec.id) }
      return
    case .route: break
    }
    let records = errorBatch.records!
    errorBatch.clear()
    errorBatch.context.now = Timestamp(clock())
    let arena = errorBatch.context.arena
    for (row, (failure, batch)) in failures.enumerated() {
      records.setPresent(row)
      records.children[0].set(arena.copy(failure.message), row)
      records.children[1].set(arena.copy(stage(failure)), row)
      records.children[2].set(failure.payload?.bytes ?? failure.record?.text ?? batch.payload(failure.row), row)
      records.children[3].set(arena.copy(failure.payload?.meta ?? Self.meta(batch.describe(failure.row), failure.record)), row)
      records.children[4].set(Int64(1), row)
      records.children[5].set(batch.context.now, row)
    }
    errorBatch.count = failures.count
    outputs.clear()
    errorProcessor!.process(errorBatch, outputs)
    if let failure = outputs.failures.first { throw routeFailed(failure) }
    let filtered = outputs.filtered
    shared.withLock { $0.filtered += filtered }
    if let refusal = try write(errorBatch, mark: Self.errorRoute).first { throw routeFailed(refusal) }
  }
}
