/// Expressions as other languages write them. Each is one error, which says how this one writes it; what was meant is read on where
/// that is sure, so that nothing else is said of it.
extension Parser {
  private mutating func report(foreign span: Span, _ message: String, _ help: String, _ replacement: String? = nil) {
    let fix = replacement.map { Fix("write `\($0)`", .certain, [Edit(span, $0)]) }
    report(.unexpected, span, message, help: help, fix: fix)
  }

  private func at(anyCase word: String) -> Bool { at(.identifier) && text.lowercased() == word }

  /// An operator of another language for one of ours, consumed but for its last token.
  mutating func foreignOperator(minimum: Int) -> BinaryOperator? {
    guard continues else { return nil }
    switch token.kind {
    case .identifier:
      let word = text.lowercased()
      guard word != text, let op = BinaryOperator(rawValue: word), op.precedence >= minimum, next.kind != .colon else {
        return mistypedOperator(minimum: minimum)
      }
      report(foreign: span, "`\(text)` has no meaning here", "write `\(word)`", word)
      return op
    case .less where next.kind == .greater && next.start == token.end && BinaryOperator.notEqual.precedence >= minimum:
      let whole = Span(source, token.start..<next.end)
      report(foreign: whole, "`<>` has no meaning here", "write `!=`", "!=")
      advance()
      return .notEqual
    case .equal where !equalsEndsValue && BinaryOperator.equal.precedence >= minimum:
      report(foreign: span, "`=` compares nothing", "write `==`", "==")
      return .equal
    default: return nil
    }
  }

  /// `adn` for `and`, where nothing else can be meant.
  private mutating func mistypedOperator(minimum: Int) -> BinaryOperator? {
    // A word follows many a value: most are told by their length.
    let near: String
    switch token.end - token.start {
    case 3 where text != "and" && text.sorted() == "and".sorted(): near = "and"
    case 6...8 where text != "matches" && Fix(renaming: span, text, to: "matches").confidence == .certain: near = "matches"
    default: return nil
    }
    guard let op = BinaryOperator(rawValue: near), op.precedence >= minimum, next.kind != .colon else { return nil }
    report(foreign: span, "`\(text)` is no operator", "did you mean `\(near)`?", near)
    return op
  }

  /// What follows a value in another language and is no operator of ours: all of it is read, and the value that it makes returned.
  mutating func foreignTest(_ left: ExprSyntax, from start: Span) -> ExprSyntax? {
    guard continues else { return nil }
    let place = span
    if at(.question) {
      advance()
      _ = expression()
      if take(.colon) { _ = expression() }
      report(foreign: place, "`?` begins no condition", "write `if \(left.span.text) then … else …`")
      return make(.erroneous, from: start)
    }
    guard at(.identifier), next.kind != .colon else { return nil }
    if at(anyCase: "is") { return isTest(left, from: start) }
    if at(word: "not"), next.kind == .identifier {
      let operation = source.text(next.start..<next.end)
      if let op = BinaryOperator(rawValue: operation), op.precedence == 5 {
        let whole = place.joined(Span(source, next.start..<next.end))
        advance()
        advance()
        let right = binary(minimum: 6)
        report(
          .unexpected, whole, "`not` stands before the whole comparison",
          help: "write `not \(left.span.text) \(operation) \(right.span.text)`",
          fix: Fix(
            "write `not \(left.span.text) \(operation) …`", .certain,
            [Edit(Span(source, start.start..<start.start), "not "), Edit(whole, operation)]))
        return make(.unary(.not, make(.binary(op, left, right), from: start)), from: start)
      }
    }
    if at(word: "if") {
      advance()
      let test = expression()
      if take(word: "else") { _ = expression() }
      report(foreign: place, "`if` begins its value", "write `if \(test.span.text) then \(left.span.text) else …`")
      return make(.erroneous, from: start)
    }
    if at(anyCase: "between") {
      advance()
      let low = binary(minimum: 5)
      if at(anyCase: "and") { advance() }
      let high = binary(minimum: 5)
      let value = left.span.text
      let whole = start.joined(lastSpan)
      let text = "\(value) >= \(low.span.text) and \(value) <= \(high.span.text)"
      report(foreign: whole, "`between` has no meaning here", "write `\(text)`", text)
      return make(.erroneous, from: start)
    }
    guard let help = foreignOperatorHelp(left) else { return nil }
    if ["over", "filter"].contains(text.lowercased()), next.kind == .leftParen {
      skipCall()
      report(foreign: place, "`\(place.text)` is no operator", help)
      return make(.erroneous, from: start)
    }
    advance()
    if !at(.end), !token.afterNewline { _ = binary(minimum: 5) }
    report(foreign: place, "`\(place.text)` is no operator", help)
    return make(.erroneous, from: start)
  }

  /// What to write for an operator that stands after this value.
  private func foreignOperatorHelp(_ left: ExprSyntax) -> String? {
    var value: String { left.span.text }
    return switch text.lowercased() {
    case "like": "write `contains(\(value), \"a\")`, `starts_with(\(value), \"a\")` or `\(value) matches r\"a\"`"
    case "ilike": "write `lower(\(value)) matches r\"a\"`"
    case "rlike": "write `\(value) matches r\"a\"`"
    case "mod": "write `\(value) % …`"
    case "div": "write `\(value) / …`, which cuts Ints"
    case "contains": "write `contains(\(value), …)`"
    case "filter", "where":
      value.hasSuffix(")")
        ? "an aggregate of some events is written `\(value.dropLast())\(value.hasSuffix("()") ? "" : ", ")where: …)`"
        : "an aggregate of some events is written `sum(\(value), where: …)`"
    case "over":
      ForeignWords.functions[String(value.lowercased().prefix { $0 != "(" })]?.help
        ?? "write a step before: `|> running by .id within 10m as recent { x: \(value) }`"
    case "having": "a filter is a step of its own: `|> filter …`"
    case "eq": "write `\(value) == …`"
    default: nil
    }
  }

  /// `text[1:3]`, of which the colon comes next.
  mutating func foreignSlice(of value: ExprSyntax, from start: Span) -> ExprSyntax {
    let place = span
    newlines(false) { parser in
      parser.advance()
      if !parser.at(.rightBracket) { _ = parser.expression() }
    }
    let text = value.span.text
    report(
      foreign: place, "an index is one number",
      "write `substring(\(text), start, length)` for a part of a text, `\(text).skip(n).take(n)` for one of a list")
    _ = take(.rightBracket)
    return make(.erroneous, from: start)
  }

  /// `json` before a record of a list, as `given json { … }` has it; it is passed over.
  mutating func foreignJson() -> Span? {
    guard at(word: "json"), next.kind == .leftBrace else { return nil }
    let place = span.joined(Span(source, next.start..<next.start))
    advance()
    return place
  }

  mutating func report(foreignJson places: [Span]) {
    guard let first = places.first else { return }
    report(
      .unexpected, Span(source, first.start..<first.start + 4), "a list holds records without a word before them", help: "leave `json` out",
      fix: Fix("leave `json` out", .certain, places.map { Edit($0, "") }))
  }

  /// `a ** b`.
  mutating func foreignPower(_ left: ExprSyntax, from start: Span) -> ExprSyntax? {
    guard continues, at(.star), next.kind == .star, next.start == token.end else { return nil }
    let place = span.joined(Span(source, next.start..<next.end))
    advance()
    advance()
    let right = binary(minimum: 8)
    report(foreign: place, "`**` is no operator", "write `pow(\(left.span.text), \(right.span.text))`, of Floats")
    return make(.erroneous, from: start)
  }

  /// `is null`, `IS NOT NULL`, `is true`.
  private mutating func isTest(_ left: ExprSyntax, from start: Span) -> ExprSyntax {
    let place = span
    advance()
    let isNot = at(anyCase: "not")
    if isNot { advance() }
    let value = at(.identifier) ? text.lowercased() : ""
    let whole = place.joined(span)
    switch value {
    case "null", "none", "nil":
      advance()
      let text = isNot ? "!= null" : "== null"
      report(foreign: whole, "`\(whole.text)` has no meaning here", "write `\(left.span.text) \(text)`", text)
      return make(.binary(isNot ? .notEqual : .equal, left, ExprSyntax(kind: .literal(.null), span: whole)), from: start)
    case "true", "false":
      advance()
      let help = (value == "true") != isNot ? "write `\(left.span.text)`" : "write `not \(left.span.text)`"
      report(foreign: whole, "`\(whole.text)` has no meaning here", help)
      return left
    default:
      report(foreign: place, "`\(place.text)` is no operator", "write `\(left.span.text) \(isNot ? "!=" : "==") …`")
      if !at(.end), !token.afterNewline { _ = binary(minimum: 5) }
      return make(.erroneous, from: start)
    }
  }

  /// A value as another language writes it, at a word; nil where it is none.
  mutating func foreignValue() -> ExprSyntax? {
    let start = span
    let word = text
    if next.kind == .string, next.start == token.end, word.count == 1 {
      advance()
      advance()
      report(foreign: start, "`\(word)\"…\"` has no meaning here", "values stand in a text as `\"\\(.name)\"`")
      return make(.erroneous, from: start)
    }
    if let answer = ForeignWords.values[word.lowercased()], let known = answer.word, word != known, next.kind != .leftParen,
      next.kind != .arrow
    {
      report(foreign: start, "`\(word)` has no meaning here", answer.help, known)
      advance()
      let value: ExprSyntax.Literal = known == "null" ? .null : .bool(known == "true")
      return ExprSyntax(kind: .literal(value), span: start)
    }
    if word == "NOT" {
      report(foreign: start, "`NOT` has no meaning here", "write `not`", "not")
      advance()
      let operand = binary(minimum: 4)
      return make(.unary(.not, operand), from: start)
    }
    if word == "CASE" || word == "case", next.kind == .identifier || next.kind == .dot {
      while !at(.end), !at(.pipe), !at(.rightBrace), !at(anyCase: "end"), !atTopLevel { advance() }
      if at(anyCase: "end") { advance() }
      report(
        foreign: start, "`\(word)` begins no value", "write `if .x > 0 then \"a\" else \"b\"`, or `match .x { 1 => \"a\", else => \"b\" }`")
      return make(.erroneous, from: start)
    }
    if word.lowercased() == "cast", next.kind == .leftParen {
      skipCall()
      report(foreign: start, "`\(word)` has no meaning here", "write `to_string(.x)`, `to_int(.x)` and their like")
      return make(.erroneous, from: start)
    }
    return nil
  }

  /// Over a name and what stands in its parentheses.
  private mutating func skipCall() {
    advance()
    var open = 0
    repeat {
      if at(.leftParen) { open += 1 }
      if at(.rightParen) { open -= 1 }
      advance()
    } while open > 0 && !at(.end) && !atTopLevel
  }

  /// `(1, 2)` for `[1, 2]`: the first element is read.
  mutating func foreignList(_ first: ExprSyntax, from start: Span) -> ExprSyntax {
    var items = [first]
    while take(.comma), !at(.rightParen), !at(.end) { items.append(expression()) }
    expect(.rightParen, "`)`")
    let whole = start.joined(lastSpan)
    let text = "[\(items.map(\.span.text).joined(separator: ", "))]"
    report(foreign: whole, "`(…, …)` is no list", "write `\(text)`", text)
    return make(.list(items), from: start)
  }
}
