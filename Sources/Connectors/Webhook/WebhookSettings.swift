// Generated from Webhook.pump by `PUMP_UPDATE_GOLDEN=1 swift test --filter SettingsFilesTests`; changes here are lost.
import PumpConnectorKit

/// Requests that other programs send, such as webhooks: a server of HTTP/1.1, of HTTPS where `tls.certificate` and `tls.key` name its
/// certificate and private key.
struct WebhookSettings: Sendable {
  /// Where it listens: `127.0.0.1` is reached from this machine alone, `0.0.0.0` and `::` from everywhere.
  var host: String
  /// 0 lets the system choose one, which the log names.
  var port: Int64
  /// Every request must bring it, as `Authorization: Bearer …`.
  var token: String?
  /// Every request must be signed with it as those of GitHub are: `X-Hub-Signature-256: sha256=…`, the HMAC-SHA256 of the body in hex.
  var signatureSecret: String?
  /// Most requests that wait until their events are durable. One more is answered 503, to be sent again, as one whose body is beyond
  /// the 64 MiB that all of them may have.
  var maxWaiting: Int64
  /// How long the head of a request may take to come, then its body, and then its event to be durable. A sender who has waited so long
  /// for that gets 503; where the event was on its way already, it comes twice. Of connections there are `max_waiting` and 100 more: beyond
  /// them the oldest whose request has not come whole gives way, of the address that has most of them.
  var requestTimeout: Duration
  /// Web pages that may send from a browser and read the answer, by their origins such as `https://shop.example`; `*` are all. Each
  /// source says which methods it takes.
  var allowedOrigins: [String]

  init(_ settings: Settings) {
    host = settings.read("host") ?? "127.0.0.1"
    port = settings.read("port") ?? 8080
    token = settings.read("token")
    signatureSecret = settings.read("signature_secret")
    maxWaiting = settings.read("max_waiting") ?? 500
    requestTimeout = settings.read("request_timeout") ?? Duration(30_000_000)
    allowedOrigins = settings.read("allowed_origins") ?? []
  }
}

struct WebhookPostSourceArguments: Sendable {
  /// Such as `/orders`; each source of the connection has its own.
  var path: String

  init(_ settings: Settings) { path = settings.required("path") }
}

struct WebhookGetSourceArguments: Sendable {
  /// Such as `/prices`; each source of the connection has its own.
  var path: String

  init(_ settings: Settings) { path = settings.required("path") }
}
