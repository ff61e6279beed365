import Glibc
import Synchronization

/// One running pipeline: source → steps → sinks, with the error route, and acknowledgement after the sinks' commit.
/// Sources of a merge, and pipelines that feed this one, enter one at a time.
final class Pipeline: @unchecked Sendable {
  struct Counts: Sendable {
    var taken = 0
    var failed = 0
    var filtered = 0
    var sent: [Int] = []
    var done: Int64 = 0
    var total: Int64 = 0
  }

  let spec: PipelineSpec
  private let processor: any Processor
  private let errorProcessor: (any Processor)?
  private let outputs: Outputs
  private var sinks: [any Sink]
  private let lock = PlainLock()
  private let shared: Mutex<Counts>
  private let errorBatch: Batch
  private var pendingRows = 0
  private var pendingSince: Int64 = 0
  private let batchLimit: Int
  private let linger: Int64
  private let clock: @Sendable () -> Int64
  /// What waits for the commit: sources with their last position.
  private var unacknowledged: [(source: any Source, position: Int64)] = []
  let logger: Logger

  init(
    _ spec: PipelineSpec, _ configuration: Configuration, sinks: [any Sink], lookups: [any Lookup], logger: Logger,
    clock: @escaping @Sendable () -> Int64
  ) {
    self.spec = spec
    processor = spec.process(configuration)
    errorProcessor = spec.processErrors?(configuration)
    self.sinks = sinks
    self.clock = clock
    self.logger = logger
    outputs = Outputs(
      sinks: spec.sinks.map { SinkBuffer(records: $0.shape, each: $0.endpoint?.each.map(\.shape) ?? []) },
      log: { logger.info($0, pipeline: spec.id) })
    outputs.lookups = lookups
    shared = Mutex(Counts(sent: Array(repeating: 0, count: spec.sinks.count)))
    errorBatch = Batch()
    errorBatch.records = Column(.failure)
    var limit = Int.max
    var wait = Int64.max
    for sink in spec.sinks {
      guard let endpoint = sink.endpoint else { continue }
      let settings = configuration.section("pipeline:\(spec.id):\(endpoint.label)")
      limit = min(limit, Int(clamping: settings.int("batch.max") ?? 50_000))
      wait = min(wait, settings.int("batch.linger") ?? 1_000_000)
    }
    batchLimit = max(1, limit)
    linger = wait
  }

  var counts: Counts { shared.withLock { $0 } }

  /// Runs a source to its end, or until the stop signal.
  func run(_ source: any Source, _ number: Int, _ stop: StopSignal) throws(RunFailure) {
    let batch = Batch()
    batch.source = number
    while !stop.isRequested {
      batch.clear()
      batch.context.now = Timestamp(clock())
      guard try source.next(batch) else { break }
      lock.lock()
      defer { lock.unlock() }
      if batch.count > 0 || !batch.refused.isEmpty {
        try accept(batch)
        unacknowledged.removeAll { $0.source === source }
        unacknowledged.append((source, batch.position))
        batch.firstNumber += UInt64(batch.count)
      }
      if let progress = source.progress { shared.withLock { ($0.done, $0.total) = progress } }
      if pendingRows > 0, pendingRows >= batchLimit || clock() - pendingSince >= linger { try commitLocked() }
    }
  }

  /// Events from another pipeline; they are durable after `commit`.
  func feed(_ batch: Batch) throws(RunFailure) {
    lock.lock()
    defer { lock.unlock() }
    try accept(batch)
  }

  func commit() throws(RunFailure) {
    lock.lock()
    defer { lock.unlock() }
    try commitLocked()
  }

  private func commitLocked() throws(RunFailure) {
    for sink in sinks { try sink.commit() }
    pendingRows = 0
    for (source, position) in unacknowledged { try source.acknowledge(position) }
    unacknowledged = []
  }

  func close(completed: Bool) throws(RunFailure) {
    var first: RunFailure?
    for sink in sinks { do throws(RunFailure) { try sink.close(completed: completed) } catch { first = first ?? error } }
    if let first { throw first }
  }

  private func accept(_ batch: Batch) throws(RunFailure) {
    if pendingRows == 0 { pendingSince = clock() }
    pendingRows += batch.count + batch.refused.count
    outputs.clear()
    processor.process(batch, outputs)
    let failures = batch.refused + outputs.failures
    var failed = failures.count
    var filtered = outputs.filtered
    outputs.failures.removeAll(keepingCapacity: true)
    let written = try write(batch)
    var sent = written.sent
    let all = failures.sorted { ($0.row, $0.step) < ($1.row, $1.step) } + written.refusals
    failed += written.refusals.count
    if !all.isEmpty {
      let routed = try route(all, batch)
      for index in sent.indices { sent[index] += routed.sent[index] }
      filtered += routed.filtered
    }
    shared.withLock { counts in
      counts.taken += batch.count + batch.refused.count
      counts.failed += failed
      counts.filtered += filtered
      for index in sent.indices { counts.sent[index] += sent[index] }
    }
  }

  /// Hands the buffers to their sinks; what a sink refuses becomes a failure of its event.
  private func write(_ batch: Batch) throws(RunFailure) -> (sent: [Int], refusals: [Failure]) {
    var sent = Array(repeating: 0, count: sinks.count)
    var refusals: [Failure] = []
    for index in sinks.indices {
      let buffer = outputs.sinks[index]
      if buffer.count == 0 { continue }
      let refused = try sinks[index].write(buffer)
      sent[index] = buffer.count - refused.count
      let step = spec.stages.firstIndex(of: "sink \(spec.sinks[index].label)") ?? spec.stages.count
      refusals += refused.map { Failure(row: Int(buffer.origins[$0.row]), step: step, message: $0.message) }
      if !refused.isEmpty { refusedBy = spec.sinks[index].label }
    }
    return (sent, refusals)
  }
  private var refusedBy = ""

  private func stage(_ failure: Failure) -> String {
    if failure.step < 0 { return "source" }
    return failure.step < spec.stages.count ? spec.stages[failure.step] : "sink \(refusedBy)"
  }

  private func route(_ failures: [Failure], _ batch: Batch) throws(RunFailure) -> (sent: [Int], filtered: Int) {
    let first = failures[0]
    switch spec.onError {
    case .halt:
      throw RunFailure("an event failed in `\(stage(first))`: \(first.message); `on error` says what to do with such events")
    case .skip:
      for failure in failures.prefix(5) {
        logger.warning("skipped an event that failed in `\(stage(failure))`: \(failure.message)", pipeline: spec.id)
      }
      if failures.count > 5 { logger.warning("skipped \(failures.count - 5) more", pipeline: spec.id) }
      return (Array(repeating: 0, count: sinks.count), 0)
    case .route: break
    }
    let records = errorBatch.records!
    errorBatch.clear()
    errorBatch.context.now = batch.context.now
    let arena = errorBatch.context.arena
    for (row, failure) in failures.enumerated() {
      records.setPresent(row)
      records.children[0].set(arena.copy(failure.message), row)
      records.children[1].set(arena.copy(stage(failure)), row)
      records.children[2].set(failure.payload?.bytes ?? batch.payload(failure.row), row)
      records.children[3].set(arena.copy(failure.payload?.meta ?? batch.describe(failure.row)), row)
      records.children[4].set(Int64(1), row)
      records.children[5].set(batch.context.now, row)
    }
    errorBatch.count = failures.count
    outputs.clear()
    errorProcessor!.process(errorBatch, outputs)
    if let failure = outputs.failures.first { throw RunFailure("the error route failed in `\(stage(failure))`: \(failure.message)") }
    let filtered = outputs.filtered
    let written = try write(errorBatch)
    if let refusal = written.refusals.first { throw RunFailure("the error route failed in `\(stage(refusal))`: \(refusal.message)") }
    return (written.sent, filtered)
  }
}

/// The sink of `sink that_pipeline`: its batch is the other's input.
final class FeedSink: Sink, @unchecked Sendable {
  private let target: Pipeline
  private let batch = Batch()

  init(_ target: Pipeline) { self.target = target }

  func write(_ buffer: SinkBuffer) throws(RunFailure) -> [Refusal] {
    batch.clear()
    batch.context.now = Timestamp(currentMicros())
    batch.count = 0
    if let records = buffer.records {
      batch.records = records
      batch.count = buffer.count
    } else {
      for row in 0..<buffer.count { batch.append(buffer.event(row)) }
    }
    try target.feed(batch)
    batch.firstNumber += UInt64(buffer.count)
    batch.records = nil
    return []
  }

  func commit() throws(RunFailure) { try target.commit() }
  func close(completed: Bool) throws(RunFailure) {}
}
