import PumpPlan
import PumpSyntax

/// What a check finds: diagnostics in the order of files and places, and the plan where no error is among them.
public struct CheckResult {
  public let plan: Plan?
  public let diagnostics: [Diagnostic]
  /// The type of the events after each step, for people who ask.
  public let flows: [(span: Span, type: Type)]
  /// Every expression with its type, a whole one after its parts.
  public let expressions: [(span: Span, type: Type)]
  public let symbols: SymbolIndex
  public let connectors: [String: Interface]
  /// What may be another in each run, of each pipeline with steps that keep something.
  public let variations: [String: [Variation]]
}

/// Checks a program: its own files with their imports, over the interface files of the built-in connectors and the formats.
/// `patternProblem` compiles a regular expression and says what is wrong with it.
public func check(
  name: String, files: [FileSyntax], interfaces: [FileSyntax], formats: [FormatSpec], patternProblem: @escaping (String) -> String?
) -> CheckResult {
  let checker = Checker(formats: formats, patternProblem: patternProblem)
  for file in interfaces {
    for item in file.items { if case .connector(let syntax) = item { checker.declare(connector: syntax, builtIn: true) } }
  }
  checker.collect(files)
  let plan = checker.run(name: name, docs: files.first?.docs)
  let failed = checker.diagnostics.contains { $0.severity == .error }
  return CheckResult(
    plan: failed ? nil : plan, diagnostics: checker.diagnostics, flows: checker.flows, expressions: checker.expressions,
    symbols: checker.symbols, connectors: checker.connectors, variations: failed ? [:] : checker.variations(plan))
}

/// Names, types, endpoints and delivery of one program. A class because its parts share one table of names; it does no
/// I/O and lives for one call of `check`.
final class Checker {
  let patternProblem: (String) -> String?
  let formats: [String: FormatSpec]
  init(formats: [FormatSpec], patternProblem: @escaping (String) -> String?) {
    self.formats = Dictionary(uniqueKeysWithValues: formats.map { ($0.name, $0) })
    self.patternProblem = patternProblem
  }

  var diagnostics: [Diagnostic] = []
  var flows: [(span: Span, type: Type)] = []
  var expressions: [(span: Span, type: Type)] = []
  var symbols = SymbolIndex()
  var connectors: [String: Interface] = [:]

  var types: [String: TypeDeclaration] = [:]
  var enums: [String: EnumSyntax] = [:]
  var functions: [String: FunctionSyntax] = [:]
  var patterns: [String: PatternSyntax] = [:]
  var stages: [String: StageSyntax] = [:]
  var configs: [String: ConfigSyntax] = [:]
  var connections: [String: ConnectionSyntax] = [:]
  var pipelines: [String: PipelineSyntax] = [:]
  /// Declarations in the order of the text.
  var order = Order()
  var tests: [TestSyntax] = []
  /// The labels that tests ask about, by pipeline.
  var probed: [String: Set<String>] = [:]

  var resolvedTypes: [String: Type] = [:]
  /// Predicates of declared types, by the numbers of their refinements.
  var refinements: [Expr] = []
  /// Declared patterns with what they refer to, nil for those with a mistake; and those at hand, the outermost first.
  var expandedPatterns: [String: String?] = [:]
  var expandingPatterns: [String] = []
  /// Fields of each declared type, with those of its fields.
  var fieldTotals: [String: Int] = [:]
  var resolving: [String] = []
  var signatures: [String: (parameters: [(name: String, type: Type, value: Expr?)], result: Type)] = [:]
  var configTypes: [String: [String: Type]] = [:]
  var checkedPipelines: [String: TypedPipeline] = [:]
  /// Pipelines with errors of their own.
  var brokenPipelines: Set<String> = []
  /// The sinks of files, by path.
  var writtenFiles: [String: Span] = [:]
  /// What was learned of each pipeline.
  var contexts: [String: PipelineContext] = [:]
  /// Who sends to which pipeline.
  var feeds: [(from: String, to: String, span: Span)] = []
  var localCounter: [String: Int] = [:]
  var localNames: Set<String> = []
  /// While a stage's body is checked again at its use, its own errors have been said.
  var silenced = 0
  /// Whether it was said of the pipeline at hand that its events are not decoded.
  var toldUndecoded = false
  /// The first error that was silenced since this was last cleared.
  var suppressed: String?
  /// The pipelines and streams that are being checked, the outermost first.
  var checking: [String] = []
  /// The body of a group that is being checked.
  var grouping: Grouping?
  /// Stages that are being expanded, the outermost first, and those with errors of their own.
  var expanding: [String] = []
  var brokenStages: Set<String> = []

  /// Each name that stands here has its declaration in the table of its kind.
  struct Order {
    var types: [String] = []
    var enums: [String] = []
    var functions: [String] = []
    var patterns: [String] = []
    var stages: [String] = []
    var configs: [String] = []
    var connections: [String] = []
    var pipelines: [String] = []
  }

  static let takenNames: Set<String> = ["file", "stdin", "stdout", "timer", "generate", "merge", "meta", "config", "env"]

  func report(
    _ code: DiagnosticCode, _ span: Span, _ message: String, help: String? = nil, fix: Fix? = nil, labels: [(Span, String)] = []
  ) {
    guard silenced == 0 else {
      if code.severity == .error { suppressed = suppressed ?? message }
      return
    }
    diagnostics.append(Diagnostic(code, at: span, message, help: help, fix: fix, labels: labels))
  }

  /// A mistyped name: the nearest of its kind is offered, and written by `--fix`.
  func reportUnknown(
    _ code: DiagnosticCode, _ name: Name, _ what: String, among candidates: some Sequence<String>, otherwise: String? = nil,
    foreign: [String: ForeignWords.Answer] = [:]
  ) {
    let list = Array(candidates)
    // `sink of SQLite`: SQLite has no such sink.
    let parts = what.split(separator: " of ", maxSplits: 1)
    let message = parts.count == 2 ? "\(parts[1]) has no \(parts[0]) `\(name.text)`" : "there is no \(what) `\(name.text)`"
    let isTypo = list.contains { Fix(renaming: name.span, name.text, to: $0).confidence == .certain }
    if !isTypo, let answer = foreign[name.text.lowercased()] {
      report(code, name.span, message, help: answer.help, fix: answer.fix(name.span))
    } else if let near = nearest(to: name.text, in: list) {
      report(
        code, name.span, message, help: "did you mean `\(near)`?",
        fix: Fix(renaming: name.span, name.text, to: near))
    } else {
      let known = list.isEmpty ? nil : "there are: \(list.sorted().prefix(12).joined(separator: ", "))\(list.count > 12 ? ", …" : "")"
      report(code, name.span, message, help: otherwise ?? known)
    }
  }

  func place(_ span: Span) -> Place {
    let (line, column) = span.source.position(span.start)
    return Place(file: span.source.path, line: line, column: column)
  }

  // MARK: Declarations

  func collect(_ files: [FileSyntax]) {
    var taken: [String: Span] = [:]
    /// Connections, pipelines, stages, functions and patterns share one namespace; types and enums another; sections a third.
    func declare(_ name: Name, _ space: String) -> Bool {
      if let first = taken[space + name.text] {
        report(
          .duplicate, name.span, "`\(name.text)` is declared twice", help: "rename one of them", labels: [(first, "first declared here")])
        return false
      }
      taken[space + name.text] = name.span
      if space == "value", Self.takenNames.contains(name.text) {
        report(.takenName, name.span, "`\(name.text)` has a meaning of its own", help: "choose another name, such as `\(name.text)_1`")
      }
      if space == "type", Type.scalars[name.text] != nil {
        report(.takenName, name.span, "`\(name.text)` is a built-in type", help: "choose another name")
      }
      return true
    }
    for file in files {
      for item in file.items {
        switch item {
        case .importFile, .importSwift: break
        case .config(let syntax):
          if declare(syntax.name, "config") { collect(syntax) }
        case .connection(let syntax):
          if declare(syntax.name, "value") { collect(syntax.name, .connection, syntax, \.connections, \.connections) }
        case .type(let syntax):
          if declare(syntax.name, "type") { collect(syntax) }
        case .enumeration(let syntax):
          if declare(syntax.name, "type") { collect(syntax) }
        case .function(let syntax):
          if declare(syntax.name, "value") { collect(syntax.name, .function, syntax, \.functions, \.functions) }
        case .pattern(let syntax):
          if declare(syntax.name, "value") { collect(syntax.name, .pattern, syntax, \.patterns, \.patterns) }
        case .stage(let syntax):
          if declare(syntax.name, "value") { collect(syntax.name, .stage, syntax, \.stages, \.stages) }
        case .pipeline(let syntax):
          if declare(syntax.name, "value") { collect(syntax.name, .pipeline, syntax, \.pipelines, \.pipelines) }
        case .test(let syntax):
          tests.append(syntax)
          for case .expect(.target(.label(let label)), _, _, _, _) in syntax.clauses {
            probed[syntax.pipeline.text, default: []].insert(label.text)
          }
        case .connector(let syntax): self.declare(connector: syntax, builtIn: false)
        }
      }
    }
  }

  private func collect<Syntax>(
    _ name: Name, _ kind: Symbol.Kind, _ syntax: Syntax, _ table: ReferenceWritableKeyPath<Checker, [String: Syntax]>,
    _ list: WritableKeyPath<Order, [String]>
  ) {
    self[keyPath: table][name.text] = syntax
    order[keyPath: list].append(name.text)
    symbols.declare(kind, name.text, at: name.span)
  }

  private func collect(_ syntax: ConfigSyntax) {
    configs[syntax.name.text] = syntax
    order.configs.append(syntax.name.text)
    for key in syntax.keys { symbols.declare(.configKey, "\(syntax.name.text).\(key.name.text)", at: key.name.span) }
  }

  private func collect(_ syntax: TypeDeclaration) {
    collect(syntax.name, .type, syntax, \.types, \.types)
    guard case .record(let fields) = syntax.type.kind else { return }
    for field in fields { symbols.declare(.field, "\(syntax.name.text).\(field.name.text)", at: field.name.span) }
  }

  private func collect(_ syntax: EnumSyntax) {
    collect(syntax.name, .enumeration, syntax, \.enums, \.enums)
    for item in syntax.cases { symbols.declare(.enumCase, "\(syntax.name.text).\(item.name.text)", at: item.name.span) }
  }

  func run(name: String, docs: String?) -> Plan {
    var plan = Plan(program: Program(name: name, docs: docs))
    for name in order.enums { if case .enumeration(let type) = resolve(named: name) { plan.enums.append(type) } }
    for name in order.types { if case .record(let record) = resolve(named: name).plain { plan.records.append(record) } }
    for name in order.configs { plan.program.config.append(check(config: configs[name]!)) }
    for name in order.connections {
      if let connection = check(connection: connections[name]!) { plan.program.connections.append(connection) }
    }
    checkPatterns()
    declareFunctions()
    for name in order.functions { if let function = check(function: functions[name]!) { plan.functions.append(function) } }
    reportFunctionCycles(plan.functions)
    reportStepNames()
    for name in order.stages { checkDeclaration(of: stages[name]!) }
    for (spec, body) in lowered() {
      plan.program.pipelines.append(spec)
      plan.bodies.append(body)
    }
    reportPipelineCycles()
    reportUnreadStreams()
    reportPoolBudgets(plan.program)
    for test in tests { if let checked = check(test: test) { plan.program.tests.append(checked) } }
    // What a mistake hides is not unused.
    if !diagnostics.contains(where: { $0.severity == .error }) { reportUnused() }
    return plan
  }

  func check(config syntax: ConfigSyntax) -> ConfigSection {
    var keys: [Setting] = []
    var kinds: [String: Type] = [:]
    for key in syntax.keys {
      if kinds[key.name.text] != nil {
        report(.duplicate, key.name.span, "`\(key.name.text)` is declared twice", help: "remove one of them")
        continue
      }
      let type = resolve(key.type)
      kinds[key.name.text] = type.plain
      if !isConfigurable(type.plain) {
        report(
          .notConfigurable, key.type.span, "a configuration key holds scalars, or lists or maps of scalars, this is \(type.plain)",
          help: "declare one key for each of its fields, or look them up in a file")
      } else if type != type.plain {
        report(
          .notConfigurable, key.type.span, "a configuration key has a plain type; `where` is not looked at there",
          help: "take the `where` off, and `assert` what must hold in a pipeline")
      }
      let value = key.value.map { check($0, settingScope, as: type.plain, "`\(key.name.text)`") }
      let literal = value.flatMap(constant)
      if let value, literal == nil, value.type != .erroneous {
        report(.notConstant, key.value!.span, "a default is a literal", help: "write the value itself")
      }
      keys.append(
        Setting(
          name: key.name.text, type: type.plain, value: literal.map(SettingValue.literal) ?? (type.isOptional ? .literal(.null) : nil),
          docs: key.docs))
    }
    configTypes[syntax.name.text] = kinds
    return ConfigSection(name: syntax.name.text, docs: syntax.docs, keys: keys)
  }

  /// Whether a line of pipelines.conf can say a value of the type.
  func isConfigurable(_ type: Type) -> Bool {
    func isScalar(_ type: Type) -> Bool {
      switch type.wrapped {
      case .list, .map, .record: false
      default: true
      }
    }
    switch type.wrapped {
    case .list(let element), .map(let element): return isScalar(element)
    default: return isScalar(type)
    }
  }

  /// The value of an expression made of literals only.
  func constant(_ value: Expr) -> Literal? {
    switch value.kind {
    case .literal(let literal): return literal
    case .wrap(let inner): return constant(inner)
    case .list(let items):
      let values = items.compactMap(constant)
      return values.count == items.count ? .list(values) : nil
    case .map(let keys, let items):
      let values = items.compactMap(constant)
      return values.count == items.count ? .map(zip(keys, values).map { .init(key: $0, value: $1) }) : nil
    case .record(let items):
      let values = items.compactMap(constant)
      return values.count == items.count ? .record(values) : nil
    default: return nil
    }
  }
}

/// The connectors that interface files declare.
public func connectors(of interfaces: [FileSyntax]) -> [Interface] {
  let checker = Checker(formats: [], patternProblem: { _ in nil })
  var names: [String] = []
  for file in interfaces {
    for item in file.items {
      if case .connector(let syntax) = item {
        checker.declare(connector: syntax, builtIn: true)
        names.append(syntax.name.text)
      }
    }
  }
  return names.compactMap { checker.connectors[$0] }
}
