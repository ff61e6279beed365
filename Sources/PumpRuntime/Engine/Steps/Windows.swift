/// Which windows an event is in. Times are microseconds since 1970; a window is from its start up to, not including, its end.
struct Windows {
  enum Kind {
    /// One for all events.
    case all
    case fixed(length: Int64, step: Int64, offset: Int64)
    case calendar(WindowSpec.Calendar, Text)
  }
  private let kind: Kind
  /// How many windows each event is in.
  let count: Int

  /// Nil of windows that depend on the events: sessions, and rows.
  init?(_ spec: WindowSpec?, _ constants: Constants) {
    switch spec {
    case nil: (kind, count) = (.all, 1)
    case .tumbling(let length, let offset)?:
      let micros = max(1, constants.number(length))
      (kind, count) = (.fixed(length: micros, step: micros, offset: constants.number(offset)), 1)
    case .sliding(let length, let every)?:
      let (micros, step) = (max(1, constants.number(length)), max(1, constants.number(every)))
      (kind, count) = (.fixed(length: micros, step: step, offset: 0), Int((micros + step - 1) / step))
    case .calendar(let calendar, let zone)?: (kind, count) = (.calendar(calendar, Windows.names.copy(zone)), 1)
    case .session?, .rows?: return nil
    }
  }

  private static let names = Arena(chunkSize: 1 << 10)

  var hasBounds: Bool { if case .all = kind { false } else { true } }

  /// The n-th of the windows of an event, the earliest first; nil where there is none, since it would end before the event.
  func bounds(_ time: Int64, _ n: Int, _ context: Context) throws(EventFailure) -> (start: Int64, end: Int64)? {
    switch kind {
    case .all: return (.min, .max)
    case .fixed(let length, let step, let offset):
      let start = Self.floor(time - offset, step) + offset - Int64(count - 1 - n) * step
      return start + length > time ? (start, start + length) : nil
    case .calendar(let calendar, let zone): return try context.calendarBounds(calendar, zone, Timestamp(time))
    }
  }

  private static func floor(_ time: Int64, _ step: Int64) -> Int64 {
    let rest = time % step
    return time - (rest < 0 ? rest + step : rest)
  }
}
