#if MQTT
internal import CMQTT
import PumpConnectorKit

/// `sink topic`: messages are kept until the broker has confirmed them, and published again where the client was lost.
final class TopicSink: Sink {
  private let pool: ClientPool<Client>
  private let connection: Connection
  private let qos: Int32
  private let retain: Bool
  /// How long the broker may take to confirm, in microseconds.
  private let patience: Int64
  /// Topic, a zero, and payload of each event since the last commit, and where they begin and end.
  private var bytes = ByteBuffer(capacity: 64 << 10)
  private typealias Event = (topic: Int, payload: Int, end: Int)
  private var events: [Event] = []
  /// Events before this one are answered: confirmed, or refused.
  private var done = 0
  private var refusals: [Refusal] = []
  private static let wholeWindow = 1000
  /// How often the broker ended the connection in a row without confirming anything.
  private var losses = 0
  private static let lossLimit = 5
  /// How many messages may be under way. From the second loss on it is one, so that it is known over which; it grows again with what is
  /// confirmed.
  private var window = TopicSink.wholeWindow

  init(_ pool: ClientPool<Client>, _ broker: Broker, _ context: EndpointContext) {
    self.pool = pool
    connection = broker.connection
    patience = broker.settings.ackTimeout.micros
    let arguments = MQTTTopicSinkArguments(context.settings)
    qos =
      switch arguments.qos {
      case .atMostOnce: 0
      case .atLeastOnce: 1
      case .exactlyOnce: 2
      }
    retain = arguments.retain
  }

  deinit { bytes.release() }

  var refusesLate: Bool { true }
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
    let isName = topic.count > 0 && topic.count <= 65535 && topic.bytes.allSatisfy { $0 != UInt8(ascii: "+") && $0 != UInt8(ascii: "#") }
    // MQTT lets a broker end the connection over a zero or another control character.
    let isText =
      topic.base.withMemoryRebound(to: CChar.self, capacity: topic.count) { mosquitto_validate_utf8($0, Int32(topic.count)) } == 0
    if isName, isText { return nil }
    let name = Shape.clean(String(topic.string.prefix(80)))
    return "`\(name)` can be no topic: it is empty, too long, or holds +, # or control characters"
  }

  func commit() throws(RunFailure) -> [Refusal] {
    guard !events.isEmpty else { return [] }
    try pool.with { client throws(RunFailure) in try deliver(client) }
    defer { refusals = [] }
    done = 0
    bytes.count = 0
    events.removeAll(keepingCapacity: true)
    return refusals
  }

  /// Keeps so many messages under way; what is answered is done even where the client is lost later.
  private func deliver(_ client: Client) throws(RunFailure) {
    var deadline = monotonicMicros() + patience
    var numbers: [Int32] = []
    let first = done
    while done < events.count {
      while first + numbers.count < events.count, client.unconfirmed.count < window {
        let event = events[first + numbers.count]
        let (code, number) = client.publish(topic(event), payload(event), qos, retain)
        guard code == 0 else { throw lost(client, code, over: first + numbers.count) }
        numbers.append(number)
      }
      let code = client.drive(micros: 50_000)
      while done - first < numbers.count, !client.unconfirmed.contains(numbers[done - first]) {
        if let reason = client.takeRefusal(numbers[done - first]) {
          // What followed it may be confirmed, and is sent again all the same: the last message of a topic stays the last.
          guard !reason.isTransient else { throw connection.failure("the broker takes no more now: \(reason.text)", transient: true) }
          refusals.append(Refusal(row: done, message: message(reason, events[done])))
        }
        done += 1
        losses = 0
        window = min(window + 1, Self.wholeWindow)
        deadline = monotonicMicros() + patience
      }
      guard code == 0 else { throw lost(client, code, over: done) }
      guard monotonicMicros() < deadline else {
        throw connection.failure("the broker did not confirm \(client.unconfirmed.count) messages within ack_timeout", transient: true)
      }
    }
  }

  private func topic(_ event: Event) -> Text { Text(bytes.base + event.topic, event.payload - 1 - event.topic) }
  private func payload(_ event: Event) -> Text { Text(bytes.base + event.payload, event.end - event.payload) }

  private func message(_ reason: Reason, _ event: Event) -> String {
    let help =
      switch reason {
      case MQTT_RC_NOT_AUTHORIZED: "; check what the user may publish"
      case MQTT_RC_TOPIC_NAME_INVALID: "; check `name`"
      case MQTT_RC_PACKET_TOO_LARGE: "; it has \(event.end - event.payload) bytes"
      case MQTT_RC_QOS_NOT_SUPPORTED: "; choose a lower `qos`"
      case MQTT_RC_RETAIN_NOT_SUPPORTED: "; leave `retain` out"
      default: ""
      }
    return Shape.clean("the broker refuses a message for `\(name(event))`: \(reason.text)\(help)")
  }

  /// A broker of MQTT 3.1.1 that does not take a message says so by going away. One over which it does so again and again is refused.
  private func lost(_ client: Client, _ code: Int32, over event: Int) -> RunFailure {
    guard !client.wasSentAway, event == done else { return client.gone(code) }
    losses += 1
    if losses > 1 || window < Self.wholeWindow { window = 1 }
    let size = events[done].end - events[done].payload
    guard losses >= Self.lossLimit else {
      return client.gone(code, losses > 1 ? "; \(losses) times in a row over `\(name(events[done]))`, \(size) bytes" : "")
    }
    refusals.append(
      Refusal(
        row: done,
        message: Shape.clean(
          "the broker has ended the connection \(losses) times over a message for `\(name(events[done]))` of \(size) bytes: "
            + "\(client.loss(code)); check `name`, and how long a message it takes")))
    done += 1
    losses = 0
    return client.gone(code)
  }

  private func name(_ event: Event) -> Substring { topic(event).string.prefix(80) }

  func close(completed: Bool) throws(RunFailure) {}
}
#endif
