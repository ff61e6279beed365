import PumpPlan
import PumpSyntax

extension Checker {
  func check(test syntax: TestSyntax) -> TestSpec? {
    let title = syntax.title.plain ?? "test"
    guard let pipeline = checkedPipelines[syntax.pipeline.text] else {
      reportUnknown(.unknownPipeline, syntax.pipeline, "pipeline", among: pipelines.keys)
      return nil
    }
    symbols.use(.pipeline, syntax.pipeline.text, at: syntax.pipeline.span)
    // What a mistake of the pipeline makes of its tests is no mistake of theirs.
    let isBroken = brokenPipelines.contains(pipeline.id)
    silenced += isBroken ? 1 : 0
    defer { silenced -= isBroken ? 1 : 0 }
    var given: [TestSpec.Given] = []
    var lookups: [TestSpec.Rows] = []
    var config: [TestSpec.Override] = []
    var now: Int64?
    var expects: [TestSpec.Expect] = []
    var hasExpectation = false
    for clause in syntax.clauses {
      switch clause {
      case .given(let target, let value, let meta):
        guard let (reader, source) = source(target, pipeline) else { continue }
        let stream = reader.id == pipeline.id ? nil : reader.id
        let metaValue = meta.map { json($0, .record(source?.spec.meta ?? RecordType(fields: []))).text }
        let takesBytes = reader.input == .bytes
        let input = inputType(reader)
        switch value {
        case .file(let path):
          guard let plain = path.plain else { continue }
          given.append(.init(input: .file(plain), meta: metaValue, stream: stream))
        case .value(let expression) where takesBytes:
          guard let text = Self.plain(expression) else {
            report(
              .badTestData, expression.span, "the source gives Bytes",
              help: "write `given json { … }`, a text in quotes, or `given file \"…\"`")
            continue
          }
          given.append(.init(input: .bytes(text), meta: metaValue, stream: stream))
        case .json(let expression), .value(let expression):
          for item in list(expression, isList: isList(input)) {
            given.append(.init(input: .json(json(item, input, as: takesBytes ? .document : .event).text), meta: metaValue, stream: stream))
          }
        }
      case .givenLookup(let target, let rows):
        guard let lookup = endpoint(target, .lookup, pipeline.lookups, pipeline) else { continue }
        lookups.append(self.rows(list(rows, isList: false), of: pipeline.lookups[lookup].spec, lookup))
      case .config(let section, let key, let value):
        guard let type = configTypes[section.text]?[key.text] else {
          report(
            .unknownConfig, section.span.joined(key.span), "there is no key `config.\(section.text).\(key.text)`",
            help: "declare it in `config \(section.text)`")
          continue
        }
        // What a test gives for a secret is none.
        let checked = check(value, Scope(), as: type == .secret ? .string : type, "`\(section.text).\(key.text)`")
        if let literal = constant(checked) { config.append(.init(section: section.text, key: key.text, value: literal)) }
      case .at(let time):
        let checked = check(time, Scope(), as: .timestamp, "`at`")
        if case .literal(.timestamp(let micros)) = checked.kind { now = micros }
      case .expect(let subject, let counted, let matches, let value, let span):
        hasExpectation = true
        if let found = self.subject(subject, pipeline),
          let expectation = counted ? count(value) : events(value, found.type, matches: matches)
        {
          // In one line; spaces within a text stay as many as they are.
          let text = span.text.split(whereSeparator: \.isNewline).map { $0.drop(while: \.isWhitespace) }.joined(separator: " ")
          expects.append(.init(subject: found.subject, expectation: expectation, text: text, place: place(span)))
        }
      }
    }
    if !hasExpectation {
      report(
        .badTestData, syntax.title.span, "this test expects nothing",
        help: "add `expect SINK == […]`, `expect errors == []` or `expect count(SINK) == 1`")
    }
    return TestSpec(
      title: title, pipeline: pipeline.id, streams: streams(of: pipeline).map(\.id), given: given, lookups: lookups, config: config,
      now: now, expects: expects,
      place: place(syntax.span))
  }

  /// The streams that a pipeline reads and joins, those that others read before these.
  private func streams(of pipeline: TypedPipeline) -> [TypedPipeline] {
    var found: [TypedPipeline] = []
    for feed in feeds where feed.to == pipeline.id && pipelines[feed.from]?.isStream == true {
      guard let stream = checkedPipelines[feed.from] else { continue }
      for one in streams(of: stream) + [stream] where !found.contains(where: { $0.id == one.id }) { found.append(one) }
    }
    return found
  }

  /// Who reads what a test gives, and from which of its sources: the pipeline, or a stream that it reads or joins. Where the test does not
  /// say, it is the first source of the pipeline, or of the stream that it begins with.
  private func source(_ target: TestSyntax.Target?, _ pipeline: TypedPipeline) -> (reader: TypedPipeline, source: TypedEndpoint?)? {
    guard let target else {
      var reader = pipeline
      while let stream = reader.stream, let next = checkedPipelines[stream] { reader = next }
      return (reader, reader.sources.first)
    }
    let readers = [pipeline] + streams(of: pipeline)
    let sources = readers.flatMap { reader in reader.sources.map { (reader: reader, source: $0) } }
    guard let found = endpoint(target, .source, sources.map(\.source), pipeline) else { return nil }
    return (sources[found].reader, sources[found].source)
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
    let key = lookup.keyColumn ?? "key"
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

  /// The place of the endpoint that a test names among those of its kind.
  private func endpoint(
    _ target: TestSyntax.Target, _ role: ConnectorSyntax.Role, _ endpoints: [TypedEndpoint], _ pipeline: TypedPipeline
  ) -> Int? {
    let names: [String] =
      switch target {
      case .label(let name): [name.text]
      case .endpoint(let syntax): [syntax.name, "\(role.rawValue) \(syntax.name)"]
      }
    if let found = endpoints.firstIndex(where: { names.contains($0.spec.label) }) { return found }
    reportNothing(
      target, "no \(role.rawValue)", among: endpoints.map { (label: $0.spec.label, text: written($0, pipeline)) },
      named: "its \(role.rawValue)s", none: "it has none", pipeline)
    return nil
  }

  /// As one writes an endpoint in a test: its label where it has one, else as it stands in the pipeline.
  private func written(_ endpoint: TypedEndpoint, _ pipeline: TypedPipeline) -> String {
    if pipeline.labels.contains(endpoint.spec.label) { return "@\(endpoint.spec.label)" }
    var text = endpoint.span.text.prefix { $0 != "\n" && $0 != "{" }
    while text.last == " " { text.removeLast() }
    return String(text)
  }

  private func reportNothing(
    _ target: TestSyntax.Target, _ what: String, among known: [(label: String, text: String)], named: String, none: String,
    _ pipeline: TypedPipeline
  ) {
    let name =
      switch target {
      case .label(let name): name.text
      case .endpoint(let syntax): syntax.name
      }
    let near = nearest(to: name, in: known.map(\.label)).flatMap { near in known.first { $0.label == near }?.text }
    report(
      .badSubject, target.span, "`\(name)` is \(what) of `\(pipeline.id)`",
      help: near.map { "did you mean `\($0)`?" }
        ?? (known.isEmpty ? none : "\(named) are \(known.map { "`\($0.text)`" }.joined(separator: ", "))"))
  }

  /// Whose events an expectation is about, and their type where it is known.
  private func subject(_ subject: TestSyntax.Subject, _ pipeline: TypedPipeline) -> (subject: TestSpec.Subject, type: Type?)? {
    guard case .target(let target) = subject else { return (.errors, .failure) }
    let spec = Lowering.lower(pipeline).spec
    if case .label(let name) = target {
      if let probe = spec.probes.firstIndex(of: name.text) {
        let type = pipeline.allSteps.first { if case .probe(label: name.text) = $0.kind { true } else { false } }?.output
        if type?.holdsSecret ?? false {
          report(.secret, name.span, "what passes `@\(name.text)` holds a secret, which no test shows", help: "drop the field first")
        }
        return (.probe(probe), events(type))
      }
      if let sink = spec.sinks.firstIndex(where: { spec.stages[$0.step].name == name.text }) {
        return (.sink(sink), events(spec.sinks[sink].type))
      }
      let sources = pipeline.sources.map(\.spec.label)
      if sources.contains(name.text) {
        report(
          .badSubject, name.span, "`\(name.text)` is a source of `\(pipeline.id)`",
          help: "it gives what the test gives; expect what a step makes of it")
        return nil
      }
      let labels = pipeline.labels.subtracting(sources).sorted()
      reportNothing(
        target, "the label of no step", among: labels.map { (label: $0, text: "@\($0)") }, named: "its labels",
        none: "write `@\(name.text)` before the step that is meant", pipeline)
      return nil
    }
    if case .endpoint(let syntax) = target, syntax.endpoint == nil,
      let feed = spec.sinks.firstIndex(where: { $0.pipeline == syntax.target.text })
    {
      return (.sink(feed), events(spec.sinks[feed].type))
    }
    guard let found = endpoint(target, .sink, pipeline.sinks, pipeline) else { return nil }
    let label = pipeline.sinks[found].spec.label
    return spec.sinks.firstIndex { $0.label == label }.map { (.sink($0), events(spec.sinks[$0].type)) }
  }

  /// Bytes may hold anything.
  private func events(_ type: Type?) -> Type? { type == .bytes ? nil : type }

  private func count(_ value: ExprSyntax) -> TestSpec.Expectation? {
    guard case .literal(.integer(let digits)) = value.kind, let number = Int(digits) else {
      report(.badTestData, value.span, "a count is a whole number", help: "write `expect count(SINK) == 2`")
      return nil
    }
    return .count(number)
  }

  private func events(_ value: ExprSyntax, _ type: Type?, matches: Bool) -> TestSpec.Expectation? {
    guard case .list(let items) = value.kind else {
      report(.badTestData, value.span, "what is expected is a list of events", help: "write `== [ … ]`")
      return nil
    }
    let rows = JSONLiteral.array(items.map { json($0, type) }).text
    return matches ? .matches(rows) : .equals(rows)
  }
}
