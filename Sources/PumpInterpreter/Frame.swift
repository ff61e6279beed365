import PumpRuntime

/// Rows that an operation works on.
typealias Selection = UnsafeBufferPointer<Int32>

/// The state of one slice of a batch, or of a lambda's elements, while expressions are evaluated over columns.
final class Frame {
  /// Rows of the columns; selections name rows below it.
  var rows = 0
  let context: Context
  var batch: Batch
  /// For each row the event of the batch that it came from.
  var origins: [Int32] = []
  /// For each row when its event was; empty where they have no times.
  var times: [Int64] = []
  /// For each row the record of that event, where it was cut into some; else empty.
  var records: [Record] = []
  /// For each row which element it is of the list that its event was expanded by; nil where none was.
  var elements: Elements?
  struct Elements {
    let index: [Int]
    let json: (Int) -> String
    func part(_ row: Int) -> (index: Int, json: String?) { (index[row], json(row)) }
  }
  private(set) var failures: [(row: Int32, message: String)] = []
  private var failed: [Bool] = []
  /// Blocks of this frame's own; selections in them hold until the next reset.
  private var memory: [UnsafeMutablePointer<Int32>] = []
  private var used = 0

  init(_ context: Context, _ batch: Batch) {
    self.context = context
    self.batch = batch
  }

  deinit { for block in memory { block.deallocate() } }

  static let sliceSize = 1024

  func reset(rows: Int) {
    self.rows = rows
    used = 0
    if !failures.isEmpty { failures.removeAll(keepingCapacity: true) }
    if failed.count < rows { failed = [Bool](repeating: false, count: max(rows, Self.sliceSize)) }
  }

  /// Room for a selection, until the next reset.
  func allocate(_ count: Int) -> UnsafeMutablePointer<Int32> {
    if count > Self.sliceSize {
      let block = UnsafeMutablePointer<Int32>.allocate(capacity: count)
      memory.append(block)
      memory.swapAt(memory.count - 1, used)
      used += 1
      return block
    }
    if used == memory.count { memory.append(.allocate(capacity: Self.sliceSize)) }
    used += 1
    return memory[used - 1]
  }

  func all() -> Selection {
    let base = allocate(rows)
    for row in 0..<rows { base[row] = Int32(truncatingIfNeeded: row) }
    return Selection(start: base, count: rows)
  }

  /// The first failure of a row counts.
  func fail(_ row: Int32, _ message: String) {
    guard !failed[Int(row)] else { return }
    failed[Int(row)] = true
    failures.append((row, message))
  }

  var failureCount: Int { failures.count }

  /// The rows that have not failed since the count was taken.
  func live(_ selection: Selection, since count: Int) -> Selection {
    if failures.count == count { return selection }
    let base = allocate(selection.count)
    var kept = 0
    for row in selection where !failed[Int(row)] {
      base[kept] = row
      kept += 1
    }
    return Selection(start: base, count: kept)
  }

  /// Sends the failed rows of a step to the error route.
  func report(_ step: Int, _ out: Outputs) {
    guard failureCount > 0 else { return }
    for failure in takeFailures() {
      let row = Int(failure.row)
      out.fail(Int(origins[row]), step, failure.message, records.isEmpty ? nil : records[row], elements?.part(row))
    }
  }

  /// Gives the failures away and forgets them.
  func takeFailures() -> [(row: Int32, message: String)] {
    defer {
      for failure in failures { failed[Int(failure.row)] = false }
      failures.removeAll(keepingCapacity: true)
    }
    return failures
  }

  /// Forgets failures beyond a count, as `try` does; their rows are returned.
  func forgive(since count: Int) -> [Int32] {
    let rows = failures[count...].map(\.row)
    for row in rows { failed[Int(row)] = false }
    failures.removeSubrange(count...)
    return rows
  }

  /// Splits a selection by a column of Bool.
  func split(_ selection: Selection, by column: Column) -> (yes: Selection, no: Selection) {
    let flags = column.pointer(Bool.self)
    let yes = allocate(selection.count)
    let no = allocate(selection.count)
    var taken = 0
    var left = 0
    for row in selection {
      let flag = flags[Int(row)]
      yes[taken] = row
      no[left] = row
      taken += flag ? 1 : 0
      left += flag ? 0 : 1
    }
    return (Selection(start: yes, count: taken), Selection(start: no, count: left))
  }

  func split(_ selection: Selection, byNull column: Column) -> (null: Selection, some: Selection) {
    let null = allocate(selection.count)
    let some = allocate(selection.count)
    var nulls = 0
    var others = 0
    for row in selection {
      if column.isNull(Int(row)) {
        null[nulls] = row
        nulls += 1
      } else {
        some[others] = row
        others += 1
      }
    }
    return (Selection(start: null, count: nulls), Selection(start: some, count: others))
  }
}

/// One operation of an expression's program: it fills its register, a column, for the selected rows.
final class Node {
  let column: Column
  /// Returns the rows that did not fail.
  let run: (Frame, Selection) -> Selection

  init(_ column: Column, _ run: @escaping (Frame, Selection) -> Selection) {
    self.column = column
    self.run = run
  }

  /// A register that is filled elsewhere.
  convenience init(filled column: Column) { self.init(column) { _, selection in selection } }
}
