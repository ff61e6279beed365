extension Parser {
  mutating func test(_ start: Span) -> ItemSyntax? {
    guard at(.string) else {
      unexpected("the test's title as a string", help: "tests are written `test \"what holds\" for pipeline { … }`")
      return nil
    }
    let title = string()
    guard take(word: "for"), let pipeline = name("the pipeline's id") else {
      unexpected("`for` and the pipeline's id")
      return nil
    }
    var clauses: [TestSyntax.Clause] = []
    braced("the test's clauses") { parser in
      guard let clause = parser.clause() else { return false }
      clauses.append(clause)
      return true
    }
    return .test(TestSyntax(title: title, pipeline: pipeline, clauses: clauses, span: start.joined(lastSpan)))
  }

  mutating func clause() -> TestSyntax.Clause? {
    let start = span
    if take(word: "given") { return given() }
    if take(word: "expect") { return expectation(start) }
    if take(word: "at") { return .at(expression()) }
    if take(word: "config") {
      guard let section = anyWord("a section"), expect(.dot, "`.`"), let key = anyWord("a key"), expect(.equal, "`=`") else { return nil }
      return .config(section: section, key: key, expression())
    }
    unexpected("`given`, `expect`, `config` or `at`")
    return nil
  }

  private mutating func target() -> TestSyntax.Target? {
    take(.at) ? anyWord("a label").map(TestSyntax.Target.label) : endpointUse(nil).map(TestSyntax.Target.endpoint)
  }

  private mutating func given() -> TestSyntax.Clause? {
    if take(word: "lookup") {
      guard let target = target(), expect(.equal, "`=` and the rows") else { return nil }
      return .givenLookup(target, expression())
    }
    var target: TestSyntax.Target?
    if at(.at) || at(.identifier) && next.kind == .dot {
      target = self.target()
      if target == nil { return nil }
    }
    let value: TestSyntax.Given
    if at(word: "json"), next.kind == .leftBrace || next.kind == .leftBracket || next.kind == .string {
      advance()
      value = .json(expression())
    } else if at(word: "file"), next.kind == .string {
      advance()
      value = .file(string())
    } else {
      value = .value(expression())
    }
    var meta: ExprSyntax?
    if take(word: "with") {
      guard take(word: "meta") else {
        unexpected("`meta` and its fields")
        return nil
      }
      meta = record()
    }
    return .given(target, value, meta: meta)
  }

  private mutating func subject() -> TestSyntax.Subject? {
    if at(word: "errors"), next.kind != .dot {
      advance()
      return .errors
    }
    return target().map(TestSyntax.Subject.target)
  }

  private mutating func expectation(_ start: Span) -> TestSyntax.Clause? {
    let counted = at(word: "count") && next.kind == .leftParen
    var found: TestSyntax.Subject?
    if counted {
      advance()
      advance()
      newlines(false) { found = $0.subject() }
      expect(.rightParen, "`)`")
    } else {
      found = subject()
    }
    guard let subject = found else { return nil }
    let matches = take(word: "matches")
    if !matches, !expect(.equalEqual, "`==` or `matches`") { return nil }
    let json = at(word: "json") && (next.kind == .leftBrace || next.kind == .leftBracket)
    if json { advance() }
    return .expect(subject, counted: counted, matches: matches, expression(), start.joined(lastSpan))
  }
}
