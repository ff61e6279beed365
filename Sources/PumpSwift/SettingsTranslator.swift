import PumpPlan
import PumpSemantics

/// Typed settings of our own connectors, for a file beside their Swift. `command` is what writes that file anew.
public func renderSettings(_ interfaces: [Interface], from path: String, command: String) -> String {
  let types = interfaces.flatMap { interface in
    let translator = SettingsTranslator(interface, .own)
    return (interface.needsConnection ? translator.settings : []) + interface.endpoints.flatMap(translator.arguments)
  }
  return print(types, from: path, command: command, imports: "PumpConnectorKit")
}

/// Typed settings that are no connector's own: what every connection and every step may be told, what the engine reads of a
/// sink's arguments, and `general`, the section that every program has.
public func renderCommonSettings(general: [Setting], command: String) -> String {
  let types = [
    SettingsType("ConnectionSettings", "What every connection may be told.", Interface.common, .shared),
    SettingsType("RetrySettings", "What every source, sink and lookup may be told.", Interface.retrySettings, .shared),
    SettingsType("BatchSettings", "What every sink may be told besides.", Interface.batchSettings, .shared),
    SettingsType("SourceSettings", "What every source may be told besides.", Interface.eventSettings, .shared),
    SettingsType(
      "SinkArguments", "What the engine itself reads of a sink's arguments, where its interface has them.", Interface.sinkArguments,
      .shared),
    SettingsType("GeneralSettings", "What every program may be told.", general, .shared),
  ]
  let path = "PumpSemantics/Interfaces/CommonSettings.swift and `[general]`"
  return print(types.flatMap { $0.declarations() }, from: path, command: command, imports: "PumpValues")
}

private func print(_ types: [SwiftTypeDeclaration], from path: String, command: String, imports module: String) -> String {
  SwiftPrinter.print(
    SwiftFile(
      comments: ["Generated from \(path) by `\(command)`; changes here are lost."], imports: [module],
      declarations: types.flatMap { [.blank, .type($0)] }))
}

/// The settings of a connector, and the arguments of its endpoints that are known when a program starts, as Swift types.
struct SettingsTranslator {
  let kind: String
  private let interface: Interface
  private let access: SettingsType.Access

  init(_ interface: Interface, _ access: SettingsType.Access) {
    self.interface = interface
    self.access = access
    kind = Swift.type(interface.name)
  }

  /// Those of a connection, but for what every connection has.
  var settings: [SwiftTypeDeclaration] {
    let own = interface.settings.filter { !Interface.commonNames.contains($0.name) }
    return SettingsType("\(kind)Settings", interface.docs, own, access).declarations()
  }

  func arguments(_ endpoint: Interface.Endpoint) -> [SwiftTypeDeclaration] {
    hasArguments(endpoint) ? SettingsType(argumentsName(endpoint), nil, fixed(endpoint), access).declarations() : []
  }

  func hasArguments(_ endpoint: Interface.Endpoint) -> Bool { !fixed(endpoint).isEmpty }

  /// The type's name: `RedisListSourceArguments`.
  func argumentsName(_ endpoint: Interface.Endpoint) -> String {
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
