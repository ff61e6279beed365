extension StateSpec {
  /// The step that does what this says.
  func make(_ number: Int, _ emitter: Emitter, _ constants: Constants, _ inner: Evaluation?) -> StateStep {
    switch kind {
    case .group(.session(let gap)?, let aggregates, onChange: _):
      SessionStep(self, number, emitter, constants, gap: gap, aggregates)
    case .group(.rows(let count, let within)?, let aggregates, onChange: _):
      RowsStep(self, number, emitter, constants, count: count, within: within, aggregates)
    case .group(let window, let aggregates, let onChange):
      // All others have bounds that the time of an event says.
      GroupStep(self, number, emitter, constants, Windows(window, constants)!, aggregates, onChange: onChange)
    case .order: OrderStep(self, number, emitter, constants)
    case .dedupe(let within): DedupeStep(self, number, emitter, constants, within: within)
    case .dedupeLast(let last): DedupeLastStep(self, number, emitter, constants, last: last)
    case .previous(let within): PreviousStep(self, number, emitter, constants, within: within)
    case .running(let within, let aggregates): RunningStep(self, number, emitter, constants, within: within, aggregates)
    // A fold has a route of its own.
    case .fold(let within, let start): FoldStep(self, number, emitter, constants, within: within, start: start, inner!)
    case .join(let join, let from, let to): JoinStep(self, number, emitter, constants, join, from: from, to: to, inner)
    case .joinLatest(let join, let asRead): LatestStep(self, number, emitter, constants, join, asRead: asRead)
    }
  }
}

extension PipelineSpec {
  /// The steps that keep something, each with what `emitter` makes for it.
  func makeSteps(
    _ steps: PipelineSteps, _ configuration: Configuration, _ outputs: Outputs, now: @escaping () -> Timestamp,
    emitter: (Int, StateSpec, @escaping () -> Timestamp) -> Emitter
  ) -> [StateStep] {
    let constants = Constants(configuration: configuration)
    return states.enumerated().map { number, state in
      let inner = steps.states[number].inner.map {
        Evaluation($0(configuration), outputs, outputs.state(number, .inner), innerInput(number), now: now)
      }
      return state.make(number, emitter(number, state, now), constants, inner)
    }
  }

  /// What the inner route of a step gets: the event, with what it is looked at together with.
  private func innerInput(_ number: Int) -> Type {
    let state = states[number]
    guard case .join(let join, from: _, to: _) = state.kind, let record = state.output.record, let last = record.fields.last else {
      return state.output
    }
    return .record(RecordType(fields: record.fields.dropLast() + [Field(last.name, join.event)]))
  }
}
