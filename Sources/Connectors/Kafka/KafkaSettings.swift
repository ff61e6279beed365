// Generated from Kafka.pump by `PUMP_UPDATE_GOLDEN=1 swift test --filter SettingsFilesTests`; changes here are lost.
import PumpConnectorKit

/// Apache Kafka, through librdkafka.
struct KafkaSettings: Sendable {
  enum SecurityProtocol: String, SettingChoice {
    case plaintext = "PLAINTEXT"
    case ssl = "SSL"
    case saslPlaintext = "SASL_PLAINTEXT"
    case saslSsl = "SASL_SSL"
  }

  /// Comma-separated `host:port` list of brokers.
  var bootstrapServers: String
  /// Whether there is TLS (SSL), and whether clients log in (SASL). A listener without TLS is `PLAINTEXT`, written out: what is
  /// left out never makes a connection weaker.
  var securityProtocol: SecurityProtocol
  /// How to log in: `PLAIN`, `SCRAM-SHA-256`, `SCRAM-SHA-512` or another that librdkafka was built with. SCRAM with Kafka 4.0
  /// needs librdkafka 2.6.1.
  var saslMechanism: String?
  /// For PLAIN and SCRAM, as is the password.
  var saslUsername: String?
  var saslPassword: String?
  /// Any other librdkafka property, under its own name.
  var properties: [String: String]

  init(_ settings: Settings) {
    bootstrapServers = settings.required("bootstrap_servers")
    securityProtocol = settings.read("security_protocol") ?? .ssl
    saslMechanism = settings.read("sasl_mechanism")
    saslUsername = settings.read("sasl_username")
    saslPassword = settings.read("sasl_password")
    properties = settings.read("properties") ?? [:]
  }
}

struct KafkaTopicSourceArguments: Sendable {
  enum From: String, SettingChoice {
    case earliest
    case latest
  }

  /// A topic, several with commas between, or a pattern that begins with `^`.
  var name: String
  var group: String
  /// Where to begin where the group has committed nothing; that place is committed before the first event. BSPump, and
  /// Java's `auto.offset.reset = earliest`, begin at the start of the log: write `from: earliest` for the same. A partition that
  /// is added to a topic, or a topic to those of a pattern, of which the group has committed offsets is read from its start
  /// in any case. Where the log no longer holds what the group has come to, it is said, and reading goes on at its start.
  /// Transactions end with a record that is not a message: a group that has read all may stay one offset short of the end.
  var from: From

  init(_ settings: Settings) {
    name = settings.required("name")
    group = settings.required("group")
    from = settings.read("from") ?? .latest
  }
}
