import PumpPlan

/// Reading and writing of formats. JSON has ways of its own, straight between bytes and the generated types.
extension PipelineRenderer {
  private func options(_ format: Format) -> String {
    let texts = format.texts
    var parts: [String] = []
    if texts["strict"] == "true" { parts.append("strict: true") }
    if texts["omit_null"] == "true" { parts.append("omitNull: true") }
    if let name = texts["time"], name != "rfc3339" { parts.append("time: .\(name == "epoch_s" ? "epochSeconds" : "epochMillis")") }
    return "JSONOptions(\(parts.joined(separator: ", ")))"
  }

  /// A member that reads and writes records of a format, with a column for one; its number is returned.
  private func formatMember(_ format: Format, _ type: Type) -> Int {
    let options = format.texts.sorted { $0.key < $1.key }.map { "\(Swift.string($0)): \(Swift.string($1))" }
    let shape = column(type)
    let more = options.isEmpty ? "" : ", [\(options.joined(separator: ", "))]"
    let made = "Formats.make(\(Swift.string(format.name)), \(shape)\(more))"
    if let known = members.first(where: { $0.hasSuffix(" = " + made) }) { return Int(known.drop { !$0.isNumber }.prefix { $0.isNumber })! }
    let number = members.count
    members.append("private let format\(number) = \(made)")
    members.append("private let scratch\(number) = Column(\(shape))")
    return number
  }

  /// The event that a text is; `step` is the number of the step.
  func decode(_ format: Format, _ target: Type, _ event: String, _ type: Type, _ step: Int, _ out: inout SwiftWriter) -> String {
    let text = type == .bytes ? "\(event).text" : event
    if format.name == "json" {
      let swift = types.swift(target, hint: className + "Event")
      return "try decodeJSON(\(swift).self, \(text), c, \(options(format)), \(column(target)))"
    }
    let number = formatMember(format, target)
    if step == 0 {
      framing = "format\(number)"
      if format.texts["header"] == "true" { out.line("format\(number).begin(batch.header)") }
    }
    return read(number, target, text, &out)
  }

  private func read(_ number: Int, _ target: Type, _ text: String, _ out: inout SwiftWriter) -> String {
    out.line("scratch\(number).clear()")
    out.line("if let problem = format\(number).read(\(text), into: scratch\(number), 0, c) { throw EventFailure(problem) }")
    return "\(types.swift(target)).read(scratch\(number), 0, c.arena)"
  }

  /// Many records of one event, where its source has not cut it.
  func frame(
    _ format: Format, _ target: Type, _ checks: [Check], _ event: String, _ step: Int, _ rest: ArraySlice<Step>, _ out: inout SwiftWriter
  ) {
    nextEvent += 1
    let next = "it\(nextEvent)"
    let number = formatMember(format, target)
    if step == 0 { framing = "format\(number)" }
    let name = method("frame\(step)", "record", .bytes, nil) { [self] body in
      body.line("step = \(step)")
      let value = read(number, target, "record.text", &body)
      body.line("let \(next) = \(value)")
      verify(checks, next, &body)
      chain(rest, event: next, type: target, carried: nil, &body)
    }
    out.block("try format\(number).forEachRecord(\(event).text, batch) { text, number in") { out in
      out.block("out.on(Record(text, number)) {") { out in
        out.line("do throws(EventFailure) { try \(name)(Blob(text), row, batch, sinks, out, c) } catch { out.fail(row, step, error) }")
      }
    }
  }

  func verify(_ checks: [Check], _ event: String, _ out: inout SwiftWriter) {
    expressions.event = event
    for check in checks {
      out.line("guard \(expressions.statement(check.condition)) else { throw EventFailure(\(Swift.string(check.message))) }")
    }
  }

  func encode(_ format: Format, _ event: String, _ type: Type, _ target: String, _ out: inout SwiftWriter) {
    if format.name == "json", options(format) == "JSONOptions()" {
      out.line("\(event).write(json: &\(target))")
      return
    }
    let number = formatMember(format, type)
    out.line("scratch\(number).clear()")
    out.line("\(event).write(scratch\(number), 0)")
    out.line("format\(number).write(scratch\(number), 0, &\(target))")
  }
}
