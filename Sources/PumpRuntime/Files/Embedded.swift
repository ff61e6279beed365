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
    if context.spec.name == "bytes" {
      let arguments = FileBytesSourceArguments(context.settings)
      return try FileSource(context, arguments.path, unpacks: arguments.compression == .auto, whole: true)
    }
    let arguments = FileLinesSourceArguments(context.settings)
    let unpacks = arguments.compression == .auto
    let joined = try Framing.joined(by: arguments.join, context.spec.label, limit: context.eventLimit)
    guard arguments.follow else { return try FileSource(context, arguments.path, unpacks: unpacks, whole: false, joined: joined) }
    return try FollowSource(context, arguments.path, unpacks: unpacks, joined: joined, wait: arguments.joinWait.micros)
  }
  func sink(_ context: EndpointContext) throws(RunFailure) -> any Sink {
    if context.spec.name == "bytes" {
      let arguments = FileBytesSinkArguments(context.settings)
      return try FileSink(
        context, arguments.path, appends: arguments.mode == .append, header: nil, rotateAt: arguments.rotate, framed: false)
    }
    let arguments = FileLinesSinkArguments(context.settings)
    return try FileSink(
      context, arguments.path, appends: arguments.mode == .append, header: arguments.header, rotateAt: arguments.rotate, framed: true)
  }
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

private final class TimerSource: Source {
  private let interval: Int64
  private let limit: Int64?
  private let stop: StopSignal
  private var number: Int64 = 0
  private var due: Int64

  init(_ context: EndpointContext) {
    let arguments = TimerEverySourceArguments(context.settings)
    interval = max(1, arguments.interval.micros)
    limit = arguments.limit
    stop = context.stop
    due = monotonicMicros()
  }

  var ends: Bool { limit != nil }

  func next(_ batch: Batch) throws(RunFailure) -> Bool {
    if let limit, number >= limit { return false }
    let wait = due - monotonicMicros()
    if wait > 0 {
      guard stop.wait(micros: min(wait, 100_000)) else { return false }
      if monotonicMicros() < due { return true }
    }
    let records = batch.recordColumn(.record("Tick", [.init("number", .int), .init("at", .timestamp)]))
    records.setPresent(0)
    records.children[0].set(number, 0)
    records.children[1].set(Timestamp(currentMicros()), 0)
    batch.count = 1
    number += 1
    // Ticks that were missed are left out, not made up for.
    due = max(due + interval, monotonicMicros() - interval)
    return true
  }
}
