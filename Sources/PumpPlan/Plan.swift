@_exported import PumpProgram

/// A checked program: its wiring, and what its steps do. The interpreter runs it, the Swift back end renders it, reports
/// draw it. Values of configuration and secrets are never in it, references are.
public struct Plan: Codable, Sendable {
  /// Another number whenever the form of the plan changes: who gets a plan of another one refuses it.
  public static let currentVersion = 6
  public var version = Plan.currentVersion
  public var program: Program
  public var records: [RecordType] = []
  public var enums: [EnumType] = []
  public var functions: [Function] = []
  /// What each of the program's pipelines does, in their order.
  public var bodies: [PipelineBody] = []
  public init(program: Program) { self.program = program }
}

public struct Function: Codable, Sendable {
  public let name: String
  public let docs: String?
  public let parameters: [Field]
  public let result: Type
  public let body: Expr
  public let place: Place
  public init(name: String, docs: String?, parameters: [Field], result: Type, body: Expr, place: Place) {
    self.name = name
    self.docs = docs
    self.parameters = parameters
    self.result = result
    self.body = body
    self.place = place
  }
}

/// The steps of one pipeline.
public struct PipelineBody: Codable, Sendable {
  public let main: Route
  /// The chain of `on error`, if there is one.
  public let error: Route?
  /// Of each step that keeps something, in their order.
  public let states: [StateBody]
  public init(main: Route, error: Route?, states: [StateBody] = []) {
    self.main = main
    self.error = error
    self.states = states
  }
}

/// The chains of a step that keeps something of the events before: such a step ends the chain that it stands in.
public struct StateBody: Codable, Sendable {
  /// What its events go through.
  public let after: Route
  /// What it computes with: `fold` what is kept next, a join whether two events belong together.
  public let inner: Route?
  /// What the events of the stream that it joins go through on their way to it.
  public let side: Route?
  public init(after: Route, inner: Route? = nil, side: Route? = nil) {
    self.after = after
    self.inner = inner
    self.side = side
  }
}

/// A chain of steps that events enter: the pipeline's own, or that of its failures.
public struct Route: Codable, Sendable {
  public let input: Type
  /// The refinements that hold for typed events that enter.
  public let checks: [Check]
  public let steps: [Step]
  public init(input: Type, checks: [Check], steps: [Step]) {
    self.input = input
    self.checks = checks
    self.steps = steps
  }
}

/// A refinement of a decoded type: the event fails with the message unless the condition holds.
public struct Check: Codable, Sendable {
  public let condition: Expr
  public let message: String
  public init(condition: Expr, message: String) {
    self.condition = condition
    self.message = message
  }
}

public struct Format: Codable, Sendable {
  public let name: String
  public let options: [String: Literal]
  public init(name: String, options: [String: Literal]) {
    self.name = name
    self.options = options
  }
}

/// A step of a route. Its number is its place among the pipeline's stages.
public struct Step: Codable, Sendable {
  public struct Arm: Codable, Sendable {
    public let condition: Expr?
    public let steps: [Step]
    public init(condition: Expr?, steps: [Step]) {
      self.condition = condition
      self.steps = steps
    }
  }
  public indirect enum Kind: Codable, Sendable {
    /// `framed`: one event in, many records out.
    case decode(Format, Type, checks: [Check], framed: Bool)
    /// The event, or a part of it.
    case encode(Format, part: Expr?)
    case filter(Expr)
    case assert(Expr, Expr)
    /// Also `set`, `drop`, `rename` and narrowing: an expression over the event before.
    case map(Expr)
    /// The list field by index; the output's field at the same index is the element.
    case expand(Int)
    /// The lookup by its place in the pipeline, its key, and the type of what it finds, which becomes the last field.
    case lookup(Int, key: Expr, found: Type)
    case route([Arm])
    case tee([Step])
    case log(Expr)
    case sample(Double)
    /// The event's time. It fails where that is late.
    case time(Expr)
    /// To the step that keeps something, by its place among those, with what is computed of the event.
    case state(Int, StatePart, each: [Expr])
    /// Shows tests what comes by, by the probe's place in the pipeline; it is no stage, and has the number of the step before.
    case probe(Int)
    /// The sink by its place in the pipeline, and its arguments per event.
    case sink(Int, each: [Expr])
    case discard
  }
  public let number: Int
  /// What failures name: `filter`, `decode json`, or the label.
  public let name: String
  public let kind: Kind
  /// Type of the events that go on.
  public let output: Type
  public let place: Place
  public init(number: Int, name: String, kind: Kind, output: Type, place: Place) {
    self.number = number
    self.name = name
    self.kind = kind
    self.output = output
    self.place = place
  }
}
