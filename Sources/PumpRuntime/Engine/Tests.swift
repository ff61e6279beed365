/// What one `test` of the spec came to.
public struct TestResult: Sendable {
  public let title: String
  public let place: String
  /// Empty where it passed.
  public let problems: [String]
}

extension Program {
  /// Runs the spec's tests without servers: sinks are captured, lookups find what the test says, and time stands still.
  public func runTests(_ configuration: Configuration, filter: String?) -> [TestResult] {
    tests.filter { filter == nil || $0.title.contains(filter!) }.map { run($0, configuration) }
  }

  private func run(_ test: TestSpec, _ configuration: Configuration) -> TestResult {
    var problems: [String] = []
    for section in config {
      for key in section.settings
      where key.value == nil && !test.config.contains(where: { $0.section == section.name && $0.key == key.name }) {
        problems.append(
          "\(test.place): `\(section.name).\(key.name)` has no default; write `config \(section.name).\(key.name) = …` in the test")
      }
    }
    guard problems.isEmpty else { return TestResult(title: test.title, place: test.place, problems: problems) }
    do throws(RunFailure) { problems = try check(test, configuration.with(test.config)) } catch { problems = [error.message] }
    return TestResult(title: test.title, place: test.place, problems: problems)
  }

  private func check(_ test: TestSpec, _ configuration: Configuration) throws(RunFailure) -> [String] {
    let now = test.now ?? 1_767_225_600_000_000
    var spec = pipelines.first { $0.id == test.pipeline }!
    let errors = CaptureSink()
    let captures = spec.sinks.map { _ in CaptureSink() }
    // Failures are captured on their way into the route, which runs as well.
    spec = spec.watchingFailures(errors)
    let lookups = spec.lookups.map { TestLookup(test.lookups[$0.label] ?? "[]", $0) }
    let pipeline = Pipeline(
      spec, configuration, sinks: captures, lookups: lookups, keeper: nil, logger: Logger(asJSON: false, quiet: true), stop: StopSignal(),
      clock: { now })
    let source = try TestSource(test.given, spec, pipeline.processor.framing)
    var halted: String?
    do throws(RunFailure) {
      try pipeline.run(source, RetryPolicy(Settings([:]), limit: 0), "test", nil)
      try pipeline.commit()
    } catch { halted = error.message }
    var problems: [String] = []
    for expect in test.expects {
      let capture = expect.sink.flatMap { label in spec.sinks.firstIndex { $0.label == label }.map { captures[$0] } } ?? errors
      if let problem = capture.compare(expect.expectation) { problems.append("\(expect.place): \(expect.text)\n    \(problem)") }
    }
    let expectsErrors = test.expects.contains { $0.sink == nil }
    if let halted, !expectsErrors { problems.append("\(test.place): the pipeline halted: \(halted)") }
    return problems
  }
}

extension PipelineSpec {
  fileprivate func watchingFailures(_ capture: CaptureSink) -> PipelineSpec {
    let route = processErrors
    return PipelineSpec(
      id: id, sources: sources, input: input, sinks: sinks, lookups: lookups, onError: .route, stages: stages, meta: meta,
      settings: settings, process: process,
      processErrors: { WatchingProcessor(capture, route?($0)) })
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
    for row in 0..<batch.count { capture.add(batch.records!, row) }
    route?.process(batch, out)
  }
}

/// Keeps what a sink would have got: JSON of records, or the bytes.
final class CaptureSink: Sink, @unchecked Sendable {
  private var events: [String] = []

  func add(_ records: Column, _ row: Int) {
    var out = ByteBuffer(capacity: 256)
    out.json(records, row, JSONOptions())
    events.append(out.string)
    out.release()
  }

  func write(_ buffer: SinkBuffer) throws(RunFailure) -> [Refusal] {
    for row in 0..<buffer.count { if let records = buffer.records { add(records, row) } else { events.append(buffer.event(row).string) } }
    return []
  }
  func commit() throws(RunFailure) -> [Refusal] { [] }
  func close(completed: Bool) throws(RunFailure) {}

  /// Nil where it is as expected.
  func compare(_ expectation: TestSpec.Expectation) -> String? {
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
        guard let value = TestValue(event) else { return "event \(index + 1): came \(Shape.clean(event))" }
        if exact ? value != pattern : !value.matches(pattern) { return "event \(index + 1) differs, came: \(Shape.clean(event))" }
      }
      return nil
    }
  }
}

private final class TestSource: Source, @unchecked Sendable {
  private let shape: Shape?
  private let metaNames: [String]
  private let metaShapes: [String: Shape]
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

  init(_ inputs: [TestSpec.Given], _ spec: PipelineSpec, _ framing: Framing?) throws(RunFailure) {
    shape = spec.input
    metaNames = spec.meta
    metaShapes = [
      "path": .string, "topic": .string, "line": .int, "offset": .int, "partition": .int, "timestamp": .timestamp,
      "key": Shape.bytes.optional,
    ]
    for input in inputs {
      let source = spec.sources.first { $0.label == input.label } ?? spec.sources.first
      let isFile = source.map { $0.connection == nil && ["file", "stdin"].contains($0.connector) } ?? false
      let lines = isFile && source!.name == "lines" ? Framing.lines : nil
      let cut = isFile ? framing ?? lines : nil
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

  /// What the source would make of it in a run: a file or stream is cut, other events are as they are.
  private func add(_ text: Text, _ meta: String?, _ framing: Framing?) {
    guard let framing else { return given.append(Given(text: text, meta: meta)) }
    let (header, records) = framing.cut(text)
    if framing.hasHeader, let problem = framing.headerProblem(header?.text ?? Text()) {
      given.append(Given(text: header?.text ?? Text(), meta: meta, refusal: problem))
    }
    given += records.map { Given(text: $0, meta: meta, header: header, isFramed: true) }
  }

  /// One event at a time, with random numbers of its own: the same interpreted and compiled, and in every run.
  func next(_ batch: Batch) throws(RunFailure) -> Bool {
    guard next < given.count else { return false }
    let item = given[next]
    next += 1
    batch.context.random = UInt64(next)
    let arena = batch.context.arena
    let text = arena.copy(item.text)
    (UnsafeMutablePointer(mutating: text.base) + text.count).pointee = 0
    (batch.header, batch.isFramed) = (item.header, item.isFramed)
    if let refusal = item.refusal {
      batch.refused.append(Failure(row: 0, step: 0, message: refusal, payload: (text, item.meta ?? "{}")))
      return true
    }
    if let shape {
      let records = batch.records ?? Column(shape)
      batch.records = records
      guard shape.read(text, into: records, 0, arena, JSONOptions()) else {
        throw RunFailure("given: \(shape.explain(text, JSONOptions()))")
      }
      batch.count = 1
    } else {
      batch.append(text)
    }
    for name in metaNames where name != "raw" {
      let column = batch.meta[name] ?? Column(metaShapes[name] ?? .string)
      batch.meta[name] = column
      try meta(name, item.meta, column, 0, arena)
    }
    batch.describe = { _ in item.meta ?? "{}" }
    return true
  }

  private func meta(_ name: String, _ json: String?, _ column: Column, _ row: Int, _ arena: Arena) throws(RunFailure) {
    guard let json, case .object(let members)? = TestValue(json), let value = members.first(where: { $0.key == name })?.value else {
      return column.setNothing(row)
    }
    switch value {
    case .string(let text):
      if !Fields.parse(arena.copy(text), column, row, Context(arena: arena)) {
        throw RunFailure("given meta `\(name)` is no \(column.shape.name)")
      }
    case .number(let number, _): column.set(number?.whole ?? 0, row)
    default: column.setNothing(row)
    }
  }
}

private final class TestLookup: Lookup, @unchecked Sendable {
  private let rows: [(text: String, value: TestValue)]
  private let column: String?
  private let shape: Shape

  init(_ rows: String, _ spec: EndpointSpec) {
    shape = spec.shape!
    if case .value(.text(let name))? = spec.settings.first(where: { $0.name == "column" })?.value { column = name } else { column = nil }
    let context = Context()
    var list: [(String, TestValue)] = []
    if let json = try? Fn.parseJson(context.arena.copy(rows), context) {
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
      // The key's column where it is named, else the first of the row.
      let found = rows.first { row in
        guard case .object(let members) = row.value else { return false }
        let member = column.flatMap { name in members.first { $0.key == name } } ?? members.first
        return member?.value == key
      }
      guard let found else {
        result.setNull(Int(row))
        continue
      }
      let text = context.arena.copy(found.text)
      (UnsafeMutablePointer(mutating: text.base) + text.count).pointee = 0
      guard shape.read(text, into: result, Int(row), context.arena, JSONOptions()) else {
        throw EventFailure("given lookup: \(shape.explain(text, JSONOptions()))")
      }
    }
  }
}

extension Configuration {
  fileprivate func with(_ overrides: [(section: String, key: String, value: Value)]) -> Configuration {
    var sections = self.sections
    for item in overrides {
      var values = sections[item.section]?.values ?? [:]
      values[item.key] = item.value
      sections[item.section] = Settings(values)
    }
    return Configuration(sections: sections, general: [:])
  }
}
