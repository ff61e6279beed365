import PumpPlan

/// How much each step of a pipeline keeps at most, in the order of the text: `keys × (fixed bytes + the key's)`.
public func stateBounds(_ pipeline: PipelineSpec) -> [(place: Place, text: String)] {
  pipeline.states.map { (pipeline.stages[$0.step].place, "\($0.name) keeps at most \(StateBound(of: $0).text)") }
}

/// What an entry of a step takes, as tables of packed keys hold it.
public struct StateBound {
  private let spec: StateSpec
  /// Words of the table's entry, which zeros begin.
  let words: Int
  /// Bytes of an entry but for what its key and values take: its slots, when the table has just grown, its length, its words.
  public var fixed: Int { 36 + 8 * words }

  public init(of spec: StateSpec) {
    self.spec = spec
    words =
      switch spec.kind {
      case .group(.session?, let aggregates, onChange: _): 7 + Self.words(aggregates)
      case .group(.rows?, let aggregates, onChange: _): 2 + Self.words(aggregates)
      case .group(_, let aggregates, onChange: _): 1 + Self.words(aggregates)
      case .dedupe, .previous, .fold: 1
      case .dedupeLast: 3
      case .running, .join: 2
      case .joinLatest: 1
      case .order: 0
      }
  }

  /// Words that the aggregates of one entry have there; what does not fit them is kept aside.
  public static func words(_ aggregates: [AggregateSpec]) -> Int {
    Set(aggregates.map(\.condition)).count + aggregates.reduce(0) { $0 + words($1) }
  }

  private static func words(_ aggregate: AggregateSpec) -> Int {
    let type = aggregate.argumentType ?? .bool
    let isWord =
      switch type {
      case .int, .float, .timestamp, .date, .duration, .size, .enumeration: true
      default: false
      }
    return switch aggregate.function {
    case .count: 0
    case .sum, .average: type == .float ? 4 : type == .decimal ? 3 : 2
    case .min, .max: type == .decimal ? 3 : 1
    case .first, .last: isWord ? 3 : 1
    case .stddev, .variance: type == .float ? 9 : 6
    default: 1
    }
  }

  public var text: String {
    var text: String
    switch spec.kind {
    case .group(let window, let aggregates, onChange: _):
      var isOpen = window != nil
      if case .rows? = window { isOpen = false }
      text =
        "\(counted(spec.limit)) \(isOpen ? "keys of open windows" : "keys") × (\(fixed) bytes + the key's\(aside(aggregates)))"
    case .dedupe: text = "\(counted(spec.limit)) keys × (\(fixed) bytes + the key's)"
    case .dedupeLast(let count): text = "\(counted(count)) keys × (\(fixed) bytes + the key's)"
    case .previous: text = "\(counted(spec.limit)) keys × (\(fixed) bytes + the key's + the event's)"
    case .fold: text = "\(counted(spec.limit)) keys × (\(fixed) bytes + the key's + what is kept)"
    case .running: text = "\(counted(spec.limit)) rows × (\(fixed) bytes + the key's + the values')"
    case .join(let join, from: _, to: _):
      text =
        "\(counted(spec.limit)) rows × (\(fixed) bytes + the key's + the event's), of both sides: this one's and those of `\(join.stream)`"
    case .joinLatest(let join, asRead: let asRead):
      text = "\(counted(spec.limit)) keys × (\(fixed) bytes + the key's + the event's of `\(join.stream)`)"
      if !asRead { text += ", with the versions that are not past" }
    case .order: text = "\(counted(spec.limit)) rows × (\(fixed) bytes + the event's)"
    }
    return text
  }

  /// What aggregates keep beside their words.
  private func aside(_ aggregates: [AggregateSpec]) -> String {
    let keeping = aggregates.compactMap { aggregate -> String? in
      switch aggregate.function {
      case .list, .distinct, .median, .quantile:
        return "the values of \(aggregate.function.rawValue), \(aggregate.limit.map { "at most \(Quantity.grouped($0))" } ?? "all")"
      case .top: return "the values of top, \(aggregate.count ?? 0)\(aggregate.keepsTies ? " and equal ones" : "")"
      case .approxDistinct: return "16 KiB of approx_distinct"
      default: return nil
      }
    }
    return keeping.map { " + \($0)" }.joined()
  }

  private func counted(_ limit: SettingValue) -> String {
    switch limit {
    case .literal(.int(let number)): Quantity.grouped(number)
    case .config(let section, let key): "config.\(section).\(key)"
    default: "\(limit)"
    }
  }
}
