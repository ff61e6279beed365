/// A route that computes one value of one record.
final class Evaluation {
  private let processor: any Processor
  private let outputs: Outputs
  private let buffer: SinkBuffer
  private let batch = Batch()
  private let now: () -> Timestamp

  init(_ processor: any Processor, _ outputs: Outputs, _ buffer: SinkBuffer, _ input: Type, now: @escaping () -> Timestamp) {
    (self.processor, self.outputs, self.buffer, self.now) = (processor, outputs, buffer, now)
    _ = batch.recordColumn(Shape.of(input))
  }

  /// The value, in row 0 of a column that holds until the next call, or why there is none.
  func run(_ fill: (Column, Arena) -> Void) throws(RunFailure) -> Result<Column, EventFailure> {
    batch.clear()
    buffer.clear()
    outputs.clear()
    batch.context.now = now()
    batch.count = 1
    fill(batch.records!, batch.context.arena)
    processor.process(batch, outputs)
    if let broken = outputs.broken { throw broken }
    if let failure = outputs.failures.first { return .failure(EventFailure(failure.message)) }
    return .success(buffer.each[0])
  }
}
