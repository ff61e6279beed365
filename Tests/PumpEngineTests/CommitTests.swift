import PumpTestSupport
import Testing

@testable import PumpConnectorKit
@testable import PumpRuntime
@testable import PumpValues

/// The commit of a pipeline as a state machine, against random refusals.
@Suite struct CommitStateTests {
  /// Plays one commit with random refusals and looks at the rules after every step.
  @Test(arguments: 0..<400) func rules(_ seed: Int) {
    var random = Support.Random(UInt64(seed))
    let sinks = Int.random(in: 0...5, using: &random)
    let keeper = sinks > 0 && Bool.random(using: &random) ? Int.random(in: 0..<sinks, using: &random) : nil
    var state = CommitState(sinks: sinks, keeper: keeper)
    var late = Bool.random(using: &random)
    /// Sinks that were committed since anything was written to them: all get something at first, and by a route.
    var clean: Set<Int> = []
    var routes = 0
    var action = state.begin(late: late)
    for step in 0..<200 {
      switch action {
      case .commit(let sink):
        #expect(sink != keeper)
        // What the error route writes cannot be refused again: the executor ends the pipeline there.
        let refusals = !state.isSecondRound && Int.random(in: 0..<4, using: &random) == 0 ? Int.random(in: 1...3, using: &random) : 0
        clean.insert(sink)
        if refusals > 0 { late = true }
        action = state.committed(refusals: refusals)
      case .keep(let sink):
        #expect(sink == keeper)
        #expect(!late, "positions are kept while refused events are not routed")
        #expect(clean.isSuperset(of: (0..<sinks).filter { $0 != keeper }), "positions are kept before another sink is durable")
        let refusals = step < 100 && Bool.random(using: &random) ? 1 : 0
        if refusals > 0 { late = true }
        if refusals == 0 { clean.insert(sink) }
        action = state.committed(refusals: refusals)
      case .route:
        #expect(late, "nothing is there to be routed")
        late = false
        routes += 1
        clean = []
        action = state.routed()
      case .settle:
        #expect(!late)
        #expect(clean == Set(0..<sinks), "settled before every sink is durable")
        return
      }
    }
    Issue.record("it never settled, after \(routes) routes")
  }

  /// A failure in the middle settles nothing, and the next commit asks every sink again.
  @Test func beginsAnew() {
    var state = CommitState(sinks: 3, keeper: 2)
    #expect(state.begin() == .commit(sink: 0))
    #expect(state.committed(refusals: 1) == .commit(sink: 1))
    #expect(state.begin() == .commit(sink: 0))
    #expect(state.committed(refusals: 0) == .commit(sink: 1))
    #expect(state.committed(refusals: 0) == .keep(sink: 2))
    #expect(state.committed(refusals: 0) == .settle)
  }
}

/// D4: events that reach one target through several sinks take effect in their order.
@Suite struct TargetOrderTests {
  /// A store that applies what is durable: a sink's writes take place at its commit, or at once if it is ordered.
  private struct Store {
    var rows: [String: Int] = [:]
    var log: [Int] = []
    var waiting: [[(event: Int, key: String, isDelete: Bool)]]

    mutating func apply(_ sink: Int) {
      for (event, key, isDelete) in waiting[sink] {
        rows[key] = isDelete ? nil : event
        log.append(event)
      }
      waiting[sink] = []
    }
  }

  @Test(arguments: 0..<400) func likeOneSink(_ seed: Int) {
    var random = Support.Random(UInt64(seed) &* 7919)
    let count = Int.random(in: 2...4, using: &random)
    let isKeyed = (0..<count).map { _ in Bool.random(using: &random) }
    let takesEffectOnWrite = Bool.random(using: &random)
    var order = TargetOrder(
      (0..<count).map { .init(effect: isKeyed[$0] ? .keyed(columns: ["id"]) : .unknown, takesEffectOnWrite: takesEffectOnWrite, group: 0) })
    var model: [String: Int] = [:]
    var store = Store(waiting: Array(repeating: [], count: count))
    var event = 0
    for _ in 0..<Int.random(in: 1...6, using: &random) {
      var origins = Array(repeating: [Int32](), count: count)
      var events = Array(repeating: [(event: Int, key: String, isDelete: Bool)](), count: count)
      for row in 0..<Int.random(in: 1...30, using: &random) {
        let sink = Int.random(in: 0..<count, using: &random)
        let (key, isDelete) = ("k\(Int.random(in: 0..<5, using: &random))", Int.random(in: 0..<3, using: &random) == 0)
        event += 1
        model[key] = isDelete ? nil : event
        origins[sink].append(Int32(row))
        events[sink].append((event, key, isDelete))
      }
      var written = Array(repeating: 0, count: count)
      for action in order.actions(origins, key: { events[$0][$1].key }) {
        switch action {
        case .write(let sink, let rows):
          #expect(rows.lowerBound == written[sink], "rows are written once, in their order")
          written[sink] = rows.upperBound
          store.waiting[sink] += events[sink][rows]
          if takesEffectOnWrite { store.apply(sink) }
        case .commit(let sink): store.apply(sink)
        }
      }
      #expect(written == events.map(\.count), "every row is written")
      // A commit of all, in the order of the sinks, comes between batches now and then.
      if Bool.random(using: &random) {
        for sink in 0..<count {
          store.apply(sink)
          order.committed(sink)
        }
      }
    }
    for sink in 0..<count { store.apply(sink) }
    #expect(store.rows == model)
  }

  /// What commutes is written together: no commit, one write a sink.
  @Test func insertsAreNotHeldBack() {
    var order = TargetOrder([
      .init(effect: .insert, takesEffectOnWrite: false, group: 0), .init(effect: .insert, takesEffectOnWrite: false, group: 0),
    ])
    let actions = order.actions([[0, 2, 4], [1, 3]], key: { _, _ in "" })
    #expect(actions == [.write(sink: 0, rows: 0..<3), .write(sink: 1, rows: 0..<2)])
    var keyed = TargetOrder(
      [
        .init(effect: .keyed(columns: ["id"]), takesEffectOnWrite: false, group: 0),
        .init(effect: .keyed(columns: ["id"]), takesEffectOnWrite: false, group: 0),
      ])
    #expect(keyed.actions([[0, 2], [1, 3]], key: { "\($0)-\($1)" }) == [.write(sink: 0, rows: 0..<2), .write(sink: 1, rows: 0..<2)])
  }

  /// Events that are new to their target, such as documents without an id, overtake nothing.
  @Test func newDocumentsAreNotHeldBack() {
    var order = TargetOrder(
      [
        .init(effect: .keyed(columns: ["name", "id"]), takesEffectOnWrite: false, group: 0),
        .init(effect: .keyed(columns: ["name", "id"]), takesEffectOnWrite: false, group: 0),
      ])
    let actions = order.actions([[0, 2], [1, 3]], key: { sink, row in row == 0 ? nil : "same" })
    #expect(
      actions == [.write(sink: 0, rows: 0..<2), .write(sink: 1, rows: 0..<1), .commit(sink: 0), .write(sink: 1, rows: 1..<2)])
  }

  @Test func sinksOfTheirOwnAreLeftAlone() {
    var order = TargetOrder([
      .init(effect: .unknown, takesEffectOnWrite: false, group: nil), .init(effect: .unknown, takesEffectOnWrite: false, group: nil),
    ])
    #expect(!order.isNeeded)
    #expect(order.actions([[0, 1], []], key: { _, _ in "" }) == [.write(sink: 0, rows: 0..<2)])
  }
}
