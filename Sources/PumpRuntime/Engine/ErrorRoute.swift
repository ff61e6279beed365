/// What a pipeline does with events that fail: it halts, skips them, or sends them through the chain of `on error`. Used
/// under the pipeline's lock.
final class ErrorRoute {
  private let spec: PipelineSpec
  private let processor: (any Processor)?
  private let logger: Logger
  /// The failures as events of the chain.
  let batch = Batch()

  init(_ spec: PipelineSpec, _ processor: (any Processor)?, _ logger: Logger) {
    self.spec = spec
    self.processor = processor
    self.logger = logger
    batch.records = Column(.failure)
  }

  /// Runs the chain over the failures; false if there is none. What the chain sends lies in `outputs` then.
  func process(_ failures: [SinkSet.Late], _ outputs: Outputs, now: Timestamp) throws(RunFailure) -> Bool {
    switch spec.onError {
    case .halt:
      let first = failures[0].failure
      throw RunFailure(
        "an event failed in `\(spec.stage(first))`: \(first.message); `on error` says what to do with such events\(spec.arrow(first))")
    case .skip:
      for (failure, _) in failures.prefix(5) {
        logger.warning(
          "skipped an event that failed in `\(spec.stage(failure))`: \(failure.message)\(spec.place(failure).map { " (\($0))" } ?? "")",
          pipeline: spec.id)
      }
      if failures.count > 5 { logger.warning("skipped \(failures.count - 5) more", pipeline: spec.id) }
      return false
    case .route: break
    }
    fill(failures, now)
    let failed = outputs.failures.count
    // A pipeline that routes its failures has a chain for them, and the batch has the column from `init`.
    processor!.process(batch, outputs)
    if let broken = outputs.broken { throw broken }
    if outputs.failures.count > failed { throw spec.routeFailed(outputs.failures[failed]) }
    return true
  }

  private func fill(_ failures: [SinkSet.Late], _ now: Timestamp) {
    let records = batch.records!
    batch.clear()
    batch.context.now = now
    let arena = batch.context.arena
    for (row, (failure, from)) in failures.enumerated() {
      records.setPresent(row)
      records.children[0].set(arena.copy(failure.message), row)
      records.children[1].set(arena.copy(spec.stage(failure)), row)
      records.children[2].set(failure.payload?.bytes ?? failure.record?.text ?? from.payload(failure.row), row)
      records.children[3].set(arena.copy(failure.payload?.meta ?? Self.meta(from.describe(failure.row), failure.record)), row)
      records.children[4].set(Int64(1), row)
      records.children[5].set(from.context.now, row)
    }
    batch.count = failures.count
  }

  /// What is said of an event, with the number of the record within it.
  private static func meta(_ json: String, _ record: Record?) -> String {
    guard let record else { return json }
    return "\(json.dropLast())\(json == "{}" ? "" : ",")\"record\":\(record.number)}"
  }
}

extension PipelineSpec {
  /// The name of the step in which an event failed.
  func stage(_ failure: Failure) -> String { failure.step < 0 ? "source" : stages[failure.step].name }

  /// Where the step stands in the spec; a source's failures have no step.
  func place(_ failure: Failure) -> String? {
    stages.indices.contains(failure.step) ? Shape.clean("\(stages[failure.step].place)") : nil
  }

  /// The same as a line below a message.
  func arrow(_ failure: Failure) -> String { place(failure).map { "\n  --> \($0)" } ?? "" }

  func routeFailed(_ failure: Failure) -> RunFailure {
    RunFailure("the error route failed in `\(stage(failure))`: \(failure.message)\(arrow(failure))")
  }
}
