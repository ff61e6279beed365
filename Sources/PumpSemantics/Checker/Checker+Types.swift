import PumpPlan
import PumpSyntax

extension Checker {
  /// A declared type by name; recursion is refused, since events are flat trees of known depth.
  func resolve(named name: String) -> Type {
    if let type = resolvedTypes[name] { return type }
    if let syntax = enums[name] {
      let type = Type.enumeration(EnumType(name: name, cases: cases(syntax.cases)))
      resolvedTypes[name] = type
      return type
    }
    guard let declaration = types[name] else { return .erroneous }
    if resolving.contains(name) {
      report(.typeCycle, declaration.name.span, "type `\(name)` contains itself", help: "use `Json` for the part that nests without end")
      resolvedTypes[name] = .erroneous
      return .erroneous
    }
    resolving.append(name)
    var type = resolve(declaration.type)
    resolving.removeLast()
    if case .record(let record) = type { type = .record(RecordType(name: name, fields: record.fields)) }
    if case .enumeration(let plain) = type { type = .enumeration(EnumType(name: plain.name ?? name, cases: plain.cases)) }
    if resolvedTypes[name] == nil {
      fieldTotals[name] = total(of: type)
      if fieldTotals[name]! > Self.fieldLimit {
        report(
          .tooDeep, declaration.name.span, "type `\(name)` has more than \(Self.fieldLimit) fields, those of its fields included",
          help: "use `Json` for a part of it, or lists for what repeats")
        type = .erroneous
      }
      resolvedTypes[name] = type
    }
    return resolvedTypes[name]!
  }

  /// Records that hold each other twice double with every step: everything here is bounded by this.
  private static let fieldLimit = 10_000

  private func total(of type: Type) -> Int {
    switch type {
    case .record(let record):
      if let name = record.name, let known = fieldTotals[name] { return known }
      return record.fields.reduce(0) { $0 + 1 + total(of: $1.type) }
    case .list(let element), .map(let element), .optional(let element), .refined(let element, _): return total(of: element)
    default: return 0
    }
  }

  func cases(_ syntax: [CaseSyntax]) -> [EnumType.Case] {
    var seen: Set<String> = []
    var wires: Set<String> = []
    if syntax.isEmpty { return [] }
    return syntax.compactMap { item in
      guard seen.insert(item.name.text).inserted else {
        report(.duplicate, item.name.span, "case `\(item.name.text)` stands twice", help: "remove one of them")
        return nil
      }
      let wire = item.wire?.plain ?? item.name.text
      if !wires.insert(wire).inserted {
        report(.duplicate, item.wire?.span ?? item.name.span, "two cases are `\(wire)` on the wire", help: "give each its own name")
      }
      return EnumType.Case(item.name.text, wire: wire)
    }
  }

  func use(type name: String, at span: Span) { symbols.use(enums[name] == nil ? .type : .enumeration, name, at: span) }

  func resolve(_ syntax: TypeSyntax) -> Type {
    switch syntax.kind {
    case .name(let name):
      if let scalar = Type.scalars[name] { return scalar }
      if types[name] != nil || enums[name] != nil {
        use(type: name, at: syntax.span)
        return resolve(named: name)
      }
      if name == "Failure" { return .failure }
      let known = Array(Type.scalars.keys) + Array(types.keys) + Array(enums.keys)
      reportUnknown(.unknownType, Name(text: name, span: syntax.span), "type", among: known, foreign: ForeignWords.types)
      return .erroneous
    case .list(let element): return .list(resolve(element))
    case .map(let element): return .map(resolve(element))
    case .optional(let base): return resolve(base).asOptional
    case .enumeration(let list): return .enumeration(EnumType(name: nil, cases: cases(list)))
    case .refined(let base, let predicate):
      let type = resolve(base)
      var scope = Scope()
      scope.event = Expr(.it, type.plain)
      refinements.append(check(predicate, scope, as: .bool, "a refinement"))
      return .refined(type, Refinement(text: predicate.span.text, number: refinements.count - 1))
    case .record(let fields): return .record(RecordType(fields: resolve(fields)))
    case .erroneous: return .erroneous
    }
  }

  func resolve(_ fields: [FieldSyntax]) -> [Field] {
    var seen: Set<String> = []
    var wires: [String: Span] = [:]
    return fields.compactMap { field in
      guard seen.insert(field.name.text).inserted else {
        report(.duplicate, field.name.span, "field `\(field.name.text)` stands twice", help: "remove one of them")
        return nil
      }
      let wire = field.wire?.plain ?? field.name.text
      if field.wire != nil, field.wire?.plain == nil {
        report(.notConstant, field.wire!.span, "a field's name on the wire is plain text", help: "write it without `\\( )`")
      }
      if let other = wires[wire] {
        report(
          .duplicate, field.wire?.span ?? field.name.span, "two fields are `\(wire)` on the wire", help: "give each its own name",
          labels: [(other, "the other")])
      }
      wires[wire] = field.name.span
      let type = resolve(field.type)
      if field.isRest { return rest(field, type, among: fields) }
      var value: Literal?
      if let syntax = field.value {
        let checked = check(syntax, Scope(), as: type.plain, "the default of `\(field.name.text)`")
        value = constant(checked)
        if value == nil, checked.type != .erroneous {
          report(.notConstant, syntax.span, "a default is a literal", help: "write the value itself")
        }
      }
      return Field(field.name.text, type, wire: wire, value: value, docs: field.docs)
    }
  }

  /// `...rest: Json`, of which a record has one.
  private func rest(_ field: FieldSyntax, _ type: Type, among fields: [FieldSyntax]) -> Field? {
    if type.plain != .json, type != .erroneous {
      report(
        .mismatch, field.type.span, "what a type does not name is Json, not \(type)", help: "write `...\(field.name.text): Json`")
    } else if let first = fields.first(where: \.isRest), first.name.span.start != field.name.span.start {
      report(.duplicate, field.name.span, "a type has one rest", help: "remove one of them", labels: [(first.name.span, "the other")])
      return nil
    }
    return Field(field.name.text, .json, docs: field.docs, isRest: true)
  }

  /// The refinements inside a type as conditions over a value of it, each with its message.
  func checks(of type: Type, at value: Expr, path: String) -> [Check] {
    switch type {
    case .refined(let base, let refinement):
      let inner = checks(of: base, at: value, path: path)
      let condition = substitute(refinements[refinement.number], it: value)
      return inner + [Check(condition: condition, message: "\(path.isEmpty ? "the event" : path) breaks `\(refinement.text)`")]
    case .record(let record):
      return record.fields.enumerated().flatMap { index, field in
        checks(of: field.type, at: Expr(.field(value, index), field.type.plain), path: "\(path).\(field.name)")
      }
    case .optional(let base):
      let inner = checks(of: base, at: Expr(.unwrap(value), base.plain), path: path)
      return inner.map {
        Check(condition: Expr(.or(Expr(.isNull(value), .bool), $0.condition), .bool), message: $0.message)
      }
    case .list(let element), .map(let element):
      let isMap = if case .map = type { true } else { false }
      let name = unique("element")
      let inner = checks(of: element, at: Expr(.local(name), element.plain), path: "\(path)[]")
      let list = isMap ? Expr(.call("values", [value]), .list(element.plain)) : value
      return inner.map {
        Check(condition: Expr(.call("all", [list, Expr(.lambda(name, $0.condition), .bool)]), .bool), message: $0.message)
      }
    default: return []
    }
  }

  /// The expression with another value in place of `it`.
  func substitute(_ expression: Expr, it value: Expr) -> Expr {
    rewrite(expression) { if case .it = $0.kind { value } else { nil } }
  }

  /// Rebuilds an expression; where the body gives a replacement, that stands instead.
  func rewrite(_ e: Expr, _ body: (Expr) -> Expr?) -> Expr {
    if let replacement = body(e) { return replacement }
    func go(_ part: Expr) -> Expr { rewrite(part, body) }
    let kind: Expr.Kind
    switch e.kind {
    case .literal, .local, .it, .carried, .meta, .config, .environment, .secretFile: return e
    case .field(let a, let i): kind = .field(go(a), i)
    case .optionalField(let a, let i): kind = .optionalField(go(a), i)
    case .not(let a): kind = .not(go(a))
    case .and(let a, let b): kind = .and(go(a), go(b))
    case .or(let a, let b): kind = .or(go(a), go(b))
    case .call(let name, let list): kind = .call(name, list.map(go))
    case .invoke(let name, let list): kind = .invoke(name, list.map(go))
    case .conditional(let a, let b, let c): kind = .conditional(go(a), go(b), go(c))
    case .binding(let name, let a, let b): kind = .binding(name, go(a), go(b))
    case .list(let list): kind = .list(list.map(go))
    case .map(let keys, let list): kind = .map(keys, list.map(go))
    case .record(let list): kind = .record(list.map(go))
    case .lambda(let name, let a): kind = .lambda(name, go(a))
    case .attempt(let a): kind = .attempt(go(a))
    case .coalesce(let a, let b): kind = .coalesce(go(a), go(b))
    case .wrap(let a): kind = .wrap(go(a))
    case .unwrap(let a): kind = .unwrap(go(a))
    case .isNull(let a): kind = .isNull(go(a))
    case .enumCase(let a): kind = .enumCase(go(a))
    case .fail(let a): kind = .fail(go(a))
    case .concatenate(let list): kind = .concatenate(list.map(go))
    }
    return Expr(kind, e.type)
  }

  /// A name for a local that no other in the program has.
  func unique(_ name: String) -> String {
    var candidate = name
    while !localNames.insert(candidate).inserted {
      localCounter[name, default: 1] += 1
      candidate = "\(name)_\(localCounter[name]!)"
    }
    return candidate
  }
}
