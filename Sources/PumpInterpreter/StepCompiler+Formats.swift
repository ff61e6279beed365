import PumpPlan
import PumpRuntime

/// Reading and writing of formats. JSON has ways of its own, straight between bytes and columns.
extension StepCompiler {
  private func make(_ format: Format, _ shape: Shape) -> any RecordFormat { Formats.make(format.name, shape, FormatOptions(format.texts)) }

  private func appender(_ format: Format, _ event: Column) -> (inout ByteBuffer, Int) -> Void {
    if format.name == "json" {
      let options = JSONOptions(FormatOptions(format.texts))
      return { $0.json(event, $1, options) }
    }
    let records = make(format, event.shape)
    return { records.write(event, $1, &$0) }
  }

  /// Writes the values of a column, straight to the sink's buffer where the sink follows.
  func encode(_ format: Format, _ value: Column, carried: Column, _ rest: ArraySlice<Step>) -> Chain {
    let append = appender(format, value)
    if case .sink(let sink, let each)? = rest.first?.kind, each.isEmpty, !isFeed(sink) {
      return { frame, selection, outputs in
        let buffer = outputs.sinks[sink]
        for row in selection {
          if let elements = frame.elements { buffer.note(elements.index[Int(row)]) }
          append(&buffer.bytes, Int(row))
          buffer.end(Int(frame.origins[Int(row)]))
        }
      }
    }
    let out = Column(.bytes)
    let next = compile(rest, event: out, carried: carried)
    return { frame, selection, outputs in
      out.ensure(frame.rows)
      for row in selection {
        var buffer = ByteBuffer(capacity: 256)
        append(&buffer, Int(row))
        out.set(frame.context.arena.copy(buffer.bytes), Int(row))
        buffer.release()
      }
      next(frame, selection, outputs)
    }
  }

  func decode(
    _ format: Format, _ type: Type, _ checks: [Check], _ framed: Bool, _ number: Int, _ event: Column, _ rest: ArraySlice<Step>
  ) -> Chain {
    let shape = Shape.of(type)
    let out = Column(shape)
    let verify = verification(checks, number, out)
    let next = compile(rest, event: out, carried: nil)
    if format.name == "json" {
      let options = JSONOptions(FormatOptions(format.texts))
      return { frame, selection, outputs in
        out.clear()
        out.ensure(frame.rows)
        let texts = event.pointer(Text.self)
        let arena = frame.context.arena
        for row in selection where !shape.read(texts[Int(row)], into: out, Int(row), arena, options) {
          frame.fail(row, shape.explain(texts[Int(row)], options))
        }
        let live = verify(frame, selection, outputs)
        if live.count > 0 { next(frame, live, outputs) }
      }
    }
    let records = make(format, shape)
    if number == 0 { framing = records.framing }
    let each: Chain = { frame, selection, outputs in
      out.clear()
      out.ensure(frame.rows)
      records.begin(frame.batch.header)
      for row in selection {
        if let problem = records.read(event.get(Text.self, Int(row)), into: out, Int(row), frame.context) { frame.fail(row, problem) }
      }
      let live = verify(frame, selection, outputs)
      if live.count > 0 { next(frame, live, outputs) }
    }
    return framed ? cutting(records, out, verify, number, event, each: each, next) : each
  }

  /// One event becomes many, where its source has not cut it: each runs through the rest in slices of its own.
  private func cutting(
    _ records: any RecordFormat, _ out: Column, _ verify: @escaping (Frame, Selection, Outputs) -> Selection, _ number: Int,
    _ event: Column, each: @escaping Chain, _ next: @escaping Chain
  ) -> Chain {
    let slices = Slices()
    return { frame, selection, outputs in
      if frame.batch.isFramed { return each(frame, selection, outputs) }
      for row in selection {
        let origin = frame.origins[Int(row)]
        var pending: [Record] = []
        func flush() {
          guard !pending.isEmpty else { return }
          slices.run(frame, pending.count, { _ in origin }, record: { pending[$0] }) { inner, all in
            inner.elements = frame.elements.map { outer in
              .init(index: Array(repeating: outer.index[Int(row)], count: pending.count)) { _ in outer.json(Int(row)) }
            }
            out.clear()
            out.ensure(pending.count)
            for (index, record) in pending.enumerated() {
              if let problem = records.read(record.text, into: out, index, inner.context) { inner.fail(Int32(index), problem) }
            }
            let live = verify(inner, all, outputs)
            if live.count > 0 { next(inner, live, outputs) }
          }
          pending.removeAll(keepingCapacity: true)
        }
        do throws(EventFailure) {
          try records.forEachRecord(event.get(Text.self, Int(row)), frame.batch) { record in
            pending.append(record)
            if pending.count == Frame.sliceSize { flush() }
          }
        } catch { outputs.fail(Int(origin), number, error.message, nil, frame.elements?.part(Int(row))) }
        flush()
      }
    }
  }

  /// Refinements after decoding, and what failed in either goes to the error route.
  func verification(_ checks: [Check], _ number: Int, _ out: Column) -> (Frame, Selection, Outputs) -> Selection {
    compiler.level = .init()
    compiler.level.event = out
    let nodes = checks.map { (compiler.compile($0.condition), $0.message) }
    return { frame, selection, outputs in
      var live = frame.live(selection, since: 0)
      for (node, message) in nodes {
        let passed = node.run(frame, live)
        let (yes, no) = frame.split(passed, by: node.column)
        for row in no { frame.fail(row, message) }
        live = yes
      }
      frame.report(number, outputs)
      return live
    }
  }
}
