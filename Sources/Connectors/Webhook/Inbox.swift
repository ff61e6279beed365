#if Webhook
internal import CWebhook
import Glibc
import PumpRuntime
import Synchronization

/// What has come for one path and is not taken yet.
final class Inbox: Sendable {
  let path: String
  let limit: Int
  private let requests = Mutex<[Request]>([])
  private let bell = Bell()

  init(_ path: String, limit: Int) {
    self.path = path
    self.limit = limit
  }

  func put(_ request: Request) {
    requests.withLock { $0.append(request) }
    bell.ring()
  }

  /// All that still wait for an answer, after 100 ms at most.
  func take(_ stop: StopSignal) -> [Request] {
    guard stop.waitReadable(bell.descriptor, micros: 100_000) else { return [] }
    bell.clear()
    return requests.withLock { requests in
      defer { requests = [] }
      return requests.filter(\.isWaiting)
    }
  }
}

/// Wakes a thread that waits for descriptors.
final class Bell: Sendable {
  let descriptor = eventfd(0, Int32(EFD_NONBLOCK | EFD_CLOEXEC))

  deinit { close(descriptor) }

  func ring() { eventfd_write(descriptor, 1) }

  func clear() {
    var count: UInt64 = 0
    eventfd_read(descriptor, &count)
  }
}
#endif
