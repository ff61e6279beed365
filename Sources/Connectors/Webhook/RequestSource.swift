#if Webhook
import PumpConnectorKit

/// `post` and `get`: the requests for one path. Their senders wait, so each batch asks for its commit and is answered with it;
/// what comes meanwhile is the next batch.
final class RequestSource: Source {
  private let connection: Connection
  private let answers: Answers
  /// An event is a query, not a body.
  private let asks: Bool
  /// A text that no other source has, in no run.
  private let mark = "\(UInt64.random(in: .min ... .max)) \(UInt64.random(in: .min ... .max))"
  private var count = 0
  /// Of the batch that is under way: what each request is known by, and why it failed.
  private var origins: [String] = []
  private var problems: [Int: HttpReply] = [:]
  private let context: EndpointContext
  private let inbox: Inbox
  /// Those of the batch that is under way.
  private var taken: [HttpExchange] = []

  init(_ listener: Listener, _ context: EndpointContext) throws(RunFailure) {
    connection = listener.connection
    answers = listener.answers
    self.context = context
    asks = context.spec.name == "get"
    let path = asks ? WebhookGetSourceArguments(context.settings).path : WebhookPostSourceArguments(context.settings).path
    inbox = try listener.inbox(path, asks ? .query : .body, limit: context.eventLimit)
  }

  func next(_ batch: Batch) throws(RunFailure) -> Bool {
    guard taken.isEmpty else {
      throw connection.failure(
        "the senders of `\(inbox.path)` cannot be answered: a sink of `\(context.pipeline)` or of its `on error` is durable at its end "
          + "alone, as a file that is replaced is; write `mode: append`")
    }
    if context.stop.isRequested { return false }
    taken = inbox.take(context.stop)
    (origins, problems) = ([], [:])
    for request in taken {
      if asks { request.body = Array(Value.map(request.query).json(Self.shape).utf8) }
      request.body.withUnsafeBytes { _ = batch.add($0) }
      request.body = []
      count += 1
      origins.append("\(mark) \(count)")
    }
    batch.wantsCommit = !taken.isEmpty
    batch.origin = { [origins] in origins[$0] }
    // The first failure counts, and more than what another branch may have answered.
    batch.failed = { [unowned self] row, reason, message in problems[row] = problems[row] ?? .problem(reason, message) }
    describe(batch)
    return true
  }

  func acknowledge(_ position: Int64) throws(RunFailure) {
    let isAnswered = answers.areExpected(from: context.pipeline)
    for (row, request) in taken.enumerated() {
      let answer = answers.take(origins[row])
      request.answer(isAnswered ? problems[row] ?? answer ?? .nothing : .accepted)
    }
    taken = []
  }

  // MARK: Meta

  private static let shape = Shape.map(.string)

  private func describe(_ batch: Batch) {
    let requests = taken
    batch.describe = { row in
      guard row < requests.count else { return "{}" }
      let request = requests[row]
      let texts = [
        ("method", request.head.method), ("path", request.head.path), ("content_type", request.contentType), ("remote", request.remote),
      ].map { "\"\($0)\":\(Value.text($1).json(.string))" }
      let maps = [("query", request.query), ("headers", request.headers)].map { "\"\($0)\":\(Value.map($1).json(Self.shape))" }
      return "{\((texts + maps).joined(separator: ","))}"
    }
    let arena = batch.context.arena
    for name in context.meta {
      let column = batch.metaColumn(name, name == "query" || name == "headers" ? Self.shape : .string)
      for (row, request) in requests.enumerated() {
        switch name {
        case "method": column.set(arena.copy(request.head.method), row)
        case "path": column.set(arena.copy(request.head.path), row)
        case "content_type": column.set(arena.copy(request.contentType), row)
        case "remote": column.set(arena.copy(request.remote), row)
        case "query": Self.set(column, row, request.query, arena)
        default: Self.set(column, row, request.headers, arena)
        }
      }
    }
  }

  private static func set(_ column: Column, _ row: Int, _ pairs: [Value.Pair], _ arena: Arena) {
    let entries = column.children[0]
    let start = entries.count
    for (index, pair) in pairs.enumerated() {
      guard case .text(let value) = pair.value else { continue }
      entries.setPresent(start + index)
      entries.children[0].set(arena.copy(pair.key), start + index)
      entries.children[1].set(arena.copy(value), start + index)
    }
    column.set(Slice(start, pairs.count), row)
  }
}

extension HttpExchange {
  fileprivate var contentType: String { head.header("content-type") ?? "" }

  fileprivate var query: [Value.Pair] { Self.pairs(head.query) }

  /// The credentials are for this program alone, not for its data.
  fileprivate var headers: [Value.Pair] {
    Self.pairs(head.headers.filter { $0.name != "authorization" }.map { ($0.name, String(decoding: $0.value, as: UTF8.self)) })
  }

  /// In the order of their names; what comes twice is one value, with a comma between.
  private static func pairs(_ pairs: [(name: String, value: String)]) -> [Value.Pair] {
    let joined = Dictionary(pairs.map { ($0.name, $0.value) }) { "\($0), \($1)" }
    return joined.sorted { $0.key < $1.key }.map { Value.Pair($0.key, .text($0.value)) }
  }
}
#endif
