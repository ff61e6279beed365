/// Makes results of states: rows of key, window and aggregates, for the route behind a group.
final class Results {
  let aggregates: Aggregates
  let codec: KeyCodec
  private let emitter: Emitter
  private let keys: Int
  private let hasBounds: Bool
  var words: Int { max(1, aggregates.words) }

  init(_ spec: StateSpec, _ emitter: Emitter, _ specs: [AggregateSpec], hasBounds: Bool) {
    self.emitter = emitter
    self.hasBounds = hasBounds
    keys = spec.keys
    aggregates = Aggregates(specs)
    let shapes = spec.each.prefix(keys).map { Shape.of($0.type) }
    codec = KeyCodec(shapes)
    // A result fails with its key and its window; that of one window it has in every run.
    emitter.prepare = { [keys] batch in
      batch.payloads = { [unowned batch] row in Self.described(batch.records!, row, keys, hasBounds) }
      batch.origin = { [unowned batch] row in spec.name + "\n" + Self.described(batch.records!, row, keys, hasBounds) }
    }
  }

  /// Gives one result, or fails where an aggregate does.
  func give(
    _ key: UnsafeBufferPointer<UInt8>, _ start: Int64, _ end: Int64, _ state: UnsafeMutablePointer<UInt64>, time: Int64, order: Int64
  ) throws(RunFailure) {
    let (records, row) = (emitter.records, emitter.row)
    records.setPresent(row)
    _ = codec.unpack(key, into: Array(records.children[..<keys]), row, emitter.arena)
    var next = keys
    if hasBounds {
      let window = records.children[next]
      window.setPresent(row)
      window.children[0].set(start, row)
      window.children[1].set(end, row)
      next += 1
    }
    for number in 0..<aggregates.count {
      do throws(EventFailure) {
        try aggregates.finish(state, number, into: records.children[next + number], row, emitter.batch.context)
      } catch {
        return emitter.fail(error.message, .aggregate, payload: Self.described(records, row, keys, hasBounds))
      }
    }
    try emitter.end(time, order)
  }

  private static func described(_ records: Column, _ row: Int, _ keys: Int, _ hasBounds: Bool) -> String {
    var out = ByteBuffer(capacity: 256)
    defer { out.release() }
    for (number, field) in records.shape.fields.prefix(keys + (hasBounds ? 1 : 0)).enumerated() {
      out.raw(number == 0 ? "{" : ",")
      out.text(JSONLiteral.quoted(number < keys ? field.wire : "window"))
      out.raw(":")
      out.json(records.children[number], row, JSONOptions())
    }
    if keys == 0, !hasBounds { out.raw("{") }
    out.raw("}")
    return out.string
  }
}

/// Aggregates over the columns that a step gets.
struct Aggregates {
  private let states: AggregateSet
  let count: Int

  init(_ specs: [AggregateSpec]) { (states, count) = (AggregateSet(specs), specs.count) }

  var words: Int { states.words }
  var bytes: Int { states.bytes }

  func add(_ states: UnsafeBufferPointer<UnsafeMutablePointer<UInt64>>, _ input: SinkBuffer, _ rows: Range<Int>) {
    self.states.add(
      states, input.each, rows, Ranks(times: input.times.values.baseAddress, orders: input.orders.values.baseAddress))
  }
  func write(_ state: UnsafeMutablePointer<UInt64>, into out: inout ByteBuffer) { states.write(state, into: &out) }
  func read(_ bytes: UnsafeBufferPointer<UInt8>, into state: UnsafeMutablePointer<UInt64>) -> Bool { states.read(bytes, into: state) }
  func merge(_ from: UnsafeMutablePointer<UInt64>, into: UnsafeMutablePointer<UInt64>) { states.merge(from, into: into) }
  func release(_ state: UnsafeMutablePointer<UInt64>) { states.release(state) }
  func finish(
    _ state: UnsafeMutablePointer<UInt64>, _ number: Int, into column: Column, _ row: Int, _ context: Context
  ) throws(EventFailure) { try states.finish(state, number, into: column, row, context) }
}
