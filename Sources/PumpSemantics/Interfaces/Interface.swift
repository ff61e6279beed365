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
    public let value: Literal?
    public let docs: String?

    public var described: String {
      switch kind {
      case .value(let type): (isEach ? "each " : "") + type.description
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
    public let meta: RecordType
    public let abilities: [String]
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

extension Interface {
  /// Settings that every connection has, whatever its kind.
  static let common: [Setting] = [
    Setting(name: "pool.max", type: .int, value: Expr(.literal(.int(4)), .int), docs: "Most clients open at once."),
    Setting(name: "pool.min", type: .int, value: Expr(.literal(.int(0)), .int), docs: "Clients kept open while idle."),
    Setting(
      name: "pool.acquire_timeout", type: .duration, value: Expr(.literal(.duration(30_000_000)), .duration),
      docs: "How long a step waits for a client."),
    Setting(
      name: "pool.idle_timeout", type: .duration, value: Expr(.literal(.duration(300_000_000)), .duration),
      docs: "An idle client above `min` is closed after this."),
    Setting(
      name: "pool.max_lifetime", type: .duration, value: Expr(.literal(.duration(1_800_000_000)), .duration),
      docs: "A client is replaced after this."),
  ]

  /// Settings of every source and sink step.
  static func stepSettings(_ role: ConnectorSyntax.Role) -> [Setting] {
    role == .sink
      ? [
        Setting(
          name: "batch.max", type: .int, value: Expr(.literal(.int(50_000)), .int),
          docs: "Events until what was written is made durable and acknowledged."),
        Setting(
          name: "batch.linger", type: .duration, value: Expr(.literal(.duration(1_000_000)), .duration),
          docs: "Time until then, where fewer come."),
      ]
      : [
        Setting(
          name: "max_event", type: .size, value: Expr(.literal(.size(1 << 20)), .size),
          docs: "A longer event fails; it is never held in memory whole. At most 1GiB.")
      ]
  }
}
