#if MongoDB
internal import CMongoDB
import PumpConnectorKit

/// `collection`: what was written since the last commit is held here as BSON and sent by the commit in few commands. Every
/// inserted document has its `_id` from here, so that it can be sent again where no answer came, and is there once.
final class CollectionSink: Sink {
  enum Mode { case insert, upsert, update, delete, ignore }
  private let pool: ClientPool<Client>
  private let name: String
  private let layout: Layout
  let mode: Mode
  private let isOrdered: Bool
  /// Fields that identify a document, and the others.
  private let key: [Int]
  private let others: [Int]
  private let identifier: Int?
  /// The names of a document's fields that identify it, where it is open.
  let keyNames: [Text]
  private let memory = Arena(chunkSize: 1 << 10)
  /// For each event its documents, a selector first where there is a key, and where they end.
  var bytes = ByteBuffer(capacity: 64 << 10)
  private var ends: [Int] = []
  /// Whether the `_id` was made here.
  private var isMadeHere: [Bool] = []
  /// Keys since the last commit; where one comes again, the order of the events counts.
  private var keys: Set<Int> = []
  private var repeatsKeys = false
  /// What is held was sent, whatever came of it, and is sent again.
  private var wasSent = false
  private var isSentAgain = false

  /// What a server takes in one document, and what goes to it in one command.
  private static let documentLimit = 16 << 20
  private static let commandLimit = (bytes: 16 << 20, rows: 50_000)
  /// In order, the server stops at each that it refuses, and what follows is sent again.
  private static let orderedLimit = 1000

  init(_ pool: ClientPool<Client>, _ context: EndpointContext) throws(RunFailure) {
    self.pool = pool
    let shape = context.spec.shape!
    let arguments = MongoDBCollectionSinkArguments(context.settings)
    name = arguments.name
    layout = Layout(shape)
    let key = arguments.key.compactMap { shape.field($0) }
    self.key = key
    others = shape.fields.indices.filter { !key.contains($0) }
    identifier = shape.fields.firstIndex { $0.wire == "_id" && !$0.isRest }
    keyNames = (shape.kind == .json ? arguments.key : key.map { shape.fields[$0].wire }).map { [memory] in memory.copy($0) }
    mode =
      switch arguments.mode {
      case .auto: arguments.key.isEmpty ? .insert : .upsert
      case .insert: .insert
      case .upsert: .upsert
      case .update: .update
      case .delete: .delete
      case .ignore: .ignore
      }
    isOrdered = arguments.ordered
    let label = context.spec.label
    if arguments.key.isEmpty, mode != .insert, mode != .ignore {
      throw RunFailure("sink `\(label)`: `\(mode)` needs `key: [field]`")
    }
    if let name = layout.misnamed(takesDots: mode == .insert) {
      throw RunFailure("sink `\(label)`: a field of MongoDB cannot be called `\(Shape.clean(name))`; choose another name")
    }
  }

  deinit { bytes.release() }

  var refusesLate: Bool { true }
  var pending: Int { bytes.count }
  var selects: Bool { mode != .insert && !keyNames.isEmpty }

  // MARK: Writing

  func write(_ buffer: SinkBuffer) throws(RunFailure) -> [Refusal] {
    let records = buffer.records!
    var refusals: [Refusal] = []
    for row in 0..<buffer.count {
      let start = bytes.count
      do throws(EventFailure) {
        let isMade = try encode(records, row)
        guard bytes.count - start <= Self.documentLimit else {
          throw EventFailure("the document has \(bytes.count - start) bytes, and MongoDB takes \(Self.documentLimit)")
        }
        isMadeHere.append(isMade)
        ends.append(bytes.count)
      } catch {
        bytes.count = start
        refusals.append(Refusal(row: row, message: error.message))
      }
    }
    return refusals
  }

  /// The documents of one event; whether an `_id` was made for it.
  private func encode(_ records: Column, _ row: Int) throws(EventFailure) -> Bool {
    if layout.isOpen { return try encode(open: try whole(records, row)) }
    guard selects else { return try insertion(records, row) }
    let start = bytes.count
    try bytes.document(records, row, layout, fields: key)
    noteSelector(from: start)
    if mode == .delete { return false }
    // The key's own fields come from the selector, unless there is nothing else to set.
    let change = bytes.beginDocument()
    let setsAll = mode != .ignore && !others.isEmpty
    bytes.item(.document, setsAll ? Text("$set") : Text("$setOnInsert"))
    try bytes.document(records, row, layout, fields: others.isEmpty ? key : others)
    bytes.endDocument(change)
    return false
  }

  /// A whole document, its `_id` first, as the server keeps it.
  private func insertion(_ records: Column, _ row: Int) throws(EventFailure) -> Bool {
    let start = bytes.beginDocument()
    let isMade = identifier.map { records.children[$0].isNull(row) } ?? true
    if isMade {
      makeIdentifier()
    } else if let identifier {
      try bytes.field(records, row, layout, identifier)
    }
    for index in layout.names.indices where index != identifier { try bytes.field(records, row, layout, index) }
    bytes.endDocument(start)
    return isMade
  }

  func makeIdentifier() {
    bytes.item(.objectId, Text("_id"))
    var id = bson_oid_t()
    bson_oid_init(&id, nil)
    withUnsafeBytes(of: &id) { bytes.raw($0.baseAddress!.assumingMemoryBound(to: UInt8.self), $0.count) }
  }

  /// What was written from there on is a selector: where it comes again, the order of the events counts.
  func noteSelector(from start: Int) {
    if !keys.insert(Text(bytes.base + start, bytes.count - start).hashValue).inserted { repeatsKeys = true }
  }

  /// An event as a document, whatever becomes of it.
  private func whole(_ records: Column, _ row: Int) throws(EventFailure) -> [UInt8] {
    if layout.shape.kind == .json { return try ExtendedJSON.parse { $0.raw(records.get(Text.self, row)) } }
    var out = ByteBuffer(capacity: 1024)
    defer { out.release() }
    try out.document(records, row, layout)
    return Array(out.bytes)
  }

  // MARK: Commit

  func commit() throws(RunFailure) -> [Refusal] {
    guard !ends.isEmpty else { return [] }
    isSentAgain = wasSent
    let refusals = try pool.with { client throws(RunFailure) in
      var refused: [Int: Problem] = [:]
      var first = 0
      while first < ends.count {
        let rows = first..<end(ofCommandFrom: first)
        try deliver(client, rows, &refused)
        first = rows.upperBound
      }
      try forgive(client, &refused)
      return refused
    }
    bytes.count = 0
    ends.removeAll(keepingCapacity: true)
    isMadeHere.removeAll(keepingCapacity: true)
    keys.removeAll(keepingCapacity: true)
    repeatsKeys = false
    wasSent = false
    return refusals.sorted { $0.key < $1.key }.map { Refusal(row: $0.key, message: Shape.clean($0.value.message)) }
  }

  private var keepsOrder: Bool { isOrdered || repeatsKeys }

  private func end(ofCommandFrom first: Int) -> Int {
    let limit = min(ends.count, first + (keepsOrder ? Self.orderedLimit : Self.commandLimit.rows))
    var end = first + 1
    while end < limit, ends[end] - start(of: first) <= Self.commandLimit.bytes { end += 1 }
    return end
  }

  private func start(of row: Int) -> Int { row == 0 ? 0 : ends[row - 1] }

  /// Sends some events; what the server refuses of them is noted.
  private func deliver(_ client: Client, _ rows: Range<Int>, _ refused: inout [Int: Problem]) throws(RunFailure) {
    var rest = rows
    while !rest.isEmpty {
      let bulk = try client.bulk(name, ordered: keepsOrder)
      for row in rest { try add(row, to: bulk) }
      wasSent = true
      let outcome = try bulk.execute()
      if let problem = outcome.failure {
        // The command failed as a whole for what one event holds: it is looked for in ever smaller pieces.
        guard problem.refusesData else { throw bulk.failure(problem) }
        if rest.count == 1 {
          refused[rest.lowerBound] = problem
        } else {
          isSentAgain = true
          let middle = rest.lowerBound + rest.count / 2
          try deliver(client, rest.lowerBound..<middle, &refused)
          try deliver(client, middle..<rest.upperBound, &refused)
        }
        return
      }
      for (index, problem) in outcome.refused { refused[rest.lowerBound + index] = problem }
      guard keepsOrder, let last = outcome.refused.last?.index else { return }
      rest = (rest.lowerBound + last + 1)..<rest.upperBound
    }
  }

  private func add(_ row: Int, to bulk: Bulk) throws(RunFailure) {
    let first = Document(bytes.base + start(of: row), ends[row] - start(of: row))
    guard selects else { return try bulk.insert(first) }
    let size = Int(UnsafeRawPointer(first.bytes.base).loadUnaligned(as: Int32.self))
    let selector = Document(first.bytes.base, size)
    if mode == .delete { return try bulk.remove(selector) }
    try bulk.update(selector, Document(first.bytes.base + size, first.bytes.count - size), upsert: mode != .update)
  }

  /// Takes back refusals that are none: of `ignore` a document that is there, and of an insert that is sent again what its
  /// first sending has left there.
  private func forgive(_ client: Client, _ refused: inout [Int: Problem]) throws(RunFailure) {
    let duplicates = refused.filter { $0.value.isDuplicate }.keys.sorted()
    if mode == .ignore { for row in duplicates { refused[row] = nil } }
    guard mode == .insert, isSentAgain, !duplicates.isEmpty else { return }
    for start in stride(from: 0, to: duplicates.count, by: 1000) {
      let rows = duplicates[start..<min(duplicates.count, start + 1000)]
      let ids = rows.compactMap { document($0)["_id"].map { BSON.raw($0) } }
      let found = try client.all(name, .document([("_id", .document([("$in", .array(ids))]))]))
      var known: [[UInt8]: [UInt8]] = [:]
      for bytes in found { bytes.withUnsafeBufferPointer { known[Self.id(Document($0.baseAddress!, $0.count))] = bytes } }
      for row in rows {
        guard let there = known[Self.id(document(row))] else { continue }
        if isMadeHere[row] || there == document(row).copy { refused[row] = nil }
      }
    }
  }

  /// Type and value of the `_id`.
  private static func id(_ document: Document) -> [UInt8] { document["_id"].map { [$0.type.rawValue] + $0.value.bytes } ?? [] }

  private func document(_ row: Int) -> Document { Document(bytes.base + start(of: row), ends[row] - start(of: row)) }

  func close(completed: Bool) throws(RunFailure) {}
}
#endif
