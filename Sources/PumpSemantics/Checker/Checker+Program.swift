import PumpPlan
import PumpSyntax

/// What can be said once every part of the program was checked.
extension Checker {
  func reportPipelineCycles() {
    var reported: Set<String> = []
    for start in order.pipelines {
      var path: [String] = []
      func walk(_ id: String) -> Bool {
        if id == start, !path.isEmpty { return true }
        if path.contains(id) { return false }
        path.append(id)
        for feed in feeds where feed.from == id { if walk(feed.to) { return true } }
        path.removeLast()
        return false
      }
      if walk(start), reported.isDisjoint(with: path) {
        reported.formUnion(path)
        let cycle = (path + [start]).joined(separator: " → ")
        report(
          .pipelineCycle, pipelines[start]!.name.span, "pipelines feed each other in a circle: \(cycle)",
          help: "send to a system in between, or split one of them")
      }
    }
    for name in order.pipelines {
      if case .input = pipelines[name]!.origin, !feeds.contains(where: { $0.to == name }) {
        report(
          .neverFed, pipelines[name]!.name.span, "no pipeline sends to `\(name)`",
          help: "end one with `sink \(name)`, or give this one a source")
      }
    }
  }

  /// Sources that hold a client each, and a sink or lookup that needs one besides, must find as many in the pool.
  func reportPoolBudgets(_ program: Program) {
    for connection in program.connections {
      guard case .literal(.int(let most))? = connection.settings.first(where: { $0.name == "pool.max" })?.value else { continue }
      func leases(_ endpoint: EndpointSpec) -> Bool { endpoint.connection == connection.id && endpoint.abilities.contains("lease") }
      let held = program.pipelines.flatMap(\.sources).filter(leases).count
      let others = program.pipelines.flatMap { $0.lookups + $0.sinks.compactMap(\.endpoint) }
      // Positions are looked up while the sink that keeps them is in the middle of its transaction.
      let more = others.contains { leases($0) && $0.keepsPositions } ? 2 : others.contains(where: leases) ? 1 : 0
      let needed = held + more
      if needed > most {
        var reasons: [String] = []
        if held > 0 { reasons.append("\(held) source\(held == 1 ? " holds" : "s hold") a client each") }
        if more > 0 { reasons.append(more == 1 ? "other steps need one" : "a sink that keeps positions needs two") }
        report(
          .poolTooSmall, connections[connection.id]!.name.span, "`pool.max` is \(most), but \(reasons.joined(separator: " and "))",
          help: "write `pool { max = \(needed) }`, or more")
      }
    }
  }

  func reportUnused() {
    for name in order.connections where !symbols.isUsed(.connection, name) {
      report(
        .unusedConnection, connections[name]!.name.span, "connection `\(name)` is never used",
        help: "remove it, or use it as `\(name).…` in a pipeline")
    }
    func unused(_ name: Name, _ what: String) {
      report(.unused, name.span, "\(what) `\(name.text)` is never used", help: "remove it")
    }
    // Types, functions and patterns of a program without pipelines are a library's.
    guard !order.pipelines.isEmpty else { return }
    for name in order.functions where !symbols.isUsed(.function, name) { unused(functions[name]!.name, "function") }
    for name in order.patterns where !symbols.isUsed(.pattern, name) { unused(patterns[name]!.name, "pattern") }
    for name in order.stages where !symbols.isUsed(.stage, name) { unused(stages[name]!.name, "stage") }
    for name in order.types where !symbols.isUsed(.type, name) { unused(types[name]!.name, "type") }
    for name in order.enums where !symbols.isUsed(.enumeration, name) { unused(enums[name]!.name, "enum") }
    for name in order.configs {
      for key in configs[name]!.keys where !symbols.isUsed(.configKey, "\(name).\(key.name.text)") {
        unused(Name(text: "\(name).\(key.name.text)", span: key.name.span), "configuration key")
      }
    }
  }
}
