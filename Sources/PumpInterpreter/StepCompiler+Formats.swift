import PumpPlan
import PumpRuntime

extension StepCompiler {
  func options(_ format: Format) -> JSONOptions {
    var options = JSONOptions()
    options.strict = format.options["strict"] == .bool(true)
    options.omitNull = format.options["omit_null"] == .bool(true)
    if case .string(let name)? = format.options["time"] { options.time = TimeFormat(rawValue: name) ?? .rfc3339 }
    return options
  }

  func text(_ format: Format, _ name: String, _ otherwise: String) -> String {
    if case .string(let text)? = format.options[name] { text } else { otherwise }
  }

  func recordFormat(_ format: Format, _ shape: Shape) -> RecordFormat {
    switch format.name {
    case "csv": .csv(shape, separator: text(format, "separator", ","), quote: text(format, "quote", "\""), null: text(format, "null", ""))
    case "kv": .kv(shape, separator: text(format, "separator", " "), assign: text(format, "assign", "="))
    default: .regex(shape, text(format, "pattern", ""))
    }
  }

  func appender(_ format: Format, _ event: Column) -> (inout ByteBuffer, Int) -> Void {
    switch format.name {
    case "json":
      let options = options(format)
      return { $0.json(event, $1, options) }
    case "csv", "kv":
      let records = recordFormat(format, event.shape)
      return { records.write(event, $1, &$0) }
    case "lines":
      return {
        $0.raw(event.get(Text.self, $1))
        $0.byte(0x0A)
      }
    default: return { $0.raw(event.get(Text.self, $1)) }
    }
  }

  func encoder(_ format: Format, _ shape: Shape, _ event: Column) -> (Frame, Int, Column) -> Void {
    let append = appender(format, event)
    return { frame, row, out in
      var buffer = ByteBuffer(capacity: 256)
      append(&buffer, row)
      out.set(frame.context.arena.copy(buffer.bytes), row)
      buffer.release()
    }
  }

  func decode(
    _ format: Format, _ type: Type, _ checks: [Check], _ framed: Bool, _ number: Int, _ event: Column, _ rest: ArraySlice<Step>
  ) -> Chain {
    let shape = Shape.of(type)
    let out = Column(shape)
    let verify = verification(checks, number, out)
    let next = compile(rest, event: out, carried: nil)
    let options = options(format)
    switch format.name {
    case "json":
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
    case "text":
      return { frame, selection, outputs in
        out.clear()
        out.ensure(frame.rows)
        for row in selection {
          do throws(EventFailure) { out.set(try Fn.toText(Blob(event.get(Text.self, Int(row))), frame.context), Int(row)) } catch {
            frame.fail(row, error.message)
          }
        }
        let live = verify(frame, selection, outputs)
        if live.count > 0 { next(frame, live, outputs) }
      }
    default:
      if framed { return framing(format, shape, out, verify, number, event, next) }
      let records = recordFormat(format, shape)
      return { frame, selection, outputs in
        out.clear()
        out.ensure(frame.rows)
        for row in selection {
          if let problem = records.read(event.get(Text.self, Int(row)), into: out, Int(row), frame.context) { frame.fail(row, problem) }
        }
        let live = verify(frame, selection, outputs)
        if live.count > 0 { next(frame, live, outputs) }
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
