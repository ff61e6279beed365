/// The order of one commit of a pipeline, as a pure state machine: it says what comes next, and is told how that ended.
///
/// 1. Every sink but the keeper is committed. What they refuse only now is late.
/// 2. Late refusals are routed; the error route's own sinks have got events by that, so all of 1 is done again.
/// 3. The sink that keeps the positions of the sources is last: everything before them is durable elsewhere. What it
///    refuses is routed before its transaction can hold, so it is asked again until it refuses nothing.
/// 4. Settled: what was taken may be acknowledged.
///
/// A failure at any point leaves the machine where it is: nothing is settled, and the next commit begins anew.
struct CommitState: Sendable {
  enum Action: Equatable, Sendable {
    case commit(sink: Int)
    /// The sink that keeps positions: its rows and the positions in one transaction.
    case keep(sink: Int)
    /// What was refused since the last `route`.
    case route
    case settle
  }

  private let others: [Int]
  private let keeper: Int?
  private var next = 0
  private var isKeeping = false
  private var isLate = false
  /// Late refusals were routed already, so the error route's sinks are what is committed now.
  private(set) var isSecondRound = false

  init(sinks: Int, keeper: Int?) {
    others = (0..<sinks).filter { $0 != keeper }
    self.keeper = keeper
  }

  /// The first action; `late` if events were refused between the last commit and this one.
  mutating func begin(late: Bool = false) -> Action {
    (next, isKeeping, isLate, isSecondRound) = (0, false, late, false)
    return advance()
  }

  /// The sink that was asked has committed, all but so many events.
  mutating func committed(refusals: Int) -> Action {
    if refusals > 0 { isLate = true }
    if !isKeeping { next += 1 }
    return isKeeping && !isLate ? .settle : advance()
  }

  /// What was late has gone through the error route.
  mutating func routed() -> Action {
    (next, isLate, isSecondRound) = (0, false, true)
    return advance()
  }

  private mutating func advance() -> Action {
    if isKeeping, isLate {
      isKeeping = false
      return .route
    }
    if next < others.count { return .commit(sink: others[next]) }
    if isLate { return .route }
    guard let keeper else { return .settle }
    isKeeping = true
    return .keep(sink: keeper)
  }
}
