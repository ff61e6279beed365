/// Steps of many events as other languages write them.
extension Parser {
  /// The words of ours that stand behind such a step.
  private static let clauses: Set<String> = [
    "by", "window", "emit", "limit", "as", "within", "last", "on", "to", "every", "zone", "offset", "late", "idle", "join", "keys", "rows",
  ]

  /// What each of these steps looks like.
  static let stateExamples: [String: String] = [
    "time": "time .at late 10s", "group": "group by .id window tumbling 1m { n: count() }",
    "join": "join payments as p on .id == p.order_id within 10m", "left": "left join payments as p on .id == p.order_id within 10m",
    "dedupe": "dedupe by .id within 10m", "previous": "previous by .id within 1h as before",
    "running": "running by .id within 10m as recent { n: count() }",
    "fold": "fold by .id within 30d as acc: { n: Int = 0 } = { n: acc.n + 1 }", "order": "order",
  ]

  /// Something else was expected behind a step: a word of another language is answered with ours.
  mutating func unexpectedClause(_ what: String, help: String? = nil) {
    if at(.identifier), continues {
      let word = text.lowercased()
      if word != text, Self.clauses.contains(word) {
        return report(
          .unexpected, span, "`\(excerpt(text))` has no meaning here", help: "words are in lower case: write `\(word)`")
      }
      if let answer = ForeignWords.clauses[word] {
        return report(.unexpected, span, "`\(excerpt(text))` has no meaning here", help: answer.help)
      }
    }
    unexpected(what, help: help)
  }

  /// `interval 1m`, of which the length is read on.
  mutating func foreignConstant() {
    guard at(.identifier), next.kind == .duration || next.kind == .integer, let answer = ForeignWords.clauses[text.lowercased()] else {
      return
    }
    report(.unexpected, span, "`\(excerpt(text))` has no meaning here", help: answer.help)
    advance()
  }

  /// `tumbling(1m)`; true where that was said.
  mutating func foreignWindow(_ word: String) -> Bool {
    guard at(.leftParen) else { return false }
    let start = Span(source, lastSpan.start..<lastSpan.start)
    let given = arguments().map(\.value.span.text)
    let example =
      switch (word, given.count) {
      case ("sliding", 2): "sliding \(given[0]) every \(given[1])"
      case ("sliding", _): "sliding 5m every 1m"
      case (_, 1): "\(word) \(given[0])"
      default: word == "rows" ? "rows 100" : word == "session" ? "session 30m" : "tumbling 1m"
      }
    report(.unexpected, start.joined(lastSpan), "a window has no parentheses", help: "write `window \(example)`")
    return true
  }

  /// `.id == p.order_id within 10m and .total > p.amount`.
  mutating func foreignCondition() {
    guard at(word: "and"), continues else { return }
    let place = span
    advance()
    let condition = expression()
    report(.unexpected, place, "conditions stand before `within`", help: "write `on … and \(condition.span.text) within …`")
  }

  /// `count(*)`, of which the star comes next.
  mutating func foreignStar() {
    guard at(.star), next.kind == .rightParen else { return }
    report(
      .unexpected, span, "`*` has no meaning here", help: "write `count()`", fix: Fix("leave it out", .certain, [Edit(span, "")]))
    advance()
  }

  /// `{ count() as n }`: a call where a field's name was expected.
  mutating func foreignField(_ name: Name) -> ExprSyntax? {
    guard at(.leftParen), !token.afterNewline else { return nil }
    var call = name.text + "()"
    if next.kind == .star {
      while !at(.rightParen), !at(.end) { advance() }
      advance()
    } else {
      _ = arguments()
      call = name.span.joined(lastSpan).text
    }
    var field = "n"
    if at(word: "as") || at(word: "AS"), next.kind == .identifier {
      advance()
      field = text
      advance()
    }
    report(
      .unexpected, name.span, "a field has its name before it", help: "write `\(field): \(call.count > 40 ? "\(name.text)(…)" : call)`")
    return ExprSyntax(kind: .erroneous, span: name.span)
  }
}
