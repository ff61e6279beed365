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
    let records = batch.records ?? Column(.record("Tick", [.init("number", .int), .init("at", .timestamp)]))
    batch.records = records
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

/// `generate.records(count: 1000, seed: 1) as T`: plausible records of a type, the same for the same seed.
final class GenerateConnector: Connector {
  func source(_ context: EndpointContext) throws(RunFailure) -> any Source { GenerateSource(context) }
}

private final class GenerateSource: Source, @unchecked Sendable {
  private let shape: Shape
  private let count: Int64?
  private let random: Context
  private var made: Int64 = 0

  init(_ context: EndpointContext) {
    shape = context.spec.shape!
    count = context.settings.int("count")
    random = Context(seed: UInt64(bitPattern: context.settings.int("seed") ?? 1))
  }

  var ends: Bool { count != nil }

  func next(_ batch: Batch) throws(RunFailure) -> Bool {
    let left = count.map { $0 - made } ?? 1024
    guard left > 0 else { return false }
    let records = batch.records ?? Column(shape)
    batch.records = records
    let rows = Int(min(left, 1024))
    for row in 0..<rows {
      fill(records, row, "", batch.context.arena)
      made += 1
    }
    batch.count = rows
    return true
  }

  private func pick(_ bound: UInt64) -> UInt64 { random.nextRandom() % bound }

  private func fill(_ column: Column, _ row: Int, _ name: String, _ arena: Arena) {
    if column.shape.isOptional, pick(5) == 0 { return column.setNull(row) }
    let start: Int64 = 1_704_067_200_000_000
    switch column.shape.kind {
    case .bool: column.set(pick(2) == 0, row)
    case .int: column.set(name == "id" ? made + 1 : Int64(pick(1000)), row)
    case .float: column.set(Double(pick(100_000)) / 100, row)
    case .decimal: column.set(Decimal(Int128(pick(100_000)), scale: 2), row)
    case .string: column.set(arena.copy("\(name.isEmpty ? "text" : name)-\(pick(10_000))"), row)
    case .bytes: column.set(Blob(arena.copy("bytes-\(pick(10_000))")), row)
    case .timestamp: column.set(Timestamp(start + made * 1_000_000), row)
    case .date: column.set(Day(19_723 + Int64(pick(365))), row)
    case .duration: column.set(Duration(Int64(pick(3600)) * 1_000_000), row)
    case .size: column.set(Size(Int64(pick(1 << 20))), row)
    case .uuid: column.set(Fn.uuidV4(random), row)
    case .json: column.set(Text("{}"), row)
    case .enumeration: column.set(Int64(pick(UInt64(max(1, column.shape.cases.count)))), row)
    case .list, .map:
      let child = column.children[0]
      let first = child.count
      let length = column.shape.kind == .map ? 0 : Int(pick(4))
      for i in 0..<length { fill(child, first + i, name, arena) }
      column.set(Slice(first, length), row)
    case .record:
      column.setPresent(row)
      for (field, child) in zip(column.shape.fields, column.children) { fill(child, row, field.name, arena) }
    }
  }
}
