#if Kafka
internal import CKafka
import Glibc
import PumpConnectorKit

/// The offsets that one member of a group commits. Each is kept until the group's coordinator has confirmed it: a commit
/// may come back because the group was changing, and is sent again then. Used by the source's thread alone.
final class GroupOffsets {
  private let client: Client
  private let warn: (String) -> Void
  /// The offsets after each batch that is not acknowledged, by its number.
  private var given: [(number: Int64, offsets: [Partition: Int64])] = []
  /// What is durable and not confirmed, and what of it is under way.
  private var unconfirmed: [Partition: Int64] = [:]
  private var sent: [Partition: Int64] = [:]

  /// How long the end, or a partition that goes to another member, waits for a coordinator that is away.
  private static let patience: Int64 = 10_000_000

  init(_ client: Client, warn: @escaping (String) -> Void) {
    self.client = client
    self.warn = warn
    client.onCommit = { [unowned self] in heard($0, $1) }
  }

  func give(_ number: Int64, _ offsets: [Partition: Int64]) { given.append((number, offsets)) }

  /// Everything up to a batch is durable.
  func acknowledge(_ number: Int64) {
    let count = given.prefix { $0.number <= number }.count
    for (_, offsets) in given.prefix(count) { unconfirmed.merge(offsets) { $1 } }
    given.removeFirst(count)
    send()
  }

  /// What is to be committed without an event, such as where a partition begins.
  func keep(_ offsets: [Partition: Int64]) { unconfirmed.merge(offsets) { $1 } }

  /// Of partitions that belong to others nothing may be committed any more.
  func forget(_ partitions: PartitionList) {
    for partition in partitions.elements.map(Partition.init) {
      unconfirmed[partition] = nil
      sent[partition] = nil
      for place in given.indices { given[place].offsets[partition] = nil }
    }
  }

  /// Commits what is not under way, without waiting; what came back before goes too.
  func send() {
    let offsets = unconfirmed.filter { sent[$0.key] != $0.value }.map { ($0.key, $0.value) }
    guard !offsets.isEmpty, withList(offsets, { rd_kafka_commit(client.handle, $0, 1) }) == RD_KAFKA_RESP_ERR_NO_ERROR else { return }
    for (partition, offset) in offsets { sent[partition] = offset }
  }

  /// Commits everything and waits until it is confirmed.
  func confirm() {
    let end = monotonicMicros() + Self.patience
    while !unconfirmed.isEmpty {
      let code = withList(unconfirmed.map { ($0.key, $0.value) }) { list in
        // With no queue given, the answer is heard before this returns; it tells each partition's.
        rd_kafka_commit_queue(
          client.handle, list, nil,
          { _, code, partitions, opaque in Unmanaged<GroupOffsets>.fromOpaque(opaque!).takeUnretainedValue().heard(code, partitions) },
          Unmanaged.passUnretained(self).toOpaque())
      }
      guard !unconfirmed.isEmpty else { return }
      guard !client.isFatal, !isExpelled(code), monotonicMicros() < end else {
        // Whoever has the partitions now goes on from the last commit: events come twice, none is lost.
        warn("offsets of \(unconfirmed.count) partitions were not committed: \(Client.text(code)); their last events come again")
        return
      }
      usleep(100_000)
    }
  }

  /// Whether the group has gone on without this member, which joins again only after it has given everything up; members of a
  /// group that changes step by step know its new generation soon.
  private func isExpelled(_ code: rd_kafka_resp_err_t) -> Bool {
    (code == RD_KAFKA_RESP_ERR_UNKNOWN_MEMBER_ID || code == RD_KAFKA_RESP_ERR_ILLEGAL_GENERATION)
      && String(cString: rd_kafka_rebalance_protocol(client.handle)) != "COOPERATIVE"
  }

  /// The coordinator's answer to a commit.
  private func heard(_ code: rd_kafka_resp_err_t, _ partitions: PartitionList?) {
    for element in partitions?.elements ?? .init(start: nil, count: 0) {
      let partition = Partition(element)
      if sent[partition] == element.offset { sent[partition] = nil }
      guard unconfirmed[partition] == element.offset else { continue }
      switch element.err != RD_KAFKA_RESP_ERR_NO_ERROR ? element.err : code {
      case RD_KAFKA_RESP_ERR_NO_ERROR: unconfirmed[partition] = nil
      case RD_KAFKA_RESP_ERR_UNKNOWN_TOPIC_OR_PART, RD_KAFKA_RESP_ERR_TOPIC_AUTHORIZATION_FAILED,
        RD_KAFKA_RESP_ERR_GROUP_AUTHORIZATION_FAILED:
        warn(
          "the offset of `\(partition.text)` was not committed: \(Client.text(element.err != RD_KAFKA_RESP_ERR_NO_ERROR ? element.err : code))"
        )
        unconfirmed[partition] = nil
      default: break
      }
    }
  }
}
#endif
