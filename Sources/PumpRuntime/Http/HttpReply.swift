import Glibc

/// What a server of HTTP answers.
public struct HttpReply: Sendable {
  /// Number and words, such as `404 Not Found`.
  public let status: String
  public let body: String
  public let type: String
  public let headers: [(name: String, value: String)]

  public init(_ status: String, _ body: String = "", type: String = "text/plain; charset=utf-8", headers: [(String, String)] = []) {
    (self.status, self.body, self.type, self.headers) = (status, body, type, headers.map { (name: $0.0, value: $0.1) })
  }

  /// The whole answer. A connection that is closed after it is said to be.
  func bytes(keepsAlive: Bool, onlyHead: Bool) -> [UInt8] {
    var head = "HTTP/1.1 \(status)\r\nDate: \(HttpReply.date())\r\nContent-Length: \(body.utf8.count)\r\n"
    if !body.isEmpty { head += "Content-Type: \(type)\r\n" }
    for header in headers { head += "\(header.name): \(header.value)\r\n" }
    head += keepsAlive ? "Connection: keep-alive\r\n\r\n" : "Connection: close\r\n\r\n"
    return Array(head.utf8) + (onlyHead ? [] : Array(body.utf8))
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
