import PumpPlan
import PumpSyntax

/// A connector as its interface file declares it.
public struct Interface: Sendable {
  public struct Parameter: Sendable {
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

  public struct Endpoint: Sendable {
    public let role: ConnectorSyntax.Role
    public let name: String
    public let docs: String?
    public let parameters: [Parameter]
    public let events: Events
    /// Of its records a sink gets the JSON.
    public let takesDocuments: Bool
    public let meta: RecordType
    public let abilities: [String]
    /// Whether its records may be open, or Json objects: documents, whose fields are not all known.
    public var isOpen: Bool { takesDocuments || abilities.contains("open") }
  }

  public let name: String
  public let module: String
  public let docs: String?
  public let settings: [Setting]
  public let endpoints: [Endpoint]
  /// `file`, `stdin` and their like are used without a connection: their connector has a lower-case name.
  public var needsConnection: Bool { name.first?.isUppercase ?? false }

  public func endpoint(_ role: ConnectorSyntax.Role, _ name: String) -> Endpoint? {
    endpoints.first { $0.role == role && $0.name == name }
  }
}
