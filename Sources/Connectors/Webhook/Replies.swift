#if Webhook
import PumpConnectorKit

/// What a sender is told.
extension HttpReply {
  static let accepted = HttpReply("200 OK")
  static let noToken = HttpReply(
    "401 Unauthorized", "the bearer token is missing or wrong\n", headers: [("WWW-Authenticate", "Bearer")])
  static let badSignature = HttpReply(
    "401 Unauthorized", "X-Hub-Signature-256 is missing or wrong\n", headers: [("WWW-Authenticate", "Signature")])
  static let noPath = HttpReply("404 Not Found", "nothing is taken at this path\n")
  static func badMethod(_ methods: [String]) -> HttpReply {
    HttpReply(
      "405 Method Not Allowed", "only \(methods.joined(separator: " and "))\n", headers: [("Allow", methods.joined(separator: ", "))])
  }
  static let noBody = HttpReply("400 Bad Request", "a request that only asks has no body\n")
  /// Of an event that was filtered on its way to a `reply`, or ended elsewhere.
  static let nothing = HttpReply("204 No Content")
  static let otherCoding = HttpReply(
    "415 Unsupported Media Type", "of Content-Encoding only gzip is known\n", headers: [("Accept-Encoding", "gzip")])
  static let brokenCoding = HttpReply("400 Bad Request", "the body is not in gzip, as Content-Encoding says\n")
  static func tooLong(_ limit: Int) -> HttpReply { HttpReply("413 Content Too Large", "the body is longer than \(limit) bytes\n") }
  static let tooMany = again("too many requests wait")
  static let late = again("the event was not stored in time")
  static let ending = again("the program ends")

  /// What an event failed of, as RFC 9457 has it. What systems behind the pipeline said is not for senders.
  static func problem(_ reason: FailureReason, _ message: String) -> HttpReply {
    let status =
      switch reason {
      case .decode: 400
      case .tooLarge: 413
      case .lookup: 502
      default: 422
      }
    let isOwn = [.decode, .encode, .assert, .expression].contains(reason)
    let reply = HttpReply(status: status, body: [], type: "")
    let members: [JSONLiteral.Member] = [
      .init(key: "type", value: .string("about:blank")), .init(key: "title", value: .string(String(reply.status.dropFirst(4)))),
      .init(key: "status", value: .number("\(status)")),
      .init(key: "detail", value: .string(isOwn ? Shape.clean(message) : "the event was not taken")),
      .init(key: "reason", value: .string(reason.rawValue)),
    ]
    return HttpReply(status: status, body: Array(JSONLiteral.object(members).text.utf8), type: "application/problem+json")
  }

  private static func again(_ reason: String) -> HttpReply {
    HttpReply("503 Service Unavailable", "\(reason); send it again\n", headers: [("Retry-After", "5")])
  }
}
#endif
