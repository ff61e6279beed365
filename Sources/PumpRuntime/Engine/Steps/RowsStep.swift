/// `group … window rows`: a result of each so many events of a key, in their order; sooner where it has been open for so long.
///
/// The newest event is the clock: a window is open from then on, and what is over is given before the next event is taken, by end, then
/// key. A full window has the time of the clock, one that is over its own last moment; so none lies before the flow's mark.
final class RowsStep: StateStep {
  private let most: Int
  private let within: Int64?
  private let results: Results
  /// The state of a key: how many events, since when it is open, and the aggregates.
  private let table: StateTable
  /// The time of the newest event.
  private var newest = Int64.min
  private var isNewer = false
  private var key = ByteBuffer(capacity: 256)
  private var due = Heap<Due>()
  /// Of each entry the number of its window; another one stands there once that is closed.
  private var opened: [UInt64] = []
  private var windows: UInt64 = 0
  private var dirty = Dirty()

  private struct Due: HeapItem {
    let time: Int64
    let window: UInt64
    let entry: Int32
    static func < (a: Due, b: Due) -> Bool { a.time < b.time }
  }

  init(
    _ spec: StateSpec, _ number: Int, _ emitter: Emitter, _ constants: Constants, count: SettingValue, within: SettingValue?,
    _ aggregates: [AggregateSpec]
  ) {
    most = max(1, Int(constants.number(count)))
    self.within = within.map { constants.number($0) }
    results = Results(spec, emitter, aggregates, hasBounds: false)
    table = StateTable(words: 2 + results.words)
    super.init(spec, number, emitter, constants)
  }

  deinit {
    table.forEach { results.aggregates.release(table.state($0) + 2) }
    key.release()
  }

  override var keys: Int { table.count }
  override var bytes: Int { table.bytes + results.aggregates.bytes }

  override func take(_ input: SinkBuffer, _ batch: Batch) throws(RunFailure) {
    for row in 0..<input.count {
      let time = input.times[row]
      if time > newest {
        (newest, isNewer) = (time, true)
        try advance(newest)
      }
      key.count = 0
      results.codec.pack(input.each, row, into: &key)
      if table.count >= limit, table.find(key.bytes) < 0 {
        failBeyondLimit(input, row, "keys")
        continue
      }
      let entry = table.insert(key.bytes).entry
      let state = table.state(entry)
      if state[0] == 0 {
        state[1] = UInt64(bitPattern: newest)
        open(entry, newest)
      }
      state[0] += 1
      if isDurable { dirty.note(key.bytes) }
      let aggregates = state + 2
      withUnsafePointer(to: aggregates) { results.aggregates.add(UnsafeBufferPointer(start: $0, count: 1), input, row..<row + 1) }
      if state[0] >= most { try close(entry, newest) }
    }
  }

  private func open(_ entry: Int32, _ time: Int64) {
    windows += 1
    while opened.count <= Int(entry) { opened.append(0) }
    opened[Int(entry)] = windows
    if let within { due.push(Due(time: time + within, window: windows, entry: entry)) }
  }

  private func close(_ entry: Int32, _ time: Int64) throws(RunFailure) {
    let state = table.state(entry)
    if isDurable { dirty.note(table.key(entry)) }
    try results.give(table.key(entry), 0, 0, state + 2, time: time, order: 0)
    results.aggregates.release(state + 2)
    opened[Int(entry)] = 0
    table.remove(entry)
  }

  override func advance(_ mark: Int64) throws(RunFailure) {
    while let first = due.first, first.time <= mark {
      var over: [Int32] = []
      while let next = due.first, next.time == first.time {
        due.pop()
        // The window may be full since then, and another one under way.
        if opened[Int(next.entry)] == next.window { over.append(next.entry) }
      }
      for entry in table.sorted(over) { try close(entry, first.time - 1) }
    }
  }

  override func finish() throws(RunFailure) {
    try advance(.max)
    for entry in table.sorted() { try close(entry, newest) }
    end()
  }

  // MARK: On disk

  private func write(_ entry: Int32, into out: inout ByteBuffer) {
    let state = table.state(entry)
    for word in 0..<2 { out.plain(state[word]) }
    results.aggregates.write(state + 2, into: &out)
  }

  private func writeNewest(_ out: inout Changes) {
    out.put(1, []) { $0.plain(UInt64(bitPattern: newest)) }
    isNewer = false
  }

  override func writeChanges(_ out: inout Changes) {
    if isNewer { writeNewest(&out) }
    for key in dirty.take() {
      let entry = key.withUnsafeBufferPointer { table.find($0) }
      if entry >= 0 { out.put(0, key) { write(entry, into: &$0) } } else { out.drop(0, key) }
    }
  }

  override func writeAll(_ out: inout Changes) {
    _ = dirty.take()
    writeNewest(&out)
    table.forEach { entry in out.put(0, table.key(entry)) { write(entry, into: &$0) } }
  }

  override func restore(_ table: UInt8, _ key: UnsafeBufferPointer<UInt8>, _ value: UnsafeBufferPointer<UInt8>) -> Bool {
    var reader = Plain(value)
    if table == 1 {
      guard let time = reader.number(UInt64.self) else { return false }
      newest = Int64(bitPattern: time)
      return true
    }
    restoreDrop(table, key, isPrefix: false)
    let entry = self.table.insert(key).entry
    let state = self.table.state(entry)
    for word in 0..<2 {
      guard let number = reader.number(UInt64.self) else { return false }
      state[word] = number
    }
    open(entry, Int64(bitPattern: state[1]))
    return results.aggregates.read(reader.rest, into: state + 2)
  }

  override func restoreDrop(_ table: UInt8, _ key: UnsafeBufferPointer<UInt8>, isPrefix: Bool) {
    let entry = self.table.find(key)
    guard entry >= 0 else { return }
    results.aggregates.release(self.table.state(entry) + 2)
    opened[Int(entry)] = 0
    self.table.remove(entry)
  }
}
