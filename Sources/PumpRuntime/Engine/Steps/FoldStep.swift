/// `fold`: adds what is kept of the key's events, this one among them; so long after the last of them it begins anew.
final class FoldStep: KeptStep {
  private let inner: Evaluation
  private let start: Column
  private let rows: RowCodec
  private var buffer = ByteBuffer(capacity: 256)
  private let memory = Arena()

  init(
    _ spec: StateSpec, _ number: Int, _ emitter: Emitter, _ constants: Constants, within: SettingValue, start: Literal, _ inner: Evaluation
  ) {
    self.inner = inner
    let type = spec.output.record!.fields.last!.type
    let shape = Shape.of(type)
    rows = RowCodec(shape)
    self.start = Column(shape)
    let text = memory.copy(Value(start, type).json(shape))
    precondition(shape.read(text, into: self.start, 0, memory, JSONOptions()), "a constant of the plan is of its type")
    super.init(spec, number, emitter, constants, within: within)
  }

  deinit { buffer.release() }

  override func take(_ input: SinkBuffer, _ row: Int, _ key: UnsafeBufferPointer<UInt8>) throws(RunFailure) {
    guard !isFull(key) else { return failBeyondLimit(input, row, "keys") }
    let time = input.times[row]
    let before = kept(key).flatMap { time - $0.time <= within ? $0 : nil }
    let result = try inner.run { records, arena in
      records.setPresent(0)
      for (child, other) in zip(records.children, input.records!.children) { child.copy(0, from: other, row) }
      let kept = records.children.last!
      if let before { _ = rows.unpack(before.bytes, into: kept, 0, arena) } else { kept.copy(0, from: start, 0) }
    }
    switch result {
    // What is kept stays as it was.
    case .failure(let failure): fail(input, row, failure.message, .expression)
    case .success(let column):
      emitter.copy(input, row)
      added.copy(emitter.row, from: column, 0, into: emitter.arena)
      buffer.count = 0
      rows.pack(column, 0, into: &buffer)
      keep(Kept(buffer.bytes, max(time, before?.time ?? .min), 0), key)
      try give(input, row)
    }
  }
}
