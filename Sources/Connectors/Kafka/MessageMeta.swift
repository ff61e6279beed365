#if Kafka
internal import CKafka
import PumpConnectorKit

/// Writes what a pipeline reads of `meta` for the messages of one batch.
struct MessageMeta {
  private let columns: [(name: String, column: Column)]
  private let arena: Arena

  init(_ batch: Batch, _ names: [String]) {
    arena = batch.context.arena
    columns = names.map { name in
      let column = batch.metaColumn(name, Self.shape(name))
      return (name, column)
    }
  }

  private static func shape(_ name: String) -> Shape {
    switch name {
    case "topic": .string
    case "timestamp": Shape.timestamp.optional
    case "key": Shape.bytes.optional
    case "headers": .map(.list(Shape.bytes.optional))
    case "tombstone": .bool
    default: .int
    }
  }

  func set(_ row: Int, _ message: UnsafePointer<rd_kafka_message_t>, _ topics: [OpaquePointer: String]) {
    for (name, column) in columns {
      switch name {
      // `topics` has the name of each that was taken.
      case "topic": column.set(arena.copy(topics[message.pointee.rkt]!), row)
      case "partition": column.set(Int64(message.pointee.partition), row)
      case "offset": column.set(message.pointee.offset, row)
      case "timestamp":
        let millis = rd_kafka_message_timestamp(message, nil)
        // -1 where the message has none.
        if millis < 0 { column.setNull(row) } else { column.set(millis * 1000, row) }
      case "key": bytes(message.pointee.key, message.pointee.key_len, column, row)
      case "tombstone": column.set(message.pointee.payload == nil, row)
      default: headers(message, column, row)
      }
    }
  }

  private func bytes(_ base: UnsafeRawPointer?, _ count: Int, _ column: Column, _ row: Int) {
    guard let base else { return column.setNull(row) }
    column.set(arena.copy(UnsafeBufferPointer(start: base.assumingMemoryBound(to: UInt8.self), count: count)), row)
  }

  /// A name may stand several times, and a value may be null: the values of each name in their order.
  private func headers(_ message: UnsafePointer<rd_kafka_message_t>, _ column: Column, _ row: Int) {
    var names: [String] = []
    var values: [String: [(UnsafeRawPointer?, Int)]] = [:]
    var list: OpaquePointer?
    if rd_kafka_message_headers(message, &list) == RD_KAFKA_RESP_ERR_NO_ERROR {
      var name: UnsafePointer<CChar>?
      var value: UnsafeRawPointer?
      var size = 0
      var index = 0
      while rd_kafka_header_get_all(list, index, &name, &value, &size) == RD_KAFKA_RESP_ERR_NO_ERROR {
        let text = String(cString: name!)
        if values[text] == nil { names.append(text) }
        values[text, default: []].append((value, size))
        index += 1
      }
    }
    let entries = column.children[0]
    let start = entries.count
    for (place, name) in names.enumerated() {
      let entry = start + place
      entries.setPresent(entry)
      entries.children[0].set(arena.copy(name), entry)
      let items = entries.children[1].children[0]
      let first = items.count
      for (item, (value, size)) in values[name]!.enumerated() { bytes(value, size, items, first + item) }
      entries.children[1].set(Slice(first, values[name]!.count), entry)
    }
    column.set(Slice(start, names.count), row)
  }
}
#endif
