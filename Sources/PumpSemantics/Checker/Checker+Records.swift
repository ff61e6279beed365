import PumpPlan
import PumpSyntax

/// A field of a record that an expression makes.
struct MadeField {
  let name: String
  /// The name on the wire: a field that was there keeps its own.
  var wire: String
  var value: Expr
  /// Names that the rest of an open record is known not to hold; nil for every other field.
  var lacks: Set<String>?

  init(_ name: String, _ value: Expr, wire: String? = nil) {
    (self.name, self.value, self.wire) = (name, value, wire ?? name)
  }

  /// The fields of a record as they are.
  static func all(of base: Expr) -> [MadeField] {
    let fields = base.type.record?.fields ?? []
    return fields.enumerated().map { index, field in
      var made = MadeField(field.name, Expr(.field(base, index), field.type), wire: field.wire)
      if field.isRest { made.lacks = Set(fields.map(\.wire)) }
      return made
    }
  }

  func renamed(_ name: String) -> MadeField {
    var made = MadeField(name, value, wire: name == self.name ? wire : name)
    made.lacks = lacks
    return made
  }
}

extension Checker {
  static let emptyObject = Expr(.call("to_json", [Expr(.map([], []), .map(.json))]), .json)

  /// `changes`: what does not fit the expected type gives the field its own, as `set` does.
  func record(_ items: [ExprSyntax.RecordItem], _ scope: Scope, _ expected: RecordType?, changes: Bool = false) -> Expr {
    var fields: [MadeField] = []
    var written: [String: Span] = [:]
    for item in items {
      switch item {
      case .field(let name, let syntax):
        let wanted = expected?.fields.first { $0.name == name.text }
        let source = syntax ?? ExprSyntax(kind: .field(name), span: name.span)
        let value =
          if let wanted, changes {
            changed(source, scope, from: wanted.type)
          } else {
            wanted.map { check(source, scope, as: $0.type, "`\(name.text)`") } ?? infer(source, scope)
          }
        if let first = written[name.text] {
          report(.duplicate, name.span, "field `\(name.text)` stands twice", help: "remove one of them", labels: [(first, "first here")])
          continue
        }
        written[name.text] = name.span
        if let index = fields.firstIndex(where: { $0.name == name.text }) {
          fields[index].value = value
          // What becomes the rest is looked through; what is no Json becomes a field like others.
          if fields[index].lacks != nil { fields[index].lacks = value.type == .json ? [] : nil }
        } else {
          guard isFree(name, among: fields) else { return Self.erroneous }
          fields.append(MadeField(name.text, value, wire: changes ? nil : wanted?.wire))
          if wanted?.isRest ?? false { fields[fields.count - 1].lacks = [] }
        }
      case .spread(let syntax):
        let base = infer(syntax, scope)
        if base.type == .erroneous { return base }
        if base.type == .json { return jsonObject(items, scope) }
        guard base.type.record != nil else {
          reportSpread(of: base, syntax)
          return Self.erroneous
        }
        for field in MadeField.all(of: base) { add(field, to: &fields) }
      }
    }
    if !changes, let rest = expected?.rest, !fields.contains(where: { $0.lacks != nil }) {
      var nothing = MadeField(expected!.fields[rest].name, Self.emptyObject)
      nothing.lacks = Set(expected!.fields.map(\.wire))
      fields.insert(nothing, at: min(rest, fields.count))
    }
    return makeRecord(fields)
  }

  /// A field of a record that is spread takes the place of one by its name; of two rests one is made, whose later members count.
  private func add(_ field: MadeField, to fields: inout [MadeField]) {
    var field = field
    if let lacks = field.lacks, let place = fields.firstIndex(where: { $0.lacks != nil }) {
      field.value = Expr(.call("merge", [fields[place].value, field.value]), .json)
      field.lacks = lacks.intersection(fields[place].lacks!)
      fields.remove(at: place)
    }
    if let place = fields.firstIndex(where: { $0.name == field.name }) { fields[place] = field } else { fields.append(field) }
  }

  private func reportSpread(of base: Expr, _ syntax: ExprSyntax) {
    // What `set { a.b: 1 }` reaches into is written without the dots.
    let isReached = if case .member = syntax.kind { !syntax.span.text.contains(".") } else { false }
    if base.type.wrapped.record != nil {
      report(
        .nullable, syntax.span, "this may be null (\(base.type))",
        help: "let only others pass with `filter \(isReached ? "." : "")\(syntax.span.text) != null`")
    } else if !isReached {
      report(.mismatch, syntax.span, "`...` takes a record, this is \(base.type)", help: "write `...it` where the event is a record")
    } else {
      report(
        .mismatch, syntax.span, "`\(syntax.span.text)` has no fields to set, it is \(base.type)",
        help: "give all of it another value: `\(syntax.span.text): …`")
    }
  }

  /// The value of a field that `set` gives: of the type that it had where that fits, else of its own. What is there is no longer
  /// optional.
  private func changed(_ syntax: ExprSyntax, _ scope: Scope, from type: Type) -> Expr {
    let value = infer(syntax, scope, expecting: type)
    if value.type == .null { return Expr(.literal(.null), type.asOptional) }
    return convert(value, to: value.type.isOptional ? type : type.wrapped) ?? value
  }

  /// Whether a field of this name can be added; if not, that is told.
  func isFree(_ name: Name, among fields: [MadeField]) -> Bool {
    guard let other = fields.first(where: { $0.name == name.text || $0.wire == name.text && $0.lacks == nil }) else { return true }
    report(
      .duplicate, name.span,
      other.name == name.text
        ? "the event has a field `\(name.text)` already" : "the event's field `\(other.name)` is called `\(name.text)` on the wire",
      help: "choose another name, or drop that field first")
    return false
  }

  /// A record of these fields. The rest of an open record has no member by the name of another field.
  func makeRecord(_ fields: [MadeField]) -> Expr {
    func wires() -> Set<String> { Set(fields.filter { $0.lacks == nil }.map(\.wire)) }
    let erroneous = fields.contains { $0.value.type == .erroneous }
    let made = fields.map { field -> (field: Field, value: Expr) in
      if let lacks = field.lacks {
        return (
          Field(field.name, .json, isRest: true), Self.object(field.value, without: wires().subtracting(lacks), isKnown: !lacks.isEmpty)
        )
      }
      let type = field.value.type == .null ? .json.asOptional : field.value.type
      return (Field(field.name, type, wire: field.wire), Expr(field.value.kind, type))
    }
    return Expr(.record(made.map(\.value)), erroneous ? .erroneous : .record(RecordType(fields: made.map(\.field))))
  }

  /// Json as an object that lacks some members; the event fails where it is none.
  static func object(_ value: Expr, without names: Set<String> = [], isKnown: Bool = false) -> Expr {
    if isKnown, names.isEmpty { return value }
    let list = Expr(.list(names.sorted().map { Expr(.literal(.string($0)), .string) }), .list(.string))
    return Expr(.call("json_rest", [value, list]), .json)
  }
}
