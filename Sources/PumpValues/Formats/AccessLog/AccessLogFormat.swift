/// Lines of web servers: the common log format of the NCSA's server, and the combined one of Apache and nginx.
final class AccessLogFormat: RecordFormat {
  static let spec = FormatSpec(
    name: "access_log",
    docs: #"""
      Lines of web servers, in the common or the combined log format, as Apache and nginx write them by default:
      `203.0.113.9 - ada [10/Oct/2025:13:55:36 +0200] "GET /a?b=1 HTTP/1.1" 200 2326 "https://example.org/" "curl/8.5"`.
      Behind the agent there may be one more text in quotes, as in the format `main` of nginx; what follows then is left out.

      `-` is null. In quotes `\"`, `\\`, `\n`, `\t`, `\x1B` and their like are what the server escaped. A request that is no
      method, path and protocol, such as one that a scanner sent, has null in these three; its text is `request`. So a type with
      `method: String` fails on it, and one with `method: String?` takes it.
      """#,
    decodes: .records, encodes: nil, names: .only(Part.fields),
    example:
      #"source file.lines("access.log") |> decode access_log as { client: String, time: Timestamp, path: String?, status: Int, bytes: Int? }"#,
    instead: #"write the line with `map "…\(.x)…"` and `encode text`"#)

  enum Part: Int, KnownPart {
    case client, identity, user, time, request, method, path, `protocol`, status, bytes, referer, agent, forwarded

    var field: FormatSpec.KnownField {
      switch self {
      case .client: .init("client", .string, "Address or name of the client.")
      case .identity: .init("identity", .string, "What the client's identd says; nearly always null.")
      case .user: .init("user", .string, "The user who signed in.")
      case .time: .init("time", .timestamp, "When the request came.")
      case .request: .init("request", .string, "The request line, whole.")
      case .method: .init("method", .string, "Such as GET.")
      case .path: .init("path", .string, "The request's target, with its query.")
      case .protocol: .init("protocol", .string, "Such as HTTP/1.1; null for HTTP/0.9, which has none.")
      case .status: .init("status", .int, "The status of the response.")
      case .bytes: .init("bytes", .int, "Bytes of the response's body; `-` is null.")
      case .referer: .init("referer", .string, "The page that led here; combined format.")
      case .agent: .init("agent", .string, "The client's program; combined format.")
      case .forwarded: .init("forwarded", .string, "Behind the agent: with nginx's `main`, addresses from X-Forwarded-For.")
      }
    }
  }

  /// As Apache's `ap_escape_logitem` and nginx write them.
  private static let escapes = Escapes(["\"\"", "\\\\", "b\u{8}", "n\n", "r\r", "t\t", "v\u{B}", "f\u{C}"], hex: true)
  private var found: PartTexts<Part>

  init(_ shape: Shape, _ options: FormatOptions) { found = PartTexts(shape) }

  func read(_ text: Text, into column: Column, _ row: Int, _ c: Context) -> String? {
    found.clear()
    var line = LogCursor(text)
    guard let client = line.word() else { return line.expected("the client") }
    guard let identity = line.word() else { return line.expected("the client's identity, or `-`") }
    // A user's name may hold blanks.
    let start = line.i
    while line.i < text.count, !line.at(UInt8(ascii: "[")) || text[line.i - 1] != 0x20 { line.i += 1 }
    guard line.i - start > 1, line.take(UInt8(ascii: "[")) else {
      line.i = start
      return line.expected("the user, or `-`, and the time in `[…]`")
    }
    let user = text.slice(start, line.i - start - 2)
    if user.count > 1, user.slice(0, 2) == Text("- ") {
      return "there are more than client, identity and user before the time: \(Shape.excerpt(text, quoted: true))"
    }
    if let problem = time(&line, c) { return problem }
    guard let request = line.quoted(), line.take(0x20) else { return line.expected("the request in quotes, and a blank") }
    guard var status = line.word() else { return line.expected("the status") }
    // nginx writes 000 where it had none.
    while status.count > 1, status[0] == UInt8(ascii: "0") { status = status.slice(1, status.count - 1) }
    guard let bytes = line.word() else { return line.expected("the number of bytes, or `-`") }
    found[.client] = value(client)
    found[.identity] = value(identity)
    found[.user] = value(user)
    self.request(value(request).map { Self.escapes.text($0, c) })
    found[.status] = value(status)
    found[.bytes] = value(bytes)
    for part in [Part.referer, .agent, .forwarded] where line.at(UInt8(ascii: "\"")) {
      guard let quoted = line.quoted() else { return "the \(part.field.name) has no closing quote" }
      found[part] = value(quoted).map { Self.escapes.text($0, c) }
      _ = line.take(0x20)
    }
    return found.fill(column, row, c)
  }

  private func value(_ text: Text) -> Text? { text == Text("-") ? nil : text }

  private func time(_ line: inout LogCursor, _ c: Context) -> String? {
    let written = line.upTo { $0 == UInt8(ascii: "]") }
    guard line.take(UInt8(ascii: "]")), line.take(0x20) else { return line.expected("`]` and a blank") }
    do throws(EventFailure) {
      let time = try Fn.parseTime(written, Text("%d/%b/%Y:%H:%M:%S %z"), Text("UTC"), c)
      found[.time] = makeText(c.arena) { $0.timestamp(time) }
    } catch {
      return "the time \(Shape.excerpt(written, quoted: true)) is none such as 10/Oct/2025:13:55:36 +0200"
    }
    return nil
  }

  /// Method, path and protocol. A path that holds blanks is not encoded as it should be, but clear.
  private func request(_ line: Text?) {
    found[.request] = line
    guard let line else { return }
    var cursor = LogCursor(line)
    guard let method = cursor.word(), method.bytes.allSatisfy({ $0 | 0x20 >= 97 && $0 | 0x20 <= 122 || $0 == 45 || $0 == 95 }) else {
      return
    }
    var path = cursor.rest
    var version: Text?
    if let blank = path.bytes.lastIndex(of: 0x20) {
      version = path.slice(blank + 1, path.count - blank - 1)
      guard version!.count > 5, version!.slice(0, 5) == Text("HTTP/") else { return }
      path = path.slice(0, blank)
    }
    guard !path.isEmpty else { return }
    found[.method] = method
    found[.path] = path
    found[.protocol] = version
  }
}
