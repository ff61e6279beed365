#if MQTT
internal import CMQTT
import Glibc
import PumpConnectorKit

/// `source topic`: a session that the broker keeps. libmosquitto queues the confirmation of each message as it comes;
/// the queue is written once the events are durable. Brokers send only so many messages ahead, so each batch asks for its commit.
final class TopicSource: Source {
  private let broker: Broker
  private var connection: Connection { broker.connection }
  private let context: EndpointContext
  private let arguments: MQTTTopicSourceArguments
  private let qos: Int32
  private let limit: Int
  private var client: Client?
  private var isSubscribed = false
  private var number: Int64 = 0
  private var acknowledged: Int64 = 0
  /// Messages of the batch under way, and their bytes, which are kept to some measure.
  private var batch: Batch?
  private var size = 0
  private static let batchLimit = (messages: 1024, bytes: 16 << 20)
  /// The name of a session that the broker keeps.
  private let session: String?
  private var connectedAt: Int64 = 0
  /// How often in a row the session was taken away soon after it was begun, as where two programs have one name; and when it is taken
  /// back, ever later.
  private var takeovers = 0
  private var notBefore: Int64 = 0
  /// Nothing is known before there is a client again.
  var isUndecided: Bool { client == nil }
  private static let pause: (first: Int64, most: Int64) = (1_000_000, 60_000_000)
  private var places: [(topic: String, qos: Int32, retained: Bool)] = []

  init(_ broker: Broker, _ context: EndpointContext) {
    self.broker = broker
    self.context = context
    arguments = MQTTTopicSourceArguments(context.settings)
    qos =
      switch arguments.qos {
      case .atMostOnce: 0
      // Of QoS 2 the broker forgets a message before libmosquitto shows it, long before its event is durable.
      case .atLeastOnce, .exactlyOnce: 1
      }
    limit = context.eventLimit
    let isClean = arguments.clean || qos == 0
    session = isClean ? nil : arguments.clientId ?? "pump-\(context.pipeline)-\(context.spec.label)"
  }

  private func connect() throws(RunFailure) -> Client {
    isSubscribed = false
    // Messages of a session that goes on may come with the answer to the client.
    let client = try connection.attempt { () throws(RunFailure) in
      try broker.connect(id: session ?? arguments.clientId, isClean: session == nil, keepAlive: 30) {
        [unowned self] message in
        take(message.pointee)
      }
    }
    client.takesLeave = false
    connectedAt = monotonicMicros()
    return client
  }

  func next(_ batch: Batch) throws(RunFailure) -> Bool {
    self.batch = batch
    defer { self.batch = nil }
    places = []
    size = 0
    if client == nil {
      let wait = notBefore - monotonicMicros()
      // What was delivered is committed meanwhile.
      if wait > 0 { return context.stop.wait(micros: min(wait, 100_000)) }
      client = try connect()
    }
    let client = self.client!
    // What waits to be sent confirms messages too, all that have come: while some are not durable, nothing is sent.
    if !isSubscribed, isIdle(batch) {
      do throws(RunFailure) { try client.subscribe(arguments.filter, qos) } catch {
        self.client = nil
        throw error
      }
      isSubscribed = true
    }
    var code = isIdle(batch) ? client.send() : 0
    if code == 0, places.isEmpty { code = client.receive(micros: 100_000) }
    while code == 0, !places.isEmpty, places.count < Self.batchLimit.messages, size < Self.batchLimit.bytes, hasMore(client) {
      code = client.receive(micros: 0)
    }
    if code != 0 {
      self.client = nil
      connection.lost(loss(client, code))
      // What has come is delivered; the broker sends it again all the same, for it was not confirmed.
      if places.isEmpty { throw client.gone(code) }
    }
    describe(batch)
    if !places.isEmpty || !batch.refused.isEmpty {
      number += 1
      batch.wantsCommit = qos > 0
    }
    batch.position = number
    return !context.stop.isRequested || batch.count > 0
  }

  /// Why the client is lost. Few brokers say that another has come under its name: what they do is end the connection.
  private func loss(_ client: Client, _ code: Int32) -> String {
    let reason = client.loss(code)
    let pause = min(Self.pause.most, Self.pause.first << Int64(min(max(0, takeovers - 1), 20)))
    guard let session, monotonicMicros() - connectedAt < 2 * pause else {
      takeovers = 0
      return reason
    }
    takeovers += 1
    guard takeovers > 1 else { return reason }
    notBefore = monotonicMicros() + .random(in: pause / 2...pause)
    return "\(reason); did another client take over `\(session)`? Two programs with one `client_id` take the session from each other: "
      + "give each its own"
  }

  private func isIdle(_ batch: Batch) -> Bool { acknowledged == number && places.isEmpty && batch.refused.isEmpty }

  private func hasMore(_ client: Client) -> Bool {
    var descriptor = pollfd(fd: mosquitto_socket(client.handle), events: Int16(POLLIN), revents: 0)
    return poll(&descriptor, 1, 0) > 0
  }

  private func take(_ message: mosquitto_message) {
    guard let batch else { return }
    let topic = String(cString: message.topic)
    let bytes = UnsafeRawBufferPointer(start: message.payload, count: message.payload == nil ? 0 : Int(message.payloadlen))
    guard batch.add(bytes, limit: limit, meta: "{\"topic\":\(Value.text(topic).json(.string))}") else { return }
    size += bytes.count
    places.append((topic, message.qos, message.retain))
  }

  private func describe(_ batch: Batch) {
    let places = self.places
    batch.describe = { row in
      guard row < places.count else { return "{}" }
      let place = places[row]
      return "{\"topic\":\(Value.text(place.topic).json(.string)),\"qos\":\(place.qos),\"retained\":\(place.retained)}"
    }
    for name in context.meta {
      let column = batch.metaColumn(name, name == "topic" ? .string : name == "qos" ? .int : .bool)
      for (row, place) in places.enumerated() {
        switch name {
        case "topic": column.set(batch.context.arena.copy(place.topic), row)
        case "qos": column.set(Int64(place.qos), row)
        default: column.set(place.retained, row)
        }
      }
    }
  }

  func acknowledge(_ position: Int64) throws(RunFailure) {
    acknowledged = position
    guard acknowledged == number, let client else { return }
    if client.send() != 0 { self.client = nil }
  }

  func close() {
    client?.takesLeave = acknowledged == number
    client = nil
  }
}
#endif
