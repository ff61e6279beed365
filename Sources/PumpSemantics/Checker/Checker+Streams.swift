import PumpPlan
import PumpSyntax

/// `stream`: a pipeline without a sink, which others read.
extension Checker {
  /// What flows out of a stream, which is checked where it was not yet; nil after a report.
  func stream(_ name: Name, _ reader: PipelineContext) -> Flow? {
    guard let syntax = pipelines[name.text], syntax.isStream else {
      if pipelines[name.text] != nil {
        report(
          .badStream, name.span, "`\(name.text)` is a pipeline, which ends in its own sinks",
          help: "declare it as `stream \(name.text) { … }`")
      } else {
        reportUnknown(
          .badStream, name, "stream", among: pipelines.values.filter(\.isStream).map(\.name.text),
          otherwise: "declare it: `stream \(name.text) { source … |> decode json as T |> time .at late 10s }`")
      }
      return nil
    }
    symbols.use(.pipeline, name.text, at: name.span)
    feeds.append((name.text, reader.name, name.span))
    guard !checking.contains(name.text) else {
      report(
        .pipelineCycle, name.span, "streams read each other in a circle: \((checking + [name.text]).joined(separator: " → "))",
        help: "write to a system in between, or split one of them")
      return nil
    }
    return checked(name.text).output
  }

  /// A pipeline or stream, checked once.
  func checked(_ name: String) -> TypedPipeline {
    if let known = checkedPipelines[name] { return known }
    checking.append(name)
    defer { checking.removeLast() }
    let outer = (toldUndecoded, silenced, grouping)
    (silenced, grouping) = (0, nil)
    defer { (toldUndecoded, silenced, grouping) = outer }
    let before = diagnostics.count
    let pipeline = check(pipeline: pipelines[name]!)
    if diagnostics[before...].contains(where: { $0.severity == .error }) { brokenPipelines.insert(name) }
    checkedPipelines[name] = pipeline
    return pipeline
  }

  /// The plan's pipelines, those of streams with what reads them at their ends.
  func lowered() -> [(spec: PipelineSpec, body: PipelineBody)] {
    let typed = order.pipelines.map(checked)
    let first = typed.map(Lowering.lower)
    var readers: [String: [Step.Kind]] = [:]
    for (pipeline, lowered) in zip(typed, first) {
      if let stream = pipeline.stream { readers[stream, default: []].append(.feed(pipeline.id)) }
      for (number, state) in lowered.spec.states.enumerated() {
        switch state.kind {
        case .join(let join, from: _, to: _), .joinLatest(let join, asRead: _):
          readers[join.stream, default: []].append(.join(pipeline: pipeline.id, state: number))
        default: break
        }
      }
    }
    return zip(typed, first).map { pipeline, lowered in
      guard pipelines[pipeline.id]!.isStream else { return lowered }
      return Lowering.lower(pipeline.ending(in: readers[pipeline.id] ?? []))
    }
  }

  func reportUnreadStreams() {
    // What a mistake hides may be read.
    guard !diagnostics.contains(where: { $0.severity == .error }) else { return }
    for name in order.pipelines where pipelines[name]!.isStream && !feeds.contains(where: { $0.from == name }) {
      report(
        .neverFed, pipelines[name]!.name.span, "nothing reads stream `\(name)`",
        help: "begin a pipeline with `source \(name)`, or `join` it")
    }
  }
}

extension TypedPipeline {
  /// The stream with copies of its events for all that read it.
  fileprivate func ending(in readers: [Step.Kind]) -> TypedPipeline {
    let ends = readers.map { Step(name: "stream", kind: $0, output: output.type, place: place) }
    let last = ends.last ?? Step(name: "discard", kind: .plain(.discard), output: output.type, place: place)
    let copies = ends.dropLast().map { Step(name: "stream", kind: .tee([$0]), output: output.type, place: place) }
    return TypedPipeline(
      id: id, docs: docs, sources: sources, input: input, checks: checks, steps: steps + copies + [last], onError: onError,
      delivery: delivery, settings: settings, meta: meta, labels: labels, place: place, output: output, stream: stream)
  }
}
