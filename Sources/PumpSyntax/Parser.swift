/// Tokens to tree. Parsing never fails and never stops at the first error: an item that cannot be read is skipped to the
/// next line of its own braces, a declaration to the next keyword at column 1.
public struct Parser {
  /// Braces, brackets and operators nest at most this deep, so that no input can exhaust the stack.
  public static let depthLimit = 128
  /// A larger file is refused unread.
  public static let sizeLimit = 16 << 20

  let source: SourceText
  let tokens: [Token]
  let docs: [Int: String]
  var index = 0
  var depth = 0
  /// Inside `()` and `[]` a newline separates nothing.
  var newlinesCount = true
  /// How many `let x = …` values enclose this place: there, `in` ends the value.
  var letDepth = 0
  var diagnostics: [Diagnostic] = []
  /// In a refinement an equals sign begins the field's default.
  var equalsEndsValue = false
  /// The first token of the item that is being read.
  var itemStart = -1
  /// Set once nesting went too deep: consequences are silenced.
  var tooDeep = false

  /// Parses one file; the diagnostics are in the order of the text.
  public static func parse(_ source: SourceText) -> (FileSyntax, [Diagnostic]) {
    let whole = Span(source, 0..<min(source.bytes.count, 1))
    if source.bytes.count > sizeLimit {
      let message = "this file has \(source.bytes.count >> 20) MiB, the limit is \(sizeLimit >> 20) MiB"
      return (
        FileSyntax(source: source),
        [Diagnostic(.notText, at: whole, message, help: "is it a data file? a spec is text, split over files where it is large")]
      )
    }
    if let bad = firstInvalidByte(source.bytes) {
      let place = Span(source, bad..<bad + 1)
      return (
        FileSyntax(source: source),
        [
          Diagnostic(
            .notText, at: place, "this file is not UTF-8 text (byte \(bad))", help: "save it as UTF-8; is it a data or a binary file?")
        ]
      )
    }
    let lexed = Lexer.lex(source)
    var parser = Parser(source: source, lexed)
    var file = parser.parseFile()
    file.docs = headDocs(source, lexed.comments, before: lexed.tokens[0].start)
    // What else is wrong with it, a newer compiler knows.
    if let newer = parser.diagnostics.first(where: { $0.code == .newerLanguage }) { return (FileSyntax(source: source), [newer]) }
    let diagnostics = (lexed.diagnostics + parser.diagnostics).sorted { $0.span.start < $1.span.start }
    return (file, diagnostics)
  }

  /// The `//!` lines before a file's first token.
  private static func headDocs(_ source: SourceText, _ comments: [Comment], before first: Int) -> String? {
    let lines = comments.prefix { $0.start < first }.map { source.text($0.start..<$0.end) }.filter { $0.hasPrefix("//!") }
    guard !lines.isEmpty else { return nil }
    return lines.map { String($0.dropFirst($0.hasPrefix("//! ") ? 4 : 3)) }.joined(separator: "\n")
  }

  init(source: SourceText, _ lexed: Lexer.Output) {
    self.source = source
    tokens = lexed.tokens
    docs = lexed.docs
  }

  /// The offset of the first NUL or invalid UTF-8 byte.
  private static func firstInvalidByte(_ bytes: [UInt8]) -> Int? {
    if let nul = bytes.firstIndex(of: 0) { return nul }
    if String(validating: bytes, as: UTF8.self) != nil { return nil }
    var low = 0
    var high = bytes.count
    while low + 8 < high {
      // A prefix may be cut inside a character: accept it where up to three bytes less are valid.
      let middle = (low + high) / 2
      let valid = (0...3).contains { middle - $0 >= 0 && String(validating: bytes[0..<middle - $0], as: UTF8.self) != nil }
      if valid { low = middle } else { high = middle }
    }
    return min(low, bytes.count - 1)
  }

  // MARK: Tokens

  var token: Token { tokens[index] }
  var next: Token { tokens[min(index + 1, tokens.count - 1)] }
  var text: String { source.text(token.start..<token.end) }
  var span: Span { Span(source, token.start..<token.end) }
  /// The `///` lines above this token.
  var tokenDocs: String? { docs[token.start] }
  /// The span of the token just consumed.
  var lastSpan: Span { index > 0 ? Span(source, tokens[index - 1].start..<tokens[index - 1].end) : span }

  func at(_ kind: TokenKind) -> Bool { token.kind == kind }
  func at(word: String) -> Bool {
    token.kind == .identifier && token.end - token.start == word.utf8.count
      && source.bytes[token.start..<token.end].elementsEqual(word.utf8)
  }
  func text(of token: Token) -> String { source.text(token.start..<token.end) }

  mutating func advance() { if index < tokens.count - 1 { index += 1 } }

  mutating func take(_ kind: TokenKind) -> Bool {
    guard at(kind) else { return false }
    advance()
    return true
  }

  mutating func take(word: String) -> Bool {
    guard at(word: word) else { return false }
    advance()
    return true
  }

  /// Consumes the token or reports what stood there instead.
  @discardableResult
  mutating func expect(_ kind: TokenKind, _ what: String, help: String? = nil) -> Bool {
    if take(kind) { return true }
    unexpected(what, help: help)
    return false
  }

  mutating func unexpected(_ expected: String, help: String? = nil, fix: Fix? = nil) {
    // The lexer has said already that this means nothing, or that `|` is no `|>`.
    if at(.unknown) || (at(.pipe) && token.end - token.start == 1) { return }
    // What begins an item is wrong itself; what is missing is missing at the end of the line before.
    let isMissing = token.afterNewline && index > 0 && index != itemStart
    let found = at(.end) ? "the end of the file" : isMissing ? "the end of the line" : "`\(excerpt(text))`"
    report(.unexpected, isMissing ? lastSpan.after : span, "expected \(expected), found \(found)", help: help, fix: fix)
  }

  func excerpt(_ text: String) -> String { text.count > 24 ? text.prefix(24) + "…" : text }

  mutating func report(_ code: DiagnosticCode, _ span: Span, _ message: String, help: String? = nil, fix: Fix? = nil) {
    if tooDeep { return }
    // One place is reported once: what follows from it is noise.
    if let last = diagnostics.last, last.span.start == span.start { return }
    diagnostics.append(Diagnostic(code, at: span, message, help: help, fix: fix))
  }

  /// Runs a nested parse with the depth limit; nil if it was exceeded.
  mutating func nested<T>(_ body: (inout Parser) -> T) -> T? {
    guard depth < Self.depthLimit else {
      report(.tooDeep, span, "this nests more than \(Self.depthLimit) deep", help: "name parts of it with `fn` or `stage`")
      tooDeep = true
      index = tokens.count - 1
      return nil
    }
    depth += 1
    defer { depth -= 1 }
    return body(&self)
  }

  /// With newlines separating (inside braces) or not (inside parentheses and brackets).
  mutating func newlines<T>(_ count: Bool, _ body: (inout Parser) -> T) -> T {
    let before = newlinesCount
    newlinesCount = count
    defer { newlinesCount = before }
    return body(&self)
  }

  /// Items between braces, separated by commas or newlines; an unreadable one is skipped to the next line.
  mutating func braced(_ what: String, holdsSteps: Bool = false, _ item: (inout Parser) -> Bool) {
    guard expect(.leftBrace, "`{` before \(what)") else { return }
    let opening = lastSpan
    let read: Void? = nested { parser in
      parser.newlines(true) { parser in
        while !parser.at(.rightBrace), !parser.at(.end), !parser.atTopLevel, holdsSteps || !parser.atNextStep {
          let before = parser.index
          parser.itemStart = before
          let fine = item(&parser)
          if !fine || parser.index == before { parser.skipItem(from: before) }
          if parser.take(.comma) || parser.at(.rightBrace) || parser.token.afterNewline { continue }
          if fine, !parser.missingComma() {
            parser.unexpectedClause("a comma or a new line")
            parser.skipItem(from: parser.index)
          }
        }
      }
    }
    guard read != nil else { return }
    if !take(.rightBrace) {
      let place = lastSpan.after
      let fix =
        atNextStep ? Fix("close it", .certain, [Edit(Span(source, place.start..<place.start), " }")]) : nil
      report(.unclosed, opening, "this `{` is never closed", help: "add `}` after \(what)", fix: fix)
    }
  }

  /// Whether a line begins here that goes on with a pipeline: braces that hold no steps have ended before it.
  private var atNextStep: Bool {
    token.afterNewline
      && (at(.pipe) && token.end - token.start == 2 || at(word: "on") && next.kind == .identifier && text(of: next) == "error")
  }

  /// Two items on a line, of which the second is read as well.
  private mutating func missingComma() -> Bool {
    let isRoute = at(word: "on") && next.kind == .identifier && text(of: next) == "error"
    guard isRoute || at(.identifier) || at(.string), isRoute || next.kind == .colon || next.kind == .equal else { return false }
    let place = lastSpan.after
    report(
      .unexpected, span, "expected a comma before `\(isRoute ? "on error" : excerpt(text))`",
      help: "items of one line are separated by commas",
      fix: Fix("add a comma", .certain, [Edit(Span(source, place.start..<place.start), ",")]))
    return true
  }

  /// Skips to the next item: a new line at this brace depth, a closing brace, or a top-level keyword.
  mutating func skipItem(from start: Int) {
    if index == start { advance() }
    var open = 0
    while !at(.end), !atTopLevel {
      if open <= 0, at(.rightBrace) || (token.afterNewline && !at(.pipe)) { return }
      switch token.kind {
      case .leftBrace, .leftParen, .leftBracket: open += 1
      case .rightBrace, .rightParen, .rightBracket: open -= 1
      default: break
      }
      advance()
    }
  }

  static let topLevelWords: Set<String> = [
    "import", "config", "connection", "type", "enum", "fn", "pattern", "stage", "stream", "pipeline", "test", "connector",
  ]

  /// Whether a top-level form begins here: its keyword at column 1.
  var atTopLevel: Bool {
    guard at(.identifier), token.start == 0 || source.bytes[token.start - 1] == 0x0A else { return false }
    return Self.topLevelWords.contains(text) || atLanguage
  }

  /// Whether `language 1` begins here.
  var atLanguage: Bool { at(word: "language") && next.kind == .integer && !next.afterNewline }

  // MARK: Names

  /// A name that is being declared or used; reserved words are refused.
  mutating func name(_ what: String) -> Name? {
    guard at(.identifier) else {
      unexpected(what)
      return nil
    }
    let result = Name(text: text, span: span)
    if reservedWords.contains(result.text) {
      report(
        .reserved, span, "`\(result.text)` is a word of the language and cannot be \(what)",
        help: "choose another name, such as `\(result.text)_`")
    }
    advance()
    return result
  }

  /// Any word, as it may stand after `.` or before `:`.
  mutating func anyWord(_ what: String) -> Name? {
    guard at(.identifier) else {
      unexpected(what)
      return nil
    }
    let result = Name(text: text, span: span)
    advance()
    return result
  }

  /// A field's name: any word, or a string where it is no word, such as `"@timestamp"`.
  mutating func fieldName(_ what: String) -> Name? {
    guard at(.string) else { return anyWord(what) }
    let literal = string()
    guard let text = literal.plain else {
      report(.unexpected, literal.span, "a field's name is known before any event", help: "write the name as it is, without `\\(…)`")
      return nil
    }
    return Name(text: text, span: literal.span)
  }
}
