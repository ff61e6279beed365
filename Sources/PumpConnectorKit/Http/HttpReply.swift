import Glibc

/// What a server of HTTP answers.
public struct HttpReply: Sendable {
  /// Number and words, such as `404 Not Found`.
  public let status: String
  public let body: [UInt8]
  public let type: String
  public let headers: [(name: String, value: String)]

  public init(_ status: String, _ body: String = "", type: String = "text/plain; charset=utf-8", headers: [(String, String)] = []) {
    (self.status, self.body, self.type, self.headers) = (status, Array(body.utf8), type, headers.map { (name: $0.0, value: $0.1) })
  }

  /// With the words that RFC 9110 has for common numbers; others need none.
  public init(status: Int, body: [UInt8], type: String) {
    let words = [
      200: "OK", 201: "Created", 202: "Accepted", 204: "No Content", 400: "Bad Request", 404: "Not Found", 409: "Conflict",
      413: "Content Too Large", 422: "Unprocessable Content", 500: "Internal Server Error", 502: "Bad Gateway",
    ]
    (self.status, self.body, self.type, headers) = ("\(status) \(words[status] ?? "")", body, type, [])
  }

  /// The whole answer, with headers that stand in every answer to its sender. A connection that is closed after it is said to be.
  func bytes(keepsAlive: Bool, onlyHead: Bool, headers more: [(name: String, value: String)] = []) -> [UInt8] {
    // RFC 9110, 8.6: these have neither a body nor its length.
    let hasBody = !status.hasPrefix("204") && !status.hasPrefix("304")
    var head = "HTTP/1.1 \(status)\r\nDate: \(HttpReply.date())\r\n"
    if hasBody { head += "Content-Length: \(body.count)\r\n" }
    if hasBody, !body.isEmpty { head += "Content-Type: \(type)\r\n" }
    for header in headers + more { head += "\(header.name): \(header.value)\r\n" }
    head += keepsAlive ? "Connection: keep-alive\r\n\r\n" : "Connection: close\r\n\r\n"
    return Array(head.utf8) + (onlyHead || !hasBody ? [] : body)
  }

  /// `Sun, 06 Nov 1994 08:49:37 GMT`, as RFC 9110 wants it.
  private static func date() -> String {
    var now = time(nil)
    var parts = tm()
    gmtime_r(&now, &parts)
    var text = [CChar](repeating: 0, count: 40)
    // A program sets no locale, so that names are English.
    let count = strftime(&text, text.count, "%a, %d %b %Y %H:%M:%S GMT", &parts)
    return String(decoding: text[..<count].map { UInt8(bitPattern: $0) }, as: UTF8.self)
  }
}
