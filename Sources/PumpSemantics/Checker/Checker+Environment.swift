import PumpPlan
import PumpSyntax

extension Checker {
  /// `"${NAME}"` in a spec is text: configuration files replace it, specs have `env.NAME`. True if a string has one.
  @discardableResult
  func reportReference(_ syntax: StringSyntax) -> Bool {
    let literal = syntax.span.text
    guard literal.utf8.contains(UInt8(ascii: "$")) else { return false }
    let found = references(literal)
    guard let first = found.first else { return false }
    let isWhole =
      found.count == 1 && first.range.lowerBound == literal.index(after: literal.startIndex)
      && literal.distance(from: first.range.upperBound, to: literal.endIndex) == 1
    var repaired = literal
    for reference in found.reversed() { repaired.replaceSubrange(reference.range, with: "\\(\(reference.expression))") }
    if isWhole { repaired = first.expression }
    report(
      .reference, syntax.span, "`\(literal[first.range])` stays as it is: it is replaced in pipelines.conf, not in a spec",
      help: "write `\(repaired)`", fix: literal.hasPrefix("r") ? nil : Fix("read the environment", .certain, [Edit(syntax.span, repaired)]))
    return true
  }

  /// Every `${NAME}` and `${NAME:-default}` of a literal, and what a spec writes for it.
  private func references(_ literal: String) -> [(range: Range<String.Index>, expression: String)] {
    var found: [(Range<String.Index>, String)] = []
    var rest = literal[...]
    while let start = rest.firstRange(of: "${"), let end = rest[start.upperBound...].firstIndex(of: "}") {
      let parts = rest[start.upperBound..<end].split(separator: ":-", maxSplits: 1, omittingEmptySubsequences: false)
      let name = parts[0]
      if let first = name.first, !first.isNumber, name.allSatisfy({ $0 == "_" || $0.isASCII && ($0.isLetter || $0.isNumber) }) {
        let otherwise = parts.count == 2 ? " ?? \"\(parts[1])\"" : ""
        found.append((start.lowerBound..<literal.index(after: end), "env.\(name)\(otherwise)"))
      }
      rest = literal[literal.index(after: end)...]
    }
    return found
  }
}
