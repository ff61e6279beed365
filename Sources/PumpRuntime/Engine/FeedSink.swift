/// The sink of `sink that_pipeline`, of a pipeline that reads a stream, or of a join: its events are the other's.
final class FeedSink: Sink {
  let target: Pipeline
  /// Which of those that feed the other this is.
  let number: Int
  /// The step of the other that joins the events; nil where they are its input.
  let join: Int?
  /// Whether the other's lock is held where this is used.
  let isLocked: Bool
  /// The step that sends, so that what two steps make of one event is told apart.
  private let step: String
  private var count: UInt64 = 0

  /// `feeders`: how many feed each pipeline so far.
  init(_ sink: SinkSpec, of pipeline: String, _ target: Pipeline, isLocked: Bool, feeders: inout [String: Int]) {
    (self.target, self.isLocked, step) = (target, isLocked, "\(pipeline) \(sink.step)")
    if case .join(_, let state, _) = sink.target {
      (join, number) = (state, 0)
    } else {
      (join, number) = (nil, feeders[target.spec.id, default: 0])
      feeders[target.spec.id] = number + 1
    }
  }

  func write(_ buffer: SinkBuffer) throws(RunFailure) -> [Refusal] {
    try target.feed(buffer, count, from: step, self)
    count += UInt64(buffer.count)
    return []
  }

  /// No event before this time will come.
  func moved(_ mark: Int64) throws(RunFailure) {
    if isLocked { try target.moved(self, mark) }
  }

  /// All that was there has come.
  func isRead() throws(RunFailure) {
    guard isLocked else { return }
    if let join { try target.flow!.sideIsRead(join) } else { try target.inputIsRead(number) }
  }

  /// No event will come at all.
  func ended() throws(RunFailure) {
    guard isLocked else { return }
    if let join { try target.flow!.finishSide(join) } else { try target.inputEnded(number) }
  }

  var pending: Int { target.pending(isLocked: isLocked) }
  var takesEffectOnWrite: Bool { true }

  func commit() throws(RunFailure) -> [Refusal] {
    // Of a unit all pipelines are committed, this one too.
    if isLocked { if target.unit == nil { try target.commitSinks(); target.settle() } } else { try target.commit() }
    return []
  }
  var isDurableAtEnd: Bool { target.isDurableAtEnd }
  func close(completed: Bool) throws(RunFailure) {}
}
