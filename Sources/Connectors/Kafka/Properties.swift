#if Kafka
import PumpRuntime

/// librdkafka's properties as a connection's settings have them.
enum Properties {
  /// Later ones win: the client's own over the connection's, and what is passed through over both.
  static func all(_ connection: Connection, _ client: [(String, String)]) throws(RunFailure) -> [(String, String)] {
    guard connection.settings.text("tls.server_name") == nil else {
      throw connection.failure("`tls.server_name` is not supported by Kafka's client; use the certificate's names in `bootstrap_servers`")
    }
    try checkLogin(connection)
    let own = own(connection)
    for (name, _) in own {
      if let why = kept[name] { throw connection.failure("`\(name)` in `properties` cannot be set: \(why); remove it") }
    }
    return settings(connection) + client + own
  }

  /// What would take from sources and sinks what they promise.
  private static let kept = [
    "transactional.id": "sinks produce without transactions",
    "group.id": "the source's `group` says it", "auto.offset.reset": "the source's `from` says it",
    "enable.auto.commit": "offsets are committed once their events are durable",
    "enable.auto.offset.store": "offsets are committed once their events are durable",
    "delivery.report.only.error": "each message is acknowledged by its report",
  ]

  private static func settings(_ connection: Connection) -> [(String, String)] {
    let settings = connection.settings
    // Some write `a:9092;b:9092`, or one on a line.
    let servers = (settings.text("bootstrap_servers") ?? "").split { ",; \t\r\n".contains($0) }.joined(separator: ",")
    var list: [(String, String)] = [
      ("bootstrap.servers", servers), ("client.id", "pump"),
      ("security.protocol", (settings.text("security_protocol") ?? "SSL").lowercased()),
      ("socket.connection.setup.timeout.ms", String(max(1000, connection.connectTimeout / 1000))),
      ("reconnect.backoff.ms", String((settings.int("reconnect.initial") ?? 100_000) / 1000)),
      // librdkafka makes a pause up to half longer than this.
      ("reconnect.backoff.max.ms", String((settings.int("reconnect.max") ?? 750_000) * 2 / 3000)),
      ("enable.ssl.certificate.verification", settings["tls.verify"] == .bool(false) ? "false" : "true"),
      // Connections that end are heard of; `Client` says why only where none comes about.
      ("log.connection.close", "true"),
    ]
    let texts = [
      ("sasl_mechanism", "sasl.mechanism"), ("sasl_username", "sasl.username"), ("sasl_password", "sasl.password"),
      ("tls.ca", "ssl.ca.location"), ("tls.certificate", "ssl.certificate.location"), ("tls.key", "ssl.key.location"),
    ]
    for (key, name) in texts { if let text = settings.text(key) { list.append((name, text)) } }
    return list
  }

  private static func own(_ connection: Connection) -> [(String, String)] {
    guard case .map(let pairs) = connection.settings["properties"] else { return [] }
    return pairs.compactMap { pair in if case .text(let text) = pair.value { (pair.key, text) } else { nil } }
  }

  /// Settings of a login that do not go together; librdkafka would look for a Kerberos of its own, or not log in at all.
  private static func checkLogin(_ connection: Connection) throws(RunFailure) {
    // Whoever passes librdkafka's own through knows what goes together.
    guard !own(connection).contains(where: { $0.0.hasPrefix("sasl.") || $0.0 == "security.protocol" }) else { return }
    func text(_ name: String) -> String? { connection.settings.text(name).flatMap { $0.isEmpty ? nil : $0 } }
    let security = text("security_protocol") ?? "SSL"
    guard security.hasPrefix("SASL_") else {
      guard let name = ["sasl_mechanism", "sasl_username"].first(where: { text($0) != nil }) else { return }
      throw connection.failure("`\(name)` is for `security_protocol` SASL_\(security); it is \(security)")
    }
    guard let mechanism = text("sasl_mechanism") else {
      throw connection.failure("`security_protocol` \(security) needs `sasl_mechanism`; set it, such as to SCRAM-SHA-512")
    }
    guard mechanism == "PLAIN" || mechanism.hasPrefix("SCRAM-"),
      let name = ["sasl_username", "sasl_password"].first(where: { text($0) == nil })
    else { return }
    throw connection.failure("`sasl_mechanism` \(mechanism) needs `\(name)`; set it")
  }
}
#endif
