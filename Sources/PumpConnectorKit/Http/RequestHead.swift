/// The head of a request of HTTP/1.1 (RFC 9112), read strictly: what two servers could read in two ways is refused, so that a proxy
/// before this one and it never disagree where a request ends.
public struct RequestHead: Sendable {
  /// What follows the head.
  enum Framing: Equatable { case length(Int), chunked }

  public let method: String
  /// Without the query, its escapes resolved.
  public let path: String
  public let query: [(name: String, value: String)]
  /// Names in small letters, values without the blanks around them, in their order.
  public let headers: [(name: String, value: [UInt8])]
  let framing: Framing
  let keepsAlive: Bool
  let expectsContinue: Bool

  /// Why a head is refused; the connection is closed after it.
  struct Problem: Error {
    let status: String
    let text: String
    init(_ text: String, _ status: String = "400 Bad Request") { (self.text, self.status) = (text, status) }
  }

  /// The only value of a header; nil if there is none.
  public func header(_ name: String) -> String? {
    headers.last { $0.name == name }.map { String(decoding: $0.value, as: UTF8.self) }
  }

  /// What stands between the commas of a header, in small letters.
  public func tokens(_ name: String) -> [String] { RequestHead.tokens(headers, name) }

  /// The length that the head says, nil if the body comes in chunks.
  public var length: Int? { if case .length(let length) = framing { length } else { nil } }

  // MARK: Reading

  /// Where the head ends, after its empty line; nil if it has not come whole.
  static func end(of bytes: [UInt8], from start: Int) -> Int? {
    guard bytes.count >= start + 4 else { return nil }
    for i in start..<bytes.count - 3 where bytes[i] == 0x0D && bytes[i + 1] == 0x0A && bytes[i + 2] == 0x0D && bytes[i + 3] == 0x0A {
      return i + 4
    }
    return nil
  }

  /// Reads a head with its empty line.
  init(_ bytes: ArraySlice<UInt8>) throws(Problem) {
    var lines = try RequestHead.lines(bytes)
    guard !lines.isEmpty else { throw Problem("there is no request line") }
    let words = lines.removeFirst().split(separator: 0x20, omittingEmptySubsequences: false)
    guard words.count == 3, RequestHead.isToken(words[0]), !words[1].isEmpty, words[1].allSatisfy({ $0 > 0x20 && $0 != 0x7F }) else {
      throw Problem("the request line is not `METHOD /path HTTP/1.1`")
    }
    guard words[2].starts(with: "HTTP/1.".utf8), words[2].count == 8, let minor = words[2].last, (0x30...0x39).contains(minor) else {
      let isHTTP = words[2].starts(with: "HTTP/".utf8)
      throw isHTTP ? Problem("only HTTP/1.1 is spoken here", "505 HTTP Version Not Supported") : Problem("the request line has no version")
    }
    method = String(decoding: words[0], as: UTF8.self)
    (path, query) = RequestHead.target(words[1])
    headers = try lines.map { line throws(Problem) in try RequestHead.header(line) }
    let isOld = minor == 0x30
    framing = try RequestHead.framing(headers, isOld)
    guard headers.count(where: { $0.name == "host" }) == 1 || isOld else { throw Problem("HTTP/1.1 wants one Host") }
    let options = RequestHead.tokens(headers, "connection")
    keepsAlive = isOld ? options.contains("keep-alive") && !options.contains("close") : !options.contains("close")
    let expectations = RequestHead.tokens(headers, "expect")
    guard expectations.allSatisfy({ $0 == "100-continue" }) else {
      throw Problem("only 100-continue can be expected", "417 Expectation Failed")
    }
    expectsContinue = !expectations.isEmpty && !isOld
  }

  /// Lines without their ends, and without the empty ones around them.
  private static func lines(_ bytes: ArraySlice<UInt8>) throws(Problem) -> [ArraySlice<UInt8>] {
    var lines: [ArraySlice<UInt8>] = []
    var start = bytes.startIndex
    while let feed = bytes[start...].firstIndex(of: 0x0A) {
      guard feed > start, bytes[feed - 1] == 0x0D else { throw Problem("a line of the head ends without CR LF") }
      let line = bytes[start..<feed - 1]
      guard line.allSatisfy({ $0 >= 0x20 && $0 != 0x7F || $0 == 0x09 }) else { throw Problem("the head holds a control character") }
      if !line.isEmpty { lines.append(line) }
      start = feed + 1
    }
    return lines
  }

  private static func header(_ line: ArraySlice<UInt8>) throws(Problem) -> (name: String, value: [UInt8]) {
    guard let colon = line.firstIndex(of: UInt8(ascii: ":")), isToken(line[..<colon]) else {
      throw Problem("a header is not `Name: value`; it can have no blank before the colon, and goes on on no second line")
    }
    return (String(decoding: line[..<colon], as: UTF8.self).lowercased(), Array(trimmed(line[(colon + 1)...])))
  }

  private static func trimmed(_ bytes: ArraySlice<UInt8>) -> ArraySlice<UInt8> {
    let start = bytes.firstIndex { $0 != 0x20 && $0 != 0x09 } ?? bytes.endIndex
    let end = bytes.lastIndex { $0 != 0x20 && $0 != 0x09 }.map { $0 + 1 } ?? start
    return bytes[start..<end]
  }

  private static func isToken(_ bytes: ArraySlice<UInt8>) -> Bool {
    !bytes.isEmpty && bytes.allSatisfy { $0 > 0x20 && $0 < 0x7F && !"()<>@,;:\\\"/[]?={}".utf8.contains($0) }
  }

  /// What stands between the commas of a header, in small letters.
  static func tokens(_ headers: [(name: String, value: [UInt8])], _ name: String) -> [String] {
    headers.filter { $0.name == name }.flatMap { $0.value.split(separator: UInt8(ascii: ",")) }.map {
      String(decoding: trimmed($0), as: UTF8.self).lowercased()
    }
  }

  /// By RFC 9112, 6.3. What says the length twice is refused, also where both agree.
  private static func framing(_ headers: [(name: String, value: [UInt8])], _ isOld: Bool) throws(Problem) -> Framing {
    let lengths = headers.filter { $0.name == "content-length" }.map(\.value)
    guard headers.contains(where: { $0.name == "transfer-encoding" }) else {
      guard let length = lengths.first else { return .length(0) }
      guard lengths.count == 1, !length.isEmpty, length.allSatisfy({ (0x30...0x39).contains($0) }) else {
        throw Problem("Content-Length is no number, or comes twice")
      }
      guard let number = Int(String(decoding: length, as: UTF8.self)) else {
        throw Problem("the body is too long", "413 Content Too Large")
      }
      return .length(number)
    }
    guard lengths.isEmpty else { throw Problem("Content-Length and Transfer-Encoding contradict each other") }
    guard !isOld else { throw Problem("HTTP/1.0 has no Transfer-Encoding") }
    let codings = tokens(headers, "transfer-encoding")
    guard codings.last == "chunked" else { throw Problem("the last Transfer-Encoding must be `chunked`") }
    guard codings.count == 1 else { throw Problem("only `chunked` is known as Transfer-Encoding", "501 Not Implemented") }
    return .chunked
  }

  // MARK: The target

  /// `/path?query`, or the same after `http://host`, as proxies are asked.
  private static func target(_ bytes: ArraySlice<UInt8>) -> (path: String, query: [(name: String, value: String)]) {
    var rest = bytes
    for scheme in ["http://", "https://"] where rest.starts(with: scheme.utf8) {
      rest = rest.dropFirst(scheme.utf8.count).drop { $0 != UInt8(ascii: "/") && $0 != UInt8(ascii: "?") }
    }
    let path = rest.prefix { $0 != UInt8(ascii: "?") }
    let pairs = rest.dropFirst(path.count + 1).split(separator: UInt8(ascii: "&")).map { pair in
      let name = pair.prefix { $0 != UInt8(ascii: "=") }
      return (unescaped(name, inQuery: true), unescaped(pair.dropFirst(name.count + 1), inQuery: true))
    }
    return (path.isEmpty ? "/" : unescaped(path, inQuery: false), pairs)
  }

  private static func unescaped(_ bytes: ArraySlice<UInt8>, inQuery: Bool) -> String {
    var out: [UInt8] = []
    var i = bytes.startIndex
    while i < bytes.endIndex {
      if bytes[i] == UInt8(ascii: "%"), i + 2 < bytes.endIndex, let high = hexValue(bytes[i + 1]), let low = hexValue(bytes[i + 2]) {
        out.append(high << 4 | low)
        i += 3
      } else {
        out.append(inQuery && bytes[i] == UInt8(ascii: "+") ? 0x20 : bytes[i])
        i += 1
      }
    }
    return String(decoding: out, as: UTF8.self)
  }
}
