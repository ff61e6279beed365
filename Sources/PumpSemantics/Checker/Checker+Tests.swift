import PumpPlan
import PumpSyntax

extension Checker {
  func check(test syntax: TestSyntax) -> TestSpec? {
    let title = syntax.title.plain ?? "test"
    guard let pipeline = checkedPipelines[syntax.pipeline.text], let declaration = pipelines[syntax.pipeline.text] else {
      reportUnknown(.unknownPipeline, syntax.pipeline, "pipeline", among: pipelines.keys)
      return nil
    }
    symbols.use(.pipeline, syntax.pipeline.text, at: syntax.pipeline.span)
    var given: [TestSpec.Given] = []
    var lookups: [TestSpec.Rows] = []
    var config: [TestSpec.Override] = []
    var now: Int64?
    var expects: [TestSpec.Expect] = []
    var hasExpectation = false
    let sources = pipeline.sources.map(\.spec)
    let input = inputType(pipeline)
    for clause in syntax.clauses {
      switch clause {
      case .given(let endpoint, let label, let value, let meta, let span):
        let wanted = endpoint.map(self.label) ?? label?.text
        if let wanted, !sources.contains(where: { $0.label == wanted }) {
          report(
            .badSubject, span, "`\(wanted)` is no source of `\(pipeline.id)`",
            help: "its sources are \(sources.map(\.label).joined(separator: ", "))")
          continue
        }
        let source = wanted.flatMap { label in sources.first { $0.label == label } } ?? sources.first
        let takesBytes = pipeline.input == .bytes
        let metaValue = meta.map { json($0, .record(source?.meta ?? RecordType(fields: []))).text }
        switch value {
        case .file(let path):
          guard let plain = path.plain else { continue }
          given.append(.init(input: .file(plain), meta: metaValue))
        case .json(let expression):
          for item in list(expression, isList: isList(input)) {
            given.append(.init(input: .json(json(item, input, complete: true).text), meta: metaValue))
          }
        case .value(let expression):
          if case .string(let text) = expression.kind, takesBytes {
            given.append(.init(input: .bytes(text.plain ?? ""), meta: metaValue))
          } else if takesBytes {
            report(
              .badTestData, expression.span, "the source gives Bytes",
              help: "write `given json { … }`, a text in quotes, or `given file \"…\"`")
          } else {
            for item in list(expression, isList: isList(input)) {
              given.append(.init(input: .json(json(item, input, complete: true).text), meta: metaValue))
            }
          }
        }
      case .givenLookup(let endpoint, let rows, let span):
        let label = label(endpoint)
        guard let lookup = pipeline.lookups.firstIndex(where: { $0.label == label }) else {
          report(
            .badSubject, span, "`\(label)` is no lookup of `\(pipeline.id)`",
            help: pipeline.lookups.isEmpty
              ? "the pipeline looks nothing up" : "its lookups are \(pipeline.lookups.map(\.label).joined(separator: ", "))")
          continue
        }
        lookups.append(self.rows(list(rows, isList: false), of: pipeline.lookups[lookup], lookup))
      case .config(let section, let key, let value):
        guard let type = configTypes[section.text]?[key.text] else {
          report(
            .unknownConfig, section.span.joined(key.span), "there is no key `config.\(section.text).\(key.text)`",
            help: "declare it in `config \(section.text)`")
          continue
        }
        let checked = check(value, Scope(), as: type, "`\(section.text).\(key.text)`")
        if let literal = constant(checked) { config.append(.init(section: section.text, key: key.text, value: literal)) }
      case .at(let time):
        let checked = check(time, Scope(), as: .timestamp, "`at`")
        if case .literal(.timestamp(let micros)) = checked.kind { now = micros }
      case .expect(let subject, let matches, let value, _, let span):
        hasExpectation = true
        if let expect = expectation(subject, matches, value, span, pipeline, declaration) { expects.append(expect) }
      }
    }
    if !hasExpectation {
      report(
        .badTestData, syntax.title.span, "this test expects nothing",
        help: "add `expect SINK == […]`, `expect errors == []` or `expect count(SINK) == 1`")
    }
    return TestSpec(
      title: title, pipeline: pipeline.id, given: given, lookups: lookups, config: config, now: now, expects: expects,
      place: place(syntax.span))
  }

  /// What a `json {…}` of a test is read as: the first decode's type, or that of the typed source.
  private func inputType(_ pipeline: TypedPipeline) -> Type? {
    guard pipeline.input == .bytes else { return pipeline.input }
    for step in pipeline.steps {
      if case .plain(.decode(let format, let type, _, _)) = step.kind { return format.name == "json" ? type : nil }
    }
    return nil
  }

  /// What a lookup finds in a test. A row has its key beside what the type asks for, so its fields are not held against the
  /// type; the key is the column that the lookup names, else the member `key`.
  private func rows(_ rows: [ExprSyntax], of lookup: EndpointSpec, _ number: Int) -> TestSpec.Rows {
    var key = "key"
    for name in ["column", "field"] {
      if case .literal(.string(let column))? = lookup.setting(name)?.value { key = column }
    }
    let values = rows.map { row in
      let value = json(row, nil)
      if case .object(let members) = value, !members.contains(where: { $0.key == key }) {
        report(
          .badTestData, row.span, "this row of `\(lookup.label)` has no `\(key)`, by which it is found",
          help: "write `\(key): …`, the value of the lookup's `key`, beside the fields")
      }
      return value
    }
    return .init(lookup: number, key: key, rows: JSONLiteral.array(values).text)
  }

  private func isList(_ type: Type?) -> Bool { if case .list = type { true } else { false } }

  private func list(_ expression: ExprSyntax, isList: Bool) -> [ExprSyntax] {
    if case .list(let items) = expression.kind, !isList { return items }
    return [expression]
  }

  private func expectation(
    _ subject: TestSyntax.Subject, _ matches: Bool, _ value: ExprSyntax, _ span: Span, _ pipeline: TypedPipeline,
    _ declaration: PipelineSyntax
  ) -> TestSpec.Expect? {
    func sink(_ label: String, _ place: Span) -> (sink: Int?, type: Type?)? {
      let sinks = Lowering.lower(pipeline).spec.sinks
      if let found = sinks.firstIndex(where: { $0.label == label || $0.pipeline == label }) {
        return (found, sinks[found].endpoint.flatMap { $0.type == .bytes ? nil : $0.type })
      }
      // As one writes them in `expect`: the label of a step where it has one, else the endpoint as it stands there.
      let known = pipeline.allSteps.compactMap { step -> (label: String, text: String)? in
        guard case .sink(let endpoint) = step.kind else { return nil }
        var text = endpoint.span.text.prefix { $0 != "\n" && $0 != "{" }
        while text.last == " " { text.removeLast() }
        return (endpoint.spec.label, step.name == endpoint.spec.label ? "@\(step.name)" : String(text))
      }
      let near = nearest(to: label, in: known.map(\.label)).flatMap { near in known.first { $0.label == near }?.text }
      report(
        .badSubject, place, "`\(label)` is no sink of `\(pipeline.id)`",
        help: near.map { "did you mean `\($0)`?" }
          ?? (known.isEmpty ? nil : "its sinks are \(known.map { "`\($0.text)`" }.joined(separator: ", "))"))
      return nil
    }
    var found: (sink: Int?, type: Type?)?
    var isCount = false
    switch subject {
    case .errors: found = (nil, nil)
    case .label(let name): found = sink(name.text, name.span)
    case .endpoint(let endpoint): found = sink(label(endpoint), endpoint.span)
    case .count(let endpoint, let name, let place):
      isCount = true
      if let endpoint, endpoint.target.text == "errors", endpoint.endpoint == nil {
        found = (nil, nil)
      } else {
        found = sink(endpoint.map(label) ?? name!.text, place)
      }
    }
    guard let found else { return nil }
    let expectation: TestSpec.Expectation
    if isCount {
      guard case .literal(.integer(let digits)) = value.kind, let number = Int(digits) else {
        report(.badTestData, value.span, "a count is a whole number", help: "write `expect count(SINK) == 2`")
        return nil
      }
      expectation = .count(number)
    } else {
      guard case .list(let items) = value.kind else {
        report(.badTestData, value.span, "what a sink got is a list", help: "write `== [ … ]`")
        return nil
      }
      let rows = JSONLiteral.array(items.map { json($0, found.type) }).text
      expectation = matches ? .matches(rows) : .equals(rows)
    }
    // In one line; spaces within a text stay as many as they are.
    let text = span.text.split(whereSeparator: \.isNewline).map { $0.drop(while: \.isWhitespace) }.joined(separator: " ")
    return .init(sink: found.sink, expectation: expectation, text: text, place: place(span))
  }

  /// A value of a test as JSON; names of fields and cases are checked against the type where it is known.
  func json(_ syntax: ExprSyntax, _ type: Type?, complete: Bool = false) -> JSONLiteral {
    let type = type?.wrapped
    switch syntax.kind {
    case .literal(let literal):
      switch literal {
      case .null: return .null
      case .bool(let value): return .bool(value)
      case .integer(let text), .fraction(let text): return .number(text)
      case .duration(let text), .date(let text), .timestamp(let text), .regex(let text): return .string(text)
      case .size(let text): return .number(String(Quantity.size(text) ?? 0))
      }
    case .string(let text):
      if text.plain == nil { report(.badTestData, syntax.span, "a test's text is plain", help: "write it without `\\( )`") }
      return .string(text.plain ?? "")
    case .unary(.minus, let operand):
      if case .number(let text) = json(operand, type) { return .number("-" + text) }
    case .name(let word):
      if case .enumeration(let enumeration)? = type {
        if let item = enumeration.cases.first(where: { $0.name == word }) { return .string(item.wire) }
        reportUnknown(.unknownCase, Name(text: word, span: syntax.span), "case of \(type!)", among: enumeration.cases.map(\.name))
      }
      return .string(word)
    case .member(let base, let name, _):
      if case .name = base.kind { return json(ExprSyntax(kind: .name(name.text), span: syntax.span), type) }
    case .list(let items):
      let element: Type? = if case .list(let inner)? = type { inner } else { nil }
      return .array(items.map { json($0, element, complete: complete) })
    case .record(let items):
      var members: [JSONLiteral.Member] = []
      for case .field(let name, let value) in items {
        var inner: Type?
        var key = name.text
        switch type {
        case .record(let record)?:
          guard let field = record.fields.first(where: { $0.name == name.text || $0.wire == name.text }) else {
            reportUnknown(.unknownField, name, "field", among: record.fields.map(\.name))
            continue
          }
          inner = field.type
          key = field.wire
        case .map(let element)?: inner = element
        case nil, .json?, .erroneous?: break
        default: report(.badTestData, syntax.span, "\(type!) is due here", help: nil)
        }
        members.append(.init(key: key, value: value.map { json($0, inner, complete: complete) } ?? .null))
      }
      if complete, case .record(let record)? = type {
        let missing = record.fields.filter { field in
          !field.type.isOptional && field.value == nil && !members.contains { $0.key == field.wire }
        }
        if let first = missing.first {
          let names = missing.map { "`\($0.name)`" }
          report(
            .badTestData, syntax.span,
            missing.count == 1 ? "field `\(first.name)` is missing" : "fields \(names.joined(separator: ", ")) are missing",
            help: "write \(missing.count == 1 ? "it" : "them"); an event that lacks one on purpose is given as text: `given \"{…}\"`")
        }
      }
      return .object(members)
    default: break
    }
    report(.badTestData, syntax.span, "a test's data are literals", help: "write the value itself")
    return .null
  }
}
