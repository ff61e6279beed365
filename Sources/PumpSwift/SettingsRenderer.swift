import PumpPlan
import PumpSemantics

/// Typed settings of our own connectors, for a file beside their Swift. `command` is what writes that file anew.
public func renderSettings(_ interfaces: [Interface], from path: String, command: String) -> String {
  var out = SwiftWriter()
  out.line("// Generated from \(path) by `\(command)`; changes here are lost.")
  out.line("import PumpConnectorKit")
  for interface in interfaces {
    let renderer = SettingsRenderer(interface, .own)
    if interface.needsConnection { renderer.settings(&out) }
    for endpoint in interface.endpoints { renderer.arguments(endpoint, &out) }
  }
  return out.text
}

/// Typed settings that are no connector's own: what every connection and every step may be told, what the engine reads of a
/// sink's arguments, and `general`, the section that every program has.
public func renderCommonSettings(general: [Setting], command: String) -> String {
  var out = SwiftWriter()
  out.line("// Generated from PumpSemantics/Interfaces/CommonSettings.swift and `[general]` by `\(command)`; changes here are lost.")
  out.line("import PumpValues")
  SettingsType("ConnectionSettings", "What every connection may be told.", Interface.common, .shared).render(&out)
  SettingsType("RetrySettings", "What every source, sink and lookup may be told.", Interface.retrySettings, .shared).render(&out)
  SettingsType("BatchSettings", "What every sink may be told besides.", Interface.batchSettings, .shared).render(&out)
  SettingsType("SourceSettings", "What every source may be told besides.", Interface.eventSettings, .shared).render(&out)
  let arguments = "What the engine itself reads of a sink's arguments, where its interface has them."
  SettingsType("SinkArguments", arguments, Interface.sinkArguments, .shared).render(&out)
  SettingsType("GeneralSettings", "What every program may be told.", general, .shared).render(&out)
  return out.text
}

/// The settings of a connector, and the arguments of its endpoints that are known when a program starts, as Swift types.
struct SettingsRenderer {
  let kind: String
  private let interface: Interface
  private let access: SettingsType.Access

  init(_ interface: Interface, _ access: SettingsType.Access) {
    self.interface = interface
    self.access = access
    kind = Swift.type(interface.name)
  }

  /// Those of a connection, but for what every connection has.
  func settings(_ out: inout SwiftWriter) {
    let own = interface.settings.filter { !Interface.commonNames.contains($0.name) }
    SettingsType("\(kind)Settings", interface.docs, own, access).render(&out)
  }

  func arguments(_ endpoint: Interface.Endpoint, _ out: inout SwiftWriter) {
    guard hasArguments(endpoint) else { return }
    SettingsType(arguments(endpoint), nil, fixed(endpoint), access).render(&out)
  }

  func hasArguments(_ endpoint: Interface.Endpoint) -> Bool { !fixed(endpoint).isEmpty }

  /// The type's name: `RedisListSourceArguments`.
  func arguments(_ endpoint: Interface.Endpoint) -> String {
    let role = endpoint.role == .source ? "Source" : endpoint.role == .sink ? "Sink" : "Lookup"
    return "\(kind)\(Swift.camel(endpoint.name))\(role)Arguments"
  }

  /// Arguments that are known when the program starts.
  private func fixed(_ endpoint: Interface.Endpoint) -> [Setting] {
    let given = endpoint.parameters.compactMap { parameter -> Setting? in
      if parameter.isEach { return nil }
      let value = parameter.value.map(SettingValue.literal)
      switch parameter.kind {
      case .value(let type): return Setting(name: parameter.name, type: type, value: value, docs: parameter.docs)
      case .field, .fields: return Setting(name: parameter.name, type: .list(.string), value: value, docs: parameter.docs)
      case .record: return nil
      }
    }
    return given + (endpoint.abilities.contains("refine") ? [Interface.refinement] : [])
  }
}
