/// A step that keeps something of the events before: it takes what a route has made of a batch, and gives what enters the route
/// behind it. Used under the pipeline's lock.
///
/// All events of a batch are taken before the mark goes on. That is the same as event by event: what is not late is not before the
/// mark of its own partition, and so in no window that the flow's mark closes.
class StateStep {
  let spec: StateSpec
  /// Its place among the pipeline's steps of this kind.
  let number: Int
  let emitter: Emitter
  /// Events beyond so many keys or rows fail.
  let limit: Int
  /// Events of the batch at hand that have failed.
  private(set) var failures: [Failure] = []

  init(_ spec: StateSpec, _ number: Int, _ emitter: Emitter, _ constants: Constants) {
    self.spec = spec
    self.number = number
    self.emitter = emitter
    limit = Int(constants.number(spec.limit))
  }

  /// Takes what came of a batch.
  func take(_ input: SinkBuffer, _ batch: Batch) throws(RunFailure) {}
  /// Takes what came of a batch of the stream that it joins.
  func takeSide(_ input: SinkBuffer, _ batch: Batch) throws(RunFailure) {}
  /// No event before this time will come.
  func advance(_ mark: Int64) throws(RunFailure) {}
  /// The same of the stream that it joins.
  func advanceSide(_ mark: Int64) throws(RunFailure) {}
  /// No event will come at all.
  func finish() throws(RunFailure) {}
  /// Nor will one of the stream.
  func finishSide() throws(RunFailure) {}
  /// Nothing that it will give is before this time.
  func outputMark(_ mark: Int64) -> Int64 { mark }

  /// Whether it will give no more.
  private(set) var isFinished = false
  func end() { isFinished = true }

  // What is kept on disk.

  /// Whether it is, so that changes are noted.
  var isDurable = false
  /// What has changed since this was asked last.
  func writeChanges(_ out: inout Changes) {}
  /// All that it holds.
  func writeAll(_ out: inout Changes) {}
  /// An entry again, as one of the two wrote it; false where it is damaged. In place of one with the same key.
  func restore(_ table: UInt8, _ key: UnsafeBufferPointer<UInt8>, _ value: UnsafeBufferPointer<UInt8>) -> Bool { false }
  func restoreDrop(_ table: UInt8, _ key: UnsafeBufferPointer<UInt8>, isPrefix: Bool) {}
  /// All entries are there again; the flows had come so far.
  func restored(_ mark: Int64, _ sideMark: Int64) {}

  /// Tells of what it holds, line by line, or gives it as it would at the end.
  func show(_ line: (String) -> Void) throws(RunFailure) { try finish() }

  /// Tells of the keys of a table, each once; before a key may stand so many bytes.
  final func showKeys(_ codec: KeyCodec, _ tables: [UInt8], prefix: Int, _ line: (String) -> Void) throws(RunFailure) {
    var changes = Changes()
    defer { changes.release() }
    writeAll(&changes)
    let key = Column(Shape.of(.record(RecordType(fields: Array(spec.each.prefix(spec.keys))))))
    let memory = Arena()
    var told: Set<[UInt8]> = []
    _ = try Changes.read(changes.bytes.bytes) { (_, _, table, bytes, _) throws(RunFailure) in
      let bytes = UnsafeBufferPointer(rebasing: bytes.dropFirst(prefix))
      guard tables.contains(table), told.insert(Array(bytes)).inserted else { return }
      key.clear()
      key.setPresent(0)
      if codec.unpack(bytes, into: key.children, 0, memory) { line(key.json(0)) }
    }
  }

  /// What it holds.
  var keys: Int { 0 }
  var bytes: Int { 0 }

  func fail(_ input: SinkBuffer, _ row: Int, _ message: String, _ reason: FailureReason) {
    var failure = Failure(row: Int(input.origins[row]), step: spec.step, message: message, reason: reason)
    failure.element = input.element(row).map { ($0, nil) }
    failures.append(failure)
  }

  func failBeyondLimit(_ input: SinkBuffer, _ row: Int, _ unit: String) {
    fail(input, row, "more than \(limit) \(unit) are open; `limit` says how many may be", .limit)
  }

  func takeFailures() -> [Failure] {
    defer { failures.removeAll(keepingCapacity: true) }
    return failures + emitter.takeFailures()
  }
}

/// What a step says once for the whole run: its durations and numbers, from the spec or the configuration.
struct Constants {
  let configuration: Configuration

  /// Some 73,000 years: a time and it can be added.
  private static let longest: Int64 = 1 << 61

  /// A whole number, or microseconds.
  func number(_ value: SettingValue) -> Int64 {
    switch value {
    case .literal(let literal): return number(Value(literal, .int))
    case .config(let section, let key): return number(configuration.section(section)[key])
    default: preconditionFailure("a constant of a step is a literal or a key of the configuration")
    }
  }

  private func number(_ value: Value) -> Int64 {
    guard case .int(let number) = value else { return 0 }
    return max(-Self.longest, min(number, Self.longest))
  }
}

/// Collects what a step gives into batches, and sends them into the route behind it.
final class Emitter {
  let spec: StateSpec
  private let shape: Shape
  /// Takes a batch into the route; it is the emitter's again afterwards, where the result says so.
  private let send: (Batch) throws(RunFailure) -> Bool
  private let now: () -> Timestamp
  private var free: Batch?
  /// How many events it gave.
  var given: UInt64 = 0
  /// Told of each batch before it is filled.
  var prepare: (Batch) -> Void = { _ in }
  static let most = 1024

  init(_ spec: StateSpec, now: @escaping () -> Timestamp, send: @escaping (Batch) throws(RunFailure) -> Bool) {
    self.spec = spec
    shape = Shape.of(spec.output)
    self.now = now
    self.send = send
  }

  private var current: Batch?
  /// The batch that is being filled.
  var batch: Batch { current ?? make() }

  private func make() -> Batch {
    let batch = free ?? Batch()
    free = nil
    current = batch
    batch.clear()
    _ = batch.recordColumn(shape)
    batch.context.now = now()
    batch.firstNumber = given
    prepare(batch)
    return batch
  }

  var records: Column { batch.records! }
  var arena: Arena { batch.context.arena }
  /// The row that is filled next.
  var row: Int { batch.count }

  /// Told of events that are left out.
  var leaveOut: () -> Void = {}
  private var failures: [Failure] = []
  /// Payloads of the failures that were taken last.
  private let memory = Arena(chunkSize: 1 << 10)

  /// What was to be given fails.
  func fail(_ message: String, _ reason: FailureReason, payload: String) {
    if failures.isEmpty { memory.reset() }
    failures.append(Failure(row: 0, step: spec.step, message: message, reason: reason, payload: (memory.copy(payload), "{}")))
  }

  func takeFailures() -> [Failure] {
    defer { failures.removeAll(keepingCapacity: true) }
    return failures
  }

  /// Fills the row with an event as it came, but for fields that the step adds at its end.
  func copy(_ input: SinkBuffer, _ from: Int) {
    if case .record = input.records!.shape.kind {
      records.setPresent(row)
      for (child, other) in zip(records.children, input.records!.children) { child.copy(row, from: other, from, into: arena) }
    } else {
      records.copy(row, from: input.records!, from, into: arena)
    }
    for (column, other) in zip(meta, input.each.suffix(spec.meta)) { column.copy(row, from: other, from, into: arena) }
  }

  /// What the source said of the events, where that is read behind the step.
  var meta: [Column] { spec.each.suffix(spec.meta).map { field in batch.metaColumn(field.name, Shape.of(field.type)) } }

  /// The row is filled, and enters the route with the batch.
  func end(_ time: Int64, _ order: Int64) throws(RunFailure) {
    batch.times.append(time)
    batch.orders.append(order)
    batch.count += 1
    given += 1
    if batch.count == Self.most { try flush() }
  }

  func flush() throws(RunFailure) {
    guard let full = current, full.count > 0 else { return }
    current = nil
    if try send(full) { free = full }
  }
}
