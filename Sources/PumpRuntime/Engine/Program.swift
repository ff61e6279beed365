/// What the steps of a pipeline do, interpreted or generated. Each makes a processor of its own, for a thread of its own.
public struct PipelineSteps: Sendable {
  public let main: @Sendable (Configuration) -> any Processor
  /// The chain of `on error`, if there is one.
  public let error: (@Sendable (Configuration) -> any Processor)?
  public init(main: @escaping @Sendable (Configuration) -> any Processor, error: (@Sendable (Configuration) -> any Processor)? = nil) {
    self.main = main
    self.error = error
  }
}

/// A program ready to run: its description, and what the steps of each pipeline do.
public struct Executable: Sendable {
  public let program: Program
  let steps: [String: PipelineSteps]
  /// `steps` stand in the order of the program's pipelines.
  public init(_ program: Program, steps: [PipelineSteps]) {
    self.program = program
    self.steps = Dictionary(uniqueKeysWithValues: zip(program.pipelines.map(\.id), steps))
  }
}

extension Program {
  /// Everything that may be configured.
  public var schema: ConfigSchema {
    var sections = config.map { ConfigSchema.Section($0.name, $0.keys) }
    sections += connections.map { .init("connection:\($0.id)", $0.settings) }
    for pipeline in pipelines {
      sections.append(.init("pipeline:\(pipeline.id)", pipeline.settings))
      sections += pipeline.endpoints.map { .init("pipeline:\(pipeline.id):\($0.label)", $0.settings) }
    }
    return ConfigSchema(sections)
  }
}
