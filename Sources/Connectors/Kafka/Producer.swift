#if Kafka
internal import CKafka
import PumpRuntime
import Synchronization

/// The producer of a connection. librdkafka holds every message until the brokers have it, however long that takes, so
/// sinks keep nothing; a report finds its sink by the message's opaque value: the sink's number and the event's.
final class Producer: @unchecked Sendable {
  let client: Client
  private let outboxes = Mutex<[Outbox]>([])
  private let topics = Mutex<[String: OpaquePointer]>([:])

  init(_ connection: Connection) throws(RunFailure) {
    client = try Client(
      connection, RD_KAFKA_PRODUCER,
      [
        ("enable.idempotence", "true"), ("message.timeout.ms", "0"), ("linger.ms", "5"), ("topic.metadata.propagation.max.ms", "10000"),
        ("queue.buffering.max.messages", "100000"), ("queue.buffering.max.kbytes", "65536"),
      ])
    client.onReport = { [unowned self] message in
      let opaque = UInt(bitPattern: message.pointee._private)
      client.answered()
      let outbox = outboxes.withLock { $0[Int(opaque >> 40) - 1] }
      guard message.pointee.err != RD_KAFKA_RESP_ERR_NO_ERROR else { return outbox.answered() }
      let topic = message.pointee.rkt.map { String(cString: rd_kafka_topic_name($0)) } ?? ""
      outbox.answered(Failed(event: Int(opaque & (1 << 40 - 1)), code: message.pointee.err, topic: topic))
    }
  }

  deinit {
    // What is still here was never acknowledged, and its sources give it again. Nobody is left to hear of it.
    client.onReport = nil
    rd_kafka_purge(client.handle, Int32(RD_KAFKA_PURGE_F_QUEUE | RD_KAFKA_PURGE_F_INFLIGHT))
    rd_kafka_poll(client.handle, 0)
    topics.withLock { for topic in $0.values { rd_kafka_topic_destroy(topic) } }
  }

  /// A place for the reports of one sink.
  func open() -> Outbox {
    outboxes.withLock { list in
      let outbox = Outbox(number: UInt(list.count + 1))
      list.append(outbox)
      return outbox
    }
  }

  func topic(_ name: String) throws(RunFailure) -> OpaquePointer {
    let found = topics.withLock { topics -> OpaquePointer? in
      if let known = topics[name] { return known }
      guard let made = rd_kafka_topic_new(client.handle, name, nil) else { return nil }
      topics[name] = made
      return made
    }
    guard let found else { throw client.connection.failure("`\(name)` can be no topic's name") }
    return found
  }
}

/// A message that the brokers refused, by the number that its sink gave it.
struct Failed {
  let event: Int
  let code: rd_kafka_resp_err_t
  let topic: String
}

/// Messages of one sink that the brokers have not confirmed yet, and those that they refused.
final class Outbox: Sendable {
  let number: UInt
  private struct Inside {
    var open = 0
    var failed: [Failed] = []
  }
  private let inside = Mutex(Inside())

  init(number: UInt) { self.number = number }

  func opaque(_ event: Int) -> UnsafeMutableRawPointer? { UnsafeMutableRawPointer(bitPattern: number << 40 | UInt(event)) }
  func sent(_ count: Int) { inside.withLock { $0.open += count } }
  var open: Int { inside.withLock { $0.open } }

  func answered(_ failed: Failed? = nil) {
    inside.withLock { inside in
      inside.open -= 1
      if let failed { inside.failed.append(failed) }
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
