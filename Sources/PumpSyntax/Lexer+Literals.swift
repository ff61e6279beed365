extension Lexer {
  static let durationUnits: Set<String> = ["us", "ms", "s", "m", "h", "d"]
  static let sizeUnits: Set<String> = ["B", "KB", "MB", "GB", "TB", "KiB", "MiB", "GiB", "TiB"]

  func isDigit(_ ahead: Int) -> Bool { byte(ahead) >= 0x30 && byte(ahead) <= 0x39 }

  mutating func number() -> TokenKind {
    let start = position
    if let kind = date() { return kind }
    while isDigit(0) || (byte() == UInt8(ascii: "_") && isDigit(1)) { position += 1 }
    var kind = TokenKind.integer
    if byte() == UInt8(ascii: "."), isDigit(1) {
      kind = .fraction
      position += 1
      while isDigit(0) || (byte() == UInt8(ascii: "_") && isDigit(1)) { position += 1 }
    }
    if byte() | 0x20 == UInt8(ascii: "e"),
      isDigit(1) || ((byte(1) == UInt8(ascii: "+") || byte(1) == UInt8(ascii: "-")) && isDigit(2))
    {
      kind = .fraction
      position += 2
      while isDigit(0) { position += 1 }
    }
    guard isWord(byte()) else { return kind }
    let suffix = position
    while isWord(byte()) { position += 1 }
    let unit = source.text(suffix..<position)
    if Self.durationUnits.contains(unit) { return .duration }
    if Self.sizeUnits.contains(unit) { return .size }
    let place = suffix..<position
    if let known = ForeignWords.units[unit] ?? ForeignWords.units[unit.lowercased()] {
      let fix = Fix("write `\(known)`", .certain, [Edit(Span(source, place), known)])
      report(
        .badLiteral, start..<position, "`\(unit)` is no unit of a number", help: "write `\(source.text(start..<suffix))\(known)`", fix: fix)
    } else {
      report(
        .badLiteral, start..<position, "`\(unit)` is no unit of a number",
        help: "durations end in us, ms, s, m, h or d; sizes in B, KB, MB, GB, KiB, MiB or GiB")
    }
    return .unknown
  }

  /// `2026-01-01`, or with a time and a zone; nil if the digits are a plain number.
  mutating func date() -> TokenKind? {
    func digits(_ from: Int, _ count: Int) -> Bool { (from..<from + count).allSatisfy { isDigit($0) } }
    let dash = UInt8(ascii: "-")
    guard digits(0, 4), byte(4) == dash, digits(5, 2), byte(7) == dash, digits(8, 2), !isDigit(10) else { return nil }
    let start = position
    position += 10
    guard byte() == UInt8(ascii: "T"), isDigit(1) else { return .date }
    position += 1
    while isDigit(0) || byte() == UInt8(ascii: ":") || byte() == UInt8(ascii: ".") { position += 1 }
    if byte() == UInt8(ascii: "Z") {
      position += 1
    } else if byte() == UInt8(ascii: "+") || byte() == dash, isDigit(1) {
      position += 1
      while isDigit(0) || byte() == UInt8(ascii: ":") { position += 1 }
    } else {
      report(
        .badLiteral, start..<position, "this timestamp has no zone", help: "end it with `Z` for UTC, or with an offset such as `+02:00`")
    }
    return .timestamp
  }

  mutating func string() -> TokenKind {
    let start = position
    position += 1
    while position < limit, byte() != 0x0A {
      if byte() == UInt8(ascii: "\"") {
        position += 1
        return .string
      }
      skipStringPart()
    }
    report(
      .unterminated, start..<position, "this string has no end",
      help: "close it with `\"` on the same line, or use `\"\"\"` for several lines")
    return .string
  }

  mutating func blockString() -> TokenKind {
    let start = position
    position += 3
    let quote = UInt8(ascii: "\"")
    while position < limit {
      if byte() == quote, byte(1) == quote, byte(2) == quote {
        position += 3
        return .block
      }
      skipStringPart()
    }
    position = limit
    report(.unterminated, start..<min(start + 3, limit), "this string has no end", help: "close it with `\"\"\"`")
    return .block
  }

  /// `r"…"`, or `r#"…"#`, which may hold quotes.
  mutating func rawString(hashes: Int) -> TokenKind {
    let start = position
    let (quote, hash) = (UInt8(ascii: "\""), UInt8(ascii: "#"))
    position += 2 + hashes
    while position < limit, byte() != 0x0A {
      position += 1
      guard byte(-1) == quote, hashes == 0 || byte() == hash else { continue }
      position += hashes
      if hashes == 0 { refuseQuotes(start) }
      return .raw
    }
    report(.unterminated, start..<position, "this string has no end", help: "close it with `\"\(hashes == 0 ? "" : "#")` on the same line")
    return .raw
  }

  /// A raw string that goes on after its first quote, as `r"\"x"` and `r"""x"""` do, is one mistake: all of it is passed over.
  private mutating func refuseQuotes(_ start: Int) {
    let quote = UInt8(ascii: "\"")
    guard byte() == quote || (byte(-2) == UInt8(ascii: "\\") && !Self.endsValue.contains(byte())) else { return }
    let place = byte() == quote ? position : position - 2
    var end = position
    var last = position
    while end < limit, source.bytes[end] != 0x0A {
      end += 1
      if source.bytes[end - 1] == quote { last = end }
    }
    position = last
    report(
      .unterminated, place..<min(place + 2, limit), "a raw string ends at its first quote",
      help:
        "write `r#\"…\"#`, which may hold quotes: `r#\"\(source.text(start + 2..<max(start + 2, last - 1)).replacing("\\\"", with: "\""))\"#`"
    )
  }

  /// What may follow a value: white space, the end, a comma, closing brackets.
  private static let endsValue: Set<UInt8> = Set([0, 0x20, 0x09, 0x0A, 0x0D] + Array(",)]}".utf8))

  /// One character, escape or interpolation inside a string.
  mutating func skipStringPart() {
    guard byte() == UInt8(ascii: "\\") else {
      position += 1
      return
    }
    position = min(position + 2, limit)
    guard position <= limit, position >= 1, source.bytes[position - 1] == UInt8(ascii: "(") else { return }
    var depth = 1
    while position < limit, depth > 0, byte() != 0x0A {
      switch byte() {
      case UInt8(ascii: "("): depth += 1
      case UInt8(ascii: ")"): depth -= 1
      case UInt8(ascii: "\""):
        skipNestedString()
        continue
      default: break
      }
      position += 1
    }
  }

  /// A plain string inside `\( )`: its quotes do not end the outer one.
  private mutating func skipNestedString() {
    position += 1
    while position < limit, byte() != 0x0A, byte() != UInt8(ascii: "\"") {
      position += byte() == UInt8(ascii: "\\") ? 2 : 1
    }
    position = min(position + 1, limit)
  }
}
