#if Kafka
import PumpConnectorKit

/// librdkafka's properties as a connection's settings have them.
enum Properties {
  /// Later ones win: the client's own over the connection's, and what is passed through over both.
  static func all(
    _ connection: Connection, _ settings: KafkaSettings, _ client: [(String, String)]
  ) throws(RunFailure) -> [(String, String)] {
    guard connection.common.tls.serverName == nil else {
      throw connection.failure("`tls.server_name` is not supported by Kafka's client; use the certificate's names in `bootstrap_servers`")
    }
    try checkLogin(connection, settings)
    let own = settings.properties.sorted { $0.key < $1.key }
    for (name, _) in own {
      if let why = kept[name] { throw connection.failure("`\(name)` in `properties` cannot be set: \(why); remove it") }
    }
    return said(by: settings, connection) + client + own.map { ($0.key, $0.value) }
  }

  /// What would take from sources and sinks what they promise.
  private static let kept = [
    "transactional.id": "sinks produce without transactions",
    "group.id": "the source's `group` says it", "auto.offset.reset": "the source's `from` says it",
    "enable.auto.commit": "offsets are committed once their events are durable",
    "enable.auto.offset.store": "offsets are committed once their events are durable",
    "delivery.report.only.error": "each message is acknowledged by its report",
  ]

  private static func said(by settings: KafkaSettings, _ connection: Connection) -> [(String, String)] {
    let common = connection.common
    // Some write `a:9092;b:9092`, or one on a line.
    let servers = settings.bootstrapServers.split { ",; \t\r\n".contains($0) }.joined(separator: ",")
    var list: [(String, String)] = [
      ("bootstrap.servers", servers), ("client.id", "pump"),
      ("security.protocol", settings.securityProtocol.rawValue.lowercased()),
      ("socket.connection.setup.timeout.ms", String(max(1000, connection.connectTimeout / 1000))),
      ("reconnect.backoff.ms", String(common.reconnect.initial.micros / 1000)),
      // librdkafka makes a pause up to half longer than this.
      ("reconnect.backoff.max.ms", String(common.reconnect.max.micros * 2 / 3000)),
      ("enable.ssl.certificate.verification", common.tls.verify ? "true" : "false"),
      // Connections that end are heard of; `Client` says why only where none comes about.
      ("log.connection.close", "true"),
    ]
    let texts = [
      (settings.saslMechanism, "sasl.mechanism"), (settings.saslUsername, "sasl.username"), (settings.saslPassword, "sasl.password"),
      (common.tls.ca, "ssl.ca.location"), (common.tls.certificate, "ssl.certificate.location"), (common.tls.key, "ssl.key.location"),
    ]
    for (text, name) in texts { if let text { list.append((name, text)) } }
    return list
  }

  /// Settings of a login that do not go together; librdkafka would look for a Kerberos of its own, or not log in at all.
  private static func checkLogin(_ connection: Connection, _ settings: KafkaSettings) throws(RunFailure) {
    // Whoever passes librdkafka's own through knows what goes together.
    guard !settings.properties.keys.contains(where: { $0.hasPrefix("sasl.") || $0 == "security.protocol" }) else { return }
    let security = settings.securityProtocol
    func given(_ text: String?) -> String? { text.flatMap { $0.isEmpty ? nil : $0 } }
    let mechanism = given(settings.saslMechanism)
    let user = given(settings.saslUsername)
    switch security {
    case .plaintext, .ssl:
      guard let name = mechanism != nil ? "sasl_mechanism" : user != nil ? "sasl_username" : nil else { return }
      throw connection.failure("`\(name)` is for `security_protocol` SASL_\(security.rawValue); it is \(security.rawValue)")
    case .saslPlaintext, .saslSsl: break
    }
    guard let mechanism else {
      throw connection.failure("`security_protocol` \(security.rawValue) needs `sasl_mechanism`; set it, such as to SCRAM-SHA-512")
    }
    guard mechanism == "PLAIN" || mechanism.hasPrefix("SCRAM-") else { return }
    guard let name = user == nil ? "sasl_username" : given(settings.saslPassword) == nil ? "sasl_password" : nil else { return }
    throw connection.failure("`sasl_mechanism` \(mechanism) needs `\(name)`; set it")
  }
}
#endif
