import Glibc

/// One connection of a server of HTTP, and how far it has come.
final class HttpPeer {
  enum Phase {
    case handshake, head
    /// The head has come and is admitted.
    case body
    /// The request is whole, and its answer is somebody else's.
    case waiting
    case answering
    /// The last answer is written: what its sender still sends is read and dropped for a while, for a connection that is closed with
    /// unread bytes takes the answer with it.
    case lingering
  }

  let number: Int
  let socket: Int32
  let address: String
  let transport: any Transport
  var phase = Phase.handshake
  /// When this phase must be over, in microseconds.
  var deadline: Int64 = 0
  /// When it last had nothing to do: the oldest gives way where there are too many.
  var since: Int64
  var input: [UInt8] = []
  var output: [UInt8] = []
  var written = 0
  var exchange: HttpExchange?
  var chunks: ChunkReader?
  /// Bytes of the body that are to come, where its length is known.
  var left = 0
  var closesAfter = false
  var drained = 0
  /// Its handshake goes on once the socket can be written.
  var wantsWrite = false

  init(_ number: Int, _ socket: Int32, _ address: String, _ transport: any Transport, now: Int64) {
    (self.number, self.socket, self.address, self.transport, since) = (number, socket, address, transport, now)
  }

  /// What it waits for; nil if that is not its sender's.
  var events: Int32? {
    switch phase {
    case .waiting: nil
    case .answering: POLLOUT
    default: wantsWrite ? POLLOUT : POLLIN
    }
  }

  /// Whoever waits for an answer has done its part, and is not sent away for others.
  var isHalfOpen: Bool { phase != .waiting && phase != .answering }
}
