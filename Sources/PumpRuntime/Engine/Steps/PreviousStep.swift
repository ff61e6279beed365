/// `previous`: adds the event before of this key, if that is not longer ago.
final class PreviousStep: KeptStep {
  private let rows: PackedRows
  private var buffer = ByteBuffer(capacity: 256)

  override init(_ spec: StateSpec, _ number: Int, _ emitter: Emitter, _ constants: Constants, within: SettingValue) {
    rows = PackedRows(spec.event, [], 0..<0)
    super.init(spec, number, emitter, constants, within: within)
  }

  deinit { buffer.release() }

  override func take(_ input: SinkBuffer, _ row: Int, _ key: UnsafeBufferPointer<UInt8>) throws(RunFailure) {
    guard !isFull(key) else { return failBeyondLimit(input, row, "keys") }
    emitter.copy(input, row)
    if let before = kept(key), input.times[row] - before.time <= within {
      rows.unpack(event: before.bytes, into: added, emitter.row, emitter.arena)
    } else {
      added.setNull(emitter.row)
    }
    buffer.count = 0
    rows.pack(input, row, into: &buffer)
    keep(Kept(buffer.bytes, input.times[row], input.orders[row]), key)
    try give(input, row)
  }
}
