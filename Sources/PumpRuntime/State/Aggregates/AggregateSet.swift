/// The aggregates of a step over the states of its entries. A state is some words, zeros for an entry that is new; what does not fit
/// them is kept aside, in memory that this object owns. One thread has it at a time, with all states that it wrote to.
///
/// Results follow from the values and their ranks alone: neither the order of adding nor that of merging shows, but where
/// two values have equal ranks.
public final class AggregateSet {
  /// Words that an entry needs.
  public let words: Int
  private let aggregates: [Aggregate]
  private let memory = StateMemory()
  /// Conditions that values are counted under, each in the word of its place.
  private let conditions: [Int?]
  /// What `touch` read: it must be of use to be done.
  private var touched: UInt64 = 0

  public init(_ specs: [AggregateSpec]) {
    var conditions: [Int?] = []
    let memory = self.memory
    aggregates = specs.map { spec in
      let aggregate = AggregateSet.make(spec, memory)
      if let place = conditions.firstIndex(of: spec.condition) {
        aggregate.counter = place
      } else {
        aggregate.counter = conditions.count
        conditions.append(spec.condition)
      }
      return aggregate
    }
    self.conditions = conditions
    var place = conditions.count
    for aggregate in aggregates {
      aggregate.place = place
      place += aggregate.size
    }
    words = place
  }

  private static func make(_ spec: AggregateSpec, _ memory: StateMemory) -> Aggregate {
    let shape = spec.argumentType.map { Shape.of($0) } ?? .bool
    switch spec.function {
    case .count: return CountAggregate(spec, shape, memory)
    case .any, .all: return FlagAggregate(spec, shape, memory)
    case .sum, .average:
      switch shape.kind {
      case .float: return FloatSumAggregate(spec, shape, memory)
      case .decimal: return DecimalSumAggregate(spec, shape, memory)
      default: return IntSumAggregate(spec, shape, memory)
      }
    case .stddev, .variance:
      return shape.kind == .float ? FloatVarianceAggregate(spec, shape, memory) : DecimalVarianceAggregate(spec, shape, memory)
    case .min, .max:
      if shape.isWord { return WordBoundAggregate(spec, shape, memory) }
      return shape.kind == .decimal && !shape.isOptional
        ? DecimalBoundAggregate(spec, shape, memory) : KeyBoundAggregate(spec, shape, memory)
    case .first, .last: return shape.isWord ? WordEndAggregate(spec, shape, memory) : ItemAggregate(spec, shape, memory)
    case .minBy, .maxBy: return ItemAggregate(spec, shape, memory)
    case .top: return TopAggregate(spec, shape, memory)
    case .list: return ListAggregate(spec, shape, memory)
    case .median, .quantile: return QuantileAggregate(spec, shape, memory)
    case .distinct: return DistinctAggregate(spec, shape, memory)
    case .approxDistinct: return ApproxDistinctAggregate(spec, shape, memory)
    }
  }

  /// Memory that is held beside the states, in bytes.
  public var bytes: Int { memory.bytes }

  /// Adds rows of the columns in which the specs say their places, each to the state of its entry: `states[i]` is that of the `i`th row.
  public func add(
    _ states: UnsafeBufferPointer<UnsafeMutablePointer<UInt64>>, _ columns: [Column], _ rows: Range<Int>, _ ranks: Ranks
  ) {
    let batch = AggregateBatch(states: states, columns: columns, rows: rows, ranks: ranks)
    touch(states)
    for (place, condition) in conditions.enumerated() { Aggregate.each(batch, condition) { state, _ in state[place] &+= 1 } }
    for aggregate in aggregates { aggregate.add(batch) }
  }

  /// Reads the ends of states, as counting reads their beginnings: then the processor has waited for all of them at once, where
  /// adding would wait for a few at a time.
  private func touch(_ states: UnsafeBufferPointer<UnsafeMutablePointer<UInt64>>) {
    guard words > 1 else { return }
    var sum: UInt64 = 0
    for state in states { sum &+= state[words - 1] }
    touched = sum
  }

  /// Adds what another state holds; its values are the later ones where ranks are equal. It is empty afterwards.
  public func merge(_ from: UnsafeMutablePointer<UInt64>, into: UnsafeMutablePointer<UInt64>) {
    for place in conditions.indices {
      into[place] &+= from[place]
      from[place] = 0
    }
    for aggregate in aggregates { aggregate.merge(from + aggregate.place, into: into + aggregate.place) }
  }

  /// Writes the result of an aggregate to a row; the state stays as it is. Fails where the result is no value of its type, or more values
  /// than the limit would have to be kept.
  public func finish(
    _ state: UnsafeMutablePointer<UInt64>, _ aggregate: Int, into column: Column, _ row: Int, _ context: Context
  ) throws(EventFailure) {
    let aggregate = aggregates[aggregate]
    let count = state[aggregate.counter]
    if count == 0, !aggregate.isDefinedForNothing || aggregate.spec.result.isOptional {
      guard aggregate.spec.result.isOptional else { throw EventFailure("there is no value for \(aggregate.name)") }
      return column.setNull(row)
    }
    try aggregate.finish(state + aggregate.place, count, into: column, row, context)
  }

  /// Frees what a state keeps aside; it is empty afterwards.
  public func release(_ state: UnsafeMutablePointer<UInt64>) {
    for place in conditions.indices { state[place] = 0 }
    for aggregate in aggregates { aggregate.release(state + aggregate.place) }
  }

  /// Frees what all states keep aside, at once. They must not be used again unless their words are zeros.
  public func releaseAll() { memory.removeAll() }

  /// Appends a state as bytes.
  public func write(_ state: UnsafeMutablePointer<UInt64>, into buffer: inout ByteBuffer) {
    for place in conditions.indices { buffer.state(state[place]) }
    for aggregate in aggregates { aggregate.write(state + aggregate.place, into: &buffer) }
  }

  /// Reads what `write` wrote, of the same specs, into an empty state. False if the bytes are damaged; the state is empty then.
  public func read(_ bytes: UnsafeBufferPointer<UInt8>, into state: UnsafeMutablePointer<UInt64>) -> Bool {
    var reader = StateReader(bytes)
    func all() -> Bool {
      for place in conditions.indices {
        guard let count = reader.number(), count < 1 << 62 else { return false }
        state[place] = count
      }
      for aggregate in aggregates where !aggregate.read(&reader, state + aggregate.place) { return false }
      return reader.isAtEnd
    }
    if all() { return true }
    release(state)
    return false
  }
}
