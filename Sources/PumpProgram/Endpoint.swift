/// A place in the spec, for comments, `#sourceLocation` and failures.
public struct Place: Codable, Sendable, Hashable, CustomStringConvertible {
  public let file: String
  /// Line and column count from 1.
  public let line: Int
  public let column: Int
  public init(file: String, line: Int, column: Int) {
    self.file = file
    self.line = line
    self.column = column
  }
  public var description: String { "\(file):\(line):\(column)" }
  /// The same with the file's name alone, for what is read elsewhere than where the program was made.
  public var short: String { "\(file.split(separator: "/").last ?? ""):\(line):\(column)" }
}

/// A connection that the spec declares.
public struct ConnectionSpec: Codable, Sendable {
  public let id: String
  public let docs: String?
  /// The connector's name.
  public let kind: String
  /// The Swift module that implements it.
  public let module: String
  /// Every setting of the connector, with the spec's value if it has one.
  public let settings: [Setting]
  public let place: Place
  public init(id: String, docs: String? = nil, kind: String, module: String, settings: [Setting], place: Place) {
    self.id = id
    self.docs = docs
    self.kind = kind
    self.module = module
    self.settings = settings
    self.place = place
  }
}

/// What names the table, topic or file that a sink writes to.
public enum TargetName: Codable, Sendable {
  /// The value of this setting.
  case setting(String)
  case constant(String)
}

/// What a sink does with events while its system is down, rather than hold its source and all other sinks back.
public enum WhenDown: Codable, Sendable {
  /// It keeps them on disk, of at most so many bytes.
  case spill(Int64)
  /// It refuses them.
  case shed
}

/// A use of a connector's source, sink or lookup.
public final class EndpointSpec: Codable, Sendable {
  /// The connection's id; nil for `file` and its like.
  public let connection: String?
  public let connector: String
  public let name: String
  /// Stable: written with `@`, or made from endpoint and literal arguments.
  public let label: String
  /// Arguments that hold for the whole run, and settings of the step.
  public let settings: [Setting]
  /// Arguments per event, in the order in which a step computes them.
  public let each: [Field]
  /// Bytes, or the record that goes in or comes out.
  public let type: Type
  /// What a sink writes to; nil if each event says it, or nothing does.
  public let target: TargetName?
  /// Whether a sink gets the JSON of its records.
  public let takesDocuments: Bool
  /// What a source says of each event.
  public let meta: RecordType
  /// What the interface file says that it can: `ack`, `replay`, `lease`, …
  public let abilities: [String]
  /// Nil if a sink holds others back while its system is down.
  public let whenDown: WhenDown?
  public let place: Place
  public init(
    connection: String? = nil, connector: String, name: String, label: String, settings: [Setting] = [], each: [Field] = [],
    type: Type, target: TargetName? = nil, takesDocuments: Bool = false, meta: RecordType = RecordType(fields: []),
    abilities: [String] = [], whenDown: WhenDown? = nil, place: Place
  ) {
    self.connection = connection
    self.connector = connector
    self.name = name
    self.label = label
    self.settings = settings
    self.each = each
    self.type = type
    self.target = target
    self.takesDocuments = takesDocuments
    self.meta = meta
    self.abilities = abilities
    self.whenDown = whenDown
    self.place = place
  }

  /// As the spec names it: `warehouse.table`.
  public var described: String { "\(connection ?? connector).\(name)" }

  /// It is told to keep less than it can: a quality of `at_most_once`, or a session that is not kept.
  public var forgets: Bool {
    settings.contains { setting in
      switch setting.value {
      case .literal(.enumCase)?: setting.chosenCase == "at_most_once"
      case .literal(.bool(true))?: setting.name == "clean"
      default: false
      }
    }
  }

  private func isSet(_ name: String) -> Bool { setting(name) != nil && !isUnset(name) }

  /// Whether no end of a source is in sight: it follows, asks again and again, or never had one.
  public var isEndless: Bool {
    if let follow = setting("follow")?.value { if follow != .literal(.bool(false)) { return true } }
    if connector != "timer", isSet("every") { return true }
    return abilities.contains("endless") && !isSet("limit") && !isSet("count")
  }

  /// Whether a sink shows what it got only at its end: a file that is replaced.
  public var isWholeAtEnd: Bool {
    connector == "file" && setting("mode").map { $0.chosenCase == "replace" } ?? false
  }

  /// Whether a source has several partitions, as far as the spec says: each of these has an order of its own.
  public var isDivided: Bool {
    if abilities.contains("divided") { return true }
    guard connector == "file", case .literal(.string(let path))? = setting("path")?.value else { return connector == "file" }
    return path.contains { "*?[".contains($0) }
  }

  /// Whether two sinks may write to one table, topic or file, as far as the spec says.
  public func mayShareTarget(with other: EndpointSpec) -> Bool {
    guard connector == other.connector, connection == other.connection else { return false }
    guard let a = targetName, let b = other.targetName else { return true }
    return a == b
  }

  /// The name that the spec gives its target.
  private var targetName: String? {
    switch target {
    case .constant(let name)?: return name
    case .setting(let name)?: if case .literal(.string(let value))? = setting(name)?.value { return value } else { return nil }
    case nil: return nil
    }
  }

  public func setting(_ name: String) -> Setting? { settings.first { $0.name == name } }

  /// Whether the spec leaves an argument out that may be left out. Configuration may still give one.
  public func isUnset(_ name: String) -> Bool { (setting(name)?.value ?? .literal(.null)) == .literal(.null) }

  /// The place of an argument per event in `each`.
  public func argument(_ name: String) -> Int? { each.firstIndex { $0.name == name } }

  /// Whether this sink keeps the positions of its pipeline's sources.
  public var keepsPositions: Bool {
    guard let value = setting("positions")?.value else { return false }
    return value != .literal(.null)
  }
}
