import PumpPlan

/// JSON Schema (2020-12) of the configuration as an object of sections. A value is of its type, or the text that a line of
/// pipelines.conf has in its place; what is read from the environment is text as well.
enum ConfigJSONSchema {
  static func render(_ program: Program, _ sections: [ConfigTemplate.Section]) -> JSONLiteral {
    object([
      ("$schema", .string("https://json-schema.org/draft/2020-12/schema")), ("title", .string(program.name)),
      ("description", program.docs.map { .string($0) }), ("type", .string("object")),
      ("properties", object(sections.map { ($0.name, section($0)) })),
    ])
  }

  private static func section(_ section: ConfigTemplate.Section) -> JSONLiteral {
    var keys: [(String, JSONLiteral?)] = []
    var patterns: [(String, JSONLiteral?)] = []
    for setting in section.settings {
      // `properties.linger.ms` of a file, or an object.
      if case .map(let element) = setting.type.wrapped { patterns.append(("^\(setting.name)\\..+$", schema(element, nil))) }
      keys.append((setting.name, schema(setting.type, setting)))
    }
    let required = section.settings.filter { $0.value == nil }.map { JSONLiteral.string($0.name) }
    return object([
      ("type", .string("object")), ("description", section.docs.map { .string($0) }), ("properties", object(keys)),
      ("patternProperties", patterns.isEmpty ? nil : object(patterns)), ("required", required.isEmpty ? nil : .array(required)),
      ("additionalProperties", .bool(false)),
    ])
  }

  private static func schema(_ type: Type, _ setting: Setting?) -> JSONLiteral {
    let isSecret = type.holdsSecret
    let value = isSecret ? nil : setting?.value.flatMap(ConfigTemplate.literal).flatMap { json($0, type) }
    return object(
      described(type) + [
        ("description", setting?.docs.map { .string($0) }), ("writeOnly", isSecret ? .bool(true) : nil), ("default", value),
      ])
  }

  /// Either the value, or its text.
  private static func described(_ type: Type) -> [(String, JSONLiteral?)] {
    func either(_ name: String, _ pattern: String) -> [(String, JSONLiteral?)] {
      [("type", .array([.string(name), .string("string")])), ("pattern", .string("^(\(pattern)|.*\\$\\{.*)$"))]
    }
    switch type.wrapped {
    case .bool: return either("boolean", "[Tt]rue|[Ff]alse|[Yy]es|[Nn]o|[Oo]n|[Oo]ff|0|1")
    case .int: return either("integer", "[+-]?[0-9][0-9_]*")
    case .float, .decimal: return either("number", "[+-]?[0-9][0-9_]*(\\.[0-9_]+)?([eE][+-]?[0-9]+)?")
    case .enumeration(let cases):
      let names = cases.cases.flatMap { $0.name == $0.wire ? [$0.name] : [$0.name, $0.wire] }
      return [("anyOf", .array([object([("enum", .array(names.map { .string($0) }))]), object([("pattern", .string("\\$\\{"))])]))]
    case .list(let element): return [("type", .array([.string("array"), .string("string")])), ("items", object(described(element)))]
    case .map(let element): return [("type", .string("object")), ("additionalProperties", object(described(element)))]
    default: return [("type", .string("string"))]
    }
  }

  private static func json(_ literal: Literal, _ type: Type) -> JSONLiteral? {
    switch literal {
    case .null: return nil
    case .bool(let value): return .bool(value)
    case .int(let value): return .number("\(value)")
    case .float(let value): return .number("\(value)")
    case .decimal(let digits): return .number(digits)
    case .list(let items): return .array(items.compactMap { json($0, ConfigTemplate.element(type)) })
    case .map(let entries):
      return object(entries.map { ($0.key, json($0.value, ConfigTemplate.element(type))) })
    case .string(let text), .uuid(let text): return .string(text)
    default: return ConfigTemplate.text(literal, type).map { .string($0) }
    }
  }

  private static func object(_ members: [(String, JSONLiteral?)]) -> JSONLiteral {
    .object(members.compactMap { key, value in value.map { .init(key: key, value: $0) } })
  }
}
