import PumpPlan
import PumpSyntax

extension Checker {
  /// What the `where` of a type's fields allow, as JSON by the fields' paths, for a source that makes up records: bounds,
  /// lengths and choices. A predicate of another form is not among them; events that break it fail, as those of any source.
  func limits(of type: Type) -> String {
    var found: [(String, Limits)] = []
    func walk(_ type: Type, _ path: String) {
      switch type {
      case .refined(let base, let refinement):
        var limits = Limits()
        limits.add(refinements[refinement.number])
        if !limits.members.isEmpty { found.append((path, limits)) }
        walk(base, path)
      case .optional(let base): walk(base, path)
      case .list(let element): walk(element, path + "[]")
      case .record(let record): for field in record.fields { walk(field.type, "\(path).\(field.name)") }
      default: break
      }
    }
    walk(type, "")
    return JSONLiteral.object(found.map { .init(key: $0.0, value: .object($0.1.members)) }).text
  }
}

/// What a predicate over `it` allows, where it is a comparison with constants or several of them.
private struct Limits {
  private(set) var members: [JSONLiteral.Member] = []

  private mutating func set(_ key: String, _ value: JSONLiteral) { members.append(.init(key: key, value: value)) }

  mutating func add(_ predicate: Expr) {
    switch predicate.kind {
    case .and(let a, let b):
      add(a)
      add(b)
    case .or(let a, let b):
      // One of several values.
      var (first, second) = (Limits(), Limits())
      first.add(a)
      second.add(b)
      if let choices = first.choices, let more = second.choices { set("choices", .array(choices + more)) }
    case .call("equals", let sides):
      for (a, b) in [(sides[0], sides[1]), (sides[1], sides[0])] where a.isIt {
        if let text = b.text { set("choices", .array([.string(text)])) }
      }
    case .call("contains", let sides) where sides[1].isIt:
      if case .list(let items) = sides[0].kind {
        let texts = items.compactMap(\.text)
        if texts.count == items.count, !texts.isEmpty { set("choices", .array(texts.map { .string($0) })) }
      }
    case .call(let name, let sides):
      let mirrored = ["less": "greater", "less_equal": "greater_equal", "greater": "less", "greater_equal": "less_equal"]
      guard let other = mirrored[name] else { return }
      if let bound = sides[1].text { compare(sides[0], name, bound) } else if let bound = sides[0].text { compare(sides[1], other, bound) }
    default: break
    }
  }

  private mutating func compare(_ value: Expr, _ name: String, _ bound: String) {
    let keys = ["less": "below", "less_equal": "most", "greater": "above", "greater_equal": "least"]
    if value.isIt { return set(keys[name]!, .string(bound)) }
    guard case .call("length", let arguments) = value.kind, arguments[0].isIt, let length = Int64(bound) else { return }
    switch name {
    case "less": set("longest", .string("\(length - 1)"))
    case "less_equal": set("longest", .string(bound))
    case "greater": set("shortest", .string("\(length + 1)"))
    default: set("shortest", .string(bound))
    }
  }

  private var choices: [JSONLiteral]? {
    guard members.count == 1, members[0].key == "choices", case .array(let items) = members[0].value else { return nil }
    return items
  }
}

extension Expr {
  fileprivate var isIt: Bool { if case .it = kind { true } else { false } }

  /// A constant as text: a number, microseconds, bytes, days, or an enum's case by its name.
  fileprivate var text: String? {
    guard case .literal(let literal) = kind else { return nil }
    switch literal {
    case .int(let number), .timestamp(let number), .date(let number), .duration(let number), .size(let number): return "\(number)"
    case .decimal(let digits): return digits
    case .float(let number): return "\(number)"
    case .string(let text): return text
    case .enumCase(let index): if case .enumeration(let type) = type.wrapped { return type.cases[index].name } else { return nil }
    default: return nil
    }
  }
}
