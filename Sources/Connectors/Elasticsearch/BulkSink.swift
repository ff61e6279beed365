#if Elasticsearch
internal import CElasticsearch
import PumpRuntime

/// `index`: bulk requests. Events are encoded as they come and sent at the commit; what is not done then stays and is sent
/// again, each event under the id that it got when it came.
final class BulkSink: Sink, @unchecked Sendable {
  private enum Mode: String { case index, create, update, upsert, delete }
  private enum Outcome { case open, done, refused(String) }
  private let pool: ClientPool<Session>
  private let connection: Connection
  private let mode: Mode
  private let compresses: Bool
  private let name: Int
  private let id: Int?
  /// Lines of bulk requests since the last commit; for each event where its action ends, and where all of it does.
  private var lines = ByteBuffer(capacity: 64 << 10)
  private var actions: [Int] = []
  private var ends: [Int] = []
  private var outcomes: [Outcome] = []
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
  private var sent = 0
  private var isHeld = false
  private static let aheadSize = 1 << 20
  /// Bytes of one request; less once the server has found one too large.
  private var bodyLimit = 5 << 20

  init(_ pool: ClientPool<Session>, _ cluster: Cluster, _ context: EndpointContext) throws(RunFailure) {
    self.pool = pool
    connection = cluster.connection
    compresses = cluster.compresses
    mode = Mode(rawValue: context.settings.text("mode") ?? "") ?? .index
    name = context.spec.each.firstIndex { $0.name == "name" }!
    id = context.spec.each.firstIndex { $0.name == "id" }
    endpoint = "\(context.pipeline)\n\(context.spec.label)"
    guard id != nil || mode == .index || mode == .create else {
      throw RunFailure("sink `\(context.spec.label)`: `\(mode)` needs `id: …`")
    }
  }

  deinit {
    lines.release()
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
    let records = buffer.records!
    switch mode {
    case .index: lines.raw("{\"index\":{\"_index\":")
    case .create: lines.raw("{\"create\":{\"_index\":")
    case .update, .upsert: lines.raw("{\"update\":{\"retry_on_conflict\":3,\"_index\":")
    case .delete: lines.raw("{\"delete\":{\"_index\":")
    }
    lines.quoted(name)
    lines.raw(",\"_id\":")
    if let given { lines.quoted(given) } else { lines.json(origin(buffer, row) ?? makeId()) }
    lines.raw("}}\n")
    actions.append(lines.count)
    switch mode {
    case .index, .create: lines.json(records, row, JSONOptions())
    case .update, .upsert:
      lines.raw("{\"doc\":")
      lines.json(records, row, JSONOptions())
      lines.raw(mode == .upsert ? ",\"doc_as_upsert\":true}" : "}")
    case .delete: break
    }
    if mode != .delete { lines.byte(0x0A) }
    ends.append(lines.count)
    outcomes.append(.open)
  }

  /// The id of an event without one: what its source knows it by, so that it is the same document when it comes again.
  private func origin(_ buffer: SinkBuffer, _ row: Int) -> Uuid? {
    guard let origin = buffer.origin(row) else { return nil }
    // Of an event that was expanded, each with its number.
    var number = 0
    while number < row, buffer.origins[row - number - 1] == buffer.origins[row] { number += 1 }
    defer { scratch.arena.reset() }
    return Fn.uuidV5(Self.namespace, scratch.arena.copy("\(endpoint)\n\(origin)\n\(number)"), scratch)
  }

  /// Ids from a random beginning on: no two runs share any, and neighbours pack and compare well.
  private func makeId() -> Uuid {
    defer {
      let (low, carry) = nextId.low.addingReportingOverflow(1)
      nextId = Uuid(high: carry ? nextId.high &+ 1 : nextId.high, low: low)
    }
    return nextId
  }

  private func start(_ event: Int) -> Int { event == 0 ? 0 : ends[event - 1] }
  private func isOpen(_ event: Int) -> Bool { if case .open = outcomes[event] { true } else { false } }

  // MARK: Commit

  /// Sends what is enough for a request, one at a time.
  private func sendAhead() {
    receive(micros: 0)
    guard ahead == nil, !isHeld, connection.phase == .ready, lines.count - start(sent) >= Self.aheadSize else { return }
    var to = sent + 1
    while to < ends.count, ends[to] - start(sent) <= bodyLimit { to += 1 }
    guard let session = try? pool.acquire() else { return }
    session.start(request(Array(sent..<to), isKept: true))
    ahead = (session, sent..<to)
    sent = to
  }

  /// Takes the answer to the request that is under way, where it comes in this time.
  private func receive(micros: Int64) {
    guard let (session, events) = ahead else { return }
    do throws(RunFailure) {
      guard let answer = try session.poll(micros: micros) else { return }
      isHeld = answer.status != 200
      if !isHeld { try settle(Array(events), answer) }
    } catch {
      isHeld = true
      if session.isBroken { pool.lost(error.message) }
    }
    end()
  }

  /// Gives the session of the request that was under way back.
  private func end() {
    guard let (session, _) = ahead else { return }
    ahead = nil
    if !session.isReusable { session.cancel() }
    pool.release(session, broken: !session.isReusable)
  }

  func commit() throws(RunFailure) -> [Refusal] {
    guard !ends.isEmpty else { return [] }
    while ahead != nil { receive(micros: 100_000) }
    try pool.with { session throws(RunFailure) in
      var from = 0
      while from < ends.count {
        // At least one event, however long.
        var to = from + 1
        while to < ends.count, ends[to] - start(from) <= bodyLimit { to += 1 }
        try deliver(session, from..<to)
        from = to
      }
    }
    var refusals: [Refusal] = []
    for (event, outcome) in outcomes.enumerated() {
      if case .refused(let reason) = outcome { refusals.append(Refusal(row: event, message: reason)) }
    }
    lines.count = 0
    actions.removeAll(keepingCapacity: true)
    ends.removeAll(keepingCapacity: true)
    outcomes.removeAll(keepingCapacity: true)
    (sent, isHeld) = (0, false)
    return refusals
  }

  /// Sends what is open of these events; throws where some of it still is afterwards.
  private func deliver(_ session: Session, _ events: Range<Int>) throws(RunFailure) {
    let open = events.filter(isOpen)
    guard let first = open.first, let last = open.last else { return }
    let answer = try session.send(request(open))
    switch answer.status {
    case 200: try settle(open, answer)
    case 400, 413:
      // One event may have spoiled the request for all, or all together are too much.
      guard first < last else {
        outcomes[first] = .refused(answer.status == 413 ? "the event is too large for the server" : session.failure(answer).message)
        return
      }
      if answer.status == 413 { bodyLimit = max(64 << 10, min(bodyLimit, (ends[last] - start(first)) / 2)) }
      let middle = open[open.count / 2]
      try deliver(session, events.lowerBound..<middle)
      try deliver(session, middle..<events.upperBound)
    default: throw session.failure(answer)
    }
  }

  /// The lines of these events: as they lie where they are neighbours, else copied together, and also where more lines come
  /// before the answer.
  private func request(_ open: [Int], isKept: Bool = false) -> ClusterRequest {
    let (first, last) = (open[0], open[open.count - 1])
    var bytes = UnsafeBufferPointer(start: UnsafePointer(lines.base + start(first)), count: ends[last] - start(first))
    if last - first >= open.count {
      body.count = 0
      for event in open { body.raw(lines.base + start(event), ends[event] - start(event)) }
      bytes = body.bytes
    } else if isKept, !compresses {
      body.count = 0
      body.raw(bytes.baseAddress!, bytes.count)
      bytes = body.bytes
    }
    // Of each item only what says how it went.
    var request = ClusterRequest(path: "/_bulk?filter_path=error,errors,items.*.status,items.*.error", body: bytes)
    request.contentType = "application/x-ndjson"
    if compresses {
      packed.count = 0
      packed.reserve(pump_gzip_bound(bytes.count))
      packed.count = pump_gzip(bytes.baseAddress, bytes.count, packed.base, packed.capacity)
      if packed.count > 0 {
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
    var busy: (count: Int, reason: String) = (0, "")
    /// Actions of events that are still open: later ones of the same document come again after them.
    var waiting: Set<Text> = []
    for (place, event) in open.enumerated() {
      let item = place < items.count ? items[place] : Reply.Item()
      switch item.status {
      case _ where item.reason == nil: outcomes[event] = waiting.contains(action(event)) ? .open : .done
      // It was there already: perhaps by this very event, whose reply was lost.
      case 409 where mode == .create: outcomes[event] = .done
      case 408, 409, 429, 500...:
        busy = (busy.count + 1, busy.count == 0 ? item.reason ?? "" : busy.reason)
        waiting.insert(action(event))
      default: outcomes[event] = .refused(item.reason ?? "status \(item.status)")
      }
    }
    guard busy.count == 0 else {
      throw connection.failure("\(busy.count) of \(open.count) events could not be written now: \(busy.reason)", transient: true)
    }
  }

  /// What an event does to which document.
  private func action(_ event: Int) -> Text { Text(lines.base + start(event), actions[event] - start(event)) }

  func close(completed: Bool) throws(RunFailure) { end() }
}
#endif
