/// The sink of `sink that_pipeline`: its events are the other's input.
final class FeedSink: Sink {
  let target: Pipeline
  /// The step that sends, so that what two steps make of one event is told apart.
  private let step: String
  private var count: UInt64 = 0

  init(_ target: Pipeline, step: String) { (self.target, self.step) = (target, step) }

  func write(_ buffer: SinkBuffer) throws(RunFailure) -> [Refusal] {
    try target.feed(buffer, count, from: step)
    count += UInt64(buffer.count)
    return []
  }

  var pending: Int { target.pending }
  var takesEffectOnWrite: Bool { true }

  func commit() throws(RunFailure) -> [Refusal] {
    try target.commit()
    return []
  }
  var isDurableAtEnd: Bool { target.isDurableAtEnd }
  func close(completed: Bool) throws(RunFailure) {}
}
