#if MQTT
internal import CMQTT
import PumpRuntime

/// `sink topic`: messages are kept until the broker has confirmed them, and published again where the client was lost.
final class TopicSink: Sink, @unchecked Sendable {
  private let pool: ClientPool<Client>
  private let connection: Connection
  private let qos: Int32
  private let retain: Bool
  /// Topic, a zero, and payload of each event since the last commit, and where they begin and end.
  private var bytes = ByteBuffer(capacity: 64 << 10)
  private var events: [(topic: Int, payload: Int, end: Int)] = []
  /// Events before this one are confirmed.
  private var done = 0
  private static let window = 1000
  /// How often the broker went away in a row without confirming anything.
  private var losses = 0

  init(_ pool: ClientPool<Client>, _ connection: Connection, _ context: EndpointContext) {
    self.pool = pool
    self.connection = connection
    qos = context.qos
    retain = context.settings.bool("retain")
  }

  deinit { bytes.release() }

  var pending: Int { bytes.count }

  func write(_ buffer: SinkBuffer) throws(RunFailure) -> [Refusal] {
    var refusals: [Refusal] = []
    for row in 0..<buffer.count {
      let topic = buffer.each[0].get(Text.self, row)
      let payload = buffer.event(row)
      if let problem = Self.problem(topic, payload) {
        refusals.append(Refusal(row: row, message: problem))
        continue
      }
      let start = bytes.count
      bytes.raw(topic)
      bytes.byte(0)
      let middle = bytes.count
      bytes.raw(payload)
      events.append((start, middle, bytes.count))
    }
    return refusals
  }

  private static func problem(_ topic: Text, _ payload: Text) -> String? {
    if payload.count > 268_435_455 { return "the message is longer than MQTT's limit of 256 MiB" }
    let isName =
      topic.count > 0 && topic.count <= 65535 && topic.bytes.allSatisfy { $0 != 0 && $0 != UInt8(ascii: "+") && $0 != UInt8(ascii: "#") }
    return isName ? nil : "`\(Shape.clean(String(topic.string.prefix(80))))` can be no topic: it is empty, too long, or holds + or #"
  }

  func commit() throws(RunFailure) -> [Refusal] {
    guard !events.isEmpty else { return [] }
    try pool.with { client throws(RunFailure) in try deliver(client) }
    done = 0
    bytes.count = 0
    events.removeAll(keepingCapacity: true)
    return []
  }

  /// Keeps so many messages under way; what is confirmed is done even where the client is lost later.
  private func deliver(_ client: Client) throws(RunFailure) {
    let limit = connection.settings.int("ack_timeout") ?? 30_000_000
    var deadline = currentMicros() + limit
    var numbers: [Int32] = []
    let first = done
    while done < events.count {
      while first + numbers.count < events.count, client.unconfirmed.count < Self.window {
        let event = events[first + numbers.count]
        let topic = UnsafeRawPointer(bytes.base + event.topic).assumingMemoryBound(to: CChar.self)
        let (code, number) = client.publish(topic, Text(bytes.base + event.payload, event.end - event.payload), qos, retain)
        guard code == 0 else { throw lost(client, code) }
        numbers.append(number)
      }
      let code = client.drive(micros: 50_000)
      while done - first < numbers.count, !client.unconfirmed.contains(numbers[done - first]) {
        done += 1
        losses = 0
        deadline = currentMicros() + limit
      }
      guard code == 0 else { throw lost(client, code) }
      guard currentMicros() < deadline else {
        throw connection.failure("the broker did not confirm \(client.unconfirmed.count) messages within ack_timeout", transient: true)
      }
    }
  }

  /// A broker that takes no message of some size says so by going away.
  private func lost(_ client: Client, _ code: Int32) -> RunFailure {
    losses += 1
    let longest = events[done...].map { $0.end - $0.payload }.max() ?? 0
    let help = losses > 1 ? "; the longest message under way has \(longest) bytes: is that more than it takes?" : ""
    return connection.failure("the broker is gone: \(Client.text(code))\(help)", transient: true)
  }

  func close(completed: Bool) throws(RunFailure) {}
}
#endif
