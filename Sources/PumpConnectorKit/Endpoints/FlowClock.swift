/// The times of the events of one pipeline: how far each partition has come, which events are late by that, and how far all have.
/// Nothing but events moves it. Used under the pipeline's lock.
///
/// The mark of a partition is the greatest time that it has given, less what an event may be late: an event below it is late,
/// whatever the other partitions did. The flow's mark is the least of all; it never goes back.
package final class FlowClock {
  private struct Partition {
    let id: Int64
    var mark: Int64
    var greatest = Int64.min
    /// It will give no more.
    var isEnded = false
    /// Its source says that nothing is left to read.
    var isDrained = false
  }

  private let late: Int64
  /// Of how far others must be ahead of a partition that gives nothing; nil if it holds them for ever.
  private let idle: Int64?
  private var partitions: [Partition] = []
  /// The place of the one that gave the last event.
  private var last = 0
  private var first: Int64?
  /// No event before it will come, but late ones.
  package private(set) var mark = Int64.min
  /// The source whose partitions are at work: its number stands before theirs.
  package var source: Int32 = 0
  package private(set) var lateCount = 0

  package init(late: Int64, idle: Int64?) { (self.late, self.idle) = (late, idle) }

  private func id(_ partition: Int32) -> Int64 { Int64(source) << 32 | Int64(UInt32(bitPattern: partition)) }

  private func place(_ id: Int64) -> Int {
    if last < partitions.count, partitions[last].id == id { return last }
    if let found = partitions.firstIndex(where: { $0.id == id }) { return found }
    partitions.append(Partition(id: id, mark: mark))
    return partitions.count - 1
  }

  /// Whether an event of this time is not late. Its partition has come so far by it.
  package func admit(_ time: Int64, _ partition: Int32) -> Bool {
    last = place(id(partition))
    // One that wakes begins where the flow is.
    if partitions[last].isDrained {
      partitions[last].isDrained = false
      partitions[last].mark = max(partitions[last].mark, mark)
    }
    guard time >= partitions[last].mark else {
      lateCount += 1
      return false
    }
    if first == nil { first = time }
    if time > partitions[last].greatest {
      partitions[last].greatest = time
      partitions[last].mark = max(partitions[last].mark, time.subtractingReportingOverflow(late).overflow ? .min : time - late)
    }
    return true
  }

  package func complaint(_ time: Timestamp, _ partition: Int32) -> String {
    let mark = partitions[place(id(partition))].mark
    return "late: \(time.text) is before \(Timestamp(mark).text), up to where its partition has come"
  }

  /// How far it has come, for the next run.
  package var numbers: [Int64] { [mark, first ?? .min] + partitions.flatMap { [$0.id, $0.mark, $0.greatest] } }

  /// The same again, of these numbers.
  package func restore(_ numbers: [Int64]) -> Bool {
    guard numbers.count >= 2, numbers.count % 3 == 2 else { return false }
    mark = numbers[0]
    first = numbers[1] == .min ? nil : numbers[1]
    for start in stride(from: 2, to: numbers.count, by: 3) {
      let place = place(numbers[start])
      (partitions[place].mark, partitions[place].greatest) = (numbers[start + 1], numbers[start + 2])
    }
    return true
  }

  /// A partition that is there, though it has given nothing yet.
  package func join(_ partition: Int32) { _ = place(id(partition)) }

  /// The partitions that the source at work reads from now on: others of it hold the flow no more, and those that come begin where the
  /// flow is.
  package func assign(_ numbers: [Int32]) {
    let ids = Set(numbers.map(id))
    for place in partitions.indices where partitions[place].id >> 32 == Int64(source) && !ids.contains(partitions[place].id) {
      partitions[place].isEnded = true
    }
    for number in numbers {
      let place = place(id(number))
      guard partitions[place].isEnded else { continue }
      partitions[place].isEnded = false
      partitions[place].mark = max(partitions[place].mark, mark)
    }
  }

  /// Its source says that nothing is left to read of it now.
  package func drained(_ partition: Int32) { partitions[place(id(partition))].isDrained = true }

  /// The source at work will give no more.
  package func ended() {
    for place in partitions.indices where partitions[place].id >> 32 == Int64(source) { partitions[place].isEnded = true }
  }

  /// Moves the flow's mark to the least of all that hold it; whether it went on is returned.
  package func advance() -> Bool {
    var least = Int64.max
    for partition in partitions where !partition.isEnded && !isPassed(partition) { least = min(least, partition.mark) }
    guard least != .max, least > mark else { return false }
    mark = least
    return true
  }

  /// The time of the newest event; nil where none has come.
  package var newest: Int64? { partitions.map(\.greatest).max().flatMap { $0 == .min ? nil : $0 } }
  /// Partitions that do not hold the flow, though they have not ended.
  package var idleCount: Int { partitions.count { !$0.isEnded && isPassed($0) } }

  private func isPassed(_ partition: Partition) -> Bool {
    guard let idle, partition.isDrained else { return false }
    let from = partition.greatest == .min ? first ?? .max : partition.greatest
    return partitions.contains { $0.id != partition.id && $0.greatest != .min && $0.greatest.subtractingSaturated(from) > idle }
  }
}

extension Int64 {
  fileprivate func subtractingSaturated(_ other: Int64) -> Int64 {
    let (difference, isOver) = subtractingReportingOverflow(other)
    return isOver ? (self > other ? .max : .min) : difference
  }
}
