import Glibc

/// The endpoints that need no connection.
public enum Embedded {
  public static let factories: [String: ConnectorFactory] = [
    "file": { _ in FileConnector() }, "stdin": { _ in StandardConnector() }, "stdout": { _ in StandardConnector() },
    "timer": { _ in TimerConnector() }, "generate": { _ in GenerateConnector() },
  ]
}

final class FileConnector: Connector {
  func source(_ context: EndpointContext) throws(RunFailure) -> any Source {
    if context.settings.bool("follow") { return try FollowSource(context) }
    return try FileSource(context, whole: context.spec.name == "bytes")
  }
  func sink(_ context: EndpointContext) throws(RunFailure) -> any Sink { try FileSink(context, framed: context.spec.name == "lines") }
  func lookup(_ context: EndpointContext) throws(RunFailure) -> any Lookup { try FileLookup(context) }
}

final class StandardConnector: Connector {
  func source(_ context: EndpointContext) throws(RunFailure) -> any Source { try StdinSource(context) }
  func sink(_ context: EndpointContext) throws(RunFailure) -> any Sink { FileSink(standardOutput: context) }
}

/// `timer.every(5s)`: one event each time, with its number and time.
final class TimerConnector: Connector {
  func source(_ context: EndpointContext) throws(RunFailure) -> any Source { TimerSource(context) }
}

private final class TimerSource: Source, @unchecked Sendable {
  private let interval: Int64
  private let limit: Int64?
  private let stop: StopSignal
  private var number: Int64 = 0
  private var due: Int64

  init(_ context: EndpointContext) {
    interval = max(1, context.settings.int("interval") ?? 1_000_000)
    limit = context.settings.int("limit")
    stop = context.stop
    due = currentMicros()
  }

  var ends: Bool { limit != nil }

  func next(_ batch: Batch) throws(RunFailure) -> Bool {
    if let limit, number >= limit { return false }
    let wait = due - currentMicros()
    if wait > 0 {
      guard stop.wait(micros: min(wait, 100_000)) else { return false }
      if currentMicros() < due { return true }
    }
    let records = batch.recordColumn(.record("Tick", [.init("number", .int), .init("at", .timestamp)]))
    records.setPresent(0)
    records.children[0].set(number, 0)
    records.children[1].set(Timestamp(currentMicros()), 0)
    batch.count = 1
    number += 1
    // Ticks that were missed are left out, not made up for.
    due = max(due + interval, currentMicros() - interval)
    return true
  }
}
