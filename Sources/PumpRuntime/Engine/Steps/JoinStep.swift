/// `join … within`: pairs of events with the same key, whose times are at most so far apart. An event waits for as long as one of the
/// other side may come.
final class JoinStep: StateStep {
  private let join: JoinSpec
  private let from: Int64
  private let to: Int64
  private let codec: KeyCodec
  private let rows: PackedRows
  private let sideRows: PackedRows
  private let inner: Evaluation?
  /// The state of a key: the first and the last event of it that waits.
  private let events = StateTable(words: 2)
  private let others = StateTable(words: 2)
  /// Of a left join the events that are not over, the earliest first.
  private var open = Heap<Open>()
  private struct Open: HeapItem {
    let kept: Kept
    static func < (a: Open, b: Open) -> Bool { (a.kept.time, a.kept.order) < (b.kept.time, b.kept.order) }
  }
  private var (mark, sideMark) = (Int64.min, Int64.min)
  private var (isDone, isSideDone) = (false, false)
  /// Rows of events and of others, and those that were left when they were last looked through.
  private var counts = [0, 0]
  private var left = [0, 0]
  private var swept = (Int64.min, Int64.min)
  private var held = 0
  private var key = ByteBuffer(capacity: 256)
  private var buffer = ByteBuffer(capacity: 256)
  private let scratch: Column
  /// Of the events, and of the others.
  private var dirty = [Dirty(), Dirty()]

  init(
    _ spec: StateSpec, _ number: Int, _ emitter: Emitter, _ constants: Constants, _ join: JoinSpec, from: SettingValue, to: SettingValue,
    _ inner: Evaluation?
  ) {
    self.join = join
    self.inner = inner
    (self.from, self.to) = (constants.number(from), constants.number(to))
    codec = KeyCodec(spec.each.prefix(spec.keys).map { Shape.of($0.type) })
    rows = PackedRows(spec)
    sideRows = PackedRows(join.event, [], 0..<0)
    scratch = Column(Shape.of(spec.event!))
    super.init(spec, number, emitter, constants)
  }

  deinit {
    for table in [events, others] { table.forEach { Kept.free(Kept(table.state($0)[0])) } }
    key.release()
    buffer.release()
  }

  override func show(_ line: (String) -> Void) throws(RunFailure) { try showKeys(codec, [0, 1], prefix: 0, line) }
  override var keys: Int { counts[0] + counts[1] }
  override var bytes: Int { events.bytes + others.bytes + held }
  override func outputMark(_ mark: Int64) -> Int64 {
    let side = isSideDone ? Int64.max : sideMark
    return min(isDone ? .max : self.mark, side == .max || side == .min ? side : side - to)
  }

  // MARK: Events

  override func take(_ input: SinkBuffer, _ batch: Batch) throws(RunFailure) {
    for row in 0..<input.count {
      guard let kept = keep(input, row, rows) else { continue }
      let entry = key(input, row, in: others, makes: false)
      var next = entry < 0 ? nil : Kept(others.state(entry)[0])
      while let other = next {
        next = other.next
        try pair(kept, other)
      }
      try put(kept, in: events)
    }
  }

  override func takeSide(_ input: SinkBuffer, _ batch: Batch) throws(RunFailure) {
    for row in 0..<input.count {
      guard let kept = keep(input, row, sideRows) else { continue }
      let entry = key(input, row, in: events, makes: false)
      var next = entry < 0 ? nil : Kept(events.state(entry)[0])
      while let event = next {
        next = event.next
        try pair(event, kept)
      }
      try put(kept, in: others)
    }
  }

  /// The event with its memory; nil where it is one too many.
  private func keep(_ input: SinkBuffer, _ row: Int, _ rows: PackedRows) -> Kept? {
    if counts[0] + counts[1] >= limit, swept != (mark, sideMark) { for number in 0..<2 { takeOut(number) } }
    guard counts[0] + counts[1] < limit else {
      failBeyondLimit(input, row, "rows")
      return nil
    }
    buffer.count = 0
    rows.pack(input, row, into: &buffer)
    key.count = 0
    codec.pack(input.each, row, into: &key)
    hasNull = input.each.prefix(spec.keys).contains { $0.isNull(row) }
    return Kept(buffer.bytes, input.times[row], input.orders[row])
  }

  /// Null meets nothing.
  private var hasNull = false

  private func key(_ input: SinkBuffer, _ row: Int, in table: StateTable, makes: Bool) -> Int32 { hasNull ? -1 : table.find(key.bytes) }

  /// Lets it wait, where one of the other side may come.
  private func put(_ kept: Kept, in table: StateTable) throws(RunFailure) {
    let isEvent = table === events
    let mayMatch = !hasNull && (isEvent ? !isSideDone && sideMark <= kept.time + to : !isDone && mark <= kept.time - from)
    guard mayMatch else {
      if isEvent { try give(unmatched: kept) }
      kept.free()
      return
    }
    table.list(table.insert(key.bytes).entry).append(kept)
    if isDurable { dirty[isEvent ? 0 : 1].note(key.bytes) }
    counts[isEvent ? 0 : 1] += 1
    held += kept.size
    if isEvent, join.isLeft { open.push(Open(kept: kept)) }
  }

  private func pair(_ event: Kept, _ other: Kept) throws(RunFailure) {
    let apart = other.time - event.time
    guard apart >= from, apart <= to else { return }
    if let inner {
      let result = try inner.run { records, arena in
        records.setPresent(0)
        scratch.clear()
        rows.unpack(event: event.bytes, into: scratch, 0, arena)
        for (child, from) in zip(records.children, scratch.children) { child.copy(0, from: from, 0) }
        sideRows.unpack(event: other.bytes, into: records.children.last!, 0, arena)
      }
      switch result {
      case .failure(let failure): return emitter.fail(failure.message, .expression, payload: described(event))
      case .success(let column): guard column.get(Bool.self, 0) else { return }
      }
    }
    if !event.base.pointee.isMatched {
      event.base.pointee.isMatched = true
      // Of an event that waits it is written, too.
      if isDurable, join.isLeft { dirty[0].note(key.bytes) }
    }
    rows.unpack(event.bytes, into: emitter)
    sideRows.unpack(event: other.bytes, into: emitter.records.children.last!, emitter.row, emitter.arena)
    try emitter.end(event.time, event.order)
  }

  private func give(unmatched event: Kept) throws(RunFailure) {
    guard join.isLeft, !event.base.pointee.isMatched else { return }
    rows.unpack(event.bytes, into: emitter)
    emitter.records.children.last!.setNull(emitter.row)
    try emitter.end(event.time, event.order)
  }

  private func described(_ event: Kept) -> String {
    scratch.clear()
    rows.unpack(event: event.bytes, into: scratch, 0, emitter.arena)
    return scratch.json(0)
  }

  // MARK: Time

  override func advance(_ mark: Int64) throws(RunFailure) {
    self.mark = mark
    sweep(1)
  }

  override func advanceSide(_ mark: Int64) throws(RunFailure) {
    sideMark = mark
    try giveUnmatched()
    sweep(0)
  }

  override func finish() throws(RunFailure) {
    isDone = true
    takeOut(1)
    if isSideDone { end() }
  }

  override func finishSide() throws(RunFailure) {
    isSideDone = true
    try giveUnmatched()
    takeOut(0)
    if isDone { end() }
  }

  /// Whether nothing can come for it any more.
  private func isOver(_ item: Kept, _ number: Int) -> Bool {
    number == 0 ? isSideDone || item.time + to < sideMark : isDone || item.time - from < mark
  }

  /// Events that have met nothing, by their times.
  private func giveUnmatched() throws(RunFailure) {
    while let first = open.first, isOver(first.kept, 0) {
      open.pop()
      try give(unmatched: first.kept)
    }
  }

  /// What is over meets nothing any more, and may stay for a while: all is looked through when there is twice as much as was left.
  private func sweep(_ number: Int) {
    if counts[number] > 2 * left[number] + 1024 { takeOut(number) }
  }

  private func takeOut(_ number: Int) {
    tables[number].removeKept {
      isOver($0, number)
    } gone: {
      counts[number] -= 1
      held -= $0.size
    }
    left[number] = counts[number]
    swept = (mark, sideMark)
  }

  // MARK: On disk. What has gone by is left out when it is read again: it was given.

  private var tables: [StateTable] { [events, others] }

  override func writeChanges(_ out: inout Changes) {
    for (number, table) in tables.enumerated() {
      for key in dirty[number].take() {
        let entry = key.withUnsafeBufferPointer { table.find($0) }
        if entry < 0 {
          out.drop(UInt8(number), key)
        } else {
          out.put(UInt8(number), key) { Kept.write(Kept(table.state(entry)[0]), into: &$0) }
        }
      }
    }
  }

  override func writeAll(_ out: inout Changes) {
    for (number, table) in tables.enumerated() {
      _ = dirty[number].take()
      table.forEach { entry in out.put(UInt8(number), table.key(entry)) { Kept.write(Kept(table.state(entry)[0]), into: &$0) } }
    }
  }

  override func restore(_ table: UInt8, _ key: UnsafeBufferPointer<UInt8>, _ value: UnsafeBufferPointer<UInt8>) -> Bool {
    guard table < 2, let items = Kept.read(value) else { return false }
    restoreDrop(table, key, isPrefix: false)
    if items.isEmpty { return true }
    tables[Int(table)].list(tables[Int(table)].insert(key).entry).set(items)
    counts[Int(table)] += items.count
    for item in items { held += item.size }
    return true
  }

  override func restoreDrop(_ table: UInt8, _ key: UnsafeBufferPointer<UInt8>, isPrefix: Bool) {
    guard table < 2 else { return }
    tables[Int(table)].removeKept(key) {
      counts[Int(table)] -= 1
      held -= $0.size
    }
  }

  override func restored(_ mark: Int64, _ sideMark: Int64) {
    (self.mark, self.sideMark) = (mark, sideMark)
    for number in 0..<2 { takeOut(number) }
    guard join.isLeft else { return }
    events.forEach { entry in
      var next = Kept(events.state(entry)[0])
      while let item = next {
        open.push(Open(kept: item))
        next = item.next
      }
    }
  }
}
