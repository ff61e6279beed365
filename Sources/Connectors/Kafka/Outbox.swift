#if Kafka
internal import CKafka
import Synchronization

/// A message that the brokers refused, by the number that its sink gave it.
struct Failed {
  let event: Int
  let code: rd_kafka_resp_err_t
  let topic: String
  /// The event named its partition.
  let isNamed: Bool
}

/// A message of a refused batch, to be sent again alone.
/// The outbox that holds it guards it.
final class Suspect: @unchecked Sendable {
  let topic: String
  let partition: Int32
  let key: [UInt8]?
  let value: [UInt8]?
  /// The messages' own until they are sent. Nothing changes it but `takeHeaders`, once.
  private var headers: OpaquePointer?
  let opaque: UnsafeMutableRawPointer?

  init(_ message: rd_kafka_message_t, _ pointer: UnsafePointer<rd_kafka_message_t>, _ opaque: UnsafeMutableRawPointer?) {
    func bytes(_ base: UnsafeMutableRawPointer?, _ count: Int) -> [UInt8]? {
      base.map { Array(UnsafeRawBufferPointer(start: $0, count: count)) }
    }
    topic = String(cString: rd_kafka_topic_name(message.rkt))
    partition = message.partition
    key = bytes(message.key, message.key_len)
    value = bytes(message.payload, message.len)
    self.opaque = opaque
    var list: OpaquePointer?
    if rd_kafka_message_headers(pointer, &list) == RD_KAFKA_RESP_ERR_NO_ERROR { headers = rd_kafka_headers_copy(list) }
  }

  deinit { if let headers { rd_kafka_headers_destroy(headers) } }

  func takeHeaders() -> OpaquePointer? {
    defer { headers = nil }
    return headers
  }
}

/// Messages of one sink that the brokers have not confirmed yet, and those that they refused.
///
/// Brokers refuse a whole batch where one of its messages is at fault, and do not always say which. Messages of such a batch
/// are kept, to be sent again one by one. What came after one of them with its key, and was written, is sent again as well:
/// the last message of a key stays the last.
final class Outbox: Sendable {
  let number: UInt
  private struct Inside {
    var open = 0
    var failed: [Failed] = []
    var suspects: [Suspect] = []
    var keys: Set<[UInt8]> = []
  }
  private let inside = Mutex(Inside())

  init(number: UInt) { self.number = number }

  // An opaque value: the sink's number from bit 40 on, at 39 whether the event named a partition, then the event's number.
  private static let named: UInt = 1 << 39
  /// The number of a message that was written already.
  private static let written = named - 1
  func opaque(_ event: Int, isNamed: Bool) -> UnsafeMutableRawPointer? {
    UnsafeMutableRawPointer(bitPattern: number << 40 | (isNamed ? Self.named : 0) | UInt(event))
  }
  static func number(_ message: rd_kafka_message_t) -> Int { Int(bitPattern: message._private) >> 40 }

  func sent(_ count: Int) { inside.withLock { $0.open += count } }
  var open: Int { inside.withLock { $0.open } }

  /// The event was refused before it was sent.
  func dropped() { inside.withLock { $0.open -= 1 } }

  /// A message's report; of one that was sent alone it is the last word.
  func report(_ pointer: UnsafePointer<rd_kafka_message_t>, isAlone: Bool) {
    let message = pointer.pointee
    let bits = UInt(bitPattern: message._private)
    inside.withLock { inside in
      inside.open -= 1
      let event = bits & Self.written
      if message.err == RD_KAFKA_RESP_ERR_NO_ERROR {
        guard !isAlone, !inside.keys.isEmpty, inside.keys.contains(Self.key(message)) else { return }
        inside.suspects.append(Suspect(message, pointer, UnsafeMutableRawPointer(bitPattern: number << 40 | Self.written)))
      } else if !isAlone, Self.refusesBatch.contains(message.err) {
        inside.suspects.append(Suspect(message, pointer, message._private))
        if message.key != nil { inside.keys.insert(Self.key(message)) }
      } else if event != Self.written {
        let topic = message.rkt.map { String(cString: rd_kafka_topic_name($0)) } ?? ""
        inside.failed.append(Failed(event: Int(event), code: message.err, topic: topic, isNamed: bits & Self.named != 0))
      }
    }
  }

  /// What a broker says of a batch although one message of it may be at fault.
  private static let refusesBatch = [
    RD_KAFKA_RESP_ERR_MSG_SIZE_TOO_LARGE, RD_KAFKA_RESP_ERR_RECORD_LIST_TOO_LARGE, RD_KAFKA_RESP_ERR_INVALID_RECORD,
    RD_KAFKA_RESP_ERR_INVALID_MSG, RD_KAFKA_RESP_ERR_INVALID_TIMESTAMP,
  ]

  private static func key(_ message: rd_kafka_message_t) -> [UInt8] {
    // The topic's handle is one for all messages of the topic.
    var key = withUnsafeBytes(of: message.rkt) { Array($0) }
    withUnsafeBytes(of: message.partition) { key += $0 }
    return key + UnsafeRawBufferPointer(start: message.key, count: message.key == nil ? 0 : message.key_len)
  }

  func takeSuspects() -> [Suspect] {
    inside.withLock { inside in
      defer { (inside.suspects, inside.keys) = ([], []) }
      return inside.suspects
    }
  }

  func takeFailed() -> [Failed] {
    inside.withLock { inside in
      defer { inside.failed = [] }
      return inside.failed
    }
  }
}
#endif
