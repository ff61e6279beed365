// Generated from MQTT.pump by `PUMP_UPDATE_GOLDEN=1 swift test --filter SettingsFilesTests`; changes here are lost.
import PumpConnectorKit

/// MQTT 5, or 3.1.1 where the broker does not know 5, through libmosquitto.
struct MQTTSettings: Sendable {
  enum Security: String, SettingChoice {
    case tls
    case plain
  }

  enum Version: String, SettingChoice {
    case `any`
    case v5
    case v311 = "v3_1_1"
  }

  var host: String
  var port: Int64
  var security: Security
  var user: String?
  var password: String?
  /// Published by the broker where this program goes away without a word.
  var willTopic: String?
  var willPayload: String
  var willRetain: Bool
  /// The protocol's version. `any` asks for 5, and for 3.1.1 where the broker does not know 5, ends the connection over it or gives no
  /// answer in half of `connect_timeout`. By 3.1.1 a broker cannot say why it refuses a message: it takes it, or ends the connection.
  var version: Version
  /// How long the broker may take to confirm.
  var ackTimeout: Duration

  init(_ settings: Settings) {
    host = settings.read("host") ?? "localhost"
    port = settings.read("port") ?? 8883
    security = settings.read("security") ?? .tls
    user = settings.read("user")
    password = settings.read("password")
    willTopic = settings.read("will_topic")
    willPayload = settings.read("will_payload") ?? ""
    willRetain = settings.read("will_retain") ?? false
    version = settings.read("version") ?? .any
    ackTimeout = settings.read("ack_timeout") ?? Duration(30_000_000)
  }
}

struct MQTTTopicSourceArguments: Sendable {
  enum Qos: String, SettingChoice {
    case atMostOnce = "at_most_once"
    case atLeastOnce = "at_least_once"
    case exactlyOnce = "exactly_once"
  }

  /// `sensors/+/temperature`, `logs/#`, or `$share/group/filter` to share the messages with other members of a group.
  var filter: String
  var qos: Qos
  /// Names the session that the broker keeps while this program is away; without it, a name made of pipeline and step. Two programs
  /// with one name take the session from each other: each replica needs its own here, or `clean: true`.
  var clientId: String?
  /// Keeps no session: messages that come while this program is away are lost.
  var clean: Bool

  init(_ settings: Settings) {
    filter = settings.required("filter")
    qos = settings.read("qos") ?? .atLeastOnce
    clientId = settings.read("client_id")
    clean = settings.read("clean") ?? false
  }
}

struct MQTTTopicSinkArguments: Sendable {
  enum Qos: String, SettingChoice {
    case atMostOnce = "at_most_once"
    case atLeastOnce = "at_least_once"
    case exactlyOnce = "exactly_once"
  }

  var qos: Qos
  /// The broker keeps the last one for who subscribes later.
  var retain: Bool

  init(_ settings: Settings) {
    qos = settings.read("qos") ?? .atLeastOnce
    retain = settings.read("retain") ?? false
  }
}
