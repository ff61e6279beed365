#if MQTT
internal import CMQTT
import Glibc
import PumpRuntime

/// One client of the broker, driven by whoever holds it: nothing is read or written behind its back. What libmosquitto
/// wants to send waits until `send`, and so a message's confirmation waits until its event is durable.
final class Client: PooledClient, @unchecked Sendable {
  let connection: Connection
  let handle: OpaquePointer
  private(set) var isBroken = false
  var isReusable: Bool { !isBroken && unconfirmed.isEmpty }
  /// Messages that were published and are not confirmed, by their number for the broker.
  private(set) var unconfirmed: Set<Int32> = []
  var onMessage: ((UnsafePointer<mosquitto_message>) -> Void)?
  /// Whether it takes its leave, which also writes what waits: of a client with messages that are not durable, their confirmations.
  var takesLeave = true
  private var answer: Int32?
  private var granted: [Int32]?
  private var problem = ""

  init(_ connection: Connection, id: String?, isClean: Bool, keepAlive: Int32) throws(RunFailure) {
    self.connection = connection
    guard let made = mosquitto_new(id, isClean, nil) else { throw connection.failure("`\(id ?? "")` can be no client's name") }
    handle = made
    mosquitto_user_data_set(handle, Unmanaged.passUnretained(self).toOpaque())
    listen()
    try configure()
    try connect(keepAlive)
  }

  deinit {
    if takesLeave {
      mosquitto_disconnect(handle)
      _ = mosquitto_loop_write(handle, 1)
    }
    mosquitto_destroy(handle)
  }

  private func listen() {
    mosquitto_connect_callback_set(handle) { _, opaque, code in Unmanaged<Client>.fromOpaque(opaque!).takeUnretainedValue().answer = code }
    mosquitto_publish_callback_set(handle) { _, opaque, number in
      Unmanaged<Client>.fromOpaque(opaque!).takeUnretainedValue().unconfirmed.remove(number)
    }
    mosquitto_message_callback_set(handle) { _, opaque, message in
      Unmanaged<Client>.fromOpaque(opaque!).takeUnretainedValue().onMessage?(message!)
    }
    mosquitto_subscribe_callback_set(handle) { _, opaque, _, count, granted in
      let client = Unmanaged<Client>.fromOpaque(opaque!).takeUnretainedValue()
      client.granted = Array(UnsafeBufferPointer(start: granted, count: Int(count)))
    }
    // What OpenSSL says is found nowhere else.
    mosquitto_log_callback_set(handle) { _, opaque, level, text in
      guard level & 8 != 0, let text else { return }
      Unmanaged<Client>.fromOpaque(opaque!).takeUnretainedValue().problem = String(cString: text)
    }
  }

  private func configure() throws(RunFailure) {
    let settings = connection.settings
    // Packets are then queued, and written only when told to.
    mosquitto_threaded_set(handle, true)
    // Small packets go at once; waiting for more would cost 40 ms a window.
    mosquitto_int_option(handle, MOSQ_OPT_TCP_NODELAY, 1)
    mosquitto_max_inflight_messages_set(handle, 1000)
    if let user = settings.text("user") { mosquitto_username_pw_set(handle, user, settings.text("password")) }
    if let topic = settings.text("will_topic") {
      let payload = Array((settings.text("will_payload") ?? "").utf8)
      guard mosquitto_will_set(handle, topic, Int32(payload.count), payload, 1, settings.bool("will_retain")) == 0 else {
        throw connection.failure("`\(topic)` can be no topic of a will")
      }
    }
    guard settings.text("security") != "plain" else { return }
    guard settings.text("tls.server_name") == nil else {
      throw connection.failure("`tls.server_name` is not supported by MQTT's client; use the certificate's name as `host`")
    }
    let ca = settings.text("tls.ca") ?? "/etc/ssl/certs/ca-certificates.crt"
    let code = mosquitto_tls_set(handle, ca, nil, settings.text("tls.certificate"), settings.text("tls.key"), nil)
    guard code == 0 else {
      throw connection.failure("the files of `tls` cannot be used: \(Self.text(code)); check `tls.ca`, `tls.certificate` and `tls.key`")
    }
    if settings["tls.verify"] == .bool(false) {
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

  private func connect(_ keepAlive: Int32) throws(RunFailure) {
    let host = connection.settings.text("host") ?? "localhost"
    let port = Int32(clamping: connection.settings.int("port") ?? 8883)
    let deadline = currentMicros() + connection.connectTimeout
    try Self.reach(host, port, connection)
    let code = mosquitto_connect(handle, host, port, keepAlive)
    guard code == 0 else { throw refused("\(host):\(port)", code) }
    while answer == nil {
      guard currentMicros() < deadline else {
        throw connection.failure(
          "\(host):\(port) gave no answer within connect_timeout; is it an MQTT broker, with the right `security`?", transient: true)
      }
      let code = drive(micros: 50_000)
      if code != 0, answer == nil { throw refused("\(host):\(port)", code) }
    }
    guard answer == 0 else {
      let reason = String(cString: mosquitto_connack_string(answer!))
      // 3: the broker is not available now.
      let help = answer == 4 || answer == 5 ? "; check `user` and `password`" : answer == 2 ? "; check `client_id`" : ""
      throw connection.failure("\(host):\(port) refuses: \(reason)\(help)", transient: answer == 3)
    }
  }

  /// libmosquitto connects for as long as the system lets it; a short try before keeps to connect_timeout.
  private static func reach(_ host: String, _ port: Int32, _ connection: Connection) throws(RunFailure) {
    var hints = addrinfo()
    hints.ai_socktype = Int32(SOCK_STREAM.rawValue)
    var list: UnsafeMutablePointer<addrinfo>?
    guard getaddrinfo(host, String(port), &hints, &list) == 0, let first = list else {
      throw connection.failure("host `\(host)` is not known; check `host`", transient: true)
    }
    defer { freeaddrinfo(list) }
    var reason = "no answer within connect_timeout"
    var next: UnsafeMutablePointer<addrinfo>? = first
    while let address = next {
      next = address.pointee.ai_next
      let fd = socket(address.pointee.ai_family, Int32(SOCK_STREAM.rawValue | SOCK_NONBLOCK.rawValue | SOCK_CLOEXEC.rawValue), 0)
      guard fd >= 0 else { continue }
      defer { close(fd) }
      if Glibc.connect(fd, address.pointee.ai_addr, address.pointee.ai_addrlen) == 0 { return }
      guard errno == EINPROGRESS else {
        reason = String(cString: strerror(errno))
        continue
      }
      var descriptor = pollfd(fd: fd, events: Int16(POLLOUT), revents: 0)
      guard poll(&descriptor, 1, Int32(clamping: connection.connectTimeout / 1000)) > 0 else { continue }
      var code: Int32 = 0
      var size = socklen_t(MemoryLayout<Int32>.size)
      getsockopt(fd, SOL_SOCKET, SO_ERROR, &code, &size)
      if code == 0 { return }
      reason = String(cString: strerror(code))
    }
    throw connection.failure("cannot reach \(host):\(port): \(reason); check `host` and `port`, and that the broker runs", transient: true)
  }

  private func refused(_ address: String, _ code: Int32) -> RunFailure {
    // The broker's word on the client's certificate comes after the handshake, and libmosquitto keeps it to itself.
    if code == 14, errno == EPROTO, connection.counts.connects == 0 {
      return connection.failure("TLS with \(address) was broken off; set `tls.certificate` and `tls.key` to what the broker wants")
    }
    // `OpenSSL Error[0]: error:0A000086:SSL routines::certificate verify failed`
    let reason = problem.firstRange(of: "routines::").map { String(problem[$0.upperBound...]) } ?? Self.text(code)
    let helps = [
      ("verify failed", "give the authority's file as `tls.ca`, or check the name and the time of the broker's certificate"),
      ("certificate required", "set `tls.certificate` and `tls.key`"), ("alert", "check `tls.certificate` and `tls.key`"),
      ("wrong version number", "the broker has no TLS: set `security = plain` if the network is trusted"),
    ]
    if let help = helps.first(where: { reason.contains($0.0) }) {
      return connection.failure("TLS with \(address) failed: \(reason); \(help.1)")
    }
    return connection.failure("cannot reach \(address): \(reason); check `host`, `port` and `security`", transient: true)
  }

  // MARK: Driving

  /// Reads what has come and writes what waits, for so long at most; a code other than 0 ends the client.
  func drive(micros: Int64) -> Int32 {
    if mosquitto_want_write(handle) {
      let code = send()
      if code != 0 { return code }
    }
    return receive(micros: micros)
  }

  /// Writes everything that waits.
  func send() -> Int32 {
    let deadline = currentMicros() + connection.connectTimeout
    while mosquitto_want_write(handle) {
      let code = mosquitto_loop_write(handle, 1)
      if code != 0 { return lose(code) }
      guard mosquitto_want_write(handle) else { break }
      var descriptor = pollfd(fd: mosquitto_socket(handle), events: Int16(POLLOUT), revents: 0)
      _ = poll(&descriptor, 1, 100)
      if currentMicros() > deadline { return lose(7) }
    }
    return 0
  }

  /// Reads what has come, waiting for the first of it.
  func receive(micros: Int64) -> Int32 {
    let fd = mosquitto_socket(handle)
    guard fd >= 0 else { return lose(4) }
    var descriptor = pollfd(fd: fd, events: Int16(POLLIN), revents: 0)
    if poll(&descriptor, 1, Int32(clamping: (micros + 999) / 1000)) > 0 {
      let code = mosquitto_loop_read(handle, 1)
      if code != 0 { return lose(code) }
      // More may have come with it.
      while poll(&descriptor, 1, 0) > 0, unconfirmed.count > 0 {
        let code = mosquitto_loop_read(handle, 1)
        if code != 0 { return lose(code) }
      }
    }
    let code = mosquitto_loop_misc(handle)
    return code == 0 ? 0 : lose(code)
  }

  private func lose(_ code: Int32) -> Int32 {
    isBroken = true
    return code
  }

  func publish(_ topic: UnsafePointer<CChar>, _ payload: Text, _ qos: Int32, _ retain: Bool) -> (code: Int32, number: Int32) {
    var number: Int32 = 0
    let code = mosquitto_publish(handle, &number, topic, Int32(payload.count), payload.base, qos, retain)
    if code == 0 { unconfirmed.insert(number) }
    return (code, number)
  }

  func subscribe(_ filter: String, _ qos: Int32) throws(RunFailure) {
    let asked = mosquitto_subscribe(handle, nil, filter, qos)
    guard asked == 0 else {
      throw connection.failure("`\(filter)` can be no filter of topics: \(Self.text(asked)); write `a/+/b` or `a/#`")
    }
    let deadline = currentMicros() + connection.connectTimeout
    // Only the subscription is sent: messages of a session that goes on come at once, and are not to be confirmed yet.
    var code = send()
    while granted == nil, code == 0 {
      code = receive(micros: 50_000)
      guard currentMicros() < deadline else {
        isBroken = true
        throw connection.failure("the broker did not confirm the subscription of `\(filter)`", transient: true)
      }
    }
    guard code == 0 else { throw connection.failure("the broker is gone: \(Self.text(code))", transient: true) }
    if granted!.contains(where: { $0 > 2 }) {
      throw connection.failure("the broker refuses the subscription of `\(filter)`; check what the user may read")
    }
  }
}
#endif
