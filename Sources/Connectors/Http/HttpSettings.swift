// Generated from Http.pump by `PUMP_UPDATE_GOLDEN=1 swift test --filter SettingsFilesTests`; changes here are lost.
import PumpConnectorKit

/// Servers that speak HTTP, 1.1 or 2. A proxy is used where `https_proxy` or `http_proxy` names one in the environment.
struct HttpSettings: Sendable {
  /// What the paths of all requests begin with, such as `https://api.example.com/v1`.
  var baseUrl: String
  /// With a password: HTTP's basic authentication.
  var user: String?
  var password: String?
  /// A bearer token, in place of user and password.
  var token: String?
  /// Sent with every request.
  var headers: [String: String]
  /// How long one request may take.
  var requestTimeout: Duration

  init(_ settings: Settings) {
    baseUrl = settings.required("base_url")
    user = settings.read("user")
    password = settings.read("password")
    token = settings.read("token")
    headers = settings.read("headers") ?? [:]
    requestTimeout = settings.read("request_timeout") ?? Duration(30_000_000)
  }
}

struct HttpGetSourceArguments: Sendable {
  /// Behind `base_url`; it may have a query.
  var path: String
  /// Asks again after each pause; without it the source ends with the first answer.
  var every: Duration?
  /// The media type that is wanted, such as `text/csv`.
  var accept: String?

  init(_ settings: Settings) {
    path = settings.required("path")
    every = settings.read("every")
    accept = settings.read("accept")
  }
}

struct HttpRequestSinkArguments: Sendable {
  enum Method: String, SettingChoice {
    case post = "POST"
    case put = "PUT"
    case patch = "PATCH"
    case delete = "DELETE"
  }

  var method: Method
  var contentType: String

  init(_ settings: Settings) {
    method = settings.read("method") ?? .post
    contentType = settings.read("content_type") ?? "application/json"
  }
}

struct HttpGetLookupArguments: Sendable {
  /// Found objects, and that there is none, are remembered for so long.
  var cache: Duration

  init(_ settings: Settings) { cache = settings.read("cache") ?? Duration(1_000_000) }
}
