import PumpPlan

extension Expr {
  /// The same text as the path and query of a URL: what the spec's author wrote stays, so that a `?` begins the query, and what data
  /// give is encoded. Data that are the whole path keep their slashes.
  var asPath: Expr {
    guard type == .string else { return self }
    switch kind {
    case .literal: return self
    case .concatenate(let parts):
      return Expr(.concatenate(parts.map { $0.isWritten ? $0 : Expr(.call("url_encode", [$0]), .string) }), type)
    case .conditional(let test, let yes, let no): return Expr(.conditional(test, yes.asPath, no.asPath), type)
    case .binding(let name, let value, let body): return Expr(.binding(name, value, body.asPath), type)
    default: return isWritten ? self : Expr(.call("url_path", [self]), .string)
    }
  }

  /// Needs no encoding: the author's own words, or encoded by the author.
  private var isWritten: Bool {
    switch kind {
    case .literal, .call("url_encode", _), .call("url_path", _): true
    default: false
    }
  }
}
