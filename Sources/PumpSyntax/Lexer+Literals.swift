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
    report(
      .badLiteral, start..<position, "`\(unit)` is no unit of a number",
      help: "durations end in us, ms, s, m, h or d; sizes in B, KB, MB, GB, KiB, MiB or GiB")
    return kind
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

  mutating func rawString() -> TokenKind {
    let start = position
    position += 2
    while position < limit, byte() != 0x0A {
      position += 1
      if source.bytes[position - 1] == UInt8(ascii: "\"") { return .raw }
    }
    report(.unterminated, start..<position, "this string has no end", help: "close it with `\"` on the same line")
    return .raw
  }

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
