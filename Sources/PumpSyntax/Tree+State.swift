/// `time .at late 10s idle 5m`: what time an event is of, and when the others of its partition are late.
public struct TimeSyntax: Sendable {
  public enum Idle: Sendable {
    case never(Span)
    case after(ExprSyntax)
  }
  public let value: ExprSyntax
  public let late: ExprSyntax
  public let idle: Idle?
}

/// A step that keeps something of the events before: `group`, `join`, `dedupe`, `previous`, `running`, `fold`, `order`.
public struct StateSyntax: Sendable {
  public indirect enum Kind: Sendable {
    /// `body` is a record.
    case group(WindowSyntax?, onChange: Span?, body: ExprSyntax)
    /// `within -1m to 10m`: the time of the stream's event less that of the event; one bound is both.
    case join(JoinSyntax, within: [ExprSyntax])
    case joinLatest(JoinSyntax)
    case dedupe(within: ExprSyntax)
    case dedupeLast(ExprSyntax)
    case previous(within: ExprSyntax, as: Name)
    case running(within: ExprSyntax, as: Name, body: ExprSyntax)
    case fold(within: ExprSyntax, as: Name, TypeSyntax, next: ExprSyntax)
    case order
  }
  public enum Unit: String, Sendable { case keys, rows }
  /// The word that begins it.
  public let word: String
  public let kind: Kind
  /// Fields, or one record; nil where there is no `by`.
  public let keys: [ExprSyntax]?
  public let limit: (count: ExprSyntax, unit: Unit)?
  /// `as read`: in the order in which events come, which is not the same in every run.
  public let asRead: Span?
}

/// `left join payments as p on .id == p.order_id`.
public struct JoinSyntax: Sendable {
  public let isLeft: Bool
  public let stream: Name
  public let name: Name
  public let condition: ExprSyntax
}

/// `window tumbling 1m offset 6h` and its like.
public struct WindowSyntax: Sendable {
  public enum Calendar: String, Sendable, CaseIterable { case day, week, month, year }
  public indirect enum Kind: Sendable {
    case tumbling(ExprSyntax, offset: ExprSyntax?)
    case calendar(Calendar, zone: ExprSyntax)
    case sliding(ExprSyntax, every: ExprSyntax)
    case session(ExprSyntax)
    case rows(ExprSyntax, within: ExprSyntax?)
  }
  public let kind: Kind
  public let span: Span
}
