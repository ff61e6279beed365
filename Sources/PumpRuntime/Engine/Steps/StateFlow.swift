/// The steps of a pipeline that keep something of the events before, and how far its events have come. Used under its lock.
final class StateFlow {
  let steps: [StateStep]
  let clock: FlowClock?
  private let outputs: Outputs
  private let spec: PipelineSpec
  private let sides: [(any Processor)?]
  /// Routes what failed in a step.
  private let fail: ([SinkSet.Late]) throws(RunFailure) -> Void
  /// The pipelines and joins that it feeds, and behind which of its steps.
  typealias Feed = (behind: Int?, target: FeedSink)
  private let feeds: [Feed]

  init(
    _ spec: PipelineSpec, _ steps: [StateStep], _ clock: FlowClock?, _ outputs: Outputs, sides: [(any Processor)?],
    feeds: [Feed], fail: @escaping ([SinkSet.Late]) throws(RunFailure) -> Void
  ) {
    self.spec = spec
    self.steps = steps
    self.clock = clock
    self.outputs = outputs
    self.sides = sides
    self.feeds = feeds
    self.fail = fail
  }

  /// What a route has made of a batch goes to the steps behind it.
  func pass(behind route: Int?, _ batch: Batch) throws(RunFailure) {
    for step in steps where step.spec.behind == route {
      let input = outputs.state(step.number, .main)
      guard input.count > 0 else { continue }
      try step.take(input, batch)
      input.clear()
      try settle(step, batch)
    }
  }

  /// Events of a stream that a step joins.
  func join(_ number: Int, _ batch: Batch) throws(RunFailure) {
    let input = outputs.state(number, .side)
    outputs.clear()
    sides[number]!.process(batch, outputs)
    if let broken = outputs.broken { throw broken }
    let failures = outputs.failures
    try steps[number].takeSide(input, batch)
    input.clear()
    try settle(steps[number], batch)
    if !failures.isEmpty { try fail(failures.map { ($0, batch) }) }
  }

  private func settle(_ step: StateStep, _ batch: Batch) throws(RunFailure) {
    try step.emitter.flush()
    let failures = step.takeFailures()
    if !failures.isEmpty { try fail(failures.map { ($0, batch) }) }
    if step.isFinished, ended.insert(step.number).inserted { try finish(behind: step.number) }
  }

  /// Steps behind which no event will come.
  private var ended: Set<Int> = []

  /// No event before the mark will enter this route.
  func advance(behind route: Int?, _ mark: Int64) throws(RunFailure) {
    for step in steps where step.spec.behind == route {
      try step.advance(mark)
      try moved(step, mark)
    }
    for feed in feeds where feed.behind == route { try feed.target.moved(mark) }
  }

  func advanceSide(_ number: Int, _ mark: Int64) throws(RunFailure) {
    sideMarks[number] = mark
    try steps[number].advanceSide(mark)
    try moved(steps[number], nil)
  }

  /// How far the events of each step have come, and those of the stream that it joins.
  private var marks: [Int: Int64] = [:]
  private var sideMarks: [Int: Int64] = [:]
  func mark(of step: Int) -> Int64 { marks[step] ?? .min }
  func sideMark(of step: Int) -> Int64 { sideMarks[step] ?? .min }
  func restore(_ step: Int, _ mark: Int64, _ sideMark: Int64) {
    if mark > .min { marks[step] = mark }
    if sideMark > .min { sideMarks[step] = sideMark }
  }

  private func moved(_ step: StateStep, _ mark: Int64?) throws(RunFailure) {
    try settle(step, step.emitter.batch)
    if let mark { marks[step.number] = mark }
    guard let mark = marks[step.number] else { return }
    let output = step.outputMark(mark)
    if output > .min { try advance(behind: step.number, output) }
  }

  /// No event will enter this route at all.
  func finish(behind route: Int?) throws(RunFailure) {
    for step in steps where step.spec.behind == route {
      try step.finish()
      try settle(step, step.emitter.batch)
    }
    for feed in feeds where feed.behind == route { try feed.target.ended() }
  }

  func finishSide(_ number: Int) throws(RunFailure) {
    try steps[number].finishSide()
    try settle(steps[number], steps[number].emitter.batch)
  }

  /// The stream has come to its present end.
  func sideIsRead(_ number: Int) throws(RunFailure) {
    guard let step = steps[number] as? LatestStep else { return }
    try step.sideIsRead()
    try moved(step, nil)
  }

  /// All that was there has come.
  func isRead() throws(RunFailure) { for feed in feeds { try feed.target.isRead() } }

  var isFinished: Bool { steps.allSatisfy(\.isFinished) }
}
