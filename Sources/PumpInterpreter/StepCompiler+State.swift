import PumpPlan
import PumpRuntime

/// Times, and the way to steps that keep something of the events before.
extension StepCompiler {
  func time(_ value: Node, _ number: Int, _ next: @escaping Chain) -> Chain {
    { frame, selection, out in
      let live = value.run(frame, selection)
      if frame.times.count < frame.rows { frame.times = Array(repeating: 0, count: frame.rows) }
      let before = frame.failureCount
      for row in live {
        let time = value.column.get(Timestamp.self, Int(row))
        frame.times[Int(row)] = time.micros
        do throws(EventFailure) { try out.admit(time, frame.batch, Int(frame.origins[Int(row)])) } catch { frame.fail(row, error.message) }
      }
      let kept = frame.live(live, since: before)
      frame.report(number, out)
      if kept.count > 0 { next(frame, kept, out) }
    }
  }

  func state(_ state: Int, _ part: StatePart, _ each: [Node], _ event: Column, _ number: Int) -> Chain {
    { frame, selection, out in
      let live = runAll(each, frame, selection)
      frame.report(number, out)
      let buffer = out.state(state, part)
      for row in live {
        let place = buffer.count
        for (column, node) in zip(buffer.each, each) { column.copy(place, from: node.column, Int(row)) }
        buffer.records?.copy(place, from: event, Int(row))
        buffer.take(Int(frame.origins[Int(row)]), frame.times.isEmpty ? 0 : frame.times[Int(row)], frame.batch)
      }
    }
  }
}
