/// `join latest`: adds the version of the key that was valid at the event's time. The event waits until the stream has passed that
/// time; as it is read, it waits for the present end of the stream alone.
final class LatestStep: StateStep {
  private struct Waiting: HeapItem {
    let time: Int64
    let order: Int64
    let number: UInt64
    let key: [UInt8]?
    let kept: Kept
    static func < (a: Waiting, b: Waiting) -> Bool { (a.time, a.order, a.number) < (b.time, b.order, b.number) }
  }

  private let join: JoinSpec
  private let asRead: Bool
  private let codec: KeyCodec
  private let rows: PackedRows
  private let sideRows: PackedRows
  /// The state of a key: its versions, the earliest first.
  private let versions = StateTable(words: 1)
  private var waiting = Heap<Waiting>()
  private var taken: UInt64 = 0
  private var (mark, sideMark) = (Int64.min, Int64.min)
  private var (isDone, isSideDone, isSideRead) = (false, false, false)
  private var held = 0
  private var key = ByteBuffer(capacity: 256)
  private var buffer = ByteBuffer(capacity: 256)
  private var dirty = Dirty()
  /// What waits since changes were written, and what waits no more.
  private var added: [Waiting] = []
  private var gone: Set<UInt64> = []

  init(_ spec: StateSpec, _ number: Int, _ emitter: Emitter, _ constants: Constants, _ join: JoinSpec, asRead: Bool) {
    self.join = join
    self.asRead = asRead
    codec = KeyCodec(spec.each.prefix(spec.keys).map { Shape.of($0.type) })
    rows = PackedRows(spec)
    sideRows = PackedRows(join.event, [], 0..<0)
    super.init(spec, number, emitter, constants)
  }

  deinit {
    for item in waiting.items { item.kept.free() }
    versions.forEach { Kept.free(Kept(versions.state($0)[0])) }
    key.release()
    buffer.release()
  }

  override func show(_ line: (String) -> Void) throws(RunFailure) { try showKeys(codec, [0], prefix: 0, line) }
  override var keys: Int { versions.count }
  override var bytes: Int { versions.bytes + held }
  /// As it is read, what waits is before the mark: that stands until the stream is read.
  override func outputMark(_ mark: Int64) -> Int64 {
    if isSideDone { return mark }
    return asRead ? (isSideRead ? mark : .min) : min(mark, sideMark)
  }

  override func take(_ input: SinkBuffer, _ batch: Batch) throws(RunFailure) {
    for row in 0..<input.count {
      buffer.count = 0
      rows.pack(input, row, into: &buffer)
      key.count = 0
      codec.pack(input.each, row, into: &key)
      let hasNull = input.each.prefix(spec.keys).contains { $0.isNull(row) }
      let kept = Kept(buffer.bytes, input.times[row], input.orders[row])
      held += kept.size
      // As it is read, those that wait keep the order in which they came.
      let item = Waiting(
        time: asRead ? 0 : kept.time, order: asRead ? 0 : kept.order, number: taken, key: hasNull ? nil : Array(key.bytes), kept: kept)
      taken += 1
      waiting.push(item)
      if isDurable { added.append(item) }
    }
    try giveReady()
  }

  private func isReady(_ item: Waiting) -> Bool { isSideDone || (asRead ? isSideRead : sideMark > item.kept.time) }

  private func giveReady() throws(RunFailure) {
    while let first = waiting.first, isReady(first) {
      waiting.pop()
      let version = first.key.flatMap { $0.withUnsafeBufferPointer { newest($0, upTo: asRead ? .max : first.kept.time) } }
      if version != nil || join.isLeft {
        rows.unpack(first.kept.bytes, into: emitter)
        let added = emitter.records.children.last!
        if let version {
          sideRows.unpack(event: version.bytes, into: added, emitter.row, emitter.arena)
        } else {
          added.setNull(emitter.row)
        }
        try emitter.end(first.kept.time, first.kept.order)
      } else {
        emitter.leaveOut()
      }
      held -= first.kept.size
      if isDurable { gone.insert(first.number) }
      first.kept.free()
    }
  }

  private func newest(_ key: UnsafeBufferPointer<UInt8>, upTo time: Int64) -> Kept? {
    let entry = versions.find(key)
    var found: Kept?
    var next = entry < 0 ? nil : Kept(versions.state(entry)[0])
    while let item = next, item.time <= time {
      found = item
      next = item.next
    }
    return found
  }

  override func takeSide(_ input: SinkBuffer, _ batch: Batch) throws(RunFailure) {
    for row in 0..<input.count {
      if input.each.prefix(spec.keys).contains(where: { $0.isNull(row) }) { continue }
      key.count = 0
      codec.pack(input.each, row, into: &key)
      if versions.count >= limit, versions.find(key.bytes) < 0 {
        failBeyondLimit(input, row, "keys")
        continue
      }
      buffer.count = 0
      sideRows.pack(input, row, into: &buffer)
      // As it is read, the last one is the newest whatever its time.
      let kept = Kept(buffer.bytes, asRead ? 0 : input.times[row], input.orders[row])
      held += kept.size
      let words = versions.state(versions.insert(key.bytes).entry)
      if asRead, let old = Kept(words[0]) {
        held -= old.size
        count -= 1
        old.free()
        words[0] = 0
      }
      insert(kept, words)
      count += 1
      if isDurable { dirty.note(key.bytes) }
    }
  }

  /// Behind all that are not later: of two at one time the one that stands later in the stream is valid.
  private func insert(_ kept: Kept, _ words: UnsafeMutablePointer<UInt64>) {
    var before: Kept?
    var next = Kept(words[0])
    while let item = next, (item.time, item.order) <= (kept.time, kept.order) {
      before = item
      next = item.next
    }
    kept.next = next
    if let before { before.next = kept } else { words[0] = kept.word }
  }

  override func advance(_ mark: Int64) throws(RunFailure) {
    self.mark = mark
    prune()
  }

  override func advanceSide(_ mark: Int64) throws(RunFailure) {
    sideMark = mark
    try giveReady()
    prune()
  }

  /// Versions, and those that were left when they were last looked through.
  private var (count, left) = (0, 0)
  /// Versions that no event can ask for any more go when there are twice as many as were left: of those before all events to come and
  /// all that wait, the newest alone stays.
  private func prune() {
    guard !asRead, count > 2 * left + 1024 else { return }
    let least = min(mark, waiting.first?.time ?? .max)
    guard least > .min, least != .max else { return }
    versions.forEach { entry in
      let words = versions.state(entry)
      while let first = Kept(words[0]), let second = first.next, second.time <= least {
        words[0] = second.word
        held -= first.size
        count -= 1
        first.free()
      }
    }
    left = count
  }

  /// The stream has come to its present end.
  func sideIsRead() throws(RunFailure) {
    isSideRead = true
    try giveReady()
    // But for `as read` events wait for the end of the stream, too.
    if isDone, asRead { end() }
  }

  override func finish() throws(RunFailure) {
    isDone = true
    if isSideDone || asRead && waiting.count == 0 { end() }
  }

  override func finishSide() throws(RunFailure) {
    isSideDone = true
    try giveReady()
    if isDone { end() }
  }

  // MARK: On disk: versions by their keys, and what waits by its number.

  private static func key(_ number: UInt64) -> [UInt8] { withUnsafeBytes(of: number.bigEndian) { Array($0) } }

  private func write(_ item: Waiting, _ out: inout Changes) {
    out.put(1, Self.key(item.number)) { bytes in
      bytes.byte(item.key == nil ? 0 : 1)
      (item.key ?? []).withUnsafeBufferPointer { bytes.part($0) }
      Kept.write(item.kept, into: &bytes)
    }
  }

  override func writeChanges(_ out: inout Changes) {
    for key in dirty.take() {
      let entry = key.withUnsafeBufferPointer { versions.find($0) }
      if entry >= 0 { out.put(0, key) { Kept.write(Kept(versions.state(entry)[0]), into: &$0) } }
    }
    for item in added where !gone.contains(item.number) { write(item, &out) }
    let first = added.first?.number ?? taken
    for number in gone.sorted() where number < first { out.drop(1, Self.key(number)) }
    added.removeAll()
    gone.removeAll()
  }

  override func writeAll(_ out: inout Changes) {
    _ = dirty.take()
    versions.forEach { entry in out.put(0, versions.key(entry)) { Kept.write(Kept(versions.state(entry)[0]), into: &$0) } }
    for item in waiting.items { write(item, &out) }
    added.removeAll()
    gone.removeAll()
  }

  private var restoring: [[UInt8]: Waiting] = [:]

  override func restore(_ table: UInt8, _ key: UnsafeBufferPointer<UInt8>, _ value: UnsafeBufferPointer<UInt8>) -> Bool {
    guard table == 1 else { return restore(version: key, value) }
    var reader = Plain(value)
    guard key.count == 8, let flag = reader.byte(), let part = reader.part(), let items = Kept.read(reader.rest), items.count == 1 else {
      return false
    }
    let kept = items[0]
    restoring[Array(key)] = Waiting(
      time: asRead ? 0 : kept.time, order: asRead ? 0 : kept.order, number: key.reduce(0) { $0 << 8 | UInt64($1) },
      key: flag == 0 ? nil : Array(part), kept: kept)
    return true
  }

  private func restore(version key: UnsafeBufferPointer<UInt8>, _ value: UnsafeBufferPointer<UInt8>) -> Bool {
    guard let items = Kept.read(value), let first = items.first else { return false }
    let words = versions.state(versions.insert(key).entry)
    Kept.free(Kept(words[0]))
    words[0] = first.word
    return true
  }

  override func restoreDrop(_ table: UInt8, _ key: UnsafeBufferPointer<UInt8>, isPrefix: Bool) {
    if table == 1 { restoring.removeValue(forKey: Array(key))?.kept.free() }
  }

  override func restored(_ mark: Int64, _ sideMark: Int64) {
    (self.mark, self.sideMark) = (mark, sideMark)
    for item in restoring.values {
      waiting.push(item)
      held += item.kept.size
      taken = max(taken, item.number + 1)
    }
    restoring.removeAll()
    versions.forEach { entry in
      var kept = Kept(versions.state(entry)[0])
      while let item = kept {
        held += item.size
        count += 1
        kept = item.next
      }
    }
  }
}
