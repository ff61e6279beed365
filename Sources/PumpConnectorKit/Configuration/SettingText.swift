extension Value {
  /// Reads what a configuration file or the environment says as a type: as a spec reads its literal, besides `yes`, `on` and the
  /// like, sizes without a unit and durations as ISO 8601. A list has commas between its elements; in brackets it is one of
  /// the spec, with texts in quotes where they hold commas. Nil if it is of another type.
  static func parse(_ string: String, _ shape: Shape) -> Value? {
    let context = Context()
    let text = Fn.trim(context.arena.copy(string), context)
    let plain = text.string
    switch shape.kind {
    case .bool:
      switch plain.lowercased() {
      case "true", "yes", "on", "1": return .bool(true)
      case "false", "no", "off", "0": return .bool(false)
      default: return nil
      }
    case .int: return number(plain).flatMap { Int64($0) }.map { .int($0) }
    case .float: return number(plain).flatMap { Double($0) }.flatMap { $0.isFinite ? .float($0) : nil }
    case .decimal: return number(plain).flatMap { Decimal($0) }.map { .decimal($0) }
    case .string: return .text(string)
    case .size: return (Int64(plain).flatMap { $0 >= 0 ? $0 : nil } ?? Quantity.size(plain)).map { .int($0) }
    case .timestamp: return Calendar.timestamp(text).map { .int($0.micros) }
    case .date: return Calendar.day(text).map { .int($0.days) }
    case .duration: return Calendar.duration(text).map { .int($0.micros) }
    case .uuid: return Uuid(text) == nil ? nil : .text(plain)
    case .bytes: return Base64.decode(text, context.arena) == nil ? nil : .text(plain)
    case .json: return (try? Fn.parseJson(text, context)) == nil ? nil : .text(plain)
    case .enumeration:
      if shape.cases.contains(plain) { return .text(plain) }
      return shape.wires.firstIndex(of: text).map { .text(shape.cases[$0]) }
    case .list:
      guard let parts = elements(plain) else { return nil }
      let values = parts.map { parse($0, shape.element!) }
      return values.contains { $0 == nil } ? nil : .list(values.map { $0! })
    case .map, .record: return nil
    }
  }

  /// Digits with a sign, a point and an exponent, where they are no more than that; `_` may stand between digits.
  private static func number(_ text: String) -> String? {
    var digits = text.replacing("_", with: "")
    if digits.first == "+" { digits.removeFirst() }
    let allowed = digits.utf8.allSatisfy { $0 &- 48 < 10 || "+-.eE".utf8.contains($0) }
    return allowed && digits.utf8.last.map { $0 &- 48 < 10 } ?? false ? digits : nil
  }

  /// The texts of a list's elements; nil if a bracket or a quote is not closed.
  private static func elements(_ text: String) -> [String]? {
    guard text.first == "[" else { return split(text[...]).map(trim).filter { !$0.isEmpty } }
    guard text.count > 1, text.last == "]" else { return nil }
    let parts = split(text.dropFirst().dropLast(), quotes: true).map(trim)
    if parts == [""] { return [] }
    let texts = parts.map { part -> String? in
      guard part.first == "\"" else { return part.isEmpty ? nil : part }
      let context = Context()
      return (try? Fn.parseJson(context.arena.copy(part), context)).map { Fn.toString($0, context).string }
    }
    return texts.contains(nil) ? nil : texts.map { $0! }
  }

  /// What stands between commas; with `quotes`, commas in quotes are text.
  private static func split(_ text: Substring, quotes: Bool = false) -> [Substring] {
    var parts: [Substring] = []
    var start = text.startIndex
    var isQuoted = false
    var isEscaped = false
    for index in text.indices {
      switch text[index] {
      case _ where isEscaped: isEscaped = false
      case "\\" where isQuoted: isEscaped = true
      case "\"" where quotes: isQuoted.toggle()
      case "," where !isQuoted:
        parts.append(text[start..<index])
        start = text.index(after: index)
      default: break
      }
    }
    return parts + [text[start...]]
  }

  private static func trim(_ text: Substring) -> String {
    text.trimmed { $0 == " " || $0 == "\t" || $0 == "\n" || $0 == "\r" }
  }
}
