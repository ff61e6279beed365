/// The sink of `sink that_pipeline`: its events are the other's input.
final class FeedSink: Sink, @unchecked Sendable {
  let target: Pipeline
  private var count: UInt64 = 0

  init(_ target: Pipeline) { self.target = target }

  func write(_ buffer: SinkBuffer) throws(RunFailure) -> [Refusal] {
    try target.feed(buffer, count)
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
