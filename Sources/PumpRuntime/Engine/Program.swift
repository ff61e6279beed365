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
