/// `variance` and `stddev` of a sample: null of one value.
class VarianceAggregate: Aggregate {
  final override var name: String { spec.function == .stddev ? "standard deviation" : "variance" }

  func variance(_ state: AggregateState, _ count: UInt64, root: Bool) -> Double? { nil }

  final override func finish(
    _ state: AggregateState, _ count: UInt64, into column: Column, _ row: Int, _ context: Context
  ) throws(EventFailure) {
    if count < 2 { return column.setNull(row) }
    guard let result = variance(state, count, root: spec.function == .stddev) else {
      throw EventFailure("the \(name) is not a finite number")
    }
    column.set(result, row)
  }
}

/// Of Floats: exact sums of them and of their squares.
final class FloatVarianceAggregate: VarianceAggregate {
  override var size: Int { ExactSum.size + ExactSum.squares.size }

  override func add(_ batch: AggregateBatch) {
    let values = argument(batch).pointer(Double.self)
    let memory = self.memory
    each(batch) { state, row in
      ExactSum.add(values[row], state, memory)
      ExactSum.addSquare(values[row], state + ExactSum.size, memory)
    }
  }
  override func merge(_ other: AggregateState, into state: AggregateState) {
    ExactSum.sums.merge(other, into: state, memory)
    ExactSum.squares.merge(other + ExactSum.size, into: state + ExactSum.size, memory)
  }
  override func variance(_ state: AggregateState, _ count: UInt64, root: Bool) -> Double? {
    ExactSum.variance(state, state + ExactSum.size, count, root: root)
  }
  override func release(_ state: AggregateState) {
    ExactSum.sums.release(state, memory)
    ExactSum.squares.release(state + ExactSum.size, memory)
  }
  override func write(_ state: AggregateState, into buffer: inout ByteBuffer) {
    ExactSum.sums.write(state, into: &buffer)
    ExactSum.squares.write(state + ExactSum.size, into: &buffer)
  }
  override func read(_ reader: inout StateReader, _ state: AggregateState) -> Bool {
    ExactSum.sums.read(&reader, state, memory) && ExactSum.squares.read(&reader, state + ExactSum.size, memory)
  }
}

/// Of Ints and Decimals.
final class DecimalVarianceAggregate: VarianceAggregate {
  override var size: Int { DecimalSquares.size }

  override func add(_ batch: AggregateBatch) {
    let column = argument(batch)
    let memory = self.memory
    if column.shape.kind == .decimal {
      let values = column.pointer(Decimal.self)
      each(batch) { state, row in DecimalSquares.add(values[row], state, memory) }
    } else {
      let values = column.pointer(Int64.self)
      each(batch) { state, row in DecimalSquares.add(Decimal(values[row]), state, memory) }
    }
  }
  override func merge(_ other: AggregateState, into state: AggregateState) { DecimalSquares.merge(other, into: state, memory) }
  override func variance(_ state: AggregateState, _ count: UInt64, root: Bool) -> Double? {
    DecimalSquares.variance(state, count, root: root)
  }
  override func release(_ state: AggregateState) { DecimalSquares.release(state, memory) }
  override func write(_ state: AggregateState, into buffer: inout ByteBuffer) { DecimalSquares.write(state, into: &buffer) }
  override func read(_ reader: inout StateReader, _ state: AggregateState) -> Bool { DecimalSquares.read(&reader, state, memory) }
}
