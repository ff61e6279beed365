import PumpPlan
import PumpSyntax

extension Checker {
  /// How a value of a test is held against the type.
  enum TestValueKind {
    /// What is expected, or a part of it.
    case part
    /// An event of a typed source: nothing is missing.
    case event
    /// A document that is decoded: nothing is missing, and what the type does not know is skipped.
    case document
  }

  /// A value of a test as JSON; names of fields and cases are checked against the type where it is known.
  func json(_ syntax: ExprSyntax, _ type: Type?, as kind: TestValueKind = .part) -> JSONLiteral {
    let type = type?.wrapped
    switch syntax.kind {
    case .literal(let literal):
      switch literal {
      case .null: return .null
      case .bool(let value): return .bool(value)
      case .integer(let text), .fraction(let text): return .number(text)
      case .regex(let text): return .string(isText(of: type, kind) ? Base64.encoded(text) : text)
      case .duration(let text), .date(let text), .timestamp(let text): return .string(text)
      case .size(let text): return .number(String(Quantity.size(text) ?? 0))
      }
    case .string(let text):
      if text.plain == nil { report(.badTestData, syntax.span, "a test's text is plain", help: "write it without `\\( )`") }
      return .string(isText(of: type, kind) ? Base64.encoded(text.plain ?? "") : text.plain ?? "")
    case .call(let name, let arguments) where type == .bytes && name.text == "from_base64" && arguments.count == 1:
      if case .string(let text) = arguments[0].value.kind, let plain = text.plain { return .string(plain) }
    case .unary(.minus, let operand):
      if case .number(let text) = json(operand, type) { return .number("-" + text) }
    case .name(let word):
      if case .enumeration(let enumeration)? = type {
        if let item = enumeration.cases.first(where: { $0.name == word }) { return .string(item.wire) }
        reportUnknown(.unknownCase, Name(text: word, span: syntax.span), "case of \(type!)", among: enumeration.cases.map(\.name))
      }
      return .string(word)
    case .member(let base, let name, _):
      if case .name = base.kind { return json(ExprSyntax(kind: .name(name.text), span: syntax.span), type) }
    case .list(let items):
      let element: Type? = if case .list(let inner)? = type { inner } else { nil }
      return .array(items.map { json($0, element, as: kind) })
    case .record(let items):
      switch type {
      case nil, .record?, .map?, .json?, .erroneous?: break
      // Of a document the decoder says what is wrong with it.
      case let wanted? where kind != .document:
        report(.badTestData, syntax.span, "a record stands here, \(wanted) is due", help: nil)
        return .null
      default: break
      }
      var members: [JSONLiteral.Member] = []
      var isMistaken = false
      for case .field(let name, let value) in items {
        var inner: Type?
        var key = name.text
        switch type {
        case .record(let record)?:
          if let field = record.fields.first(where: { !$0.isRest && ($0.name == name.text || $0.wire == name.text) }) {
            inner = field.type
            key = field.wire
          } else if record.rest == nil, kind != .document || isMistyped(name, items, record) {
            reportUnknown(.unknownField, name, "field", among: record.fields.map(\.name))
            isMistaken = true
            continue
          }
        case .map(let element)?: inner = element
        default: break
        }
        members.append(.init(key: key, value: value.map { json($0, inner, as: kind) } ?? .null))
      }
      if kind != .part, !isMistaken, case .record(let record)? = type {
        let missing = record.fields.filter { field in
          !field.isRest && !field.type.isOptional && field.value == nil && !members.contains { $0.key == field.wire }
        }
        if let first = missing.first {
          let names = missing.map { "`\($0.name)`" }
          report(
            .badTestData, syntax.span,
            missing.count == 1 ? "field `\(first.name)` is missing" : "fields \(names.joined(separator: ", ")) are missing",
            help: "write \(missing.count == 1 ? "it" : "them"); an event that lacks one on purpose is given as text: `given \"{…}\"`")
        }
      }
      return .object(members)
    default: break
    }
    report(.badTestData, syntax.span, "a test's data are literals", help: "write the value itself")
    return .null
  }

  /// Whether a text stands for its bytes, which JSON has in base64. A document is written as it comes.
  private func isText(of type: Type?, _ kind: TestValueKind) -> Bool { type == .bytes && kind != .document }

  /// A text that a source of Bytes gives, in quotes or raw.
  static func plain(_ expression: ExprSyntax) -> String? {
    switch expression.kind {
    case .string(let text): text.plain ?? ""
    case .literal(.regex(let text)): text
    default: nil
    }
  }

  /// Whether a field that the type does not know stands for one of it that is not there.
  private func isMistyped(_ name: Name, _ items: [ExprSyntax.RecordItem], _ record: RecordType) -> Bool {
    let given = items.compactMap { if case .field(let name, _) = $0 { name.text } else { nil } }
    let left = record.fields.filter { !given.contains($0.name) && !given.contains($0.wire) }.map(\.name)
    return nearest(to: name.text, in: left) != nil
  }
}
