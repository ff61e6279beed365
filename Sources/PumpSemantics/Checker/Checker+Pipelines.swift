import PumpPlan
import PumpSyntax

/// What is learned of one pipeline while its steps are checked.
final class PipelineContext {
  let name: String
  /// Its name in the text.
  let span: Span
  var canFail = false
  /// The first step that keeps something of the events before.
  var keeps: Span?
  /// What may be another in each run, and why.
  var varies: [(span: Span, why: String)] = []
  /// What is computed of events, and by which step.
  private(set) var evaluated: [(value: Expr, span: Span)] = []
  /// The step that is checked.
  var step: Span?
  /// The meta fields that expressions read, by name.
  var metaFields: [String: Type] = [:]
  var labels = [String: Span](minimumCapacity: 12)
  /// Those that the spec writes with `@`.
  var written: Set<String> = []
  /// What the endpoints are that give their names to steps without a label.
  private var roles = [String: ConnectorSyntax.Role](minimumCapacity: 12)
  var sinks: [TypedEndpoint] = []
  var feeds: [String] = []
  /// How many `reply` there were.
  var replies = 0
  /// What the sinks of the branch do that is looked at, while their systems are down.
  var whenDown: WhenDown?

  init(_ name: Name) { (self.name, span) = (name.text, name.span) }

  /// Records what an expression of a step reads, and whether it can fail.
  func note(_ expression: Expr) {
    evaluated.append((expression, step ?? span))
    expression.visit { part in
      switch part.kind {
      case .meta(let name): metaFields[name] = part.type
      case .call(let name, _): if FunctionSpec.failing.contains(name) { canFail = true }
      case .invoke, .fail, .enumCase: canFail = true
      default: break
      }
    }
  }

  func note(label: Name?, _ checker: Checker) {
    guard let label else { return }
    if let first = labels.updateValue(label.span, forKey: label.text) {
      checker.report(
        .labelCollision, label.span, "two steps are labelled `\(label.text)`", help: "give each its own label",
        labels: [(first, "the first")])
    }
    written.insert(label.text)
  }

  /// What the step of an endpoint is called: its label, or the endpoint, with its kind before it where a step of another kind
  /// has that name already.
  func name(_ syntax: EndpointSyntax, _ role: ConnectorSyntax.Role, _ checker: Checker) -> String {
    var name = syntax.name
    if syntax.label != nil {
      written.insert(name)
    } else if roles[name] ?? role != role {
      name = "\(role.rawValue) \(name)"
    } else {
      roles[name] = role
    }
    note(endpoint: name, syntax, checker)
    return name
  }

  private func note(endpoint label: String, _ syntax: EndpointSyntax, _ checker: Checker) {
    let place = syntax.label?.span ?? syntax.span
    if let first = labels.updateValue(place, forKey: label), syntax.label == nil || first.start != syntax.label!.span.start {
      checker.report(
        .labelCollision, syntax.span, "two steps of this pipeline are `\(label)`",
        help: "give one a label: `@name` before its keyword; two sinks cannot write one file", labels: [(first, "the first")])
    }
  }
}

extension Checker {
  static let pipelineSettings: [Setting] = [
    Setting(
      name: "delivery", type: .enumeration(EnumType(name: nil, cases: [.init("at_most_once"), .init("at_least_once")])).asOptional,
      value: .literal(.null), docs: "What may happen to an event when something fails: lost, or delivered again.")
  ]

  func check(pipeline syntax: PipelineSyntax) -> TypedPipeline {
    let context = PipelineContext(syntax.name)
    contexts[syntax.name.text] = context
    toldUndecoded = false
    let settings = check(settings: syntax.settings, Self.pipelineSettings, "pipeline `\(syntax.name.text)`")
    var sources: [TypedEndpoint] = []
    var checks: [Check] = []
    var flow = Flow(type: .erroneous, meta: RecordType(fields: []))
    var stream: String?
    switch syntax.origin {
    case .erroneous: break
    case .input(let typeSyntax):
      let type = resolve(typeSyntax)
      flow = Flow(type: type.plain, meta: RecordType(fields: type.plain == .bytes ? [Self.raw] : []))
      checks = self.checks(of: type, at: Expr(.it, type.plain), path: "")
      flow.sender = .nobody("other pipelines feed this one", help: "reply in the pipeline that has the source")
      // What feeds it is not known yet: several may.
      (flow.timing.isOrdered, flow.timing.isEndless, flow.timing.isDivided) = (true, true, true)
    case .source(let endpoint) where endpoint.endpoint == nil && pipelines[endpoint.target.text] != nil:
      stream = endpoint.target.text
      if let read = self.stream(endpoint.target, context) { flow = read }
    case .source(let endpoint): (flow, checks) = source([endpoint], &sources, context)
    case .merge(let list, let span):
      if list.count < 2 {
        report(.badArguments, span, "`merge` takes two sources or more", help: "write `source merge(file.lines(\"a\"), file.lines(\"b\"))`")
      }
      (flow, checks) = source(list, &sources, context)
    }
    if !checks.isEmpty { context.canFail = true }
    if case .erroneous = syntax.origin {} else { flows.append((syntax.name.span, flow.type)) }
    let chain = check(chain: syntax.steps, flow, mustEnd: !syntax.isStream, syntax.name.span, in: context)
    if syntax.isStream, chain.ended {
      report(
        .badStream, syntax.name.span, "a stream has no end of its own: others read it",
        help: "send a copy aside with `tee { … }`, or declare it as `pipeline`")
    }
    var onError = TypedPipeline.ErrorRoute.halt
    switch syntax.onError {
    case .halt: break
    case .skip: onError = .skip
    case .chain(let steps, let span):
      var failure = Flow(type: .failure, meta: nil)
      failure.sender = .nobody("the sender of an event that fails gets a problem document of the failure", help: "write `|> sink …`")
      onError = .chain(check(chain: steps, failure, mustEnd: true, span, in: context).steps)
    case nil:
      if context.canFail {
        report(
          .noErrorRoute, syntax.name.span, "an event of `\(syntax.name.text)` can fail, and the first one that does halts the pipeline",
          help: "add `on error |> encode json |> sink file.lines(\"dead.ndjson\")`, `on error skip`, or `on error halt` where that is meant"
        )
      }
    }
    reportPositions(sources, context)
    reportFiles(sources, context)
    reportBranches(context)
    let place = place(syntax.span)
    // `raw` is the event itself.
    let meta = context.metaFields.filter { $0.key != "raw" }.sorted { $0.key < $1.key }.map { Field($0.key, $0.value) }
    return TypedPipeline(
      id: syntax.name.text, docs: syntax.docs, sources: sources, input: flow.type, checks: checks, steps: chain.steps, onError: onError,
      delivery: delivery(syntax, settings, sources.map(\.spec), context), settings: settings, meta: meta, labels: context.written,
      place: place, output: chain.flow, stream: stream)
  }

  /// The unmodified bytes of an event, where it came as bytes.
  static let raw = Field("raw", .bytes)

  private func source(_ list: [EndpointSyntax], _ sources: inout [TypedEndpoint], _ context: PipelineContext) -> (Flow, [Check]) {
    var result: Flow?
    var checks: [Check] = []
    for syntax in list {
      guard let found = find(syntax, .source) else { continue }
      var declared: Type
      switch found.endpoint.events {
      case .bytes:
        declared = .bytes
        if let type = syntax.type {
          report(.badArguments, type.span, "`\(syntax.name)` gives Bytes", help: "decode them: `|> decode json as \(type.span.text)`")
        }
      case .type(let type): declared = type
      case .record:
        if let typeSyntax = syntax.type {
          declared = resolve(typeSyntax)
          if !fits(declared.plain, found.endpoint, typeSyntax.span, syntax) {
            declared = .erroneous
          } else if declared.plain.record == nil, declared.plain != .json, declared.plain != .erroneous {
            report(
              .wrongStep, typeSyntax.span, "`\(syntax.name)` gives records, not \(declared)",
              help: "declare a type with the fields that are wanted")
            declared = .erroneous
          }
        } else {
          report(
            .badArguments, syntax.span, "the type of the records is not said",
            help: "write `source \(syntax.target.text).\(found.endpoint.name)(…) as T`")
          declared = .erroneous
        }
      }
      let typeChecks = self.checks(of: declared, at: Expr(.it, declared.plain), path: "")
      checks = typeChecks
      let meta = RecordType(fields: found.endpoint.meta.fields + (declared.plain == .bytes ? [Self.raw] : []))
      let source = endpoint(
        syntax, found, type: declared.plain, event: nil, record: declared.plain.record, meta: nil, locals: [:], declared: declared, context)
      sources.append(source)
      // What the source joins is an event as it is.
      let isCuttable = found.endpoint.abilities.contains("cut") && source.spec.isUnset("join")
      if let first = result, let known = first.meta {
        if first.type != declared.plain, first.type != .erroneous, declared != .erroneous {
          report(
            .mismatch, syntax.span, "merged sources give one type: \(first.type) and \(declared.plain)",
            help: "decode them in pipelines of their own that send to one with `input`")
        }
        result = Flow(
          type: first.type, isWhole: first.isWhole,
          isCuttable: first.isCuttable && isCuttable,
          meta: RecordType(
            fields: known.fields.filter { field in meta.fields.contains { $0.name == field.name && $0.type == field.type } }))
      } else {
        result = Flow(
          type: declared.plain, isWhole: found.endpoint.abilities.contains("whole"),
          isCuttable: isCuttable, meta: meta)
      }
    }
    var flow = result ?? Flow(type: .erroneous, meta: RecordType(fields: []))
    flow.timing.isEndless = sources.contains { $0.spec.isEndless }
    flow.timing.isDivided = sources.count > 1 || sources.contains { $0.spec.isDivided }
    flow.timing.isOrdered = !flow.timing.isDivided
    flow.sender = Sender(of: sources.map(\.spec))
    return (flow, checks)
  }

  /// A sink that keeps positions in its transaction needs sources that can go on from them, and is the only one.
  private func reportPositions(_ sources: [TypedEndpoint], _ context: PipelineContext) {
    let keepers = context.sinks.filter(\.spec.keepsPositions)
    guard let first = keepers.first else { return }
    if let rival = context.sinks.first(where: { $0.span.start != first.span.start && $0.spec.mayShareTarget(with: first.spec) }),
      keepers.count == 1
    {
      report(
        .positions, first.span,
        "`\(first.spec.described)` keeps positions, and `\(rival.spec.described)` may write to the same: their order would need commits between them",
        help: "send both through one sink, or give the rows a key in place of `positions`", labels: [(rival.span, "the other sink")])
    } else if keepers.count > 1 {
      report(
        .positions, keepers[1].span, "two sinks of one pipeline keep its positions",
        help: "leave `positions` to one of them, and give the other a key")
    } else if sources.isEmpty {
      report(
        .positions, first.span, "the pipeline has no sources of its own, whose positions could be kept",
        help: "write to the table in the pipeline that has the source, or give the rows a key")
    } else if let weak = sources.map(\.spec).first(where: { !$0.abilities.contains("resume") }) {
      report(
        .positions, first.span, "`\(weak.described)` cannot go on from a position that is kept",
        help: "give the rows a key in place of `positions`, or read from a file, a topic, a table in an order, or changes")
    }
  }

  /// A file has one sink, and no pipeline reads to the end of what it appends itself.
  private func reportFiles(_ sources: [TypedEndpoint], _ context: PipelineContext) {
    for endpoint in context.sinks {
      let (sink, span) = (endpoint.spec, endpoint.span)
      guard let path = sink.filePath else { continue }
      if let other = writtenFiles.updateValue(span, forKey: path) {
        // Of one label they were told already.
        if context.sinks.count(where: { $0.spec.label == sink.label }) > 1 { continue }
        report(
          .sharedFile, span, "two sinks write `\(path)`", help: "send both to one pipeline with `input`, or name another file",
          labels: [(other, "the first")])
      } else if sink.appends, sources.contains(where: { $0.spec.filePath == path && $0.spec.name == "lines" }) {
        report(
          .sharedFile, span, "the pipeline reads `\(path)` and appends to it, which would not end",
          help: "write to another file")
      }
    }
  }

  /// The strongest delivery that all endpoints keep; a written one must be among what they keep.
  private func delivery(_ syntax: PipelineSyntax, _ settings: [Setting], _ sources: [EndpointSpec], _ context: PipelineContext) -> Delivery
  {
    let weakness = Delivery.weakness(sources, context.sinks.map(\.spec))
    let strongest: Delivery = weakness == nil ? .atLeastOnce : .atMostOnce
    guard let setting = syntax.settings.first(where: { $0.name.text == "delivery" }), case .expression(let value) = setting.value,
      case .name(let written) = value.kind
    else { return strongest }
    if written == "at_least_once", let (endpoint, isSource, why) = weakness {
      report(
        .delivery, value.span, "`at_least_once` cannot be kept: `\(endpoint.described)` \(why)",
        help: isSource ? "read from a file, a table or a topic" : "write to a sink that acknowledges, such as a file or a table")
    }
    return Delivery(rawValue: written) ?? strongest
  }
}

extension EndpointSpec {
  /// The file of a `file` endpoint, where the spec says it; devices are no such files.
  fileprivate var filePath: String? {
    guard connector == "file", case .literal(.string(let path))? = setting("path")?.value, !path.hasPrefix("/dev/") else { return nil }
    return path.hasPrefix("./") ? String(path.dropFirst(2)) : path
  }

  fileprivate var appends: Bool { setting("mode")?.chosenCase == "append" }
}
