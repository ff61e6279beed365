extension Program {
  /// How many sinks of other pipelines feed a pipeline.
  public func feeders(of id: String) -> Int {
    pipelines.flatMap(\.sinks).count { if case .pipeline(id, _) = $0.target { true } else { false } }
  }

  /// For each pipeline that keeps something of the events before, or feeds one that does or is fed by it, the name of what these are
  /// together: that of the first in the alphabet. Of such a unit one batch is at work at a time.
  public var unitNames: [String: String] {
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

  /// Whether a step of a pipeline, or of one of its unit, keeps something of the events before.
  public func keepsState(_ id: String) -> Bool {
    let unit = unitNames
    return unit[id] != nil && pipelines.contains { unit[$0.id] == unit[id] && !$0.states.isEmpty }
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
  public var stateReason: String? { pipelines.lazy.compactMap { stateReason(of: $0) }.first }

  /// Why a pipeline does not: a step keeps something of events that have no end, and what waits in it would be acknowledged and lost
  /// with the process. A sink that is whole only at its end acknowledges nothing before, and who takes events at most once may lose
  /// them.
  public func stateReason(of pipeline: PipelineSpec) -> String? {
    let unit = unitNames
    guard pipeline.delivery != .atMostOnce, let step = pipeline.states.first, let name = unit[pipeline.id] else { return nil }
    let others = pipelines.filter { unit[$0.id] == name }
    if others.contains(where: { $0.sinks.contains { $0.endpoint?.isWholeAtEnd == true } }) { return nil }
    return others.filter { $0.delivery != .atMostOnce }.flatMap(\.sources).first(where: \.isEndless).map { source in
      "`\(step.name)` of `\(pipeline.id)` keeps something of the events of `\(source.described)`, which has no end, and a stop would lose it"
    }
  }
}
