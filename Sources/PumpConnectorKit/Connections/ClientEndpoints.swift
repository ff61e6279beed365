/// Endpoints over a pool of clients, for connectors that users write: what their code gives is one client and what it
/// does with a batch; keeping, retrying and refusing are done here.

/// A sink that keeps events until they are delivered.
public final class ClientSink<Client: PooledClient>: Sink {
  private let pool: ClientPool<Client>
  private let kept: HeldEvents
  private let deliver: @Sendable (Client, SinkBuffer) throws(RunFailure) -> [Refusal]

  /// `deliver` makes all events durable and returns those that the system refuses; after a transient failure it gets
  /// all of them again.
  public init(
    _ pool: ClientPool<Client>, _ context: EndpointContext,
    deliver: @escaping @Sendable (Client, SinkBuffer) throws(RunFailure) -> [Refusal]
  ) {
    self.pool = pool
    self.deliver = deliver
    kept = HeldEvents(context.spec)
  }

  public var refusesLate: Bool { true }
  public var pending: Int { kept.size }

  public func write(_ buffer: SinkBuffer) throws(RunFailure) -> [Refusal] {
    kept.append(buffer)
    return []
  }

  public func commit() throws(RunFailure) -> [Refusal] {
    guard kept.buffer.count > 0 else { return [] }
    let refusals = try pool.with { client throws(RunFailure) in try deliver(client, kept.buffer) }
    kept.clear()
    return refusals
  }

  public func close(completed: Bool) throws(RunFailure) {}
}

/// Events that a sink holds until its commit, copied so that they outlive their batches.
public final class HeldEvents {
  public let buffer: SinkBuffer
  private let memory = Arena()

  public init(_ spec: EndpointSpec) { buffer = SinkBuffer(spec) }

  /// About how many bytes they take.
  public var size: Int { buffer.bytes.count + buffer.count * 64 }

  public func append(_ other: SinkBuffer) {
    let first = buffer.count
    for row in 0..<other.count {
      buffer.bytes.raw(other.ends.count == 0 ? Text() : other.event(row))
      buffer.end(Int(other.origins[row]))
      // Both are buffers of the same sink.
      if let records = buffer.records { records.copy(first + row, from: other.records!, row, into: memory) }
      for (column, from) in zip(buffer.each, other.each) { column.copy(first + row, from: from, row, into: memory) }
    }
  }

  public func clear() {
    buffer.clear()
    memory.reset()
  }
}

/// A source that reads with one client, which it holds.
public final class ClientSource<Client: PooledClient>: Source {
  private let pool: ClientPool<Client>
  private let stop: StopSignal
  private let read: @Sendable (Client, Batch) throws(RunFailure) -> Bool
  private let confirm: @Sendable (Client, Int64) throws(RunFailure) -> Void
  private var client: Client?

  /// `read` adds events to the batch and returns false at the end; `confirm` is told the position up to which all is durable.
  public init(
    _ pool: ClientPool<Client>, _ context: EndpointContext, read: @escaping @Sendable (Client, Batch) throws(RunFailure) -> Bool,
    confirm: @escaping @Sendable (Client, Int64) throws(RunFailure) -> Void
  ) {
    self.pool = pool
    stop = context.stop
    self.read = read
    self.confirm = confirm
  }

  public func next(_ batch: Batch) throws(RunFailure) -> Bool {
    if client == nil { client = try pool.acquire() }
    do throws(RunFailure) {
      let goesOn = try read(client!, batch)
      // Nothing came: the client has waited, or must not be asked in a loop.
      if goesOn, batch.count == 0, batch.refused.isEmpty, !stop.wait(micros: 10_000) { return false }
      return goesOn
    } catch {
      giveUp(error)
      throw error
    }
  }

  public func acknowledge(_ position: Int64) throws(RunFailure) {
    guard let client else { return }
    do throws(RunFailure) { try confirm(client, position) } catch {
      // What is not confirmed comes again.
      giveUp(error)
      guard error.isTransient else { throw error }
    }
  }

  private func giveUp(_ failure: RunFailure) {
    guard let client else { return }
    self.client = nil
    let isGone = client.isBroken
    pool.release(client, broken: true)
    if isGone { pool.lost(failure.message) }
  }

  public func close() {
    if let client { pool.release(client, broken: true) }
    client = nil
  }
}

/// A lookup that asks a client for the JSON of each key.
public final class ClientLookup<Client: PooledClient>: Lookup {
  private let pool: ClientPool<Client>
  private let label: String
  /// What was found for the rows that were loaded last.
  private var found: [Int32: String] = [:]
  private let find: @Sendable (Client, Column, Int) throws(RunFailure) -> String?

  public init(
    _ pool: ClientPool<Client>, _ connection: Connection, _ context: EndpointContext,
    find: @escaping @Sendable (Client, Column, Int) throws(RunFailure) -> String?
  ) {
    self.pool = pool
    label = context.spec.label
    self.find = find
  }

  public func load(_ keys: Column, _ rows: UnsafeBufferPointer<Int32>, _ context: Context) throws(RunFailure) {
    found = try pool.with { client throws(RunFailure) in
      var found: [Int32: String] = [:]
      for row in rows where !keys.isNull(Int(row)) { found[row] = try find(client, keys, Int(row)) }
      return found
    }
  }

  public func find(_ keys: Column, _ rows: UnsafeBufferPointer<Int32>, into result: Column, _ context: Context) throws(EventFailure) {
    for row in rows {
      guard let json = found[row] else {
        result.setNull(Int(row))
        continue
      }
      try result.read(json: Array(json.utf8), Int(row), context, label)
    }
  }
}

extension Batch {
  /// Adds an event of bytes, copied. One that is longer than the limit is refused, its beginning kept as the payload;
  /// false then.
  @discardableResult
  public func add(_ bytes: UnsafeRawBufferPointer, limit: Int = .max, meta: @autoclosure () -> String = "{}") -> Bool {
    let size = min(bytes.count, limit)
    let copy = context.arena.allocate(size + 1).assumingMemoryBound(to: UInt8.self)
    if let base = bytes.baseAddress { copy.update(from: base.assumingMemoryBound(to: UInt8.self), count: size) }
    copy[size] = 0
    guard bytes.count > limit else {
      append(Text(copy, size))
      return true
    }
    refused.append(
      Failure(
        row: count, step: -1, message: "the message is longer than max_event (\(limit) bytes); its beginning is kept as the payload",
        reason: .tooLarge, payload: (Text(copy, size), meta())))
    return false
  }
}

extension Shape {
  /// A row that did not fit as a JSON object of texts, for the error route; nil is null.
  public func payload(_ arena: Arena, _ text: (Int) -> Text?) -> Text {
    var out = ByteBuffer(capacity: 256)
    defer { out.release() }
    for (index, field) in fields.enumerated() {
      out.raw(index == 0 ? "{" : ",")
      out.quoted(arena.copy(field.wire))
      out.raw(":")
      if let text = text(index) { out.quoted(text) } else { out.raw("null") }
    }
    out.raw("}")
    return arena.copy(out.bytes)
  }
}

extension Column {
  /// Reads a record that a lookup found as JSON; what does not fit is said after the lookup's label.
  public func read(json: [UInt8], _ row: Int, _ context: Context, _ label: String) throws(EventFailure) {
    let text = json.withUnsafeBufferPointer { context.arena.copy($0) }
    guard shape.read(text, into: self, row, context.arena, JSONOptions()) else {
      throw EventFailure("\(label): \(shape.explain(text, JSONOptions()))")
    }
  }
}
