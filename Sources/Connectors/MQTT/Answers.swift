#if MQTT
internal import CMQTT
import Glibc

/// What a broker says by a number of MQTT 5; from 128 on it refuses.
struct Reason {
  let code: UInt32
  /// The broker's own words, where it has any.
  private var words = ""

  init(_ code: Int32, _ properties: OpaquePointer? = nil) {
    self.code = UInt32(bitPattern: code)
    var text: UnsafeMutablePointer<CChar>?
    mosquitto_property_read_string(properties, Int32(MQTT_PROP_REASON_STRING.rawValue), &text, false)
    guard let text else { return }
    words = ": " + String(String(cString: text).prefix(200))
    free(text)
  }

  init(_ code: mqtt5_return_codes) { self.code = code.rawValue }

  /// Of an answer to a client that connects: 3.1.1 has five numbers of its own for it.
  init(connack code: Int32, _ properties: OpaquePointer?) {
    let old = [
      MQTT_RC_UNSUPPORTED_PROTOCOL_VERSION, MQTT_RC_CLIENTID_NOT_VALID, MQTT_RC_SERVER_UNAVAILABLE, MQTT_RC_BAD_USERNAME_OR_PASSWORD,
      MQTT_RC_NOT_AUTHORIZED,
    ]
    self = (1...5).contains(code) ? Reason(old[Int(code) - 1]) : Reason(code, properties)
  }

  var isRefusal: Bool { code >= 0x80 }
  /// The broker lacks something now: asked again, it may say otherwise.
  var isTransient: Bool {
    [MQTT_RC_SERVER_UNAVAILABLE, MQTT_RC_SERVER_BUSY, MQTT_RC_QUOTA_EXCEEDED, MQTT_RC_CONNECTION_RATE_EXCEEDED].contains {
      $0.rawValue == code
    }
  }
  var text: String { String(cString: mosquitto_reason_string(Int32(bitPattern: code))) + words }

  static func ~= (code: mqtt5_return_codes, reason: Reason) -> Bool { code.rawValue == reason.code }
}

/// What the broker takes, as it says to who connects; one of 3.1.1 says nothing of it.
struct Limits {
  private(set) var packet: UInt32 = .max
  private(set) var qos: UInt8 = 2
  private var retains: UInt8 = 1

  init() {}

  init(_ properties: OpaquePointer?) {
    mosquitto_property_read_int32(properties, Int32(MQTT_PROP_MAXIMUM_PACKET_SIZE.rawValue), &packet, false)
    mosquitto_property_read_byte(properties, Int32(MQTT_PROP_MAXIMUM_QOS.rawValue), &qos, false)
    mosquitto_property_read_byte(properties, Int32(MQTT_PROP_RETAIN_AVAILABLE.rawValue), &retains, false)
  }

  /// Why a message need not be sent. libmosquitto finds out only some of it: it takes the flag of a message that is to be
  /// retained away, and one that is a byte or two too long it neither sends nor gives back.
  func refusal(topic: Int, payload: Int, qos: Int32, retain: Bool) -> Reason? {
    if qos > self.qos { return Reason(MQTT_RC_QOS_NOT_SUPPORTED) }
    if retain, retains == 0 { return Reason(MQTT_RC_RETAIN_NOT_SUPPORTED) }
    // After the topic's length come the message's number and that of properties, which it has none of.
    let rest = 2 + topic + (qos > 0 ? 2 : 0) + 1 + payload
    let head = rest < 1 << 7 ? 2 : rest < 1 << 14 ? 3 : rest < 1 << 21 ? 4 : 5
    return head + rest > packet ? Reason(MQTT_RC_PACKET_TOO_LARGE) : nil
  }
}
#endif
