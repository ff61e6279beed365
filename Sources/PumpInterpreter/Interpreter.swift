import PumpPlan
import PumpRuntime

/// A pipeline's steps, or its error route's, run over columns in slices of 1,024 rows.
final class InterpretedProcessor: Processor {
  private let chain: Chain
  private let entry: Column
  private let checks: (Frame, Selection, Outputs) -> Selection
  private var frame: Frame?
  let framing: Framing?

  init(_ plan: Plan, _ configuration: Configuration, _ steps: [Step], input: Type, checks: [Check], firstSink: Int, firstStep: Int) {
    let compiler = ExpressionCompiler(plan, configuration)
    let steps_ = StepCompiler(compiler, firstSink: firstSink, firstStep: firstStep)
    entry = Column(Shape.of(input))
    compiler.level.event = entry
    let conditions = checks.map { (compiler.compile($0.condition), $0.message) }
    self.checks = { frame, selection, out in
      var live = selection
      for (node, message) in conditions {
        let (yes, no) = frame.split(node.run(frame, live), by: node.column)
        for row in no { frame.fail(row, message) }
        live = yes
      }
      frame.report(-1, out)
      return live
    }
    chain = steps_.compile(steps[...], event: entry, carried: nil)
    framing = steps_.framing
  }

  func process(_ batch: Batch, _ out: Outputs) {
    if frame == nil || frame!.context !== batch.context { frame = Frame(batch.context, batch) }
    let frame = self.frame!
    frame.batch = batch
    var start = 0
    while start < batch.count {
      let rows = min(Frame.sliceSize, batch.count - start)
      frame.reset(rows: rows)
      frame.origins.removeAll(keepingCapacity: true)
      for row in start..<start + rows { frame.origins.append(Int32(row)) }
      entry.clear()
      if let records = batch.records {
        frame.origins.withUnsafeBufferPointer { origins in
          entry.ensure(rows)
          for (child, from) in zip(entry.children, records.children) { child.gather(origins, from: from) }
        }
      } else {
        entry.ensure(rows)
        entry.pointer(Text.self).update(from: batch.events.values.baseAddress! + start, count: rows)
      }
      let live = checks(frame, frame.all(), out)
      if live.count > 0 { chain(frame, live, out) }
      start += rows
    }
  }
}

/// The plan as a program for the runtime, its steps interpreted.
public func interpret(_ plan: Plan) -> Program {
  Program(
    name: plan.name, config: plan.config.map { .init($0.name, $0.keys.map(setting)) },
    connections: plan.connections.map { ConnectionSpec(id: $0.id, kind: $0.kind, settings: $0.settings.map(setting)) },
    pipelines: plan.pipelines.map { pipeline($0, plan) }, tests: plan.tests.map { test($0, plan) })
}

private func pipeline(_ pipeline: PumpPlan.Pipeline, _ plan: Plan) -> PipelineSpec {
  let mainSteps = PumpPlan.Pipeline(
    id: pipeline.id, docs: nil, origin: pipeline.origin, input: pipeline.input, checks: [], steps: pipeline.steps, onError: .halt,
    delivery: pipeline.delivery,
    settings: [], meta: [], place: pipeline.place
  ).allSteps
  let sinks = pipeline.allSteps.compactMap { step -> PipelineSpec.SinkSpec? in
    switch step.kind {
    case .sink(let endpoint): .init(spec(endpoint))
    case .feed(let target): .init(feeding: target, shape: step.output == .bytes ? nil : Shape.of(step.output))
    default: nil
    }
  }
  let mainSinks = mainSteps.filter { step in
    switch step.kind {
    case .sink, .feed: true
    default: false
    }
  }.count
  var policy = ErrorPolicy.halt
  var errors: (@Sendable (Configuration) -> any Processor)?
  switch pipeline.onError {
  case .halt: break
  case .skip: policy = .skip
  case .chain(let steps):
    policy = .route
    errors = { InterpretedProcessor(plan, $0, steps, input: failureType, checks: [], firstSink: mainSinks, firstStep: mainSteps.count) }
  }
  return PipelineSpec(
    id: pipeline.id, sources: pipeline.sources.map(spec), input: pipeline.input == .bytes ? nil : Shape.of(pipeline.input), sinks: sinks,
    lookups: pipeline.lookups.map(spec), onError: policy, stages: pipeline.allSteps.map(\.name), meta: pipeline.meta,
    settings: pipeline.settings.map(setting),
    process: { InterpretedProcessor(plan, $0, pipeline.steps, input: pipeline.input, checks: pipeline.checks, firstSink: 0, firstStep: 0) },
    processErrors: errors)
}

private let failureType = Type.record(
  RecordType(
    name: "Failure",
    fields: [
      Field("message", .string), Field("stage", .string), Field("payload", .bytes), Field("meta", .json), Field("attempts", .int),
      Field("at", .timestamp),
    ]))

private func spec(_ endpoint: Endpoint) -> EndpointSpec {
  EndpointSpec(
    connection: endpoint.connection, connector: endpoint.connector, name: endpoint.name, label: endpoint.label,
    settings: endpoint.arguments.map(setting),
    each: endpoint.each.map { .init($0.name, Shape.of($0.value.type)) }, shape: endpoint.type == .bytes ? nil : Shape.of(endpoint.type),
    takesDocuments: endpoint.takesDocuments)
}

private func setting(_ setting: PumpPlan.Setting) -> PumpRuntime.Setting {
  PumpRuntime.Setting(
    setting.name, Shape.of(setting.type), isSecret: setting.type.holdsSecret, value: setting.value.map { settingValue($0) },
    minimum: setting.minimum, docs: setting.docs)
}

/// The checker admits only these forms in settings.
private func settingValue(_ e: Expr) -> SettingValue {
  switch e.kind {
  case .literal(let literal): .value(value(literal, e.type))
  case .config(let section, let key): .config(section, key)
  case .environment(let name): .environment(name)
  case .secretFile(let path): .secretFile(path)
  case .wrap(let inner): settingValue(inner)
  case .concatenate(let parts): .join(parts.map(settingValue))
  case .call(_, let arguments): settingValue(arguments[0])
  case .list(let items): .list(items.map(settingValue))
  case .map(let keys, let items): .map(zip(keys, items).map { ($0, settingValue($1)) })
  default: .value(.null)
  }
}

private func test(_ test: Test, _ plan: Plan) -> TestSpec {
  TestSpec(
    title: test.title, pipeline: test.pipeline,
    given: test.given.map { given in
      let input: TestSpec.Input =
        switch given.input {
        case .json(let json): .json(json.text)
        case .bytes(let text): .bytes(text)
        case .file(let path): .file(path)
        }
      return .init(given.label, input, meta: given.meta?.text)
    },
    lookups: test.lookups.mapValues(\.text),
    config: test.config.map { override in
      let type = plan.config.first { $0.name == override.section }?.keys.first { $0.name == override.key }?.type ?? .string
      return (override.section, override.key, value(override.value, type))
    },
    now: test.now,
    expects: test.expects.map { expect in
      let sink: String? = if case .sink(let label) = expect.subject { label } else { nil }
      let expectation: TestSpec.Expectation =
        switch expect.expectation {
        case .equals(let json): .equals(json.text)
        case .matches(let json): .matches(json.text)
        case .count(let count): .count(count)
        }
      return .init(sink, expectation, text: expect.text, place: "\(expect.place.file):\(expect.place.line)")
    }, place: "\(test.place.file):\(test.place.line)")
}
