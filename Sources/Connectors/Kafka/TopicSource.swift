#if Kafka
internal import CKafka
import PumpRuntime

/// `source topic`: a member of a consumer group. Offsets are committed as far as everything before them is durable;
/// a partition that is taken away is given up only once what came from it is committed.
final class TopicSource: Source, @unchecked Sendable {
  private struct Partition: Hashable {
    let topic: String
    let number: Int32
    var text: String { "\(topic)/\(number)" }
  }
  /// Positions that are kept in a sink's transaction go before the group's own.
  private var positions: (any PositionStore)?
  /// Positions could not be read; nothing of what comes then may be given.
  private var failure: RunFailure?
  private let client: Client
  private let context: EndpointContext
  private let limit: Int
  private let queue: OpaquePointer
  private var messages: [UnsafeMutablePointer<rd_kafka_message_t>?] = Array(repeating: nil, count: 1024)
  /// The offsets behind each batch that is not acknowledged, and those that wait to be committed.
  private var given: [(number: Int64, offsets: [Partition: Int64])] = []
  private var durable: [Partition: Int64] = [:]
  private var number: Int64 = 0
  /// Partitions that the group takes back, until what came from them is committed.
  private var revoked: UnsafeMutablePointer<rd_kafka_topic_partition_list_t>?
  private var topics: [OpaquePointer: String] = [:]
  /// Partitions have come to this member of the group at least once.
  private var wasAssigned = false

  init(_ connection: Connection, _ context: EndpointContext) throws(RunFailure) {
    self.context = context
    limit = context.eventLimit
    client = try Client(
      connection, RD_KAFKA_CONSUMER,
      [
        ("group.id", context.settings.text("group") ?? ""), ("enable.auto.commit", "false"), ("enable.auto.offset.store", "false"),
        ("auto.offset.reset", context.settings.text("from") ?? "latest"), ("partition.assignment.strategy", "cooperative-sticky"),
        ("queued.max.messages.kbytes", "16384"), ("fetch.wait.max.ms", "100"),
      ])
    rd_kafka_poll_set_consumer(client.handle)
    queue = rd_kafka_queue_get_consumer(client.handle)
    client.onRebalance = { [unowned self] comes, partitions in rebalance(comes, partitions) }
    let list = rd_kafka_topic_partition_list_new(4)!
    defer { rd_kafka_topic_partition_list_destroy(list) }
    let names = context.settings.text("name") ?? ""
    // A pattern may hold commas of its own.
    let topics = names.hasPrefix("^") ? [names] : names.split(separator: ",").map { String($0.filter { $0 != " " }) }
    for name in topics where !name.isEmpty { rd_kafka_topic_partition_list_add(list, name, -1) }
    let code = rd_kafka_subscribe(client.handle, list)
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
    if count == 0 { client.lookAgain() }
    defer { for index in 0..<count { rd_kafka_message_destroy(messages[index]) } }
    var offsets: [Partition: Int64] = [:]
    var rows: [Int] = []
    for index in 0..<count {
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
      offsets[Partition(topic: name(message.rkt), number: message.partition)] = message.offset + 1
    }
    if let failure { throw failure }
    if !offsets.isEmpty { client.answered() }
    describe(batch, rows)
    number += 1
    if !offsets.isEmpty { given.append((number, offsets)) }
    batch.position = number
    if positions != nil { for (partition, offset) in offsets { batch.checkpoint[partition.text] = String(offset) } }
    batch.wantsCommit = revoked != nil
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
    let isTaken = batch.add(bytes, limit: limit, meta: Self.meta(name(message.rkt), message.partition, message.offset))
    if isTaken { rows.append(index) }
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

  /// What stands in a queue in place of a message.
  private func heard(_ message: rd_kafka_message_t) throws(RunFailure) {
    let reason = message.payload.map { String(cString: $0.assumingMemoryBound(to: CChar.self)) } ?? Client.text(message.err)
    switch message.err {
    case RD_KAFKA_RESP_ERR_TOPIC_AUTHORIZATION_FAILED, RD_KAFKA_RESP_ERR_GROUP_AUTHORIZATION_FAILED,
      RD_KAFKA_RESP_ERR_CLUSTER_AUTHORIZATION_FAILED:
      throw client.connection.failure("\(reason); grant the user READ on the topic and the group")
    case RD_KAFKA_RESP_ERR_UNKNOWN_TOPIC_OR_PART, RD_KAFKA_RESP_ERR__UNKNOWN_TOPIC:
      context.logger.warning("\(Shape.clean(reason)); waiting for the topic: create it, or check its name", pipeline: context.pipeline)
    case RD_KAFKA_RESP_ERR__MAX_POLL_EXCEEDED:
      context.logger.warning("\(Shape.clean(reason)); its sinks were slower than `max.poll.interval.ms`", pipeline: context.pipeline)
    case RD_KAFKA_RESP_ERR__TRANSPORT, RD_KAFKA_RESP_ERR__ALL_BROKERS_DOWN, RD_KAFKA_RESP_ERR__PARTITION_EOF: break
    default: context.logger.warning(Shape.clean(reason), pipeline: context.pipeline)
    }
  }

  // MARK: Meta

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
    let arena = batch.context.arena
    for name in context.meta {
      let column = batch.meta[name] ?? Column(Self.shape(name))
      batch.meta[name] = column
      for (row, index) in rows.enumerated() {
        let message = messages[index]!
        switch name {
        case "topic": column.set(arena.copy(topics[places[row].topic]!), row)
        case "partition": column.set(Int64(places[row].partition), row)
        case "offset": column.set(places[row].offset, row)
        case "timestamp": column.set(max(0, rd_kafka_message_timestamp(message, nil)) * 1000, row)
        case "key":
          if let key = message.pointee.key {
            let bytes = UnsafeBufferPointer(start: key.assumingMemoryBound(to: UInt8.self), count: message.pointee.key_len)
            column.set(arena.copy(bytes), row)
          } else {
            column.setNull(row)
          }
        default: headers(message, column, row, arena)
        }
      }
    }
  }

  private static func shape(_ name: String) -> Shape {
    switch name {
    case "topic": .string
    case "timestamp": .timestamp
    case "key": Shape.bytes.optional
    case "headers": .map(.bytes)
    default: .int
    }
  }

  private func headers(_ message: UnsafePointer<rd_kafka_message_t>, _ column: Column, _ row: Int, _ arena: Arena) {
    let entries = column.children[0]
    let start = entries.count
    var list: OpaquePointer?
    var count = 0
    if rd_kafka_message_headers(message, &list) == RD_KAFKA_RESP_ERR_NO_ERROR {
      var name: UnsafePointer<CChar>?
      var value: UnsafeRawPointer?
      var size = 0
      while rd_kafka_header_get_all(list, count, &name, &value, &size) == RD_KAFKA_RESP_ERR_NO_ERROR {
        entries.setPresent(start + count)
        entries.children[0].set(arena.copy(String(cString: name!)), start + count)
        let bytes = UnsafeBufferPointer(start: value?.assumingMemoryBound(to: UInt8.self), count: value == nil ? 0 : size)
        entries.children[1].set(arena.copy(bytes), start + count)
        count += 1
      }
    }
    column.set(Slice(start, count), row)
  }

  // MARK: Offsets

  func acknowledge(_ position: Int64) throws(RunFailure) {
    while let first = given.first, first.number <= position {
      durable.merge(first.offsets) { $1 }
      given.removeFirst()
    }
    commit(wait: false)
  }

  private func commit(wait: Bool) {
    guard !durable.isEmpty else { return }
    let list = rd_kafka_topic_partition_list_new(Int32(durable.count))!
    defer { rd_kafka_topic_partition_list_destroy(list) }
    for (partition, offset) in durable {
      rd_kafka_topic_partition_list_add(list, partition.topic, partition.number).pointee.offset = offset
    }
    let code = rd_kafka_commit(client.handle, list, wait ? 0 : 1)
    if code == RD_KAFKA_RESP_ERR_NO_ERROR { durable = [:] }
    // Whoever has the partition now goes on from the last commit: its events come twice, none is lost.
    if wait, code != RD_KAFKA_RESP_ERR_NO_ERROR, code != RD_KAFKA_RESP_ERR__NO_OFFSET {
      context.logger.warning("offsets were not committed: \(Client.text(code)); their events come again", pipeline: context.pipeline)
    }
  }

  private func rebalance(_ comes: Bool, _ partitions: UnsafeMutablePointer<rd_kafka_topic_partition_list_t>) {
    if comes {
      wasAssigned = true
      place(partitions)
      change(partitions, comes: true)
    } else if rd_kafka_assignment_lost(client.handle) != 0 {
      // Others have them already: nothing may be committed for them any more.
      forget(partitions)
      change(partitions, comes: false)
    } else {
      revoked = rd_kafka_topic_partition_list_copy(partitions)
    }
  }

  /// Partitions that come begin where their kept positions are.
  private func place(_ partitions: UnsafeMutablePointer<rd_kafka_topic_partition_list_t>) {
    guard let positions else { return }
    let elements = UnsafeMutableBufferPointer(start: partitions.pointee.elems, count: Int(partitions.pointee.cnt))
    func text(_ element: rd_kafka_topic_partition_t) -> String {
      Partition(topic: String(cString: element.topic), number: element.partition).text
    }
    do throws(RunFailure) {
      let kept = try client.connection.untilReady { () throws(RunFailure) in try positions.load(elements.map(text)) }
      for index in elements.indices { if let offset = kept[text(elements[index])].flatMap(Int64.init) { elements[index].offset = offset } }
    } catch {
      failure = error
    }
  }

  private func change(_ partitions: UnsafeMutablePointer<rd_kafka_topic_partition_list_t>, comes: Bool) {
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
    commit(wait: true)
    forget(partitions)
    change(partitions, comes: false)
    rd_kafka_topic_partition_list_destroy(partitions)
    revoked = nil
  }

  private func forget(_ partitions: UnsafeMutablePointer<rd_kafka_topic_partition_list_t>) {
    for index in 0..<Int(partitions.pointee.cnt) {
      let item = partitions.pointee.elems[index]
      let partition = Partition(topic: String(cString: item.topic), number: item.partition)
      durable[partition] = nil
      for place in given.indices { given[place].offsets[partition] = nil }
    }
  }

  func close() {
    commit(wait: true)
    if revoked != nil { giveUp() }
    client.onRebalance = { [unowned self] comes, partitions in if !comes { change(partitions, comes: false) } }
    rd_kafka_consumer_close(client.handle)
    rd_kafka_queue_destroy(queue)
    client.onRebalance = nil
    // Before 2.3, librdkafka aborts where a member that is still joining is destroyed; it ends with the process then.
    if !wasAssigned, rd_kafka_version() < 0x0203_0000 { client.abandon() }
  }
}
#endif
