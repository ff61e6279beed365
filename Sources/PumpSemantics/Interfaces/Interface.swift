import PumpPlan
import PumpSyntax

/// A connector as its interface file declares it.
public final class Interface: Sendable {
  public final class Parameter: Sendable {
    /// What may stand for it: a value of a type, or the names of fields.
    public enum Kind: Sendable {
      case value(Type)
      case field
      case fields
      case record
    }
    public let name: String
    public let kind: Kind
    public let isEach: Bool
    /// A path of a URL, and its query: what data give of it is percent-encoded.
    public let isPath: Bool
    public let value: Literal?
    /// What the source says of the event under this name stands for it where nothing else is given, `= meta.NAME`.
    public let meta: String?
    public let bounds: Bounds
    public let docs: String?
    /// What holds of an argument of the whole run where nothing is given.
    let unset: Setting

    init(
      name: String, kind: Kind, isEach: Bool, isPath: Bool, value: Literal?, meta: String?, bounds: Bounds, docs: String?
    ) {
      (self.name, self.kind, self.isEach, self.isPath, self.value) = (name, kind, isEach, isPath, value)
      (self.meta, self.bounds, self.docs) = (meta, bounds, docs)
      unset =
        if case .value(let type) = kind {
          Setting(
            name: name, type: type, value: value.map(SettingValue.literal), minimum: bounds.minimum, maximum: bounds.maximum, docs: docs)
        } else {
          Setting(name: name, type: .list(.string), value: .list([]), docs: docs)
        }
    }

    public var described: String {
      switch kind {
      case .value(let type): (isEach ? "each " : "") + (isPath ? "Path" : type == .null ? "value" : type.description)
      case .field: "Field"
      case .fields: "[Field]"
      case .record: "Record"
      }
    }
  }

  public enum Events: Sendable {
    case bytes
    /// Any record: typed at use.
    case record
    case type(Type)
  }

  public final class Endpoint: Sendable {
    public let role: ConnectorSyntax.Role
    public let name: String
    public let docs: String?
    public let parameters: [Parameter]
    /// Where arguments without names go: what must be given comes first, as in `api.get("/users/\(.id)")`, although `cache` is
    /// declared before `key`.
    let places: [Int]
    public let events: Events
    /// Of its records a sink gets the JSON.
    public let takesDocuments: Bool
    public let meta: RecordType
    public let abilities: [String]

    init(
      role: ConnectorSyntax.Role, name: String, docs: String?, parameters: [Parameter], events: Events, takesDocuments: Bool,
      meta: RecordType, abilities: [String]
    ) {
      (self.role, self.name, self.docs, self.parameters, self.events) = (role, name, docs, parameters, events)
      (self.takesDocuments, self.meta, self.abilities) = (takesDocuments, meta, abilities)
      places = parameters.indices.filter { parameters[$0].value == nil } + parameters.indices.filter { parameters[$0].value != nil }
    }

    /// Whether its records may be open, or Json objects: documents, whose fields are not all known.
    public var isOpen: Bool { takesDocuments || abilities.contains("open") }
    /// Whether it is no sink of its own, but what the step `reply` sends to who waits at a source that can `reply`.
    public var isReply: Bool { role == .sink && abilities.contains("reply") }
  }

  public let name: String
  public let module: String
  public let docs: String?
  public let settings: [Setting]
  public let endpoints: [Endpoint]

  init(name: String, module: String, docs: String?, settings: [Setting], endpoints: [Endpoint]) {
    (self.name, self.module, self.docs, self.settings, self.endpoints) = (name, module, docs, settings, endpoints)
    needsConnection = name.first?.isUppercase ?? false
  }

  /// `file`, `stdin` and their like are used without a connection: their connector has a lower-case name.
  public let needsConnection: Bool

  public func endpoint(_ role: ConnectorSyntax.Role, _ name: String) -> Endpoint? {
    endpoints.first { $0.role == role && $0.name == name }
  }
}
