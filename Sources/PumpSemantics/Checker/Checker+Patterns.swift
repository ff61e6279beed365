import PumpPlan
import PumpSyntax

/// Regular expressions: those that are known now are compiled now, so that their mistakes are found before any event. What
/// they refer to by `%{name}` is written out here, so that nothing behind the checker knows of it.
extension Checker {
  /// Patterns that grow by what they name are no longer than this.
  private static let patternLimit = 50_000
  private static let patternDepth = 32

  /// A pattern where one is due, as it was written and as it has been checked.
  func pattern(_ value: Expr, _ syntax: ExprSyntax?, _ span: Span) -> Expr {
    guard case .literal(.string(var text)) = value.kind else { return value }
    if let syntax, case .literal(.regex) = syntax.kind {
      guard let whole = expanded(text, at: syntax.span) else { return Self.erroneous }
      text = whole
    }
    if let problem = patternProblem(text) {
      reportBadPattern(problem, span)
      return Self.erroneous
    }
    return Expr(.literal(.string(text)), value.type)
  }

  private func reportBadPattern(_ problem: String, _ span: Span) {
    report(
      .badRegex, span, "this is no regular expression: \(problem)",
      help: "patterns have classes, groups, `|`, the counts * + ? {n,m}, and the flags i, m, s; neither look-around nor back-references")
  }

  /// The patterns that the program declares, whether they are used or not.
  func checkPatterns() {
    for name in order.patterns {
      if NamedPattern.byName[name] != nil {
        report(
          .takenName, patterns[name]!.name.span, "`\(name)` is a pattern of the library", help: "choose another name, such as `my_\(name)`")
      }
      _ = expanded(pattern: name)
    }
  }

  /// Nil where it has a mistake, which has been told.
  private func expanded(pattern name: String) -> String? {
    if let known = expandedPatterns[name] { return known }
    let syntax = patterns[name]!
    guard !expandingPatterns.contains(name) else {
      let circle = expandingPatterns.drop { $0 != name } + [name]
      report(
        .badRegex, syntax.name.span, "pattern `\(name)` contains itself: \(circle.joined(separator: " → "))",
        help: "write out one of them; what repeats is counted by * + {n,m}")
      return nil
    }
    guard expandingPatterns.count < Self.patternDepth else {
      report(
        .badRegex, syntax.name.span, "patterns name each other more than \(Self.patternDepth) deep", help: "write out some of them")
      return nil
    }
    expandingPatterns.append(name)
    var text = expanded(syntax.text, at: syntax.literal)
    expandingPatterns.removeLast()
    if let whole = text, let problem = patternProblem(whole) {
      reportBadPattern(problem, syntax.literal)
      text = nil
    }
    expandedPatterns[name] = .some(text)
    return text
  }

  /// A text with what it refers to; it stands in a raw string.
  private func expanded(_ text: String, at literal: Span) -> String? {
    guard text.utf8.contains(UInt8(ascii: "%")) else { return text }
    let first =
      (literal.text.utf8.firstIndex(of: UInt8(ascii: "\"")).map { literal.text.utf8.distance(from: literal.text.startIndex, to: $0) } ?? 0)
      + 1
    func span(_ range: Range<Int>) -> Span {
      Span(literal.source, literal.start + first + range.lowerBound..<literal.start + first + range.upperBound)
    }
    var result = ""
    for part in PatternParts(text).parts {
      switch part {
      case .text(let text): result += text
      case .malformed(let range):
        report(
          .badRegex, span(range), "a reference to a pattern is written `%{name}` or `%{name:group}`",
          help: #"the text `%{` itself is written `\%{`"#)
        return nil
      case .reference(let name, let group, let range):
        guard let inner = referred(name, span(range)) else { return nil }
        result += "(?\(group.map { "<\($0)>" } ?? ":")\(inner))"
      }
      guard result.utf8.count <= Self.patternLimit else {
        report(
          .badRegex, literal, "with the patterns that it names this is longer than \(Self.patternLimit) bytes",
          help: "name each of them less often, or count what repeats by {n,m}")
        return nil
      }
    }
    return result
  }

  private func referred(_ name: String, _ span: Span) -> String? {
    if patterns[name] != nil {
      symbols.use(.pattern, name, at: span)
      return expanded(pattern: name)
    }
    if let known = NamedPattern.byName[name] { return known.expanded }
    reportUnknown(
      .unknownPattern, Name(text: name, span: span), "pattern", among: order.patterns + NamedPattern.all.map(\.name),
      otherwise: #"declare it by `pattern \#(name) = r"…"`; `pumpc explain patterns` lists the library's"#)
    return nil
  }
}

extension NamedPattern {
  /// Without references: those of the library lead to patterns that stand before them.
  public var expanded: String {
    PatternParts(text).parts.map { part in
      switch part {
      case .text(let text): text
      case .reference(let name, _, _): "(?:\(Self.byName[name]!.expanded))"
      case .malformed: preconditionFailure("the library's patterns are well formed")
      }
    }.joined()
  }
}
