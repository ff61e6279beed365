import PumpPlan
import PumpRuntime

/// A pipeline's steps, or its error route's, run over columns in slices of 1,024 rows.
final class InterpretedProcessor: Processor {
  private let chain: Chain
  private let entry: Column
  private let checks: (Frame, Selection, Outputs) -> Selection
  private var frame: Frame?
  let framing: Framing?

  init(_ plan: Plan, _ pipeline: PipelineSpec, _ configuration: Configuration, _ route: Route) {
    let compiler = ExpressionCompiler(plan, configuration)
    entry = Column(Shape.of(route.input))
    compiler.level.event = entry
    let conditions = route.checks.map { (compiler.compile($0.condition), $0.message) }
    self.checks = { frame, selection, out in
      var live = selection
      for (node, message) in conditions {
        let (yes, no) = frame.split(node.run(frame, live), by: node.column)
        for row in no { frame.fail(row, message) }
        live = yes
      }
      frame.report(-1, out)
      return live
    }
    let steps = StepCompiler(compiler, pipeline)
    chain = steps.compile(route.steps[...], event: entry, carried: nil)
    framing = steps.framing
  }

  func process(_ batch: Batch, _ out: Outputs) {
    if frame == nil || frame!.context !== batch.context { frame = Frame(batch.context, batch) }
    let frame = self.frame!
    frame.batch = batch
    var start = 0
    while start < batch.count {
      let rows = min(Frame.sliceSize, batch.count - start)
      frame.reset(rows: rows)
      frame.origins.removeAll(keepingCapacity: true)
      for row in start..<start + rows { frame.origins.append(Int32(row)) }
      frame.times.removeAll(keepingCapacity: true)
      if batch.times.count > 0 { for row in start..<start + rows { frame.times.append(batch.times[row]) } }
      entry.clear()
      if let records = batch.records {
        frame.origins.withUnsafeBufferPointer { origins in
          entry.ensure(rows)
          // Of Json there are no fields.
          if entry.children.isEmpty { entry.gather(origins, from: records) }
          for (child, from) in zip(entry.children, records.children) { child.gather(origins, from: from) }
        }
      } else {
        entry.ensure(rows)
        entry.pointer(Text.self).update(from: batch.events.values.baseAddress! + start, count: rows)
      }
      let live = checks(frame, frame.all(), out)
      if live.count > 0 { chain(frame, live, out) }
      start += rows
    }
  }
}

/// The plan as a program for the runtime, its steps interpreted.
public func interpret(_ plan: Plan) -> Executable {
  let steps = zip(plan.program.pipelines, plan.bodies).map { pipeline, body in
    func processor(_ route: Route) -> PipelineSteps.Make { { InterpretedProcessor(plan, pipeline, $0, route) } }
    return PipelineSteps(
      main: processor(body.main), error: body.error.map(processor),
      states: body.states.map { .init(after: processor($0.after), inner: $0.inner.map(processor), side: $0.side.map(processor)) })
  }
  return Executable(plan.program, steps: steps)
}
