import PumpPlan
import PumpSemantics

/// A connector as text, from its interface file.
public func connectorReference(_ interface: Interface) -> String {
  var out = "\(interface.name)\(interface.docs.map { ": \($0)" } ?? "")\n"
  func setting(_ name: String, _ type: String, _ bounds: Bounds, _ value: String?, _ docs: String?, _ indent: String) {
    let default_ = value.map { " = \($0)" } ?? " (required)"
    out += "\(indent)\(name): \(type)\(described(bounds, type))\(default_)\n"
    if let docs { for line in docs.split(separator: "\n") { out += "\(indent)    \(line)\n" } }
  }
  if !interface.settings.isEmpty { out += "\n  Settings of a connection:\n" }
  for item in interface.settings {
    setting(item.name, item.type.description, item.bounds, item.value.map { describe($0, item.type) }, item.docs, "    ")
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
        parameter.name, parameter.described, parameter.bounds,
        parameter.meta.map { "meta.\($0)" } ?? parameter.value.map { describe($0, parameter.kind) }, parameter.docs, "      ")
    }
    if !endpoint.meta.fields.isEmpty {
      out += "      meta: \(endpoint.meta.fields.map { "\($0.name): \($0.type)" }.joined(separator: ", "))\n"
    }
    if !endpoint.abilities.isEmpty { out += "      can \(endpoint.abilities.joined(separator: ", "))\n" }
  }
  return out
}

/// What a value must be beside its type.
private func described(_ bounds: Bounds, _ type: String) -> String {
  if type.hasPrefix("String") || type.hasPrefix("Secret") { return bounds.minimum == nil ? "" : ", not empty" }
  func shown(_ number: Int64) -> String {
    type.hasPrefix("Duration") ? Quantity.text(duration: number) : type.hasPrefix("Size") ? Quantity.text(size: number) : String(number)
  }
  switch (bounds.minimum, bounds.maximum) {
  case (let least?, let most?): return ", \(shown(least)) to \(shown(most))"
  case (let least?, nil): return ", from \(shown(least))"
  case (nil, let most?): return ", to \(shown(most))"
  case (nil, nil): return ""
  }
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
  case .duration(let micros): Quantity.text(duration: micros)
  case .size(let bytes): Quantity.text(size: bytes)
  case .timestamp, .date, .uuid, .enumCase: "…"
  case .list: "[]"
  case .map, .record: "{}"
  }
}

/// A format as text, from its own folder.
public func formatReference(_ spec: FormatSpec) -> String {
  var out = "\(spec.name)\n\n"
  for line in spec.docs.split(separator: "\n", omittingEmptySubsequences: false) { out += line.isEmpty ? "\n" : "  \(line)\n" }
  out += "\n"
  if let gives = spec.decodes { out += "  decode \(spec.name): gives \(gives.rawValue)\n" }
  if let takes = spec.encodes { out += "  encode \(spec.name): takes \(takes.rawValue)\n" }
  if !spec.names.known.isEmpty { out += "\n  Its fields, of which a type names those that it wants:\n\n" }
  for field in spec.names.known { out += "    \(field.name): \(field.type)\n      \(field.docs)\n" }
  if case .also(_, let others) = spec.names { out += "    any other name\n      \(others)\n" }
  for option in spec.options {
    let kind =
      switch option.kind {
      case .flag: "Bool"
      case .text: "String"
      case .character: "one ASCII character"
      case .oneOf(let names): names.joined(separator: " | ")
      case .pattern: "r\"…\""
      }
    let value = if case .flag = option.kind { " = false" } else { option.value.map { " = \(described($0, option.kind))" } ?? " (required)" }
    let use =
      switch option.use {
      case .decode: ", of decode"
      case .encode: ", of encode"
      case .both: ""
      }
    out += "\n    \(option.name): \(kind)\(value)\(use)\n"
    for line in option.docs.split(separator: "\n") { out += "      \(line)\n" }
  }
  return out + "\n  For example:\n\n    \(spec.example)\n"
}

private func described(_ value: String, _ kind: FormatSpec.Option.Kind) -> String {
  if case .oneOf = kind { value } else { JSONLiteral.quoted(value) }
}

/// The patterns of the library as text.
public func patternReference() -> String {
  var out = """
    A pattern names others by `%{name}`, or by `%{name:group}` as a group of that name, wherever it is written r"…":

      pattern client = r"%{ip}|unknown"
      … |> decode regex(r"^%{client:ip} %{int:status} %{quoted}$") as T

    Types come from `as T`. `\\%{` is the text. Patterns of your own are declared with `pattern name = r"…"`; those of the library:


    """
  for pattern in NamedPattern.all {
    out += "  \(pattern.name)\(String(repeating: " ", count: max(1, 13 - pattern.name.count)))\(pattern.docs)\n"
    out += "               \(pattern.text)\n"
  }
  return out
}
