#if MongoDB
import PumpConnectorKit

/// `changes`: a change stream. Where it stood when the last acknowledged event was given is kept; after a lost session, and
/// after a restart, it begins again after that.
final class ChangesSource: Source {
  private let pool: ClientPool<Client>
  private let context: EndpointContext
  private let collection: String?
  private let pipeline: [UInt8]
  private let limit: Int
  private var open: (client: Client, stream: ChangeStream)?
  /// The option by which a stream goes on after what was given.
  private var given: [UInt8]?
  private var markedAt: Int64 = 0

  /// Where nothing waits, the kept position follows the server's log, lest it be forgotten there: so often.
  private static let markInterval: Int64 = 10_000_000

  init(_ pool: ClientPool<Client>, _ context: EndpointContext) throws(RunFailure) {
    self.pool = pool
    self.context = context
    let arguments = MongoDBChangesSourceArguments(context.settings)
    collection = arguments.collection
    limit = context.eventLimit
    let label = context.spec.label
    do throws(EventFailure) { pipeline = try ExtendedJSON.parse("{\"pipeline\":\(arguments.pipeline)}") } catch {
      throw RunFailure("source `\(label)`: `pipeline` is no extended JSON\(error.message); write `[{\"$match\": …}]`")
    }
  }

  func resume(_ positions: any PositionStore) throws(RunFailure) {
    guard let kept = try positions.load(nil)[""] else { return }
    do throws(EventFailure) { given = try ExtendedJSON.parse(kept) } catch {
      throw RunFailure(
        "source `\(context.spec.label)`: the kept position cannot be read\(error.message); remove it to begin with the changes of now")
    }
  }

  // MARK: The stream

  func next(_ batch: Batch) throws(RunFailure) -> Bool {
    do throws(RunFailure) {
      if open == nil { try begin() }
      try read(batch)
      return !context.stop.isRequested || batch.count > 0
    } catch {
      end(error)
      throw error
    }
  }

  private func begin() throws(RunFailure) {
    let client = try pool.acquire()
    let stream = ChangeStream(client, collection, pipeline, after: given)
    open = (client, stream)
    if given == nil { given = stream.option() }
  }

  private func end(_ failure: RunFailure? = nil) {
    guard let (client, stream) = open else { return }
    open = nil
    stream.close()
    pool.release(client, broken: client.isBroken)
    if let failure, client.isBroken { pool.lost(failure.message) }
  }

  // MARK: Events

  private func read(_ batch: Batch) throws(RunFailure) {
    let begin = monotonicMicros()
    var changes: [Change] = []
    var size = 0
    var isInvalidated = false
    while let stream = open?.stream, changes.count + batch.refused.count < 1024, size < 4 << 20, !isInvalidated {
      do throws(RunFailure) {
        guard let event = try stream.next() else { break }
        size += event.bytes.count
        // The collection is gone; one of the same name may come after that.
        isInvalidated = event["operationType"]?.string == Text("invalidate")
        if let change = Change(event, batch.context.arena) { take(change, batch, &changes) }
      } catch {
        // What was read is given first; the next call goes on after it.
        guard error.isTransient, !changes.isEmpty || !batch.refused.isEmpty else { throw error }
        given = stream.option() ?? given
        end(error)
      }
      if monotonicMicros() - begin > 100_000 { break }
    }
    if let stream = open?.stream { given = stream.option(isInvalidated: isInvalidated) ?? given }
    if isInvalidated { end() }
    Change.describe(changes, batch, context.meta)
    mark(batch)
    // A server that does not wait is not asked without end.
    if monotonicMicros() - begin < 10_000, batch.count == 0 { _ = context.stop.wait(micros: 100_000) }
  }

  private func take(_ change: Change, _ batch: Batch, _ changes: inout [Change]) {
    guard change.event.count > limit else {
      batch.append(change.event)
      return changes.append(change)
    }
    let message = "the event is longer than max_event (\(limit) bytes)"
    let payload = (batch.context.arena.copy(change.meta), change.meta)
    batch.refused.append(Failure(row: batch.count, step: -1, message: message, reason: .tooLarge, payload: payload))
  }

  // MARK: Positions

  /// What happens from the first call on must be found after a restart too, before there is an event.
  private func mark(_ batch: Batch) {
    let now = monotonicMicros()
    let isDue = batch.count > 0 || !batch.refused.isEmpty || now - markedAt > Self.markInterval
    guard context.keepsPositions, isDue, let given else { return }
    batch.checkpoint = ["": given.withUnsafeBufferPointer { Document($0.baseAddress!, $0.count).json(.extended) }]
    markedAt = now
  }

  func close() { end() }
}
#endif
