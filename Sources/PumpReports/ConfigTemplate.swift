import PumpPlan

/// What a program can be configured with, as a commented pipelines.conf, a .env example or a JSON Schema.
public enum ConfigTemplate: String, CaseIterable {
  case conf, env, schema

  public func render(_ plan: Plan) -> String {
    switch self {
    case .conf: conf(plan)
    case .env: env(plan)
    case .schema: schema(plan).text + "\n"
    }
  }

  private func sections(_ plan: Plan) -> [(name: String, docs: String?, settings: [Setting])] {
    var result = plan.program.config.map { ($0.name, $0.docs, $0.keys) }
    result += plan.program.connections.map { ("connection:\($0.id)", $0.docs, $0.settings) }
    for pipeline in plan.program.pipelines {
      for endpoint in pipeline.endpoints { result.append(("pipeline:\(pipeline.id):\(endpoint.label)", nil, endpoint.settings)) }
    }
    return result.map { (name: $0.0, docs: $0.1, settings: $0.2) }
  }

  private func conf(_ plan: Plan) -> String {
    var out = "# Configuration of \(plan.program.name). Lines that begin with # show the values that hold without them.\n"
    for section in sections(plan) where !section.settings.isEmpty {
      out += "\n"
      if let docs = section.docs { out += comment(docs) }
      out += "[\(section.name)]\n"
      for setting in section.settings {
        if let docs = setting.docs { out += comment(docs) }
        if setting.type.holdsSecret {
          let variable = variable(section.name, setting)
          out += "\(setting.value == nil || environment(setting) != nil ? "" : "#")\(setting.name) = ${\(variable)}\n"
        } else if let value = setting.value.flatMap({ text($0, setting.type) }) {
          out += "#\(setting.name) = \(value)\n"
        } else if let name = environment(setting) {
          out += "#\(setting.name) = ${\(name)}\n"
        } else {
          out += "\(setting.value == nil ? "" : "#")\(setting.name) =\n"
        }
      }
    }
    return out
  }

  private func comment(_ docs: String) -> String { docs.split(separator: "\n").map { "# \($0)\n" }.joined() }

  private func environment(_ setting: Setting) -> String? {
    setting.value?.variables.last
  }

  private func variable(_ section: String, _ setting: Setting) -> String {
    environment(setting) ?? (section.split(separator: ":").last.map(String.init) ?? section).uppercased() + "_"
      + setting.name.uppercased().replacing(".", with: "_")
  }

  private func env(_ plan: Plan) -> String {
    var out = "# Environment of \(plan.program.name); copy to .env and fill in.\n"
    var seen: Set<String> = []
    for section in sections(plan) {
      for setting in section.settings {
        guard setting.type.holdsSecret && setting.value == nil || environment(setting) != nil else { continue }
        let name = variable(section.name, setting)
        if seen.insert(name).inserted { out += "\(name)=\n" }
      }
    }
    return out
  }

  /// A value as it stands in a configuration file; nil where it is not known yet.
  private func text(_ value: SettingValue, _ type: Type) -> String? {
    switch value {
    case .literal(let literal):
      switch literal {
      case .null: return nil
      case .bool(let value): return "\(value)"
      case .int(let value): return "\(value)"
      case .float(let value): return "\(value)"
      case .decimal(let digits): return digits
      case .string(let text), .uuid(let text): return text.contains("\n") ? nil : text.replacing("$", with: "$$")
      case .duration(let micros): return micros % 1_000_000 == 0 ? "\(micros / 1_000_000)s" : "\(micros / 1000)ms"
      case .size(let bytes): return "\(bytes)B"
      case .enumCase(let index): if case .enumeration(let type) = type.wrapped { return type.cases[index].name } else { return nil }
      case .list(let items): return text(.list(items.map { .literal($0) }), type)
      default: return nil
      }
    case .list(let items):
      guard case .list(let element) = type.wrapped else { return nil }
      let parts = items.compactMap { text($0, element) }
      return parts.count == items.count && !parts.isEmpty ? parts.joined(separator: ", ") : nil
    default: return nil
    }
  }

  /// JSON Schema (2020-12) of the configuration as an object of sections.
  private func schema(_ plan: Plan) -> JSONLiteral {
    func object(_ members: [(String, JSONLiteral?)]) -> JSONLiteral {
      .object(members.compactMap { key, value in value.map { .init(key: key, value: $0) } })
    }
    func type(_ type: Type) -> [(String, JSONLiteral?)] {
      switch type.wrapped {
      case .bool: [("type", .string("boolean"))]
      case .int: [("type", .string("integer"))]
      case .float, .decimal: [("type", .string("number"))]
      case .enumeration(let cases): [("enum", .array(cases.cases.map { .string($0.name) }))]
      case .list(let element): [("type", .string("array")), ("items", object(self.kind(element)))]
      case .map(let element): [("type", .string("object")), ("additionalProperties", object(self.kind(element)))]
      case .secret: [("type", .string("string")), ("writeOnly", .bool(true))]
      case .timestamp: [("type", .string("string")), ("format", .string("date-time"))]
      default: [("type", .string("string"))]
      }
    }
    let properties = sections(plan).map { section -> (String, JSONLiteral?) in
      let keys = section.settings.map { setting in
        (
          setting.name,
          Optional(
            object(
              type(setting.type) + [
                ("description", setting.docs.map { .string($0) }),
                ("default", setting.type.holdsSecret ? nil : setting.value.flatMap { text($0, setting.type) }.map { .string($0) }),
              ]))
        )
      }
      let required = section.settings.filter { $0.value == nil }.map { JSONLiteral.string($0.name) }
      return (
        section.name,
        object([
          ("type", .string("object")), ("description", section.docs.map { .string($0) }), ("properties", object(keys)),
          ("required", required.isEmpty ? nil : .array(required)), ("additionalProperties", .bool(false)),
        ])
      )
    }
    return object([
      ("$schema", .string("https://json-schema.org/draft/2020-12/schema")), ("title", .string(plan.program.name)),
      ("type", .string("object")),
      ("properties", object(properties)),
    ])
  }

  private func kind(_ type: Type) -> [(String, JSONLiteral?)] {
    [("type", .string(type == .int ? "integer" : type == .bool ? "boolean" : "string"))]
  }
}
