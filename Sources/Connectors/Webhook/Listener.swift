#if Webhook
import PumpConnectorKit

/// The server of one connection: who may send, what for, and how much may wait. But for the start and the end, all is done on the
/// server's thread.
final class Listener: HttpService, @unchecked Sendable {
  let connection: Connection
  private let settings: WebhookSettings
  private let credentials: Credentials
  private let maxWaiting: Int
  private let timeout: Int64
  private let pages: Pages
  /// What the steps `reply` have made.
  let answers = Answers()
  private var inboxes: [Inbox.Key: Inbox] = [:]
  private var server: HttpServer?
  /// Requests that are whole, until they are answered.
  private var waiting: Set<ObjectIdentifier> = []
  /// Bytes of bodies by their requests, also where they are a pipeline's by now, and all of them.
  private var sizes: [ObjectIdentifier: Int] = [:]
  private var held = 0

  private static let heldLimit = 64 << 20
  /// Connections beside those that wait: idle ones, those whose request is on its way, and those that are told to come again.
  private static let spare = 100

  init(_ connection: Connection) throws(RunFailure) {
    self.connection = connection
    settings = WebhookSettings(connection.settings)
    credentials = try Credentials(connection, settings)
    pages = try Pages(connection, settings)
    maxWaiting = Int(min(settings.maxWaiting, 1 << 20))
    timeout = max(1_000_000, settings.requestTimeout.micros)
  }

  /// What comes for a path; only before the start.
  func inbox(_ path: String, _ kind: Inbox.Kind, limit: Int) throws(RunFailure) -> Inbox {
    guard path.hasPrefix("/"), !path.contains("?"), !path.contains("#") else {
      throw connection.failure("`\(path)` is no path of requests; write it as in `/orders`")
    }
    let key = Inbox.Key(path: path, kind: kind)
    guard inboxes[key] == nil else {
      throw connection.failure("two sources take what comes for `\(path)`; give each a path of its own")
    }
    let inbox = Inbox(path, limit: limit)
    inboxes[key] = inbox
    return inbox
  }

  private func inbox(of head: RequestHead) -> Inbox? { head.kind.flatMap { inboxes[Inbox.Key(path: head.path, kind: $0)] } }

  private func methods(of path: String) -> [String] {
    [(Inbox.Kind.query, ["GET", "HEAD"]), (.body, ["POST", "PUT"])].filter { inboxes[Inbox.Key(path: path, kind: $0.0)] != nil }.flatMap(
      \.1)
  }

  func start() throws(RunFailure) {
    try connection.attempt { () throws(RunFailure) in
      let certificate = try Certificate(connection)
      let (socket, address) = try Address(connection, settings).listen()
      var limits = HttpServer.Limits()
      (limits.connections, limits.patience, limits.late) = (maxWaiting + Self.spare, timeout, .late)
      let server = HttpServer(socket, limits, self, secure: certificate.map { certificate in { certificate.transport($0) } })
      server.start()
      self.server = server
      connection.logger.info("listening on \(certificate == nil ? "http" : "https")://\(address)", connection: connection.id)
    }
  }

  /// Answers all that wait and ends; the pipelines are over.
  func end() { server?.end(.ending) }

  // MARK: Requests

  func admit(_ exchange: HttpExchange) -> HttpReply? {
    let head = exchange.head
    let methods = methods(of: head.path)
    exchange.headers = pages.headers(head)
    if let answer = pages.preflight(head, methods) { return answer }
    if let refusal = credentials.refuseHead(head) { return refusal }
    guard !methods.isEmpty else { return .noPath }
    guard let inbox = inbox(of: head) else { return .badMethod(methods) }
    if head.kind == .query { return head.length == 0 ? refuseMore() : .noBody }
    guard let _ = Coding(head) else { return .otherCoding }
    if let length = head.length, length > inbox.limit { return .tooLong(inbox.limit) }
    return refuseMore()
  }

  private func refuseMore() -> HttpReply? {
    if connection.stop.isRequested { return .ending }
    return waiting.count >= maxWaiting ? .tooMany : nil
  }

  func take(_ count: Int, for exchange: HttpExchange) -> HttpReply? {
    // Nothing was admitted for another path.
    let limit = inbox(of: exchange.head)!.limit
    guard exchange.body.count + count <= limit else { return .tooLong(limit) }
    return hold(count, for: exchange)
  }

  private func hold(_ count: Int, for exchange: HttpExchange) -> HttpReply? {
    let inbox = inbox(of: exchange.head)!
    guard held + count <= max(Self.heldLimit, inbox.limit) else { return .tooMany }
    sizes[ObjectIdentifier(exchange), default: 0] += count
    held += count
    return nil
  }

  func complete(_ exchange: HttpExchange) -> HttpReply? {
    if let refusal = credentials.refuseBody(exchange) ?? refuseMore() ?? unpack(exchange) { return refusal }
    waiting.insert(ObjectIdentifier(exchange))
    inbox(of: exchange.head)!.put(exchange)
    return nil
  }

  private func unpack(_ exchange: HttpExchange) -> HttpReply? {
    guard Coding(exchange.head) == .gzip else { return nil }
    let limit = inbox(of: exchange.head)!.limit
    do throws(Gzip.Problem) {
      let body = try Gzip.unpack(exchange.body, limit: limit)
      if let refusal = hold(max(0, body.count - exchange.body.count), for: exchange) { return refusal }
      exchange.body = body
      return nil
    } catch { return error == .tooLong ? .tooLong(limit) : .brokenCoding }
  }

  func forget(_ exchange: HttpExchange) {
    waiting.remove(ObjectIdentifier(exchange))
    inbox(of: exchange.head)?.drop(exchange)
    held -= sizes.removeValue(forKey: ObjectIdentifier(exchange)) ?? 0
  }
}

extension RequestHead {
  /// Nil for methods that nothing takes.
  fileprivate var kind: Inbox.Kind? {
    switch method {
    case "GET", "HEAD": .query
    case "POST", "PUT": .body
    default: nil
    }
  }
}

/// How a body is packed.
private enum Coding {
  case identity, gzip

  /// Nil if it is packed in a way that is not known here, or in several.
  init?(_ head: RequestHead) {
    switch head.tokens("content-encoding") {
    case [], ["identity"]: self = .identity
    case ["gzip"], ["x-gzip"]: self = .gzip
    default: return nil
    }
  }
}
#endif
