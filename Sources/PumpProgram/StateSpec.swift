/// What time the events of a pipeline are of: the step that says it, and when an event is late.
public struct ClockSpec: Codable, Sendable {
  public enum Idle: Codable, Sendable {
    /// A partition that gives nothing holds the flow for ever.
    case never
    /// It does not, where nothing is left to read of it and others are so far ahead.
    case after(SettingValue)
  }
  /// The number of the step among the pipeline's stages.
  public let step: Int
  /// How far behind the greatest time of its partition an event may be.
  public let late: SettingValue
  public let idle: Idle?
  public init(step: Int, late: SettingValue, idle: Idle? = nil) {
    self.step = step
    self.late = late
    self.idle = idle
  }
}

/// The windows of a group. Lengths are constants of type Duration.
public indirect enum WindowSpec: Codable, Sendable {
  public enum Calendar: String, Codable, Sendable { case day, week, month, year }
  case tumbling(SettingValue, offset: SettingValue)
  /// Of the calendar in a zone, by its name in the tz database.
  case calendar(Calendar, zone: String)
  case sliding(SettingValue, every: SettingValue)
  case session(SettingValue)
  case rows(SettingValue, within: SettingValue?)
}

/// The other side of a join: the events of a stream.
public struct JoinSpec: Codable, Sendable {
  public let stream: String
  /// The type of its events.
  public let event: Type
  /// Their key, field by field as the event's own.
  public let each: [Field]
  /// Whether events without a match go on, too.
  public let isLeft: Bool
  public init(stream: String, event: Type, each: [Field], isLeft: Bool = false) {
    self.stream = stream
    self.event = event
    self.each = each
    self.isLeft = isLeft
  }
}

/// What a buffer of a step that keeps something is filled with.
public enum StatePart: String, Codable, Sendable {
  /// Its events.
  case main
  /// What it computes of an event and of what it keeps.
  case inner
  /// The events of the stream that it joins.
  case side
}

/// A step that keeps something of the events before. What it computes of an event stands in columns: first the fields of its
/// key, then what `kind` asks for, last what the source said of it that is read behind the step.
public struct StateSpec: Codable, Sendable {
  public indirect enum Kind: Codable, Sendable {
    /// None: one result when the source ends. On change: before the end of a window, too.
    case group(WindowSpec?, [AggregateSpec], onChange: Bool)
    case order
    /// Passes an event if none of its key passed within so long of it.
    case dedupe(within: SettingValue)
    /// Passes an event if its key is not among the last so many.
    case dedupeLast(SettingValue)
    /// Adds the event before of this key.
    case previous(within: SettingValue)
    /// Adds aggregates over the key's events of so long up to this one.
    case running(within: SettingValue, [AggregateSpec])
    /// Adds what is kept of the key's events, which its inner route computes; it begins with this value.
    case fold(within: SettingValue, start: Literal)
    /// Adds the events of a stream with the same key, whose time less that of the event is between these. Its inner route, if
    /// there is one, tells which pairs belong together.
    case join(JoinSpec, from: SettingValue, to: SettingValue)
    /// Adds the version of this key that was valid at the event's time; as read, the newest that was read.
    case joinLatest(JoinSpec, asRead: Bool)
  }
  /// The number of the step among the pipeline's stages.
  public let step: Int
  /// The step of this kind behind which it stands, by its place among these; nil in the pipeline's first route.
  public let behind: Int?
  /// What its state is called: the label, or a name that stays where other steps come and go.
  public let name: String
  public let kind: Kind
  /// What is computed of each event.
  public let each: [Field]
  /// How many of these are the key.
  public let keys: Int
  /// How many of these, at their end, are what the source said.
  public let meta: Int
  /// The event, where it is kept or goes on.
  public let event: Type?
  /// What enters the route behind the step.
  public let output: Type
  /// The number of keys or rows beyond which events fail.
  public let limit: SettingValue
  public init(
    step: Int, behind: Int? = nil, name: String, kind: Kind, each: [Field] = [], keys: Int, meta: Int, event: Type? = nil, output: Type,
    limit: SettingValue
  ) {
    self.step = step
    self.behind = behind
    self.name = name
    self.kind = kind
    self.each = each
    self.keys = keys
    self.meta = meta
    self.event = event
    self.output = output
    self.limit = limit
  }
}
