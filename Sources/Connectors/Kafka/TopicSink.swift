#if Kafka
internal import CKafka
import PumpConnectorKit

/// `sink topic`: a delivery report for each message is the only acknowledgement.
final class TopicSink: Sink {
  private let producer: Producer
  private let outbox: Outbox
  private let places: (name: Int, key: Int?, partition: Int?, headers: Int?, tombstone: Int?)
  /// The topic of the last event: events mostly go where the one before went.
  private var topic: (name: Text, handle: OpaquePointer)?
  private let memory = Arena()
  /// Events since the last commit, of which these were refused when they came.
  private var count = 0
  private var refused: [Int] = []
  private var bytes = 0
  /// Events of one topic that go to librdkafka together.
  private var messages = PlainList<rd_kafka_message_t>()

  init(_ producer: Producer, _ context: EndpointContext) throws(RunFailure) {
    self.producer = producer
    outbox = producer.open()
    let spec = context.spec
    // A name that is written in the spec is known to be wrong before any event is.
    if case .constant(let name)? = spec.target, !Self.isTopic(name.utf8) {
      throw producer.client.connection.failure("\(Self.misnamed(name)); check `name`")
    }
    places = (
      spec.argument("name")!, spec.argument("key"), spec.argument("partition"), spec.argument("headers"), spec.argument("tombstone")
    )
  }

  deinit { messages.release() }

  /// All sinks of a connection share its producer.
  var takesEffectOnWrite: Bool { true }
  var refusesLate: Bool { true }
  var pending: Int { bytes }

  func write(_ buffer: SinkBuffer) throws(RunFailure) -> [Refusal] {
    var refusals: [Refusal] = []
    // Counted first: another sink's poll may report them at once.
    outbox.sent(buffer.count)
    let keys = places.key.map { buffer.each[$0] }
    let partitions = places.partition.map { buffer.each[$0] }
    let tombstones = places.tombstone.map { buffer.each[$0] }
    for row in 0..<buffer.count {
      let name = buffer.each[places.name].get(Text.self, row)
      if topic?.name != name {
        try produce(before: row, &refusals)
        guard Self.isTopic(name.bytes) else {
          refuse(Self.misnamed(name.string), count, row, &refusals)
          topic = nil
          count += 1
          continue
        }
        memory.reset()
        topic = (memory.copy(name), try producer.topic(name.string))
      }
      let partition = partitions.flatMap { $0.isNull(row) ? nil : $0.get(Int64.self, row) }
      guard partition ?? 0 >= 0 else {
        try produce(before: row, &refusals)
        refuse("there is no partition \(partition!): they count from 0", count, row, &refusals)
        count += 1
        continue
      }
      let isTombstone = tombstones.map { !$0.isNull(row) && $0.get(Bool.self, row) } ?? false
      let value = buffer.event(row)
      bytes += value.count
      let key = keys.flatMap { $0.isNull(row) ? nil : $0.get(Text.self, row) }
      var message = rd_kafka_message_t()
      message.payload = isTombstone ? nil : UnsafeMutableRawPointer(mutating: value.base)
      message.len = isTombstone ? 0 : value.count
      message.key = key.map { UnsafeMutableRawPointer(mutating: $0.base) }
      message.key_len = key?.count ?? 0
      message.partition = partition.map { Int32(clamping: $0) } ?? -1
      message._private = outbox.opaque(count, isNamed: partition != nil)
      let headers = places.headers.flatMap { self.headers(buffer.each[$0], row) }
      if headers != nil || partition != nil {
        try produce(before: row, &refusals)
        try produce(message, headers, row, &refusals)
      } else {
        messages.append(message)
      }
      count += 1
    }
    try produce(before: buffer.count, &refusals)
    rd_kafka_poll(producer.client.handle, 0)
    return refusals
  }

  private static func misnamed(_ name: String) -> String {
    "`\(Shape.clean(name))` can be no topic's name: letters, digits, `.`, `_` and `-`, at most 249"
  }

  /// What Kafka takes for a topic's name.
  private static func isTopic(_ bytes: some Collection<UInt8>) -> Bool {
    guard (1...249).contains(bytes.count), !bytes.elementsEqual(".".utf8), !bytes.elementsEqual("..".utf8) else { return false }
    return bytes.allSatisfy { byte in
      switch byte {
      case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"), UInt8(ascii: "0")...UInt8(ascii: "9"),
        UInt8(ascii: "."), UInt8(ascii: "_"), UInt8(ascii: "-"):
        true
      default: false
      }
    }
  }

  /// Hands the messages over that lie before a row: together, librdkafka looks at its locks and clocks once for all. They are all of
  /// `topic`, which is there where a message is.
  private func produce(before row: Int, _ refusals: inout [Refusal]) throws(RunFailure) {
    defer { messages.removeAll() }
    var from = 0
    while from < messages.count {
      let left = messages.count - from
      let taken = rd_kafka_produce_batch(topic!.handle, -1, Int32(RD_KAFKA_MSG_F_COPY), messages.base + from, Int32(left))
      if Int(taken) == left { return }
      // What comes after the first that finds no room has none either.
      while from < messages.count, messages[from].err != RD_KAFKA_RESP_ERR__QUEUE_FULL {
        let code = messages[from].err
        let back = messages.count - from
        if code != RD_KAFKA_RESP_ERR_NO_ERROR { try refuse(code, messages[from], event: count - back, row: row - back, &refusals) }
        from += 1
      }
      guard from < messages.count else { return }
      for waiting in from..<messages.count { messages[waiting].err = RD_KAFKA_RESP_ERR_NO_ERROR }
      try waitForRoom()
    }
  }

  /// A message with headers or a partition of its own. Those that go together have no headers; of one whose partition is not
  /// there librdkafka 2.0 would lose the room in its queue.
  private func produce(
    _ message: rd_kafka_message_t, _ headers: OpaquePointer?, _ row: Int, _ refusals: inout [Refusal]
  ) throws(RunFailure) {
    while true {
      let code = pump_produce(
        producer.client.handle, topic!.handle, message.partition, message.payload, message.len, message.key, message.key_len, headers,
        message._private)
      if code == RD_KAFKA_RESP_ERR_NO_ERROR { return }
      guard code == RD_KAFKA_RESP_ERR__QUEUE_FULL else {
        if let headers { rd_kafka_headers_destroy(headers) }
        return try refuse(code, message, event: count, row: row, &refusals)
      }
      try waitForRoom()
    }
  }

  /// librdkafka did not take a message.
  private func refuse(
    _ code: rd_kafka_resp_err_t, _ message: rd_kafka_message_t, event: Int, row: Int, _ refusals: inout [Refusal]
  ) throws(RunFailure) {
    guard Self.refusesEvent(code, isNamed: message.partition >= 0) else { throw failure(code, topic?.name.string ?? "") }
    // No broker was asked.
    let isLarge = code == RD_KAFKA_RESP_ERR_MSG_SIZE_TOO_LARGE
    refuse(
      isLarge
        ? "Message size too large: \(message.len + message.key_len) bytes are more than this client's `message.max.bytes`"
        : Client.text(code),
      event, row, &refusals)
  }

  private func refuse(_ why: String, _ event: Int, _ row: Int, _ refusals: inout [Refusal]) {
    outbox.dropped()
    refused.append(event)
    refusals.append(Refusal(row: row, message: why))
  }

  /// A full queue is backpressure: it is waited for.
  private func waitForRoom() throws(RunFailure) {
    try producer.client.check()
    rd_kafka_poll(producer.client.handle, 100)
    producer.client.lookAgain()
  }

  private func headers(_ column: Column, _ row: Int) -> OpaquePointer? {
    if column.isNull(row) { return nil }
    let slice = column.get(Slice.self, row)
    let (names, lists) = (column.children[0].children[0], column.children[0].children[1])
    let values = lists.children[0]
    let list = rd_kafka_headers_new(Int(slice.count))
    for entry in Int(slice.start)..<Int(slice.start + slice.count) {
      let (name, items) = (names.get(Text.self, entry), lists.get(Slice.self, entry))
      for item in Int(items.start)..<Int(items.start + items.count) {
        let value = values.isNull(item) ? nil : values.get(Text.self, item)
        _ = name.base.withMemoryRebound(to: CChar.self, capacity: name.count) {
          rd_kafka_header_add(list, $0, name.count, value?.base, value?.count ?? 0)
        }
      }
    }
    return list
  }

  /// The event is at fault, not the cluster: of a partition that is not there only where it named one.
  private static func refusesEvent(_ code: rd_kafka_resp_err_t, isNamed: Bool) -> Bool {
    if code == RD_KAFKA_RESP_ERR__UNKNOWN_PARTITION { return isNamed }
    return [
      RD_KAFKA_RESP_ERR_MSG_SIZE_TOO_LARGE, RD_KAFKA_RESP_ERR_RECORD_LIST_TOO_LARGE, RD_KAFKA_RESP_ERR_INVALID_RECORD,
      RD_KAFKA_RESP_ERR_INVALID_MSG, RD_KAFKA_RESP_ERR_INVALID_TIMESTAMP, RD_KAFKA_RESP_ERR_TOPIC_EXCEPTION,
    ].contains(code)
  }

  private func failure(_ code: rd_kafka_resp_err_t, _ topic: String) -> RunFailure {
    let help =
      switch code {
      case RD_KAFKA_RESP_ERR__UNKNOWN_TOPIC, RD_KAFKA_RESP_ERR_UNKNOWN_TOPIC_OR_PART, RD_KAFKA_RESP_ERR__UNKNOWN_PARTITION:
        "create the topic, or check its name"
      case RD_KAFKA_RESP_ERR_TOPIC_AUTHORIZATION_FAILED, RD_KAFKA_RESP_ERR_CLUSTER_AUTHORIZATION_FAILED: "grant the user WRITE on it"
      case RD_KAFKA_RESP_ERR__MSG_TIMED_OUT: "raise `message.timeout.ms`, or leave it out: events then wait for the brokers"
      case RD_KAFKA_RESP_ERR_INVALID_REQUIRED_ACKS: "check `acks` in `properties`"
      default: "check the brokers"
      }
    return producer.client.connection.failure("topic `\(topic)`: \(Client.text(code)); \(help)")
  }

  func commit() throws(RunFailure) -> [Refusal] {
    guard count > 0 else { return [] }
    let begin = monotonicMicros()
    while true {
      while outbox.open > 0 {
        try producer.flush()
        // Said again and again by the pipeline; the messages stay where they are.
        guard monotonicMicros() - begin < 500_000 else {
          producer.client.lookAgain()
          throw producer.client.connection.failure(
            "the brokers have not confirmed \(outbox.open) events yet\(producer.client.cause)", transient: true)
        }
      }
      let suspects = outbox.takeSuspects()
      if suspects.isEmpty { break }
      try producer.sendAlone(suspects, outbox)
    }
    let failed = outbox.takeFailed().sorted { $0.event < $1.event }
    if let bad = failed.first(where: { !Self.refusesEvent($0.code, isNamed: $0.isNamed) }) { throw failure(bad.code, bad.topic) }
    defer { (count, refused, bytes) = (0, [], 0) }
    // Rows are counted without what was refused at once.
    return failed.map { failed in Refusal(row: failed.event - refused.count { $0 < failed.event }, message: Client.text(failed.code)) }
  }

  func close(completed: Bool) throws(RunFailure) {}
}
#endif
