/// Events that a source gave together: slices of bytes, or a column of records. Everything derived from them lives in
/// the batch's arena and dies with it.
public final class Batch {
  public let context: Context
  public var count = 0
  /// One slice for each event of a source of bytes.
  public var events = PlainList<Text>()
  /// The events of a typed source.
  public var records: Column?
  /// What the source says of each event, by name; only what the pipeline reads.
  public var meta: [String: Column] = [:]
  /// The same of one event as JSON, for the error route.
  public var describe: (Int) -> String = { _ in "{}" }
  /// Told of each event that fails, wherever it does: which it is, why, and in words.
  public var failed: ((Int, FailureReason, String) -> Void)?
  /// Events that the source itself had to refuse; they are not among `events`.
  public var refused: [Failure] = []
  /// Number of the first event since the source began; numbers decide `sample`.
  public var firstNumber: UInt64 = 0
  /// The source's own mark of how far this batch goes.
  public var position: Int64 = 0
  /// The same for the next run, where positions are kept.
  public var checkpoint: Checkpoint = [:]
  /// A text that no other event has and that one event has in every run: what its source knows it by.
  public var origin: ((Int) -> String)?
  /// Its source has cut a stream into records as the format of the first step wants it: each event is one.
  public package(set) var isFramed = false
  /// The header of that stream.
  public package(set) var header: Header?
  /// When each event was, in microseconds since 1970; empty where a step that keeps something does not give them.
  public var times = PlainList<Int64>(capacity: 16)
  /// Which partition of its source each event is of, by the source's own numbers; empty where all are of partition 0.
  public var partitions = PlainList<Int32>(capacity: 16)
  /// The partitions that the source reads from now on, where that has changed: no others hold the times of the flow back.
  public var assigned: [Int32]?
  /// Partitions of which nothing is left to read for now.
  public var drained: [Int32] = []
  /// Which of two events of one time is the earlier: by partition, and by position within it.
  package var orders = PlainList<Int64>(capacity: 16)
  /// The payload of an event for the error route, where that is not the event itself.
  package var payloads: ((Int) -> String)?
  /// The source must see everything up to here acknowledged before it goes on: a partition is taken from it, say.
  public var wantsCommit = false

  public init(context: Context = Context()) { self.context = context }

  deinit {
    events.release()
    times.release()
    partitions.release()
    orders.release()
  }

  @inlinable @inline(__always)
  public func append(_ event: Text) {
    events.append(event)
    count += 1
  }

  public func clear() {
    count = 0
    events.removeAll()
    records?.clear()
    for column in meta.values { column.clear() }
    times.removeAll()
    partitions.removeAll()
    assigned = nil
    drained.removeAll()
    orders.removeAll()
    payloads = nil
    refused.removeAll(keepingCapacity: true)
    wantsCommit = false
    isFramed = false
    header = nil
    checkpoint.removeAll(keepingCapacity: true)
    origin = nil
    failed = nil
    describe = { _ in "{}" }
    context.arena.reset()
  }

  /// The column of a typed source's events; batches keep it when they are cleared.
  public func recordColumn(_ shape: @autoclosure () -> Shape) -> Column {
    if let records { return records }
    let column = Column(shape())
    records = column
    return column
  }

  /// The column of what the source says of each event by this name; batches keep it when they are cleared.
  public func metaColumn(_ name: String, _ shape: @autoclosure () -> Shape) -> Column {
    if let column = meta[name] { return column }
    let column = Column(shape())
    meta[name] = column
    return column
  }

  /// Copies events that are slices of their source's memory, so that they outlive its next read.
  package func own() {
    guard records == nil else { return }
    for row in 0..<count { events[row] = context.arena.copy(events[row]) }
  }

  /// The bytes of an event for the error route: as they came, or as JSON of the typed event.
  package func payload(_ row: Int) -> Text {
    if let payloads { return context.arena.copy(payloads(row)) }
    guard let records else { return events[row] }
    return makeText(context.arena) { $0.json(records, row, JSONOptions()) }
  }

  /// Whether an event is in a sample; the same for the same event, however it is executed.
  @inline(__always)
  public func sampled(_ row: Int, _ step: Int, _ share: Double) -> Bool {
    var z = (firstNumber &+ UInt64(row)) &* 0x9E37_79B9_7F4A_7C15 &+ UInt64(step) &* 0xBF58_476D_1CE4_E5B9
    z = (z ^ (z >> 30)) &* 0xBF58_476D_1CE4_E5B9
    z = (z ^ (z >> 27)) &* 0x94D0_49BB_1331_11EB
    z ^= z >> 31
    return Double(z >> 11) / Double(1 << 53) < share
  }
}

/// What one step sends to its sink in one batch.
public final class SinkBuffer {
  /// Encoded events, each followed by a line feed.
  public var bytes = ByteBuffer(capacity: 64 << 10)
  /// Where each event ends, before its line feed.
  public var ends = PlainList<Int>()
  /// Records for a typed sink.
  public let records: Column?
  /// Arguments per event, in the order of the endpoint's.
  public let each: [Column]
  /// The event of the batch that each came from.
  public var origins = PlainList<Int32>()
  /// Where the events go to a step that keeps something: when each was, and which of two of one time is the earlier.
  package var times = PlainList<Int64>(capacity: 16)
  package var orders = PlainList<Int64>(capacity: 16)
  /// Behind an `expand`, the place of each in the list that its event was expanded by; else empty.
  var elements = PlainList<Int32>()
  /// The batch's `origin`.
  package var batchOrigin: ((Int) -> String)?
  /// What a row's event is known by in every run, where its source can tell. Rows that one event was expanded to share it.
  public func origin(_ row: Int) -> String? { batchOrigin?(Int(origins[row])) }
  /// Rows of the first row's event that stand before it in the buffer that this one is a part of.
  package var leading = 0
  private var numbered = (row: -1, number: 0)

  /// The number of a row among those of its event: 0 for the first.
  public func number(_ row: Int) -> Int {
    var number = 0
    if row > 0, origins[row - 1] == origins[row] {
      number = (numbered.row == row - 1 ? numbered.number : self.number(row - 1)) + 1
    } else if row == 0 {
      number = leading
    }
    numbered = (row, number)
    return number
  }

  public init(records: Shape?, each: [Shape]) {
    self.records = records.map { Column($0) }
    self.each = each.map { Column($0) }
  }

  deinit {
    bytes.release()
    ends.release()
    origins.release()
    elements.release()
    times.release()
    orders.release()
  }

  public var count: Int { origins.count }

  /// Notes which element of a list the event is that is about to be written.
  public func note(_ element: Element?) { note(element?.index ?? 0) }
  package func note(_ element: Int) { elements.append(Int32(truncatingIfNeeded: element)) }

  /// The place of a row's element in its list.
  package func element(_ row: Int) -> Int? { elements.count > 0 ? Int(elements[row]) : nil }

  /// Closes the event that was just written to `bytes`.
  @inlinable @inline(__always)
  public func end(_ origin: Int) {
    ends.append(bytes.count)
    bytes.byte(0x0A)
    origins.append(Int32(truncatingIfNeeded: origin))
  }

  /// Closes the event whose columns were just written, on its way to a step that keeps something.
  @inlinable @inline(__always)
  public func take(_ row: Int, _ time: Int64, _ batch: Batch) {
    origins.append(Int32(truncatingIfNeeded: row))
    note(time, batch, row)
  }
  /// Notes when the event was that was just closed.
  public func note(_ time: Int64, _ batch: Batch, _ row: Int) {
    times.append(time)
    orders.append(batch.orders.count > 0 ? batch.orders[row] : 0)
  }

  public func event(_ row: Int) -> Text {
    let start = row == 0 ? 0 : ends[row - 1] + 1
    return Text(bytes.base + start, ends[row] - start)
  }

  /// A record as a JSON object.
  public func json(_ row: Int) -> String {
    var out = ByteBuffer(capacity: 256)
    defer { out.release() }
    // Asked for of typed sinks alone.
    out.json(records!, row, JSONOptions())
    return out.string
  }

  public func clear() {
    bytes.count = 0
    leading = 0
    numbered = (-1, 0)
    ends.removeAll()
    origins.removeAll()
    elements.removeAll()
    times.removeAll()
    orders.removeAll()
    records?.clear()
    for column in each { column.clear() }
  }
}

/// What a batch became: one buffer for each sink of the pipeline, in the order of its steps, and the failures.
public final class Outputs {
  public let sinks: [SinkBuffer]
  /// What goes to the steps that keep something, for each of these by the part that it is; they are emptied by these.
  package let states: [[StatePart: SinkBuffer]]
  /// What says which events are late, where the pipeline has times.
  package var clock: FlowClock?
  /// When the event at work was.
  public var time: Int64 = 0
  public var failures: [Failure] = []
  public var filtered = 0
  /// Events that `discard` ended.
  public var discarded = 0
  public var lookups: [LookupStep] = []
  /// Why the batch under way cannot be finished: nothing of it may be written, and nothing fails.
  package var broken: RunFailure?
  /// What is at work of an event that was cut into records, and of a list that was expanded; a failure concerns it alone.
  @usableFromInline var record: Record?
  public private(set) var element: Element?
  let log: (String) -> Void
  /// Takes what comes by a probe, where a test runs.
  package var onProbe: ((Int, String) -> Void)?

  public init(sinks: [SinkBuffer], states: [[StatePart: SinkBuffer]] = [], log: @escaping (String) -> Void) {
    self.sinks = sinks
    self.states = states
    self.log = log
  }

  /// What a step that keeps something gets.
  public func state(_ number: Int, _ part: StatePart) -> SinkBuffer { states[number][part]! }

  /// Works on an event that has its time already.
  @inlinable public func begin(_ batch: Batch, _ row: Int) { time = batch.times.count > 0 ? batch.times[row] : 0 }

  /// The event's time; it fails where it is late.
  public func admit(_ time: Timestamp, _ batch: Batch, _ row: Int) throws(EventFailure) {
    self.time = time.micros
    guard let clock else { return }
    let partition = batch.partitions.count > 0 ? batch.partitions[row] : 0
    guard clock.admit(time.micros, partition) else { throw EventFailure(clock.complaint(time, partition)) }
  }

  public func fail(_ row: Int, _ step: Int, _ message: String) {
    fail(row, step, message, record, element.map { ($0.index, $0.json) })
  }
  package func fail(_ row: Int, _ step: Int, _ message: String, _ record: Record?, _ element: Failure.Part?) {
    var failure = Failure(row: row, step: step, message: message)
    (failure.record, failure.element) = (record, element)
    failures.append(failure)
  }
  public func fail(_ row: Int, _ step: Int, _ failure: EventFailure) { fail(row, step, failure.message) }
  /// Works on one record of an event.
  public func on(_ record: Record, _ body: () -> Void) { on(record, element, body) }
  /// Works on what was at work before.
  @usableFromInline func on(_ record: Record?, _ element: Element?, _ body: () -> Void) {
    let outer = (self.record, self.element)
    (self.record, self.element) = (record, element)
    body()
    (self.record, self.element) = outer
  }
  /// Works on each element of a list; an event whose list is empty goes nowhere.
  @inlinable public func expand<Item: JSONWritable>(_ list: List<Item>, _ body: (Item) -> Void) {
    if list.count == 0 { filtered += 1 }
    let outer = element
    for index in 0..<list.count {
      work(on: Element(list, index))
      body(list[index])
    }
    work(on: outer)
  }
  @usableFromInline func work(on element: Element?) { self.element = element }
  /// Shows an event, as `write` writes it, to whoever looks at a probe.
  public func show(_ probe: Int, _ write: (inout ByteBuffer) -> Void) {
    guard let onProbe else { return }
    var bytes = ByteBuffer(capacity: 256)
    defer { bytes.release() }
    write(&bytes)
    onProbe(probe, bytes.string)
  }
  public func log(_ text: Text) { log(Shape.clean(text.string)) }

  public func clear() {
    for sink in sinks { sink.clear() }
    failures.removeAll(keepingCapacity: true)
    filtered = 0
    discarded = 0
    broken = nil
  }
}

/// The steps of one pipeline, or of its error route: interpreted, or generated.
public protocol Processor: AnyObject {
  /// How the first step wants a stream cut into events, where it has a format that says so.
  var framing: Framing? { get }
  func process(_ batch: Batch, _ out: Outputs)
}

extension Processor {
  public var framing: Framing? { nil }
}
