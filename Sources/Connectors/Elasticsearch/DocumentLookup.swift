#if Elasticsearch
import PumpConnectorKit

/// `document`: the documents of all keys of a batch in one request, remembered for a while.
final class DocumentLookup: Lookup {
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
    let arguments = ElasticsearchDocumentLookupArguments(context.settings)
    path = try context.path(of: arguments.index) + "/_mget"
    known = LookupCache(arguments.cache)
  }

  func load(_ keys: Column, _ rows: UnsafeBufferPointer<Int32>, _ context: Context) throws(RunFailure) {
    let wanted = known.wanted(rows.map { id(keys, $0) }).filter { !$0.isEmpty }
    if !wanted.isEmpty { try load(wanted) }
  }

  func find(_ keys: Column, _ rows: UnsafeBufferPointer<Int32>, into result: Column, _ context: Context) throws(EventFailure) {
    for row in rows {
      guard let id = id(keys, row), let document = known[id] else {
        result.setNull(Int(row))
        continue
      }
      try result.read(json: document, Int(row), context, label)
    }
  }

  private func id(_ keys: Column, _ row: Int32) -> String? { keys.isNull(Int(row)) ? nil : keys.get(Text.self, Int(row)).string }

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
