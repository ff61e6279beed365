#if Elasticsearch
import PumpHttpClient
import PumpConnectorKit

/// Reads what Elasticsearch answers. Members that are not named here are skipped; nil is an answer of another form.
enum Reply {
  struct Item {
    var status = 0
    /// Why the item failed; nil if it did not.
    var reason: String?
  }
  struct Hit {
    var source: Text?
    /// The values that the hits are sorted by, as a JSON array.
    var sort: Text?
  }
  struct Page {
    var pointInTime: Text?
    var failedShards: Int64 = 0
    var isTimedOut = false
    var hits: [Hit] = []
  }
  enum Document {
    case found(Text)
    case missing
    case failed(String)
  }

  /// The items of a bulk request in their order; none where all went well.
  static func bulk(_ text: Text, _ arena: Arena) -> [Item]? {
    read(text, arena) { (json) throws(Malformed) in
      var items: [Item] = []
      var hasErrors: Bool?
      try json.members { (key, json) throws(Malformed) in
        switch key {
        case "errors": hasErrors = try json.bool()
        // Most often nothing failed, and the rest need not be read.
        case "items" where hasErrors != false: try json.elements { (json) throws(Malformed) in items.append(try item(&json)) }
        default: try json.skip()
        }
      }
      guard let hasErrors else { throw Malformed() }
      return hasErrors ? items : []
    }
  }

  private static func item(_ json: inout JSONReader) throws(Malformed) -> Item {
    var item = Item()
    // `{"index":{"status":201}}`
    try json.members { (_, json) throws(Malformed) in
      try json.members { (key, json) throws(Malformed) in
        switch key {
        case "status": item.status = Int(clamping: try json.int())
        case "error": item.reason = try problem(&json)
        default: try json.skip()
        }
      }
    }
    return item
  }

  static func page(_ text: Text, _ arena: Arena) -> Page? {
    read(text, arena) { (json) throws(Malformed) in
      var page = Page()
      try json.members { (key, json) throws(Malformed) in
        switch key {
        case "pit_id": page.pointInTime = try json.string()
        case "timed_out": page.isTimedOut = try json.bool()
        case "_shards":
          try json.members { (key, json) throws(Malformed) in
            if key == "failed" { page.failedShards = try json.int() } else { try json.skip() }
          }
        case "hits":
          try json.members { (key, json) throws(Malformed) in
            guard key == "hits" else { return try json.skip() }
            try json.elements { (json) throws(Malformed) in page.hits.append(try hit(&json)) }
          }
        default: try json.skip()
        }
      }
      return page
    }
  }

  private static func hit(_ json: inout JSONReader) throws(Malformed) -> Hit {
    var hit = Hit()
    try json.members { (key, json) throws(Malformed) in
      switch key {
      case "_source": hit.source = try json.json()
      case "sort": hit.sort = try json.json()
      default: try json.skip()
      }
    }
    return hit
  }

  /// The documents of a multi-get, in the order of the ids.
  static func documents(_ text: Text, _ arena: Arena) -> [Document]? {
    read(text, arena) { (json) throws(Malformed) in
      var documents: [Document] = []
      try json.members { (key, json) throws(Malformed) in
        guard key == "docs" else { return try json.skip() }
        try json.elements { (json) throws(Malformed) in
          var document = Document.missing
          try json.members { (key, json) throws(Malformed) in
            switch key {
            case "_source": document = .found(try json.json())
            case "error": document = .failed(try problem(&json))
            default: try json.skip()
            }
          }
          documents.append(document)
        }
      }
      return documents
    }
  }

  /// The text of one member of an object, such as the `id` of a new point in time.
  static func member(_ name: StaticString, _ text: Text, _ arena: Arena) -> Text? {
    read(text, arena) { (json) throws(Malformed) in
      var found: Text?
      try json.members { (key, json) throws(Malformed) in if key == name { found = try json.string() } else { try json.skip() } }
      guard let found else { throw Malformed() }
      return found
    }
  }

  /// Why a whole request failed; empty where the answer does not say.
  static func reason(_ answer: HttpAnswer) -> String {
    let arena = Arena()
    return read(answer.text(arena), arena) { (json) throws(Malformed) in
      var reason = ""
      try json.members { (key, json) throws(Malformed) in if key == "error" { reason = try problem(&json) } else { try json.skip() } }
      return reason
    } ?? ""
  }

  /// `{"type":…,"reason":…,"caused_by":{…}}`, or a text. Where a search fails the shards say why, not the whole.
  private static func problem(_ json: inout JSONReader) throws(Malformed) -> String {
    json.space()
    if json.p < json.end, json.p.pointee == UInt8(ascii: "\"") { return try json.string().string }
    var (root, type, reason, cause) = ("", "", "", "")
    try json.members { (key, json) throws(Malformed) in
      switch key {
      case "root_cause": try json.elements { (json) throws(Malformed) in root = try problem(&json) }
      case "type": type = try json.string().string
      case "reason": if try json.null() { reason = "" } else { reason = try json.string().string }
      case "caused_by": cause = try problem(&json)
      default: try json.skip()
      }
    }
    if reason.isEmpty { reason = type }
    if !root.isEmpty, root != reason, cause.isEmpty { return root }
    return cause.isEmpty || reason.contains(cause) ? reason : "\(reason): \(cause)"
  }

  private static func read<T>(_ text: Text, _ arena: Arena, _ body: (inout JSONReader) throws(Malformed) -> T) -> T? {
    var json = JSONReader(text, arena)
    do throws(Malformed) {
      let value = try body(&json)
      try json.finish()
      return value
    } catch {
      return nil
    }
  }
}

extension JSONReader {
  /// Calls the body for every member of an object; it reads the value.
  fileprivate mutating func members(_ body: (Text, inout JSONReader) throws(Malformed) -> Void) throws(Malformed) {
    guard try object() else { return }
    repeat { try body(try key(), &self) } while try moreMembers()
  }

  fileprivate mutating func elements(_ body: (inout JSONReader) throws(Malformed) -> Void) throws(Malformed) {
    guard try array() else { return }
    repeat { try body(&self) } while try moreElements()
  }
}

/// In a `switch`, the cases are literals.
private func ~= (literal: StaticString, text: Text) -> Bool { text == Text(literal) }
private func == (text: Text, literal: StaticString) -> Bool { text == Text(literal) }
#endif
