/// Which of two values is the earlier one: that of the smaller time, then of the smaller order, then the one that was added first.
/// Both are arrays by row; one that is missing is the same for all rows.
public struct Ranks {
  public var times: UnsafePointer<Int64>?
  public var orders: UnsafePointer<Int64>?

  public init(times: UnsafePointer<Int64>? = nil, orders: UnsafePointer<Int64>? = nil) {
    self.times = times
    self.orders = orders
  }

  @inline(__always)
  subscript(row: Int) -> Rank { Rank(time: times?[row] ?? 0, order: orders?[row] ?? 0) }
}

struct Rank: Comparable {
  var time: Int64
  var order: Int64

  @inline(__always)
  static func < (a: Rank, b: Rank) -> Bool { a.time < b.time || (a.time == b.time && a.order < b.order) }
}

/// The words of one aggregate in an entry, zeros before anything was added.
typealias AggregateState = UnsafeMutablePointer<UInt64>

/// Rows that are added, each to the state of its entry.
struct AggregateBatch {
  let states: UnsafeBufferPointer<UnsafeMutablePointer<UInt64>>
  let columns: [Column]
  let rows: Range<Int>
  let ranks: Ranks
}

/// What one aggregate does with its words of each entry. How many values were added, its set counts.
class Aggregate {
  let spec: AggregateSpec
  /// Of the argument; of nothing that means anything where there is none.
  let shape: Shape
  let memory: StateMemory
  /// Where its words are in an entry, and where the number of its values is.
  var place = 0
  var counter = 0

  init(_ spec: AggregateSpec, _ shape: Shape, _ memory: StateMemory) {
    self.spec = spec
    self.shape = shape
    self.memory = memory
  }

  /// Words in an entry.
  var size: Int { 0 }
  /// Whether it gives something where there was no value.
  var isDefinedForNothing: Bool { false }
  /// As a message calls it.
  var name: String { spec.function.rawValue }

  func add(_ batch: AggregateBatch) {}
  /// Adds what another state holds, whose values were added later; it is empty afterwards.
  func merge(_ other: AggregateState, into state: AggregateState) {}
  func finish(_ state: AggregateState, _ count: UInt64, into column: Column, _ row: Int, _ context: Context) throws(EventFailure) {}
  /// Frees what is kept aside and empties the state.
  func release(_ state: AggregateState) {}
  func write(_ state: AggregateState, into buffer: inout ByteBuffer) {}
  /// Reads into an empty state; what was read before damage was found may be left in it.
  func read(_ reader: inout StateReader, _ state: AggregateState) -> Bool { true }

  /// Visits all rows that its condition takes.
  @inline(__always)
  final func each(_ batch: AggregateBatch, _ body: (AggregateState, Int) -> Void) {
    Aggregate.each(batch, spec.condition) { state, row in body(state + place, row) }
  }

  @inline(__always)
  static func each(_ batch: AggregateBatch, _ condition: Int?, _ body: (UnsafeMutablePointer<UInt64>, Int) -> Void) {
    let states = batch.states
    let first = batch.rows.lowerBound
    guard let condition else {
      for index in 0..<batch.rows.count { body(states[index], first + index) }
      return
    }
    let column = batch.columns[condition]
    let flags = column.pointer(Bool.self)
    let valid = column.valid
    for index in 0..<batch.rows.count where flags[first + index] && valid?[first + index] != 0 { body(states[index], first + index) }
  }

  /// The argument's column.
  @inline(__always)
  final func argument(_ batch: AggregateBatch) -> Column { batch.columns[spec.argument!] }

  final var tooMany: EventFailure { EventFailure("more than \(spec.limit ?? 0) values") }
  static let damaged = EventFailure("the state is damaged")
}

extension Shape {
  /// Whether a value is eight bytes.
  var isWord: Bool {
    switch kind {
    case .int, .float, .timestamp, .date, .duration, .size, .enumeration: !isOptional
    default: false
    }
  }
}
