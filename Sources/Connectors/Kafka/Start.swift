#if Kafka
internal import CKafka
import PumpConnectorKit

extension TopicSource {
  /// Partitions that come begin where the sink that keeps positions, or the group, has come to, and new ones where `from`
  /// says. Where they begin is committed at once: what comes from now on is not lost by a restart.
  func place(_ partitions: PartitionList, isFirst: Bool) throws(RunFailure) {
    let all = partitions.elements.map(Partition.init)
    let connection = client.connection
    let kept = try positions.map { positions throws(RunFailure) in
      try connection.untilReady { () throws(RunFailure) in try positions.load(all.map(\.text)) }
    }
    let committed = try committed(all)
    // The group has lost the partition meanwhile, which is heard next.
    guard rd_kafka_assignment_lost(client.handle) == 0 else { return }
    if isFirst, positions?.isNew == true, let (other, offset) = committed.min(by: { $0.key.text < $1.key.text }) {
      throw client.connection.failure(
        "the group `\(group)` has come to offset \(offset) of \(other.text), and the folder of state holds nothing of these events: bring the folder back, or read with a group of its own"
      )
    }
    let logs = logs(all)
    let known = fromStart ? [] : try knownTopics(all.filter { committed[$0] == nil }, committed)
    var starts: [Partition: Int64] = [:]
    var passedOver: [String: Int64] = [:]
    for partition in all {
      if let position = kept?[partition.text].flatMap(Int64.init) {
        // Each position was committed, if only as the place to begin: Kafka forgets the group's offsets with their topic.
        guard committed[partition] != nil else {
          throw anew(
            partition, position, "the group `\(group)` has committed nothing there: was the topic made anew, or have its offsets expired?")
        }
        if let log = logs[partition], position > log.upperBound {
          throw anew(partition, position, "the log ends at \(log.upperBound): was the topic made anew?")
        }
        starts[partition] = within(logs[partition], partition, position)
      } else if let offset = committed[partition] {
        starts[partition] = within(logs[partition], partition, offset)
      } else {
        let isFirst = fromStart || known.contains(partition.topic)
        if !isFirst, let log = logs[partition] { passedOver[partition.topic, default: 0] += log.upperBound - log.lowerBound }
        // Of one without a leader the end is asked for when there is one.
        starts[partition] =
          logs[partition].map { isFirst ? $0.lowerBound : $0.upperBound }
          ?? Int64(isFirst ? RD_KAFKA_OFFSET_BEGINNING : RD_KAFKA_OFFSET_END)
      }
    }
    // Every partition was given a start above.
    for index in partitions.elements.indices { partitions.elements[index].offset = starts[all[index]]! }
    for (topic, count) in passedOver.sorted(by: { $0.key < $1.key }) where count > 0 {
      context.logger.info(
        "`\(topic)`: the group `\(group)` has committed nothing and begins at the end, after \(count) messages; `from: earliest` reads these",
        pipeline: context.pipeline)
    }
    reached.merge(starts) { $1 }
    offsets.keep(starts.filter { $0.value >= 0 && committed[$0.key] != $0.value })
    offsets.confirm()
  }

  /// Where to go on: what the log no longer holds is told.
  private func within(_ log: ClosedRange<Int64>?, _ partition: Partition, _ offset: Int64) -> Int64 {
    guard let log, !log.contains(offset) else { return offset }
    let what =
      offset < log.lowerBound
      ? "the messages \(offset) to \(log.lowerBound - 1) are gone before they were read: the log begins at \(log.lowerBound)"
      : "the group had come to \(offset), the log ends at \(log.upperBound): the topic was made anew, or has lost its end"
    context.logger.warning("`\(partition.text)`: \(what); going on at \(log.lowerBound)", pipeline: context.pipeline)
    return log.lowerBound
  }

  /// librdkafka has found an offset outside its log, and goes on at the log's start.
  func tellLost() throws(RunFailure) {
    let known = reached.filter { $0.value >= 0 }
    let logs = logs(Array(known.keys))
    for (partition, offset) in known {
      if positions != nil, let log = logs[partition], offset > log.upperBound {
        throw anew(partition, offset, "the log ends at \(log.upperBound): was the topic made anew?")
      }
      reached[partition] = within(logs[partition], partition, offset)
    }
  }

  private func anew(_ partition: Partition, _ position: Int64, _ why: String) -> RunFailure {
    client.connection.failure(
      "`\(partition.text)`: the kept position is \(position), but \(why) Messages would be passed over; delete the kept position to begin "
        + "anew, or commit an offset of the group to go on from the position")
  }

  /// What the group has committed.
  private func committed(_ partitions: [Partition]) throws(RunFailure) -> [Partition: Int64] {
    try client.connection.untilReady { () throws(RunFailure) in
      try withList(partitions.map { ($0, 0) }) { (list: PartitionList) throws(RunFailure) in
        let code = rd_kafka_committed(client.handle, list, 1000)
        let codes = [code] + list.elements.map(\.err)
        guard let bad = codes.first(where: { $0 != RD_KAFKA_RESP_ERR_NO_ERROR }), rd_kafka_assignment_lost(client.handle) == 0 else {
          return Dictionary(list.elements.filter { $0.offset >= 0 }.map { (Partition($0), $0.offset) }) { $1 }
        }
        let isRefused = bad == RD_KAFKA_RESP_ERR_GROUP_AUTHORIZATION_FAILED || bad == RD_KAFKA_RESP_ERR_TOPIC_AUTHORIZATION_FAILED
        throw client.connection.failure("the group's offsets: \(Client.text(bad))", transient: !isRefused && !client.isFatal)
      }
    }
  }

  /// Of the topics of partitions without an offset those that the group has offsets of: the partitions were added since. So
  /// were topics to those of a pattern.
  private func knownTopics(_ new: [Partition], _ committed: [Partition: Int64]) throws(RunFailure) -> Set<String> {
    let topics = Set(new.map(\.topic))
    if isPattern, !committed.isEmpty { return topics }
    var others: [Partition] = []
    for topic in topics { others += self.partitions(of: topic) }
    return others.isEmpty ? [] : Set(try self.committed(others).keys.map(\.topic))
  }

  /// The partitions of a topic; none where the brokers do not say.
  private func partitions(of topic: String) -> [Partition] {
    let handle = rd_kafka_topic_new(client.handle, topic, nil)
    defer { if let handle { rd_kafka_topic_destroy(handle) } }
    var metadata: UnsafePointer<rd_kafka_metadata>?
    guard rd_kafka_metadata(client.handle, 0, handle, &metadata, 5000) == RD_KAFKA_RESP_ERR_NO_ERROR, let metadata else { return [] }
    defer { rd_kafka_metadata_destroy(metadata) }
    return (0..<Int(metadata.pointee.topic_cnt)).flatMap { index in
      (0..<metadata.pointee.topics[index].partition_cnt).map { Partition(topic: topic, number: $0) }
    }
  }

  /// Where steps keep something of the events before, one process has to read all of them: two would each count a part.
  func checkWhole(_ partitions: PartitionList) throws(RunFailure) {
    let held = Set(partitions.elements.map(Partition.init))
    for topic in isPattern ? Set(held.map(\.topic)).sorted() : names {
      guard let other = self.partitions(of: topic).first(where: { !held.contains($0) }) else { continue }
      throw client.connection.failure(
        "another member of the group `\(group)` reads \(other.text), and steps keep something of the events before, for which one process reads all partitions: end the other, or give each a group of its own"
      )
    }
  }

  /// Where the logs begin and end, of partitions that have a leader.
  private func logs(_ partitions: [Partition]) -> [Partition: ClosedRange<Int64>] {
    guard !partitions.isEmpty else { return [:] }
    func ask(_ place: Int64) -> [Partition: Int64] {
      withList(partitions.map { ($0, place) }) { list in
        guard rd_kafka_offsets_for_times(client.handle, list, 5000) == RD_KAFKA_RESP_ERR_NO_ERROR else { return [:] }
        return Dictionary(
          list.elements.filter { $0.err == RD_KAFKA_RESP_ERR_NO_ERROR && $0.offset >= 0 }.map { (Partition($0), $0.offset) }
        ) { $1 }
      }
    }
    let starts = ask(Int64(RD_KAFKA_OFFSET_BEGINNING))
    let ends = starts.isEmpty ? [:] : ask(Int64(RD_KAFKA_OFFSET_END))
    return starts.reduce(into: [:]) { logs, start in
      if let end = ends[start.key], end >= start.value { logs[start.key] = start.value...end }
    }
  }
}
#endif
