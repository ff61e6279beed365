/// How far each source of a pipeline has come: what waits for a commit, and what is durable and waits for its source's own
/// thread to acknowledge it.
struct Acknowledgements {
  struct Progress {
    let source: any Source
    let positions: PositionPlace?
    var position: Int64
    var rows: Int
    var checkpoint: Checkpoint
  }

  private(set) var waiting: [Progress] = []
  private(set) var durable: [Progress] = []

  mutating func took(_ progress: Progress) { Self.add(progress, to: &waiting) }

  /// Everything that was taken is durable.
  mutating func settle() {
    for progress in waiting { Self.add(progress, to: &durable) }
    waiting.removeAll(keepingCapacity: true)
  }

  /// What is durable of a source, once.
  mutating func take(_ source: any Source) -> Progress? {
    durable.firstIndex { $0.source === source }.map { durable.remove(at: $0) }
  }

  private static func add(_ progress: Progress, to list: inout [Progress]) {
    guard let known = list.firstIndex(where: { $0.source === progress.source }) else { return list.append(progress) }
    list[known].position = progress.position
    list[known].rows += progress.rows
    list[known].checkpoint.merge(progress.checkpoint) { $1 }
  }
}
