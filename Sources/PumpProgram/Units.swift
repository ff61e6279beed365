extension Program {
  /// How many sinks of other pipelines, or of some of them, feed a pipeline.
  public func feeders(of id: String, among names: [String]? = nil) -> Int {
    pipelines.filter { names?.contains($0.id) ?? true }.flatMap(\.sinks)
      .count { if case .pipeline(id, _) = $0.target { true } else { false } }
  }

  /// For each pipeline that keeps something of the events before, or feeds one that does or is fed by it, the name of what these are
  /// together: that of the first in the alphabet. Of such a unit one batch is at work at a time.
  public var unitNames: [String: String] {
    let keeping = pipelines.filter { !$0.states.isEmpty || $0.clock != nil }
    if keeping.isEmpty { return [:] }
    var unit = Dictionary(uniqueKeysWithValues: pipelines.map { ($0.id, $0.id) })
    for pipeline in pipelines {
      for target in pipeline.sinks.compactMap(\.pipeline) {
        let (one, other) = (min(unit[pipeline.id]!, unit[target]!), max(unit[pipeline.id]!, unit[target]!))
        for (id, name) in unit where name == other { unit[id] = one }
      }
    }
    let names = Set(keeping.map { unit[$0.id]! })
    return unit.filter { names.contains($0.value) }
  }

  /// The pipelines of which a step keeps something of the events before, or one of their unit's does.
  public var keepingState: Set<String> {
    let unit = unitNames
    let names = Set(pipelines.filter { !$0.states.isEmpty }.compactMap { unit[$0.id] })
    return Set(unit.filter { names.contains($0.value) }.keys)
  }

  /// The pipelines, those that feed others before these.
  public var flowOrder: [String] {
    var order: [String] = []
    func visit(_ id: String) {
      guard !order.contains(id) else { return }
      for pipeline in pipelines where pipeline.sinks.contains(where: { $0.pipeline == id }) { visit(pipeline.id) }
      order.append(id)
    }
    for pipeline in pipelines { visit(pipeline.id) }
    return order
  }

  /// Why it does not run without a folder of state.
  public var stateReason: String? {
    let reasons = stateReasons
    return pipelines.lazy.compactMap { reasons[$0.id] }.first
  }

  /// Why a pipeline does not, by its name: a step keeps something of events that have no end, and what waits in it would be acknowledged
  /// and lost with the process. A sink that is whole only at its end acknowledges nothing before, and who takes events at most once may
  /// lose them.
  public var stateReasons: [String: String] {
    let unit = unitNames
    var reasons: [String: String] = [:]
    for pipeline in pipelines where pipeline.delivery != .atMostOnce {
      guard let step = pipeline.states.first else { continue }
      let others = pipelines.filter { unit[$0.id] == unit[pipeline.id] }
      if others.contains(where: { $0.sinks.contains { $0.endpoint?.isWholeAtEnd == true } }) { continue }
      guard let source = others.filter({ $0.delivery != .atMostOnce }).flatMap(\.sources).first(where: \.isEndless) else { continue }
      reasons[pipeline.id] =
        "`\(step.name)` of `\(pipeline.id)` keeps something of the events of `\(source.described)`, which has no end, and a stop would lose it"
    }
    return reasons
  }
}
