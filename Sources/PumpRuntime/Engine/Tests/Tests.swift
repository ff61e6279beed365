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
    let feeders = program.feeders(of: spec.id, among: test.streams)
    let pipeline = Pipeline(
      spec, steps, configuration, sinks: captures, feeders: feeders, lookups: lookups, keeper: nil,
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
      var targets: [Pipeline] = []
      let sinks = declared.sinks.map { sink -> any Sink in
        guard let target = made.first(where: { $0.spec.id == sink.pipeline }) else { return CaptureSink() }
        targets.append(target)
        return FeedSink(sink, of: id, target, isLocked: true, feeders: &feeders)
      }
      made.append(
        Pipeline(
          declared.routingFailures, steps[id]!.watchingFailures(errors), configuration, sinks: sinks, feeds: targets,
          feeders: program.feeders(of: id, among: test.streams),
          lock: pipeline.lock, lookups: declared.lookups.map { TestLookup(nil, $0) }, keeper: nil,
          logger: Logger(asJSON: false, quiet: true), stop: StopSignal(), clock: { now }))
    }
    return made.dropFirst().reversed()
  }
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
