import PumpPlan

/// Reading and writing of formats. JSON has ways of its own, straight between bytes and the generated types.
extension PipelineTranslator {
  private func options(_ format: Format) -> [SwiftExpression] {
    let texts = format.texts
    var options: [SwiftExpression] = []
    if texts["strict"] == "true" { options.append(.labeled("strict", "true")) }
    if texts["omit_null"] == "true" { options.append(.labeled("omitNull", "true")) }
    if let name = texts["time"], name != "rfc3339" {
      options.append(.labeled("time", name == "epoch_s" ? ".epochSeconds" : ".epochMillis"))
    }
    if texts["readable"] == "true" { options.append(.labeled("readable", "true")) }
    return options
  }

  /// What reads and writes records of the format, and a column for one.
  private func member(_ format: Format, _ type: Type) -> (format: SwiftExpression, scratch: SwiftExpression) {
    let known = formats.firstIndex { $0.format.name == format.name && $0.format.texts == format.texts && $0.type == type }
    let number = known ?? formats.count
    if known == nil { formats.append((format, type)) }
    return (.name("format\(number)"), .name("scratch\(number)"))
  }

  var formatMembers: [SwiftProperty] {
    formats.enumerated().flatMap { number, member in
      let options = member.format.texts.sorted { $0.key < $1.key }
        .map { (key: SwiftExpression.string($0.key), value: SwiftExpression.string($0.value)) }
      let shape = types.shape(member.type)
      let made = SwiftExpression.call(
        "Formats.make", [.string(member.format.name), shape] + (options.isEmpty ? [] : [.dictionary(options)]))
      return [
        SwiftProperty(modifiers: "private", name: "format\(number)", value: made),
        SwiftProperty(modifiers: "private", name: "scratch\(number)", value: .call("Column", shape)),
      ]
    }
  }

  /// The event that a text is, and what has to be done before.
  func decode(_ format: Format, _ target: Type, _ event: Value, _ step: Step) -> (before: [SwiftStatement], SwiftExpression) {
    let text = event.type == .bytes ? event.swift.dot("text") : event.swift
    if format.name == "json" {
      let swift = types.swift(target, hint: className + "Event")
      let arguments = [.type(swift).dot("self"), text, "c", .call("JSONOptions", options(format)), types.shape(target)]
      return ([], .call("decodeJSON", arguments, throws: true))
    }
    let (reader, _) = member(format, target)
    var before: [SwiftStatement] = []
    if step.number == 0 {
      framing = reader
      if format.texts["header"] == "true" { before.append(.evaluate(reader.dot("begin", "batch.header"))) }
    }
    let (reading, value) = read(format, target, text)
    return (before + reading, value)
  }

  private func read(_ format: Format, _ target: Type, _ text: SwiftExpression) -> ([SwiftStatement], SwiftExpression) {
    let (reader, scratch) = member(format, target)
    let problem = reader.dot("read", text, .labeled("into", scratch), "0", "c") as SwiftExpression
    return (
      [
        .evaluate(.call(scratch.dot("clear"), [])),
        .when([.binding("problem", problem)], [.fail(.call("EventFailure", "problem"))]),
      ], SwiftExpression.type(types.swift(target)).dot("read", scratch, "0", "c.arena")
    )
  }

  /// Many records of one event, where its source has not cut it.
  func frame(_ format: Format, _ target: Type, _ checks: [Check], _ event: Value, _ step: Step, _ rest: ArraySlice<Step>)
    -> [SwiftStatement]
  {
    let next = fresh(target)
    let (reader, _) = member(format, target)
    if step.number == 0 { framing = reader }
    let record = Value(name: "record", type: .bytes)
    _ = method("frame\(step.number)", [record]) {
      let (reading, value) = read(format, target, record.swift.dot("text"))
      return [begin(step)] + reading + [.constant(next.name, value)] + verify(checks, next) + chain(rest, next, carried: nil)
    }
    let each = guarded(.call(.name("frame\(step.number)"), [.call("Blob", "record.text")] + Self.contextArguments, throws: true))
    let cut = SwiftClosure(
      parameters: [("record", nil)], body: [.evaluate(.call("out.on", ["record"], SwiftClosure(body: [each])))])
    return [
      begin(step), .evaluate(.call(reader.dot("forEachRecord"), [event.swift.dot("text"), "batch"], cut, throws: true)),
    ]
  }

  func encode(_ format: Format, _ event: Value, _ target: SwiftExpression) -> [SwiftStatement] {
    if format.name == "json", options(format).isEmpty {
      return [.evaluate(event.swift.dot("write", .labeled("json", .reference(target))))]
    }
    let (writer, scratch) = member(format, event.type)
    return [
      .evaluate(.call(scratch.dot("clear"), [])), .evaluate(event.swift.dot("write", scratch, "0")),
      .evaluate(writer.dot("write", scratch, "0", .reference(target))),
    ]
  }
}
