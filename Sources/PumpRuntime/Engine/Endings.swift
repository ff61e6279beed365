import Synchronization

/// Which pipelines have got all that they will get: one is at its end when its sources are, and the pipelines that feed it.
final class Endings: Sendable {
  private struct State {
    /// How many sources and feeding pipelines each waits for.
    var open: [String: Int] = [:]
    /// Those that did not get all: a source was stopped before its end.
    var cut: Set<String> = []
    var closed: Set<String> = []
  }
  private let state: Mutex<State>
  /// Where each pipeline's events go. Every pipeline of the program stands here and in `open`.
  private let targets: [String: [String]]

  init(_ program: Program) {
    targets = Dictionary(uniqueKeysWithValues: program.pipelines.map { ($0.id, Array(Set($0.sinks.compactMap(\.pipeline)))) })
    var open = Dictionary(uniqueKeysWithValues: program.pipelines.map { ($0.id, $0.sources.count) })
    for target in targets.values.joined() { open[target, default: 0] += 1 }
    state = Mutex(State(open: open))
  }

  /// A source of a pipeline has ended; the pipelines that are at their end by that, in the order of the flow.
  func sourceEnded(_ id: String, isWhole: Bool) -> [String] {
    state.withLock { state in
      var ended: [String] = []
      func one(_ id: String, _ isWhole: Bool) {
        if !isWhole { state.cut.insert(id) }
        state.open[id]! -= 1
        if !isWhole { for target in targets[id]! { markCut(target) } }
        guard state.open[id] == 0 else { return }
        ended.append(id)
        for target in targets[id]! { one(target, !state.cut.contains(id)) }
      }
      func markCut(_ id: String) {
        guard state.cut.insert(id).inserted else { return }
        for target in targets[id]! { markCut(target) }
      }
      one(id, isWhole)
      return ended
    }
  }

  func isCut(_ id: String) -> Bool { state.withLock { $0.cut.contains(id) } }

  /// False if it was closed before.
  func close(_ id: String) -> Bool { state.withLock { $0.closed.insert(id).inserted } }

  /// Whether all that a pipeline's events went to is closed.
  func areClosed(_ spec: PipelineSpec) -> Bool {
    state.withLock { state in
      func isClosed(_ id: String) -> Bool { state.closed.contains(id) && targets[id]!.allSatisfy(isClosed) }
      return isClosed(spec.id)
    }
  }
}
