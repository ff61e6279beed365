#if Webhook
import PumpConnectorKit
import Synchronization

/// What has come for one path and is not taken yet.
final class Inbox: Sendable {
  /// Requests with a body, or those that only ask.
  enum Kind { case body, query }
  struct Key: Hashable {
    let path: String
    let kind: Kind
  }
  let path: String
  /// Bytes of the longest body.
  let limit: Int
  private let exchanges = Mutex<[HttpExchange]>([])
  private let bell = Bell()

  init(_ path: String, limit: Int) {
    self.path = path
    self.limit = limit
  }

  func put(_ exchange: HttpExchange) {
    exchanges.withLock { $0.append(exchange) }
    bell.ring()
  }

  /// One whose sender is gone, or has been told to come again: its body is not kept for a pipeline that takes nothing.
  func drop(_ exchange: HttpExchange) { exchanges.withLock { list in list.removeAll { $0 === exchange } } }

  /// All that still wait for an answer, after 100 ms at most.
  func take(_ stop: StopSignal) -> [HttpExchange] {
    guard stop.waitReadable(bell.descriptor, micros: 100_000) else { return [] }
    bell.clear()
    return exchanges.withLock { exchanges in
      defer { exchanges = [] }
      return exchanges.filter(\.isWaiting)
    }
  }
}
#endif
