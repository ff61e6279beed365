/// What the steps of a pipeline do, interpreted or generated. Each makes a processor of its own, for a thread of its own.
public struct PipelineSteps: Sendable {
  public let main: Make
  /// The chain of `on error`, if there is one.
  public let error: Make?
  public typealias Make = @Sendable (Configuration) -> any Processor
  /// The chains of a step that keeps something of the events before.
  public struct State: Sendable {
    let after: Make
    let inner: Make?
    let side: Make?
    public init(after: @escaping Make, inner: Make? = nil, side: Make? = nil) {
      self.after = after
      self.inner = inner
      self.side = side
    }
  }
  let states: [State]
  public init(main: @escaping Make, error: Make? = nil, states: [State] = []) {
    self.main = main
    self.error = error
    self.states = states
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
