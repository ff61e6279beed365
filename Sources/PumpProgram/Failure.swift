/// Why an event failed, as `Reason` of the language: a code that is stable, where a message may change. Some belong to steps
/// that are to come; a `match` over all of them stays whole then.
public enum FailureReason: String, Codable, Sendable, CaseIterable {
  case decode, encode, assert
  /// What an expression computes, `fail("…")` among it.
  case expression
  case lookup
  /// The sink's system refused it.
  case refused
  /// Longer than `max_event`.
  case tooLarge = "too_large"
  case late, limit
  case noTime = "no_time"
  case aggregate, shed

  public static let type = Type.enumeration(EnumType(name: "Reason", cases: allCases.map { .init($0.rawValue) }))
}

extension Type {
  /// What an error route receives: the event's failure.
  public static let failure = Type.record(
    RecordType(
      name: "Failure",
      fields: [
        Field("message", .string), Field("reason", FailureReason.type), Field("stage", .string), Field("place", .string),
        Field("payload", .bytes), Field("element", .optional(.json)), Field("index", .optional(.int)), Field("meta", .json),
        Field("attempts", .int), Field("at", .timestamp),
      ]))
}
