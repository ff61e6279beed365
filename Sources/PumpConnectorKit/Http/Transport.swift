import Glibc

/// What became of a step of a connection that does not block.
public enum TransportResult: Equatable, Sendable {
  case bytes(Int)
  /// Nothing now: it goes on once the socket can be read, or written.
  case wantsRead, wantsWrite
  /// The other side has ended, or the connection is broken.
  case end
}

/// The bytes of one connection, plain or through TLS. Only the thread of its server uses it.
public protocol Transport: AnyObject {
  /// Goes on with the handshake; `.bytes(0)` once it is done.
  func handshake() -> TransportResult
  func read(_ buffer: UnsafeMutableRawBufferPointer) -> TransportResult
  func write(_ bytes: UnsafeRawBufferPointer) -> TransportResult
  /// Says that nothing more is written; what has been is on its way.
  func finish()
}

final class PlainTransport: Transport {
  private let socket: Int32

  init(_ socket: Int32) { self.socket = socket }

  func handshake() -> TransportResult { .bytes(0) }

  func read(_ buffer: UnsafeMutableRawBufferPointer) -> TransportResult {
    result(recv(socket, buffer.baseAddress, buffer.count, 0), .wantsRead)
  }

  func write(_ bytes: UnsafeRawBufferPointer) -> TransportResult {
    result(send(socket, bytes.baseAddress, bytes.count, Int32(MSG_NOSIGNAL)), .wantsWrite)
  }

  func finish() { shutdown(socket, Int32(SHUT_WR)) }

  private func result(_ count: Int, _ later: TransportResult) -> TransportResult {
    if count > 0 { return .bytes(count) }
    return count < 0 && (errno == EAGAIN || errno == EINTR) ? later : .end
  }
}
