import PumpPlan
import PumpSyntax

/// Functions that a spec declares.
extension Checker {
  func declareFunctions() {
    for name in order.functions {
      let syntax = functions[name]!
      var parameters: [(name: String, type: Type, value: Expr?)] = []
      for parameter in syntax.parameters {
        let type = resolve(parameter.type).plain
        let value = parameter.value.map { check($0, Scope(), as: type, "the default of `\(parameter.name.text)`") }
        parameters.append((parameter.name.text, type, value))
      }
      if FunctionSpec.byName[name] != nil {
        report(.takenName, syntax.name.span, "`\(name)` is a function of the library", help: "choose another name, such as `my_\(name)`")
      }
      signatures[name] = (parameters, resolve(syntax.result).plain)
    }
  }

  func check(function syntax: FunctionSyntax) -> Function? {
    guard let signature = signatures[syntax.name.text] else { return nil }
    var scope = Scope()
    var names: [String] = []
    for parameter in signature.parameters {
      let id = unique(parameter.name)
      names.append(id)
      scope.locals[parameter.name] = Expr(.local(id), parameter.type)
    }
    let body = check(syntax.body, scope, as: signature.result, "the value of `\(syntax.name.text)`")
    return Function(
      name: syntax.name.text, docs: syntax.docs, parameters: zip(names, signature.parameters).map { Field($0, $1.type) },
      result: signature.result, body: body, place: place(syntax.span))
  }

  func reportFunctionCycles(_ checked: [Function]) {
    var calls: [String: Set<String>] = [:]
    for function in checked {
      function.body.visit { if case .invoke(let name, _) = $0.kind { calls[function.name, default: []].insert(name) } }
    }
    var reported: Set<String> = []
    for start in order.functions {
      var path: [String] = []
      func walk(_ name: String) -> Bool {
        if name == start, !path.isEmpty { return true }
        if path.contains(name) { return false }
        path.append(name)
        for callee in calls[name, default: []].sorted() { if walk(callee) { return true } }
        path.removeLast()
        return false
      }
      if walk(start), reported.isDisjoint(with: path) {
        reported.formUnion(path)
        report(
          .functionCycle, functions[start]!.name.span,
          "functions call each other in a circle: \((path + [start]).joined(separator: " → "))",
          help: "the language is total: use the functions of lists, such as `sum(list, x => …)`")
      }
    }
  }
}
