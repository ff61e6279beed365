import Synchronization

/// One request and its answer. The server's thread fills it; any thread may answer it.
/// Its body is the server's until the request is whole, and then that of whoever takes it.
public final class HttpExchange: @unchecked Sendable {
  public let head: RequestHead
  /// The address that it came from; a proxy's, where one stands between.
  public let remote: String
  /// Grows on the server's thread until the request is whole; whoever takes the request may empty it.
  public var body: [UInt8] = []
  /// Headers of every answer to it; the server's, until the request is whole.
  public var headers: [(name: String, value: String)] = []
  /// The connection, by its number.
  let peer: Int
  private struct State {
    var isWaiting = false
    var reply: HttpReply?
  }
  private let state = Mutex(State())
  private let answered: @Sendable (HttpExchange) -> Void

  init(_ head: RequestHead, remote: String, peer: Int, answered: @escaping @Sendable (HttpExchange) -> Void) {
    (self.head, self.remote, self.peer, self.answered) = (head, remote, peer, answered)
  }

  /// The request is whole and has no answer yet.
  public var isWaiting: Bool { state.withLock { $0.isWaiting && $0.reply == nil } }

  /// Answers a request that waits; the first answer is the one that counts.
  public func answer(_ reply: HttpReply) {
    let isFirst = state.withLock { state in
      guard state.isWaiting, state.reply == nil else { return false }
      state.reply = reply
      return true
    }
    if isFirst { answered(self) }
  }

  func wait() { state.withLock { $0.isWaiting = true } }
  var reply: HttpReply? { state.withLock { $0.reply } }
}

/// What a server of HTTP does with requests. All is called on the server's thread.
public protocol HttpService: AnyObject {
  /// A head has come. An answer refuses the request, whose body is not waited for.
  func admit(_ exchange: HttpExchange) -> HttpReply?
  /// So many bytes more of the body have come; they are added to it, unless there is an answer.
  func take(_ count: Int, for exchange: HttpExchange) -> HttpReply?
  /// The request is whole. Where there is no answer, `HttpExchange.answer` gives it later.
  func complete(_ exchange: HttpExchange) -> HttpReply?
  /// It is answered, or its sender is gone; called once for each that was admitted or refused.
  func forget(_ exchange: HttpExchange)
}

extension HttpService {
  public func take(_ count: Int, for exchange: HttpExchange) -> HttpReply? { nil }
  public func complete(_ exchange: HttpExchange) -> HttpReply? { nil }
  public func forget(_ exchange: HttpExchange) {}
}
