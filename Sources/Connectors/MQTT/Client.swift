#if MQTT
internal import CMQTT
import Glibc
import PumpConnectorKit

/// One client of the broker, driven by whoever holds it: nothing is read or written behind its back. What libmosquitto
/// wants to send waits until `send`, and so a message's confirmation waits until its event is durable.
///
/// One thread at a time holds it: that of a source, or of whoever the pool gave it to. libmosquitto has no thread of its own, so that it
/// calls back on this one.
final class Client: PooledClient, @unchecked Sendable {
  let handle: OpaquePointer
  private let broker: Broker
  private var connection: Connection { broker.connection }
  private let version: Int32
  private let isClean: Bool
  private(set) var isBroken = false
  var isReusable: Bool { !isBroken && unconfirmed.isEmpty && refused.isEmpty }
  /// Messages that were published and are not answered, by their number for the broker.
  private(set) var unconfirmed: Set<Int32> = []
  /// Messages that the broker refused; those that it would refuse have a number of ours, below 0.
  private var refused: [Int32: Reason] = [:]
  private var lastRefused: Int32 = 0
  private var limits = Limits()
  private let onMessage: ((UnsafePointer<mosquitto_message>) -> Void)?
  /// Whether it takes its leave, which also writes what waits: of a client with messages that are not durable, their confirmations.
  var takesLeave = true
  private var answer: Reason?
  private var granted: Reason?
  /// Why the broker ended the connection, where it told.
  private var farewell: Reason?
  private var problem = ""
  private let isTLS: Bool
  /// How often libmosquitto has called back.
  private var heard = 0

  init(
    _ broker: Broker, version: Int32, id: String?, isClean: Bool, _ onMessage: ((UnsafePointer<mosquitto_message>) -> Void)?
  ) throws(RunFailure) {
    guard let made = mosquitto_new(id, isClean, nil) else { throw broker.connection.failure("`\(id ?? "")` can be no client's name") }
    (self.broker, self.version, self.isClean, self.onMessage, handle) = (broker, version, isClean, onMessage, made)
    isTLS = broker.settings.security == .tls
    // It calls back within calls of this object alone, the last of them in `deinit`.
    mosquitto_user_data_set(handle, Unmanaged.passUnretained(self).toOpaque())
    listen()
    try configure()
  }

  deinit {
    if takesLeave {
      mosquitto_disconnect(handle)
      _ = mosquitto_loop_write(handle, 1)
    }
    mosquitto_destroy(handle)
  }

  /// These callbacks also fire for 3.1.1, where any acknowledgement means success.
  private func listen() {
    mosquitto_connect_v5_callback_set(handle) { _, opaque, code, _, properties in
      let client = Unmanaged<Client>.fromOpaque(opaque!).takeUnretainedValue()
      client.heard += 1
      client.answer = Reason(connack: code, properties)
      client.limits = Limits(properties)
    }
    mosquitto_disconnect_v5_callback_set(handle) { _, opaque, code, properties in
      let reason = Reason(code, properties)
      // Other numbers are libmosquitto's own, which its calls give as well.
      if reason.isRefusal { Unmanaged<Client>.fromOpaque(opaque!).takeUnretainedValue().farewell = reason }
    }
    mosquitto_publish_v5_callback_set(handle) { _, opaque, number, code, properties in
      let client = Unmanaged<Client>.fromOpaque(opaque!).takeUnretainedValue()
      client.heard += 1
      client.unconfirmed.remove(number)
      if code >= 0x80 { client.refused[number] = Reason(code, properties) }
    }
    mosquitto_message_callback_set(handle) { _, opaque, message in
      let client = Unmanaged<Client>.fromOpaque(opaque!).takeUnretainedValue()
      client.heard += 1
      client.onMessage?(message!)
    }
    mosquitto_subscribe_v5_callback_set(handle) { _, opaque, _, _, granted, properties in
      Unmanaged<Client>.fromOpaque(opaque!).takeUnretainedValue().granted = Reason(granted![0], properties)
    }
    // What OpenSSL says is found nowhere else.
    mosquitto_log_callback_set(handle) { _, opaque, level, text in
      guard level & 8 != 0, let text else { return }
      Unmanaged<Client>.fromOpaque(opaque!).takeUnretainedValue().problem = String(cString: text)
    }
  }

  private func configure() throws(RunFailure) {
    let settings = broker.settings
    mosquitto_int_option(handle, MOSQ_OPT_PROTOCOL_VERSION, version)
    // Packets are then queued, and written only when told to.
    mosquitto_threaded_set(handle, true)
    // Small packets go at once; waiting for more would cost 40 ms a window.
    mosquitto_int_option(handle, MOSQ_OPT_TCP_NODELAY, 1)
    mosquitto_max_inflight_messages_set(handle, 1000)
    // As much to a source before it confirms; to a client that does not ask for more than 20, MQTT 5 lets no broker send more.
    mosquitto_int_option(handle, MOSQ_OPT_RECEIVE_MAXIMUM, 1000)
    if let user = settings.user { mosquitto_username_pw_set(handle, user, settings.password) }
    if let topic = settings.willTopic {
      let payload = Array(settings.willPayload.utf8)
      guard mosquitto_will_set(handle, topic, Int32(payload.count), payload, 1, settings.willRetain) == 0 else {
        throw connection.failure("`\(topic)` can be no topic of a will")
      }
    }
    guard isTLS else { return }
    let tls = connection.common.tls
    guard tls.serverName == nil else {
      throw connection.failure("`tls.server_name` is not supported by MQTT's client; use the certificate's name as `host`")
    }
    let ca = tls.ca ?? "/etc/ssl/certs/ca-certificates.crt"
    let code = mosquitto_tls_set(handle, ca, nil, tls.certificate, tls.key, nil)
    guard code == 0 else {
      throw connection.failure("the files of `tls` cannot be used: \(Self.text(code)); check `tls.ca`, `tls.certificate` and `tls.key`")
    }
    if !tls.verify {
      mosquitto_tls_opts_set(handle, 0, nil, nil)
      mosquitto_tls_insecure_set(handle, true)
    }
  }

  static func text(_ code: Int32) -> String {
    if code == 14 { return String(cString: strerror(errno)) }
    let text = String(cString: mosquitto_strerror(code))
    return text.hasSuffix(".") ? String(text.dropLast()) : text
  }

  // MARK: Connecting

  /// What became of the first words: the broker may not know the protocol's version, and say so, just leave, or say nothing.
  enum Greeting { case taken, unknownVersion, leave, silence }

  func connect(_ keepAlive: Int32, within timeout: Int64) throws(RunFailure) -> Greeting {
    let deadline = monotonicMicros() + timeout
    var properties: OpaquePointer?
    defer { mosquitto_property_free_all(&properties) }
    // 3.1.1 keeps such a session for ever; 5 would end it with the connection.
    if version == MQTT_PROTOCOL_V5, !isClean {
      mosquitto_property_add_int32(&properties, Int32(MQTT_PROP_SESSION_EXPIRY_INTERVAL.rawValue), .max)
    }
    let code = mosquitto_connect_bind_v5(handle, broker.host, broker.port, keepAlive, nil, properties)
    guard code == 0 else { throw unreachable(code) }
    while answer == nil {
      guard monotonicMicros() < deadline else { return .silence }
      let code = drive(micros: 50_000)
      if code != 0, answer == nil {
        if version == MQTT_PROTOCOL_V5, problem.isEmpty, code == 7 || errno == ECONNRESET { return .leave }
        throw unreachable(code)
      }
    }
    // The loop ends with an answer.
    let reason = answer!
    guard reason.isRefusal else { return .taken }
    if case MQTT_RC_UNSUPPORTED_PROTOCOL_VERSION = reason { return .unknownVersion }
    let help =
      switch reason {
      case MQTT_RC_BAD_USERNAME_OR_PASSWORD, MQTT_RC_NOT_AUTHORIZED: "; check `user` and `password`"
      case MQTT_RC_CLIENTID_NOT_VALID: "; check `client_id`"
      case MQTT_RC_RETAIN_NOT_SUPPORTED: "; leave `will_retain` out"
      default: ""
      }
    throw connection.failure("\(broker.address) refuses: \(reason.text)\(help)", transient: reason.isTransient)
  }

  private func unreachable(_ code: Int32) -> RunFailure {
    let address = broker.address
    // The broker's word on the client's certificate comes after the handshake, and libmosquitto keeps it to itself.
    if code == 14, errno == EPROTO, connection.counts.connects == 0 {
      return connection.failure("TLS with \(address) was broken off; set `tls.certificate` and `tls.key` to what the broker wants")
    }
    // `OpenSSL Error[0]: error:0A000086:SSL routines::certificate verify failed`
    let reason = problem.firstRange(of: "routines::").map { String(problem[$0.upperBound...]) } ?? Self.text(code)
    let helps = [
      ("verify failed", "give the authority's file as `tls.ca`, or check the name and the time of the broker's certificate"),
      ("certificate required", "set `tls.certificate` and `tls.key`"), ("alert", "check `tls.certificate` and `tls.key`"),
      ("unexpected eof", "it may speak without TLS: set `security = plain` if the network is trusted"),
      ("wrong version number", "the broker has no TLS: set `security = plain` if the network is trusted"),
    ]
    if let help = helps.first(where: { reason.contains($0.0) }) {
      // A broker that just goes away ends TLS too.
      return connection.failure("TLS with \(address) failed: \(reason); \(help.1)", transient: reason.contains("unexpected eof"))
    }
    let help = isTLS ? "check `host`, `port` and `security`" : "check `host` and `port`, and whether it wants TLS: `security = tls`"
    return connection.failure("cannot reach \(address): \(reason); \(help)", transient: true)
  }

  // MARK: Driving

  /// Reads what has come and writes what waits, for so long at most; a code other than 0 ends the client.
  func drive(micros: Int64) -> Int32 {
    if mosquitto_want_write(handle) {
      let code = send()
      if code != 0 { return code }
    }
    // Where no answer is owed there is nothing to wait for.
    return receive(micros: answer != nil && unconfirmed.isEmpty ? 0 : micros)
  }

  /// Writes everything that waits.
  func send() -> Int32 {
    var deadline = monotonicMicros() + connection.connectTimeout
    while mosquitto_want_write(handle) {
      let code = mosquitto_loop_write(handle, 1)
      if code != 0 { return lose(code) }
      guard mosquitto_want_write(handle) else { break }
      var descriptor = pollfd(fd: mosquitto_socket(handle), events: Int16(POLLOUT), revents: 0)
      // A slow network takes its time, one that takes nothing is lost.
      if poll(&descriptor, 1, 100) > 0 {
        deadline = monotonicMicros() + connection.connectTimeout
      } else if monotonicMicros() > deadline {
        return lose(7)
      }
    }
    return 0
  }

  /// Reads what has come, waiting for the first of it.
  func receive(micros: Int64) -> Int32 {
    let fd = mosquitto_socket(handle)
    guard fd >= 0 else { return lose(4) }
    var descriptor = pollfd(fd: fd, events: Int16(POLLIN), revents: 0)
    // OpenSSL may hold packets of which the socket knows nothing any more.
    var hasMore = poll(&descriptor, 1, Int32(clamping: (micros + 999) / 1000)) > 0 || isTLS
    var left = Self.readsAtOnce
    while hasMore {
      let before = heard
      let code = mosquitto_loop_read(handle, 1)
      // libmosquitto calls it a success where the broker says that it ends the connection.
      guard code == 0, mosquitto_socket(handle) == fd else { return lose(code == 0 ? 7 : code) }
      left -= 1
      // Answers to more messages may have come with it.
      hasMore = left > 0 && (isTLS && heard > before || unconfirmed.count > 0 && poll(&descriptor, 1, 0) > 0)
    }
    let code = mosquitto_loop_misc(handle)
    return code == 0 ? 0 : lose(code)
  }

  private static let readsAtOnce = 1000

  private func lose(_ code: Int32) -> Int32 {
    isBroken = true
    return code
  }

  /// Why the client is lost, by the code of the call that found it: what the broker said last, or else what the system says.
  func loss(_ code: Int32) -> String {
    guard let farewell else { return Self.text(code) }
    if case MQTT_RC_SESSION_TAKEN_OVER = farewell { return farewell.text + "; does another client have the same `client_id`?" }
    return farewell.text
  }

  /// The broker ended the connection for reasons of its own, which no message has to do with.
  var wasSentAway: Bool {
    switch farewell {
    case MQTT_RC_SERVER_SHUTTING_DOWN?, MQTT_RC_SERVER_BUSY?, MQTT_RC_SESSION_TAKEN_OVER?, MQTT_RC_KEEP_ALIVE_TIMEOUT?,
      MQTT_RC_USE_ANOTHER_SERVER?, MQTT_RC_SERVER_MOVED?, MQTT_RC_CONNECTION_RATE_EXCEEDED?, MQTT_RC_ADMINISTRATIVE_ACTION?:
      true
    default: false
    }
  }

  func gone(_ code: Int32, _ help: String = "") -> RunFailure {
    connection.failure("the broker is gone: \(loss(code))\(help)", transient: true)
  }

  // MARK: Messages

  /// The topic ends with a zero, which is not counted. The number is that of the answer to come, or to be taken at once.
  func publish(_ topic: Text, _ payload: Text, _ qos: Int32, _ retain: Bool) -> (code: Int32, number: Int32) {
    if let reason = limits.refusal(topic: topic.count, payload: payload.count, qos: qos, retain: retain) {
      lastRefused -= 1
      refused[lastRefused] = reason
      return (0, lastRefused)
    }
    var number: Int32 = 0
    let name = UnsafeRawPointer(topic.base).assumingMemoryBound(to: CChar.self)
    let code = mosquitto_publish(handle, &number, name, Int32(payload.count), payload.base, qos, retain)
    if code == 0 { unconfirmed.insert(number) }
    return (code, number)
  }

  /// Why a message that is answered was refused, told once.
  func takeRefusal(_ number: Int32) -> Reason? { refused.isEmpty ? nil : refused.removeValue(forKey: number) }

  func subscribe(_ filter: String, _ qos: Int32) throws(RunFailure) {
    let asked = mosquitto_subscribe(handle, nil, filter, qos)
    guard asked == 0 else {
      throw connection.failure("`\(filter)` can be no filter of topics: \(Self.text(asked)); write `a/+/b` or `a/#`")
    }
    let deadline = monotonicMicros() + connection.connectTimeout
    // Only the subscription is sent: messages of a session that goes on come at once, and are not to be confirmed yet.
    var code = send()
    while granted == nil, code == 0 {
      code = receive(micros: 50_000)
      guard monotonicMicros() < deadline else {
        isBroken = true
        throw connection.failure("the broker did not confirm the subscription of `\(filter)`", transient: true)
      }
    }
    // Some brokers end the connection over a subscription, and say by which fault.
    guard let reason = granted ?? farewell else { throw gone(code) }
    let help =
      switch reason {
      case MQTT_RC_SHARED_SUBS_NOT_SUPPORTED: ": it has no shared subscriptions; leave `$share/…/` out"
      case MQTT_RC_WILDCARD_SUBS_NOT_SUPPORTED: ": it has no wildcards; name one topic, without + and #"
      case MQTT_RC_UNSPECIFIED, MQTT_RC_NOT_AUTHORIZED: "; check what the user may read"
      case _ where granted == nil: throw gone(code)
      default: ": \(reason.text)"
      }
    guard !reason.isRefusal else {
      throw connection.failure("the broker refuses the subscription of `\(filter)`\(help)", transient: reason.isTransient)
    }
    guard code == 0 else { throw gone(code) }
  }
}
#endif
