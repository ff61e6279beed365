#if Elasticsearch
import PumpHttpClient
import PumpConnectorKit

/// `index`: bulk requests. Events are encoded as they come and sent at the commit; what is not done then stays and is sent
/// again, each event under the id that it got when it came.
final class BulkSink: Sink {
  private typealias Mode = ElasticsearchIndexSinkArguments.Mode
  private enum Outcome { case open, done, refused }
  /// Where the action of an event ends within the lines, where all of it does, and how it went.
  private struct Event {
    let action: Int
    let end: Int
    var outcome = Outcome.open
  }
  private let pool: ClientPool<Session>
  private let cluster: Cluster
  private var connection: Connection { cluster.connection }
  private let mode: Mode
  private let name: Int
  private let id: Int?
  /// Lines of bulk requests since the last commit, and their events.
  private var lines = ByteBuffer(capacity: BulkSink.room)
  private var events = PlainList<Event>()
  private var reasons: [Int: String] = [:]
  /// What actions begin with, up to the id, and the index that they name.
  private var head = ByteBuffer(capacity: 256)
  private var index = Text()
  private let names = Arena()
  /// What of the lines is sent, where that is not one piece, and its packed form.
  private var body = ByteBuffer(capacity: 1)
  private var packed = ByteBuffer(capacity: 1)
  /// What ids of origins are made of: this sink, and a namespace of our own.
  private let endpoint: String
  private static let namespace = Uuid(high: 0x7075_6D70_6320_4F52, low: 0x4947_494E_2065_7673)
  private let scratch = Context()
  /// The next id that is made here, for events without an origin.
  private var nextId = Uuid(high: .random(in: 0...UInt64.max), low: .random(in: 0...UInt64.max))
  /// The request that is under way while the batch still grows, and how many events were sent so. Where one did not go
  /// well, the commit does the rest: what is open goes before what came later.
  private var ahead: (session: Session, events: Range<Int>)?
  private let sender = BackgroundWorker<HttpAnswer>()
  private var sent = 0
  private var isHeld = false
  /// Little, so that little is left to send at the commit. A server that is slow has larger requests: what came while it wrote.
  private static let aheadSize = 256 << 10
  /// For what comes between two commits, mostly; memory that is not touched costs nothing.
  private static let room = 10 << 20
  /// Bytes of one request; less once the server has found one too large.
  private var bodyLimit = 5 << 20

  init(_ pool: ClientPool<Session>, _ cluster: Cluster, _ context: EndpointContext) throws(RunFailure) {
    self.pool = pool
    self.cluster = cluster
    mode = ElasticsearchIndexSinkArguments(context.settings).mode
    name = context.spec.argument("name")!
    id = context.spec.argument("id")
    endpoint = "\(context.pipeline)\n\(context.spec.label)"
    guard id != nil || mode == .index || mode == .create else {
      throw RunFailure("sink `\(context.spec.label)`: `\(mode)` needs `id: …`")
    }
  }

  deinit {
    lines.release()
    events.release()
    head.release()
    body.release()
    packed.release()
  }

  var refusesLate: Bool { true }
  var pending: Int { lines.count }

  // MARK: Encoding

  func write(_ buffer: SinkBuffer) throws(RunFailure) -> [Refusal] {
    var refusals: [Refusal] = []
    for row in 0..<buffer.count {
      let name = buffer.each[self.name].get(Text.self, row)
      let given = id.flatMap { buffer.each[$0].isNull(row) ? nil : buffer.each[$0].get(Text.self, row) }
      // The server would refuse the whole request for these.
      if name.isEmpty {
        refusals.append(Refusal(row: row, message: "the name of the index is empty"))
      } else if let given, given.isEmpty || given.count > 512 {
        refusals.append(Refusal(row: row, message: "an id has 1 to 512 bytes, this one has \(given.count)"))
      } else if given == nil, mode != .index, mode != .create {
        refusals.append(Refusal(row: row, message: "the id is null, `\(mode)` needs one"))
      } else {
        encode(name, given, buffer, row)
      }
    }
    sendAhead()
    return refusals
  }

  private func encode(_ name: Text, _ given: Text?, _ buffer: SinkBuffer, _ row: Int) {
    begin(name)
    // Escaped, an id may be six times as long.
    reserve(head.count + 6 * (given?.count ?? 0) + buffer.event(row).count + 256)
    lines.raw(head.base, head.count)
    if let given { lines.quoted(given) } else { lines.json(origin(buffer, row) ?? makeId()) }
    lines.raw("}}\n")
    let action = lines.count
    switch mode {
    case .index, .create: lines.raw(buffer.event(row))
    case .update, .upsert:
      lines.raw("{\"doc\":")
      lines.raw(buffer.event(row))
      if mode == .upsert { lines.raw(",\"doc_as_upsert\":true") }
      lines.byte(UInt8(ascii: "}"))
    case .delete: break
    }
    if mode != .delete { lines.byte(0x0A) }
    events.append(Event(action: action, end: lines.count))
  }

  /// Makes room in the lines, which stay where they are while a request is under way.
  private func reserve(_ size: Int) {
    guard lines.count + size > lines.capacity else { return }
    while ahead != nil { receive(micros: 100_000) }
    lines.reserve(size)
  }

  /// Most events go to the index of the one before.
  private func begin(_ name: Text) {
    if name == index { return }
    names.reset()
    index = names.copy(name)
    head.count = 0
    switch mode {
    case .index: head.raw("{\"index\":{\"_index\":")
    case .create: head.raw("{\"create\":{\"_index\":")
    case .update, .upsert: head.raw("{\"update\":{\"retry_on_conflict\":3,\"_index\":")
    case .delete: head.raw("{\"delete\":{\"_index\":")
    }
    head.quoted(name)
    head.raw(",\"_id\":")
  }

  /// The id of an event without one: what its source knows it by, so that it is the same document when it comes again.
  private func origin(_ buffer: SinkBuffer, _ row: Int) -> Uuid? {
    guard let origin = buffer.origin(row) else { return nil }
    defer { scratch.arena.reset() }
    // Of an event that was expanded, each with its number.
    return Fn.uuidV5(Self.namespace, scratch.arena.copy("\(endpoint)\n\(origin)\n\(buffer.number(row))"), scratch)
  }

  /// Ids from a random beginning on: no two runs share any, and neighbours pack and compare well.
  private func makeId() -> Uuid {
    defer {
      let (low, carry) = nextId.low.addingReportingOverflow(1)
      nextId = Uuid(high: carry ? nextId.high &+ 1 : nextId.high, low: low)
    }
    return nextId
  }

  private func start(_ event: Int) -> Int { event == 0 ? 0 : events[event - 1].end }

  // MARK: Commit

  /// Sends what is enough for a request, one at a time.
  private func sendAhead() {
    receive(micros: 0)
    guard ahead == nil, !isHeld, connection.phase == .ready, lines.count - start(sent) >= Self.aheadSize else { return }
    guard let session = try? pool.acquireSpare() else { return }
    let to = last(from: sent)
    let bytes = lines(of: sent..<to)
    sender.start { [self] () throws(RunFailure) in try session.send(request(bytes), unless: { self.sender.isCancelled }) }
    ahead = (session, sent..<to)
    sent = to
  }

  /// Where a request that begins with this event ends: it has one event at least, however long.
  private func last(from first: Int) -> Int {
    var to = first + 1
    while to < events.count, events[to].end - start(first) <= bodyLimit { to += 1 }
    return to
  }

  /// Takes the answer to the request that is under way, where it comes in this time.
  private func receive(micros: Int64) {
    guard let (session, events) = ahead, let result = sender.result(micros: micros) else { return }
    ahead = nil
    do throws(RunFailure) {
      let answer = try result.get()
      isHeld = answer.status != 200
      if !isHeld { try settle(Array(events), answer) }
    } catch {
      isHeld = true
      if session.isBroken { pool.lost(error.message) }
    }
    pool.release(session, broken: !session.isReusable)
  }

  func commit() throws(RunFailure) -> [Refusal] {
    guard events.count > 0 else { return [] }
    while ahead != nil { receive(micros: 100_000) }
    try pool.with { session throws(RunFailure) in
      var from = 0
      while from < events.count {
        let to = last(from: from)
        try deliver(session, from..<to)
        from = to
      }
    }
    let refusals = reasons.sorted { $0.key < $1.key }.map { Refusal(row: $0.key, message: $0.value) }
    lines.count = 0
    events.removeAll()
    reasons.removeAll()
    (sent, isHeld) = (0, false)
    return refusals
  }

  private func refuse(_ event: Int, _ reason: String) {
    events[event].outcome = .refused
    reasons[event] = reason
  }

  /// Sends what is open of these events; throws where some of it still is afterwards.
  private func deliver(_ session: Session, _ range: Range<Int>) throws(RunFailure) {
    let open = range.filter { events[$0].outcome == .open }
    guard let first = open.first, let last = open.last else { return }
    let answer = try session.send(request(lines(of: open)))
    switch answer.status {
    case 200: try settle(open, answer)
    case 400, 413:
      // One event may have spoiled the request for all, or all together are too much.
      guard first < last else {
        return refuse(first, answer.status == 413 ? "the event is too large for the server" : session.failure(answer).message)
      }
      if answer.status == 413 { bodyLimit = max(64 << 10, min(bodyLimit, (events[last].end - start(first)) / 2)) }
      let middle = open[open.count / 2]
      try deliver(session, range.lowerBound..<middle)
      try deliver(session, middle..<range.upperBound)
    default: throw session.failure(answer)
    }
  }

  private func lines(of range: Range<Int>) -> UnsafeBufferPointer<UInt8> {
    let first = start(range.lowerBound)
    return UnsafeBufferPointer(start: UnsafePointer(lines.base + first), count: events[range.upperBound - 1].end - first)
  }

  /// The lines of these events: as they lie where they are neighbours, else copied together.
  private func lines(of open: [Int]) -> UnsafeBufferPointer<UInt8> {
    let (first, last) = (open[0], open[open.count - 1])
    if last - first < open.count { return lines(of: first..<last + 1) }
    body.count = 0
    for event in open { body.raw(lines.base + start(event), events[event].end - start(event)) }
    return body.bytes
  }

  private func request(_ bytes: UnsafeBufferPointer<UInt8>) -> ClusterRequest {
    // Of each item only what says how it went.
    var request = ClusterRequest(path: "/_bulk?filter_path=error,errors,items.*.status,items.*.error", body: bytes)
    request.contentType = "application/x-ndjson"
    if cluster.settings.compress {
      packed.count = 0
      if Gzip.pack(bytes, into: &packed) {
        request.body = packed.bytes
        request.isPacked = true
      }
    }
    return request
  }

  /// Takes down how each event went; none said means that all did well.
  private func settle(_ open: [Int], _ answer: HttpAnswer) throws(RunFailure) {
    let arena = Arena()
    guard let items = Reply.bulk(answer.text(arena), arena), items.isEmpty || items.count == open.count else {
      throw connection.failure("the answer to a bulk request cannot be read", transient: true)
    }
    if items.isEmpty {
      for event in open { events[event].outcome = .done }
      return
    }
    var busy: (count: Int, reason: String) = (0, "")
    /// Actions of events that are still open: later ones of the same document come again after them.
    var waiting: Set<Text> = []
    for (item, event) in zip(items, open) {
      switch item.status {
      case _ where item.reason == nil: events[event].outcome = waiting.contains(action(event)) ? .open : .done
      // It was there already: perhaps by this very event, whose reply was lost.
      case 409 where mode == .create: events[event].outcome = .done
      case 408, 409, 429, 500...:
        busy = (busy.count + 1, busy.count == 0 ? item.reason ?? "" : busy.reason)
        waiting.insert(action(event))
      default: refuse(event, item.reason ?? "status \(item.status)")
      }
    }
    guard busy.count == 0 else {
      throw connection.failure("\(busy.count) of \(open.count) events could not be written now: \(busy.reason)", transient: true)
    }
  }

  /// What an event does to which document.
  private func action(_ event: Int) -> Text { Text(lines.base + start(event), events[event].action - start(event)) }

  func close(completed: Bool) throws(RunFailure) {
    sender.end()
    if let (session, _) = ahead { pool.release(session, broken: true) }
  }
}
#endif
