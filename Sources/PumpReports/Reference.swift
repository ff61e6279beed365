import PumpPlan
import PumpSemantics

/// A connector as text, from its interface file.
public func connectorReference(_ interface: Interface) -> String {
  var out = "\(interface.name)\(interface.docs.map { ": \($0)" } ?? "")\n"
  func setting(_ name: String, _ type: String, _ value: String?, _ docs: String?, _ indent: String) {
    let default_ = value.map { " = \($0)" } ?? " (required)"
    out += "\(indent)\(name): \(type)\(default_)\n"
    if let docs { for line in docs.split(separator: "\n") { out += "\(indent)    \(line)\n" } }
  }
  if !interface.settings.isEmpty { out += "\n  Settings of a connection:\n" }
  for item in interface.settings {
    setting(item.name, item.type.description, item.value.map { describe($0, item.type) }, item.docs, "    ")
  }
  for endpoint in interface.endpoints {
    let events: String
    switch endpoint.events {
    case .bytes: events = "Bytes"
    case .record: events = endpoint.takesDocuments ? "Record, as JSON" : "Record"
    case .type(let type): events = type.description
    }
    out += "\n  \(endpoint.role.rawValue) \(endpoint.name): \(events)\n"
    if let docs = endpoint.docs { for line in docs.split(separator: "\n") { out += "    \(line)\n" } }
    for parameter in endpoint.parameters {
      setting(
        parameter.name, parameter.described, parameter.meta.map { "meta.\($0)" } ?? parameter.value.map { describe($0, parameter.kind) },
        parameter.docs, "      ")
    }
    if !endpoint.meta.fields.isEmpty {
      out += "      meta: \(endpoint.meta.fields.map { "\($0.name): \($0.type)" }.joined(separator: ", "))\n"
    }
    if !endpoint.abilities.isEmpty { out += "      can \(endpoint.abilities.joined(separator: ", "))\n" }
  }
  return out
}

private func describe(_ value: SettingValue, _ type: Type) -> String {
  guard case .literal(let literal) = value else { return "…" }
  return describe(literal, .value(type))
}

private func describe(_ literal: Literal, _ kind: Interface.Parameter.Kind) -> String {
  if case .enumCase(let index) = literal, case .value(.enumeration(let type)) = kind { return type.cases[index].name }
  return describe(literal)
}

private func describe(_ literal: Literal) -> String {
  switch literal {
  case .null: "null"
  case .bool(let value): "\(value)"
  case .int(let value): "\(value)"
  case .float(let value): "\(value)"
  case .decimal(let digits): digits
  case .string(let text): JSONLiteral.quoted(text)
  case .duration(let micros):
    micros % 60_000_000 == 0 ? "\(micros / 60_000_000)m" : micros % 1_000_000 == 0 ? "\(micros / 1_000_000)s" : "\(micros / 1000)ms"
  case .size(let bytes): bytes % (1 << 20) == 0 ? "\(bytes >> 20)MiB" : bytes % 1024 == 0 ? "\(bytes >> 10)KiB" : "\(bytes)B"
  case .timestamp, .date, .uuid, .enumCase: "…"
  case .list: "[]"
  case .map, .record: "{}"
  }
}
