#if canImport(CCurl)
internal import CCurl
import PumpConnectorKit

/// The address of a server, as a setting gives it: scheme, host and port, and what all paths begin with.
public struct HttpAddress: Sendable {
  public let scheme: String
  /// As a URL writes it: an IPv6 address stands in brackets.
  public let host: String
  public let port: String
  /// Without a slash at its end.
  public let path: String
  public let query: String?
  private let hasUser: Bool

  public var authority: String { "\(host):\(port)" }
  /// Who shares it may see the same credentials.
  public var origin: String { "\(scheme)://\(authority)" }

  public init?(_ text: String) {
    guard let url = curl_url() else { return nil }
    defer { curl_url_cleanup(url) }
    func part(_ what: CURLUPart, _ flags: UInt32 = 0) -> String? {
      var value: UnsafeMutablePointer<CChar>?
      guard curl_url_get(url, what, &value, flags) == CURLUE_OK, let value else { return nil }
      defer { curl_free(value) }
      return String(cString: value)
    }
    guard curl_url_set(url, CURLUPART_URL, text, UInt32(CURLU_NON_SUPPORT_SCHEME | CURLU_PATH_AS_IS)) == CURLUE_OK,
      let scheme = part(CURLUPART_SCHEME), scheme == "http" || scheme == "https", let host = part(CURLUPART_HOST), !host.isEmpty,
      let port = part(CURLUPART_PORT, UInt32(CURLU_DEFAULT_PORT))
    else { return nil }
    self.scheme = scheme
    self.host = host
    self.port = port
    var path = part(CURLUPART_PATH) ?? ""
    while path.hasSuffix("/") { path.removeLast() }
    self.path = path
    query = part(CURLUPART_QUERY) ?? part(CURLUPART_FRAGMENT)
    hasUser = part(CURLUPART_USER) != nil || part(CURLUPART_PASSWORD) != nil
  }

  /// The address that a setting holds, or why it holds none. What may hide a password is not repeated.
  public static func parse(_ text: String, _ setting: String, _ connection: Connection) throws(RunFailure) -> HttpAddress {
    guard let address = HttpAddress(text) else {
      let found = text.isEmpty || text.contains("@") ? "its value" : "`\(text)`"
      throw connection.failure("`\(setting)`: \(found) is no address; write it as `https://host:port`")
    }
    guard !address.hasUser else { throw connection.failure("`\(setting)` holds a user; set `user` and `password` instead") }
    guard address.query == nil else { throw connection.failure("`\(setting)` has a query; it ends with the path") }
    return address
  }

  /// Behind this address's own path: a path and query of which what data give is encoded. Nil if a segment would lead elsewhere.
  public func url(template path: String) -> String? {
    let segments = path.prefix { $0 != "?" }.split(separator: "/")
    // A server may resolve escapes before it follows the dots.
    let leads = segments.contains { [".", ".."].contains($0.lowercased().replacing("%2e", with: ".")) }
    return leads ? nil : url(written: path.hasPrefix("//") ? "/" + path.drop { $0 == "/" } : path)
  }

  /// Behind this address's own path: a path and query that the spec's author wrote; only what no URL may hold is encoded.
  public func url(written path: String) -> String {
    var out = ByteBuffer(capacity: path.utf8.count + 64)
    defer { out.release() }
    out.text(origin)
    out.text(self.path)
    if !path.hasPrefix("/"), !path.hasPrefix("?"), !path.isEmpty { out.byte(UInt8(ascii: "/")) }
    for byte in path.utf8 { out.percentEncoded(byte, alsoPlain: "/?&=%:@!$'()*+,;[]") }
    return out.string
  }
}
#endif
