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
  private var (mark, sideMark) = (Int64.min, Int64.min)
  private var (isDone, isSideDone) = (false, false)
  private var count = 0
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

  override var keys: Int { count }
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
    guard count < limit else {
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
    let words = table.state(table.insert(key.bytes).entry)
    if let last = Kept(words[1]) { last.next = kept } else { words[0] = kept.word }
    words[1] = kept.word
    if isDurable { dirty[isEvent ? 0 : 1].note(key.bytes) }
    (count, held) = (count + 1, held + kept.size)
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
    var out = ByteBuffer(capacity: 256)
    defer { out.release() }
    out.json(scratch, 0, JSONOptions())
    return out.string
  }

  // MARK: Time

  override func advance(_ mark: Int64) throws(RunFailure) {
    self.mark = mark
    try drop(others) { $0.time - from < mark }
  }

  override func advanceSide(_ mark: Int64) throws(RunFailure) {
    sideMark = mark
    try drop(events) { $0.time + to < mark }
  }

  override func finish() throws(RunFailure) {
    isDone = true
    try drop(others) { _ in true }
    if isSideDone { end() }
  }

  override func finishSide() throws(RunFailure) {
    isSideDone = true
    try drop(events) { _ in true }
    if isDone { end() }
  }

  /// Takes out what nothing can come for any more; events without a match are given, by their times.
  private func drop(_ table: StateTable, _ isOver: (Kept) -> Bool) throws(RunFailure) {
    for item in takeOut(table, isOver) {
      if table === events { try give(unmatched: item) }
      item.free()
    }
  }

  private func takeOut(_ table: StateTable, _ isOver: (Kept) -> Bool) -> [Kept] {
    var gone: [Int32] = []
    var over: [Kept] = []
    table.forEach { entry in
      let words = table.state(entry)
      var (next, last): (Kept?, Kept?) = (Kept(words[0]), nil)
      words[0] = 0
      while let item = next {
        next = item.next
        if isOver(item) {
          over.append(item)
        } else {
          if let last { last.next = item } else { words[0] = item.word }
          item.next = nil
          last = item
        }
      }
      words[1] = last?.word ?? 0
      if last == nil { gone.append(entry) }
    }
    for entry in gone { table.remove(entry) }
    for item in over { (count, held) = (count - 1, held - item.size) }
    return over.sorted { ($0.time, $0.order) < ($1.time, $1.order) }
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
    guard let first = items.first, let last = items.last else { return true }
    let words = tables[Int(table)].state(tables[Int(table)].insert(key).entry)
    (words[0], words[1]) = (first.word, last.word)
    count += items.count
    for item in items { held += item.size }
    return true
  }

  override func restoreDrop(_ table: UInt8, _ key: UnsafeBufferPointer<UInt8>, isPrefix: Bool) {
    guard table < 2 else { return }
    let entry = tables[Int(table)].find(key)
    guard entry >= 0 else { return }
    var kept = Kept(tables[Int(table)].state(entry)[0])
    while let item = kept {
      kept = item.next
      (count, held) = (count - 1, held - item.size)
      item.free()
    }
    tables[Int(table)].remove(entry)
  }

  override func restored(_ mark: Int64, _ sideMark: Int64) {
    (self.mark, self.sideMark) = (mark, sideMark)
    if mark > .min { for item in takeOut(others, { $0.time - from < mark }) { item.free() } }
    if sideMark > .min { for item in takeOut(events, { $0.time + to < sideMark }) { item.free() } }
  }
}
