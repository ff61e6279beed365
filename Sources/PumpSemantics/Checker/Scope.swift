import PumpPlan
import PumpSyntax

/// What names mean at one place.
struct Scope {
  /// The current event: `.it`, or `.carried` in the arguments of a sink after `encode`.
  var event: Expr?
  var locals: [String: Expr] = [:]
  /// What the source says; nil outside pipelines.
  var meta: RecordType?
  /// `env.X` and `secret file` stand only in settings and in arguments that hold for the whole run.
  var isSetting = false
  /// Whether `config` may be read: not in declared types.
  var hasConfig = true
  /// What tests before this place have shown not to be null.
  var present: Set<Path> = []

  /// The same place where more is known.
  func knowing(_ paths: Set<Path>) -> Scope {
    var scope = self
    scope.present.formUnion(paths)
    return scope
  }
}

extension Checker {
  var settingScope: Scope {
    var scope = Scope()
    scope.isSetting = true
    return scope
  }
}
