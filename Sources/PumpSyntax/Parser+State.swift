/// Steps that work on many events, and the time that they go by.
extension Parser {
  /// The words that begin such a step.
  public static let stateWords: Set<String> = ["group", "join", "left", "dedupe", "previous", "running", "fold", "order"]

  /// What follows `time`.
  mutating func time() -> StepSyntax.Kind {
    let value = expression()
    guard take(word: "late") else {
      unexpectedClause("`late` and how late an event may be", help: "write `time \(excerpt(value.span.text)) late 10s`")
      return .erroneous
    }
    let late = constant()
    var idle: TimeSyntax.Idle?
    if take(word: "idle") { idle = take(word: "never") ? .never(lastSpan) : .after(constant()) }
    return .time(TimeSyntax(value: value, late: late, idle: idle))
  }

  /// What follows the word of a step that keeps something.
  mutating func state(_ word: String) -> StepSyntax.Kind {
    var keys: [ExprSyntax]?
    let isJoin = word == "join" || word == "left"
    if !isJoin, word != "order" {
      if take(word: "by") {
        keys = at(.leftBrace) ? [record()] : keyFields()
      } else if word != "group" {
        unexpectedClause("`by` and the key", help: "write `\(Self.stateExamples[word]!)`")
        return .erroneous
      }
    }
    guard let kind = stateKind(word, keys) else { return .erroneous }
    // The body of a group and of `running` is the last.
    guard case .group(let window, let onChange, _) = kind else {
      return finish(
        word, kind, keys, limit: limit(isJoin || word == "order" || word == "running" ? "rows" : "keys"), asRead: asRead())
    }
    let (limit, read) = (limit("keys"), asRead())
    guard keys != nil || !at(.dot) && !at(.leftParen) else {
      unexpectedClause("`by` and the key", help: "write `group by .id window tumbling 1m { n: count() }`")
      return .erroneous
    }
    guard at(.leftBrace) else {
      if at(word: "window") || at(word: "emit") {
        report(
          .unexpected, span, "`\(text)` stands before `limit` and `as read`",
          help: "write `group by .id window tumbling 1m emit on change limit 1_000 keys { n: count() }`")
        return .erroneous
      }
      unexpectedClause(
        "`{` and what is computed of each group",
        help: keys == nil ? "write `group by .id window tumbling 1m { n: count() }`" : "write `{ n: count() }`")
      return .erroneous
    }
    return finish(word, .group(window, onChange: onChange, body: record()), keys, limit: limit, asRead: read)
  }

  private func finish(
    _ word: String, _ kind: StateSyntax.Kind, _ keys: [ExprSyntax]?, limit: (ExprSyntax, StateSyntax.Unit)?, asRead: Span?
  ) -> StepSyntax.Kind {
    .state(StateSyntax(word: word, kind: kind, keys: keys, limit: limit, asRead: asRead))
  }

  private mutating func keyFields() -> [ExprSyntax] {
    var fields = [expression()]
    while take(.comma) { fields.append(expression()) }
    return fields
  }

  private mutating func stateKind(_ word: String, _ keys: [ExprSyntax]?) -> StateSyntax.Kind? {
    switch word {
    case "group":
      var window: WindowSyntax?
      if take(word: "window") {
        guard let read = self.window() else { return nil }
        window = read
      }
      var onChange: Span?
      if at(word: "emit") {
        let start = span
        advance()
        guard take(word: "on"), take(word: "change") else {
          unexpectedClause("`on change`", help: "a group gives its result at the end of its window, and with `emit on change` before, too")
          return nil
        }
        onChange = start.joined(lastSpan)
      }
      return .group(window, onChange: onChange, body: erroneous())
    case "join": return join(isLeft: false)
    case "left":
      guard take(word: "join") else {
        unexpectedClause("`join`", help: "write `left join payments as p on .id == p.order_id within 10m`")
        return nil
      }
      return join(isLeft: true)
    case "dedupe":
      if take(word: "last") {
        let count = constant()
        guard take(word: "keys") else {
          unexpectedClause("`keys`", help: "write `dedupe by .id last 100_000 keys`")
          return nil
        }
        return .dedupeLast(count)
      }
      return within("dedupe by .id within 10m").map { .dedupe(within: $0) }
    case "previous":
      guard let within = within("previous by .id within 1h as before"), let name = named("before") else { return nil }
      return .previous(within: within, as: name)
    case "running":
      guard let within = within("running by .card within 10m as recent { n: count() }"), let name = named("recent") else { return nil }
      guard at(.leftBrace) else {
        unexpectedClause("`{` and what is computed", help: "write `{ n: count() }`")
        return nil
      }
      return .running(within: within, as: name, body: record())
    case "fold":
      guard let within = within("fold by .id within 30d as acc: { n: Int = 0 } = { n: acc.n + 1 }"), let name = named("acc"),
        expect(.colon, "`:` and the fields that are kept", help: "write `as acc: { n: Int = 0 } = { n: acc.n + 1 }`")
      else { return nil }
      let type = type()
      guard expect(.equal, "`=` and what is kept after this event", help: "write `= { n: acc.n + 1 }`") else { return nil }
      return .fold(within: within, as: name, type, next: expression())
    default:
      if at(word: "by") {
        report(
          .unexpected, span, "`order` sorts by the time of events alone",
          help: "write `|> order`; of a group's events, `top(10, it, by: .x)`")
        advance()
        _ = keyFields()
        return nil
      }
      return .order
    }
  }

  private mutating func join(isLeft: Bool) -> StateSyntax.Kind? {
    let example = "\(isLeft ? "left " : "")join payments as p on .id == p.order_id within 10m"
    let isLatest = at(word: "latest") && next.kind == .identifier && text(of: next) != "as"
    if isLatest { advance() }
    guard let stream = name("the name of a stream") else { return nil }
    if at(.dot) || at(.leftParen) {
      report(
        .unexpected, stream.span, "a join reads a stream",
        help: "declare one: `stream NAME { source \(stream.text).… }`; rows are found by `|> lookup …`")
      return nil
    }
    if text.lowercased() == "for" {
      unexpected(
        "`as` and a name for its event",
        help: "the version of the event's time is found by `join latest \(stream.text) as p on .id == p.id`")
      return nil
    }
    guard take(word: "as"), let name = name("a name for its event") else {
      unexpectedClause("`as` and a name for its event", help: "write `\(example)`")
      return nil
    }
    guard take(word: "on") else {
      unexpectedClause("`on` and which events belong together", help: "write `\(example)`")
      return nil
    }
    let syntax = JoinSyntax(isLeft: isLeft, stream: stream, name: name, condition: expression())
    if isLatest {
      if at(word: "within") {
        report(
          .unexpected, span, "`join latest` has no `within`: it finds the version of the event's time",
          help: "leave it out, or write `join \(stream.text) as \(name.text) …` for all events so near")
        return nil
      }
      return .joinLatest(syntax)
    }
    guard let first = within(example) else { return nil }
    let bounds = take(word: "to") ? [first, constant()] : [first]
    foreignCondition()
    return .join(syntax, within: bounds)
  }

  private mutating func within(_ example: String) -> ExprSyntax? {
    guard take(word: "within") else {
      unexpectedClause("`within` and for how long", help: "write `\(example)`")
      return nil
    }
    return constant()
  }

  private mutating func named(_ example: String) -> Name? {
    guard take(word: "as") else {
      unexpectedClause("`as` and a name", help: "write `as \(example)`")
      return nil
    }
    return name("a field's name")
  }

  private mutating func window() -> WindowSyntax? {
    let start = span
    guard let kind = windowKind() else { return nil }
    return WindowSyntax(kind: kind, span: start.joined(lastSpan))
  }

  private mutating func windowKind() -> WindowSyntax.Kind? {
    guard at(.identifier), ["tumbling", "sliding", "session", "rows"].contains(text) else {
      unexpectedClause(
        "`tumbling`, `sliding`, `session` or `rows`",
        help: "write `window tumbling 1m`, `window sliding 5m every 1m`, `window session 30m` or `window rows 100`")
      return nil
    }
    let word = text
    advance()
    if foreignWindow(word) { return nil }
    switch word {
    case "tumbling":
      if at(.identifier), let calendar = WindowSyntax.Calendar(rawValue: text) {
        advance()
        guard take(word: "zone") else {
          unexpectedClause("`zone`", help: "write `window tumbling \(calendar.rawValue) zone \"Europe/Prague\"`")
          return nil
        }
        return .calendar(calendar, zone: expression())
      }
      let length = constant()
      return .tumbling(length, offset: take(word: "offset") ? constant() : nil)
    case "sliding":
      let length = constant()
      guard take(word: "every") else {
        unexpectedClause("`every` and how often one begins", help: "write `window sliding 5m every 1m`")
        return nil
      }
      return .sliding(length, every: constant())
    case "session": return .session(constant())
    default:
      let count = constant()
      return .rows(count, within: take(word: "within") ? constant() : nil)
    }
  }

  private mutating func limit(_ unit: String) -> (ExprSyntax, StateSyntax.Unit)? {
    guard take(word: "limit") else { return nil }
    let count = constant()
    guard at(.identifier), let unit = StateSyntax.Unit(rawValue: text) else {
      unexpectedClause("`keys` or `rows`", help: "write `limit 1_000_000 \(unit)`")
      return nil
    }
    advance()
    return (count, unit)
  }

  private mutating func asRead() -> Span? {
    guard at(word: "as"), text(of: next) == "read" else { return nil }
    let start = span
    advance()
    advance()
    return start.joined(lastSpan)
  }

  /// A literal, or a key of the configuration: what holds for the whole run.
  private mutating func constant() -> ExprSyntax {
    foreignConstant()
    return binary(minimum: 8)
  }
}
