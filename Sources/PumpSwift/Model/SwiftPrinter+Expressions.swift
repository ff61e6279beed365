extension SwiftPrinter {
  /// The expression as the whole right side of a statement.
  static func tried(_ value: SwiftExpression) -> String {
    (value.isThrowing ? "try " : "") + bare(value)
  }

  /// Without the parentheses that an operator has among others.
  private static func bare(_ value: SwiftExpression) -> String {
    if case .binary(let left, let sign, let right) = value { "\(text(left)) \(sign) \(text(right))" } else { text(value) }
  }

  static func text(_ value: SwiftExpression) -> String {
    switch value {
    case .name(let name): name
    case .string(let text): Swift.string(text)
    case .interpolation(let parts):
      "\""
        + parts.map { part in
          if case .string(let text) = part { String(Swift.string(text).dropFirst().dropLast()) } else { "\\(\(text(part)))" }
        }
        .joined() + "\""
    case .number(let digits): digits
    case .type(let type): type.text
    case .member(let base, let name): "\(text(base)).\(name)"
    case .optionalMember(let base, let name): "(\(text(base))?.\(name))"
    case .unwrapped(let base): "\(text(base))!"
    case .element(let base, let index): "\(text(base))[\(text(index))]"
    case .call(let function, let arguments, let trailing, _):
      if let trailing {
        text(function) + (arguments.isEmpty ? "" : "(\(list(arguments)))") + " " + text(trailing)
      } else {
        "\(text(function))(\(list(arguments)))"
      }
    case .labeled(let label, let value): "\(label): \(text(value))"
    case .reference(let value): "&\(text(value))"
    case .closure(let closure): text(closure)
    case .not(let value): isPrimary(value) ? "!\(text(value))" : "!(\(text(value)))"
    case .binary(let left, let sign, let right): "(\(text(left)) \(sign) \(text(right)))"
    case .conditional(let test, let yes, let no): "(\(text(test)) ? \(text(yes)) : \(text(no)))"
    case .cast(let value, let type): "(\(text(value)) as \(type.text))"
    case .array(let items): "[\(list(items))]"
    case .dictionary(let entries):
      entries.isEmpty ? "[:]" : "[\(entries.map { "\(text($0.key)): \(text($0.value))" }.joined(separator: ", "))]"
    case .tuple(let items): "(\(list(items)))"
    }
  }

  /// Whether a sign before it is a sign before all of it.
  private static func isPrimary(_ value: SwiftExpression) -> Bool { if case .not = value { false } else { true } }

  private static func list(_ items: [SwiftExpression]) -> String { items.map(text).joined(separator: ", ") }

  private static func text(_ closure: SwiftClosure) -> String { head(closure) + inside(closure.body).dropFirst() }

  /// `{ client, batch throws(RunFailure) in`, or the brace alone.
  private static func head(_ closure: SwiftClosure) -> String {
    var head = closure.parameters.map { $0.name + text($0.type) }.joined(separator: ", ")
    let isWhole = closure.parameters.allSatisfy { $0.type != nil } && (closure.error != nil || closure.result != nil)
    if isWhole { head = "(\(head))" }
    if let error = closure.error { head += " throws(\(error))" }
    if let result = closure.result { head += " -> \(result.text)" }
    return head.isEmpty ? "{" : "{ \(head) in"
  }

  // MARK: Values of several lines

  /// Writes `head` and the value, on one line if it fits; else each part of the value has a line of its own.
  mutating func wrapped(_ head: String, _ value: SwiftExpression, tail: String = "") {
    let whole = head + Self.bare(value) + tail
    guard whole.count > Self.width else { return line(whole) }
    if case .call(let function, let arguments, let trailing?, _) = value {
      let call = Self.text(.call(function, arguments))
      return block("\(head)\(call) \(Self.head(trailing))", tail: "}" + tail) { out in out.print(trailing.body) }
    }
    guard let group = Self.group(value), !group.items.isEmpty else { return line(whole) }
    block(head + group.open, tail: group.close + tail) { out in
      for (index, item) in group.items.enumerated() {
        let isLast = index == group.items.count - 1
        out.wrapped("", item, tail: isLast && group.close.hasPrefix(")") ? "" : ",")
      }
    }
  }

  private static func group(_ value: SwiftExpression) -> (open: String, items: [SwiftExpression], close: String)? {
    switch value {
    case .call(let function, let arguments, nil, _):
      // What a call wraps alone shares its lines.
      if arguments.count == 1, let inner = group(arguments[0]) {
        ("\(text(function))(\(inner.open)", inner.items, "\(inner.close))")
      } else {
        ("\(text(function))(", arguments, ")")
      }
    // Keys of records may be many, and are short.
    case .array(let items): items.allSatisfy { if case .string = $0 { true } else { false } } ? nil : ("[", items, "]")
    case .dictionary(let entries): ("[", entries.map { .labeled(text($0.key), $0.value) }, "]")
    case .labeled(let label, let value): group(value).map { ("\(label): \($0.open)", $0.items, $0.close) }
    default: nil
    }
  }
}
