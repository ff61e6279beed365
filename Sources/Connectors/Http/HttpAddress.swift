// Shared with the other connector that speaks HTTP, whose folder links to this file. A module sees the C module of its own
// connector; names of connectors would not do, for a build may define several of them for all of its modules.
#if canImport(CHttp) || canImport(CElasticsearch)
#if canImport(CHttp)
internal import CHttp
#else
internal import CElasticsearch
#endif
import PumpRuntime

/// The address of a server, as a setting gives it: scheme, host and port, and what all paths begin with.
struct HttpAddress: Sendable {
  let scheme: String
  /// As a URL writes it: an IPv6 address stands in brackets.
  let host: String
  let port: String
  /// Without a slash at its end.
  let path: String
  let query: String?
  private let hasUser: Bool

  var authority: String { "\(host):\(port)" }
  /// Who shares it may see the same credentials.
  var origin: String { "\(scheme)://\(authority)" }

  init?(_ text: String) {
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
  static func parse(_ text: String, _ setting: String, _ connection: Connection) throws(RunFailure) -> HttpAddress {
    guard let address = HttpAddress(text) else {
      let found = text.isEmpty || text.contains("@") ? "its value" : "`\(text)`"
      throw connection.failure("`\(setting)`: \(found) is no address; write it as `https://host:port`")
    }
    guard !address.hasUser else { throw connection.failure("`\(setting)` holds a user; set `user` and `password` instead") }
    guard address.query == nil else { throw connection.failure("`\(setting)` has a query; it ends with the path") }
    return address
  }

  /// Behind this address's own path: a path whose segments come from data. Nil where a segment would lead elsewhere.
  func url(_ path: Text) -> String? {
    var out = ByteBuffer(capacity: path.count + 64)
    defer { out.release() }
    out.text(origin)
    out.text(self.path)
    for segment in path.bytes.split(separator: UInt8(ascii: "/"), omittingEmptySubsequences: false).drop(while: \.isEmpty) {
      if segment.elementsEqual(".".utf8) || segment.elementsEqual("..".utf8) { return nil }
      out.byte(UInt8(ascii: "/"))
      for byte in segment { out.percentEncoded(byte, alsoPlain: "") }
    }
    return out.string
  }

  /// Behind this address's own path: a path and query that the spec's author wrote; only what no URL may hold is encoded.
  func url(written path: String) -> String {
    var out = ByteBuffer(capacity: path.utf8.count + 64)
    defer { out.release() }
    out.text(origin)
    out.text(self.path)
    if !path.hasPrefix("/"), !path.hasPrefix("?"), !path.isEmpty { out.byte(UInt8(ascii: "/")) }
    for byte in path.utf8 { out.percentEncoded(byte, alsoPlain: "/?&=%:@!$'()*+,;[]") }
    return out.string
  }
}

extension ByteBuffer {
  /// A byte of a URL: letters, digits and what is plain as they are.
  fileprivate mutating func percentEncoded(_ byte: UInt8, alsoPlain: StaticString) {
    switch byte {
    case 48...57, 65...90, 97...122, UInt8(ascii: "-"), UInt8(ascii: "."), UInt8(ascii: "_"), UInt8(ascii: "~"): self.byte(byte)
    default:
      if Text(alsoPlain).bytes.contains(byte) { return self.byte(byte) }
      self.byte(UInt8(ascii: "%"))
      for digit in [byte >> 4, byte & 15] { self.byte(digit < 10 ? 48 + digit : 55 + digit) }
    }
  }
}
#endif
