/// As a reader of the plan wants it: every name resolved, every conversion written out.
extension Expr: CustomStringConvertible {
  public var description: String {
    func list(_ items: [Expr]) -> String { items.map(\.description).joined(separator: ", ") }
    switch kind {
    case .literal(let literal): return "\(literal)"
    case .local(let name): return name
    case .it: return "it"
    case .carried: return "carried"
    case .field(let base, let index): return "\(base).\(name(of: index, in: base.type))"
    case .optionalField(let base, let index): return "\(base)?.\(name(of: index, in: base.type.wrapped))"
    case .meta(let name): return "meta.\(name)"
    case .config(let section, let key): return "config.\(section).\(key)"
    case .environment(let name): return "env.\(name)"
    case .secretFile(let path): return "secret file \(JSONLiteral.quoted(path))"
    case .not(let inner): return "not(\(inner))"
    case .and(let a, let b): return "(\(a) and \(b))"
    case .or(let a, let b): return "(\(a) or \(b))"
    case .call(let name, let arguments): return "\(name)(\(list(arguments)))"
    case .invoke(let name, let arguments): return "fn \(name)(\(list(arguments)))"
    case .conditional(let test, let yes, let no): return "(if \(test) then \(yes) else \(no))"
    case .binding(let name, let value, let body): return "(let \(name) = \(value) in \(body))"
    case .list(let items): return "[\(list(items))]"
    case .map(let keys, let items): return "{\(zip(keys, items).map { "\(JSONLiteral.quoted($0)): \($1)" }.joined(separator: ", "))}"
    case .record(let items):
      let names = type.record?.fields.map(\.name) ?? []
      return "{ \(zip(names, items).map { "\($0): \($1)" }.joined(separator: ", ")) }"
    case .lambda(let name, let body): return "\(name) => \(body)"
    case .enumCase(let text): return "\(type)(\(text))"
    case .fail(let reason): return "fail(\(reason))"
    case .attempt(let inner): return "try(\(inner))"
    case .coalesce(let a, let b): return "(\(a) ?? \(b))"
    case .wrap(let inner): return "some(\(inner))"
    case .unwrap(let inner): return "\(inner)!"
    case .isNull(let inner): return "isNull(\(inner))"
    case .concatenate(let parts): return "join(\(list(parts)))"
    }
  }

  private func name(of index: Int, in type: Type) -> String { type.record.map { $0.fields[index].name } ?? "\(index)" }
}
