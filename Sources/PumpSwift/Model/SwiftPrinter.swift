/// Prints the model of a Swift file. Text of a spec gets in as names, which `Swift` has encoded, as strings and as docs,
/// which are encoded here.
struct SwiftPrinter {
  private(set) var text = ""
  private var depth = 0
  /// Whether the lines are those of the spec, so that each statement has to be one.
  private var isLocated = false

  /// What is wider is written over several lines.
  static let width = 110

  static func print(_ file: SwiftFile) -> String {
    var printer = SwiftPrinter()
    for comment in file.comments { printer.line("// \(Swift.plain(comment))") }
    for module in file.imports { printer.line("import \(module)") }
    for declaration in file.declarations { printer.print(declaration) }
    return printer.text
  }

  // MARK: Lines

  mutating func line(_ line: String = "") {
    for part in line.split(separator: "\n", omittingEmptySubsequences: false) {
      // Directives stand at the margin.
      text += part.isEmpty || part.hasPrefix("#") ? part + "\n" : String(repeating: "  ", count: depth) + part + "\n"
    }
  }

  mutating func block(_ head: String, tail: String? = "}", _ body: (inout SwiftPrinter) -> Void) {
    line(head)
    depth += 1
    body(&self)
    depth -= 1
    if let tail { line(tail) }
  }

  private mutating func docs(_ text: String?) { for part in Swift.docs(text) { line(part) } }

  // MARK: Declarations

  private mutating func print(_ declaration: SwiftDeclaration) {
    switch declaration {
    case .blank: line()
    case .property(let property): print(property)
    case .function(let function): print(function)
    case .type(let type): print(type)
    case .enumCase(let name, let raw): line("case \(name)\(raw.map { " = \(Swift.string($0))" } ?? "")")
    case .statement(.evaluate(let value)): wrapped("", value)
    case .statement(let statement): print(statement)
    }
  }

  private mutating func print(_ property: SwiftProperty) {
    docs(property.docs)
    let head = Self.words(property.modifiers, property.isConstant ? "let" : "var", property.name)
    let type = Self.text(property.type)
    if let getter = property.getter { return body(head + type, getter) }
    if let value = property.value { wrapped(head + type + " = ", value) } else { line(head + type) }
  }

  private mutating func print(_ function: SwiftFunction) {
    docs(function.docs)
    let parameters = function.parameters.map { parameter in
      Self.words(parameter.label ?? "", "\(parameter.name): \(parameter.type.text)")
    }
    let name = function.name == "init" ? "init" : "func \(function.name)"
    let head = Self.words(
      function.modifiers, "\(name)(\(parameters.joined(separator: ", ")))", function.error.map { "throws(\($0))" } ?? "",
      function.result.map { "-> \($0.text)" } ?? "")
    if let statements = function.body { body(head, statements) } else { line(head) }
  }

  private mutating func print(_ type: SwiftTypeDeclaration) {
    docs(type.docs)
    let head = Self.words(type.modifiers, type.kind, type.name) + (type.conforms.isEmpty ? "" : ": ")
    block(head + type.conforms.joined(separator: ", ") + " {") { out in for member in type.members { out.print(member) } }
  }

  static func text(_ type: SwiftType?) -> String { type.map { ": \($0.text)" } ?? "" }
  static func words(_ words: String...) -> String { words.filter { !$0.isEmpty }.joined(separator: " ") }

  // MARK: Statements

  mutating func print(_ statements: [SwiftStatement]) { for statement in statements { print(statement) } }

  /// A body with one plain statement may share the line of its head.
  private mutating func body(_ head: String, _ statements: [SwiftStatement]) {
    if let only = Self.plain(statements), head.count + only.count < Self.width { return line("\(head) { \(only) }") }
    block(head + " {") { out in out.print(statements) }
  }

  /// The text of the one statement, where it is plain and of one line.
  static func plain(_ statements: [SwiftStatement]) -> String? {
    guard statements.count == 1 else { return nil }
    switch statements[0] {
    case .constant, .variable, .assign, .increment, .evaluate, .exit, .fail: break
    case .require, .when, .each, .loop, .attempt, .choose, .location, .endOfLocation: return nil
    }
    var printer = SwiftPrinter()
    printer.print(statements[0])
    let text = printer.text.dropLast()
    return text.contains("\n") ? nil : String(text)
  }

  static func inside(_ statements: [SwiftStatement]) -> String {
    if let only = plain(statements) { return "{ \(only) }" }
    var printer = SwiftPrinter()
    printer.block("{") { out in out.print(statements) }
    return String(printer.text.dropLast())
  }

  private mutating func print(_ statement: SwiftStatement) {
    switch statement {
    case .constant(let name, let type, let value): line("let \(name)\(Self.text(type)) = \(Self.tried(value))")
    case .variable(let name, let type, let value): line("var \(name)\(Self.text(type)) = \(Self.tried(value))")
    case .assign(let target, let value): line("\(Self.text(target)) = \(Self.tried(value))")
    case .increment(let target): line("\(Self.text(target)) += 1")
    case .evaluate(let value): line(Self.tried(value))
    case .exit(nil): line("return")
    case .exit(let value?):
      if isLocated { line("return \(Self.tried(value))") } else { wrapped(value.isThrowing ? "return try " : "return ", value) }
    case .fail(let value): line("throw \(Self.tried(value))")
    case .require(let conditions, let otherwise): line("guard \(Self.text(conditions)) else \(Self.inside(otherwise))")
    case .when(let conditions, let then): line("if \(Self.text(conditions)) \(Self.inside(then))")
    case .each(let name, let list, let statements): line("for \(name) in \(Self.tried(list)) \(Self.inside(statements))")
    case .loop(let statements, let test): line("repeat \(Self.inside(statements)) while \(Self.tried(test))")
    case .attempt(let statements, let otherwise):
      line("do throws(EventFailure) \(Self.inside(statements)) catch \(Self.inside(otherwise))")
    case .choose(let value, let cases):
      line("switch \(Self.tried(value)) {")
      for choice in cases {
        let head = choice.pattern.map { "case \(Self.text($0)):" } ?? "default:"
        if let only = Self.plain(choice.body), head.count + only.count < Self.width {
          line("\(head) \(only)")
        } else {
          block(head, tail: nil) { out in out.print(choice.body) }
        }
      }
      line("}")
    case .location(let file, let number):
      isLocated = true
      line("#sourceLocation(file: \(Swift.string(file)), line: \(number))")
    case .endOfLocation:
      isLocated = false
      line("#sourceLocation()")
    }
  }

  private static func text(_ conditions: [SwiftCondition]) -> String {
    conditions.map { condition in
      switch condition {
      case .test(let value): tried(value)
      case .binding(let name, let value): "let \(name) = \(tried(value))"
      }
    }.joined(separator: ", ")
  }
}

/// A file of Swift, without its place.
struct SwiftFile {
  var comments: [String] = []
  var imports: [String] = []
  var declarations: [SwiftDeclaration]
}
