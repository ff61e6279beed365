import PumpPlan
import PumpRuntime

/// A pipeline's steps, or its error route's, run over columns in slices of 1,024 rows.
final class InterpretedProcessor: Processor {
  private let chain: Chain
  private let entry: Column
  private let checks: (Frame, Selection, Outputs) -> Selection
  private var frame: Frame?
  let framing: Framing?

  init(_ plan: Plan, _ configuration: Configuration, _ route: Route) {
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
    let steps = StepCompiler(compiler)
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
  func processor(_ route: Route) -> @Sendable (Configuration) -> any Processor {
    { InterpretedProcessor(plan, $0, route) }
  }
  return Executable(plan.program, steps: plan.bodies.map { PipelineSteps(main: processor($0.main), error: $0.error.map(processor)) })
}
