/// What a lookup remembers of its system for a while, by the text of the key; nil is what is not there.
public struct LookupCache<Value> {
  private var known: [String: (value: Value?, until: Int64)] = [:]
  /// How long an answer counts, in microseconds; within one batch it always does.
  private let life: Int64
  private static var limit: Int { 100_000 }

  public init(_ life: Duration) { self.life = max(1, life.micros) }

  /// The keys of a batch that must be asked for. A full cache is emptied here, before it is known what to ask: nothing
  /// that this batch needs is forgotten after.
  public mutating func wanted(_ keys: [String?]) -> [String] {
    if known.count > Self.limit { known.removeAll() }
    let now = monotonicMicros()
    return Array(Set(keys.compactMap { $0 }).filter { (known[$0]?.until ?? 0) < now })
  }

  public subscript(_ key: String) -> Value? { known[key]?.value }

  public mutating func remember(_ key: String, _ value: Value?) { known[key] = (value, monotonicMicros() + life) }
}
