/// What one `test` of the spec came to.
struct TestResult: Sendable {
  let title: String
  let place: String
  /// Empty where it passed.
  let problems: [String]
}

extension Executable {
  /// Runs the spec's tests without servers: sinks are captured, lookups find what the test says, and time stands still.
  func runTests(_ configuration: Configuration, filter: String?, _ ink: Ink) -> [TestResult] {
    program.tests.filter { filter == nil || $0.title.contains(filter!) }.map { run($0, configuration, ink) }
  }

  private func run(_ test: TestSpec, _ configuration: Configuration, _ ink: Ink) -> TestResult {
    var problems: [String] = []
    for section in program.config {
      for key in section.keys
      where key.value == nil && !test.config.contains(where: { $0.section == section.name && $0.key == key.name }) {
        problems.append(
          "\(test.place): `\(section.name).\(key.name)` has no default; write `config \(section.name).\(key.name) = …` in the test")
      }
    }
    guard problems.isEmpty else { return TestResult(title: test.title, place: test.place.description, problems: problems) }
    do throws(RunFailure) { problems = try check(test, configuration.with(test.config, program), ink) } catch { problems = [error.message] }
    return TestResult(title: test.title, place: test.place.description, problems: problems)
  }

  private func check(_ test: TestSpec, _ configuration: Configuration, _ ink: Ink) throws(RunFailure) -> [String] {
    let now = test.now ?? 1_767_225_600_000_000
    let declared = program.pipeline(test.pipeline)!
    let errors = CaptureSink()
    let captures = declared.sinks.map { _ in CaptureSink() }
    let probes = declared.probes.map { _ in CaptureSink() }
    // Failures are captured on their way into the route, which runs as well.
    let (spec, steps) = (declared.routingFailures, self.steps[declared.id]!.watchingFailures(errors))
    let lookups = spec.lookups.enumerated().map { index, lookup in TestLookup(test.lookups.last { $0.lookup == index }, lookup) }
    let lock = PlainLock()
    let feeders = test.streams.flatMap { program.pipeline($0)!.sinks }.count { $0.target.feeds(spec.id) }
    let pipeline = Pipeline(
      spec, steps, configuration, sinks: captures, feeders: feeders, lock: lock, lookups: lookups, keeper: nil,
      logger: Logger(asJSON: false, quiet: true), stop: StopSignal(), clock: { now })
    pipeline.onProbe { probes[$0].add($1) }
    let streams = streams(of: test, before: pipeline, configuration, errors, now: now)
    var halted: String?
    do throws(RunFailure) {
      for running in streams + (feeders == 0 ? [pipeline] : []) {
        let given = test.given.filter { $0.stream == (running === pipeline ? nil : running.spec.id) }
        let source = try TestSource(given, running.spec, configuration, running.processor.framing)
        try running.run(source, RetryPolicy(RetrySettings(Settings([:])), limit: 0), "test", nil)
      }
      for running in streams + [pipeline] { try running.commit() }
    } catch { halted = error.message }
    var problems: [String] = []
    for expect in test.expects {
      let capture =
        switch expect.subject {
        case .sink(let index): captures[index]
        case .probe(let index): probes[index]
        case .errors: errors
        }
      if let problem = capture.compare(expect.expectation, ink) { problems.append("\(expect.place): \(expect.text)\n    \(problem)") }
    }
    if !problems.isEmpty {
      if let failures = errors.failures { problems.append(failures) }
      let filtered = pipeline.counts.filtered
      if filtered > 0 { problems.append("\(filtered) event\(filtered == 1 ? " was" : "s were") filtered") }
    }
    // Failures of events are routed; what halts is the test's own data, or the error route.
    if let halted { problems.append("\(test.place): the pipeline halted: \(halted)") }
    return problems
  }
}

extension Executable {
  /// The streams that a tested pipeline reads and joins, each from the source that the test gives; what else reads them gets nothing.
  private func streams(
    of test: TestSpec, before pipeline: Pipeline, _ configuration: Configuration, _ errors: CaptureSink, now: Int64
  ) -> [Pipeline] {
    var made = [pipeline]
    var feeders: [String: Int] = [:]
    // What is fed is there before what feeds it.
    for id in test.streams.reversed() {
      let declared = program.pipeline(id)!
      let count = test.streams.flatMap { program.pipeline($0)!.sinks }.count { $0.target.feeds(id) }
      var targets: [Pipeline] = []
      let sinks = declared.sinks.map { sink -> any Sink in
        guard let target = made.first(where: { $0.spec.id == sink.pipeline }) else { return CaptureSink() }
        targets.append(target)
        var join: Int?
        if case .join(_, let state, _) = sink.target { join = state }
        let number = feeders[target.spec.id, default: 0]
        if join == nil { feeders[target.spec.id] = number + 1 }
        return FeedSink(target, number: join == nil ? number : 0, join: join, isLocked: true, step: "\(id) \(sink.step)")
      }
      made.append(
        Pipeline(
          declared.routingFailures, steps[id]!.watchingFailures(errors), configuration, sinks: sinks, feeds: targets, feeders: count,
          lock: pipeline.lock, lookups: declared.lookups.map { TestLookup(nil, $0) }, keeper: nil,
          logger: Logger(asJSON: false, quiet: true), stop: StopSignal(), clock: { now }))
    }
    return made.dropFirst().reversed()
  }
}

extension SinkSpec.Target {
  /// Whether a pipeline has its input from it.
  fileprivate func feeds(_ id: String) -> Bool { if case .pipeline(id, _) = self { true } else { false } }
}

extension PipelineSpec {
  fileprivate var routingFailures: PipelineSpec {
    PipelineSpec(
      id: id, sources: sources, input: input, stages: stages, sinks: sinks, lookups: lookups, probes: probes, clock: clock,
      states: states, onError: .route, delivery: delivery, meta: meta, settings: settings, place: place)
  }
}

extension PipelineSteps {
  fileprivate func watchingFailures(_ capture: CaptureSink) -> PipelineSteps {
    let route = error
    return PipelineSteps(main: main, error: { WatchingProcessor(capture, route?($0)) }, states: states)
  }
}

private final class WatchingProcessor: Processor {
  private let capture: CaptureSink
  private let route: (any Processor)?
  init(_ capture: CaptureSink, _ route: (any Processor)?) {
    self.capture = capture
    self.route = route
  }
  func process(_ batch: Batch, _ out: Outputs) {
    for row in 0..<batch.count { capture.add(batch.records!, row, JSONOptions(readable: true)) }
    route?.process(batch, out)
  }
}

/// Keeps what a sink would have got: JSON of records, or the bytes. A test and all that it makes run on one thread, though a
/// processor's factory may be called from any.
final class CaptureSink: Sink, @unchecked Sendable {
  private var events: [String] = []

  func add(_ records: Column, _ row: Int, _ options: JSONOptions = JSONOptions()) {
    var out = ByteBuffer(capacity: 256)
    out.json(records, row, options)
    events.append(out.string)
    out.release()
  }

  func add(_ event: String) { events.append(event) }

  func write(_ buffer: SinkBuffer) throws(RunFailure) -> [Refusal] {
    for row in 0..<buffer.count { if let records = buffer.records { add(records, row) } else { events.append(buffer.event(row).string) } }
    return []
  }
  func commit() throws(RunFailure) -> [Refusal] { [] }
  func close(completed: Bool) throws(RunFailure) {}

  /// The failures that were captured, for a test that fails for another reason.
  var failures: String? {
    guard !events.isEmpty else { return nil }
    let reasons = events.prefix(5).compactMap { event -> String? in
      guard let failure = TestValue(event), case .string(let stage)? = failure.member(["stage"]),
        case .string(let message)? = failure.member(["message"])
      else { return nil }
      return "\n    \(Shape.clean(stage)): \(Shape.clean(message))"
    }
    return "\(events.count) event\(events.count == 1 ? "" : "s") failed:\(reasons.joined())\(events.count > 5 ? "\n    …" : "")"
  }

  /// Nil if it is as expected.
  func compare(_ expectation: TestSpec.Expectation, _ ink: Ink) -> String? {
    let got =
      events.isEmpty
      ? "nothing came"
      : "came: \(Shape.clean(events.prefix(5).joined(separator: " ")))\(events.count > 5 ? " and \(events.count - 5) more" : "")"
    switch expectation {
    case .count(let count): return events.count == count ? nil : "expected \(count), \(got)"
    case .equals(let text), .matches(let text):
      guard case .array(let wanted)? = TestValue(text) else { return "the expectation is no list" }
      guard wanted.count == events.count else { return "expected \(wanted.count), \(got)" }
      let exact = if case .equals = expectation { true } else { false }
      for (index, (event, pattern)) in zip(events, wanted).enumerated() {
        if case .string(let text) = pattern, text == event { continue }
        let value = TestValue(event) ?? .string(event)
        guard let difference = value.difference(pattern, exact: exact) else { continue }
        let place = difference.path.isEmpty ? "" : " at \(Shape.clean(difference.path))"
        return """
          event \(index + 1) differs\(place)
                expected \(ink.good(Shape.clean(difference.expected.text)))
                came     \(ink.bad(Shape.clean(difference.came.text)))
              came: \(Shape.clean(event))
          """
      }
      return nil
    }
  }
}

private final class TestSource: Source {
  private let shape: Shape?
  private let meta: [(name: String, shape: Shape)]
  private struct Given {
    let text: Text
    let meta: String?
    var header: Header?
    var isFramed = false
    /// Why a header does not fit, where this is one.
    var refusal: String?
  }
  private var given: [Given] = []
  private var next = 0
  private let memory = Arena()

  init(_ inputs: [TestSpec.Given], _ spec: PipelineSpec, _ configuration: Configuration, _ framing: Framing?) throws(RunFailure) {
    shape = spec.input.recordShape
    meta = spec.meta.map { ($0.name, Shape.of($0.type)) }
    let isFile = spec.sources.contains { $0.abilities.contains("cut") }
    let lines = spec.sources.first { $0.name == "lines" }
    // All sources of lines say it as standard input does.
    let join = lines.flatMap { StdinLinesSourceArguments(configuration.section("pipeline:\(spec.id):\($0.label)")).join }
    let joined = try Framing.joined(by: join, lines?.label ?? "", limit: .max)
    let cut = isFile ? joined ?? framing ?? (lines == nil ? nil : .lines) : nil
    for input in cut?.hasHeader ?? false ? Self.joined(inputs) : inputs {
      switch input.input {
      case .json(let text), .bytes(let text): add(memory.copy(text), input.meta, cut)
      case .file(let path):
        let bytes: [UInt8]
        do throws(FileProblem) { bytes = try readWholeFile(path, limit: 64 << 20) } catch { throw RunFailure(error.message) }
        // Other sources get the lines of a file as their events.
        add(bytes.withUnsafeBufferPointer { memory.copy($0) }, input.meta, isFile ? cut : .lines)
      }
    }
  }

  /// Lines that are given one by one are those of one file, of which the first is the header; a text of several lines is a file.
  private static func joined(_ inputs: [TestSpec.Given]) -> [TestSpec.Given] {
    var result: [TestSpec.Given] = []
    var isLine = false
    for input in inputs {
      guard case .bytes(let text) = input.input, !text.utf8.contains(0x0A) else {
        isLine = false
        result.append(input)
        continue
      }
      if isLine, let last = result.last, last.meta == input.meta, case .bytes(let before) = last.input {
        result[result.count - 1] = .init(input: .bytes("\(before)\n\(text)"), meta: input.meta)
      } else {
        result.append(input)
      }
      isLine = true
    }
    return result
  }

  /// What the source would make of it in a run: a file or stream is cut, other events are as they are.
  private func add(_ text: Text, _ meta: String?, _ framing: Framing?) {
    guard let framing else { return given.append(Given(text: text, meta: meta)) }
    let (header, records) = framing.cut(text)
    if framing.hasHeader, let problem = framing.headerProblem(header?.text ?? Text()) {
      given.append(Given(text: header?.text ?? Text(), meta: meta, refusal: problem))
    }
    let isJoined = framing.joinsLines
    given += records.map { Given(text: isJoined ? $0.withoutReturns(memory) : $0, meta: meta, header: header, isFramed: !isJoined) }
  }

  /// One event at a time, with random numbers of its own: the same interpreted and compiled, and in every run.
  func next(_ batch: Batch) throws(RunFailure) -> Bool {
    guard next < given.count else { return false }
    let item = given[next]
    next += 1
    batch.context.random = UInt64(next)
    let arena = batch.context.arena
    let text = arena.copy(item.text)
    (batch.header, batch.isFramed) = (item.header, item.isFramed)
    if let refusal = item.refusal {
      batch.refused.append(Failure(row: 0, step: 0, message: refusal, payload: (text, item.meta ?? "{}")))
      return true
    }
    if let shape {
      let records = batch.recordColumn(shape)
      guard shape.read(text, into: records, 0, arena, JSONOptions()) else {
        throw RunFailure("given: \(shape.explain(text, JSONOptions()))")
      }
      batch.count = 1
    } else {
      batch.append(text)
    }
    for (name, shape) in meta {
      let column = batch.metaColumn(name, shape)
      try read(name, item.meta, column, batch.context)
    }
    batch.describe = { _ in item.meta ?? "{}" }
    return true
  }

  /// What the test says of the event, as the source's type has it.
  private func read(_ name: String, _ json: String?, _ column: Column, _ context: Context) throws(RunFailure) {
    var value: Text?
    if let json, let object = try? Fn.parseJson(context.arena.copy(json), context) {
      _ = Fn.members(object, context) { if $0.string == name { value = $1.text } }
    }
    guard let value else { return column.setNothing(0) }
    let text = context.arena.copy(value.string)
    guard column.shape.read(text, into: column, 0, context.arena, JSONOptions()) else {
      throw RunFailure("given meta `\(name)`: \(column.shape.explain(text, JSONOptions()))")
    }
  }
}

private final class TestLookup: Lookup {
  private let rows: [(text: String, value: TestValue)]
  /// Where a row has its key: a member, or one of a member.
  private let path: [String]
  private let shape: Shape

  init(_ given: TestSpec.Rows?, _ spec: EndpointSpec) {
    shape = spec.shape!
    path = (given?.key ?? "").split(separator: ".").map(String.init)
    let rows = given?.rows ?? "[]"
    let context = Context()
    var list: [(String, TestValue)] = []
    if let json = try? Fn.parseJson(context.arena.copy(rows), context) {
      // What stands in valid JSON is valid.
      _ = Fn.elements(json, context) { list.append(($0.text.string, TestValue($0.text.string)!)) }
    }
    self.rows = list
  }

  func find(_ keys: Column, _ selection: UnsafeBufferPointer<Int32>, into result: Column, _ context: Context) throws(EventFailure) {
    for row in selection {
      var out = ByteBuffer(capacity: 64)
      out.json(keys, Int(row), JSONOptions())
      let key = TestValue(out.string)
      out.release()
      let found = rows.first { $0.value.member(path[...]) == key }
      guard let found else {
        result.setNull(Int(row))
        continue
      }
      let text = context.arena.copy(found.text)
      guard shape.read(text, into: result, Int(row), context.arena, JSONOptions()) else {
        throw EventFailure("given lookup: \(shape.explain(text, JSONOptions()))")
      }
    }
  }
}

extension Configuration {
  fileprivate func with(_ overrides: [TestSpec.Override], _ program: Program) -> Configuration {
    var sections = self.sections
    for item in overrides {
      var values = sections[item.section]?.values ?? [:]
      values[item.key] = Value(item.value, program.type(ofKey: item.key, in: item.section)!)
      sections[item.section] = Settings(values)
    }
    return Configuration(sections: sections, general: GeneralSettings(Settings([:])))
  }
}
