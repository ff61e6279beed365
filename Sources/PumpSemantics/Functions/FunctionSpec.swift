import PumpPlan
import PumpSyntax

/// One function or operator of the library: its overloads as text, what it does, and an example that tests evaluate to true.
/// Its implementation is `Fn` of the runtime, under the same name in camel case.
public final class FunctionSpec: Sendable {
  public let name: String
  public let group: String
  public let signatures: [Signature]
  public let docs: String
  public let example: String
  /// Whether evaluating it can fail an event.
  public let fails: Bool
  /// How an operator is written: `+`, `-x`, `x[i]`; nil if it is called by its name.
  public let sign: String?
  /// The parameter that is a regular expression: a literal one is compiled by the checker.
  let regex: String?
  /// The parameter that is the pattern of a time.
  let timePattern: String?
  /// The parameter that is given by its name only.
  let labelled: String?

  init(
    _ group: String, _ signatures: [String], _ docs: String, _ example: String, fails: Bool = false, labelled: String? = nil,
    regex: String? = nil, timePattern: String? = nil, sign: String? = nil
  ) {
    self.group = group
    self.signatures = signatures.map(Signature.init(parsing:))
    name = String(signatures[0].prefix { $0 != "(" })
    self.docs = docs
    self.example = example
    self.fails = fails
    self.labelled = labelled
    self.regex = regex
    self.timePattern = timePattern
    self.sign = sign
  }

  /// The functions that are called by their names.
  public static let all: [FunctionSpec] =
    textFunctions + numberFunctions + timeFunctions + listFunctions + encodingFunctions + jsonFunctions
  public static let byName: [String: FunctionSpec] = Dictionary(uniqueKeysWithValues: all.map { ($0.name, $0) })
  static let bySign: [String: FunctionSpec] = Dictionary(uniqueKeysWithValues: operators.map { ($0.sign!, $0) })
  /// All that a call in a plan can name.
  public static let entries: [String: FunctionSpec] = Dictionary(uniqueKeysWithValues: (all + operators).map { ($0.name, $0) })

  /// The names of those that can fail an event.
  static let failing = Set((all + operators).filter(\.fails).map(\.name))

  /// Whether Swift has the operator under the same sign, without failures.
  public var isComparison: Bool { group == "comparisons" }

  /// The overload that takes exactly these types.
  func signature(_ types: [Type]) -> Signature? {
    signatures.first { signature in
      zip(signature.parameters, types).allSatisfy { if case .type(let type) = $0.pattern { type == $1 } else { false } }
    }
  }
}

/// The type of a parameter, where single capital letters stand for any type.
public indirect enum Pattern: Sendable {
  case type(Type)
  case variable(String)
  case list(Pattern)
  case map(Pattern)
  case optional(Pattern)
  case lambda(Pattern, Pattern)
}

public struct Signature: Sendable {
  public struct Parameter: Sendable {
    public let name: String
    public let pattern: Pattern
    public let value: Literal?
  }
  public let text: String
  public let parameters: [Parameter]
  public let result: Pattern

  /// Reads `name(x: T, f: T => U, n: Int = 2) -> [U]`; only the library's own text comes here.
  init(parsing text: String) {
    self.text = text
    var reader = PatternReader(text)
    var parameters: [Parameter] = []
    reader.skip(2)
    while !reader.take(")") {
      let name = reader.word()
      reader.skip(1)
      let pattern = reader.pattern()
      parameters.append(Parameter(name: name, pattern: pattern, value: reader.take("=") ? reader.literal() : nil))
      _ = reader.take(",")
    }
    reader.skip(1)
    result = reader.pattern()
    self.parameters = parameters
  }
}

private struct PatternReader {
  let source: SourceText
  let tokens: [Token]
  var index = 0

  init(_ text: String) {
    source = SourceText(path: "library", text: text)
    tokens = Lexer.lex(source).tokens
  }

  mutating func skip(_ count: Int) { index += count }

  mutating func word() -> String {
    defer { index += 1 }
    return source.text(tokens[index].start..<tokens[index].end)
  }

  mutating func take(_ sign: String) -> Bool {
    guard source.text(tokens[index].start..<tokens[index].end) == sign else { return false }
    index += 1
    return true
  }

  mutating func literal() -> Literal {
    let word = word()
    if let number = Int64(word) { return .int(number) }
    return word == "true" || word == "false" ? .bool(word == "true") : .string(String(word.dropFirst().dropLast()))
  }

  mutating func pattern() -> Pattern {
    var result: Pattern
    if take("[") {
      let first = pattern()
      result = take(":") ? .map(pattern()) : .list(first)
      _ = take("]")
    } else {
      let name = word()
      result = name.count == 1 ? .variable(name) : .type(Type.scalars[name]!)
    }
    while take("?") { result = .optional(result) }
    if take("=>") { result = .lambda(result, pattern()) }
    return result
  }
}

extension Type {
  /// The types that have a name of their own in the language.
  public static let scalars: [String: Type] = [
    "Bool": .bool, "Int": .int, "Float": .float, "Decimal": .decimal, "String": .string, "Bytes": .bytes,
    "Timestamp": .timestamp, "Date": .date, "Duration": .duration, "Size": .size, "Uuid": .uuid, "Json": .json,
    "Secret": .secret,
  ]
}
