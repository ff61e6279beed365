import Foundation
import PumpCompiler
import PumpInterpreter
import PumpRuntime
import PumpTestSupport
import Testing

/// Two engines of one process: each has its own stop, and what one has closed the other may take.
@Suite struct InProcessTests {
  private static func runner(_ spec: String) throws -> Runner {
    let plan = try #require(Support.compile(spec).plan)
    let executable = interpret(plan)
    let (configuration, problems) = Configuration.load(executable.program.schema, files: [], overrides: [], environment: { _ in nil })
    #expect(problems.isEmpty)
    return Runner(executable, configuration, Embedded.factories, Logger(asJSON: true, quiet: true))
  }

  private static func endless(_ path: String) -> String {
    """
    pipeline p {
      source timer.every(10ms)
        |> encode json
        |> sink file.lines("\(path)", mode: append)
      on error halt
    }
    """
  }

  /// Runs on a thread of its own until it ends.
  private final class Running: Sendable {
    let runner: Runner
    private let ended = DispatchSemaphore(value: 0)
    nonisolated(unsafe) private(set) var report: RunReport?

    init(_ runner: Runner) {
      self.runner = runner
      Thread.detachNewThread { [self] in
        report = runner.run()
        ended.signal()
      }
    }

    func end() throws -> RunReport {
      try #require(ended.wait(timeout: .now() + 20) == .success)
      return try #require(report)
    }
  }

  private static func lines(_ path: String) -> Int {
    (try? String(contentsOfFile: path, encoding: .utf8).split(separator: "\n").count) ?? 0
  }
  private static func wait(_ until: () -> Bool) -> Bool {
    for _ in 0..<1000 where !until() { usleep(10_000) }
    return until()
  }

  @Test func aStopEndsOneEngineAndNotTheOther() throws {
    let folder = try Support.temporaryFolder()
    let (a, b) = (folder + "/a.ndjson", folder + "/b.ndjson")
    let first = Running(try Self.runner(Self.endless(a)))
    let second = Running(try Self.runner(Self.endless(b)))
    #expect(Self.wait { Self.lines(a) > 2 && Self.lines(b) > 2 })
    first.runner.stop.request()
    #expect(try first.end().failure == nil)
    let after = Self.lines(b)
    #expect(Self.wait { Self.lines(b) > after + 5 })
    // Its file is free again, while the other's is not.
    let third = Running(try Self.runner(Self.endless(a)))
    let count = Self.lines(a)
    #expect(Self.wait { Self.lines(a) > count + 2 })
    #expect(try Running(Self.runner(Self.endless(b))).end().failure?.contains("another sink of this program writes") == true)
    for running in [second, third] {
      running.runner.stop.request()
      #expect(try running.end().failure == nil)
    }
  }

  @Test func aFileThatCouldNotBeOpenedIsNotTaken() throws {
    let folder = try Support.temporaryFolder()
    let path = folder + "/missing/a.ndjson"
    let refused = try #require(Running(try Self.runner(Self.endless(path))).end().failure)
    #expect(refused.contains("cannot create"))
    try FileManager.default.createDirectory(atPath: folder + "/missing", withIntermediateDirectories: true)
    let running = Running(try Self.runner(Self.endless(path)))
    #expect(Self.wait { Self.lines(path) > 2 })
    running.runner.stop.request()
    #expect(try running.end().failure == nil)
  }
}

/// What a start has opened is closed, also where it fails then.
@Suite struct FailedStartTests {
  private final class Fake: Connector {
    final class Opened: Source {
      let closed: DispatchSemaphore
      init(_ closed: DispatchSemaphore) { self.closed = closed }
      func next(_ batch: Batch) throws(RunFailure) -> Bool { false }
      func close() { closed.signal() }
    }
    let closed: DispatchSemaphore
    init(_ closed: DispatchSemaphore) { self.closed = closed }
    func source(_ context: EndpointContext) throws(RunFailure) -> any Source { Opened(closed) }
    func probe() throws(RunFailure) { throw RunFailure("it is not there") }
  }

  @Test func sourcesAreClosed() throws {
    let folder = try Support.temporaryFolder()
    let spec = """
      connection db: SQLite { path = "\(folder)/a.db" }
      type T { id: Int }
      pipeline p {
        source db.table("t") as T
          |> encode json
          |> sink file.lines("\(folder)/out.ndjson")
        on error halt
      }
      """
    let executable = interpret(try #require(Support.compile(spec).plan))
    let (configuration, _) = Configuration.load(executable.program.schema, files: [], overrides: [], environment: { _ in nil })
    let closed = DispatchSemaphore(value: 0)
    let factories: [String: ConnectorFactory] = ["SQLite": { (_: Connection) throws(RunFailure) in Fake(closed) }]
    let runner = Runner(
      executable, configuration, Embedded.factories.merging(factories) { $1 }, Logger(asJSON: true, quiet: true))
    #expect(runner.run().failure == "it is not there")
    #expect(closed.wait(timeout: .now()) == .success)
  }
}
