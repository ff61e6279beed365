#if Kafka
internal import CKafka
import PumpConnectorKit

/// `source topic`: a member of a consumer group. Offsets are committed as far as everything before them is durable;
/// a partition that is taken away is given up only once what came from it is committed.
///
/// The group's members agree on one of librdkafka's own strategies, so that others than Pump may be members. They are eager:
/// each gives all its partitions up before a change of the group. With those that change step by step librdkafka before 2.10
/// drops everything where a commit meets a change.
final class TopicSource: Source {
  let client: Client
  let context: EndpointContext
  let group: String
  /// Whether the name is a pattern, and whether `from` is `earliest`.
  let isPattern: Bool
  let fromStart: Bool
  /// Positions that are kept in a sink's transaction go before the group's own.
  private(set) var positions: (any PositionStore)?
  let offsets: GroupOffsets
  /// Where the next message of each partition of this member is expected; below 0 before the first.
  var reached: [Partition: Int64] = [:]
  /// It could not be found out where partitions begin; nothing of what comes then may be given.
  private var failure: RunFailure?
  private let limit: Int
  private let queue: OpaquePointer
  private var messages: [UnsafeMutablePointer<rd_kafka_message_t>?] = Array(repeating: nil, count: 1024)
  private var number: Int64 = 0
  /// Partitions that the group takes back, until what came from them is committed.
  private var revoked: PartitionList?
  private var topics: [OpaquePointer: String] = [:]
  /// The topics by name; a pattern is one.
  let names: [String]
  /// What of its partitions the pipeline does not know yet, where it goes by times.
  private var assigned: [Int32]?
  private var drained: [Int32] = []
  /// Partitions have come to this member of the group at least once.
  private var wasAssigned = false

  init(_ connection: Connection, _ settings: KafkaSettings, _ context: EndpointContext) throws(RunFailure) {
    self.context = context
    limit = context.eventLimit
    let arguments = KafkaTopicSourceArguments(context.settings)
    group = arguments.group
    let name = arguments.name
    isPattern = name.hasPrefix("^")
    // A pattern may hold commas of its own.
    names = isPattern ? [name] : name.split(separator: ",").map { String($0.filter { $0 != " " }) }.filter { !$0.isEmpty }
    fromStart = arguments.from == .earliest
    client = try Client(
      connection, settings, RD_KAFKA_CONSUMER,
      [
        ("group.id", group), ("enable.auto.commit", "false"), ("enable.auto.offset.store", "false"),
        // Where to begin is said with each partition; this is for offsets that the log does not hold any more.
        ("auto.offset.reset", "earliest"),
        // Topics that vanish and partitions that are added are noticed so soon; librdkafka itself waits for 5 minutes.
        ("topic.metadata.refresh.interval.ms", "10000"), ("queued.max.messages.kbytes", "16384"), ("fetch.wait.max.ms", "100"),
        ("enable.partition.eof", context.isTimed ? "true" : "false"),
      ])
    offsets = GroupOffsets(client) { context.logger.warning($0, pipeline: context.pipeline) }
    rd_kafka_poll_set_consumer(client.handle)
    queue = rd_kafka_queue_get_consumer(client.handle)
    client.onRebalance = { [unowned self] comes, partitions in rebalance(comes, partitions) }
    let code = withList(names.map { (Partition(topic: $0, number: -1), 0) }) {
      rd_kafka_subscribe(client.handle, $0)
    }
    guard code == RD_KAFKA_RESP_ERR_NO_ERROR else {
      throw connection.failure("source `\(context.spec.label)`: \(Client.text(code)); name topics with commas between, or `^pattern`")
    }
  }

  func resume(_ positions: any PositionStore) throws(RunFailure) {
    // The group knows its offsets as well as a file would.
    if positions.isTransactional { self.positions = positions }
  }

  // MARK: Events

  func next(_ batch: Batch) throws(RunFailure) -> Bool {
    try client.check()
    if let failure { throw failure }
    if revoked != nil { giveUp() }
    let count = receive()
    defer { for index in 0..<count { rd_kafka_message_destroy(messages[index]) } }
    if count == 0 {
      client.lookAgain()
      offsets.send()
    }
    if client.lostOffsets() { try tellLost() }
    var passed: [Partition: Int64] = [:]
    var rows: [Int] = []
    for index in 0..<count {
      // librdkafka has written so many.
      let message = messages[index]!.pointee
      guard message.err == RD_KAFKA_RESP_ERR_NO_ERROR else {
        try heard(message)
        continue
      }
      take(message, index, batch, &rows)
      // Messages of one partition come together; the offset of the last one counts.
      if index + 1 < count, let next = messages[index + 1]?.pointee, next.rkt == message.rkt, next.partition == message.partition,
        next.err == RD_KAFKA_RESP_ERR_NO_ERROR
      {
        continue
      }
      let partition = Partition(topic: name(message.rkt), number: message.partition)
      // What the group has taken away by force is the next member's to commit.
      if reached[partition] != nil { passed[partition] = message.offset + 1 }
    }
    if let failure { throw failure }
    if !rows.isEmpty { client.answered() }
    reached.merge(passed) { $1 }
    describe(batch, rows)
    number += 1
    if !passed.isEmpty { offsets.give(number, passed) }
    batch.position = number
    if positions != nil { for (partition, offset) in passed { batch.checkpoint[partition.text] = String(offset) } }
    batch.wantsCommit = revoked != nil
    if context.isTimed {
      swap(&batch.assigned, &assigned)
      swap(&batch.drained, &drained)
    }
    return !context.stop.isRequested || batch.count > 0
  }

  /// Waits for a message, and takes what is there with it: asked for a whole batch, librdkafka would wait for all of it.
  private func receive() -> Int {
    messages.withUnsafeMutableBufferPointer { places in
      guard rd_kafka_consume_batch_queue(queue, 100, places.baseAddress, 1) > 0 else { return 0 }
      return 1 + max(0, rd_kafka_consume_batch_queue(queue, 0, places.baseAddress! + 1, places.count - 1))
    }
  }

  private func take(_ message: rd_kafka_message_t, _ index: Int, _ batch: Batch, _ rows: inout [Int]) {
    let bytes = UnsafeRawBufferPointer(start: message.payload, count: message.payload == nil ? 0 : message.len)
    let topic = name(message.rkt)
    let isTaken = batch.add(bytes, limit: limit, meta: Self.meta(topic, message.partition, message.offset))
    guard isTaken else { return }
    rows.append(index)
    if context.isTimed { batch.partitions.append(place(topic, message.partition)) }
  }

  /// The number of a partition; where there are several topics, these are told apart.
  private func place(_ topic: String, _ partition: Int32) -> Int32 {
    guard isPattern || names.count > 1 else { return partition }
    return Int32(truncatingIfNeeded: topic.utf8.fnv1a & 0x7FFF) << 16 | partition & 0xFFFF
  }

  private static func meta(_ topic: String, _ partition: Int32, _ offset: Int64) -> String {
    "{\"topic\":\(Value.text(topic).json(.string)),\"partition\":\(partition),\"offset\":\(offset)}"
  }

  private func name(_ topic: OpaquePointer) -> String {
    if let known = topics[topic] { return known }
    let name = String(cString: rd_kafka_topic_name(topic))
    topics[topic] = name
    return name
  }

  private func describe(_ batch: Batch, _ rows: [Int]) {
    let places = rows.map { row in
      let message = messages[row]!.pointee
      return (topic: message.rkt!, partition: message.partition, offset: message.offset)
    }
    // Every topic of the batch has its name here already.
    let topics = self.topics
    batch.origin = { "\(topics[places[$0].topic]!)/\(places[$0].partition) \(places[$0].offset)" }
    batch.describe = { row in
      guard row < places.count else { return "{}" }
      let (topic, partition, offset) = places[row]
      return Self.meta(topics[topic]!, partition, offset)
    }
    if context.meta.isEmpty { return }
    let meta = MessageMeta(batch, context.meta)
    for (row, index) in rows.enumerated() { meta.set(row, messages[index]!, topics) }
  }

  /// What stands in a queue in place of a message.
  private func heard(_ message: rd_kafka_message_t) throws(RunFailure) {
    let reason = message.payload.map { String(cString: $0.assumingMemoryBound(to: CChar.self)) } ?? Client.text(message.err)
    func warn(_ help: String = "") { context.logger.warning(Shape.clean(reason) + help, pipeline: context.pipeline) }
    switch message.err {
    case RD_KAFKA_RESP_ERR_TOPIC_AUTHORIZATION_FAILED, RD_KAFKA_RESP_ERR_GROUP_AUTHORIZATION_FAILED,
      RD_KAFKA_RESP_ERR_CLUSTER_AUTHORIZATION_FAILED:
      throw client.connection.failure("\(reason); grant the user READ on the topic and the group")
    case RD_KAFKA_RESP_ERR_INCONSISTENT_GROUP_PROTOCOL, RD_KAFKA_RESP_ERR__UNKNOWN_PROTOCOL:
      throw client.connection.failure(
        "group `\(group)`: \(reason); other members use another `partition.assignment.strategy`: give the same in `properties`, or use another group"
      )
    case RD_KAFKA_RESP_ERR_INVALID_SESSION_TIMEOUT:
      throw client.connection.failure(
        "group `\(group)`: \(reason); `session.timeout.ms` lies outside the broker's group.min.session.timeout.ms and group.max.session.timeout.ms"
      )
    case RD_KAFKA_RESP_ERR__FATAL:
      client.heardFatal()
      try client.check()
    case RD_KAFKA_RESP_ERR_UNKNOWN_TOPIC_OR_PART, RD_KAFKA_RESP_ERR__UNKNOWN_TOPIC, RD_KAFKA_RESP_ERR__UNKNOWN_PARTITION:
      warn("; waiting for the topic: create it, or check its name")
    case RD_KAFKA_RESP_ERR__MAX_POLL_EXCEEDED: warn("; its sinks were slower than `max.poll.interval.ms`")
    case RD_KAFKA_RESP_ERR__PARTITION_EOF: drained.append(place(name(message.rkt), message.partition))
    case RD_KAFKA_RESP_ERR__TRANSPORT, RD_KAFKA_RESP_ERR__ALL_BROKERS_DOWN: break
    default: warn()
    }
  }

  // MARK: The group

  func acknowledge(_ position: Int64) throws(RunFailure) { offsets.acknowledge(position) }

  private func rebalance(_ comes: Bool, _ partitions: PartitionList) {
    if comes {
      let isFirst = !wasAssigned
      wasAssigned = true
      do throws(RunFailure) {
        if context.keepsState { try checkWhole(partitions) }
        try place(partitions, isFirst: isFirst)
        assigned = partitions.elements.map { place(String(cString: $0.topic), $0.partition) }
      } catch {
        failure = error
      }
      change(partitions, comes: true)
    } else if rd_kafka_assignment_lost(client.handle) != 0 {
      // Others have them already.
      forget(partitions)
      change(partitions, comes: false)
    } else {
      revoked = rd_kafka_topic_partition_list_copy(partitions)
    }
  }

  private func change(_ partitions: PartitionList, comes: Bool) {
    if String(cString: rd_kafka_rebalance_protocol(client.handle)) == "COOPERATIVE" {
      let error = comes ? rd_kafka_incremental_assign(client.handle, partitions) : rd_kafka_incremental_unassign(client.handle, partitions)
      if let error { rd_kafka_error_destroy(error) }
    } else {
      rd_kafka_assign(client.handle, comes ? partitions : nil)
    }
  }

  /// Everything that was given is acknowledged: the pipeline was asked for a commit.
  private func giveUp() {
    guard let partitions = revoked else { return }
    offsets.confirm()
    forget(partitions)
    change(partitions, comes: false)
    rd_kafka_topic_partition_list_destroy(partitions)
    revoked = nil
  }

  private func forget(_ partitions: PartitionList) {
    offsets.forget(partitions)
    for element in partitions.elements { reached[Partition(element)] = nil }
  }

  func close() {
    offsets.confirm()
    if revoked != nil { giveUp() }
    client.onRebalance = { [unowned self] comes, partitions in if !comes { change(partitions, comes: false) } }
    rd_kafka_consumer_close(client.handle)
    rd_kafka_queue_destroy(queue)
    client.onRebalance = nil
    client.onCommit = nil
    // Before 2.3, librdkafka aborts where a member that is still joining is destroyed; it ends with the process then.
    if !wasAssigned, rd_kafka_version() < 0x0203_0000 { client.abandon() }
  }
}
#endif
