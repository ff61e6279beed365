#if Elasticsearch
import PumpHttpClient
import PumpConnectorKit

/// `search`: page after page of what a query finds at one point in time, in the order of fields where they are given, and
/// from there on again after a poll, a restart or a lost point in time.
final class SearchSource: Source {
  private let pool: ClientPool<Session>
  private let connection: Connection
  private let context: EndpointContext
  private let shape: Shape
  private let search: Search
  private let every: Int64?
  /// How long a document may take to be seen after one with a greater key; 0 where that does not matter.
  private let delay: Int64
  private let limit: Int
  /// There while a page is asked for.
  private var session: Session?
  /// The open point in time, and the sort values of the last hit within it.
  private var pointInTime: String?
  private var last: String?
  /// Whether a page was asked for; its request stays until it has come.
  private var isAsking = false
  private var body = ByteBuffer(capacity: 1024)
  private var given: Int64 = 0
  private var nextPoll: Int64 = 0
  private var hasEnded = false
  var isUndecided: Bool { isAsking }
  /// The greatest key when it was looked for last, up to which documents are read, from this time on.
  private var mark: (key: String, due: Int64)?
  /// Values of the order's fields, of the last document that was given.
  private var key: String?

  init(_ pool: ClientPool<Session>, _ cluster: Cluster, _ context: EndpointContext) throws(RunFailure) {
    self.pool = pool
    connection = cluster.connection
    self.context = context
    shape = context.spec.shape!
    let arguments = ElasticsearchSearchSourceArguments(context.settings)
    search = try Search(context, arguments)
    every = arguments.every?.micros
    limit = context.eventLimit
    // What is read once, and by no later run, has nothing to wait for.
    delay = search.isOrdered && (every != nil || context.keepsPositions) ? arguments.delay.micros : 0
    guard every == nil || search.isOrdered else {
      throw RunFailure("source `\(context.spec.label)`: `every` needs `order: [field]`, so that each document is read once")
    }
  }

  deinit { body.release() }

  func resume(_ positions: any PositionStore) throws(RunFailure) {
    guard search.isOrdered, let saved = try positions.load(nil)[""] else { return }
    guard search.fits(saved) else {
      throw RunFailure("source `\(context.spec.label)`: the position that is kept does not fit `order`; remove it to begin anew")
    }
    key = saved
  }

  func next(_ batch: Batch) throws(RunFailure) -> Bool {
    if hasEnded { return false }
    do throws(RunFailure) {
      if !isAsking {
        let begin = max(nextPoll, mark?.due ?? 0)
        let wait = begin - monotonicMicros()
        if wait > 0 {
          guard context.stop.wait(micros: min(wait, 100_000)) else { return false }
          if monotonicMicros() < begin { return true }
        }
        try ask()
      }
      guard isAsking else { return !hasEnded }
      guard let answer = try session!.poll(micros: 100_000) else { return !context.stop.isRequested }
      isAsking = false
      try take(answer, batch)
      return batch.count > 0 || !batch.refused.isEmpty || !hasEnded
    } catch {
      isAsking = false
      if let session {
        self.session = nil
        session.cancel()
        pool.release(session, broken: true)
        if session.isBroken { pool.lost(error.message) }
      }
      throw error
    }
  }

  // MARK: Asking

  /// Asks for the next page; where there can be none, the search has ended for now.
  private func ask() throws(RunFailure) {
    if session == nil { session = try pool.acquire() }
    if pointInTime == nil {
      guard try search.prepare(session!) else { return finish() }
      if delay > 0, search.canBound, mark == nil {
        guard let newest = try search.newest(session!), newest != key else { return finish() }
        return mark = (newest, monotonicMicros() + delay)
      }
      pointInTime = try search.open(session!)
      last = nil
    }
    body.count = 0
    search.request(&body, pointInTime: pointInTime!, after: last, behind: key, upTo: mark?.key)
    session!.start(ClusterRequest(path: "/_search", body: body.bytes))
    isAsking = true
  }

  /// The end of what there is now.
  private func finish() {
    if let session {
      if let pointInTime { search.close(pointInTime, session) }
      pool.release(session, broken: !session.isReusable)
    }
    (session, pointInTime, mark) = (nil, nil, nil)
    nextPoll = monotonicMicros() + (every ?? 0)
    hasEnded = every == nil
  }

  // MARK: Documents

  private func take(_ answer: HttpAnswer, _ batch: Batch) throws(RunFailure) {
    if answer.status == 404, pointInTime != nil {
      pointInTime = nil
      guard search.isOrdered || given == 0 else {
        throw connection.failure(
          "the point in time of `\(context.spec.label)` has ended; without `order` the rest cannot be found again")
      }
      throw connection.failure("the point in time has ended; searching anew", transient: true)
    }
    guard answer.status == 200 else { throw search.failure(answer, session!) }
    let arena = batch.context.arena
    guard let page = Reply.page(answer.text(arena), arena) else {
      throw connection.failure("the answer to a search cannot be read", transient: true)
    }
    guard page.failedShards == 0, !page.isTimedOut else {
      throw connection.failure("\(page.failedShards) shards gave nothing; what they hold would be missing", transient: true)
    }
    if let renewed = page.pointInTime { pointInTime = renewed.string }
    let records = batch.recordColumn(shape)
    var row = 0
    for hit in page.hits {
      if let problem = problem(hit.source, records, row, batch.context) {
        let source = hit.source ?? Text("{}")
        batch.refused.append(
          Failure(row: row, step: -1, message: problem, reason: source.count > limit ? .tooLarge : nil, payload: (source, "{}")))
      } else {
        row += 1
      }
    }
    batch.count = row
    given += Int64(page.hits.count)
    if let sort = page.hits.last?.sort {
      last = sort.string
      if search.isOrdered { key = search.key(sort) }
    }
    if let key, !page.hits.isEmpty { batch.checkpoint = ["": key] }
    // The server looks for the next page while this one is worked on.
    if page.hits.count == search.page { try ask() } else { finish() }
  }

  /// Why a document is not an event of this type; nil if it is, and has been read.
  private func problem(_ source: Text?, _ records: Column, _ row: Int, _ c: Context) -> String? {
    guard let source else { return "the index keeps no `_source` of its documents" }
    guard source.count <= limit else { return "the document is longer than max_event (\(limit) bytes)" }
    return shape.read(source, into: records, row, c.arena, JSONOptions()) ? nil : shape.explain(source, JSONOptions())
  }

  func close() {
    guard let session else { return }
    session.cancel()
    if let pointInTime { search.close(pointInTime, session) }
    pool.release(session, broken: true)
    self.session = nil
  }
}
#endif
