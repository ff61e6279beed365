import PumpPlan
import PumpSyntax

/// Branches that hold no others back: `tee { … } when down spill 1GiB`.
extension Checker {
  func whenDown(_ syntax: WhenDownSyntax) -> WhenDown? {
    switch syntax.kind {
    case .wait: return nil
    case .shed: return .shed
    case .spill(let size):
      let checked = check(size, Scope(), as: .size, "what may be spilled")
      guard case .size(let bytes)? = constant(checked) else {
        if checked.type != .erroneous {
          report(.notConstant, size.span, "what may be spilled is a literal", help: "write the size itself, such as `1GiB`")
        }
        return .shed
      }
      if bytes < 1 << 20 {
        report(.badValue, size.span, "`\(size.span.text)` is too little to spill into", help: "write `1MiB` or more")
      }
      return .spill(bytes)
    }
  }

  /// What such a branch cannot hold, since it would hold others back all the same.
  func waits(_ what: String, _ span: Span, _ pipeline: PipelineContext) {
    guard pipeline.whenDown != nil else { return }
    report(
      .wrongStep, span, "\(what) in a branch that holds no others back waits for its system all the same",
      help: "put it before the `tee`, or leave `when down` out")
  }

  /// The sinks of such branches, each of which has its target and its positions to itself.
  func reportBranches(_ pipeline: PipelineContext) {
    for sink in pipeline.sinks where sink.spec.whenDown != nil {
      if sink.spec.keepsPositions {
        report(
          .wrongStep, sink.span, "a sink that keeps positions has its events before they are acknowledged, and none in a spool",
          help: "leave `positions` or `when down` out")
      }
      let other = pipeline.sinks.first { $0.span.start != sink.span.start && $0.spec.mayShareTarget(with: sink.spec) }
      guard let other else { continue }
      report(
        .wrongStep, sink.span, "this branch holds no others back, and another sink writes to the same: their order would be lost",
        help: "send both through one sink, or leave `when down` out", labels: [(other.span, "the other")])
    }
  }
}
