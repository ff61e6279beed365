#if MongoDB
internal import CMongoDB
import PumpConnectorKit

/// Writes of one kind that go to the server in one command.
final class Bulk {
  struct Outcome {
    /// The whole command failed.
    var failure: Problem?
    /// Writes that were refused, each alone, by their number in the command.
    var refused: [(index: Int, problem: Problem)] = []
  }

  private let client: Client
  private let handle: OpaquePointer
  private let collection: String
  private let problem = Problem.Memory()

  fileprivate init(_ client: Client, _ handle: OpaquePointer, _ collection: String) {
    self.client = client
    self.handle = handle
    self.collection = collection
  }

  deinit { mongoc_bulk_operation_destroy(handle) }

  func insert(_ document: Document) throws(RunFailure) {
    try check(pump_mongo_insert(handle, document.bytes.base, document.bytes.count, problem.error))
  }

  func update(_ selector: Document, _ change: Document, upsert: Bool) throws(RunFailure) {
    try check(
      pump_mongo_update(
        handle, selector.bytes.base, selector.bytes.count, change.bytes.base, change.bytes.count, upsert, problem.error))
  }

  func remove(_ selector: Document) throws(RunFailure) {
    try check(pump_mongo_remove(handle, selector.bytes.base, selector.bytes.count, problem.error))
  }

  private func check(_ wasTaken: Bool) throws(RunFailure) { if !wasTaken { throw failure(problem.value) } }

  func failure(_ problem: Problem) -> RunFailure { client.failure(problem, "write to", collection) }

  /// Sends the writes. Thrown is what concerns none of them alone, such as a lost session.
  func execute() throws(RunFailure) -> Outcome {
    var reply: UnsafeMutablePointer<UInt8>?
    var size: UInt32 = 0
    let isDone = pump_mongo_execute(handle, &reply, &size, problem.error)
    defer { bson_free(reply) }
    guard !isDone, let reply else { return Outcome() }
    let answer = Document(reply, Int(size))
    var outcome = Outcome()
    for item in answer["writeErrors"]?.documents ?? [] {
      let problem = Problem(item)
      guard problem.refusesOne else { throw failure(problem) }
      outcome.refused.append((Int(item["index"]?.whole ?? 0), problem))
    }
    // The writes are done then, but not where they are to be.
    if let concern = answer["writeConcernErrors"]?.documents.first { throw failure(Problem(concern)) }
    if outcome.refused.isEmpty { outcome.failure = problem.value }
    return outcome
  }
}

extension Client {
  func bulk(_ collection: String, ordered: Bool) throws(RunFailure) -> Bulk {
    guard let handle = pump_mongo_bulk(handle, database, collection, ordered) else {
      throw connection.failure("libmongoc makes no bulk operation for `\(collection)`")
    }
    return Bulk(self, handle, collection)
  }
}
#endif
