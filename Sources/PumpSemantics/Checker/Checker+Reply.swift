import PumpPlan
import PumpSyntax

/// Whether somebody waits for an answer to an event.
indirect enum Sender {
  /// The sender of a request that a source of this connection took.
  case connection(String)
  /// Why nobody does, and what to write instead.
  case nobody(String, help: String)

  /// Of the events of these sources.
  init(of sources: [EndpointSpec]) {
    if let other = sources.first(where: { !$0.abilities.contains("reply") }) {
      self = .nobody("nobody waits for an answer to events of `\(other.described)`", help: "write `|> sink …`")
    } else if let id = sources.first?.connection, sources.allSatisfy({ $0.connection == id }) {
      self = .connection(id)
    } else {
      self = .nobody("the sources are of several connections", help: "give each connection a pipeline of its own")
    }
  }
}

extension Checker {
  /// `reply`: a sink of the source's connection, whose arguments stand as settings.
  func reply(_ settings: [SettingSyntax], _ step: StepSyntax, _ flow: Flow, _ pipeline: PipelineContext) -> [Step] {
    let id: String
    switch flow.sender {
    case .connection(let connection): id = connection
    case .nobody(let why, let help):
      if flow.type != .erroneous { report(.badReply, step.span, "there is no `reply` here: \(why)", help: help) }
      return []
    }
    let arguments = settings.compactMap { setting -> ArgumentSyntax? in
      if case .expression(let value) = setting.value { return ArgumentSyntax(label: setting.name, value: value) }
      report(.badReply, setting.span, "`\(setting.name.text)` of `reply` is a value", help: "write `reply { \(setting.name.text) = … }`")
      return nil
    }
    // Arms of a route may each have one.
    pipeline.replies += 1
    let word = Span(step.span.source, step.span.start..<step.span.start)
    let name = pipeline.replies == 1 ? "reply" : "reply_\(pipeline.replies)"
    let answer = connections[id].flatMap { connectors[$0.kind.text]?.endpoints.first(where: \.isReply)?.name } ?? "reply"
    let endpoint = EndpointSyntax(
      label: step.label ?? Name(text: name, span: word), target: Name(text: id, span: word), endpoint: Name(text: answer, span: word),
      arguments: arguments, span: step.span)
    return sink(endpoint, step, flow, pipeline)
  }
}
