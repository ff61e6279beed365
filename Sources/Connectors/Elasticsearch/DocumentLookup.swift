#if Elasticsearch
import PumpRuntime

/// `document`: the documents of all keys of a batch in one request, remembered for a while.
final class DocumentLookup: Lookup, @unchecked Sendable {
  private let pool: ClientPool<Session>
  private let connection: Connection
  private let shape: Shape
  private let label: String
  private let path: String
  private let life: Int64
  /// Documents by their ids; nil is one that is not there.
  private var known: [String: (document: [UInt8]?, until: Int64)] = [:]
  private static let knownLimit = 100_000

  init(_ pool: ClientPool<Session>, _ cluster: Cluster, _ context: EndpointContext) throws(RunFailure) {
    self.pool = pool
    connection = cluster.connection
    shape = context.spec.shape!
    label = context.spec.label
    path = try context.indexPath() + "/_mget"
    life = context.settings.int("cache") ?? 1_000_000
  }

  func find(_ keys: Column, _ rows: UnsafeBufferPointer<Int32>, into result: Column, _ context: Context) throws(EventFailure) {
    let now = currentMicros()
    if known.count > Self.knownLimit { known.removeAll() }
    let ids = rows.map { keys.isNull(Int($0)) ? nil : keys.get(Text.self, Int($0)).string }
    let wanted = Set(ids.compactMap { $0 }).filter { !$0.isEmpty && (known[$0]?.until ?? 0) < now }
    do throws(RunFailure) {
      if !wanted.isEmpty { try connection.untilReady { () throws(RunFailure) in try load(Array(wanted), now + max(life, 1)) } }
    } catch { throw EventFailure(error.message) }
    for (row, id) in zip(rows, ids) {
      guard let id, let document = known[id]?.document else {
        result.setNull(Int(row))
        continue
      }
      let text = document.withUnsafeBufferPointer { context.arena.copy($0) }
      UnsafeMutablePointer(mutating: text.base)[text.count] = 0
      guard shape.read(text, into: result, Int(row), context.arena, JSONOptions()) else {
        throw EventFailure("\(label): \(shape.explain(text, JSONOptions()))")
      }
    }
  }

  private func load(_ ids: [String], _ until: Int64) throws(RunFailure) {
    let arena = Arena()
    var body = ByteBuffer(capacity: 4096)
    defer { body.release() }
    for (number, id) in ids.enumerated() {
      body.raw(number == 0 ? "{\"ids\":[" : ",")
      body.quoted(arena.copy(id))
    }
    body.raw("]}")
    let documents = try pool.with { session throws(RunFailure) in
      let answer = try session.send(ClusterRequest(path: path, body: body.bytes))
      guard answer.status == 200 else { throw session.failure(answer) }
      return Reply.documents(answer.text(arena), arena)
    }
    guard let documents, documents.count == ids.count else {
      throw connection.failure("the answer to a multi-get cannot be read", transient: true)
    }
    for (id, document) in zip(ids, documents) {
      switch document {
      case .found(let text): known[id] = (Array(text.bytes), until)
      case .missing: known[id] = (nil, until)
      case .failed(let reason): throw connection.failure("lookup `\(label)`: \(reason)")
      }
    }
  }
}
#endif
