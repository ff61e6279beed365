/// What the steps of a pipeline do, interpreted or generated. Each makes a processor of its own, for a thread of its own.
public struct PipelineSteps: Sendable {
  public let main: Make
  /// The chain of `on error`, if there is one.
  public let error: Make?
  public typealias Make = @Sendable (Configuration) -> any Processor
  /// The chains of a step that keeps something of the events before.
  public struct State: Sendable {
    let after: Make
    let inner: Make?
    let side: Make?
    public init(after: @escaping Make, inner: Make? = nil, side: Make? = nil) {
      self.after = after
      self.inner = inner
      self.side = side
    }
  }
  let states: [State]
  public init(main: @escaping Make, error: Make? = nil, states: [State] = []) {
    self.main = main
    self.error = error
    self.states = states
  }
}

/// A program ready to run: its description, and what the steps of each pipeline do.
public struct Executable: Sendable {
  public let program: Program
  let steps: [String: PipelineSteps]
  /// `steps` stand in the order of the program's pipelines.
  public init(_ program: Program, steps: [PipelineSteps]) {
    self.program = program
    self.steps = Dictionary(uniqueKeysWithValues: zip(program.pipelines.map(\.id), steps))
  }
}

extension Program {
  /// How many sinks of other pipelines feed a pipeline.
  func feeders(of id: String) -> Int {
    pipelines.flatMap(\.sinks).count { if case .pipeline(id, _) = $0.target { true } else { false } }
  }

  /// For each pipeline that keeps something of the events before, or feeds one that does or is fed by it, the name of what these are
  /// together: that of the first in the alphabet. Of such a unit one batch is at work at a time.
  var unitNames: [String: String] {
    var unit = Dictionary(uniqueKeysWithValues: pipelines.map { ($0.id, $0.id) })
    for pipeline in pipelines {
      for target in pipeline.sinks.compactMap(\.pipeline) {
        let (one, other) = (min(unit[pipeline.id]!, unit[target]!), max(unit[pipeline.id]!, unit[target]!))
        for (id, name) in unit where name == other { unit[id] = one }
      }
    }
    let keeping = Set(pipelines.filter { !$0.states.isEmpty || $0.clock != nil }.map { unit[$0.id]! })
    return unit.filter { keeping.contains($0.value) }
  }

  /// The pipelines, those that feed others before these.
  var flowOrder: [String] {
    var order: [String] = []
    func visit(_ id: String) {
      guard !order.contains(id) else { return }
      for pipeline in pipelines where pipeline.sinks.contains(where: { $0.pipeline == id }) { visit(pipeline.id) }
      order.append(id)
    }
    for pipeline in pipelines { visit(pipeline.id) }
    return order
  }
}
