import PumpPlan
import PumpSyntax

/// What may be another in each run over the same input, and where: `lookup`, `now()`, `idle`.
public struct Variation: Sendable {
  public let what: String
  public let span: Span
}

extension Checker {
  private static let impure: Set<String> = ["now", "uuid_v4", "uuid_v7"]

  /// By pipeline, with what varies in those that feed it, of those with a step that keeps something.
  func variations(_ plan: Plan) -> [String: [Variation]] {
    let keeping = plan.program.pipelines.filter { !$0.states.isEmpty }
    if keeping.isEmpty { return [:] }
    var impure: Set<String> = []
    // A function may call one that stands behind it.
    var known = -1
    while impure.count > known {
      known = impure.count
      for function in plan.functions where function.body.calls(Self.impure, impure) != nil { impure.insert(function.name) }
    }
    func own(_ name: String) -> [Variation] {
      guard let context = contexts[name] else { return [] }
      let called = context.evaluated.compactMap { value, span in
        value.calls(Self.impure, impure).map { Variation(what: "\($0)()", span: span) }
      }
      return context.varies.map { Variation(what: $0.why, span: $0.span) } + called
    }
    var result: [String: [Variation]] = [:]
    for pipeline in keeping {
      var (names, next) = ([pipeline.id], 0)
      while next < names.count {
        for feed in feeds where feed.to == names[next] && !names.contains(feed.from) { names.append(feed.from) }
        next += 1
      }
      var seen: Set<String> = []
      result[pipeline.id] = names.flatMap(own).filter { seen.insert("\($0.what) \($0.span)").inserted }
        .sorted { ($0.span.source.path, $0.span.start) < ($1.span.source.path, $1.span.start) }
    }
    return result
  }
}

extension Expr {
  /// The first function that it calls of these: those of the library, and those of the spec.
  fileprivate func calls(_ library: Set<String>, _ own: Set<String>) -> String? {
    var found: String?
    visit { part in
      switch part.kind {
      case .call(let name, _) where library.contains(name): found = found ?? name
      case .invoke(let name, _) where own.contains(name): found = found ?? name
      default: break
      }
    }
    return found
  }
}
