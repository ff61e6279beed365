/// Strings: their escapes, what stands in them as `\( )`, and the indentation of those of several lines.
extension Parser {
  /// The string token here, escapes resolved and interpolations parsed.
  mutating func string() -> StringSyntax {
    let token = self.token
    let place = span
    let quotes = token.kind == .block ? 3 : 1
    advance()
    let inner =
      token.start + quotes..<max(token.start + quotes, token.end - (token.end - token.start > quotes ? quotes : 0))
    var parts: [StringSyntax.Part] = []
    var text: [UInt8] = []
    var position = inner.lowerBound
    if token.kind == .block, position < inner.upperBound, source.bytes[position] == 0x0A { position += 1 }
    while position < inner.upperBound {
      let byte = source.bytes[position]
      guard byte == UInt8(ascii: "\\"), position + 1 < inner.upperBound else {
        let end = source.bytes[(position + 1)..<inner.upperBound].firstIndex(of: UInt8(ascii: "\\")) ?? inner.upperBound
        text += source.bytes[position..<end]
        position = end
        continue
      }
      let escape = source.bytes[position + 1]
      if escape == UInt8(ascii: "(") {
        let end = interpolationEnd(from: position + 2, limit: inner.upperBound)
        if !text.isEmpty { parts.append(.text(String(decoding: text, as: UTF8.self))) }
        text = []
        parts.append(.expression(interpolation(position + 2..<end)))
        position = min(end + 1, inner.upperBound)
      } else {
        position = unescape(position, inner.upperBound, into: &text)
      }
    }
    if !text.isEmpty { parts.append(.text(String(decoding: text, as: UTF8.self))) }
    if token.kind == .block { parts = dedented(parts) }
    return StringSyntax(parts: parts, span: place)
  }

  private func interpolationEnd(from start: Int, limit: Int) -> Int {
    var lexer = Lexer(source: source, range: start - 2..<limit)
    lexer.skipStringPart()
    return max(start, lexer.position - 1)
  }

  private mutating func interpolation(_ range: Range<Int>) -> ExprSyntax {
    let lexed = Lexer.lex(source, range)
    var inner = Parser(source: source, lexed)
    inner.depth = depth + 1
    inner.newlinesCount = false
    let expression =
      depth < Self.depthLimit
      ? inner.expression() : ExprSyntax(kind: .erroneous, span: Span(source, range))
    if !inner.at(.end) { inner.unexpected("`)` after the expression") }
    diagnostics += lexed.diagnostics + inner.diagnostics
    return expression
  }

  private mutating func unescape(_ position: Int, _ limit: Int, into text: inout [UInt8]) -> Int {
    switch source.bytes[position + 1] {
    case UInt8(ascii: "n"): text.append(0x0A)
    case UInt8(ascii: "t"): text.append(0x09)
    case UInt8(ascii: "r"): text.append(0x0D)
    case UInt8(ascii: "0"): text.append(0)
    case UInt8(ascii: "\\"): text.append(UInt8(ascii: "\\"))
    case UInt8(ascii: "\""): text.append(UInt8(ascii: "\""))
    case UInt8(ascii: "u") where position + 2 < limit && source.bytes[position + 2] == UInt8(ascii: "{"):
      var end = position + 3
      while end < limit, source.bytes[end] != UInt8(ascii: "}") { end += 1 }
      if let value = UInt32(source.text(position + 3..<end), radix: 16), let scalar = Unicode.Scalar(value), end < limit {
        text += Array(String(Character(scalar)).utf8)
      } else {
        report(
          .badEscape, Span(source, position..<min(end + 1, limit)), "this is no Unicode scalar",
          help: "write one to six hex digits, such as `\\u{1F600}`")
      }
      return end + 1
    default:
      report(
        .badEscape, Span(source, position..<position + 2), "`\(source.text(position..<position + 2))` is no escape",
        help: "escapes are \\n \\t \\r \\0 \\\\ \\\" \\u{…} and \\(expression); for a regular expression use r\"…\"")
    }
    return position + 2
  }

  /// A block string without the indentation that its lines share, and without its last line break.
  private func dedented(_ parts: [StringSyntax.Part]) -> [StringSyntax.Part] {
    var joined = ""
    for part in parts { if case .text(let text) = part { joined += text } else { joined += "\u{1}" } }
    let lines = joined.split(separator: "\n", omittingEmptySubsequences: false)
    let indents = lines.filter { !$0.isEmpty }.map { $0.prefix { $0 == " " }.count }
    let indent = indents.min() ?? 0
    let closing = lines.count > 1 && lines.last!.allSatisfy { $0 == " " }
    var result: [StringSyntax.Part] = []
    var atLineStart = true
    for (number, part) in parts.enumerated() {
      guard case .text(let text) = part else {
        result.append(part)
        atLineStart = false
        continue
      }
      var pieces = text.split(separator: "\n", omittingEmptySubsequences: false).map(String.init)
      for index in pieces.indices where index > 0 || atLineStart {
        pieces[index] = String(pieces[index].dropFirst(min(indent, pieces[index].prefix { $0 == " " }.count)))
      }
      if closing, number == parts.count - 1, pieces.count > 1 { pieces.removeLast() }
      atLineStart = false
      result.append(.text(pieces.joined(separator: "\n")))
    }
    return result
  }
}
