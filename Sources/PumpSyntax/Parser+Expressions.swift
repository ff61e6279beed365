extension Parser {
  /// A node from `start` to the last token. Mutating, so that `self` is looked at after a `kind` that parses has moved on.
  mutating func make(_ kind: ExprSyntax.Kind, from start: Span) -> ExprSyntax {
    ExprSyntax(kind: kind, span: start.joined(lastSpan))
  }

  func erroneous() -> ExprSyntax { ExprSyntax(kind: .erroneous, span: span) }

  /// Whether the expression may go on with this token: not where a newline separates items.
  var continues: Bool { !token.afterNewline || !newlinesCount }

  mutating func expression() -> ExprSyntax {
    nested { $0.parseExpression() } ?? erroneous()
  }

  private mutating func parseExpression() -> ExprSyntax {
    let start = span
    if take(word: "if") {
      let condition = expression()
      guard take(word: "then") else {
        unexpected("`then`", help: "an `if` is written `if C then A else B`")
        return erroneous()
      }
      let yes = expression()
      guard take(word: "else") else {
        unexpected("`else`", help: "every `if` has a value, so it needs an `else`")
        return erroneous()
      }
      return make(.conditional(condition, yes, expression()), from: start)
    }
    if at(word: "match"), next.kind != .colon, next.kind != .equal { return match() }
    if take(word: "let") {
      guard let name = name("a name for the value"), expect(.equal, "`=`") else { return erroneous() }
      letDepth += 1
      let value = expression()
      letDepth -= 1
      guard take(word: "in") else {
        unexpected("`in`", help: "a binding is written `let x = E in E`")
        return erroneous()
      }
      return make(.binding(name, value, expression()), from: start)
    }
    return binary(minimum: 1)
  }

  private mutating func match() -> ExprSyntax {
    let start = span
    advance()
    let subject = binary(minimum: 1)
    var arms: [ExprSyntax.MatchArm] = []
    braced("the cases") { parser in
      let place = parser.span
      let pattern = parser.take(word: "else") ? nil : parser.expression()
      guard parser.expect(.arrow, "`=>` after the case") else { return false }
      let value = parser.expression()
      arms.append(.init(pattern: pattern, value: value, span: place.joined(parser.lastSpan)))
      return true
    }
    return make(.match(subject, arms), from: start)
  }

  private var binaryOperator: BinaryOperator? {
    switch token.kind {
    case .identifier:
      switch text {
      case "and": .and
      case "or": .or
      case "in": .isIn
      case "matches": .matches
      default: nil
      }
    // `<>` and `**` are of other languages.
    case .less where next.kind == .greater && next.start == token.end, .star where next.kind == .star && next.start == token.end: nil
    case .coalesce, .equalEqual, .notEqual, .less, .lessEqual, .greater, .greaterEqual, .plus, .minus, .star, .slash, .percent:
      BinaryOperator(rawValue: token.kind.rawValue)
    default: nil
    }
  }

  mutating func binary(minimum: Int) -> ExprSyntax {
    let start = span
    var left = at(word: "not") && minimum <= 4 ? negated() : unary()
    if let power = foreignPower(left, from: start) { left = power }
    var compared = false
    var length = 0
    while true {
      guard let op = binaryOperator.flatMap({ continues || beginsLine($0) ? $0 : nil }) ?? foreignOperator(minimum: minimum),
        op.precedence >= minimum
      else {
        guard minimum <= 5, let test = foreignTest(left, from: start) else { break }
        left = test
        continue
      }
      // In `let x = E in E` the first `in` outside parentheses belongs to the binding.
      if op == .isIn, letDepth > 0 { break }
      length += 1
      if length > Self.depthLimit { return refuseChain() }
      let place = span
      if op.precedence == 5 {
        if compared {
          report(.unexpected, place, "comparisons do not chain", help: "join two with `and`, as in `a < b and b < c`")
          left = ExprSyntax(kind: .erroneous, span: left.span)
        }
        compared = true
      }
      advance()
      let right = nested { $0.binary(minimum: op == .coalesce ? op.precedence : op.precedence + 1) } ?? erroneous()
      left = make(.binary(op, left, right), from: start)
    }
    return left
  }

  /// Whether a line that begins with this operator goes on with the expression before. A minus may begin a value, and a word
  /// may be a field's name.
  private func beginsLine(_ op: BinaryOperator) -> Bool { op != .subtract && next.kind != .colon }

  /// A chain of operators makes a tree as deep as it is long.
  private mutating func refuseChain() -> ExprSyntax {
    depth = Self.depthLimit
    _ = nested { _ in 0 }
    return erroneous()
  }

  private mutating func negated() -> ExprSyntax {
    let start = span
    advance()
    let operand = nested { $0.binary(minimum: 4) } ?? erroneous()
    return make(.unary(.not, operand), from: start)
  }

  private mutating func unary() -> ExprSyntax {
    let start = span
    if take(.minus) {
      let operand = nested { $0.unary() } ?? erroneous()
      return make(.unary(.minus, operand), from: start)
    }
    if at(word: "try"), next.kind != .colon {
      advance()
      let operand = nested { $0.unary() } ?? erroneous()
      return make(.attempt(operand), from: start)
    }
    return postfix(primary(), from: start)
  }

  private mutating func postfix(_ base: ExprSyntax, from start: Span) -> ExprSyntax {
    var result = base
    var length = 0
    while continues || at(.optionalDot) {
      length += 1
      if length > 4 * Self.depthLimit { return refuseChain() }
      if at(.dot) || at(.optionalDot) {
        let optional = at(.optionalDot)
        advance()
        guard let member = fieldName("a field's name after the dot") else { return erroneous() }
        if at(.leftParen), !token.afterNewline {
          result = make(.method(result, member, arguments(), optional: optional), from: start)
        } else {
          result = make(.member(result, member, optional: optional), from: start)
        }
      } else if at(.leftBracket), !token.afterNewline {
        advance()
        let index = newlines(false) { $0.at(.colon) ? $0.erroneous() : $0.expression() }
        if at(.colon) {
          result = foreignSlice(of: result, from: start)
        } else {
          expect(.rightBracket, "`]` after the index")
          result = make(.index(result, index), from: start)
        }
      } else {
        break
      }
    }
    return result
  }

  /// `(a, label: b)`.
  mutating func arguments() -> [ArgumentSyntax] {
    guard take(.leftParen) else { return [] }
    var result: [ArgumentSyntax] = []
    let bindings = letDepth
    letDepth = 0
    defer { letDepth = bindings }
    newlines(false) { parser in
      parser.foreignStar()
      while !parser.at(.rightParen), !parser.at(.end), !parser.atTopLevel {
        var label: Name?
        if parser.at(.identifier), parser.next.kind == .colon || parser.next.kind == .equal {
          label = parser.anyWord("a label")
          parser.takeColon("an argument is written `\(label?.text ?? ""): …`")
        }
        let before = parser.index
        result.append(ArgumentSyntax(label: label, value: parser.expression()))
        if parser.index == before || !parser.take(.comma) { break }
      }
    }
    expect(.rightParen, "`)` after the arguments")
    return result
  }

  /// The rest of `a.b.c: value`, with what else the record sets in `a`.
  private mutating func reachIn(_ name: Name, _ items: inout [ExprSyntax.RecordItem]) -> Bool {
    var path: [Name] = []
    while take(.dot) {
      guard let part = fieldName("a field's name after the dot") else { return false }
      path.append(part)
    }
    guard expect(.colon, "`:` and the value", help: "write `\(([name] + path).map(\.text).joined(separator: ".")): …`") else {
      return false
    }
    let value = expression()
    let whole = name.span.joined(lastSpan)
    func put(_ path: ArraySlice<Name>, in known: [ExprSyntax.RecordItem], under base: ExprSyntax) -> [ExprSyntax.RecordItem] {
      guard let first = path.first else { return known }
      let rest = path.dropFirst()
      if rest.isEmpty { return known + [.field(first, value)] }
      let inner = ExprSyntax(kind: .member(base, first, optional: false), span: first.span)
      for (index, item) in known.enumerated() {
        guard case .field(let other, let set?) = item, other.text == first.text, case .record(let items) = set.kind,
          case .spread? = items.first
        else { continue }
        var all = known
        all[index] = .field(other, ExprSyntax(kind: .record(put(rest, in: items, under: inner)), span: set.span))
        return all
      }
      return known + [.field(first, ExprSyntax(kind: .record(put(rest, in: [.spread(inner)], under: inner)), span: whole))]
    }
    items = put(([name] + path)[...], in: items, under: ExprSyntax(kind: .it, span: name.span))
    return true
  }

  /// A colon, or an equals sign where a colon belongs.
  private mutating func takeColon(_ help: String) {
    if at(.equal) {
      report(
        .unexpected, span, "`=` gives no value here", help: help, fix: Fix("write `:`", .certain, [Edit(span, ":")]))
    }
    advance()
  }

  private mutating func primary() -> ExprSyntax {
    let start = span
    let word = text
    func literal(_ value: ExprSyntax.Literal) -> ExprSyntax { ExprSyntax(kind: .literal(value), span: start) }
    switch token.kind {
    case .integer: advance(); return literal(.integer(word.filter { $0 != "_" }))
    case .fraction: advance(); return literal(.fraction(word.filter { $0 != "_" }))
    case .duration: advance(); return literal(.duration(word.filter { $0 != "_" }))
    case .size: advance(); return literal(.size(word.filter { $0 != "_" }))
    case .date: advance(); return literal(.date(word))
    case .timestamp: advance(); return literal(.timestamp(word))
    case .raw: advance(); return literal(.regex(rawText(word)))
    case .string, .block:
      let value = string()
      return ExprSyntax(kind: .string(value), span: start)
    case .dot:
      advance()
      guard let field = fieldName("a field's name after the dot") else { return erroneous() }
      return make(.field(field), from: start)
    case .leftParen:
      advance()
      let bindings = letDepth
      letDepth = 0
      let inner = newlines(false) { $0.expression() }
      letDepth = bindings
      if at(.comma) { return foreignList(inner, from: start) }
      expect(.rightParen, "`)`")
      return ExprSyntax(kind: inner.kind, span: start.joined(lastSpan))
    case .leftBracket: return list()
    case .leftBrace: return record()
    case .identifier:
      return word == "it"
        ? {
          advance(); return ExprSyntax(kind: .it, span: start)
        }() : named()
    default:
      unexpected("an expression")
      return erroneous()
    }
  }

  /// What stands between the quotes of `r"…"` and `r#"…"#`.
  func rawText(_ word: String) -> String {
    let marks = word.hasPrefix("r#") ? 1 : 0
    return String(word.dropFirst(2 + marks).dropLast(word.count > 2 + 2 * marks ? 1 + marks : 0))
  }

  private mutating func named() -> ExprSyntax {
    let start = span
    let word = text
    func literal(_ value: ExprSyntax.Literal) -> ExprSyntax { ExprSyntax(kind: .literal(value), span: start) }
    switch word {
    case "true": advance(); return literal(.bool(true))
    case "false": advance(); return literal(.bool(false))
    case "null": advance(); return literal(.null)
    case "secret" where next.kind == .identifier && text(of: next) == "file":
      advance()
      advance()
      guard at(.string) || at(.block) else {
        unexpected("the file's path as a string")
        return erroneous()
      }
      return make(.secretFile(string()), from: start)
    // `matches` is an operator and a function of two arguments.
    case "matches" where next.kind == .leftParen: break
    case let word where reservedWords.contains(word):
      unexpected("an expression")
      return erroneous()
    default: break
    }
    if let value = foreignValue() { return value }
    advance()
    let name = Name(text: word, span: start)
    if at(.arrow), lambdasAllowed {
      advance()
      return make(.lambda(name, expression()), from: start)
    }
    if at(.leftParen), !token.afterNewline { return make(.call(name, arguments()), from: start) }
    return ExprSyntax(kind: .name(word), span: start)
  }

  /// A lambda stands only as a call's argument, where newlines do not count; in `when X =>` the arrow is the branch's.
  private var lambdasAllowed: Bool { !newlinesCount }

  /// Elements on lines of their own, as they may stand in braces.
  private mutating func missesComma() -> Bool {
    guard token.afterNewline, at(.leftBrace) || at(.string) || at(.integer) || at(.fraction) || at(.identifier), !atTopLevel else {
      return false
    }
    let place = lastSpan.after
    report(
      .unexpected, span, "expected a comma before `\(excerpt(text))`", help: "elements of a list are separated by commas",
      fix: Fix("add a comma", .certain, [Edit(Span(source, place.start..<place.start), ",")]))
    return true
  }

  private mutating func list() -> ExprSyntax {
    let start = span
    advance()
    var items: [ExprSyntax] = []
    var foreign: [Span] = []
    let bindings = letDepth
    letDepth = 0
    newlines(false) { parser in
      while !parser.at(.rightBracket), !parser.at(.end), !parser.atTopLevel {
        let before = parser.index
        if let place = parser.foreignJson() { foreign.append(place) }
        items.append(parser.expression())
        guard parser.index != before, parser.take(.comma) || parser.missesComma() else { break }
      }
    }
    letDepth = bindings
    report(foreignJson: foreign)
    expect(.rightBracket, "`]` after the list")
    return make(.list(items), from: start)
  }

  /// `{ a: 1, ...b }`; in `set` also `{ a.b: 1 }`, which is `{ a: { ...a, b: 1 } }`.
  mutating func record(reachesIn: Bool = false) -> ExprSyntax {
    let start = span
    var items: [ExprSyntax.RecordItem] = []
    let bindings = letDepth
    letDepth = 0
    braced("the record's fields") { parser in
      if parser.take(.spread) {
        items.append(.spread(parser.expression()))
        return true
      }
      guard let name = parser.fieldName("a field's name") else { return false }
      if reachesIn, parser.at(.dot) { return parser.reachIn(name, &items) }
      if let call = parser.foreignField(name) {
        items.append(.field(name, call))
        return true
      }
      let hasValue = parser.at(.colon) || parser.at(.equal)
      if hasValue { parser.takeColon("fields are written `\(name.text): …`") }
      items.append(.field(name, hasValue ? parser.expression() : nil))
      return true
    }
    letDepth = bindings
    return make(.record(items), from: start)
  }
}
