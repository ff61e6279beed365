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
    if take(word: "given") { return given(start) }
    if take(word: "expect") { return expectation(start) }
    if take(word: "at") { return .at(expression()) }
    if take(word: "config") {
      guard let section = anyWord("a section"), expect(.dot, "`.`"), let key = anyWord("a key"), expect(.equal, "`=`") else { return nil }
      return .config(section: section, key: key, expression())
    }
    unexpected("`given`, `expect`, `config` or `at`")
    return nil
  }

  mutating func given(_ start: Span) -> TestSyntax.Clause? {
    if take(word: "lookup") {
      guard let endpoint = endpointUse(nil), expect(.equal, "`=` and the rows") else { return nil }
      return .givenLookup(endpoint, expression(), start.joined(lastSpan))
    }
    var endpoint: EndpointSyntax?
    var label: Name?
    if take(.at) {
      label = anyWord("a label")
    } else if at(.identifier), next.kind == .dot {
      endpoint = endpointUse(nil)
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
    return .given(endpoint, label, value, meta: meta, start.joined(lastSpan))
  }

  mutating func expectation(_ start: Span) -> TestSyntax.Clause? {
    let subject: TestSyntax.Subject
    if take(.at) {
      guard let label = anyWord("a label") else { return nil }
      subject = .label(label)
    } else if at(word: "errors"), next.kind != .dot {
      advance()
      subject = .errors(lastSpan)
    } else if at(word: "count"), next.kind == .leftParen {
      let place = span
      advance()
      advance()
      var label: Name?
      var endpoint: EndpointSyntax?
      newlines(false) { parser in
        if parser.take(.at) { label = parser.anyWord("a label") } else { endpoint = parser.endpointUse(nil) }
      }
      expect(.rightParen, "`)`")
      guard label != nil || endpoint != nil else { return nil }
      subject = .count(endpoint, label, place.joined(lastSpan))
    } else {
      guard let endpoint = endpointUse(nil) else { return nil }
      subject = .endpoint(endpoint)
    }
    let matches = take(word: "matches")
    if !matches, !expect(.equalEqual, "`==` or `matches`") { return nil }
    let json = at(word: "json") && (next.kind == .leftBrace || next.kind == .leftBracket)
    if json { advance() }
    return .expect(subject, matches: matches, expression(), json: json, start.joined(lastSpan))
  }
}
