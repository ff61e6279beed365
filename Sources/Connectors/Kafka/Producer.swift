#if Kafka
internal import CKafka
import PumpConnectorKit
import Synchronization

/// The producer of a connection. librdkafka holds every message until the brokers have it, however long that takes, so
/// sinks keep nothing; a report finds its sink by the message's opaque value.
/// Any thread of the connection may use it: what changes stands behind a lock, and librdkafka guards its handles.
final class Producer: Sendable {
  let client: Client
  private let outboxes = Mutex<[Outbox]>([])
  private let topics = Mutex<[String: OpaquePointer]>([:])
  /// Sends each message in a batch of its own; made when it is needed first.
  private let second = Mutex<Client?>(nil)

  init(_ connection: Connection, _ settings: KafkaSettings) throws(RunFailure) {
    client = try Client(connection, settings, RD_KAFKA_PRODUCER, Self.properties)
    client.onReport = { [unowned self] in report($0, isAlone: false) }
  }

  private static let properties = [
    ("enable.idempotence", "true"), ("message.timeout.ms", "0"), ("linger.ms", "5"), ("topic.metadata.propagation.max.ms", "10000"),
    ("queue.buffering.max.messages", "100000"), ("queue.buffering.max.kbytes", "65536"),
    // As Java's producer: a key's messages are in one partition, whoever writes them.
    ("partitioner", "murmur2_random"),
    // The brokers decide what is too large; `batch.size` bounds what goes together. More finds no room in the queue.
    ("message.max.bytes", "33554432"),
  ]

  deinit {
    // What is still here was never acknowledged, and its sources give it again. Nobody is left to hear of it.
    for client in [client, alone].compactMap({ $0 }) {
      client.onReport = nil
      rd_kafka_purge(client.handle, Int32(RD_KAFKA_PURGE_F_QUEUE | RD_KAFKA_PURGE_F_INFLIGHT))
      rd_kafka_poll(client.handle, 0)
    }
    topics.withLock { for topic in $0.values { rd_kafka_topic_destroy(topic) } }
  }

  private func report(_ message: UnsafePointer<rd_kafka_message_t>, isAlone: Bool) {
    client.answered()
    let outbox = outboxes.withLock { $0[Outbox.number(message.pointee) - 1] }
    outbox.report(message, isAlone: isAlone)
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

  // MARK: Messages of refused batches

  private var alone: Client? { second.withLock { $0 } }

  /// Sends messages again, in their order, each in a batch of its own.
  func sendAlone(_ suspects: [Suspect], _ outbox: Outbox) throws(RunFailure) {
    let client = try openSecond()
    outbox.sent(suspects.count)
    for suspect in suspects {
      let headers = suspect.takeHeaders()
      while true {
        let code = pump_produce_again(
          client.handle, suspect.topic, suspect.partition, suspect.value, suspect.value?.count ?? 0, suspect.key, suspect.key?.count ?? 0,
          headers,
          suspect.opaque)
        if code == RD_KAFKA_RESP_ERR_NO_ERROR { break }
        guard code == RD_KAFKA_RESP_ERR__QUEUE_FULL else {
          throw client.connection.failure("topic `\(suspect.topic)`: \(Client.text(code)); check the brokers")
        }
        rd_kafka_poll(client.handle, 100)
        try client.check()
      }
    }
  }

  private func openSecond() throws(RunFailure) -> Client {
    // Two sinks may need it at once: one that took the place of the other would take the other's messages with it.
    try second.withLock { second throws(RunFailure) in
      if let second { return second }
      // These stand, whatever is passed through.
      let made = try Client(
        client.connection, client.settings, RD_KAFKA_PRODUCER, Self.properties, last: [("batch.num.messages", "1"), ("linger.ms", "0")])
      made.onReport = { [unowned self] in report($0, isAlone: true) }
      second = made
      return made
    }
  }

  /// Serves reports for a moment. Nothing is added to the batch under way, so it need not linger.
  func flush() throws(RunFailure) {
    rd_kafka_flush(client.handle, 10)
    try client.check()
    guard let alone else { return }
    rd_kafka_flush(alone.handle, 10)
    try alone.check()
  }
}
#endif
