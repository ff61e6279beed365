#if Elasticsearch
import PumpRuntime

/// `document`: the documents of all keys of a batch in one request, remembered for a while.
final class DocumentLookup: Lookup, @unchecked Sendable {
  private let pool: ClientPool<Session>
  private let connection: Connection
  private let label: String
  private let path: String
  /// Documents by their ids.
  private var known: LookupCache<[UInt8]>

  init(_ pool: ClientPool<Session>, _ cluster: Cluster, _ context: EndpointContext) throws(RunFailure) {
    self.pool = pool
    connection = cluster.connection
    label = context.spec.label
    path = try context.indexPath() + "/_mget"
    known = LookupCache(context.settings)
  }

  func find(_ keys: Column, _ rows: UnsafeBufferPointer<Int32>, into result: Column, _ context: Context) throws(EventFailure) {
    let ids = rows.map { keys.isNull(Int($0)) ? nil : keys.get(Text.self, Int($0)).string }
    let wanted = known.wanted(ids).filter { !$0.isEmpty }
    do throws(RunFailure) {
      if !wanted.isEmpty { try connection.untilReady { () throws(RunFailure) in try load(wanted) } }
    } catch { throw EventFailure(error.message) }
    for (row, id) in zip(rows, ids) {
      guard let id, let document = known[id] else {
        result.setNull(Int(row))
        continue
      }
      try result.read(json: document, Int(row), context, label)
    }
  }

  private func load(_ ids: [String]) throws(RunFailure) {
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
      case .found(let text): known.remember(id, Array(text.bytes))
      case .missing: known.remember(id, nil)
      case .failed(let reason): throw connection.failure("lookup `\(label)`: \(reason)")
      }
    }
  }
}
#endif
