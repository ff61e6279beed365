/// The Common Event Format of ArcSight, version 25 of its description.
final class CEFFormat: RecordFormat {
  static let spec = FormatSpec(
    name: "cef",
    docs: #"""
      ArcSight's Common Event Format: `CEF:0|Example|Firewall|2.1|100|Port scan|7|src=203.0.113.9 spt=4242 msg=many ports`. What
      stands before `CEF:`, such as a header of syslog, is left out.

      In the header `\|` and `\\` are what they escape, in the extension `\=`, `\|`, `\\`, `\n` and `\r` as well. A value of the
      extension may hold blanks: it ends before the next key, which is letters, digits and `_ - . [ ]` between a blank and `=`.
      A value without text is null where the type has null, else the empty text. Of a key that stands twice the last counts.
      """#,
    decodes: .records, encodes: nil,
    names: .also(
      Part.fields,
      "A key of the extension, such as `src: String?`, or `port: Int? as \"spt\"`. A Timestamp is read from milliseconds since 1970, RFC 3339, or `Oct 11 2025 22:14:15`."
    ),
    options: [.init("zone", .text, "The time zone of times that have none, such as `Europe/Prague`.", value: "UTC", for: .decode)],
    example:
      #"source file.lines("events.cef") |> decode cef as { name: String, severity: String, src: String?, port: Int? as "spt", extension: Json }"#,
    instead: #"write the line with `map "CEF:0|…"` and `encode text`"#)

  enum Part: Int, KnownPart {
    case version, deviceVendor, deviceProduct, deviceVersion, eventClass, name, severity, `extension`

    var field: FormatSpec.KnownField {
      switch self {
      case .version: .init("version", .int, "Of CEF.")
      case .deviceVendor: .init("device_vendor", .string, "Who made the device.")
      case .deviceProduct: .init("device_product", .string, "What it is.")
      case .deviceVersion: .init("device_version", .string, "Its version.")
      case .eventClass: .init("event_class", .string, "Its id for this kind of event: Device Event Class ID, or Signature ID.")
      case .name: .init("name", .string, "What happened.")
      case .severity: .init("severity", .string, "0 to 10, or `Low`, `Medium`, `High`, `Very-High`, `Unknown`.")
      case .extension: .init("extension", .json, "All keys of the extension, an object of texts.")
      }
    }
  }

  private static let headerEscapes = Escapes(["||", "\\\\"])
  private static let escapes = Escapes(["==", "||", "\\\\", "n\n", "r\r"])
  private let memory = Arena(chunkSize: 256)
  private let zone: Text
  private let names: FieldNames
  private var found: PartTexts<Part>
  /// Of the fields that are keys of the extension.
  private var values: [Text?]

  init(_ shape: Shape, _ options: FormatOptions) {
    zone = memory.copy(options.text("zone", "UTC"))
    names = FieldNames(shape)
    found = PartTexts(shape)
    values = Array(repeating: nil, count: names.count)
  }

  func read(_ text: Text, into column: Column, _ row: Int, _ c: Context) -> String? {
    found.clear()
    for index in values.indices { values[index] = nil }
    guard var line = start(text) else { return "there is no `CEF:` in \(Shape.excerpt(text, quoted: true))" }
    for part in Part.allCases where part != .extension {
      let value = headerPart(&line)
      guard part == .severity || line.take(UInt8(ascii: "|")) else {
        return "the header has \(part.rawValue + 1) of 7 parts: \(Shape.excerpt(text, quoted: true))"
      }
      found[part] = Self.headerEscapes.text(value, c)
    }
    if line.take(UInt8(ascii: "|")) {
      if let problem = pairs(line, column, c) { return problem }
    } else if found.place(of: .extension) != nil {
      found[.extension] = Text("{}")
    }
    return Fields.fill(column, row, c) { found.isPart($0) ? found.text($0) : values[$0] }
  }

  /// Behind the first `CEF:` that begins a word.
  private func start(_ text: Text) -> LogCursor? {
    var line = LogCursor(text)
    while line.i + 4 <= text.count {
      if text.slice(line.i, 4) == Text("CEF:") {
        line.i += 4
        return line
      }
      while line.i < text.count, text[line.i] != 0x20 { line.i += 1 }
      line.i += 1
    }
    return nil
  }

  /// Up to the next bar without a backslash.
  private func headerPart(_ line: inout LogCursor) -> Text {
    let start = line.i
    while !line.isAtEnd, !line.at(UInt8(ascii: "|")) { line.i += line.at(Escapes.backslash) ? 2 : 1 }
    line.i = min(line.i, line.text.count)
    return line.text.slice(start, line.i - start)
  }

  private func isKey(_ byte: UInt8) -> Bool {
    byte | 0x20 >= 97 && byte | 0x20 <= 122 || byte &- 48 < 10 || "_-.[]".utf8.contains(byte)
  }

  /// Reads the extension. A value goes on up to the next key, so each is known when the next one comes.
  private func pairs(_ line: LogCursor, _ column: Column, _ c: Context) -> String? {
    let text = line.rest
    var all: [(key: Text, value: Text)] = []
    var places = KeyPlaces()
    let wantsAll = found.place(of: .extension) != nil
    var key: Text?
    var (start, word, isWord) = (0, 0, true)
    var problem: String?
    func end(_ place: Int) {
      var value = text.slice(start, place - start)
      while !value.isEmpty, value[value.count - 1] == 0x20 { value = value.slice(0, value.count - 1) }
      guard let key else {
        if !value.isEmpty { problem = "the extension begins with no `key=`: \(Shape.excerpt(text, quoted: true))" }
        return
      }
      value = Self.escapes.text(value, c)
      if wantsAll {
        if let known = places.place(of: key, among: all.count, { all[$0].key }) {
          all[known].value = value
        } else {
          all.append((key, value))
        }
      }
      guard let index = names.index(of: key) else { return }
      let shape = column.children[index].shape
      values[index] = value.isEmpty && shape.isOptional ? nil : shape.kind == .timestamp ? time(value, c) : value
    }
    var i = 0
    while i < text.count {
      let byte = text[i]
      if byte == 0x20 {
        (word, isWord) = (i + 1, true)
      } else if byte == UInt8(ascii: "="), isWord, i > word {
        end(word)
        (key, start, isWord) = (text.slice(word, i - word), i + 1, false)
      } else if byte == Escapes.backslash {
        isWord = false
        i += 1
      } else if !isKey(byte) {
        isWord = false
      }
      i += 1
    }
    end(text.count)
    if wantsAll { found[.extension] = object(all, c) }
    return problem
  }

  private func object(_ pairs: [(key: Text, value: Text)], _ c: Context) -> Text {
    makeText(c.arena) { out in
      out.byte(UInt8(ascii: "{"))
      for (index, pair) in pairs.enumerated() {
        if index > 0 { out.byte(UInt8(ascii: ",")) }
        out.quoted(pair.key)
        out.byte(UInt8(ascii: ":"))
        out.quoted(pair.value)
      }
      out.byte(UInt8(ascii: "}"))
    }
  }

  /// A time in the form that `to_timestamp` reads; another text as it is, so that the field's failure shows it.
  private func time(_ text: Text, _ c: Context) -> Text {
    func written(_ time: Timestamp) -> Text { makeText(c.arena) { $0.timestamp(time) } }
    var line = LogCursor(text)
    if let millis = line.digits(18), line.isAtEnd { return (try? Fn.fromEpochMs(millis, c)).map(written) ?? text }
    line.i = 0
    guard let time = LogTime(&line) else { return text }
    guard line.isAtEnd else {
      // A zone stands behind it, by name.
      guard line.take(0x20), let instant = try? time.timestamp(line.rest, c) else { return text }
      return written(instant)
    }
    return (try? time.timestamp(zone, c)).map(written) ?? text
  }
}
