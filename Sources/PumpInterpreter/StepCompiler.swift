import PumpPlan
import PumpRuntime

/// One compiled chain: what its steps do to a selection of rows of a frame.
typealias Chain = (Frame, Selection, Outputs) -> Void

/// Steps to operations over columns. Each takes the rows that reach it and calls what follows with those that go on.
final class StepCompiler {
  let compiler: ExpressionCompiler
  /// Whether a sink is another pipeline.
  let isFeed: (Int) -> Bool
  /// How the first step wants its stream cut.
  var framing: Framing?

  init(_ compiler: ExpressionCompiler, _ pipeline: PipelineSpec) {
    self.compiler = compiler
    isFeed = { pipeline.sinks[$0].pipeline != nil }
  }

  /// `event` holds the events that enter; `carried` the record that was encoded.
  func compile(_ steps: ArraySlice<Step>, event: Column, carried: Column?) -> Chain {
    guard let step = steps.first else { return { _, _, _ in } }
    let rest = steps.dropFirst()
    let number = step.number
    let compiler = self.compiler
    func node(_ e: Expr, carried: Column? = nil) -> Node {
      compiler.level = .init()
      compiler.level.event = event
      compiler.level.carried = carried
      return compiler.compile(e)
    }
    switch step.kind {
    case .decode(let format, let type, let checks, let framed):
      return decode(format, type, checks, framed, number, event, rest)
    case .encode(let format, let part?):
      let value = node(part)
      let encode = encode(format, value.column, carried: event, rest)
      return { frame, selection, outputs in
        let live = value.run(frame, selection)
        frame.report(number, outputs)
        if live.count > 0 { encode(frame, live, outputs) }
      }
    case .encode(let format, nil): return encode(format, event, carried: event, rest)
    case .filter(let test):
      let condition = node(test)
      let next = compile(rest, event: event, carried: carried)
      return { frame, selection, out in
        let live = condition.run(frame, selection)
        frame.report(number, out)
        let (yes, no) = frame.split(live, by: condition.column)
        out.filtered += no.count
        if yes.count > 0 { next(frame, yes, out) }
      }
    case .assert(let test, let reason):
      let condition = node(test)
      let text = node(reason)
      let next = compile(rest, event: event, carried: carried)
      return { frame, selection, out in
        let live = condition.run(frame, selection)
        let (yes, no) = frame.split(live, by: condition.column)
        for row in text.run(frame, no) { frame.fail(row, text.column.get(Text.self, Int(row)).string) }
        frame.report(number, out)
        if yes.count > 0 { next(frame, yes, out) }
      }
    case .map(let value):
      let result = node(value)
      let next = compile(rest, event: result.column, carried: nil)
      return { frame, selection, out in
        let live = result.run(frame, selection)
        frame.report(number, out)
        if live.count > 0 { next(frame, live, out) }
      }
    case .expand(let index): return expand(index, Shape.of(step.output), event, rest)
    case .lookup(let lookup, let key, _): return self.lookup(lookup, Shape.of(step.output), number, event, rest, node(key))
    case .route(let arms):
      let compiled = arms.map { arm in (arm.condition.map { node($0) }, compile(arm.steps[...], event: event, carried: carried)) }
      return { frame, selection, out in
        var left = selection
        for (condition, chain) in compiled {
          guard left.count > 0 else { break }
          guard let condition else {
            chain(frame, left, out)
            left = Selection(start: nil, count: 0)
            break
          }
          let live = condition.run(frame, left)
          frame.report(number, out)
          let (yes, no) = frame.split(live, by: condition.column)
          if yes.count > 0 { chain(frame, yes, out) }
          left = no
        }
        out.filtered += left.count
      }
    case .tee(let inner):
      let side = compile(inner[...], event: event, carried: carried)
      let next = compile(rest, event: event, carried: carried)
      return { frame, selection, out in
        side(frame, selection, out)
        next(frame, selection, out)
      }
    case .log(let text):
      let value = node(text)
      let next = compile(rest, event: event, carried: carried)
      return { frame, selection, out in
        let live = value.run(frame, selection)
        frame.report(number, out)
        for row in live { out.log(value.column.get(Text.self, Int(row))) }
        if live.count > 0 { next(frame, live, out) }
      }
    case .sample(let share):
      let next = compile(rest, event: event, carried: carried)
      return { frame, selection, out in
        let kept = frame.allocate(selection.count)
        var count = 0
        for row in selection where frame.batch.sampled(Int(frame.origins[Int(row)]), number, share) {
          kept[count] = row
          count += 1
        }
        out.filtered += selection.count - count
        if count > 0 { next(frame, Selection(start: kept, count: count), out) }
      }
    case .time(let value): return time(node(value), number, compile(rest, event: event, carried: carried))
    case .state(let state, let part, let each): return self.state(state, part, each.map { node($0) }, event, number)
    case .probe(let probe):
      let next = compile(rest, event: event, carried: carried)
      return { frame, selection, out in
        for row in selection { out.show(probe) { Self.write(event, row, &$0) } }
        next(frame, selection, out)
      }
    case .discard: return { _, selection, out in out.discarded += selection.count }
    case .sink(let sink, let each):
      let nodes = each.map { node($0, carried: carried) }
      let write = self.sink(sink, nodes, event)
      guard !nodes.isEmpty else { return write }
      return { frame, selection, out in
        let live = runAll(nodes, frame, selection)
        frame.report(number, out)
        if live.count > 0 { write(frame, live, out) }
      }
    }
  }

  /// Bytes and texts as they are, all else as JSON.
  private static func write(_ event: Column, _ row: Int32, _ out: inout ByteBuffer) {
    switch event.shape.kind {
    case .bytes, .string: out.raw(event.get(Text.self, Int(row)))
    default: out.json(event, Int(row), JSONOptions())
    }
  }

  private func sink(_ number: Int, _ each: [Node], _ event: Column) -> Chain {
    let isFeed = isFeed(number)
    return { frame, selection, out in
      let buffer = out.sinks[number]
      for row in selection {
        let place = buffer.count
        if let elements = frame.elements { buffer.note(elements.index[Int(row)]) }
        for (column, node) in zip(buffer.each, each) { column.copy(place, from: node.column, Int(row)) }
        if let records = buffer.records {
          records.copy(place, from: event, Int(row))
          buffer.origins.append(frame.origins[Int(row)])
        } else {
          Self.write(event, row, &buffer.bytes)
          buffer.end(Int(frame.origins[Int(row)]))
        }
        // What another pipeline gets has its time with it.
        if isFeed { buffer.note(frame.times.isEmpty ? 0 : frame.times[Int(row)], frame.batch, Int(frame.origins[Int(row)])) }
      }
    }
  }

  private func expand(_ index: Int, _ shape: Shape, _ event: Column, _ rest: ArraySlice<Step>) -> Chain {
    let list = event.children[index]
    let out = Column(shape)
    let next = compile(rest, event: out, carried: nil)
    let slices = Slices()
    return { frame, selection, outputs in
      var parents: [Int32] = []
      var places: [Int32] = []
      var numbers: [Int] = []
      func flush() {
        guard !parents.isEmpty else { return }
        let record: ((Int) -> Record)? = frame.records.isEmpty ? nil : { frame.records[Int(parents[$0])] }
        let time: ((Int) -> Int64)? = frame.times.isEmpty ? nil : { frame.times[Int(parents[$0])] }
        slices.run(frame, parents.count, { frame.origins[Int(parents[$0])] }, record: record, time: time) { inner, all in
          inner.elements = .init(index: numbers) { [places] row in
            var out = ByteBuffer(capacity: 256)
            defer { out.release() }
            out.json(list.children[0], Int(places[row]), JSONOptions())
            return out.string
          }
          out.clear()
          out.ensure(parents.count)
          for (field, child) in out.children.enumerated() {
            let from = field == index ? list.children[0] : event.children[field]
            (field == index ? places : parents).withUnsafeBufferPointer { child.gather($0, from: from) }
          }
          next(inner, all, outputs)
        }
        parents.removeAll(keepingCapacity: true)
        places.removeAll(keepingCapacity: true)
        numbers.removeAll(keepingCapacity: true)
      }
      for row in selection {
        let slice = list.get(Slice.self, Int(row))
        if slice.count == 0 { outputs.filtered += 1 }
        for i in 0..<slice.count {
          parents.append(row)
          places.append(slice.start + i)
          numbers.append(Int(i))
          if parents.count == Frame.sliceSize { flush() }
        }
      }
      flush()
    }
  }

  private func lookup(_ index: Int, _ shape: Shape, _ number: Int, _ event: Column, _ rest: ArraySlice<Step>, _ key: Node) -> Chain {
    let found = Column(shape.fields.last!.shape)
    let next = compile(rest, event: Column(shape, sharing: event.children + [found]), carried: nil)
    return { frame, selection, outputs in
      let live = key.run(frame, selection)
      found.clear()
      found.ensure(frame.rows)
      let passed = frame.allocate(live.count)
      var failed: Set<Int32> = []
      outputs.lookups[index].find(key.column, live, into: found, frame.context) { row, failure in
        failed.insert(row)
        frame.fail(row, failure.message)
      }
      var count = 0
      for row in live where !failed.contains(row) {
        passed[count] = row
        count += 1
      }
      frame.report(number, outputs)
      if count > 0 { next(frame, Selection(start: passed, count: count), outputs) }
    }
  }
}

/// Frames for rows that were made of others, kept for the next time.
final class Slices {
  private var frame: Frame?

  func run(
    _ outer: Frame, _ rows: Int, _ origin: (Int) -> Int32, record: ((Int) -> Record)?, time: ((Int) -> Int64)? = nil,
    _ body: (Frame, Selection) -> Void
  ) {
    if frame == nil || frame!.context !== outer.context { frame = Frame(outer.context, outer.batch) }
    let inner = frame!
    inner.batch = outer.batch
    inner.reset(rows: rows)
    inner.origins.removeAll(keepingCapacity: true)
    inner.records.removeAll(keepingCapacity: true)
    inner.times.removeAll(keepingCapacity: true)
    for row in 0..<rows {
      inner.origins.append(origin(row))
      if let time { inner.times.append(time(row)) }
      if let record { inner.records.append(record(row)) }
    }
    body(inner, inner.all())
  }
}
