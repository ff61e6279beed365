/// Turns bytes into tokens. Every byte belongs to a token, a comment or white space, so nothing is lost; bad input
/// becomes an `.unknown` token and a diagnostic, and lexing goes on.
public struct Lexer {
  public struct Output: Sendable {
    public var tokens: [Token] = []
    public var comments: [Comment] = []
    /// The `///` lines just above a token, without their slashes, by where the token starts.
    public var docs: [Int: String] = [:]
    public var diagnostics: [Diagnostic] = []
  }

  let source: SourceText
  let limit: Int
  var position: Int
  var output = Output()
  var newline = true
  var docs: [String] = []
  /// Line breaks since the last token or comment.
  private var breaks = 0

  /// Lexes a range of the file: all of it, or the inside of a `\( )` in a string.
  public static func lex(_ source: SourceText, _ range: Range<Int>? = nil) -> Output {
    var lexer = Lexer(source: source, range: range ?? 0..<source.bytes.count)
    lexer.run()
    return lexer.output
  }

  init(source: SourceText, range: Range<Int>) {
    self.source = source
    limit = range.upperBound
    position = range.lowerBound
    if position == 0, source.bytes.starts(with: [0xEF, 0xBB, 0xBF]) { position = 3 }
  }

  func byte(_ ahead: Int = 0) -> UInt8 {
    let index = position + ahead
    return index < limit ? source.bytes[index] : 0
  }

  mutating func report(_ code: DiagnosticCode, _ range: Range<Int>, _ message: String, help: String? = nil, fix: Fix? = nil) {
    output.diagnostics.append(Diagnostic(code, at: Span(source, range), message, help: help, fix: fix))
  }

  mutating func run() {
    output.tokens.reserveCapacity((limit - position) / 6 + 2)
    while skipSpace() {
      let start = position
      let kind = scan()
      output.tokens.append(Token(start: start, end: position, kind: kind, afterNewline: newline))
      newline = false
      breaks = 0
      if docs.isEmpty { continue }
      output.docs[start] = docs.joined(separator: "\n")
      docs = []
    }
    output.tokens.append(Token(start: limit, end: limit, kind: .end, afterNewline: true))
  }

  /// Skips white space and comments; false at the end.
  mutating func skipSpace() -> Bool {
    while position < limit {
      switch byte() {
      case 0x20, 0x09, 0x0D: position += 1
      case 0x0A:
        position += 1
        newline = true
        breaks += 1
        // What documents stands just above.
        if breaks > 1 { docs = [] }
      case UInt8(ascii: "/") where byte(1) == UInt8(ascii: "/"): lineComment()
      case UInt8(ascii: "/") where byte(1) == UInt8(ascii: "*"): blockComment()
      case UInt8(ascii: "#"): foreignComment(1)
      case UInt8(ascii: "-") where byte(1) == UInt8(ascii: "-") && (newline || byte(2) == 0x20): foreignComment(2)
      default: return true
      }
    }
    return false
  }

  mutating func lineComment() {
    let start = position
    breaks = 0
    while position < limit, byte() != 0x0A { position += 1 }
    var end = position
    if end > start, source.bytes[end - 1] == 0x0D { end -= 1 }
    output.comments.append(Comment(start: start, end: end))
    let slashes = source.bytes[start..<end].prefix { $0 == UInt8(ascii: "/") }.count
    if slashes == 3 {
      let body = start + 3
      docs.append(source.text((body < end && source.bytes[body] == UInt8(ascii: " ") ? body + 1 : body)..<end))
    } else if !docs.isEmpty {
      docs = []
    }
  }

  /// A comment of another language is passed over as one.
  private mutating func foreignComment(_ length: Int) {
    let mark = position..<position + length
    report(
      .unknownSign, mark, "`\(source.text(mark))` begins no comment", help: "comments begin with `//`",
      fix: Fix("write `//`", .certain, [Edit(Span(source, mark), "//")]))
    while position < limit, byte() != 0x0A { position += 1 }
  }

  mutating func blockComment() {
    let start = position
    breaks = 0
    var depth = 0
    repeat {
      if byte() == UInt8(ascii: "/"), byte(1) == UInt8(ascii: "*") {
        depth += 1
        position += 2
      } else if byte() == UInt8(ascii: "*"), byte(1) == UInt8(ascii: "/") {
        depth -= 1
        position += 2
      } else {
        if byte() == 0x0A { newline = true }
        position += 1
      }
    } while depth > 0 && position < limit
    position = min(position, limit)
    if depth > 0 {
      report(
        .unterminated, start..<min(start + 2, limit), "this comment has no end", help: "close it with `*/`; comments nest")
    }
    output.comments.append(Comment(start: start, end: position))
  }

  mutating func scan() -> TokenKind {
    let first = byte()
    switch first {
    case UInt8(ascii: "r") where byte(1) == UInt8(ascii: "\""): return rawString(hashes: 0)
    case UInt8(ascii: "r") where byte(1) == UInt8(ascii: "#") && byte(2) == UInt8(ascii: "\""): return rawString(hashes: 1)
    case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"), UInt8(ascii: "_"):
      let start = position
      while isWord(byte()) { position += 1 }
      guard position == start + 1, byte() == UInt8(ascii: "'") else { return .identifier }
      _ = foreign()
      report(
        .unknownSign, start..<position, "`\(source.text(start..<start + 1))'…'` has no meaning here",
        help: "texts stand in double quotes, and values in them as `\\(.name)`")
      return .unknown
    case UInt8(ascii: "0")...UInt8(ascii: "9"): return number()
    case UInt8(ascii: "\""):
      if byte(1) == first, byte(2) == first { return blockString() }
      return string()
    default: return sign()
    }
  }

  func isWord(_ byte: UInt8) -> Bool {
    switch byte {
    case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"), UInt8(ascii: "_"),
      UInt8(ascii: "0")...UInt8(ascii: "9"):
      true
    default: false
    }
  }

  static let signs: [TokenKind] = [
    .spread, .arrow, .returns, .pipe, .optionalDot, .coalesce, .equalEqual, .notEqual, .lessEqual, .greaterEqual,
    .leftBrace, .rightBrace, .leftParen, .rightParen, .leftBracket, .rightBracket, .comma, .colon, .equal, .at, .dot,
    .question, .less, .greater, .plus, .minus, .star, .slash, .percent,
  ]
  /// By their first byte, the longest first.
  static let signsByFirst = signs.reduce(into: [[(TokenKind, [UInt8])]](repeating: [], count: 256)) { table, kind in
    let bytes = Array(kind.rawValue.utf8)
    table[Int(bytes[0])].append((kind, bytes))
  }

  mutating func sign() -> TokenKind {
    for (kind, text) in Self.signsByFirst[Int(byte())]
    where (text.count < 2 || text[1] == byte(1)) && (text.count < 3 || text[2] == byte(2)) {
      position += text.count
      return kind
    }
    let start = position
    if byte() == UInt8(ascii: ";") { return semicolon() }
    if byte() == UInt8(ascii: "|"), byte(1) != UInt8(ascii: "|") {
      position += 1
      report(
        .unknownSign, start..<position, "`|` has no meaning here",
        help: newline ? "steps begin with `|>`" : "steps begin with `|>`; a function is called as `x.f()`",
        fix: Fix("write `|>`", newline ? .certain : .maybe, [Edit(Span(source, start..<position), "|>")]))
      return .pipe
    }
    if let (help, word) = foreign() {
      let place = start..<position
      report(
        .unknownSign, place, "\(describe(place)) has no meaning here", help: help,
        fix: word.map { word in
          let touches = position < limit && byte() != 0x20
          // In SQL it joins texts.
          return Fix("write `\(word)`", word == "or" ? .maybe : .certain, [Edit(Span(source, place), touches ? word + " " : word)])
        })
      return .unknown
    }
    // One diagnostic for a whole run of signs that belong to no token.
    repeat {
      position += 1
    } while position < limit && (byte() >= 0x80 || (byte() < 0x20 && byte() != 0x0A && byte() != 0x09 && byte() != 0x0D))
    report(
      .unknownSign, start..<position, "\(describe(start..<position)) has no meaning here",
      help: "names are ASCII letters, digits and `_`; other text belongs into a string or a comment")
    return .unknown
  }

  /// An item of other languages ends with it; between two of a line a comma stands here.
  private mutating func semicolon() -> TokenKind {
    let place = position..<position + 1
    position += 1
    var ahead = position
    while ahead < limit, source.bytes[ahead] == 0x20 { ahead += 1 }
    let isLast = ahead == limit || [0x0A, 0x0D, UInt8(ascii: "}"), UInt8(ascii: "/")].contains(source.bytes[ahead])
    report(
      .unknownSign, place, "`;` has no meaning here",
      help: isLast ? "remove it: a new line or a comma ends an item" : "items of one line are separated by commas",
      fix: Fix(isLast ? "remove `;`" : "write `,`", .certain, [Edit(Span(source, place), isLast ? "" : ",")]))
    return isLast ? .unknown : .comma
  }

  /// Steps over a sign of other languages; what this one writes in its place.
  private mutating func foreign() -> (help: String, word: String?)? {
    for (text, word) in [("&&", "and"), ("||", "or"), ("!", "not"), ("$", nil)]
    where text.utf8.enumerated().allSatisfy({ byte($0) == $1 }) {
      position += text.utf8.count
      return (word.map { "write `\($0)`" } ?? "an event's field is written `.name`", word)
    }
    // Texts of other languages.
    let quote = byte()
    guard quote == UInt8(ascii: "'") || quote == UInt8(ascii: "`") else { return nil }
    let start = position
    position += 1
    while position < limit, byte() != 0x0A {
      position += 1
      if byte(-1) == quote { break }
    }
    let before = source.text(max(0, start - 16)..<start).split(whereSeparator: \.isWhitespace).last?.lowercased()
    if before == "interval" { return ("a length of time is one word: `30s`, `1m`, `1h`", nil) }
    let more = quote == UInt8(ascii: "'") ? "" : ", and values in them as `\\(.name)`"
    return ("texts stand in double quotes" + more, nil)
  }

  func describe(_ range: Range<Int>) -> String {
    let text = source.text(range)
    if text.utf8.count < 20, text.utf8.allSatisfy({ $0 >= 0x20 && $0 < 0x7F }) { return "`\(text)`" }
    guard text.count == 1, let scalar = text.unicodeScalars.first, scalar.value >= 0x20, scalar.value != 0xFFFD else {
      return "this text"
    }
    return "`\(scalar)`"
  }
}
