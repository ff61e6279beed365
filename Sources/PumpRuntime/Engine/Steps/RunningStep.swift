/// `running`: adds aggregates over the key's events of so long up to this one, of those that came before it and itself.
final class RunningStep: KeyedStep {
  /// The state of a key: the first and the last of its events.
  private let table = StateTable(words: 2)
  private let rows: PackedRows
  private let aggregates: AggregateSet
  private let arguments: Range<Int>
  private let columns: [Column]
  private var sweep: Sweep
  private var dirty = Dirty()
  private var count = 0
  private var held = 0
  private var buffer = ByteBuffer(capacity: 256)
  private let state: UnsafeMutablePointer<UInt64>
  private let memory = Arena()

  init(
    _ spec: StateSpec, _ number: Int, _ emitter: Emitter, _ constants: Constants, within: SettingValue, _ specs: [AggregateSpec]
  ) {
    sweep = Sweep(within: constants.number(within))
    arguments = spec.keys..<spec.each.count - spec.meta
    rows = PackedRows(nil, spec.each, arguments)
    columns = spec.each.map { Column(Shape.of($0.type)) }
    aggregates = AggregateSet(specs)
    state = .allocate(capacity: max(1, aggregates.words))
    state.initialize(repeating: 0, count: max(1, aggregates.words))
    super.init(spec, number, emitter, constants)
  }

  deinit {
    table.forEach { Kept.free(Kept(table.state($0)[0])) }
    aggregates.release(state)
    state.deallocate()
    buffer.release()
  }

  override var keys: Int { table.count }
  override var bytes: Int { table.bytes + held }

  override func take(_ input: SinkBuffer, _ row: Int, _ key: UnsafeBufferPointer<UInt8>) throws(RunFailure) {
    guard count < limit else { return failBeyondLimit(input, row, "rows") }
    let time = input.times[row]
    let list = table.list(table.insert(key).entry)
    buffer.count = 0
    rows.pack(input, row, into: &buffer)
    let kept = Kept(buffer.bytes, time, input.orders[row])
    (count, held) = (count + 1, held + kept.size)
    list.append(kept)
    if isDurable { dirty.note(key) }
    emitter.copy(input, row)
    do throws(EventFailure) { try compute(list.first, from: time - sweep.within, to: time) } catch {
      return fail(input, row, error.message, .aggregate)
    }
    try give(input, row)
  }

  private func compute(_ first: Kept?, from: Int64, to: Int64) throws(EventFailure) {
    for column in columns { column.clear() }
    memory.reset()
    var (times, orders): ([Int64], [Int64]) = ([], [])
    var next = first
    while let item = next {
      if item.time >= from, item.time <= to {
        rows.unpack(columns: item.bytes, into: Array(columns[arguments]), times.count, memory)
        times.append(item.time)
        orders.append(item.order)
      }
      next = item.next
    }
    let states = [UnsafeMutablePointer<UInt64>](repeating: state, count: times.count)
    states.withUnsafeBufferPointer { states in
      times.withUnsafeBufferPointer { times in
        orders.withUnsafeBufferPointer { orders in
          aggregates.add(states, columns, 0..<states.count, .init(times: times.baseAddress, orders: orders.baseAddress))
        }
      }
    }
    defer {
      aggregates.release(state)
      state.update(repeating: 0, count: max(1, aggregates.words))
    }
    added.setPresent(emitter.row)
    for (number, column) in added.children.enumerated() {
      try aggregates.finish(state, number, into: column, emitter.row, emitter.batch.context)
    }
  }

  override func advance(_ mark: Int64) throws(RunFailure) {
    if let end = sweep.due(mark) { drop(before: end) }
  }

  private func drop(before end: Int64) {
    table.removeKept {
      $0.time < end
    } gone: {
      (count, held) = (count - 1, held - $0.size)
    }
  }

  // MARK: On disk. What has gone by is left out when it is read again.

  override func writeChanges(_ out: inout Changes) {
    for key in dirty.take() {
      let entry = key.withUnsafeBufferPointer { table.find($0) }
      if entry >= 0 { out.put(0, key) { Kept.write(Kept(table.state(entry)[0]), into: &$0) } } else { out.drop(0, key) }
    }
  }

  override func writeAll(_ out: inout Changes) {
    _ = dirty.take()
    table.forEach { entry in out.put(0, table.key(entry)) { Kept.write(Kept(table.state(entry)[0]), into: &$0) } }
  }

  override func restore(_ table: UInt8, _ key: UnsafeBufferPointer<UInt8>, _ value: UnsafeBufferPointer<UInt8>) -> Bool {
    guard let items = Kept.read(value) else { return false }
    restoreDrop(table, key, isPrefix: false)
    if items.isEmpty { return true }
    self.table.list(self.table.insert(key).entry).set(items)
    count += items.count
    for item in items { held += item.size }
    return true
  }

  override func restoreDrop(_ table: UInt8, _ key: UnsafeBufferPointer<UInt8>, isPrefix: Bool) {
    self.table.removeKept(key) { (count, held) = (count - 1, held - $0.size) }
  }

  override func restored(_ mark: Int64, _ sideMark: Int64) { if mark > .min { drop(before: mark - sweep.within) } }
}
