/// `group` by key and window: a table of states for each open window, given when the mark has come to its end.
final class GroupStep: StateStep {
  private final class Window {
    let start: Int64
    let end: Int64
    let table: StateTable
    /// Entries that have changed since they were written.
    var dirty: [Int32] = []
    init(_ start: Int64, _ end: Int64, _ table: StateTable) { (self.start, self.end, self.table) = (start, end, table) }
  }

  private let windows: Windows
  private let results: Results
  private let onChange: Bool
  /// Those that are open, the one that ends first before the others.
  private var open: [Window] = []
  /// Tables of closed ones, whose memory is used again.
  private var free: [StateTable] = []
  private var count = 0
  private let words: Int
  /// Windows that were closed since changes were written.
  private var closed: [[UInt8]] = []
  private var key = ByteBuffer(capacity: 256)
  private var states = PlainList<UnsafeMutablePointer<UInt64>>()
  /// Takes what counts nowhere.
  private let nowhere: UnsafeMutablePointer<UInt64>

  init(
    _ spec: StateSpec, _ number: Int, _ emitter: Emitter, _ constants: Constants, _ windows: Windows, _ aggregates: [AggregateSpec],
    onChange: Bool
  ) {
    self.windows = windows
    self.onChange = onChange
    results = Results(spec, emitter, aggregates, hasBounds: windows.hasBounds)
    // The last word says whether the entry has changed since it was written.
    words = results.words + 1
    nowhere = .allocate(capacity: words)
    nowhere.initialize(repeating: 0, count: words)
    super.init(spec, number, emitter, constants)
  }

  deinit {
    for window in open { window.table.forEach { results.aggregates.release(window.table.state($0)) } }
    nowhere.deallocate()
    key.release()
    states.release()
  }

  override var keys: Int { count }
  override var bytes: Int { open.reduce(0) { $0 + $1.table.bytes } + results.aggregates.bytes }

  override func take(_ input: SinkBuffer, _ batch: Batch) throws(RunFailure) {
    for n in 0..<windows.count {
      states.removeAll()
      var window: Window?
      for row in 0..<input.count {
        let time = input.times[row]
        if windows.count > 1 || window == nil || time < window!.start || time >= window!.end {
          do throws(EventFailure) { window = try self.window(time, n, batch.context) } catch {
            window = nil
            fail(input, row, error.message, .expression)
          }
        }
        guard let window, let state = state(window, input, row) else {
          states.append(nowhere)
          continue
        }
        states.append(state)
        if onChange {
          results.aggregates.add(UnsafeBufferPointer(rebasing: states.values[row...row]), input, row..<row + 1)
          try results.give(keyBytes, window.start, window.end, state, time: time, order: input.orders[row])
        }
      }
      if !onChange { results.aggregates.add(states.values, input, 0..<input.count) }
      results.aggregates.release(nowhere)
      nowhere.update(repeating: 0, count: words)
    }
  }

  private var keyBytes: UnsafeBufferPointer<UInt8> { key.bytes }

  /// The state of the row's key; nil where it would be one too many.
  private func state(_ window: Window, _ input: SinkBuffer, _ row: Int) -> UnsafeMutablePointer<UInt64>? {
    key.count = 0
    results.codec.pack(input.each, row, into: &key)
    if count >= limit {
      let entry = window.table.find(keyBytes)
      if entry >= 0 { return changed(window, entry) }
      failBeyondLimit(input, row, "keys")
      return nil
    }
    let (entry, isNew) = window.table.insert(keyBytes)
    if isNew { count += 1 }
    return changed(window, entry)
  }

  private func changed(_ window: Window, _ entry: Int32) -> UnsafeMutablePointer<UInt64> {
    let state = window.table.state(entry)
    if isDurable, state[words - 1] == 0 {
      state[words - 1] = 1
      window.dirty.append(entry)
    }
    return state
  }

  private func window(_ time: Int64, _ n: Int, _ context: Context) throws(EventFailure) -> Window? {
    guard let (start, end) = try windows.bounds(time, n, context) else { return nil }
    return window(start, end)
  }

  private func window(_ start: Int64, _ end: Int64) -> Window {
    var place = open.count
    while place > 0, open[place - 1].end > end { place -= 1 }
    if place > 0, open[place - 1].end == end { return open[place - 1] }
    let window = Window(start, end, free.popLast() ?? StateTable(words: words))
    open.insert(window, at: place)
    return window
  }

  override func advance(_ mark: Int64) throws(RunFailure) {
    guard windows.hasBounds else { return }
    while let window = open.first, window.end <= mark { try close(window) }
  }

  override func finish() throws(RunFailure) {
    while let window = open.first { try close(window) }
    end()
  }

  private func close(_ window: Window) throws(RunFailure) {
    let table = window.table
    for entry in onChange ? [] : table.sorted() {
      let end = windows.hasBounds ? window.end : 0
      try results.give(table.key(entry), window.start, window.end, table.state(entry), time: end - 1, order: 0)
    }
    table.forEach { results.aggregates.release(table.state($0)) }
    count -= table.count
    table.removeAll()
    if isDurable { closed.append(Self.prefix(window)) }
    open.removeFirst()
    if free.count < 4 { free.append(table) }
  }

  // MARK: On disk

  private static func prefix(_ window: Window) -> [UInt8] {
    withUnsafeBytes(of: (window.end.bigEndian, window.start.bigEndian)) { Array($0) }
  }

  private func write(_ window: Window, _ prefix: [UInt8], _ entry: Int32, _ out: inout Changes) {
    let state = window.table.state(entry)
    state[words - 1] = 0
    out.put(0, prefix + window.table.key(entry)) { results.aggregates.write(state, into: &$0) }
  }

  override func writeChanges(_ out: inout Changes) {
    for prefix in closed { out.drop(0, prefix, prefix: true) }
    closed.removeAll()
    for window in open {
      let prefix = Self.prefix(window)
      for entry in window.dirty { write(window, prefix, entry, &out) }
      window.dirty.removeAll()
    }
  }

  override func writeAll(_ out: inout Changes) {
    closed.removeAll()
    for window in open {
      let prefix = Self.prefix(window)
      window.table.forEach { write(window, prefix, $0, &out) }
      window.dirty.removeAll()
    }
  }

  override func restore(_ table: UInt8, _ key: UnsafeBufferPointer<UInt8>, _ value: UnsafeBufferPointer<UInt8>) -> Bool {
    guard let (start, end) = Self.bounds(key) else { return false }
    let window = window(start, end)
    let (entry, isNew) = window.table.insert(UnsafeBufferPointer(rebasing: key[16...]))
    let state = window.table.state(entry)
    if isNew { count += 1 } else { results.aggregates.release(state) }
    state.update(repeating: 0, count: words)
    return results.aggregates.read(value, into: state)
  }

  override func restoreDrop(_ table: UInt8, _ key: UnsafeBufferPointer<UInt8>, isPrefix: Bool) {
    guard let (start, end) = Self.bounds(key), let place = open.firstIndex(where: { $0.start == start && $0.end == end }) else { return }
    let window = open.remove(at: place)
    window.table.forEach { results.aggregates.release(window.table.state($0)) }
    count -= window.table.count
  }

  private static func bounds(_ key: UnsafeBufferPointer<UInt8>) -> (start: Int64, end: Int64)? {
    guard key.count >= 16 else { return nil }
    let raw = UnsafeRawPointer(key.baseAddress!)
    return (
      Int64(bigEndian: raw.loadUnaligned(fromByteOffset: 8, as: Int64.self)), Int64(bigEndian: raw.loadUnaligned(as: Int64.self))
    )
  }
}
