/// The tree of one file, as written. Parts that could not be read are absent or `.erroneous`; each has had its diagnostic.
public struct FileSyntax: Sendable {
  public let source: SourceText
  /// The `//!` lines at its head: what they say of the file or of the program that it is.
  public var docs: String?
  /// `language 1`, where the file begins with it.
  public var language: Span?
  public var items: [ItemSyntax] = []
}

public struct Name: Sendable {
  public let text: String
  public let span: Span
  public init(text: String, span: Span) {
    self.text = text
    self.span = span
  }
}

public enum ItemSyntax: Sendable {
  case importFile(StringSyntax, Span)
  case importSwift(StringSyntax, Span)
  case config(ConfigSyntax)
  case connection(ConnectionSyntax)
  case type(TypeDeclaration)
  case enumeration(EnumSyntax)
  case function(FunctionSyntax)
  case pattern(PatternSyntax)
  case stage(StageSyntax)
  case pipeline(PipelineSyntax)
  case test(TestSyntax)
  case connector(ConnectorSyntax)
}

public struct FieldSyntax: Sendable {
  public let docs: String?
  public let name: Name
  public let type: TypeSyntax
  public let wire: StringSyntax?
  public let value: ExprSyntax?
  /// `each T` in a connector's endpoint: evaluated per event.
  public var isEach = false
  /// `...rest: Json` in an open record.
  public var isRest = false
}

public struct TypeSyntax: Sendable {
  public indirect enum Kind: Sendable {
    case name(String)
    case list(TypeSyntax)
    case map(TypeSyntax)
    case optional(TypeSyntax)
    case record([FieldSyntax])
    case enumeration([CaseSyntax])
    case refined(TypeSyntax, ExprSyntax)
    case erroneous
  }
  public let kind: Kind
  public let span: Span
}

public struct CaseSyntax: Sendable {
  public let name: Name
  public let wire: StringSyntax?
}

public struct ConfigSyntax: Sendable {
  public let name: Name
  public let docs: String?
  public let keys: [FieldSyntax]
  public let span: Span
  /// Just before the closing brace: where a missing key can be written.
  public let end: Span
}

public struct ConnectionSyntax: Sendable {
  public let name: Name
  public let docs: String?
  public let kind: Name
  public let settings: [SettingSyntax]
  public let span: Span
}

/// `name = value` or `name { settings }`.
public struct SettingSyntax: Sendable {
  public indirect enum Value: Sendable {
    case expression(ExprSyntax)
    case block([SettingSyntax])
  }
  public let name: Name
  public let value: Value
  public let span: Span
}

public struct TypeDeclaration: Sendable {
  public let name: Name
  public let docs: String?
  public let type: TypeSyntax
  public let span: Span
}

public struct EnumSyntax: Sendable {
  public let name: Name
  public let docs: String?
  public let cases: [CaseSyntax]
  public let span: Span
}

public struct FunctionSyntax: Sendable {
  public let name: Name
  public let docs: String?
  public let parameters: [FieldSyntax]
  public let result: TypeSyntax
  public let body: ExprSyntax
  public let span: Span
}

public struct PatternSyntax: Sendable {
  public let name: Name
  public let docs: String?
  /// What stands in the raw string, and where that is.
  public let text: String
  public let literal: Span
  public let span: Span
}

public struct StageSyntax: Sendable {
  public let name: Name
  public let docs: String?
  public let parameters: [FieldSyntax]
  public let input: TypeSyntax
  public let steps: [StepSyntax]
  public let span: Span
}

public struct PipelineSyntax: Sendable {
  public let name: Name
  public let docs: String?
  /// `stream`: it ends in no sink, and others read it.
  public let isStream: Bool
  public var settings: [SettingSyntax] = []
  public var origin: OriginSyntax
  public var steps: [StepSyntax] = []
  public var onError: ErrorRouteSyntax?
  public var span: Span

  /// Every step at every depth, the error route's last.
  public var allSteps: [StepSyntax] {
    let route: [StepSyntax] = if case .chain(let steps, _)? = onError { steps } else { [] }
    return (steps + route).flatMap(\.withInner)
  }
}

/// Where a pipeline's events come from.
public enum OriginSyntax: Sendable {
  case source(EndpointSyntax)
  case merge([EndpointSyntax], Span)
  case input(TypeSyntax)
  case erroneous
}

public enum ErrorRouteSyntax: Sendable {
  case chain([StepSyntax], Span)
  case halt(Span)
  case skip(Span)
}

/// `conn.thing(args) as T { settings }`, or the bare name of a pipeline.
public final class EndpointSyntax: Sendable {
  public let label: Name?
  public let target: Name
  public let endpoint: Name?
  public let arguments: [ArgumentSyntax]
  public let type: TypeSyntax?
  public let settings: [SettingSyntax]
  public let span: Span
  /// A stable name: the label, or one of the endpoint and its literal arguments.
  public let name: String
  public init(
    label: Name? = nil, target: Name, endpoint: Name?, arguments: [ArgumentSyntax], type: TypeSyntax? = nil, settings: [SettingSyntax] = [],
    span: Span
  ) {
    self.label = label
    self.target = target
    self.endpoint = endpoint
    self.arguments = arguments
    self.type = type
    self.settings = settings
    self.span = span
    name = label?.text ?? Self.name(target, endpoint, arguments)
  }

  private static func name(_ target: Name, _ endpoint: Name?, _ arguments: [ArgumentSyntax]) -> String {
    let name = endpoint.map { "\(target.text).\($0.text)" } ?? target.text
    let literals = arguments.compactMap { argument -> String? in
      guard argument.label == nil, case .string(let text) = argument.value.kind else { return nil }
      return text.plain
    }
    return literals.isEmpty ? name : "\(name)(\(literals.joined(separator: ",")))"
  }
}

public struct ArgumentSyntax: Sendable {
  public let label: Name?
  public let value: ExprSyntax
  public init(label: Name?, value: ExprSyntax) {
    self.label = label
    self.value = value
  }
}

public struct StepSyntax: Sendable {
  public indirect enum Kind: Sendable {
    case decode(format: Name, arguments: [ArgumentSyntax], type: TypeSyntax?)
    case encode(format: Name, arguments: [ArgumentSyntax])
    case filter(ExprSyntax)
    case assert(ExprSyntax, ExprSyntax)
    case map(ExprSyntax)
    case set(ExprSyntax)
    /// Fields by their paths.
    case drop([[Name]])
    case rename([(old: Name, new: Name)])
    case expand(ExprSyntax, as: Name)
    case lookup(EndpointSyntax, as: Name, type: TypeSyntax)
    case route([ArmSyntax])
    case tee([StepSyntax], WhenDownSyntax?)
    case log(ExprSyntax)
    case sample(percent: String, Span)
    case time(TimeSyntax)
    /// A step that keeps something of the events before.
    case state(StateSyntax)
    case call(Name, [ArgumentSyntax])
    case sink(EndpointSyntax)
    /// To the sender of the event, with what the settings say of the answer.
    case reply([SettingSyntax])
    case discard
    case erroneous
  }
  public let label: Name?
  public let kind: Kind
  public let span: Span
  public init(label: Name?, kind: Kind, span: Span) { (self.label, self.kind, self.span) = (label, kind, span) }

  /// This step and those in it.
  public var withInner: [StepSyntax] {
    switch kind {
    case .route(let arms): [self] + arms.flatMap { $0.steps.flatMap(\.withInner) }
    case .tee(let inner, _): [self] + inner.flatMap(\.withInner)
    default: [self]
    }
  }
}

/// `when down wait`, `when down spill 1GiB` or `when down shed` after the brace of a `tee`.
public struct WhenDownSyntax: Sendable {
  public enum Kind: Sendable {
    case wait, shed
    case spill(ExprSyntax)
  }
  public let kind: Kind
  public let span: Span
}

public struct ArmSyntax: Sendable {
  /// Nil for `else`.
  public let condition: ExprSyntax?
  public let steps: [StepSyntax]
  public let span: Span
}

public struct ConnectorSyntax: Sendable {
  public enum Role: String, Sendable { case source, sink, lookup }
  public struct Endpoint: Sendable {
    public let role: Role
    public let docs: String?
    public let name: Name
    public let parameters: [FieldSyntax]
    public let type: TypeSyntax
    public let meta: [FieldSyntax]
    public let abilities: [Name]
  }
  public let name: Name
  public let docs: String?
  public let module: Name
  public let settings: [FieldSyntax]
  public let endpoints: [Endpoint]
  public let span: Span
}

public struct TestSyntax: Sendable {
  /// A step by its label, or an endpoint as it stands in the pipeline.
  public enum Target: Sendable {
    case label(Name)
    case endpoint(EndpointSyntax)
    public var span: Span {
      switch self {
      case .label(let name): name.span
      case .endpoint(let endpoint): endpoint.span
      }
    }
  }
  public enum Subject: Sendable {
    case target(Target)
    case errors
  }
  public enum Given: Sendable {
    case value(ExprSyntax)
    case json(ExprSyntax)
    case file(StringSyntax)
  }
  public enum Clause: Sendable {
    case given(Target?, Given, meta: ExprSyntax?)
    case givenLookup(Target, ExprSyntax)
    case config(section: Name, key: Name, ExprSyntax)
    case at(ExprSyntax)
    /// `counted`: how many there are, in place of what they are.
    case expect(Subject, counted: Bool, matches: Bool, ExprSyntax, Span)
  }
  public let title: StringSyntax
  public let pipeline: Name
  public let clauses: [Clause]
  public let span: Span
}

/// A string literal: literal text and `\( )` expressions in turn.
public struct StringSyntax: Sendable {
  public enum Part: Sendable {
    case text(String)
    case expression(ExprSyntax)
  }
  public let parts: [Part]
  public let span: Span

  /// The text of a string without interpolation.
  public var plain: String? {
    if parts.isEmpty { return "" }
    if parts.count == 1, case .text(let text) = parts[0] { return text }
    return nil
  }
}

public enum UnaryOperator: String, Sendable, Codable { case not, minus = "-" }

public enum BinaryOperator: String, Sendable, Codable, CaseIterable {
  case coalesce = "??"
  case or, and
  case equal = "=="
  case notEqual = "!="
  case less = "<"
  case lessEqual = "<="
  case greater = ">"
  case greaterEqual = ">="
  case isIn = "in"
  case matches
  case add = "+"
  case subtract = "-"
  case multiply = "*"
  case divide = "/"
  case remainder = "%"

  /// Higher binds tighter.
  public var precedence: Int {
    switch self {
    case .coalesce: 1
    case .or: 2
    case .and: 3
    case .equal, .notEqual, .less, .lessEqual, .greater, .greaterEqual, .isIn, .matches: 5
    case .add, .subtract: 6
    case .multiply, .divide, .remainder: 7
    }
  }
}

public struct ExprSyntax: Sendable {
  public enum Literal: Sendable {
    case null
    case bool(Bool)
    case integer(String)
    case fraction(String)
    case duration(String)
    case size(String)
    case date(String)
    case timestamp(String)
    case regex(String)
  }
  public enum RecordItem: Sendable {
    case field(Name, ExprSyntax?)
    case spread(ExprSyntax)
  }
  public struct MatchArm: Sendable {
    /// Nil for `else`.
    public let pattern: ExprSyntax?
    public let value: ExprSyntax
    public let span: Span
  }
  public indirect enum Kind: Sendable {
    case literal(Literal)
    case string(StringSyntax)
    case name(String)
    case it
    case field(Name)
    case member(ExprSyntax, Name, optional: Bool)
    case index(ExprSyntax, ExprSyntax)
    case call(Name, [ArgumentSyntax])
    /// `a.f(b)`; `a?.f(b)` is null where `a` is.
    case method(ExprSyntax, Name, [ArgumentSyntax], optional: Bool)
    case unary(UnaryOperator, ExprSyntax)
    case binary(BinaryOperator, ExprSyntax, ExprSyntax)
    case conditional(ExprSyntax, ExprSyntax, ExprSyntax)
    case match(ExprSyntax, [MatchArm])
    case binding(Name, ExprSyntax, ExprSyntax)
    case list([ExprSyntax])
    case record([RecordItem])
    case lambda(Name, ExprSyntax)
    case attempt(ExprSyntax)
    case secretFile(StringSyntax)
    case erroneous
  }
  public let kind: Kind
  public let span: Span
  public init(kind: Kind, span: Span) {
    self.kind = kind
    self.span = span
  }
}
