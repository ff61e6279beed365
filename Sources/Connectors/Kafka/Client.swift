#if Kafka
internal import CKafka
import PumpConnectorKit
import Synchronization

/// A handle of librdkafka, which connects, and comes back, by itself; what it says of that is told to the connection.
/// librdkafka guards the handle, and calls back on the thread that polls; what is called is set before the first poll, or by
/// that thread.
final class Client: @unchecked Sendable {
  let connection: Connection
  let settings: KafkaSettings
  /// There from the end of `init` on, until it is given up.
  private(set) var handle: OpaquePointer! = nil
  /// Whether all brokers are gone, as far as librdkafka knows.
  private let isDown = Atomic<Bool>(false)
  private let fatal = Mutex<String?>(nil)
  /// What librdkafka said last of a broker that it could not reach.
  private let trouble = Mutex<String?>(nil)
  /// An offset was none of its log's.
  private let offsetsLost = Atomic<Bool>(false)

  /// What became of a produced message; called by whoever polls.
  var onReport: ((UnsafePointer<rd_kafka_message_t>) -> Void)?
  /// Partitions come (true) or go.
  var onRebalance: ((Bool, PartitionList) -> Void)?
  /// The coordinator has answered a commit.
  var onCommit: ((rd_kafka_resp_err_t, PartitionList?) -> Void)?

  init(
    _ connection: Connection, _ settings: KafkaSettings, _ type: rd_kafka_type_t, _ properties: [(String, String)],
    last: [(String, String)] = []
  ) throws(RunFailure) {
    self.connection = connection
    self.settings = settings
    let properties = try Properties.all(connection, settings, properties) + last
    let conf = rd_kafka_conf_new()!
    var text = [CChar](repeating: 0, count: 512)
    for (name, value) in properties {
      guard rd_kafka_conf_set(conf, name, value, &text, text.count) == RD_KAFKA_CONF_OK else {
        rd_kafka_conf_destroy(conf)
        throw connection.failure("\(name): \(Client.text(text)); check the connection's settings and `properties`")
      }
    }
    // The handle and its threads end in `deinit`, or this object stays for ever: it is there whenever they call back.
    rd_kafka_conf_set_opaque(conf, Unmanaged.passUnretained(self).toOpaque())
    rd_kafka_conf_set_error_cb(conf) { _, code, reason, opaque in
      Unmanaged<Client>.fromOpaque(opaque!).takeUnretainedValue().heard(rd_kafka_resp_err_t(code), reason.map { String(cString: $0) } ?? "")
    }
    // What librdkafka logs is said by the callbacks too, and would stand between our own lines; but for this.
    rd_kafka_conf_set_log_cb(conf) { handle, _, facility, _ in
      guard let handle, let facility, String(cString: facility) == "OFFSET", let opaque = rd_kafka_opaque(handle) else { return }
      Unmanaged<Client>.fromOpaque(opaque).takeUnretainedValue().offsetsLost.store(true, ordering: .releasing)
    }
    if type == RD_KAFKA_PRODUCER {
      rd_kafka_conf_set_dr_msg_cb(conf) { _, message, opaque in
        Unmanaged<Client>.fromOpaque(opaque!).takeUnretainedValue().onReport?(message!)
      }
    } else {
      rd_kafka_conf_set_rebalance_cb(conf) { _, code, partitions, opaque in
        let client = Unmanaged<Client>.fromOpaque(opaque!).takeUnretainedValue()
        client.onRebalance?(code == RD_KAFKA_RESP_ERR__ASSIGN_PARTITIONS, partitions!)
      }
      rd_kafka_conf_set_offset_commit_cb(conf) { _, code, partitions, opaque in
        Unmanaged<Client>.fromOpaque(opaque!).takeUnretainedValue().onCommit?(code, partitions)
      }
    }
    guard let made = rd_kafka_new(type, conf, &text, text.count) else {
      rd_kafka_conf_destroy(conf)
      let said = Client.text(text)
      throw connection.failure("\(said); check \(said.contains("SASL mechanism") ? "`sasl_mechanism`" : "the connection's settings")")
    }
    handle = made
  }

  deinit { if handle != nil { rd_kafka_destroy(handle) } }

  /// Gives the handle up without destroying it. Its threads go on, and call this object.
  func abandon() {
    _ = Unmanaged.passRetained(self)
    handle = nil
  }

  // MARK: The life of the connection

  private func heard(_ code: rd_kafka_resp_err_t, _ reason: String) {
    switch code {
    case RD_KAFKA_RESP_ERR__ALL_BROKERS_DOWN:
      isDown.store(true, ordering: .relaxed)
      connection.lost("all brokers are down")
    case RD_KAFKA_RESP_ERR__AUTHENTICATION, RD_KAFKA_RESP_ERR_SASL_AUTHENTICATION_FAILED:
      refused(Client.plain(reason))
    case RD_KAFKA_RESP_ERR__SSL, RD_KAFKA_RESP_ERR__TRANSPORT, RD_KAFKA_RESP_ERR__RESOLVE:
      let said = Client.plain(reason)
      if said.contains(" alert "), said.contains("certificate") || said.contains("unknown ca") {
        // The other side's complaint, of us.
        let isGiven = connection.common.tls.certificate != nil
        fail(
          "\(said); the broker \(isGiven ? "does not take" : "wants") a certificate of this client: \(isGiven ? "check" : "set") `tls.certificate` and `tls.key`"
        )
      } else if said.contains("certificate") {
        fail("\(said); give the authority's file as `tls.ca`, or check the name and the time of the broker's certificate")
      } else if said.contains("wrong version number") || said.contains("packet length too long") {
        fail("\(said); the broker has no TLS: check `security_protocol`")
      } else if said.contains("SSL handshake failed") {
        trouble.withLock { $0 = "\(said); the listener may speak without TLS: set `security_protocol = PLAINTEXT`" }
      } else {
        // What librdkafka takes it for, in our settings' words.
        let isOther = reason.contains("security.protocol")
        trouble.withLock { $0 = isOther ? "the listener closes the connection: it may want TLS or a login" : said }
      }
    case RD_KAFKA_RESP_ERR__FATAL: heardFatal()
    default: break
    }
  }

  /// librdkafka has ended for good.
  func heardFatal() {
    var text = [CChar](repeating: 0, count: 512)
    let code = rd_kafka_fatal_error(handle, &text, text.count)
    let help = code == RD_KAFKA_RESP_ERR_FENCED_INSTANCE_ID ? "; another process has the same `group.instance.id`: give each its own" : ""
    fail(Client.text(text) + help)
  }

  var isFatal: Bool { fatal.withLock { $0 != nil } }
  /// Whether an offset was found outside its log since it was asked last.
  func lostOffsets() -> Bool { offsetsLost.load(ordering: .relaxed) && offsetsLost.exchange(false, ordering: .acquiring) }
  /// What librdkafka said last of a broker, in brackets.
  var cause: String { trouble.withLock { $0.map { " (\($0))" } ?? "" } }

  /// Of `ssl://a:9093/bootstrap: SSL handshake failed: error:0A000126:SSL routines::unexpected eof (after 2ms in state
  /// SSL_HANDSHAKE)` what people need; librdkafka's own settings are not theirs.
  private static func plain(_ reason: String) -> String {
    var text = reason
    for end in [" (after ", ", verify that ", ": verify that "] {
      if let cut = text.firstRange(of: end) { text = String(text[..<cut.lowerBound]) }
    }
    if let cut = text.firstRange(of: "/bootstrap: ") { text = text[..<cut.lowerBound] + ": " + text[cut.upperBound...] }
    guard let code = text.firstRange(of: "error:"), let end = text.firstRange(of: "routines::") else { return text }
    return String(text[..<code.lowerBound] + text[end.upperBound...])
  }

  /// The login failed. An error of librdkafka's own within what is said is a connection that ended on the way: that refuses
  /// nobody.
  private func refused(_ said: String) {
    if said.contains("Local: ") { return trouble.withLock { $0 = said } }
    // A list without a name.
    if said.hasSuffix("supported mechanisms: ") { return fail("\(said)none; the listener takes no SASL: check `security_protocol`") }
    if said.contains("supported mechanisms: ") { return fail("\(said); set `sasl_mechanism` to one of them") }
    if said.contains("not supported by broker") { return fail("\(said); check `security_protocol`") }
    // Until then it repeats its own nonce once too often, which brokers overlooked.
    let isOld = rd_kafka_version() < 0x0206_01FF && settings.saslMechanism?.hasPrefix("SCRAM-") == true
    let more = isOld ? "; SCRAM with Kafka 4.0 needs librdkafka 2.6.1, this is \(String(cString: rd_kafka_version_str()))" : ""
    fail("\(said); check `sasl_username`, `sasl_password` and `sasl_mechanism`\(more)")
  }

  private func fail(_ reason: String) { fatal.withLock { $0 = $0 ?? reason } }

  /// What cannot pass by itself.
  func check() throws(RunFailure) {
    if let reason = fatal.withLock({ $0 }) {
      let failure = connection.failure(reason)
      connection.failed(failure)
      throw failure
    }
  }

  /// A broker has answered.
  func answered() {
    guard isDown.load(ordering: .relaxed), isDown.exchange(false, ordering: .relaxed) else { return }
    trouble.withLock { $0 = nil }
    connection.ready()
  }

  /// Asks for metadata, to know whether the cluster is there.
  func reach() throws(RunFailure) {
    var metadata: UnsafePointer<rd_kafka_metadata>?
    var code = RD_KAFKA_RESP_ERR_NO_ERROR
    var left = connection.connectTimeout / 1000
    var piece: Int64 = 500
    repeat {
      // In pieces, so that a refusal is heard at once; ever longer ones, for brokers that are far away.
      code = rd_kafka_metadata(handle, 0, nil, &metadata, Int32(clamping: min(left, piece)))
      rd_kafka_poll(handle, 0)
      if let reason = fatal.withLock({ $0 }) { throw connection.failure(reason) }
      left -= piece
      piece *= 2
    } while code != RD_KAFKA_RESP_ERR_NO_ERROR && left > 0 && !connection.stop.isRequested
    guard code == RD_KAFKA_RESP_ERR_NO_ERROR else {
      isDown.store(true, ordering: .relaxed)
      let reason = trouble.withLock { $0 } ?? "nothing came within connect_timeout"
      throw connection.failure(
        "no broker of \(settings.bootstrapServers) answers (\(reason)); check `bootstrap_servers` and `security_protocol`, and that the cluster runs",
        transient: true)
    }
    rd_kafka_metadata_destroy(metadata)
    isDown.store(false, ordering: .relaxed)
    trouble.withLock { $0 = nil }
  }

  /// Finds out, while all brokers are gone, whether one is back.
  func lookAgain() {
    guard isDown.load(ordering: .relaxed) else { return }
    var metadata: UnsafePointer<rd_kafka_metadata>?
    guard rd_kafka_metadata(handle, 0, nil, &metadata, 200) == RD_KAFKA_RESP_ERR_NO_ERROR else { return }
    rd_kafka_metadata_destroy(metadata)
    answered()
  }

  /// What librdkafka wrote into a buffer of ours.
  private static func text(_ buffer: [CChar]) -> String {
    String(decoding: buffer.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
  }

  static func text(_ code: rd_kafka_resp_err_t) -> String { String(cString: rd_kafka_err2str(code)) }
}
#endif
