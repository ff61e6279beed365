/// A checked program: what the interpreter runs, the Swift backend renders and reports draw. Values of configuration
/// and secrets are never in it, references are.
public struct Plan: Codable, Sendable {
  public static let currentVersion = 1
  public var version = Plan.currentVersion
  public var name: String
  public var records: [RecordType] = []
  public var enums: [EnumType] = []
  public var functions: [Function] = []
  public var config: [ConfigSection] = []
  public var connections: [Connection] = []
  public var pipelines: [Pipeline] = []
  public var tests: [Test] = []
  public init(name: String) { self.name = name }

  public func pipeline(_ id: String) -> Pipeline? { pipelines.first { $0.id == id } }
}

/// A place in the spec, for comments, `#sourceLocation` and failures.
public struct Place: Codable, Sendable, Hashable {
  public let file: String
  public let line: Int
  public init(file: String, line: Int) {
    self.file = file
    self.line = line
  }
}

public struct Function: Codable, Sendable {
  public struct Parameter: Codable, Sendable {
    public let name: String
    public let type: Type
    public init(name: String, type: Type) {
      self.name = name
      self.type = type
    }
  }
  public let name: String
  public let docs: String?
  public let parameters: [Parameter]
  public let result: Type
  public let body: Expr
  public let place: Place
  public init(name: String, docs: String?, parameters: [Parameter], result: Type, body: Expr, place: Place) {
    self.name = name
    self.docs = docs
    self.parameters = parameters
    self.result = result
    self.body = body
    self.place = place
  }
}

/// One key of a section, a connection's setting or an endpoint's argument: what configuration may say there.
public struct Setting: Codable, Sendable {
  /// `pool.max` for a nested one.
  public let name: String
  public let type: Type
  /// The value of lowest precedence; nil where one is required.
  public let value: SettingValue?
  /// The least and the most that a number, a duration (in microseconds), a size or the length of a text may be.
  public let minimum: Int64?
  public let maximum: Int64?
  public let docs: String?
  public init(name: String, type: Type, value: SettingValue?, minimum: Int64? = nil, maximum: Int64? = nil, docs: String?) {
    self.name = name
    self.type = type
    self.value = value
    self.minimum = minimum
    self.maximum = maximum
    self.docs = docs
  }
}

public struct ConfigSection: Codable, Sendable {
  public let name: String
  public let docs: String?
  public let keys: [Setting]
  public init(name: String, docs: String?, keys: [Setting]) {
    self.name = name
    self.docs = docs
    self.keys = keys
  }
}

public struct Connection: Codable, Sendable {
  public let id: String
  public let docs: String?
  /// The connector's name.
  public let kind: String
  public let module: String
  /// Every setting of the connector, with the spec's value where it has one.
  public let settings: [Setting]
  public let place: Place
  public init(id: String, docs: String?, kind: String, module: String, settings: [Setting], place: Place) {
    self.id = id
    self.docs = docs
    self.kind = kind
    self.module = module
    self.settings = settings
    self.place = place
  }
}

/// Use of a connector's source, sink or lookup.
public struct Endpoint: Codable, Sendable {
  public struct Each: Codable, Sendable {
    public let name: String
    public let value: Expr
    public init(name: String, value: Expr) {
      self.name = name
      self.value = value
    }
  }
  /// The connection's id; nil for `file` and its like.
  public let connection: String?
  public let connector: String
  public let module: String
  public let name: String
  /// Stable: written with `@`, or made from endpoint and literal arguments.
  public let label: String
  /// Arguments that hold for the whole run, and settings of the step.
  public let arguments: [Setting]
  /// Arguments per event.
  public let each: [Each]
  /// Bytes, or the record that goes in or comes out.
  public let type: Type
  /// Whether a sink gets the JSON of its records.
  public let takesDocuments: Bool
  public let meta: RecordType
  public let abilities: [String]
  public let place: Place
  public init(
    connection: String?, connector: String, module: String, name: String, label: String, arguments: [Setting], each: [Each],
    type: Type, takesDocuments: Bool, meta: RecordType, abilities: [String], place: Place
  ) {
    self.connection = connection
    self.connector = connector
    self.module = module
    self.name = name
    self.label = label
    self.arguments = arguments
    self.each = each
    self.type = type
    self.takesDocuments = takesDocuments
    self.meta = meta
    self.abilities = abilities
    self.place = place
  }
  /// As the spec names it: `warehouse.table`.
  public var described: String { "\(connection ?? connector).\(name)" }

  /// Whether this sink keeps the positions of its pipeline's sources.
  public var keepsPositions: Bool {
    arguments.contains { argument in
      argument.name == "positions" && argument.value != nil && argument.value?.constant != .null
    }
  }
}

public enum Delivery: String, Codable, Sendable { case atMostOnce = "at_most_once", atLeastOnce = "at_least_once" }

public struct Pipeline: Codable, Sendable {
  public enum Origin: Codable, Sendable {
    case sources([Endpoint])
    case input(Type)
  }
  public enum ErrorRoute: Codable, Sendable {
    case halt, skip
    case chain([Step])
  }
  public let id: String
  public let docs: String?
  public let origin: Origin
  /// Type of the events that enter.
  public let input: Type
  /// The refinements that hold for typed events that enter.
  public let checks: [Check]
  public let steps: [Step]
  public let onError: ErrorRoute
  public let delivery: Delivery
  public let settings: [Setting]
  /// Names of the meta fields that its expressions read.
  public let meta: [String]
  public let place: Place
  public init(
    id: String, docs: String?, origin: Origin, input: Type, checks: [Check], steps: [Step], onError: ErrorRoute,
    delivery: Delivery, settings: [Setting], meta: [String], place: Place
  ) {
    self.id = id
    self.docs = docs
    self.origin = origin
    self.input = input
    self.checks = checks
    self.steps = steps
    self.onError = onError
    self.delivery = delivery
    self.settings = settings
    self.meta = meta
    self.place = place
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
    case encode(Format)
    case filter(Expr)
    case assert(Expr, Expr)
    /// Also `set`, `drop`, `rename` and narrowing: an expression over the event before.
    case map(Expr)
    /// The list field by index; the output's field at the same index is the element.
    case expand(Int)
    case lookup(Endpoint, key: String)
    case route([Arm])
    case tee([Step])
    case log(Expr)
    case sample(Double)
    case sink(Endpoint)
    /// To a pipeline with `input`.
    case feed(String)
    case discard
  }
  /// What failures name: `filter`, `decode json`, or the label.
  public let name: String
  public let kind: Kind
  /// Type of the events that go on.
  public let output: Type
  public let place: Place
  public init(name: String, kind: Kind, output: Type, place: Place) {
    self.name = name
    self.kind = kind
    self.output = output
    self.place = place
  }
}

/// A value of a test, as JSON.
public indirect enum JSONLiteral: Codable, Sendable {
  case null
  case bool(Bool)
  case number(String)
  case string(String)
  case array([JSONLiteral])
  case object([Member])
  public struct Member: Codable, Sendable {
    public let key: String
    public let value: JSONLiteral
    public init(key: String, value: JSONLiteral) {
      self.key = key
      self.value = value
    }
  }
}

public struct Test: Codable, Sendable {
  public enum Input: Codable, Sendable {
    case json(JSONLiteral)
    case bytes(String)
    case file(String)
  }
  public struct Given: Codable, Sendable {
    public let label: String
    public let input: Input
    public let meta: JSONLiteral?
    public init(label: String, input: Input, meta: JSONLiteral?) {
      self.label = label
      self.input = input
      self.meta = meta
    }
  }
  public enum Subject: Codable, Sendable {
    case sink(String)
    case errors
  }
  public enum Expectation: Codable, Sendable {
    case equals(JSONLiteral)
    case matches(JSONLiteral)
    case count(Int)
  }
  public struct Expect: Codable, Sendable {
    public let subject: Subject
    public let expectation: Expectation
    public let text: String
    public let place: Place
    public init(subject: Subject, expectation: Expectation, text: String, place: Place) {
      self.subject = subject
      self.expectation = expectation
      self.text = text
      self.place = place
    }
  }
  public struct Override: Codable, Sendable {
    public let section: String
    public let key: String
    public let value: Literal
    public init(section: String, key: String, value: Literal) {
      self.section = section
      self.key = key
      self.value = value
    }
  }
  public let title: String
  public let pipeline: String
  public let given: [Given]
  /// Rows that a lookup finds, by its label.
  public let lookups: [String: JSONLiteral]
  public let config: [Override]
  /// Microseconds since 1970.
  public let now: Int64?
  public let expects: [Expect]
  public let place: Place
  public init(
    title: String, pipeline: String, given: [Given], lookups: [String: JSONLiteral], config: [Override], now: Int64?,
    expects: [Expect], place: Place
  ) {
    self.title = title
    self.pipeline = pipeline
    self.given = given
    self.lookups = lookups
    self.config = config
    self.now = now
    self.expects = expects
    self.place = place
  }
}

extension Pipeline {
  /// Every step at every depth, the error route's last.
  public var allSteps: [Step] {
    var result: [Step] = []
    func add(_ steps: [Step]) {
      for step in steps {
        result.append(step)
        switch step.kind {
        case .route(let arms): for arm in arms { add(arm.steps) }
        case .tee(let inner): add(inner)
        default: break
        }
      }
    }
    add(steps)
    if case .chain(let chain) = onError { add(chain) }
    return result
  }

  public var sources: [Endpoint] { if case .sources(let list) = origin { list } else { [] } }

  public var sinks: [Endpoint] {
    allSteps.compactMap { if case .sink(let endpoint) = $0.kind { endpoint } else { nil } }
  }
  public var lookups: [Endpoint] {
    allSteps.compactMap { if case .lookup(let endpoint, _) = $0.kind { endpoint } else { nil } }
  }
}
