/// Messages of syslog, of either of its two forms.
final class SyslogFormat: RecordFormat {
  static let spec = FormatSpec(
    name: "syslog",
    docs: #"""
      Messages of syslog, one an event: of RFC 5424 (`<34>1 2025-10-11T22:14:15.003Z web-1 su 77 ID47 - failed`) or of RFC 3164
      (`<34>Oct 11 22:14:15 web-1 su[77]: failed`). Which of them it is shows in each message, unless `standard` says so.

      Of RFC 5424, `-` is null. Structured data become an object of the elements by their names, each an object of its
      parameters as texts; a parameter that stands more than once is a list of texts.

      RFC 3164 says little that senders keep to. The priority may be missing, as in files; the time may have a year, a fraction
      of the second, or the form of RFC 3339; the host may be missing where a tag follows at once. Without a year a time is the
      latest that is not more than a day after now; without a zone it is local in `zone`. A tag is what stands before `:` and
      a blank, with `[…]` for the process. A message without such a time is all message, as the RFC has it: time, host, app and
      pid are null.
      """#,
    decodes: .records, encodes: nil, names: .only(Part.fields),
    options: [
      .init("standard", .oneOf(["auto", "rfc5424", "rfc3164"]), "What the messages follow.", value: "auto", for: .decode),
      .init("zone", .text, "The time zone of RFC 3164's times, such as `Europe/Prague`.", value: "UTC", for: .decode),
    ],
    example:
      #"source file.lines("messages") |> decode syslog as { time: Timestamp, host: String?, severity: String?, app: String?, message: String? }"#,
    instead: #"write the message with `map "…\(.x)…"` and `encode text`"#)

  enum Part: Int, KnownPart {
    case priority, facility, severity, time, host, app, pid, msgid, data, message

    var field: FormatSpec.KnownField {
      switch self {
      case .priority: .init("priority", .int, "Facility times 8 plus severity.")
      case .facility: .init("facility", .string, "`kern`, `user`, `mail`, …, `local7`; its number where the type has an Int.")
      case .severity: .init("severity", .string, "`emerg`, `alert`, `crit`, `err`, `warning`, `notice`, `info`, `debug`; or 0 to 7 as Int.")
      case .time: .init("time", .timestamp, "When it was said.")
      case .host: .init("host", .string, "Who sent it.")
      case .app: .init("app", .string, "The program: APP-NAME, or the tag of RFC 3164.")
      case .pid: .init("pid", .string, "The process: PROCID, or what stands in `[…]` after the tag.")
      case .msgid: .init("msgid", .string, "The kind of message; RFC 5424.")
      case .data: .init("data", .json, "Structured data; RFC 5424.")
      case .message: .init("message", .string, "The text.")
      }
    }
  }

  private static let facilities = [
    Text("kern"), Text("user"), Text("mail"), Text("daemon"), Text("auth"), Text("syslog"), Text("lpr"), Text("news"), Text("uucp"),
    Text("cron"), Text("authpriv"), Text("ftp"), Text("ntp"), Text("audit"), Text("alert"), Text("clock"), Text("local0"), Text("local1"),
    Text("local2"), Text("local3"), Text("local4"), Text("local5"), Text("local6"), Text("local7"),
  ]
  private static let severities = [
    Text("emerg"), Text("alert"), Text("crit"), Text("err"), Text("warning"), Text("notice"), Text("info"), Text("debug"),
  ]

  private let standard: String
  private let memory = Arena(chunkSize: 1024)
  private let zone: Text
  /// Whether the type has numbers for them.
  private let facilityIsNumber: Bool
  private let severityIsNumber: Bool
  private var found: PartTexts<Part>

  init(_ shape: Shape, _ options: FormatOptions) {
    standard = options.text("standard", "auto")
    zone = memory.copy(options.text("zone", "UTC"))
    let found = PartTexts<Part>(shape)
    func isNumber(_ part: Part) -> Bool {
      let kind = found.place(of: part).map { shape.fields[$0].shape.kind }
      return kind == .int || kind == .float || kind == .decimal || kind == .size
    }
    facilityIsNumber = isNumber(.facility)
    severityIsNumber = isNumber(.severity)
    self.found = found
  }

  func read(_ text: Text, into column: Column, _ row: Int, _ c: Context) -> String? {
    found.clear()
    var line = LogCursor(text)
    let hasPriority = priority(&line, c)
    // RFC 5424's version, and what its time begins with.
    let isNew =
      hasPriority && line.at(UInt8(ascii: "1")) && line.i + 2 < text.count && text[line.i + 1] == 0x20
      && (text[line.i + 2] == UInt8(ascii: "-") || text[line.i + 2] &- 48 < 10)
    let problem: String?
    if standard == "rfc5424" || standard == "auto" && isNew {
      guard hasPriority else { return line.expected("a priority from `<0>` to `<191>`") }
      problem = header(&line, c)
    } else {
      problem = legacy(&line, c)
    }
    return problem ?? found.fill(column, row, c)
  }

  private func priority(_ line: inout LogCursor, _ c: Context) -> Bool {
    var at = line
    guard at.take(UInt8(ascii: "<")) else { return false }
    let start = at.i
    guard let value = at.digits(3), value < 192 else { return false }
    let digits = at.text.slice(start, at.i - start)
    guard digits.count == 1 || digits[0] != UInt8(ascii: "0"), at.take(UInt8(ascii: ">")) else { return false }
    found[.priority] = digits
    found[.facility] = facilityIsNumber ? Fn.toString(value / 8, c) : Self.facilities[Int(value) / 8]
    found[.severity] = severityIsNumber ? Fn.toString(value % 8, c) : Self.severities[Int(value) % 8]
    line = at
    return true
  }

  // MARK: RFC 5424

  private func header(_ line: inout LogCursor, _ c: Context) -> String? {
    guard line.take(UInt8(ascii: "1")), line.take(0x20) else { return line.expected("version `1` and a blank") }
    for part in [Part.time, .host, .app, .pid, .msgid] {
      guard let word = line.word() else { return line.expected("the \(part.field.name), or `-`") }
      if word != Text("-") { found[part] = word }
    }
    if line.take(UInt8(ascii: "-")) {
      guard line.isAtEnd || line.at(0x20) else { return line.expected("a blank") }
    } else {
      guard line.at(UInt8(ascii: "[")) else { return line.expected("structured data, or `-`") }
      var data = StructuredData()
      if let problem = data.read(&line) { return problem }
      if found.place(of: .data) != nil { found[.data] = data.json(c) }
    }
    if line.take(0x20) { found[.message] = line.rest.unmarked }
    return nil
  }

  // MARK: RFC 3164

  private func legacy(_ line: inout LogCursor, _ c: Context) -> String? {
    let start = line
    if let time = LogTime(&line) {
      do throws(EventFailure) {
        let instant = try time.timestamp(zone, c)
        found[.time] = makeText(c.arena) { $0.timestamp(instant) }
      } catch { return error.message }
    } else {
      let word = line.upTo { $0 == 0x20 }
      if Calendar.timestamp(word) != nil { found[.time] = word }
    }
    guard found[.time] != nil, line.isAtEnd || line.take(0x20) else {
      found[.time] = nil
      found[.message] = start.rest
      return nil
    }
    while line.take(0x20) {}
    if !tag(&line) {
      found[.host] = line.word()
      _ = tag(&line)
    }
    found[.message] = line.rest
    return nil
  }

  /// `su: ` or `su[77]: `; where it is none, nothing is read.
  private func tag(_ line: inout LogCursor) -> Bool {
    var at = line
    let name = at.upTo { $0 == 0x20 || $0 == UInt8(ascii: ":") || $0 == UInt8(ascii: "[") }
    var pid: Text?
    if at.take(UInt8(ascii: "[")) {
      pid = at.upTo { $0 == 0x20 || $0 == UInt8(ascii: "]") }
      guard at.take(UInt8(ascii: "]")) else { return false }
    }
    guard !name.isEmpty, at.take(UInt8(ascii: ":")) || pid != nil, at.isAtEnd || at.take(0x20) else { return false }
    found[.app] = name
    found[.pid] = pid
    line = at
    return true
  }
}
