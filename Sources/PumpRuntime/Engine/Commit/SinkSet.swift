/// The sinks of one pipeline: writes what a batch became, in the order of each target, and commits, as `CommitState` says.
/// Used under the pipeline's lock.
final class SinkSet {
  /// The sink that keeps the positions of the sources, and its number.
  typealias Keeper = (number: Int, sink: any PositionKeeper)
  /// An event that a sink refused, with the batch that it is of.
  typealias Late = (failure: Failure, batch: Batch)

  let sinks: [any Sink]
  private let spec: PipelineSpec
  private let retries: [RetryPolicy]
  private let stop: StopSignal
  /// Told of each attempt to commit that a system's failure cut short, and how many there were.
  var onRetry: (_ label: String, _ failures: Int, RunFailure) -> Void = { _, _, _ in }
  private let keeper: Keeper?
  private var state: CommitState
  private var order: TargetOrder
  /// Where each sink's rows have their key, for `order`.
  private let keys: [SinkKey]
  /// Batches whose events a sink may still refuse, and which of them each sink has got since its last commit.
  private(set) var kept: [Batch] = []
  private var given: [[(batch: Batch, rows: [Given])]]
  /// An event of a batch, and which element of its list it is where it was expanded.
  private typealias Given = (row: Int32, element: Int?)
  /// How many each sink has got since its last commit.
  private var written: [Int]
  private var late: [Late] = []
  /// What has become durable, and what was refused, since the counts were taken.
  private var sent: [Int]
  private var refused = 0
  /// The batch of the error route: what is refused of it cannot be routed again.
  private let errorBatch: Batch
  /// What spools gave back, until it is routed.
  private let refusedMemory = Arena(chunkSize: 1 << 10)

  /// Sinks whose events go through a queue on disk, and their numbers.
  typealias Spool = (number: Int, sink: SpoolSink)
  private let spools: [Spool]
  let keepsBatches: Bool
  /// Whether a sink is durable only when it is closed: nothing is acknowledged before.
  let isDurableAtEnd: Bool
  /// The labels of those.
  var durableAtEnd: [String] { zip(spec.sinks, sinks).filter { $1.isDurableAtEnd }.map(\.0.label) }

  init(
    _ spec: PipelineSpec, _ configuration: Configuration, _ sinks: [any Sink], spools: [Spool], keeper: Keeper?, errorBatch: Batch,
    stop: StopSignal
  ) {
    self.spec = spec
    self.sinks = sinks
    self.keeper = keeper
    self.errorBatch = errorBatch
    self.stop = stop
    let settings = spec.sinks.map { configuration.settings(of: $0, in: spec) }
    retries = settings.map { RetryPolicy(RetrySettings($0), limit: configuration.shutdownTimeout) }
    state = CommitState(sinks: sinks.count, keeper: keeper?.number)
    let keys = zip(spec.sinks, settings).map { $0.key(with: $1) }
    self.keys = keys
    let groups = spec.targetGroups(settings)
    order = TargetOrder(
      sinks.indices.map { index in
        return .init(effect: keys[index].effect, takesEffectOnWrite: sinks[index].takesEffectOnWrite, group: groups[index])
      })
    self.spools = spools
    given = Array(repeating: [], count: sinks.count)
    written = Array(repeating: 0, count: sinks.count)
    sent = Array(repeating: 0, count: sinks.count)
    keepsBatches = spec.onError == .route && sinks.contains { $0.refusesLate }
    isDurableAtEnd = sinks.contains { $0.isDurableAtEnd }
    keeperSharesTarget = keeper.map { groups[$0.number] != nil } ?? false
    sharesTargets = spec.sinks.indices.contains { error in
      spec.sinks[error].route == .error
        && spec.sinks.indices.contains { spec.sinks[$0].route == .main && groups[$0] != nil && groups[$0] == groups[error] }
    }
  }

  /// Whether the sink that keeps positions shares its target with another, whose order would ask for commits of its own.
  let keeperSharesTarget: Bool
  /// Whether a sink of the error route may write to a target of the main route.
  let sharesTargets: Bool

  func takeCounts() -> (sent: [Int], refused: Int) {
    defer {
      for index in sent.indices { sent[index] = 0 }
      refused = 0
    }
    return (sent, refused)
  }

  /// Keeps a batch until the next commit, so that its events can be told apart when a sink refuses them late.
  func keep(_ batch: Batch) {
    batch.own()
    kept.append(batch)
  }

  /// Bytes that wait for a commit with the sink that has most of them.
  var pending: Int { sinks.map(\.pending).max() ?? 0 }

  /// Whether a spool has events that its sink refused, or cannot go on.
  var hasNews: Bool { spools.contains { $0.sink.hasNews } }
  /// Bytes in each spool, by the label of its sink.
  var spooled: [(label: String, bytes: Int)] { spools.map { (spec.sinks[$0.number].label, $0.sink.waiting) } }

  /// Hands the buffers to their sinks; what a sink refuses becomes a failure of its event. `batch` is what the main route
  /// made of the source's events, `failed` the events that went through the error route with it, if any did.
  func write(_ outputs: Outputs, _ batch: Batch, failed: [Failure] = []) throws(RunFailure) -> [Failure] {
    var refusals: [Failure] = []
    for action in actions(outputs, failed) {
      switch action {
      case .commit(let sink): try commitNow(sink)
      case .write(let sink, let rows):
        let buffer = outputs.sinks[sink]
        let isError = spec.sinks[sink].route == .error
        buffer.batchOrigin = isError ? nil : batch.origin
        let part = rows.count == buffer.count ? buffer : buffer.copy(rows)
        refusals += try write(part, to: sink, isError ? errorBatch : batch)
      }
    }
    return refusals
  }

  private func actions(_ outputs: Outputs, _ failed: [Failure]) -> [TargetOrder.Action] {
    guard order.isNeeded else {
      return outputs.sinks.enumerated().filter { $1.count > 0 }.map { .write(sink: $0, rows: 0..<$1.count) }
    }
    let origins = outputs.sinks.enumerated().map { index, buffer in
      let rows = Array(buffer.origins.values)
      return spec.sinks[index].route == .error && !failed.isEmpty ? rows.map { Int32(failed[Int($0)].row) } : rows
    }
    return order.actions(origins) { [keys] sink, row in keys[sink].text(outputs.sinks[sink], row) }
  }

  private func write(_ buffer: SinkBuffer, to index: Int, _ batch: Batch) throws(RunFailure) -> [Failure] {
    let refused = try sinks[index].write(buffer)
    written[index] += buffer.count - refused.count
    if sinks[index].refusesLate {
      let gone = Set(refused.map(\.row))
      let rows = (0..<buffer.count).filter { !gone.contains($0) }
      given[index].append((batch, rows.map { (buffer.origins[$0], buffer.element($0)) }))
    }
    let failures = refused.map { failure(index, (buffer.origins[$0.row], buffer.element($0.row)), $0) }
    if batch === errorBatch, let first = failures.first { throw spec.routeFailed(first) }
    return failures
  }

  /// A commit in the middle of a batch, which the order of a target asks for; what is refused by it waits for the route. The
  /// order has taken note of it already, and of what is written after it.
  private func commitNow(_ sink: Int) throws(RunFailure) {
    late += try commit(sink)
    given[sink].removeAll(keepingCapacity: true)
  }

  /// Makes everything written durable, the positions of `progress` with it if a sink keeps them.
  func commit(_ progress: [Acknowledgements.Progress], route: ([Late]) throws(RunFailure) -> Void) throws(RunFailure) {
    for (number, spool) in spools {
      // Their events were acknowledged long ago: what the sink was to get is what is known of them.
      late += spool.takeRefused().map { refused in
        let payload = refused.payload.withUnsafeBufferPointer { refusedMemory.copy($0) }
        return (Failure(row: 0, step: spec.sinks[number].step, message: refused.message, payload: (payload, "{}")), errorBatch)
      }
    }
    var action = state.begin(late: !late.isEmpty)
    while true {
      switch action {
      case .commit(let sink):
        let refusals = try commit(sink)
        // The error route's own sinks have now got what was late; what they refuse cannot be helped.
        if state.isSecondRound, let first = refusals.first { throw spec.routeFailed(first.failure) }
        given[sink].removeAll(keepingCapacity: true)
        order.committed(sink)
        late += refusals
        action = state.committed(refusals: refusals.count)
      case .keep(let sink):
        let refusals = try keep(sink, progress)
        if refusals.isEmpty { order.committed(sink) }
        late += refusals
        action = state.committed(refusals: refusals.count)
      case .route:
        let events = late
        late.removeAll()
        try route(events)
        action = state.routed()
      case .settle:
        refusedMemory.reset()
        for (_, spool) in spools { spool.settled() }
        for index in given.indices { given[index].removeAll(keepingCapacity: true) }
        return
      }
    }
  }

  /// Batches that no sink may refuse events of any more.
  func release() -> [Batch] {
    defer { kept.removeAll(keepingCapacity: true) }
    return kept
  }

  private func keep(_ sink: Int, _ progress: [Acknowledgements.Progress]) throws(RunFailure) -> [Late] {
    let stores = progress.compactMap { progress in
      if case .sink(let kept)? = progress.positions { (kept, kept.changes(progress.checkpoint)) } else { nil }
    }
    keeper?.sink.keep(stores.flatMap(\.1))
    let refusals = try commit(sink)
    if refusals.isEmpty { for (store, changes) in stores { store.committed(changes) } }
    return refusals
  }

  /// Commits a sink, again and again while its system is down. Returns the events that were refused only now.
  private func commit(_ index: Int) throws(RunFailure) -> [Late] {
    let label = spec.sinks[index].label
    var failures = 0
    let refusals = try retries[index].run(label, stop, failures: &failures, onRetry: { [self] in onRetry(label, $0, $1) }) {
      () throws(RunFailure) in try sinks[index].commit()
    }
    guard let refusals else {
      throw RunFailure(
        "`\(label)` did not get its last events before the end of shutdown_timeout; they are not acknowledged and come again")
    }
    sent[index] += written[index] - refusals.count
    refused += refusals.count
    written[index] = 0
    return try refusals.map { refusal throws(RunFailure) in
      let (batch, given) = origin(index, refusal.row)
      var failure = failure(index, given, refusal)
      failure.attempts += failures
      if batch === errorBatch { throw spec.routeFailed(failure) }
      return (failure, batch)
    }
  }

  /// The batch and row of the n-th event that a sink got since its last commit.
  private func origin(_ sink: Int, _ number: Int) -> (batch: Batch, given: Given) {
    var left = number
    for part in given[sink] {
      if left < part.rows.count { return (part.batch, part.rows[left]) }
      left -= part.rows.count
    }
    return (errorBatch, (0, nil))
  }

  private func failure(_ sink: Int, _ given: Given, _ refusal: Refusal) -> Failure {
    var failure = Failure(row: Int(given.row), step: spec.sinks[sink].step, message: refusal.message, reason: .refused)
    failure.element = given.element.map { ($0, nil) }
    return failure
  }

  func close(completed: Bool) throws(RunFailure) {
    var first: RunFailure?
    for sink in sinks { do throws(RunFailure) { try sink.close(completed: completed) } catch { first = first ?? error } }
    if let first { throw first }
  }
}
