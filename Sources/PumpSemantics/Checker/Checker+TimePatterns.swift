import PumpPlan
import PumpSyntax

/// Patterns of times that are written as literals: what is wrong with them is known before any event comes.
extension Checker {
  func checkTimePattern(of function: FunctionSpec, _ call: Expr, _ arguments: [ArgumentSyntax], _ whole: Span) {
    guard let name = function.timePattern, let place = function.signatures[0].parameters.firstIndex(where: { $0.name == name }),
      case .call(_, let values) = call.kind, case .literal(.string(let text)) = values[place].kind
    else { return }
    let argument = arguments.first { $0.label?.text == name } ?? (arguments.count > place ? arguments[place] : nil)
    let span = argument?.value.span ?? whole
    let known = function.docs.matches(of: /%[A-Za-z%]/).map { String($0.output) }.reduce(into: [String]()) { list, sign in
      if !list.contains(sign) { list.append(sign) }
    }
    let signs = "its signs are \(known.joined(separator: " "))"
    let written = text.matches(of: /%./).map { String($0.output) }
    if let unknown = written.first(where: { !known.contains($0) }) {
      report(.badValue, span, "`\(unknown)` has no meaning in the pattern of `\(function.name)`", help: signs)
    } else if written.isEmpty {
      report(
        .badValue, span, "a time's pattern has signs such as `%Y`, this one has none",
        help: Self.timePattern(of: text).map { "write `\"\($0)\"`" } ?? signs)
    }
  }

  /// The pattern as Java, JavaScript's libraries and Go write it, in our signs; nil where a part of it has none.
  private static func timePattern(of text: String) -> String? {
    let words = text.contains("2006") ? layoutWords : letterWords
    var result = ""
    var rest = text[...]
    while let character = rest.first {
      if let (word, sign) = words.first(where: { rest.hasPrefix($0.word) }) {
        result += sign
        rest.removeFirst(word.count)
      } else if character == "'", words.count == letterWords.count, let end = rest.dropFirst().firstIndex(of: "'") {
        result += rest[rest.index(after: rest.startIndex)..<end]
        rest = rest[rest.index(after: end)...]
      } else if character == "T" || !(character.isLetter || character.isNumber) {
        result.append(rest.removeFirst())
      } else {
        return nil
      }
    }
    return result.contains("%") ? result : nil
  }

  /// Longer words before those that they begin with.
  private static let letterWords: [(word: String, sign: String)] = [
    ("yyyy", "%Y"), ("YYYY", "%Y"), ("uuuu", "%Y"), ("yy", "%y"), ("YY", "%y"), ("MMM", "%b"), ("MM", "%m"), ("M", "%m"),
    ("DDD", "%j"), ("dd", "%d"), ("DD", "%d"), ("d", "%d"), ("D", "%d"), ("HH", "%H"), ("H", "%H"), ("mm", "%M"), ("m", "%M"),
    ("SSSSSS", "%f"), ("SSS", "%f"), ("ss", "%S"), ("s", "%S"), ("EEE", "%a"), ("XXX", "%z"), ("xxx", "%z"), ("Z", "%z"), ("X", "%z"),
  ]
  private static let layoutWords: [(word: String, sign: String)] = [
    ("2006", "%Y"), ("Z07:00", "%z"), ("-07:00", "%z"), ("-0700", "%z"), ("000000", "%f"), ("Jan", "%b"), ("Mon", "%a"), ("01", "%m"),
    ("02", "%d"), ("15", "%H"), ("04", "%M"), ("05", "%S"),
  ]
}
