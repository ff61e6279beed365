#if MQTT
internal import CMQTT
import Glibc
import PumpConnectorKit
import Synchronization

/// The broker of one connection, as its clients find it: where it is, and which protocol it speaks.
final class Broker: Sendable {
  let connection: Connection
  let settings: MQTTSettings
  /// The broker took a client of 3.1.1 after it had said that it does not know 5, or nothing. The next ones do not ask again.
  private let isOld = Atomic(false)

  init(_ connection: Connection) {
    self.connection = connection
    settings = MQTTSettings(connection.settings)
  }

  var host: String { settings.host }
  var port: Int32 { Int32(clamping: settings.port) }

  var address: String { "\(host):\(port)" }

  /// A client that is connected. The broker keeps a session that is not clean until the client comes again.
  func connect(
    id: String?, isClean: Bool, keepAlive: Int32, onMessage: ((UnsafePointer<mosquitto_message>) -> Void)? = nil
  ) throws(RunFailure) -> Client {
    try reach()
    func client(_ version: Int) throws(RunFailure) -> Client {
      try Client(self, version: Int32(version), id: id, isClean: isClean, onMessage)
    }
    var greeting = Client.Greeting.unknownVersion
    var timeout = connection.connectTimeout
    if settings.version != .v311, !isOld.load(ordering: .relaxed) {
      let client = try client(Int(MQTT_PROTOCOL_V5))
      if settings.version == .any { timeout /= 2 }
      greeting = try client.connect(keepAlive, within: timeout)
      switch greeting {
      case .taken: return client
      case _ where settings.version == .any: break
      case .silence: throw silent
      case .unknownVersion, .leave:
        throw connection.failure("\(address) does not know MQTT 5; set `version = v3_1_1`, or leave it out", transient: greeting == .leave)
      }
    }
    let client = try client(Int(MQTT_PROTOCOL_V311))
    switch try client.connect(keepAlive, within: timeout) {
    case .taken: break
    case .silence: throw silent
    case .unknownVersion, .leave: throw connection.failure("\(address) speaks neither MQTT 5 nor 3.1.1; is it an MQTT broker?")
    }
    // A broker that just leaves may have done so for another reason.
    if greeting != .leave, !isOld.exchange(true, ordering: .relaxed), greeting == .silence {
      connection.logger.warning(
        "connection `\(connection.id)`: \(address) gives no answer to MQTT 5, and 3.1.1 is spoken from now on; `version` chooses",
        connection: connection.id)
    }
    return client
  }

  private var silent: RunFailure {
    connection.failure(
      "\(address) gave no answer within connect_timeout; is it an MQTT broker, with the right `security`?", transient: true)
  }

  /// libmosquitto connects for as long as the system lets it; a short try before keeps to connect_timeout.
  private func reach() throws(RunFailure) {
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
    throw connection.failure("cannot reach \(address): \(reason); check `host` and `port`, and that the broker runs", transient: true)
  }
}
#endif
