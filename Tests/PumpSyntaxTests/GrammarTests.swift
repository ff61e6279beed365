import Foundation
import PumpSyntax
import PumpTestSupport
import Testing

/// The grammar file and the parser agree: sentences made from each production, at random, have no error of syntax.
@Suite struct GrammarTests {
  private static let grammar = Grammar(try! String(contentsOfFile: Support.root + "/grammar/pump.ebnf", encoding: .utf8))

  /// Tokens are written as themselves; everything else is exercised.
  static let productions = grammar.order.filter {
    Grammar.tokens[$0] == nil && !["comment", "escape", "reserved", "digits", "file"].contains($0)
  }

  @Test(arguments: productions) func production(_ name: String) {
    var random = Support.Random(UInt64(name.utf8.count) &* 977)
    var seen = 0
    let reach = Self.grammar.holding(name)
    for _ in 0..<40 {
      var maker = Maker(grammar: Self.grammar, wanted: name, reach: reach, random: random)
      let text = maker.file()
      random = maker.random
      seen += maker.count
      let problem = Parser.parse(SourceText(path: "made.pump", text: text)).1.first { $0.severity == .error }
      let said = problem.map { "\($0.message) at \($0.span.start) in\n\(text)" }
      #expect(said == nil)
      if said != nil { return }
    }
    #expect(seen > 0, "no sentence holds \(name)")
  }

  /// Each step that the parser knows begins a production of `step`, which the sentences above are made from.
  @Test func everyStepIsInTheGrammar() {
    let steps = Self.grammar.rules["step"]!
    let known = steps.names.reduce(into: steps.texts) { $0.formUnion(Self.grammar.rules[$1]!.texts) }
    #expect(Parser.stepWords.subtracting(known).isEmpty)
  }

  /// The grammar of editors colours the words of declarations, of steps, and of what follows in steps of many events.
  @Test func editorsKnowTheWords() throws {
    let data = try Data(contentsOf: URL(fileURLWithPath: Support.root + "/grammar/pump.tmLanguage.json"))
    let file = try #require(JSONSerialization.jsonObject(with: data) as? [String: Any])
    let groups = try #require(file["repository"] as? [String: [String: Any]])
    let rules = try ["declarations", "steps"].flatMap { try #require(groups[$0]?["patterns"] as? [[String: Any]]) }
    let patterns = try rules.compactMap { $0["match"] as? String }.map { try NSRegularExpression(pattern: $0) }
    func colours(_ word: String, in line: String) -> Bool {
      patterns.contains { pattern in
        let found = pattern.firstMatch(in: line, range: NSRange(line.startIndex..., in: line))
        return found.flatMap { Range($0.range, in: line) }.map { line[$0].hasPrefix(word) } ?? false
      }
    }
    for item in Self.grammar.rules["item"]!.names where item != "language" {
      guard case .sequence(let parts)? = Self.grammar.rules[item], case .text(let word) = parts[0] else { continue }
      #expect(colours(word, in: word + " x"), "\(word)")
    }
    let clauses = ["time step", "group", "by", "window", "join", "dedupe", "previous", "running", "fold", "order", "within", "limit"]
    let words = clauses.reduce(into: Parser.stepWords) { $0.formUnion(Self.grammar.rules[$1]!.texts) }
    for word in words where word.allSatisfy(\.isLetter) && word != "as" {
      #expect(colours(word, in: "    \(word) x"), "\(word)")
      #expect(!colours(word, in: "    .\(word)") && !colours(word, in: "    \(word): Int"), "\(word) is a field here")
    }
  }

  @Test func everyNameIsDefined() {
    let grammar = Self.grammar
    let known = Set(grammar.order + ["sep", "letter", "digit", "character", "any", "hex", "time"])
    for (name, body) in grammar.rules { #expect(body.names.subtracting(known).isEmpty, "\(name)") }
  }
}

/// ISO-like EBNF, as far as the grammar file uses it.
struct Grammar: Sendable {
  indirect enum Node: Sendable {
    case text(String)
    case name(String)
    case sequence([Node])
    case choice([Node])
    case optional(Node)
    case many(Node)

    var names: Set<String> {
      switch self {
      case .text: []
      case .name(let name): [name]
      case .sequence(let parts), .choice(let parts): parts.reduce(into: []) { $0.formUnion($1.names) }
      case .optional(let inner), .many(let inner): inner.names
      }
    }

    var texts: Set<String> {
      switch self {
      case .text(let text): [text]
      case .name: []
      case .sequence(let parts), .choice(let parts): parts.reduce(into: []) { $0.formUnion($1.texts) }
      case .optional(let inner), .many(let inner): inner.texts
      }
    }
  }
  var rules: [String: Node] = [:]
  var order: [String] = []
  /// Productions of single tokens, with texts that they stand for.
  static let tokens: [String: [String]] = [
    "literal": [
      "true", "false", "null", "1", "1.5", "\"t\"", "\"a \\(it) b\"", "\"\"\"\n  block\n  \"\"\"", "r\"a+\"", "5s", "64KiB", "2026-01-01",
      "2026-01-01T00:00:00Z",
    ],
    "name": ["alpha", "beta_1", "gamma"], "word": ["alpha", "if", "beta_1"], "number": ["1", "2_000", "1.5"],
    "duration": ["5s", "100ms"], "size": ["64KiB"], "date": ["2026-01-01"], "timestamp": ["2026-01-01T00:00:00Z"],
    "string": ["\"text\""], "raw string": ["r\"a+\""],
  ]

  init(_ text: String) {
    let plain = text.replacing(/\(\*[^*]*(\*+[^*)][^*]*)*\*+\)/, with: "")
    for rule in plain.split(separator: /\s;\s/) {
      guard let equal = rule.firstRange(of: " = ") else { continue }
      let name = rule[..<equal.lowerBound].trimmingCharacters(in: .whitespacesAndNewlines)
      var reader = Reader(tokens: Self.tokens(String(rule[equal.upperBound...])))
      order.append(name)
      rules[name] = reader.choice()
    }
  }

  /// Productions that hold a wanted one, with how many others lie between.
  func holding(_ wanted: String) -> [String: Int] {
    var result = [wanted: 0]
    for distance in 1... {
      let more = rules.filter {
        result[$0.key] == nil && Grammar.tokens[$0.key] == nil && !$0.value.names.isDisjoint(with: result.keys)
      }
      if more.isEmpty { break }
      for name in more.keys { result[name] = distance }
    }
    return result
  }

  private static func tokens(_ text: String) -> [String] {
    text.matches(of: /"[^"]*"|'[^']*'|[A-Za-z][A-Za-z ]*[A-Za-z]|[A-Za-z]|[\[\]{}(),|*-]|[0-9]+/).map { String($0.output) }
  }

  private struct Reader {
    let tokens: [String]
    var place = 0
    var next: String? { place < tokens.count ? tokens[place] : nil }

    mutating func choice() -> Node {
      var options = [sequence()]
      while next == "|" {
        place += 1
        options.append(sequence())
      }
      return options.count == 1 ? options[0] : .choice(options)
    }

    private mutating func sequence() -> Node {
      var parts = [item()]
      while next == "," {
        place += 1
        parts.append(item())
      }
      return parts.count == 1 ? parts[0] : .sequence(parts)
    }

    private mutating func item() -> Node {
      let token = tokens[place]
      place += 1
      switch token {
      case "[", "{", "(":
        let inner = choice()
        place += 1
        return token == "[" ? .optional(inner) : token == "{" ? .many(inner) : inner
      case let count where Int(count) != nil:
        // `4 * digit`: part of a token, which is written as itself.
        place += 1
        return item()
      default:
        let node: Node = token.first == "\"" || token.first == "'" ? .text(String(token.dropFirst().dropLast())) : .name(token)
        // `word - reserved`: the texts of tokens are chosen so.
        if next == "-" { place += 2 }
        return node
      }
    }
  }
}

/// Writes random sentences, with at least one of a wanted production where it can be had.
private struct Maker {
  let grammar: Grammar
  let wanted: String
  var random: Support.Random
  var count = 0
  private var out = ""
  private var depth = 0
  private var quiet = 0
  /// Tokens left until only what ends is written.
  private var budget = 60
  private var isDeep: Bool { budget < 0 || depth > 40 }
  /// Productions that hold the wanted one, at any depth.
  private let reach: [String: Int]

  init(grammar: Grammar, wanted: String, reach: [String: Int], random: Support.Random) {
    self.grammar = grammar
    self.wanted = wanted
    self.reach = reach
    self.random = random
  }

  private func leads(_ node: Grammar.Node) -> Bool { count == 0 && quiet == 0 && distance(node) != nil }
  private func distance(_ node: Grammar.Node) -> Int? { node.names.compactMap { reach[$0] }.min() }

  mutating func file() -> String {
    make(.name(wanted == "language" ? wanted : "item"))
    return out
  }

  private mutating func make(_ node: Grammar.Node) {
    switch node {
    case .text(let text): write(text)
    // Column 1 is for declarations.
    case .name("sep"): out += "\n  "
    case .name(let name):
      if name == wanted { count += 1 }
      if name == "expr", count > 0 || quiet > 0 || reach["expr"] == nil {
        // Around what is exercised, short ones.
        return write(["1", "it", "f(it, .b)", "if it then 1 else 2", "\"t\"", "[1, 2]"].randomElement(using: &random)!)
      }
      if let texts = Grammar.tokens[name] { return write(texts.randomElement(using: &random)!) }
      depth += 1
      make(grammar.rules[name]!)
      depth -= 1
    case .sequence(let parts):
      // Only the part that is nearest leads on: of two that could, the first might lead here again and again.
      let nearest = quiet == 0 && count == 0 ? parts.indices.min { distance(parts[$0]) ?? .max < distance(parts[$1]) ?? .max } : nil
      for (index, part) in parts.enumerated() {
        let isAside = nearest.map { index < $0 } ?? false
        if isAside { quiet += 1 }
        make(part)
        if isAside { quiet -= 1 }
      }
    case .choice(let all):
      // The value of a `let` ends at `in`.
      let options = all.filter { if case .text("in") = $0 { !out.contains("let ") } else { true } }
      let leading = options.filter { leads($0) }
      // In the end, only what ends: the shortest way there, or the last alternative with the fewest names.
      let ending = leading.min { distance($0)! < distance($1)! } ?? options.reversed().min { $0.names.count < $1.names.count }!
      let fitting = depth > 25 || isDeep ? [ending] : leading.isEmpty ? options : leading
      make(fitting.randomElement(using: &random)!)
    case .optional(let inner): if leads(inner) || (!isDeep && Int.random(in: 0..<3, using: &random) == 0) { make(inner) }
    case .many(let inner):
      if leads(inner) { make(inner) }
      if !isDeep { for _ in 0..<[0, 0, 1, 2].randomElement(using: &random)! { make(inner) } }
    }
  }

  /// Signs that belong to the word beside them have no space there.
  private mutating func write(_ text: String) {
    let glued = out.last.map { "@.( ".contains($0) } ?? true
    let binds =
      [".", "?.", ",", ")", "?", ":", "%"].contains(text)
      || ((text == "(" || text == "[") && (out.last.map { $0.isLetter || $0.isNumber || $0 == "_" || $0 == ")" } ?? false))
    if !glued, !binds { out += " " }
    budget -= 1
    out += text
  }
}
