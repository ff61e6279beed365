#if MongoDB
internal import CMongoDB
import PumpConnectorKit

/// Events as the server tells them, of a collection or a whole database.
final class ChangeStream {
  private let client: Client
  private var handle: OpaquePointer?
  private let collection: String?
  private let problem = Problem.Memory()

  /// From now on, or after the option that an earlier stream gave. A stream that cannot be opened says so when it is read.
  init(_ client: Client, _ collection: String?, _ pipeline: [UInt8], after option: [UInt8]?) {
    self.client = client
    self.collection = collection
    var options: [(String, BSON)] = [("fullDocument", .text("updateLookup"))]
    option?.withUnsafeBufferPointer { bytes in
      for item in Document(bytes.baseAddress!, bytes.count) { options.append((item.name.string, .raw(item))) }
    }
    // The server holds an answer back for so long where there is nothing to tell.
    options.append(("maxAwaitTimeMS", .int(100)))
    let opts = BSON.document(options).bytes
    handle = pump_mongo_watch(client.handle, client.database, collection, pipeline, pipeline.count, opts, opts.count)
  }

  deinit { close() }

  /// Before the client may be used for something else.
  func close() {
    if let handle { mongoc_change_stream_destroy(handle) }
    handle = nil
  }

  /// The next event, valid until the one after it; nil if none came in time.
  func next() throws(RunFailure) -> Document? {
    guard let handle else { return nil }
    var size: UInt32 = 0
    if let bytes = pump_mongo_next_change(handle, &size) { return Document(bytes, Int(size)) }
    if mongoc_change_stream_error_document(handle, problem.error, nil) { throw client.failure(problem.value, "watch", collection) }
    return nil
  }

  /// The resume token: a later stream that is given it continues after this change. Nil until the server has sent one.
  func option(isInvalidated: Bool = false) -> [UInt8]? {
    var size: UInt32 = 0
    guard let handle, let bytes = pump_mongo_token(handle, &size) else { return nil }
    let token = BSON.raw(.document, Document(bytes, Int(size)).copy)
    return BSON.document([(isInvalidated ? "startAfter" : "resumeAfter", token)]).bytes
  }
}

/// One event: a document that came, changed or went.
struct Change {
  private let operation: Text
  private let database: Text
  private let collection: Text
  private let key: Text
  private let time: Int64
  /// JSON of the document, or of a deleted one its key.
  let event: Text

  /// Nil for what is about no document, and for an update whose document is gone by now.
  init?(_ event: Document, _ arena: Arena) {
    operation = arena.copy(event["operationType"]?.string ?? Text())
    let documentKey = event["documentKey"].flatMap { $0.type == .document ? $0.document : nil }
    let whole = event["fullDocument"].flatMap { $0.type == .document ? $0.document : nil }
    guard let told = operation == Text("delete") ? documentKey : whole else { return nil }
    var out = ByteBuffer(capacity: 512)
    defer { out.release() }
    out.json(told, .plain)
    self.event = arena.copy(out.bytes)
    out.count = 0
    if let id = documentKey?["_id"] {
      switch id.type {
      case .string: out.raw(id.text)
      case .objectId: out.hex(id.value)
      default: out.json(id, .plain)
      }
    }
    key = arena.copy(out.bytes)
    let space = event["ns"].flatMap { $0.type == .document ? $0.document : nil }
    database = arena.copy(space?["db"]?.string ?? Text())
    collection = arena.copy(space?["coll"]?.string ?? Text())
    // Servers before version 6 tell whole seconds only.
    if let wall = event["wallTime"], wall.type == .date, let time = wall.time {
      self.time = time.micros
    } else if let cluster = event["clusterTime"], cluster.type == .timestamp {
      time = (cluster.int64 >> 32 & 0xFFFF_FFFF) * 1_000_000
    } else {
      time = 0
    }
  }

  private static let names = ["operation", "database", "collection", "key"]

  private func text(_ name: String) -> Text {
    switch name {
    case "operation": operation
    case "database": database
    case "collection": collection
    default: key
    }
  }

  /// JSON of the meta fields.
  var meta: String {
    var out = ByteBuffer(capacity: 256)
    defer { out.release() }
    for name in Self.names {
      out.text(name == "operation" ? "{\"operation\":" : ",\"\(name)\":")
      out.quoted(text(name))
    }
    out.raw(",\"timestamp\":")
    out.json(Timestamp(time))
    out.raw("}")
    return out.string
  }

  /// Gives a batch what is known of its events.
  static func describe(_ changes: [Change], _ batch: Batch, _ meta: [String]) {
    batch.describe = { row in row < changes.count ? changes[row].meta : "{}" }
    for name in meta {
      let column = batch.metaColumn(name, name == "timestamp" ? .timestamp : .string)
      for (row, change) in changes.enumerated() {
        if name == "timestamp" { column.set(change.time, row) } else { column.set(change.text(name), row) }
      }
    }
  }
}
#endif
