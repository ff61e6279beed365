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
      tell(failures)
      for (failure, _) in failures.prefix(5) {
        logger.warning(
          "skipped an event that failed in `\(spec.stage(failure))`: \(failure.message) (\(Shape.clean(spec.place(failure).description)))",
          pipeline: spec.id)
      }
      if failures.count > 5 { logger.warning("skipped \(failures.count - 5) more", pipeline: spec.id) }
      return false
    case .route: tell(failures)
    }
    fill(failures, now)
    let failed = outputs.failures.count
    // A pipeline that routes its failures has a chain for them, and the batch has the column from `init`.
    processor!.process(batch, outputs)
    if let broken = outputs.broken { throw broken }
    if outputs.failures.count > failed { throw spec.routeFailed(outputs.failures[failed]) }
    return true
  }

  /// Tells the sources, where they want to know.
  private func tell(_ failures: [SinkSet.Late]) {
    for (failure, from) in failures { from.failed?(failure.row, spec.reason(failure), failure.message) }
  }

  private func fill(_ failures: [SinkSet.Late], _ now: Timestamp) {
    let records = batch.records!
    batch.clear()
    batch.context.now = now
    let arena = batch.context.arena
    for (row, (failure, from)) in failures.enumerated() {
      records.setPresent(row)
      func field(_ name: String) -> Column { records.children[records.shape.field(name)!] }
      field("message").set(arena.copy(failure.message), row)
      field("reason").set(Int64(FailureReason.allCases.firstIndex(of: spec.reason(failure))!), row)
      field("stage").set(arena.copy(spec.stage(failure)), row)
      field("place").set(arena.copy(Shape.clean(spec.place(failure).short)), row)
      field("payload").set(failure.payload?.bytes ?? failure.record?.text ?? from.payload(failure.row), row)
      if let json = failure.element?.json { field("element").set(arena.copy(json), row) } else { field("element").setNull(row) }
      if let index = failure.element?.index { field("index").set(Int64(index), row) } else { field("index").setNull(row) }
      field("meta").set(arena.copy(Self.meta(failure, from)), row)
      field("attempts").set(Int64(failure.attempts), row)
      field("at").set(from.context.now, row)
    }
    batch.count = failures.count
  }

  /// What is said of an event: by its source, and where it is a record of a stream, its number and header.
  private static func meta(_ failure: Failure, _ from: Batch) -> String {
    if let payload = failure.payload { return payload.meta }
    var members = from.describe(failure.row).dropFirst().dropLast()
    func add(_ name: String, _ json: String) { members += "\(members.isEmpty ? "" : ",")\"\(name)\":\(json)" }
    if let number = failure.record?.number { add("record", "\(number)") }
    if let header = failure.record?.header ?? from.header { add("header", JSONLiteral.quoted(header.text.string)) }
    return "{\(members)}"
  }
}

extension PipelineSpec {
  /// The name of the step in which an event failed.
  func stage(_ failure: Failure) -> String { failure.step < 0 ? "source" : stages[failure.step].name }

  func reason(_ failure: Failure) -> FailureReason {
    failure.reason ?? (failure.step < 0 ? .decode : stages[failure.step].reason)
  }

  /// Where the step stands in the spec. Of several sources it is not known which one failed.
  func place(_ failure: Failure) -> Place {
    failure.step >= 0 ? stages[failure.step].place : sources.count == 1 ? sources[0].place : place
  }

  /// The same as a line below a message.
  func arrow(_ failure: Failure) -> String { "\n  --> \(Shape.clean(place(failure).description))" }

  func routeFailed(_ failure: Failure) -> RunFailure {
    RunFailure("the error route failed in `\(stage(failure))`: \(failure.message)\(arrow(failure))")
  }
}
