#if MongoDB
import PumpConnectorKit

/// `find`: the documents of a collection, in the order of fields where one is given, and from there on again after a lost
/// session, a poll or a restart.
final class FindSource: Source {
  private let pool: ClientPool<Client>
  private let context: EndpointContext
  private let layout: Layout
  private let collection: String
  private let filter: [UInt8]
  /// Fields that the documents are ordered by.
  private let order: [Int]
  private let every: Int64?
  /// How long a document may take to be seen after one with a greater key; 0 where that does not matter.
  private let delay: Int64
  private let limit: Int
  /// The query that is under way, and its client.
  private var open: (client: Client, cursor: Cursor)?
  /// The ordering fields of the last document that was given; empty before the first.
  private var last = ByteBuffer(capacity: 256)
  /// The same of documents that wait for their acknowledgement.
  private var positions: [(number: Int64, key: [UInt8])] = []
  private var number: Int64 = 0
  private var given: Int64 = 0
  private var nextPoll: Int64 = 0
  private var hasEnded = false
  /// The greatest key when it was looked for last, up to which documents are read, from this time on.
  private var mark: (key: [UInt8], due: Int64)?

  private static let batchSize = 1024

  init(_ pool: ClientPool<Client>, _ context: EndpointContext) throws(RunFailure) {
    self.pool = pool
    self.context = context
    let shape = context.spec.shape!
    let arguments = MongoDBFindSourceArguments(context.settings)
    let label = context.spec.label
    let layout = Layout(shape)
    self.layout = layout
    collection = arguments.collection
    do throws(EventFailure) { filter = try ExtendedJSON.parse(arguments.filter) } catch {
      throw RunFailure("source `\(label)`: `filter` is no extended JSON\(error.message); write `{\"state\": \"open\"}`")
    }
    if let name = layout.misnamed(takesDots: false) {
      throw RunFailure("source `\(label)`: a field of MongoDB cannot be called `\(Shape.clean(name))`; choose another name")
    }
    order = arguments.order.compactMap { shape.field($0) }
    for field in order.map({ shape.fields[$0] }) {
      guard !field.shape.isOptional, field.value == nil, ![.list, .map, .record, .json].contains(field.shape.kind) else {
        throw RunFailure(
          "source `\(label)`: `order` needs scalars that every document has; `\(field.name)` is none, or may be missing or null")
      }
    }
    every = arguments.every?.micros
    // What is read once, and by no later run, has nothing to wait for.
    delay = !order.isEmpty && (every != nil || context.keepsPositions) ? arguments.delay.micros : 0
    limit = context.eventLimit
    guard every == nil || !order.isEmpty else {
      throw RunFailure("source `\(label)`: `every` needs `order: [field]`, so that each document is read once")
    }
  }

  deinit { last.release() }

  func resume(_ positions: any PositionStore) throws(RunFailure) {
    guard !order.isEmpty, let saved = try positions.load(nil)[""] else { return }
    do throws(EventFailure) { try ExtendedJSON.parse(saved).withUnsafeBufferPointer { last.raw($0.baseAddress!, $0.count) } } catch {
      throw RunFailure("source `\(context.spec.label)`: the kept position cannot be read\(error.message); remove it to begin anew")
    }
  }

  func next(_ batch: Batch) throws(RunFailure) -> Bool {
    if hasEnded { return false }
    if open == nil {
      let wait = nextPoll - monotonicMicros()
      if wait > 0 {
        guard context.stop.wait(micros: min(wait, 100_000)) else { return false }
        if monotonicMicros() < nextPoll { return true }
      }
    }
    do throws(RunFailure) {
      if open == nil {
        guard try isSettled() else { return !hasEnded }
        try begin()
      }
      return try read(batch)
    } catch {
      end(error)
      guard error.isTransient, order.isEmpty, given > 0 else { throw error }
      throw RunFailure("\(error.message); without `order` the rest of `\(context.spec.label)` cannot be found again")
    }
  }

  // MARK: The query

  /// Whether documents can be read up to the mark: those with smaller keys are there by now as well. Else it is set or waited for.
  private func isSettled() throws(RunFailure) -> Bool {
    guard delay > 0 else { return true }
    if let mark {
      let wait = mark.due - monotonicMicros()
      guard wait > 0 else { return true }
      if !context.stop.wait(micros: min(wait, 100_000)) { hasEnded = true }
      return false
    }
    let options: [(String, BSON)] = [("projection", projection(order)), ("sort", sort(-1)), ("limit", .int(1))]
    let found = try pool.with { client throws(RunFailure) in try client.all(collection, query(upTo: nil), options) }
    if let newest = found.first {
      let key = newest.withUnsafeBufferPointer { bytes in self.key(of: Document(bytes.baseAddress!, bytes.count)) }
      mark = (key, monotonicMicros() + delay)
    } else {
      rest()
    }
    return false
  }

  /// The end of what there is now.
  private func rest() {
    mark = nil
    nextPoll = monotonicMicros() + (every ?? 0)
    hasEnded = every == nil
  }

  private func sort(_ way: Int32) -> BSON { .document(order.map { (layout.names[$0].string, .int(way)) }) }

  private func projection(_ fields: some Sequence<Int>) -> BSON {
    let names = fields.map { layout.names[$0] }
    // Without a projection that names it, `_id` comes unasked.
    let hidden = names.contains(Text("_id")) ? [] : [("_id", BSON.int(0))]
    return .document(names.map { ($0.string, .int(1)) } + hidden)
  }

  private func query(upTo mark: [UInt8]?) -> BSON {
    var parts = [BSON.raw(.document, filter)]
    if last.count > 0 { parts.append(behind(Array(Document(last.base, last.count)))) }
    mark?.withUnsafeBufferPointer { bytes in
      parts.append(.document([("$nor", .array([behind(Array(Document(bytes.baseAddress!, bytes.count)))]))]))
    }
    return parts.count == 1 ? parts[0] : .document([("$and", .array(parts))])
  }

  private func begin() throws(RunFailure) {
    let query = query(upTo: mark?.key)
    var options: [(String, BSON)] = [("batchSize", .int(Int32(Self.batchSize)))]
    if !layout.isOpen { options.append(("projection", projection(layout.names.indices))) }
    if !order.isEmpty { options.append(("sort", sort(1))) }
    let client = try pool.acquire()
    do throws(RunFailure) { open = (client, try client.find(collection, query, options)) } catch {
      pool.release(client, broken: false)
      throw error
    }
  }

  /// What comes after a key of several fields: a greater first one, or the same and a greater second one, and so on.
  private func behind(_ key: [Document.Item]) -> BSON {
    let cases = key.indices.flatMap { index -> [BSON] in
      let same = key[..<index].map { ($0.name.string, BSON.raw($0)) }
      let name = key[index].name.string
      var greater: [BSON] = [.document([("$gt", .raw(key[index]))])]
      // A comparison finds values of one type; a `String` may be an ObjectId too, and those come after all strings.
      if key[index].type == .string { greater.append(.document([("$type", .text("objectId"))])) }
      return greater.map { .document(same + [(name, $0)]) }
    }
    return .document([("$or", .array(cases))])
  }

  private func end(_ failure: RunFailure? = nil) {
    guard let (client, cursor) = open else { return }
    open = nil
    cursor.close()
    pool.release(client, broken: client.isBroken)
    if let failure, client.isBroken { pool.lost(failure.message) }
  }

  // MARK: Documents

  private func read(_ batch: Batch) throws(RunFailure) -> Bool {
    let records = batch.recordColumn(layout.shape)
    var row = 0
    while row + batch.refused.count < Self.batchSize {
      guard let document = try next(afterRows: row + batch.refused.count) else { break }
      take(document, batch, records, &row)
    }
    batch.count = row
    given += Int64(row)
    if context.keepsPositions, last.count > 0, row > 0 || !batch.refused.isEmpty {
      batch.checkpoint = ["": Document(last.base, last.count).json(.extended)]
    }
    return row > 0 || !batch.refused.isEmpty || every != nil
  }

  /// The next document, or nil if the batch ends here.
  private func next(afterRows rows: Int) throws(RunFailure) -> Document? {
    guard let cursor = open?.cursor else { return nil }
    do throws(RunFailure) {
      if let document = try cursor.next() { return document }
      end()
      rest()
    } catch {
      // What was read is given first; the next call goes on after it.
      guard error.isTransient, !order.isEmpty, rows > 0 else { throw error }
      end(error)
    }
    return nil
  }

  private func take(_ document: Document, _ batch: Batch, _ records: Column, _ row: inout Int) {
    let arena = batch.context.arena
    do throws(EventFailure) {
      guard document.bytes.count <= limit else { throw EventFailure("the document is longer than max_event (\(limit) bytes)") }
      try records.read(document, row, layout, arena)
      keep(document)
      row += 1
    } catch {
      let reason: FailureReason? = document.bytes.count > limit ? .tooLarge : nil
      let payload = (arena.copy(document.json(.extended)), "{}")
      batch.refused.append(Failure(row: row, step: -1, message: error.message, reason: reason, payload: payload))
      // A key of another type stands before or after all others: no position to go on from.
      let hasKey = order.allSatisfy { index in
        let item = document.first { $0.name == layout.names[index] }
        return item.map { (try? records.children[index].read($0, row, layout.children[index], arena)) != nil } ?? false
      }
      if hasKey { keep(document) }
    }
  }

  /// Keeps the key of a document.
  private func keep(_ document: Document) {
    guard !order.isEmpty else { return }
    last.count = 0
    key(of: document).withUnsafeBufferPointer { last.raw($0.baseAddress!, $0.count) }
  }

  /// The ordering fields of a document, as one.
  private func key(of document: Document) -> [UInt8] {
    var out = ByteBuffer(capacity: 64)
    defer { out.release() }
    let start = out.beginDocument()
    for index in order {
      guard let item = document.first(where: { $0.name == layout.names[index] }) else { continue }
      out.item(item.type, item.name)
      out.raw(item.value)
    }
    out.endDocument(start)
    return Array(out.bytes)
  }

  func close() { end() }
}
#endif
