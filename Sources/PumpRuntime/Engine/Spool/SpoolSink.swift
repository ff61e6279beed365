import Glibc
import Synchronization

/// A sink of a branch that holds no other back: its events go through a queue on disk, from which a thread of its own hands them to the
/// sink itself. They are durable, and may be acknowledged, before the sink's system has them.
///
/// The pipeline's threads use it as any sink, under the pipeline's lock. `sink` is the thread's alone from `init` to `close`.
final class SpoolSink: Sink, @unchecked Sendable {
  /// An event that the sink itself has refused.
  struct Refused: Sendable {
    /// What the sink was to get.
    let payload: [UInt8]
    let message: String
  }

  private struct State {
    var refused: [Refused] = []
    /// The refused events were routed, and what came of that is durable.
    var isSettled = true
    var problem: RunFailure?
    var isDown = false
  }

  private let sink: any Sink
  private let spec: EndpointSpec
  private let whenDown: WhenDown
  private let log: SpoolLog
  private let retry: RetryPolicy
  private let stop: StopSignal
  private let onRetry: (Int, RunFailure) -> Void
  private let state = Mutex(State())
  /// Attempts that failed since the last success; the thread's.
  private var failures = 0
  private let news = Semaphore()
  private let isEnding = Atomic<Bool>(false)
  private var thread: WorkerThread?

  /// Bytes that a branch may hold which sheds: a system that is only slow sheds nothing.
  private static let slack = 64 << 20
  private static let readLimit = 4 << 20

  init(
    _ sink: any Sink, _ spec: EndpointSpec, _ whenDown: WhenDown, _ log: SpoolLog, _ retry: RetryPolicy, _ stop: StopSignal,
    onRetry: @escaping @Sendable (Int, RunFailure) -> Void
  ) throws(RunFailure) {
    guard !sink.isDurableAtEnd, sink.keeper == nil else {
      throw RunFailure("sink `\(spec.label)` cannot stand in a branch that may spill; leave `when down` out")
    }
    (self.sink, self.spec, self.whenDown, self.log, self.retry, self.stop, self.onRetry) = (sink, spec, whenDown, log, retry, stop, onRetry)
    thread = WorkerThread { [unowned self] in drain() }
  }

  // MARK: The pipeline's side

  func write(_ buffer: SinkBuffer) throws(RunFailure) -> [Refusal] {
    if case .shed = whenDown, state.withLock({ $0.isDown }) {
      return (0..<buffer.count).map { Refusal(row: $0, message: "`\(spec.label)` is down, and its branch sheds", reason: .shed) }
    }
    for row in 0..<buffer.count { log.append { out in buffer.writeFrame(row, &out) } }
    return []
  }

  func commit() throws(RunFailure) -> [Refusal] {
    if let problem = state.withLock({ $0.problem }) { throw problem }
    try log.sync()
    news.signal()
    let limit = if case .spill(let bytes) = whenDown { Int(clamping: bytes) } else { Self.slack }
    // Events that were refused are routed by the pipeline, which must not wait for them here. What is durable needs no wait at a stop.
    guard log.waiting <= limit || hasNews || stop.isRequested else {
      throw RunFailure("`\(spec.label)` has \(log.waiting) bytes in its spool, which may hold \(limit)", transient: true)
    }
    return []
  }

  var pending: Int { log.pending }
  var waiting: Int { log.waiting + log.pending }

  /// Whether something has come up that the pipeline has to see to.
  var hasNews: Bool { state.withLock { !$0.refused.isEmpty || $0.problem != nil } }

  /// Events that were refused since the last call.
  func takeRefused() -> [Refused] {
    state.withLock { state in
      defer { state.refused = [] }
      return state.refused
    }
  }

  /// What was taken before the last commit is durable where it was routed to.
  func settled() {
    let isNew = state.withLock { state in
      guard state.refused.isEmpty, !state.isSettled else { return false }
      state.isSettled = true
      return true
    }
    if isNew { news.signal() }
  }

  func close(completed: Bool) throws(RunFailure) {
    isEnding.store(true, ordering: .relaxed)
    news.signal()
    thread?.join()
    thread = nil
    try sink.close(completed: completed && log.waiting == 0)
  }

  // MARK: The thread's side

  private func drain() {
    do throws(RunFailure) {
      while !isEnding.load(ordering: .relaxed), !stop.isRequested {
        guard let (frames, end) = try log.read(upTo: Self.readLimit) else {
          _ = news.wait(micros: 100_000)
          continue
        }
        guard let refused = try deliver(frames) else { return }
        if !refused.isEmpty {
          state.withLock { ($0.refused, $0.isSettled) = (refused, false) }
          while !state.withLock({ $0.isSettled }) {
            if isEnding.load(ordering: .relaxed) { return }
            _ = news.wait(micros: 100_000)
          }
        }
        try log.pass(end)
      }
    } catch {
      state.withLock { $0.problem = error }
    }
  }

  /// Hands events to the sink and makes them durable there. What it refused is returned; nil if the stop came first: they are sent again
  /// by the next run.
  private func deliver(_ frames: [[UInt8]]) throws(RunFailure) -> [Refused]? {
    let arena = Arena()
    let buffer = SinkBuffer(spec)
    try buffer.read(frames, arena)
    let early = try sink.write(buffer)
    let gone = Set(early.map(\.row))
    let rows = (0..<buffer.count).filter { !gone.contains($0) }
    let late = try retry.run(spec.label, stop, onRetry: nil) { [self] () throws(RunFailure) -> [Refusal]? in
      if isEnding.load(ordering: .relaxed) { return nil }
      do throws(RunFailure) {
        let late = try sink.commit()
        state.withLock { $0.isDown = false }
        failures = 0
        return late
      } catch {
        state.withLock { $0.isDown = error.isTransient }
        failures += 1
        if error.isTransient { onRetry(failures, error) }
        throw error
      }
    }
    guard case .some(.some(let late)) = late else { return nil }
    let refused = early + late.map { Refusal(row: rows[$0.row], message: $0.message) }
    return refused.sorted { $0.row < $1.row }.map { refusal in
      var out = ByteBuffer(capacity: 256)
      defer { out.release() }
      if let records = buffer.records { out.json(records, refusal.row, JSONOptions()) } else { out.raw(buffer.event(refusal.row)) }
      return Refused(payload: Array(out.bytes), message: refusal.message)
    }
  }
}
