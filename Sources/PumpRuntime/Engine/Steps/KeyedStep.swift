/// A step by a key that gives each event as it comes, with a field more or none, or leaves it out.
class KeyedStep: StateStep {
  let codec: KeyCodec
  private var key = ByteBuffer(capacity: 256)

  override init(_ spec: StateSpec, _ number: Int, _ emitter: Emitter, _ constants: Constants) {
    codec = KeyCodec(spec.each.prefix(spec.keys).map { Shape.of($0.type) })
    super.init(spec, number, emitter, constants)
  }

  deinit { key.release() }

  override final func take(_ input: SinkBuffer, _ batch: Batch) throws(RunFailure) {
    emitter.prepare = { [unowned self] made in
      let rows = Origins()
      origins = rows
      // What an event is known by it keeps.
      if let origin = batch.origin { made.origin = { origin(rows.list[$0]) } }
    }
    defer { emitter.prepare = { _ in } }
    for row in 0..<input.count {
      key.count = 0
      codec.pack(input.each, row, into: &key)
      try take(input, row, key.bytes)
    }
  }

  /// The events of the batch that the emitter's rows came from.
  private final class Origins { var list: [Int] = [] }
  private var origins = Origins()

  /// Takes one event.
  func take(_ input: SinkBuffer, _ row: Int, _ key: UnsafeBufferPointer<UInt8>) throws(RunFailure) {}

  /// Gives the event, whose row is filled.
  func give(_ input: SinkBuffer, _ row: Int) throws(RunFailure) {
    origins.list.append(Int(input.origins[row]))
    try emitter.end(input.times[row], input.orders[row])
  }

  override func finish() throws(RunFailure) { end() }

  /// What stands before a key on disk.
  var prefix: Int { 0 }
  override final func show(_ line: (String) -> Void) throws(RunFailure) { try showKeys(codec, [0], prefix: prefix, line) }

  /// The first field that the step adds to the event.
  var added: Column { emitter.records.children.last! }
}

/// Leaves out entries of a table whose time has gone by: now and then, so that each is looked at a few times only.
struct Sweep {
  /// For how long an entry is kept.
  let within: Int64
  private var last = Int64.min

  init(within: Int64) { self.within = within }

  /// What is before this time is gone; nil where it is not yet worth a look.
  mutating func due(_ mark: Int64) -> Int64? {
    guard last == .min || mark >= last + max(1, within / 2) else { return nil }
    last = mark
    return mark - within
  }
}
