import PumpPlan

/// One pipeline, or its error route, as a class with a method for each chain: the steps of a chain are one function,
/// side chains and elements have their own, so that a failure ends only its own way.
final class PipelineTranslator {
  let types: TypeTranslator
  let expressions: ExpressionTranslator
  let className: String
  let pipeline: PipelineSpec
  private var events = 0
  /// Whether the chain at hand works on elements of a list.
  private var isExpanded = false
  /// The format of the first step, which may cut its stream.
  var framing: SwiftExpression?
  /// Formats that the steps read and write with, in the order of their numbers.
  var formats: [(format: Format, type: Type)] = []
  private var members: [SwiftProperty] = []
  private var methods: [SwiftFunction] = []
  /// Fields of `Sinks`, with their values.
  var sinks: [(name: String, type: SwiftType, value: SwiftExpression)] = []
  /// What `process` does after its loop, in the order of the steps.
  private var lookups: [SwiftStatement] = []

  init(_ types: TypeTranslator, _ pipeline: PipelineSpec, _ className: String) {
    self.types = types
    self.pipeline = pipeline
    self.className = className
    expressions = ExpressionTranslator(types)
    expressions.meta = { name, type in
      name == "raw"
        ? .call("Blob", .element("batch.events", "row"))
        : SwiftExpression.type(types.swift(type))
          .dot("read", .unwrapped(.element("batch.meta", .string(name))), "row", "c.arena")
    }
  }

  /// An event of a chain, and what a sink may still ask of the record that was encoded.
  struct Value {
    let name: String
    let type: Type
    var swift: SwiftExpression { .name(name) }
  }

  func translate(_ route: Route, docs: String?) -> SwiftTypeDeclaration {
    let entry = types.swift(route.input, hint: className + "Input")
    let event = Value(name: "it", type: route.input)
    let body = verify(route.checks, event) + chain(route.steps[...], event, carried: nil)
    methods.insert(method("run", [SwiftParameter("it", entry)], body), at: 0)
    let first: SwiftExpression =
      route.input == .bytes
      ? .call("Blob", .element("batch.events", "row"))
      : SwiftExpression.type(entry).dot("read", .unwrapped("batch.records"), "row", "c.arena")
    var declarations: [SwiftDeclaration] = [
      .property(SwiftProperty(modifiers: "private", name: "config", type: "Config")),
      .property(
        SwiftProperty(
          docs: "The number of the step at work, for failures.", modifiers: "private", isConstant: false, name: "step", value: "-1")),
    ]
    declarations += (formatMembers + members).map { .property($0) }
    declarations += [.blank, .type(sinksType), .blank]
    declarations.append(
      .function(
        SwiftFunction(
          name: "init", parameters: [SwiftParameter("configuration", "Configuration")],
          body: [.assign("config", .call("Config", "configuration"))])))
    if let framing {
      declarations += [
        .blank,
        .property(
          SwiftProperty(
            docs: "How the first step wants its stream cut into events.", isConstant: false, name: "framing", type: .optional("Framing"),
            getter: [.evaluate(framing.dot("framing"))])),
      ]
    }
    let process: [SwiftStatement] =
      [
        .constant("(sinks, c)", .tuple([.call("Sinks", "out"), "batch.context"])),
        .each(
          "row", in: .binary("0", "..<", "batch.count"),
          [.assign("step", "-1")]
            + (pipeline.states.isEmpty && !(pipeline.sources.isEmpty && pipeline.carriesTimes)
              ? [] : [.evaluate(.call("out.begin", "batch", "row"))]) + [
              guarded(.call("run", [first] + Self.contextArguments, throws: true))
            ]),
      ] + lookups
    declarations += [
      .blank,
      .function(
        SwiftFunction(
          name: "process", parameters: [SwiftParameter("batch", "Batch"), SwiftParameter("out", "Outputs")], body: process)),
    ]
    for method in methods { declarations += [.blank, .function(method)] }
    return SwiftTypeDeclaration(
      docs: docs, modifiers: "final", kind: "class", name: className, conforms: ["Processor"], members: declarations)
  }

  private var sinksType: SwiftTypeDeclaration {
    let reading = SwiftFunction(
      name: "init", parameters: [SwiftParameter("out", "Outputs")], body: sinks.map { .assign(.name($0.name), $0.value) })
    return SwiftTypeDeclaration(
      docs: "Where events go, found once for a batch.", modifiers: "private", kind: "struct", name: "Sinks",
      members: sinks.map { .property(SwiftProperty(name: $0.name, type: $0.type)) } + [.function(reading)])
  }

  // MARK: Chains

  func fresh(_ type: Type) -> Value {
    events += 1
    return Value(name: "it\(events)", type: type)
  }

  /// Statements of a chain that `event` enters; `carried` is the record that it was encoded from.
  func chain(_ steps: ArraySlice<Step>, _ event: Value, carried: Value?) -> [SwiftStatement] {
    guard let step = steps.first else { return [] }
    let rest = steps.dropFirst()
    expressions.event = event.swift
    expressions.carried = (carried ?? event).swift
    return [.location(file: step.place.file, line: step.place.line)] + statements(step, rest, event, carried)
  }

  /// What failures are told to have happened in.
  func begin(_ step: Step) -> SwiftStatement { .assign("step", .number(step.number)) }

  private func statements(_ step: Step, _ rest: ArraySlice<Step>, _ event: Value, _ carried: Value?) -> [SwiftStatement] {
    switch step.kind {
    case .decode(let format, let target, let checks, let framed):
      if framed { return frame(format, target, checks, event, step, rest) }
      let next = fresh(target)
      let (before, value) = decode(format, target, event, step)
      return [begin(step)] + before + [.constant(next.name, value)] + verify(checks, next) + chain(rest, next, carried: nil)
    case .encode(let format, let part):
      var before: [SwiftStatement] = []
      var encoded = event
      if let part {
        encoded = fresh(part.type)
        let value = expressions.translate(part)
        before = (value.isThrowing ? [begin(step)] : []) + [.constant(encoded.name, value)]
      }
      if let next = rest.first, case .sink(let index, let each) = next.kind {
        // The encoder writes straight into the sink's buffer.
        return before + sink(index, each, next, event, carried: event) { encode(format, encoded, "sink.bytes") }
      }
      let next = fresh(.bytes)
      let closure = SwiftClosure(parameters: [("bytes", nil)], body: encode(format, encoded, "bytes"))
      let blob = SwiftExpression.call("Blob", .call("encoded", ["c"], closure))
      return before + [.constant(next.name, blob)] + chain(rest, next, carried: event)
    case .filter(let test):
      let test = expressions.translate(test)
      let dropped: [SwiftStatement] = [.increment("out.filtered"), .exit(nil)]
      return (test.isThrowing ? [begin(step)] : []) + [.require([.test(test)], otherwise: dropped)]
        + chain(rest, event, carried: carried)
    case .assert(let test, let reason):
      let failure = SwiftExpression.call("EventFailure", expressions.translate(reason).dot("string"))
      return [begin(step), .require(expressions.translate(test), orFail: failure)] + chain(rest, event, carried: carried)
    case .map(let value):
      _ = types.swift(value.type, hint: className + Swift.camel(step.name.split(separator: " ").joined(separator: "_")))
      let next = fresh(step.output)
      let value = expressions.translate(value)
      return (value.isThrowing ? [begin(step)] : []) + [.constant(next.name, value)] + chain(rest, next, carried: nil)
    case .expand(let index): return expand(index, event, step, rest)
    case .lookup(let index, let key, let found): return lookup(index, key, found, event, step, rest)
    case .route(let arms): return route(arms, event, carried, step)
    case .tee(let inner):
      let call = chainMethod("tee\(step.number)", event, carried, inner[...])
      return [guarded(call)] + chain(rest, event, carried: carried)
    case .log(let text):
      let text = expressions.translate(text)
      return (text.isThrowing ? [begin(step)] : []) + [.evaluate(.call("out.log", text))] + chain(rest, event, carried: carried)
    case .sample(let share):
      let test = SwiftExpression.call("batch.sampled", "row", .number(step.number), .number("\(share)"))
      return [.require([.test(test)], otherwise: [.increment("out.filtered"), .exit(nil)])] + chain(rest, event, carried: carried)
    case .time(let value): return time(value, step) + chain(rest, event, carried: carried)
    case .state(let index, let part, let each): return state(index, part, each, event, step)
    case .probe(let index):
      let closure = SwiftClosure(parameters: [("bytes", nil)], body: [written(event, "bytes")])
      return [.evaluate(.call("out.show", [.number(index)], closure))] + chain(rest, event, carried: carried)
    case .discard: return [.increment("out.discarded")]
    case .sink(let index, let each): return sink(index, each, step, event, carried: carried) { [written(event, "sink.bytes")] }
    }
  }

  /// Bytes and texts as they are, all else as JSON.
  private func written(_ event: Value, _ target: String) -> SwiftStatement {
    switch event.type {
    case .bytes: .evaluate(.call(.name("\(target).raw"), event.swift.dot("text")))
    case .string: .evaluate(.call(.name("\(target).raw"), event.swift))
    default: .evaluate(event.swift.dot("write", .labeled("json", .reference(.name(target)))))
    }
  }

  func verify(_ checks: [Check], _ event: Value) -> [SwiftStatement] {
    expressions.event = event.swift
    return checks.map { check in
      .require(expressions.translate(check.condition), orFail: .call("EventFailure", .string(check.message)))
    }
  }

  // MARK: Methods of their own

  private static let context = [
    SwiftParameter("row", "Int"), SwiftParameter("batch", "Batch"), SwiftParameter("sinks", "Sinks"), SwiftParameter("out", "Outputs"),
    SwiftParameter("c", "Context"),
  ]
  static let contextArguments: [SwiftExpression] = ["row", "batch", "sinks", "out", "c"]

  private func method(_ name: String, _ values: [SwiftParameter], _ body: [SwiftStatement]) -> SwiftFunction {
    SwiftFunction(
      modifiers: "private", name: name, parameters: values + Self.context, error: "EventFailure", body: body + [.endOfLocation])
  }

  private func parameter(_ value: Value) -> SwiftParameter { SwiftParameter(value.name, types.swift(value.type)) }

  /// Makes a method of these statements, and returns its call.
  func method(_ name: String, _ values: [Value], _ body: () -> [SwiftStatement]) -> SwiftExpression {
    let parameters = values.map(parameter)
    methods.append(method(name, parameters, body()))
    return .call(.name(name), values.map(\.swift) + Self.contextArguments, throws: true)
  }

  private func chainMethod(_ name: String, _ event: Value, _ carried: Value?, _ steps: ArraySlice<Step>) -> SwiftExpression {
    let call = method(name, [event] + (carried.map { [$0] } ?? [])) { chain(steps, event, carried: carried) }
    expressions.event = event.swift
    expressions.carried = (carried ?? event).swift
    return call
  }

  /// The call, whose failure ends this way of the event alone.
  func guarded(_ call: SwiftExpression) -> SwiftStatement {
    .attempt([.evaluate(call)], otherwise: [.evaluate(.call("out.fail", "row", "step", "error"))])
  }

  private func route(_ arms: [Step.Arm], _ event: Value, _ carried: Value?, _ step: Step) -> [SwiftStatement] {
    var body: [SwiftStatement] = []
    for (index, arm) in arms.enumerated() {
      let call = SwiftStatement.result(chainMethod("branch\(step.number)_\(index + 1)", event, carried, arm.steps[...]))
      body.append(begin(step))
      guard let condition = arm.condition else { return body + [call] }
      body.append(.when([.test(expressions.translate(condition))], [call]))
    }
    return body + [.increment("out.filtered")]
  }

  private func expand(_ index: Int, _ event: Value, _ step: Step, _ rest: ArraySlice<Step>) -> [SwiftStatement] {
    guard let record = event.type.record, let result = step.output.record else { return [] }
    let next = fresh(step.output)
    let swift = types.swift(step.output, hint: className + "Element")
    let outer = isExpanded
    isExpanded = true
    let call = method("expand\(step.number)", [next]) { chain(rest, next, carried: nil) }
    isExpanded = outer
    let list = event.swift.dot(Swift.name(record.fields[index].name))
    let fields = result.fields.enumerated().map { place, field -> SwiftExpression in
      .labeled(Swift.name(field.name), place == index ? "element" : event.swift.dot(Swift.name(record.fields[place].name)))
    }
    let body = [.constant(next.name, .call(.type(swift), fields)), guarded(call)]
    return [.evaluate(.call("out.expand", [list], SwiftClosure(parameters: [("element", nil)], body: body)))]
  }

  /// The rest of the chain follows when the keys of the whole batch were asked for.
  private func lookup(_ index: Int, _ key: Expr, _ foundType: Type, _ event: Value, _ step: Step, _ rest: ArraySlice<Step>)
    -> [SwiftStatement]
  {
    let next = fresh(step.output)
    let found = Value(name: "found", type: foundType)
    _ = types.swift(foundType)
    let queue = SwiftExpression.name("lookup\(step.number)")
    members.append(
      SwiftProperty(
        modifiers: "private", name: "lookup\(step.number)",
        value: .call(.type(.generic("LookupQueue", types.swift(event.type))), types.shape(key.type), types.shape(foundType))))
    let statements: [SwiftStatement] = [begin(step), .evaluate(queue.dot("add", expressions.translate(key), event.swift, "row", "out"))]
    let resumed = SwiftClosure(
      body: [.evaluate(.call(.name("found\(step.number)"), ["$0", "$1", "$2", "batch", "sinks", "out", "c"]))])
    lookups.append(
      .evaluate(.call(queue.dot("run"), [.element("out.lookups", .number(index)), .number(step.number), "out", "c"], resumed)))
    let swift = types.swift(step.output, hint: className + "Found")
    var fields = (event.type.record?.fields ?? []).map { field -> SwiftExpression in
      .labeled(Swift.name(field.name), event.swift.dot(Swift.name(field.name)))
    }
    fields.append(.labeled(Swift.name(step.output.record!.fields.last!.name), found.swift))
    let call = method("after\(step.number)", [event, found]) {
      [.constant(next.name, .call(.type(swift), fields))] + chain(rest, next, carried: nil)
    }
    methods.append(
      SwiftFunction(
        modifiers: "private", name: "found\(step.number)", parameters: [parameter(event), parameter(found)] + Self.context,
        body: [guarded(call)]))
    return statements
  }

  // MARK: Sinks

  private func sink(
    _ number: Int, _ each: [Expr], _ step: Step, _ event: Value, carried: Value?, _ bytes: () -> [SwiftStatement]
  ) -> [SwiftStatement] {
    expressions.carried = (carried ?? event).swift
    let name = "sink\(number)"
    let values = each.map(expressions.translate)
    var body = values.contains(where: \.isThrowing) ? [begin(step)] : []
    for (index, value) in values.enumerated() { body.append(.constant("each\(index)", value)) }
    sinks.append((name, "SinkBuffer", .element("out.sinks", .number(number))))
    body.append(.constant("sink", .name("sinks.\(name)")))
    if isExpanded { body.append(.evaluate(.call("sink.note", "out.element"))) }
    for index in each.indices {
      sinks.append(("\(name)each\(index)", "Column", .element(.name("\(name).each"), .number(index))))
      body.append(.evaluate(.name("each\(index)").dot("write", .name("sinks.\(name)each\(index)"), "sink.count")))
    }
    let spec = pipeline.sinks[number]
    if spec.type == .bytes || spec.endpoint?.takesDocuments == true {
      let note: [SwiftStatement] = spec.pipeline == nil ? [] : [.evaluate(.call("sink.note", "out.time", "batch", "row"))]
      return body + bytes() + [.evaluate(.call("sink.end", "row"))] + note
    }
    body.append(.evaluate(event.swift.dot("write", .unwrapped("sink.records"), "sink.count")))
    // What another pipeline gets has its time with it.
    if spec.pipeline != nil { return body + [.evaluate(.call("sink.take", "row", "out.time", "batch"))] }
    return body + [.evaluate(.call("sink.origins.append", .call("Int32", "row")))]
  }
}
