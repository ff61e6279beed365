/// `group … window rows`: a result of each so many events of a key, in their order; sooner where the first of them is so long ago.
final class RowsStep: StateStep {
  private let most: Int
  private let within: Int64?
  private let results: Results
  /// The state of a key: how many events, when the first was and the last, and the aggregates.
  private let table: StateTable
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
    static func < (a: Due, b: Due) -> Bool { (a.time, a.entry) < (b.time, b.entry) }
  }

  init(
    _ spec: StateSpec, _ number: Int, _ emitter: Emitter, _ constants: Constants, count: SettingValue, within: SettingValue?,
    _ aggregates: [AggregateSpec]
  ) {
    most = max(1, Int(constants.number(count)))
    self.within = within.map { constants.number($0) }
    results = Results(spec, emitter, aggregates, hasBounds: false)
    table = StateTable(words: 3 + results.words)
    super.init(spec, number, emitter, constants)
  }

  deinit {
    table.forEach { results.aggregates.release(table.state($0) + 3) }
    key.release()
  }

  override var keys: Int { table.count }
  override var bytes: Int { table.bytes + results.aggregates.bytes }

  override func take(_ input: SinkBuffer, _ batch: Batch) throws(RunFailure) {
    for row in 0..<input.count {
      let time = input.times[row]
      key.count = 0
      results.codec.pack(input.each, row, into: &key)
      if table.count >= limit, table.find(key.bytes) < 0 {
        failBeyondLimit(input, row, "keys")
        continue
      }
      var (entry, _) = table.insert(key.bytes)
      var state = table.state(entry)
      // One that is too far from the first begins a window of its own.
      if let within, state[0] > 0, time - Int64(bitPattern: state[1]) >= within {
        try close(entry)
        (entry, _) = table.insert(key.bytes)
        state = table.state(entry)
      }
      if state[0] == 0 {
        state[1] = UInt64(bitPattern: time)
        state[2] = UInt64(bitPattern: time)
        open(entry, time)
      }
      state[0] += 1
      state[2] = UInt64(bitPattern: max(Int64(bitPattern: state[2]), time))
      if isDurable { dirty.note(key.bytes) }
      let aggregates = state + 3
      withUnsafePointer(to: aggregates) { results.aggregates.add(UnsafeBufferPointer(start: $0, count: 1), input, row..<row + 1) }
      if state[0] >= most { try close(entry) }
    }
  }

  private func open(_ entry: Int32, _ time: Int64) {
    windows += 1
    while opened.count <= Int(entry) { opened.append(0) }
    opened[Int(entry)] = windows
    if let within { due.push(Due(time: time + within, window: windows, entry: entry)) }
  }

  private func close(_ entry: Int32) throws(RunFailure) {
    let state = table.state(entry)
    if isDurable { dirty.note(table.key(entry)) }
    try results.give(table.key(entry), 0, 0, state + 3, time: Int64(bitPattern: state[2]), order: 0)
    results.aggregates.release(state + 3)
    opened[Int(entry)] = 0
    table.remove(entry)
  }

  override func advance(_ mark: Int64) throws(RunFailure) {
    while let first = due.first, first.time <= mark {
      due.pop()
      // The window may be full since then, and another one under way.
      if opened[Int(first.entry)] == first.window { try close(first.entry) }
    }
  }

  override func finish() throws(RunFailure) {
    for entry in table.sorted() { try close(entry) }
    end()
  }

  // MARK: On disk

  private func write(_ entry: Int32, into out: inout ByteBuffer) {
    let state = table.state(entry)
    for word in 0..<3 { out.plain(state[word]) }
    results.aggregates.write(state + 3, into: &out)
  }

  override func writeChanges(_ out: inout Changes) {
    for key in dirty.take() {
      let entry = key.withUnsafeBufferPointer { table.find($0) }
      if entry >= 0 { out.put(0, key) { write(entry, into: &$0) } } else { out.drop(0, key) }
    }
  }

  override func writeAll(_ out: inout Changes) {
    _ = dirty.take()
    table.forEach { entry in out.put(0, table.key(entry)) { write(entry, into: &$0) } }
  }

  override func restore(_ table: UInt8, _ key: UnsafeBufferPointer<UInt8>, _ value: UnsafeBufferPointer<UInt8>) -> Bool {
    restoreDrop(table, key, isPrefix: false)
    var reader = Plain(value)
    let entry = self.table.insert(key).entry
    let state = self.table.state(entry)
    for word in 0..<3 {
      guard let number = reader.number(UInt64.self) else { return false }
      state[word] = number
    }
    open(entry, Int64(bitPattern: state[1]))
    return results.aggregates.read(reader.rest, into: state + 3)
  }

  override func restoreDrop(_ table: UInt8, _ key: UnsafeBufferPointer<UInt8>, isPrefix: Bool) {
    let entry = self.table.find(key)
    guard entry >= 0 else { return }
    results.aggregates.release(self.table.state(entry) + 3)
    opened[Int(entry)] = 0
    self.table.remove(entry)
  }
}
