import PumpPlan

/// One pipeline, or its error route, as a class with a method for each chain: the steps of a chain are one function,
/// side chains and elements have their own, so that a failure ends only its own way.
final class PipelineRenderer {
  let types: TypeRenderer
  let expressions: ExpressionRenderer
  let className: String
  private let pipeline: PipelineSpec
  var nextEvent = 0
  /// The format of the first step, which may cut its stream.
  var framing: String?
  var members: [String] = []
  private var methods: [String] = []
  /// Fields of `Sinks`, with their values.
  private var sinks: [(name: String, type: String, value: String)] = []
  /// What `process` does after its loop, in the order of the steps.
  private var lookups: [String] = []

  init(_ types: TypeRenderer, _ pipeline: PipelineSpec, _ className: String) {
    self.types = types
    self.pipeline = pipeline
    self.className = className
    expressions = ExpressionRenderer(types)
    expressions.meta = { name, type in
      name == "raw" ? "Blob(batch.events[row])" : "\(types.swift(type)).read(batch.meta[\(Swift.string(name))]!, row, c.arena)"
    }
  }

  private static let context = "_ row: Int, _ batch: Batch, _ sinks: Sinks, _ out: Outputs, _ c: Context"

  func render(_ route: Route, docs: String?) -> String {
    let input = route.input
    let entry = types.swift(input, hint: className + "Input")
    var body = SwiftWriter()
    body.block("private func run(_ it: \(entry), \(Self.context)) throws(EventFailure) {") { out in
      for check in route.checks {
        expressions.event = "it"
        out.line("guard \(expressions.statement(check.condition)) else { throw EventFailure(\(Swift.string(check.message))) }")
      }
      chain(route.steps[...], event: "it", type: input, carried: nil, &out)
      out.directive("#sourceLocation()")
    }
    methods.insert(body.text, at: 0)
    var out = SwiftWriter()
    out.lines(Swift.docs(docs))
    out.block("final class \(className): Processor {") { out in
      out.line("private let config: Config")
      out.line("/// The number of the step at work, for failures.")
      out.line("private var step = -1")
      out.lines(members)
      out.line()
      out.line("/// Where events go, found once for a batch.")
      out.block("private struct Sinks {") { out in
        for field in sinks { out.line("let \(field.name): \(field.type)") }
        out.block("init(_ out: Outputs) {") { out in
          for field in sinks { out.line("\(field.name) = \(field.value)") }
        }
      }
      out.line()
      out.line("init(_ configuration: Configuration) { config = Config(configuration) }")
      if let framing {
        out.line()
        out.line("/// How the first step wants its stream cut into events.")
        out.line("var framing: Framing? { \(framing).framing }")
      }
      out.line()
      out.block("func process(_ batch: Batch, _ out: Outputs) {") { out in
        out.line("let (sinks, c) = (Sinks(out), batch.context)")
        out.block("for row in 0..<batch.count {") { out in
          out.line("step = -1")
          let value = input == .bytes ? "Blob(batch.events[row])" : "\(entry).read(batch.records!, row, c.arena)"
          out.line("do throws(EventFailure) { try run(\(value), row, batch, sinks, out, c) } catch { out.fail(row, step, error) }")
        }
        out.lines(lookups)
      }
      for method in methods {
        out.line()
        for line in method.split(separator: "\n", omittingEmptySubsequences: false).dropLast() {
          if line.hasPrefix("#") { out.directive(String(line)) } else { out.line(String(line)) }
        }
      }
    }
    return out.text
  }

  /// Statements of a chain; `event` names the value that enters.
  func chain(_ steps: ArraySlice<Step>, event: String, type: Type, carried: (name: String, type: Type)?, _ out: inout SwiftWriter) {
    guard let step = steps.first else { return }
    let rest = steps.dropFirst()
    let number = step.number
    expressions.event = event
    expressions.carried = carried?.name ?? event
    out.directive("#sourceLocation(file: \(Swift.string(step.place.file)), line: \(step.place.line))")
    func begin(_ throwing: Bool = true) { if throwing { out.line("step = \(number)") } }
    func fresh() -> String {
      nextEvent += 1
      return "it\(nextEvent)"
    }
    switch step.kind {
    case .decode(let format, let target, let checks, let framed):
      begin()
      if framed {
        frame(format, target, checks, event, number, rest, &out)
        return
      }
      let next = fresh()
      out.line("let \(next) = \(decode(format, target, event, type, number, &out))")
      verify(checks, next, &out)
      chain(rest, event: next, type: target, carried: nil, &out)
    case .encode(let format):
      if case .sink(let index, let each)? = rest.first?.kind {
        // The encoder writes straight into the sink's buffer.
        sink(index, each, event: event, carried: (event, type), &out) { [self] out in encode(format, event, type, "sink.bytes", &out) }
        return
      }
      let next = fresh()
      out.block("let \(next) = Blob(encoded(c) { bytes in", tail: "})") { out in encode(format, event, type, "bytes", &out) }
      chain(rest, event: next, type: .bytes, carried: (event, type), &out)
    case .filter(let test):
      begin(expressions.fails(test))
      out.block("guard \(expressions.statement(test)) else {") { out in
        out.line("out.filtered += 1")
        out.line("return")
      }
      chain(rest, event: event, type: type, carried: carried, &out)
    case .assert(let test, let reason):
      begin()
      out.line("guard \(expressions.statement(test)) else { throw EventFailure((\(expressions.statement(reason))).string) }")
      chain(rest, event: event, type: type, carried: carried, &out)
    case .map(let value):
      begin(expressions.fails(value))
      _ = types.swift(value.type, hint: className + Swift.camel(step.name.split(separator: " ").joined(separator: "_")))
      let next = fresh()
      out.line("let \(next) = \(expressions.statement(value))")
      chain(rest, event: next, type: step.output, carried: nil, &out)
    case .expand(let index): expand(index, event, type, step.output, number, rest, &out)
    case .lookup(let index, let key, let found): lookup(index, key, found, event, type, step, rest, &out)
    case .route(let arms): route(arms, event, type, carried, number, &out)
    case .tee(let inner):
      let name = method("tee\(number)", event, type, carried) { [self] body in
        chain(inner[...], event: event, type: type, carried: carried, &body)
      }
      out.line("do throws(EventFailure) { try \(name)(\(arguments(event, carried))) } catch { out.fail(row, step, error) }")
      chain(rest, event: event, type: type, carried: carried, &out)
    case .log(let text):
      begin(expressions.fails(text))
      out.line("out.log(\(expressions.statement(text)))")
      chain(rest, event: event, type: type, carried: carried, &out)
    case .sample(let share):
      out.block("guard batch.sampled(row, \(number), \(share)) else {") { out in
        out.line("out.filtered += 1")
        out.line("return")
      }
      chain(rest, event: event, type: type, carried: carried, &out)
    case .discard: out.line("out.discarded += 1")
    case .sink(let index, let each):
      begin(each.contains { expressions.fails($0) })
      sink(index, each, event: event, carried: carried, &out) { out in
        if type.record != nil || type == .json {
          out.line("\(event).write(json: &sink.bytes)")
        } else {
          out.line("sink.bytes.raw(\(type == .bytes ? "\(event).text" : event))")
        }
      }
    }
  }

  // MARK: Methods of their own

  private func arguments(_ event: String, _ carried: (name: String, type: Type)?) -> String {
    "\(event), \(carried.map { "\($0.name), " } ?? "")row, batch, sinks, out, c"
  }

  func method(
    _ name: String, _ event: String, _ type: Type, _ carried: (name: String, type: Type)?, _ body: (inout SwiftWriter) -> Void
  ) -> String {
    var out = SwiftWriter()
    let extra = carried.map { "_ \($0.name): \(types.swift($0.type)), " } ?? ""
    out.block("private func \(name)(_ \(event): \(types.swift(type)), \(extra)\(Self.context)) throws(EventFailure) {") { out in
      body(&out)
      out.directive("#sourceLocation()")
    }
    methods.append(out.text)
    expressions.event = event
    expressions.carried = carried?.name ?? event
    return name
  }

  private func route(
    _ arms: [Step.Arm], _ event: String, _ type: Type, _ carried: (name: String, type: Type)?, _ number: Int, _ out: inout SwiftWriter
  ) {
    var hasElse = false
    for (index, arm) in arms.enumerated() {
      let name = method("branch\(number)_\(index + 1)", event, type, carried) { [self] body in
        chain(arm.steps[...], event: event, type: type, carried: carried, &body)
      }
      out.line("step = \(number)")
      let call = "return try \(name)(\(arguments(event, carried)))"
      if let condition = arm.condition {
        out.line("if \(expressions.statement(condition)) { \(call) }")
      } else {
        out.line(call)
        hasElse = true
        break
      }
    }
    if !hasElse { out.line("out.filtered += 1") }
  }

  private func expand(
    _ index: Int, _ event: String, _ type: Type, _ output: Type, _ number: Int, _ rest: ArraySlice<Step>, _ out: inout SwiftWriter
  ) {
    guard let record = type.record, let result = output.record else { return }
    nextEvent += 1
    let next = "it\(nextEvent)"
    let swift = types.swift(output, hint: className + "Element")
    let name = method("expand\(number)", next, output, nil) { [self] body in chain(rest, event: next, type: output, carried: nil, &body) }
    let list = "\(event).\(Swift.name(record.fields[index].name))"
    out.line("if \(list).count == 0 { out.filtered += 1 }")
    out.block("for element in \(list).elements {") { out in
      let fields = result.fields.enumerated().map { place, field in
        "\(Swift.name(field.name)): \(place == index ? "element" : "\(event).\(Swift.name(record.fields[place].name))")"
      }
      out.line("let \(next) = \(swift)(\(fields.joined(separator: ", ")))")
      out.line("do throws(EventFailure) { try \(name)(\(arguments(next, nil))) } catch { out.fail(row, step, error) }")
    }
  }

  private func lookup(
    _ index: Int, _ key: Expr, _ foundType: Type, _ event: String, _ type: Type, _ step: Step, _ rest: ArraySlice<Step>,
    _ out: inout SwiftWriter
  ) {
    let number = step.number
    nextEvent += 1
    let next = "it\(nextEvent)"
    let found = types.swift(foundType)
    members.append("private let lookup\(number) = LookupQueue<\(types.swift(type))>(\(column(key.type)), \(column(foundType)))")
    out.line("step = \(number)")
    out.line("lookup\(number).add(\(expressions.statement(key)), \(event), row, out)")
    // The rest of the chain follows when the keys of the whole batch were asked for.
    lookups.append("lookup\(number).run(out.lookups[\(index)], \(number), out, c) { found\(number)($0, $1, $2, batch, sinks, out, c) }")
    let swift = types.swift(step.output, hint: className + "Found")
    var fields = (type.record?.fields ?? []).map { "\(Swift.name($0.name)): \(event).\(Swift.name($0.name))" }
    fields.append("\(Swift.name(step.output.record!.fields.last!.name)): found")
    let name = method("after\(number)", event, type, ("found", foundType)) { [self] body in
      body.line("let \(next) = \(swift)(\(fields.joined(separator: ", ")))")
      chain(rest, event: next, type: step.output, carried: nil, &body)
    }
    var body = SwiftWriter()
    body.block("private func found\(number)(_ \(event): \(types.swift(type)), _ found: \(found), \(Self.context)) {") { out in
      out.line("do throws(EventFailure) { try \(name)(\(event), found, row, batch, sinks, out, c) } catch { out.fail(row, step, error) }")
    }
    methods.append(body.text)
  }

  func column(_ type: Type) -> String {
    let shape = types.shape(type)
    return shape.hasPrefix(".") ? "Shape\(shape)" : shape
  }

  // MARK: Sinks

  private func sink(
    _ number: Int, _ each: [Expr], event: String, carried: (name: String, type: Type)?, _ out: inout SwiftWriter,
    _ bytes: (inout SwiftWriter) -> Void
  ) {
    expressions.carried = carried?.name ?? event
    for (index, value) in each.enumerated() { out.line("let each\(index) = \(expressions.statement(value))") }
    let name = "sink\(number)"
    sinks.append((name, "SinkBuffer", "out.sinks[\(number)]"))
    out.line("let sink = sinks.\(name)")
    for index in each.indices {
      sinks.append(("\(name)each\(index)", "Column", "\(name).each[\(index)]"))
      out.line("each\(index).write(sinks.\(name)each\(index), sink.count)")
    }
    let spec = pipeline.sinks[number]
    if spec.type == .bytes || spec.endpoint?.takesDocuments == true {
      bytes(&out)
      out.line("sink.end(row)")
    } else {
      out.line("\(event).write(sink.records!, sink.count)")
      out.line("sink.origins.append(Int32(row))")
    }
  }
}
