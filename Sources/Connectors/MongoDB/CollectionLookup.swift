#if MongoDB
import PumpConnectorKit

/// `lookup collection`: the documents of all keys of a batch in one query, remembered for a while.
final class CollectionLookup: Lookup {
  private let pool: ClientPool<Client>
  private let layout: Layout
  private let name: String
  private let field: String
  private let path: [Text]
  private let label: String
  private let memory = Arena(chunkSize: 1 << 10)
  /// Documents by the key's JSON.
  private var known: LookupCache<[UInt8]>

  init(_ pool: ClientPool<Client>, _ context: EndpointContext) {
    self.pool = pool
    layout = Layout(context.spec.shape!)
    let arguments = MongoDBCollectionLookupArguments(context.settings)
    name = arguments.name
    field = arguments.field
    let memory = self.memory
    path = field.split(separator: ".").map { memory.copy(String($0)) }
    known = LookupCache(arguments.cache)
    label = context.spec.label
  }

  func load(_ keys: Column, _ rows: UnsafeBufferPointer<Int32>, _ context: Context) throws(RunFailure) {
    let texts = rows.map { keys.isNull(Int($0)) ? nil : Self.text(keys, Int($0)) }
    let missing = Set(known.wanted(texts))
    var wanted: [String: Int] = [:]
    for (row, text) in zip(rows, texts) { if let text, missing.contains(text) { wanted[text] = Int(row) } }
    if !wanted.isEmpty { try load(keys, wanted) }
  }

  func find(_ keys: Column, _ rows: UnsafeBufferPointer<Int32>, into result: Column, _ context: Context) throws(EventFailure) {
    for row in rows {
      guard !keys.isNull(Int(row)), let found = known[Self.text(keys, Int(row))] else {
        result.setNull(Int(row))
        continue
      }
      do throws(EventFailure) {
        try found.withUnsafeBufferPointer { bytes throws(EventFailure) in
          try result.read(Document(bytes.baseAddress!, bytes.count), Int(row), layout, context.arena)
        }
      } catch { throw EventFailure("\(label): \(error.message)") }
    }
  }

  private static func text(_ keys: Column, _ row: Int) -> String {
    var out = ByteBuffer(capacity: 64)
    defer { out.release() }
    out.json(keys, row, JSONOptions())
    return out.string
  }

  private func load(_ keys: Column, _ wanted: [String: Int]) throws(RunFailure) {
    var values: [BSON] = []
    let keyLayout = Layout(keys.shape)
    for row in wanted.values { values += Self.values(keys, row, keyLayout) }
    let fields = Set(layout.names.map(\.string) + [String(field.prefix { $0 != "." })])
    let projection = fields.sorted().map { ($0, BSON.int(1)) } + (fields.contains("_id") ? [] : [("_id", .int(0))])
    let filter = BSON.document([(field, .document([("$in", .array(values))]))])
    let found = try pool.with { client throws(RunFailure) in
      try client.all(name, filter, layout.isOpen ? [] : [("projection", .document(projection))])
    }
    for text in wanted.keys { known.remember(text, nil) }
    let arena = Arena()
    let read = Column(keys.shape)
    for document in found {
      document.withUnsafeBufferPointer { bytes in
        guard let item = Document(bytes.baseAddress!, bytes.count).find(path), (try? read.read(item, 0, keyLayout, arena)) != nil else {
          return
        }
        let text = Self.text(read, 0)
        // Of several documents the first counts.
        if known[text] == nil { known.remember(text, document) }
      }
    }
  }

  /// A key as documents may hold it: a text of 24 hex digits is an ObjectId or a string.
  private static func values(_ keys: Column, _ row: Int, _ layout: Layout) -> [BSON] {
    var out = ByteBuffer(capacity: 64)
    defer { out.release() }
    let start = out.beginDocument()
    guard (try? out.item(Text("key"), keys, row, layout)) != nil else { return [] }
    out.endDocument(start)
    var values = Document(out.base, out.count).map { BSON.raw($0) }
    if keys.shape.kind == .string, let id = keys.get(Text.self, row).objectId { values.append(.raw(.objectId, id)) }
    return values
  }
}
#endif
