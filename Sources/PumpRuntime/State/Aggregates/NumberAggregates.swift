/// `count`: the set counts for all.
final class CountAggregate: Aggregate {
  override var isDefinedForNothing: Bool { true }
  override func finish(_ state: AggregateState, _ count: UInt64, into column: Column, _ row: Int, _ context: Context) {
    column.set(Int64(count), row)
  }
}

/// `any` and `all`: whether one was true, or false.
final class FlagAggregate: Aggregate {
  override var size: Int { 1 }
  override var isDefinedForNothing: Bool { true }
  private var isAll: Bool { spec.function == .all }

  override func add(_ batch: AggregateBatch) {
    let values = argument(batch).pointer(UInt8.self)
    let isAll: UInt8 = self.isAll ? 1 : 0
    each(batch) { state, row in state[0] |= UInt64(values[row] ^ isAll) }
  }
  override func merge(_ other: AggregateState, into state: AggregateState) {
    state[0] |= other[0]
    other[0] = 0
  }
  override func finish(_ state: AggregateState, _ count: UInt64, into column: Column, _ row: Int, _ context: Context) {
    column.set((state[0] == 0) == isAll, row)
  }
  override func release(_ state: AggregateState) { state[0] = 0 }
  override func write(_ state: AggregateState, into buffer: inout ByteBuffer) { buffer.byte(UInt8(state[0])) }
  override func read(_ reader: inout StateReader, _ state: AggregateState) -> Bool {
    guard let flag = reader.byte(), flag <= 1 else { return false }
    state[0] = UInt64(flag)
    return true
  }
}

/// `sum` and `average` of Ints and Durations: 128 bits, which 2^64 values do not pass. The average of Ints is a Decimal, as their quotient would
/// be; that of Durations is rounded half to even to a microsecond.
final class IntSumAggregate: Aggregate {
  override var size: Int { 2 }

  private func sum(_ state: AggregateState) -> Int128 { Int128(Int64(bitPattern: state[1])) << 64 | Int128(state[0]) }

  override func add(_ batch: AggregateBatch) {
    let values = argument(batch).pointer(Int64.self)
    each(batch) { state, row in
      let (low, carry) = state[0].addingReportingOverflow(UInt64(bitPattern: values[row]))
      state[0] = low
      state[1] = state[1] &+ UInt64(bitPattern: values[row] >> 63) &+ (carry ? 1 : 0)
    }
  }
  override func merge(_ other: AggregateState, into state: AggregateState) {
    let total = sum(state) &+ sum(other)
    (state[0], state[1]) = (UInt64(truncatingIfNeeded: total), UInt64(truncatingIfNeeded: total >> 64))
    release(other)
  }
  override func finish(_ state: AggregateState, _ count: UInt64, into column: Column, _ row: Int, _ context: Context) throws(EventFailure) {
    let sum = sum(state)
    if spec.function == .sum {
      guard let value = Int64(exactly: sum) else { throw EventFailure("the sum \(sum) does not fit 64 bits") }
      column.set(value, row)
    } else if column.shape.kind == .decimal {
      // An average lies between its values.
      column.set(Whole(sum).quotient(0, by: count, digits: 18)!, row)
    } else {
      let average = Whole(sum).rounded(by: count)
      column.set(Int64(truncatingIfNeeded: average.short!) * (average.isNegative ? -1 : 1), row)
    }
  }
  override func release(_ state: AggregateState) { (state[0], state[1]) = (0, 0) }
  override func write(_ state: AggregateState, into buffer: inout ByteBuffer) { buffer.state(Whole(sum(state))) }
  override func read(_ reader: inout StateReader, _ state: AggregateState) -> Bool {
    guard let sum = reader.wide() else { return false }
    (state[0], state[1]) = (UInt64(truncatingIfNeeded: sum), UInt64(truncatingIfNeeded: sum >> 64))
    return true
  }
}

/// `sum` and `average` of Decimals.
final class DecimalSumAggregate: Aggregate {
  override var size: Int { DecimalSum.size }

  override func add(_ batch: AggregateBatch) {
    let values = argument(batch).pointer(Decimal.self)
    let memory = self.memory
    each(batch) { state, row in DecimalSum.add(values[row], state, memory) }
  }
  override func merge(_ other: AggregateState, into state: AggregateState) { DecimalSum.merge(other, into: state, memory) }
  override func finish(_ state: AggregateState, _ count: UInt64, into column: Column, _ row: Int, _ context: Context) throws(EventFailure) {
    let result: Decimal?
    if spec.function == .sum {
      result = DecimalSum.result(state)
    } else {
      let (number, scale) = DecimalSum.value(state)
      result = number.quotient(scale, by: count, digits: 18)
    }
    guard let result else { throw EventFailure("the \(spec.function.rawValue) needs more than 38 digits") }
    column.set(result, row)
  }
  override func release(_ state: AggregateState) { DecimalSum.release(state, memory) }
  override func write(_ state: AggregateState, into buffer: inout ByteBuffer) { DecimalSum.write(state, into: &buffer) }
  override func read(_ reader: inout StateReader, _ state: AggregateState) -> Bool { DecimalSum.read(&reader, state, memory) }
}

/// `sum` and `average` of Floats.
final class FloatSumAggregate: Aggregate {
  override var size: Int { ExactSum.size }

  override func add(_ batch: AggregateBatch) {
    let values = argument(batch).pointer(Double.self)
    let memory = self.memory
    each(batch) { state, row in ExactSum.add(values[row], state, memory) }
  }
  override func merge(_ other: AggregateState, into state: AggregateState) { ExactSum.sums.merge(other, into: state, memory) }
  override func finish(_ state: AggregateState, _ count: UInt64, into column: Column, _ row: Int, _ context: Context) throws(EventFailure) {
    guard let result = spec.function == .sum ? ExactSum.sum(state) : ExactSum.average(state, count) else {
      throw EventFailure("the \(spec.function.rawValue) is not a finite number")
    }
    column.set(result, row)
  }
  override func release(_ state: AggregateState) { ExactSum.sums.release(state, memory) }
  override func write(_ state: AggregateState, into buffer: inout ByteBuffer) { ExactSum.sums.write(state, into: &buffer) }
  override func read(_ reader: inout StateReader, _ state: AggregateState) -> Bool { ExactSum.sums.read(&reader, state, memory) }
}
