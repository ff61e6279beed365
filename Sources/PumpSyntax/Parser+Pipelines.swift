extension Parser {
  /// Every step's keyword; anything else that looks like a call is a named stage.
  public static let stepWords: Set<String> = [
    "decode", "encode", "filter", "assert", "map", "set", "drop", "rename", "expand", "lookup", "route", "tee", "log",
    "sample", "sink", "reply", "discard", "time", "group", "join", "left", "dedupe", "previous", "running", "fold", "order",
  ]

  mutating func pipeline(_ docs: String?, _ start: Span, isStream: Bool = false) -> ItemSyntax? {
    let what = isStream ? "stream" : "pipeline"
    guard let name = name("a \(what)'s id") else { return nil }
    var result = PipelineSyntax(name: name, docs: docs, isStream: isStream, origin: .erroneous, span: start)
    var hasOrigin = false
    braced("the \(what)'s body", holdsSteps: true) { parser in
      if parser.at(word: "source") || parser.at(word: "input") || parser.at(.at) {
        guard !hasOrigin else {
          parser.report(
            .unexpected, parser.span, "this pipeline has its origin already", help: "use `source merge(a, b)` for several sources")
          return false
        }
        hasOrigin = true
        result.origin = parser.origin()
        result.steps = parser.chain()
        return true
      }
      if parser.at(word: "on"), parser.next.kind == .identifier {
        result.onError = parser.errorRoute()
        return result.onError != nil
      }
      if parser.at(.pipe) || parser.atForeignPipe() {
        let steps = parser.chain()
        result.steps += steps
        return !steps.isEmpty
      }
      if !hasOrigin, parser.at(.identifier), parser.next.kind == .dot {
        let place = parser.span
        parser.report(
          .noOrigin, place, "\(what) `\(name.text)` has no source", help: "write `source \(parser.text)…`",
          fix: Fix("write `source`", .certain, [Edit(Span(parser.source, place.start..<place.start), "source ")]))
        hasOrigin = true
        guard let endpoint = parser.endpointUse(nil) else { return false }
        result.origin = .source(endpoint)
        result.steps = parser.chain()
        return true
      }
      guard parser.at(.identifier) || parser.at(.string), parser.next.kind == .equal || parser.next.kind == .leftBrace else {
        parser.unexpected("a setting, `source`, `input` or `on error`", help: "steps after the source begin with `|>`")
        return false
      }
      guard let setting = parser.setting() else { return false }
      if hasOrigin {
        parser.report(.unexpected, setting.span, "settings come before the source", help: "move `\(setting.name.text)` up")
      }
      result.settings.append(setting)
      return true
    }
    if !hasOrigin, !tooDeep {
      report(
        .noOrigin, name.span, "\(what) `\(name.text)` has no source",
        help: "begin it with `source file.lines(\"in.ndjson\")`, or with `input T` where other pipelines feed it")
    }
    result.span = start.joined(lastSpan)
    return .pipeline(result)
  }

  private mutating func origin() -> OriginSyntax {
    var label: Name?
    if take(.at) { label = anyWord("a label") }
    if take(word: "input") { return .input(type()) }
    guard take(word: "source") else {
      unexpected("`source`")
      return .erroneous
    }
    let start = lastSpan
    if at(word: "merge"), next.kind == .leftParen {
      advance()
      advance()
      var sources: [EndpointSyntax] = []
      newlines(false) { parser in
        while !parser.at(.rightParen), !parser.at(.end) {
          var label: Name?
          if parser.take(.at) { label = parser.anyWord("a label") }
          guard let source = parser.endpointUse(label) else { break }
          sources.append(source)
          if !parser.take(.comma) { break }
        }
      }
      expect(.rightParen, "`)` after the merged sources")
      return .merge(sources, start.joined(lastSpan))
    }
    guard let source = endpointUse(label) else { return .erroneous }
    return .source(source)
  }

  private mutating func errorRoute() -> ErrorRouteSyntax? {
    let start = span
    advance()
    guard take(word: "error") else {
      unexpected("`error`", help: "write `on error |> …`, `on error halt` or `on error skip`")
      return nil
    }
    if take(word: "halt") { return .halt(start.joined(lastSpan)) }
    if take(word: "skip") { return .skip(start.joined(lastSpan)) }
    guard at(.pipe) else {
      unexpected(
        "`|>`, `halt` or `skip`", help: "`on error halt` ends the run, `on error skip` counts, `on error |> …` takes what failed somewhere")
      return nil
    }
    return .chain(chain(), start.joined(lastSpan))
  }

  /// `conn.thing(args) as T { settings }`; a bare name for a pipeline.
  mutating func endpointUse(_ label: Name?) -> EndpointSyntax? {
    let start = span
    guard let target = name("a connection, `file`, `stdin` or another endpoint") else { return nil }
    var endpoint: Name?
    var args: [ArgumentSyntax] = []
    if take(.dot) {
      guard let name = anyWord("an endpoint's name after the dot") else { return nil }
      endpoint = name
    }
    if at(.leftParen), !token.afterNewline { args = arguments() }
    var type: TypeSyntax?
    if continues, at(word: "as"), next.kind == .identifier || next.kind == .leftBracket || next.kind == .leftBrace,
      !(next.kind == .identifier && tokens[min(index + 2, tokens.count - 1)].kind == .colon)
    {
      advance()
      type = self.type()
    }
    let settings = at(.leftBrace) && !token.afterNewline ? settings() : []
    return EndpointSyntax(
      label: label, target: target, endpoint: endpoint, arguments: args, type: type, settings: settings, span: start.joined(lastSpan))
  }

  /// Zero or more `|> step`.
  mutating func chain() -> [StepSyntax] {
    var steps: [StepSyntax] = []
    goOn(&steps)
    return steps
  }

  private mutating func goOn(_ steps: inout [StepSyntax]) {
    while take(.pipe) || atForeignPipe() && take(.returns) { steps.append(step()) }
  }

  /// `->` where a step begins.
  private mutating func atForeignPipe() -> Bool {
    guard at(.returns), token.afterNewline else { return false }
    report(.unexpected, span, "`->` begins no step", help: "steps begin with `|>`", fix: Fix("write `|>`", .certain, [Edit(span, "|>")]))
    return true
  }

  /// A chain inside braces or after `=>`: its first step needs no `|>`.
  mutating func innerChain() -> [StepSyntax] {
    _ = take(.pipe)
    var steps = [step()]
    goOn(&steps)
    return steps
  }

  mutating func step() -> StepSyntax {
    let start = span
    var label: Name?
    if take(.at) { label = anyWord("a label after `@`") }
    let kind = nested { $0.stepKind(label) } ?? .erroneous
    if case .erroneous = kind { recoverStep() }
    return StepSyntax(label: label, kind: kind, span: start.joined(lastSpan))
  }

  /// Skips to the next `|>` or the end of this line's braces.
  private mutating func recoverStep() {
    var open = 0
    while !at(.end), !atTopLevel {
      if open == 0, at(.pipe) || at(.rightBrace) || token.afterNewline { return }
      switch token.kind {
      case .leftBrace, .leftParen, .leftBracket: open += 1
      case .rightBrace, .rightParen, .rightBracket: open -= 1
      default: break
      }
      advance()
    }
  }

  private mutating func stepKind(_ label: Name?) -> StepSyntax.Kind {
    guard at(.identifier) else {
      unexpected("a step", help: "steps are \(Self.stepWords.sorted().joined(separator: ", ")), or a stage's name")
      return .erroneous
    }
    let word = text
    let start = span
    if next.kind == .leftParen, !Self.stepWords.contains(word) || word == "lookup" {
      advance()
      return .call(Name(text: word, span: start), arguments())
    }
    guard Self.stepWords.contains(word) else {
      advance()
      if let example = Self.stateExamples[word.lowercased()] {
        report(.unknownStep, start, "`\(excerpt(word))` is no step", help: "words are in lower case: `|> \(example)`")
      } else if let answer = ForeignWords.steps[word.lowercased()] {
        report(.unknownStep, start, "`\(excerpt(word))` is no step", help: answer.help, fix: answer.fix(start))
        if let known = answer.word { return stepKind(known, label) }
      } else if let near = nearest(to: word, in: Self.stepWords) {
        report(
          .unknownStep, start, "`\(excerpt(word))` is no step", help: "did you mean `\(near)`?", fix: Fix(renaming: start, word, to: near))
      } else {
        report(
          .unknownStep, start, "`\(excerpt(word))` is no step",
          help: "steps are \(Self.stepWords.sorted().joined(separator: ", ")), or a stage called as `name()`")
      }
      return .erroneous
    }
    advance()
    return stepKind(word, label)
  }

  /// What follows the word of a step.
  private mutating func stepKind(_ word: String, _ label: Name?) -> StepSyntax.Kind {
    switch word {
    case "decode", "encode": return format(word)
    case "filter": return .filter(expression())
    case "assert":
      let condition = expression()
      guard expect(.comma, "a comma and the reason", help: "write `assert .total > 0, \"total must be positive\"`") else {
        return .erroneous
      }
      return .assert(condition, expression())
    case "map": return .map(at(.leftBrace) ? record() : expression())
    case "set":
      guard at(.leftBrace) else {
        unexpected("`{` and the fields to set", help: "write `set { total: .price * .qty }`")
        return .erroneous
      }
      return .set(record(reachesIn: true))
    case "drop": return drop()
    case "rename": return rename()
    case "expand":
      let list = expression()
      guard take(word: "as"), let name = name("a name for one element") else {
        unexpected("`as` and a name for one element", help: "write `expand .items as item`")
        return .erroneous
      }
      return .expand(list, as: name)
    case "lookup":
      guard let endpoint = endpointUse(label), take(word: "as"), let name = name("a field's name") else {
        unexpected("`as name: Type`", help: "write `lookup db.table(\"customers\", key: .customer) as customer_row: Customer`")
        return .erroneous
      }
      guard expect(.colon, "`:` and the type of a row") else { return .erroneous }
      return .lookup(endpoint, as: name, type: type())
    case "route": return route()
    case "tee":
      var steps: [StepSyntax] = []
      braced("the side chain", holdsSteps: true) { parser in
        guard steps.isEmpty else {
          parser.unexpected("`|>` or `}`")
          return false
        }
        steps = parser.innerChain()
        return true
      }
      return .tee(steps, whenDown())
    case "log":
      guard !at(.pipe), !at(.rightBrace), !token.afterNewline else {
        unexpected("what to log", help: "write `log it`, or `log \"total \\(.total)\"`")
        return .erroneous
      }
      return .log(expression())
    case "sample":
      let number = text
      guard at(.integer) || at(.fraction) else {
        unexpected("a percentage", help: "write `sample 1%`")
        return .erroneous
      }
      let place = span
      advance()
      let share = Double(number).map { $0 < 1 ? $0 * 100 : $0 } ?? 1
      let help = "write `sample \(share == share.rounded() ? String(Int(share)) : String(share))%`"
      guard expect(.percent, "`%` after the number", help: help) else { return .erroneous }
      return .sample(percent: number, place.joined(lastSpan))
    case "sink":
      guard let endpoint = endpointUse(label) else { return .erroneous }
      return .sink(endpoint)
    case "time": return time()
    case _ where Self.stateWords.contains(word): return state(word)
    case "reply": return .reply(at(.leftBrace) && !token.afterNewline ? settings() : [])
    default: return .discard
    }
  }

  private mutating func format(_ word: String) -> StepSyntax.Kind {
    guard let format = anyWord("a format", orHelp: "`pumpc formats` lists them") else { return .erroneous }
    let arguments = at(.leftParen) ? arguments() : []
    if word == "encode" { return .encode(format: format, arguments: arguments) }
    let type = take(word: "as") ? type() : nil
    return .decode(format: format, arguments: arguments, type: type)
  }

  private mutating func anyWord(_ what: String, orHelp help: String) -> Name? {
    guard at(.identifier), !token.afterNewline else {
      unexpected(what, help: help)
      return nil
    }
    return anyWord(what)
  }

  private mutating func drop() -> StepSyntax.Kind {
    var paths: [[Name]] = []
    repeat {
      _ = take(.dot)
      var path: [Name] = []
      repeat {
        guard let name = fieldName("a field's name") else { return .erroneous }
        path.append(name)
      } while take(.dot)
      paths.append(path)
    } while take(.comma)
    return .drop(paths)
  }

  private mutating func rename() -> StepSyntax.Kind {
    var pairs: [(old: Name, new: Name)] = []
    repeat {
      _ = take(.dot)
      guard let old = fieldName("a field's name") else { return .erroneous }
      if at(word: "to"), next.kind == .identifier {
        report(
          .unexpected, span, "`to` has no meaning here", help: "write `as`", fix: Fix("write `as`", .certain, [Edit(span, "as")]))
        advance()
      } else if !take(word: "as") {
        unexpected("`as` and the new name", help: "write `rename \(old.text) as new_name`")
        return .erroneous
      }
      guard let new = fieldName("the new name") else { return .erroneous }
      pairs.append((old, new))
    } while take(.comma)
    return .rename(pairs)
  }

  private mutating func route() -> StepSyntax.Kind {
    var arms: [ArmSyntax] = []
    braced("the branches", holdsSteps: true) { parser in
      let start = parser.span
      var condition: ExprSyntax?
      if !parser.take(word: "else") {
        guard parser.take(word: "when") else {
          parser.unexpected("`when` or `else`", help: "branches are written `when .x == 1 => sink …` and `else => discard`")
          return false
        }
        condition = parser.expression()
      }
      guard parser.expect(.arrow, "`=>` and the branch's steps") else { return false }
      arms.append(ArmSyntax(condition: condition, steps: parser.innerChain(), span: start.joined(parser.lastSpan)))
      return true
    }
    return .route(arms)
  }

  mutating func stage(_ docs: String?, _ start: Span) -> ItemSyntax? {
    guard let name = name("a stage's name") else { return nil }
    let parameters = at(.leftParen) ? parameters() : []
    guard take(word: "on") else {
      unexpected("`on` and the type of the events", help: "stages are written `stage name(params) on T = |> …`")
      return nil
    }
    let input = type()
    guard expect(.equal, "`=` and the stage's steps") else { return nil }
    return .stage(
      StageSyntax(name: name, docs: docs, parameters: parameters, input: input, steps: innerChain(), span: start.joined(lastSpan)))
  }

  /// On the line of the brace: what a branch does whose system is down.
  private mutating func whenDown() -> WhenDownSyntax? {
    guard continues, at(word: "when"), text(of: next) == "down", !next.afterNewline else { return nil }
    let start = span
    advance()
    advance()
    let kind: WhenDownSyntax.Kind
    if take(word: "wait") {
      kind = .wait
    } else if take(word: "shed") {
      kind = .shed
    } else if take(word: "spill"), continues {
      kind = .spill(expression())
    } else {
      unexpected("`wait`, `spill` and a size, or `shed`", help: "write `when down spill 1GiB`")
      return nil
    }
    return WhenDownSyntax(kind: kind, span: start.joined(lastSpan))
  }
}
