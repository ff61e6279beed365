import PumpPlan

/// Times, and the way to steps that keep something of the events before.
extension PipelineTranslator {
  func time(_ value: Expr, _ step: Step) -> [SwiftStatement] {
    [begin(step), .evaluate(.call("out.admit", [expressions.translate(value), "batch", "row"], throws: true))]
  }

  func state(_ number: Int, _ part: StatePart, _ each: [Expr], _ event: Value, _ step: Step) -> [SwiftStatement] {
    let name = "\(part.rawValue)\(number)"
    let values = each.map(expressions.translate)
    var body = values.contains(where: \.isThrowing) ? [begin(step)] : []
    for (index, value) in values.enumerated() { body.append(.constant("each\(index)", value)) }
    sinks.append((name, "SinkBuffer", .call("out.state", .number(number), .name(".\(part.rawValue)"))))
    body.append(.constant("state", .name("sinks.\(name)")))
    for index in each.indices {
      sinks.append(("\(name)each\(index)", "Column", .element(.name("\(name).each"), .number(index))))
      body.append(.evaluate(.name("each\(index)").dot("write", .name("sinks.\(name)each\(index)"), "state.count")))
    }
    let keepsEvent = part == .side || part == .main && pipeline.states[number].event != nil
    if keepsEvent { body.append(.evaluate(event.swift.dot("write", .unwrapped("state.records"), "state.count"))) }
    return body + [.evaluate(.call("state.take", "row", "out.time", "batch"))]
  }
}
