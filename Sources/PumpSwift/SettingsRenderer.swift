import PumpPlan
import PumpSemantics

/// The settings of a connector, and the arguments of its endpoints that are known when a program starts, as Swift types.
struct SettingsRenderer {
  let kind: String
  private let interface: Interface

  init(_ interface: Interface) {
    self.interface = interface
    kind = Swift.type(interface.name)
  }

  /// Those of a connection, but for what every connection has.
  func settings(_ out: inout SwiftWriter) {
    out.comment(interface.docs)
    let own = interface.settings.filter { !Interface.commonNames.contains($0.name) }
    settings("\(kind)Settings", own.map { ($0.name, $0.type, $0.docs) }, &out)
  }

  func arguments(_ endpoint: Interface.Endpoint, _ out: inout SwiftWriter) {
    guard hasArguments(endpoint) else { return }
    out.line()
    settings(arguments(endpoint), fixed(endpoint), &out)
  }

  func hasArguments(_ endpoint: Interface.Endpoint) -> Bool { !fixed(endpoint).isEmpty }

  /// The type's name: `RedisListSourceArguments`.
  func arguments(_ endpoint: Interface.Endpoint) -> String {
    let role = endpoint.role == .source ? "Source" : endpoint.role == .sink ? "Sink" : "Lookup"
    return "\(kind)\(Swift.camel(endpoint.name))\(role)Arguments"
  }

  /// Arguments that are known when the program starts.
  private func fixed(_ endpoint: Interface.Endpoint) -> [(String, Type, String?)] {
    endpoint.parameters.compactMap { parameter in
      if parameter.isEach { return nil }
      switch parameter.kind {
      case .value(let type): return (parameter.name, type, parameter.docs)
      case .field, .fields: return (parameter.name, .list(.string), parameter.docs)
      case .record: return nil
      }
    }
  }

  private func settings(_ name: String, _ list: [(String, Type, String?)], _ out: inout SwiftWriter) {
    out.block("public struct \(name): Sendable {") { out in
      for (name, type, text) in list {
        out.comment(text)
        out.line("public let \(Swift.property(name)): \(swiftType(type))")
      }
      out.line()
      out.block("init(_ settings: Settings) {") { out in
        for (name, type, _) in list { out.line("\(Swift.property(name)) = \(read(name, type))") }
      }
    }
  }

  private func swiftType(_ type: Type) -> String {
    switch type {
    case .optional(let inner): "\(swiftType(inner))?"
    case .bool: "Bool"
    case .int: "Int64"
    case .float: "Double"
    case .duration: "Duration"
    case .size: "Size"
    case .list: "[String]"
    case .map: "[String: String]"
    default: "String"
    }
  }

  private func read(_ name: String, _ type: Type) -> String {
    let key = Swift.string(name)
    switch type.wrapped {
    case .bool: return "settings.bool(\(key))"
    case .int: return "settings.int(\(key))" + (type.isOptional ? "" : " ?? 0")
    case .float: return "settings.float(\(key))" + (type.isOptional ? "" : " ?? 0")
    case .duration: return type.isOptional ? "settings.int(\(key)).map { Duration($0) }" : "Duration(settings.int(\(key)) ?? 0)"
    case .size: return type.isOptional ? "settings.int(\(key)).map { Size($0) }" : "Size(settings.int(\(key)) ?? 0)"
    case .list: return "settings.texts(\(key))"
    case .map: return "settings.map(\(key))"
    default: return "settings.text(\(key))" + (type.isOptional ? "" : " ?? \"\"")
    }
  }
}
