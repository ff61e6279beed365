/// How far the events of a pipeline have come, as the log of its unit has it.
struct FlowState {
  struct Step {
    /// How many events it gave.
    var given: UInt64
    /// How far its events have come, and those of the stream that it joins.
    var mark: Int64
    var sideMark: Int64
  }
  /// How far each pipeline that feeds it has come.
  var feederMarks: [Int64]
  /// Of each partition of each source, how many events it gave.
  var given: [Int64: Int64]
  var steps: [Step]
  /// What its clock keeps; empty where it has none.
  var clock: [Int64]

  init(feederMarks: [Int64], given: [Int64: Int64], steps: [Step], clock: [Int64]) {
    (self.feederMarks, self.given, self.steps, self.clock) = (feederMarks, given, steps, clock)
  }

  /// Nil where the bytes are damaged.
  init?(_ bytes: UnsafeBufferPointer<UInt8>) {
    var reader = Plain(bytes)
    func list() -> [Int64]? {
      guard let count = reader.number(Int64.self), count >= 0, count <= bytes.count / 8 else { return nil }
      let numbers = (0..<count).compactMap { _ in reader.number(Int64.self) }
      return numbers.count == count ? numbers : nil
    }
    guard let marks = list(), let pairs = list(), let numbers = list(), pairs.count % 2 == 0, numbers.count % 3 == 0 else { return nil }
    feederMarks = marks
    given = [:]
    for place in stride(from: 0, to: pairs.count, by: 2) { given[pairs[place]] = pairs[place + 1] }
    steps = stride(from: 0, to: numbers.count, by: 3).map { place in
      Step(given: UInt64(bitPattern: numbers[place]), mark: numbers[place + 1], sideMark: numbers[place + 2])
    }
    clock = []
    while let number = reader.number(Int64.self) { clock.append(number) }
  }

  func write(into out: inout ByteBuffer) {
    func list(_ numbers: [Int64]) {
      out.plain(Int64(numbers.count))
      for number in numbers { out.plain(number) }
    }
    list(feederMarks)
    list(given.sorted { $0.key < $1.key }.flatMap { [$0.key, $0.value] })
    list(steps.flatMap { [Int64(bitPattern: $0.given), $0.mark, $0.sideMark] })
    for number in clock { out.plain(number) }
  }
}
