/// The canonical layout of a file. Works on tokens and comments, so that nothing is ever lost: line breaks stay where
/// they were written, indentation, spaces, blank lines and the alignment of neighbours are ours.
public struct Formatter {
  private struct Line {
    var indent: Int
    var text = ""
    /// Where a sign that neighbours align on begins in the text, and which sign.
    var mark: (sign: String, at: Int)?
    var blankBefore: Bool
    /// How many brackets are open where it begins.
    var depth: Int
    /// The indentation of what goes on with the step that began in a line before.
    var clauses: Int?
  }

  private enum Piece {
    case token(Token)
    case comment(Comment)
    var start: Int {
      switch self {
      case .token(let token): token.start
      case .comment(let comment): comment.start
      }
    }
  }

  private let source: SourceText
  private var lines: [Line] = []
  /// Indentation inside each open bracket, and of the line that opened it.
  private var stack: [(inner: Int, outer: Int)] = []
  private var previous: Token?
  private var previousEnd = 0

  /// Formats a file that parses; text that does not is returned as it is.
  public static func format(_ source: SourceText) -> String {
    guard Parser.parse(source).1.isEmpty else { return source.text(0..<source.bytes.count) }
    var formatter = Formatter(source: source)
    return formatter.run()
  }

  private init(source: SourceText) { self.source = source }

  private mutating func run() -> String {
    let lexed = Lexer.lex(source)
    let tokens = lexed.tokens.filter { $0.kind != .end }.map(Piece.token)
    let pieces = (tokens + lexed.comments.map(Piece.comment)).sorted { $0.start < $1.start }
    for piece in pieces { add(piece) }
    align()
    var text = ""
    for (index, line) in lines.enumerated() {
      if line.blankBefore, index > 0 { text += "\n" }
      text += line.text.isEmpty ? "\n" : String(repeating: " ", count: line.indent * 2) + line.text + "\n"
    }
    return text
  }

  private func newlines(_ from: Int, _ to: Int) -> Int { source.bytes[from..<max(from, to)].reduce(0) { $0 + ($1 == 0x0A ? 1 : 0) } }
  private func text(_ token: Token) -> String { source.text(token.start..<token.end) }

  private mutating func add(_ piece: Piece) {
    let breaks = newlines(previousEnd, piece.start)
    let startsLine = breaks > 0 || lines.isEmpty
    switch piece {
    case .comment(let comment):
      var body = source.text(comment.start..<comment.end)
      while body.last == " " || body.last == "\t" { body.removeLast() }
      if startsLine {
        lines.append(Line(indent: stack.last?.inner ?? 0, text: body, blankBefore: breaks > 1 && !opensBlock, depth: stack.count))
      } else {
        lines[lines.count - 1].text += (body.hasPrefix("//") ? "  " : " ") + body
      }
      previousEnd = comment.end
    case .token(let token):
      let closes = [.rightBrace, .rightParen, .rightBracket].contains(token.kind)
      let opening = closes ? stack.popLast() : nil
      if startsLine {
        var indent = opening?.outer ?? stack.last?.inner ?? 0
        let goesOn = continuesExpression || Self.isOperator(token, text(token))
        let clauses = closes || token.kind == .pipe ? nil : self.clauses(token)
        if let clauses, Self.beginsClause(token, text(token)) || lines.last?.clauses != nil {
          indent = clauses + (goesOn ? 1 : 0)
        } else if !closes, token.kind == .pipe || goesOn {
          indent += 1
        }
        lines.append(
          Line(indent: indent, blankBefore: breaks > 1 && !closes && !opensBlock, depth: stack.count, clauses: clauses))
      } else if let previous {
        // Of several items on one line the first has no column of its own.
        if previous.kind == .comma, stack.count == lines[lines.count - 1].depth { lines[lines.count - 1].mark = nil }
        if space(previous, token) { lines[lines.count - 1].text += " " }
      }
      if lines[lines.count - 1].mark == nil { mark(token) }
      lines[lines.count - 1].text += text(token)
      if [.leftBrace, .leftParen, .leftBracket].contains(token.kind) {
        let outer = lines[lines.count - 1].indent
        stack.append((outer + 1, outer))
      }
      previous = token
      previousEnd = token.end
    }
  }

  /// Whether the line before ends with an opening bracket: no blank line follows it.
  private var opensBlock: Bool { previous.map { [.leftBrace, .leftParen, .leftBracket].contains($0.kind) } ?? false }

  /// Whether the line before ends in the middle of an expression.
  private var continuesExpression: Bool {
    guard let previous else { return false }
    switch previous.kind {
    case .equal, .arrow, .returns, .minus: return true
    case .identifier where ["in", "then", "else"].contains(text(previous)): return !(text(previous) == "in" && stack.isEmpty == false)
    // `sample 1%` ends a step.
    default: return previous.kind != .percent && Self.isOperator(previous, text(previous))
    }
  }

  /// What may follow in steps of many events, each on a line of its own where one is too short.
  private static let clauses: Set<String> = [
    "by", "window", "offset", "zone", "every", "emit", "limit", "as", "on", "within", "to", "last", "late", "idle",
  ]

  private static func beginsClause(_ token: Token, _ text: String) -> Bool {
    token.kind == .leftBrace || token.kind == .identifier && clauses.contains(text)
  }

  /// Where a line that begins with this token goes on with a step of many events: its indentation.
  private func clauses(_ token: Token) -> Int? {
    guard Self.beginsClause(token, text(token)) || continuesExpression || Self.isOperator(token, text(token)),
      let line = lines.last(where: { $0.depth == stack.count && !$0.text.hasPrefix("//") }), !beginsErrorRoute(token)
    else { return nil }
    if let clauses = line.clauses { return clauses }
    var words = line.text.split(separator: " ").prefix(3)
    guard words.popFirst() == "|>" else { return nil }
    if words.first?.hasPrefix("@") == true { words.removeFirst() }
    return words.first.map { $0 == "time" || Parser.stateWords.contains(String($0)) } == true ? line.indent + 1 : nil
  }

  private func beginsErrorRoute(_ token: Token) -> Bool {
    text(token) == "on" && source.text(token.end..<source.bytes.count).split(separator: " ", maxSplits: 1).first?.hasPrefix("error") == true
  }

  /// Whether an expression goes on over a line that ends or begins with this. A minus may begin one.
  private static func isOperator(_ token: Token, _ text: String) -> Bool {
    switch token.kind {
    case .plus, .star, .slash, .percent, .coalesce, .equalEqual, .notEqual, .less, .lessEqual, .greater, .greaterEqual, .optionalDot: true
    case .identifier: ["and", "or", "matches"].contains(text)
    default: false
    }
  }

  /// `name:`, `name =` and `when … =>` at the start of a line in braces are aligned with their neighbours.
  private mutating func mark(_ token: Token) {
    let line = lines[lines.count - 1]
    guard !stack.isEmpty, [.colon, .equal, .arrow].contains(token.kind) else { return }
    let isName =
      !line.text.isEmpty
      && line.text.utf8.allSatisfy {
        ($0 | 0x20 >= 97 && $0 | 0x20 <= 122) || ($0 >= 48 && $0 <= 57) || $0 == 95 || $0 == 34 || $0 == 46 || $0 == 32
      }
    let trimmed = line.text.last == " " ? String(line.text.dropLast()) : line.text
    if token.kind == .arrow, line.text.hasPrefix("when ") || trimmed == "else" {
      lines[lines.count - 1].mark = ("=>", line.text.unicodeScalars.count)
    } else if token.kind != .arrow, isName, !trimmed.contains(" ") {
      lines[lines.count - 1].mark = (token.kind == .colon ? ":" : "=", line.text.unicodeScalars.count)
    }
  }

  private static let wordOperators: Set<String> = [
    "and", "or", "not", "in", "if", "then", "else", "match", "matches", "let", "try", "when", "filter", "assert", "map", "set", "log",
    "expand", "as", "where", "given", "expect", "json", "by", "return",
  ]

  private func space(_ left: Token, _ right: Token) -> Bool {
    let touched = left.end == right.start
    switch (left.kind, right.kind) {
    case (.leftBrace, .rightBrace): return false
    case (.leftParen, _), (.leftBracket, _), (.dot, _), (.optionalDot, _), (.at, _), (.spread, _): return false
    case (_, .rightParen), (_, .rightBracket), (_, .comma), (_, .colon), (_, .optionalDot): return false
    case (_, .question): return false
    case (let kind, .dot) where touched && !Self.beginsValue(after: kind): return false
    case (_, .leftParen) where touched, (_, .leftBracket) where touched, (_, .percent) where touched: return false
    case (.minus, _) where touched && isUnary(left): return false
    default: return true
    }
  }

  /// Whether a dot behind this begins a field of the event: no value stands before it.
  private static func beginsValue(after kind: TokenKind) -> Bool {
    switch kind {
    case .comma, .colon, .equal, .plus, .star, .slash, .percent, .coalesce, .equalEqual, .notEqual, .less, .lessEqual, .greater,
      .greaterEqual, .arrow:
      true
    default: false
    }
  }

  /// Whether a minus has no left side.
  private func isUnary(_ minus: Token) -> Bool {
    var index = minus.start - 1
    while index >= 0, source.bytes[index] == 0x20 || source.bytes[index] == 0x0A || source.bytes[index] == 0x09 { index -= 1 }
    guard index >= 0 else { return true }
    let byte = source.bytes[index]
    if byte == UInt8(ascii: ")") || byte == UInt8(ascii: "]") || byte == UInt8(ascii: "}") || byte == UInt8(ascii: "\"") { return false }
    let isWord = (byte | 0x20 >= 97 && byte | 0x20 <= 122) || (byte >= 48 && byte <= 57) || byte == 95
    guard isWord else { return true }
    var start = index
    while start > 0, (source.bytes[start - 1] | 0x20 >= 97 && source.bytes[start - 1] | 0x20 <= 122) || source.bytes[start - 1] == 95 {
      start -= 1
    }
    let word = source.text(start..<index + 1)
    let isField = start > 0 && source.bytes[start - 1] == UInt8(ascii: ".")
    return Self.wordOperators.contains(word) || !isField && Self.clauses.contains(word)
  }

  /// Pads neighbouring lines of one indentation so that their marks stand in one column.
  private mutating func align() {
    var index = 0
    while index < lines.count {
      guard let mark = lines[index].mark else {
        index += 1
        continue
      }
      var end = index + 1
      while end < lines.count, let other = lines[end].mark, other.sign == mark.sign, lines[end].indent == lines[index].indent,
        !lines[end].blankBefore
      { end += 1 }
      if end - index > 1 {
        let width = lines[index..<end].map { $0.mark!.at }.max()!
        for place in index..<end { pad(place, to: width) }
      }
      index = end
    }
  }

  private mutating func pad(_ place: Int, to width: Int) {
    let mark = lines[place].mark!
    let missing = width - mark.at
    guard missing > 0 else { return }
    var scalars = Array(lines[place].text.unicodeScalars)
    // After a colon, before any other sign.
    let at = mark.sign == ":" ? mark.at + 1 : mark.at
    scalars.insert(contentsOf: repeatElement(" ", count: missing), at: at)
    lines[place].text = String(String.UnicodeScalarView(scalars))
  }
}
