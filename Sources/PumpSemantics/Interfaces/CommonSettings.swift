import PumpPlan
import PumpSyntax

extension Interface {
  /// Settings that every connection has, whatever its kind.
  public static let common: [Setting] = [
    setting("pool.max", .int, .int(4), from: 1, "Most clients open at once."),
    setting("pool.min", .int, .int(0), from: 0, "Clients kept open while idle."),
    setting("pool.acquire_timeout", .duration, .duration(30_000_000), from: 0, "How long a step waits for a client."),
    setting("pool.idle_timeout", .duration, .duration(300_000_000), from: 0, "An idle client above `min` is closed after this."),
    setting("pool.max_lifetime", .duration, .duration(1_800_000_000), from: 0, "A client is replaced after this."),
    setting(
      "connect", choice("retry", "required"), .enumCase(0),
      "What a start does where the system is down: wait for it, or end the program at once."),
    setting("connect_timeout", .duration, .duration(10_000_000), from: 0, "How long one attempt to connect may take."),
    setting("reconnect.initial", .duration, .duration(100_000), from: 0, "The first pause after a failed attempt."),
    // With jitter from nothing to the whole, a system that is back has its events within a second.
    setting("reconnect.max", .duration, .duration(750_000), from: 0, "The longest pause between two attempts."),
    setting("reconnect.multiplier", .float, .float(2), from: 1, "By how much each pause is longer than the one before."),
    setting("reconnect.jitter", .float, .float(1), from: 0, to: 1, "The random share of a pause, from 0 to 1."),
    setting(
      "reconnect.give_up_after", .duration.asOptional, .null, from: 0,
      "Ends the program where the system was down for so long; else it never gives up."),
    setting(
      "tls.ca", .string.asOptional, .null, from: 1,
      "File of the authorities that may have signed the server's certificate; else the system's."),
    setting("tls.certificate", .string.asOptional, .null, from: 1, "File of this client's certificate."),
    setting("tls.key", .string.asOptional, .null, from: 1, "File of its private key."),
    setting("tls.verify", .bool, .bool(true), "Whether the server's certificate and name are checked."),
    setting("tls.server_name", .string.asOptional, .null, from: 1, "The name that the certificate must have, where it is not the host's."),
  ]

  public static let commonNames = Set(common.map(\.name))

  /// Settings of a source, a sink or a lookup step.
  static func stepSettings(_ role: ConnectorSyntax.Role) -> [Setting] {
    switch role {
    case .sink: sinkSettings
    case .source: sourceSettings
    case .lookup: lookupSettings
    }
  }

  private static let sinkSettings = batchSettings + retries("deliver")
  private static let sourceSettings = eventSettings + retries("read")
  private static let lookupSettings = retries("find, after which the event fails,")

  public static let batchSettings = [
    setting("batch.max", .int, .int(50_000), from: 1, "Events until what was written is made durable and acknowledged."),
    setting("batch.linger", .duration, .duration(1_000_000), from: 0, "Time until then, where fewer come."),
  ]

  public static let eventSettings = [
    setting("max_event", .size, .size(1 << 20), from: 1, to: 1 << 30, "A longer event fails; it is never held in memory whole.")
  ]

  public static let retrySettings = retries("go on")

  private static func retries(_ what: String) -> [Setting] {
    [
      setting(
        "retry.attempts", .int.asOptional, .null, from: 1,
        "Attempts to \(what) where the system is down or busy; else it is tried until it is back."),
      setting(
        "retry.initial", .duration, .duration(100_000), from: 0,
        "The first pause between two attempts; where a connection is down, its `reconnect` says when."),
      setting("retry.max", .duration, .duration(750_000), from: 0, "The longest pause between two attempts."),
    ]
  }

  /// What the engine itself reads of a sink's arguments, where its interface has them.
  public static let sinkArguments = [
    Setting(name: "key", type: .list(.string), value: .literal(.list([])), docs: "Fields that identify what an event changes."),
    setting("mode", choice("ignore", "mirror").asOptional, .null, "Modes by which it is not known before what an event changes."),
    setting("positions", .string.asOptional, .null, "Where the positions of the pipeline's sources are kept."),
  ]

  /// What a source that can `refine` is told of the type of its events.
  public static let refinement = Setting(
    name: "where", type: .json.asOptional, value: .literal(.null), docs: "What the `where` of the type allows; the spec says it.")

  private static func setting(
    _ name: String, _ type: Type, _ value: Literal, from minimum: Int64? = nil, to maximum: Int64? = nil, _ docs: String
  ) -> Setting {
    Setting(name: name, type: type, value: .literal(value), minimum: minimum, maximum: maximum, docs: docs)
  }

  private static func choice(_ cases: String...) -> Type { .enumeration(EnumType(name: nil, cases: cases.map { .init($0) })) }
}
