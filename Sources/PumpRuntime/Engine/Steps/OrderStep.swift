/// `order`: sorts by time, partition and position. An event goes on once no earlier one can come.
final class OrderStep: StateStep {
  private struct Waiting: HeapItem {
    let time: Int64
    let order: Int64
    /// Those of one event stay as they came.
    let number: UInt64
    let kept: Kept
    static func < (a: Waiting, b: Waiting) -> Bool { (a.time, a.order, a.number) < (b.time, b.order, b.number) }
  }

  private let rows: PackedRows
  private var waiting = Heap<Waiting>()
  private var held = 0
  private var taken: UInt64 = 0
  private var given: Int64 = 0
  private var buffer = ByteBuffer(capacity: 256)
  /// What came and what went since changes were written, by their numbers.
  private var added: [(number: UInt64, kept: Kept)] = []
  private var gone: Set<UInt64> = []

  override init(_ spec: StateSpec, _ number: Int, _ emitter: Emitter, _ constants: Constants) {
    rows = PackedRows(spec)
    super.init(spec, number, emitter, constants)
  }

  deinit {
    for item in waiting.items { item.kept.free() }
    buffer.release()
  }

  override var keys: Int { waiting.count }
  override var bytes: Int { held }

  override func take(_ input: SinkBuffer, _ batch: Batch) throws(RunFailure) {
    for row in 0..<input.count {
      guard waiting.count < limit else {
        failBeyondLimit(input, row, "rows")
        continue
      }
      buffer.count = 0
      rows.pack(input, row, into: &buffer)
      let kept = Kept(buffer.bytes, input.times[row], input.orders[row])
      held += kept.size
      waiting.push(Waiting(time: input.times[row], order: input.orders[row], number: taken, kept: kept))
      if isDurable { added.append((taken, kept)) }
      taken += 1
    }
  }

  override func advance(_ mark: Int64) throws(RunFailure) {
    while let first = waiting.first, first.time < mark { try give(first) }
  }

  override func finish() throws(RunFailure) {
    while let first = waiting.first { try give(first) }
    end()
  }

  private func give(_ item: Waiting) throws(RunFailure) {
    waiting.pop()
    rows.unpack(item.kept.bytes, into: emitter)
    held -= item.kept.size
    if isDurable { gone.insert(item.number) }
    item.kept.free()
    given += 1
    try emitter.end(item.time, given)
  }

  // MARK: On disk

  private func write(_ number: UInt64, _ kept: Kept, _ out: inout Changes) {
    out.put(0, Self.key(number)) { Kept.write(kept, into: &$0) }
  }

  private static func key(_ number: UInt64) -> [UInt8] { withUnsafeBytes(of: number.bigEndian) { Array($0) } }

  override func writeChanges(_ out: inout Changes) {
    for (number, kept) in added where !gone.contains(number) { write(number, kept, &out) }
    let first = added.first?.number ?? taken
    for number in gone.sorted() where number < first { out.drop(0, Self.key(number)) }
    added.removeAll()
    gone.removeAll()
  }

  override func writeAll(_ out: inout Changes) {
    for item in waiting.items { write(item.number, item.kept, &out) }
    added.removeAll()
    gone.removeAll()
  }

  override func restore(_ table: UInt8, _ key: UnsafeBufferPointer<UInt8>, _ value: UnsafeBufferPointer<UInt8>) -> Bool {
    guard key.count == 8, let items = Kept.read(value), items.count == 1 else { return false }
    restoring[Array(key)] = items[0]
    return true
  }

  override func restoreDrop(_ table: UInt8, _ key: UnsafeBufferPointer<UInt8>, isPrefix: Bool) {
    restoring.removeValue(forKey: Array(key))?.free()
  }

  private var restoring: [[UInt8]: Kept] = [:]

  override func restored(_ mark: Int64, _ sideMark: Int64) {
    for (key, kept) in restoring {
      let number = key.reduce(UInt64(0)) { $0 << 8 | UInt64($1) }
      waiting.push(Waiting(time: kept.time, order: kept.order, number: number, kept: kept))
      held += kept.size
      taken = max(taken, number + 1)
    }
    restoring.removeAll()
    given = Int64(emitter.given)
  }
}
