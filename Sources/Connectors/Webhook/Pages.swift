#if Webhook
import PumpConnectorKit

/// What browsers ask of a server before pages of other origins may speak to it (CORS, as the Fetch standard has it).
final class Pages {
  private let origins: [String]
  private var isAny: Bool { origins.contains("*") }

  init(_ connection: Connection, _ settings: WebhookSettings) throws(RunFailure) {
    origins = settings.allowedOrigins
    for origin in origins where origin != "*" && !Self.isOrigin(origin) {
      throw connection.failure("`\(Shape.clean(origin))` is no origin; write it as in `https://shop.example`, without a path, or `*`")
    }
  }

  private static func isOrigin(_ text: String) -> Bool {
    let rest = ["http://", "https://"].first { text.hasPrefix($0) }.map { text.dropFirst($0.count) } ?? ""
    return !rest.isEmpty && !rest.contains("/") && text.utf8.allSatisfy { $0 > 0x20 && $0 < 0x7F }
  }

  /// What every answer says to a page that may read it.
  func headers(_ head: RequestHead) -> [(name: String, value: String)] {
    guard !origins.isEmpty else { return [] }
    guard let origin = head.header("origin"), isAny || origins.contains(origin) else { return [("Vary", "Origin")] }
    return isAny ? [("Access-Control-Allow-Origin", "*")] : [("Access-Control-Allow-Origin", origin), ("Vary", "Origin")]
  }

  /// The answer to a question whether a request may be sent; nil if it is none, or from a page that may not.
  func preflight(_ head: RequestHead, _ methods: [String]) -> HttpReply? {
    guard head.method == "OPTIONS", !methods.isEmpty, head.header("access-control-request-method") != nil,
      let origin = head.header("origin"), isAny || origins.contains(origin)
    else { return nil }
    // Credentials and types of content have headers that a page has to be allowed.
    let asked = head.tokens("access-control-request-headers").joined(separator: ", ")
    let headers = [
      ("Access-Control-Allow-Methods", methods.joined(separator: ", ")), ("Access-Control-Allow-Headers", asked),
      ("Access-Control-Max-Age", "600"),
    ]
    return HttpReply("204 No Content", headers: headers.filter { !$0.1.isEmpty })
  }
}
#endif
