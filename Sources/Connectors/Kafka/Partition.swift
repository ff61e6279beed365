#if Kafka
internal import CKafka

/// A partition of a topic.
struct Partition: Hashable {
  let topic: String
  let number: Int32
  var text: String { "\(topic)/\(number)" }

  init(topic: String, number: Int32) { (self.topic, self.number) = (topic, number) }
  init(_ element: rd_kafka_topic_partition_t) { self.init(topic: String(cString: element.topic), number: element.partition) }
}

typealias PartitionList = UnsafeMutablePointer<rd_kafka_topic_partition_list_t>

extension UnsafeMutablePointer<rd_kafka_topic_partition_list_t> {
  var elements: UnsafeMutableBufferPointer<rd_kafka_topic_partition_t> {
    UnsafeMutableBufferPointer(start: pointee.elems, count: Int(pointee.cnt))
  }
}

/// A list of partitions with an offset each, for as long as the body takes.
func withList<T, E: Error>(_ offsets: some Collection<(Partition, Int64)>, _ body: (PartitionList) throws(E) -> T) throws(E) -> T {
  let list = rd_kafka_topic_partition_list_new(Int32(offsets.count))!
  defer { rd_kafka_topic_partition_list_destroy(list) }
  for (partition, offset) in offsets {
    rd_kafka_topic_partition_list_add(list, partition.topic, partition.number).pointee.offset = offset
  }
  return try body(list)
}
#endif
