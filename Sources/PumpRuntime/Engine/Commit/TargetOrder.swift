/// Keeps the events of a pipeline in their order for each target, whichever of its sinks they pass: an upsert by one sink and
/// a delete by another, of one table, take effect as the source gave them. Pure: it turns what a batch became into writes and
/// commits in their order.
///
/// Sinks of one target form a group. What two of them do commutes if both only insert, or if both have a key and the events'
/// keys differ; then nothing is lost by writing each sink's events together. Where it does not commute, the earlier events
/// are written first, and committed if the two sinks do not share what `write` changes.
struct TargetOrder: Sendable {
  /// What a sink does to its target.
  enum Effect: Equatable, Sendable {
    case insert
    /// By a key of so many columns.
    case keyed(columns: Int)
    case unknown
  }

  struct Member: Sendable {
    let effect: Effect
    /// What is written takes its place among the other sinks of the target at once, without a commit.
    let takesEffectOnWrite: Bool
    /// Sinks with the same number share a target; nil for one that has its target alone.
    let group: Int?
  }

  enum Action: Equatable, Sendable {
    case write(sink: Int, rows: Range<Int>)
    case commit(sink: Int)
  }

  private let members: [Member]
  /// Of each sink: the keys of what is written and not committed.
  private var keys: [Set<String>]
  private var isDirty: [Bool]

  init(_ members: [Member]) {
    self.members = members
    keys = Array(repeating: [], count: members.count)
    isDirty = Array(repeating: false, count: members.count)
  }

  /// Whether any two sinks share a target.
  var isNeeded: Bool { members.contains { $0.group != nil } }

  mutating func committed(_ sink: Int) {
    keys[sink].removeAll(keepingCapacity: true)
    isDirty[sink] = false
  }

  /// The writes and commits of one batch. `origins` are the numbers of the source's events, for each sink ascending; `key`
  /// gives the key of a sink's row, nil if it touches nothing that another event may touch.
  mutating func actions(_ origins: [[Int32]], key: (_ sink: Int, _ row: Int) -> String?) -> [Action] {
    var result: [Action] = []
    var done: Set<Int> = []
    for (sink, member) in members.enumerated() where !origins[sink].isEmpty {
      guard let group = member.group else {
        result.append(.write(sink: sink, rows: 0..<origins[sink].count))
        continue
      }
      guard done.insert(group).inserted else { continue }
      let sinks = members.indices.filter { members[$0].group == group }
      result += merged(sinks, origins, key)
    }
    return result
  }

  private mutating func merged(_ sinks: [Int], _ origins: [[Int32]], _ key: (Int, Int) -> String?) -> [Action] {
    var result: [Action] = []
    /// Rows of each sink that are not yet written.
    var runs = Array(repeating: 0..<0, count: members.count)
    func flush() {
      for sink in sinks where !runs[sink].isEmpty {
        result.append(.write(sink: sink, rows: runs[sink]))
        if members[sink].takesEffectOnWrite { committed(sink) }
        runs[sink] = runs[sink].upperBound..<runs[sink].upperBound
      }
    }
    var rows = sinks.flatMap { sink in origins[sink].indices.map { (origin: origins[sink][$0], sink: sink, row: $0) } }
    rows.sort { ($0.origin, $0.sink, $0.row) < ($1.origin, $1.sink, $1.row) }
    for (_, sink, row) in rows {
      let key: String? = if case .keyed = members[sink].effect { key(sink, row) } else { "" }
      guard let key else {
        runs[sink] = runs[sink].lowerBound..<row + 1
        continue
      }
      let rivals = sinks.filter { $0 != sink && conflicts(sink, key, with: $0) }
      if !rivals.isEmpty {
        flush()
        for rival in rivals where isDirty[rival] {
          result.append(.commit(sink: rival))
          committed(rival)
        }
      }
      runs[sink] = runs[sink].lowerBound..<row + 1
      isDirty[sink] = true
      keys[sink].insert(key)
    }
    flush()
    return result
  }

  /// Whether an event of a sink must not overtake what another sink holds.
  private func conflicts(_ sink: Int, _ key: String, with other: Int) -> Bool {
    guard isDirty[other] else { return false }
    switch (members[sink].effect, members[other].effect) {
    case (.insert, .insert): return false
    case (.keyed(let a), .keyed(let b)) where a == b: return keys[other].contains(key)
    default: return true
    }
  }
}
