#if MongoDB
import PumpConnectorKit

/// Documents whose fields are not all known: Json, and open records.
extension CollectionSink {
  /// As `encode` does it for records; whether an `_id` was made.
  func encode(open whole: [UInt8]) throws(EventFailure) -> Bool {
    try whole.withUnsafeBufferPointer { (data) throws(EventFailure) in
      let document = Document(data.baseAddress!, data.count)
      for item in document where Layout.isMisnamed(item.name, takesDots: mode == .insert) {
        throw EventFailure("a field of MongoDB cannot be called \(Shape.quote(item.name.string)) here; choose another name")
      }
      guard selects else { return insertion(document) }
      let start = bytes.beginDocument()
      for name in keyNames {
        guard let item = document.first(where: { $0.name == name }), item.type != .null else {
          throw EventFailure("the document has no field \(Shape.quote(name.string)), which is its key")
        }
        bytes.copy(item)
      }
      bytes.endDocument(start)
      noteSelector(from: start)
      if mode == .delete { return false }
      let others = document.filter { item in !keyNames.contains { $0 == item.name } }
      let change = bytes.beginDocument()
      bytes.item(.document, mode != .ignore && !others.isEmpty ? Text("$set") : Text("$setOnInsert"))
      let fields = bytes.beginDocument()
      for item in others.isEmpty ? Array(document) : others { bytes.copy(item) }
      bytes.endDocument(fields)
      bytes.endDocument(change)
      return false
    }
  }

  private func insertion(_ document: Document) -> Bool {
    let start = bytes.beginDocument()
    let identifier = document.first { $0.name == Text("_id") && $0.type != .null }
    if let identifier { bytes.copy(identifier) } else { makeIdentifier() }
    for item in document where item.name != Text("_id") { bytes.copy(item) }
    bytes.endDocument(start)
    return identifier == nil
  }
}
#endif
