/// A typed expression. Every name is resolved, every conversion explicit; a backend needs no rules of its own.
public struct Expr: Codable, Sendable {
  public let kind: Kind
  public let type: Type

  public init(_ kind: Kind, _ type: Type) {
    self.kind = kind
    self.type = type
  }

  public indirect enum Kind: Codable, Sendable {
    case literal(Literal)
    /// A `let`, a lambda's parameter or a function's parameter, unique within its expression.
    case local(String)
    /// The current event.
    case it
    /// The record that was encoded, in an ending sink's arguments.
    case carried
    /// A field of a record, by index.
    case field(Expr, Int)
    /// `a?.b` where the base is optional; the result is optional.
    case optionalField(Expr, Int)
    case meta(String)
    case config(String, String)
    /// An environment variable; stands only in settings and arguments of endpoints.
    case environment(String)
    case secretFile(String)
    case not(Expr)
    case and(Expr, Expr)
    case or(Expr, Expr)
    /// A function of the library by its name; arguments have the types of one of its overloads.
    case call(String, [Expr])
    /// A function of the user's.
    case invoke(String, [Expr])
    case conditional(Expr, Expr, Expr)
    case binding(String, Expr, Expr)
    case list([Expr])
    case map([String], [Expr])
    /// One value per field of the record type, in its order.
    case record([Expr])
    case lambda(String, Expr)
    /// A failure becomes null.
    case attempt(Expr)
    /// Left unless it is null.
    case coalesce(Expr, Expr)
    /// `T` as `T?`.
    case wrap(Expr)
    /// `T?` known not to be null.
    case unwrap(Expr)
    case isNull(Expr)
    /// The enum's case that a text names, as JSON names it; the event fails where none has that name.
    case enumCase(Expr)
    /// The event fails, for the reason that the text says; it stands where a value of any type may.
    case fail(Expr)
    /// Text pieces joined; each is of type String.
    case concatenate([Expr])
  }
}

extension Expr {
  /// Whether anything in it satisfies the test.
  public func contains(_ test: (Expr) -> Bool) -> Bool {
    if test(self) { return true }
    switch kind {
    case .literal, .local, .it, .carried, .meta, .config, .environment, .secretFile: return false
    case .field(let e, _), .optionalField(let e, _), .not(let e), .lambda(_, let e), .attempt(let e), .wrap(let e), .unwrap(let e),
      .isNull(let e), .enumCase(let e), .fail(let e):
      return e.contains(test)
    case .and(let a, let b), .or(let a, let b), .binding(_, let a, let b), .coalesce(let a, let b):
      return a.contains(test) || b.contains(test)
    case .conditional(let a, let b, let c): return a.contains(test) || b.contains(test) || c.contains(test)
    case .call(_, let list), .invoke(_, let list), .list(let list), .map(_, let list), .record(let list), .concatenate(let list):
      return list.contains { $0.contains(test) }
    }
  }

  /// Visits this expression and all in it.
  public func visit(_ body: (Expr) -> Void) {
    _ = contains { part in
      body(part)
      return false
    }
  }
}
