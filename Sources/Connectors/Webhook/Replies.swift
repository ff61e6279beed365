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
  static let badMethod = HttpReply("405 Method Not Allowed", "only POST and PUT\n", headers: [("Allow", "POST, PUT")])
  static let otherCoding = HttpReply(
    "415 Unsupported Media Type", "of Content-Encoding only gzip is known\n", headers: [("Accept-Encoding", "gzip")])
  static let brokenCoding = HttpReply("400 Bad Request", "the body is not in gzip, as Content-Encoding says\n")
  static func tooLong(_ limit: Int) -> HttpReply { HttpReply("413 Content Too Large", "the body is longer than \(limit) bytes\n") }
  static let tooMany = again("too many requests wait")
  static let late = again("the event was not stored in time")
  static let ending = again("the program ends")

  private static func again(_ reason: String) -> HttpReply {
    HttpReply("503 Service Unavailable", "\(reason); send it again\n", headers: [("Retry-After", "5")])
  }
}
#endif
