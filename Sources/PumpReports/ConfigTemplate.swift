import PumpPlan
import PumpSemantics

/// What a program can be configured with, as a commented pipelines.conf, a .env example or a JSON Schema.
public enum ConfigTemplate: String, CaseIterable {
  case conf, env, schema

  /// `general` is the section that every program has.
  public func render(_ plan: Plan, general: ConfigSection) -> String {
    let sections = Self.sections(plan, general)
    switch self {
    case .conf: return Self.conf(plan.program.name, sections)
    case .env: return Self.env(plan.program.name, sections)
    case .schema: return ConfigJSONSchema.render(plan.program, sections).text + "\n"
    }
  }

  struct Section {
    let name: String
    let docs: String?
    let settings: [Setting]
  }

  private static func sections(_ plan: Plan, _ general: ConfigSection) -> [Section] {
    var result = [Section(name: general.name, docs: general.docs, settings: general.keys)]
    result += plan.program.config.map { Section(name: $0.name, docs: $0.docs, settings: $0.keys) }
    result += plan.program.connections.map { Section(name: "connection:\($0.id)", docs: $0.docs, settings: $0.settings) }
    for pipeline in plan.program.pipelines {
      result += pipeline.endpoints.map { Section(name: "pipeline:\(pipeline.id):\($0.label)", docs: nil, settings: $0.settings) }
    }
    return result
  }

  // MARK: pipelines.conf

  private static func conf(_ name: String, _ sections: [Section]) -> String {
    var out =
      "# Configuration of \(name). A line that begins with # and a key says what holds without it: uncommenting it changes nothing.\n# What begins with # and a space is a remark.\n"
    for section in sections where !section.settings.isEmpty {
      out += "\n"
      if let docs = section.docs { out += comment(docs) }
      out += "[\(section.name)]\n"
      // What every connection has is said once, and shorter.
      let common = section.name.hasPrefix("connection:") ? Interface.commonNames : []
      for setting in section.settings where !common.contains(setting.name) {
        if let docs = setting.docs { out += comment(docs) }
        out += line(section.name, setting)
      }
      let rest = section.settings.filter { common.contains($0.name) }
      if !rest.isEmpty { out += "# What all connections have; `pumpc connectors` with the name of one says more.\n" }
      for setting in rest { out += line(section.name, setting) }
    }
    return out
  }

  private static func comment(_ docs: String) -> String { docs.split(separator: "\n").map { "# \($0)\n" }.joined() }

  private static func line(_ section: String, _ setting: Setting) -> String {
    let name = setting.name
    if setting.type.holdsSecret {
      let given = "\(name) = ${\(variable(section, setting))}"
      switch setting.value {
      case nil, .environment: return given + "\n"
      case .literal: return "# \(name) is not set; such as \(given)\n"
      default: return "# \(name) is \(setting.value!), as the spec says\n"
      }
    }
    if case .environment(let variable) = setting.value { return "#\(name) = ${\(variable)}\n" }
    guard let value = setting.value else { return "# \(name) must be set: \(setting.type)\n\(name) =\n" }
    switch value {
    case .literal(.null): return "# \(name) is not set: \(setting.type)\n"
    case .literal(.map(let entries)):
      let lines = entries.compactMap { entry in
        text(entry.value, element(setting.type)).map { "#\(name).\(entry.key) = \($0)\n" }
      }
      return lines.isEmpty ? "# \(name).NAME = … sets one of \(setting.type); none is set\n" : lines.joined()
    case .map(let entries):
      let lines = entries.compactMap { entry -> String? in
        guard case .literal(let literal) = entry.value else { return nil }
        return text(literal, element(setting.type)).map { "#\(name).\(entry.key) = \($0)\n" }
      }
      return lines.isEmpty ? "# \(name).NAME = … sets one of \(setting.type)\n" : lines.joined()
    default: break
    }
    if let text = literal(value).flatMap({ text($0, setting.type) }) { return "#\(name) =\(text.isEmpty ? "" : " ")\(text)\n" }
    return "# \(name) is \(value), as the spec says\n"
  }

  /// A constant, lists of constants too.
  static func literal(_ value: SettingValue) -> Literal? {
    switch value {
    case .literal(let literal): return literal
    case .list(let items):
      let literals = items.compactMap(literal)
      return literals.count == items.count ? .list(literals) : nil
    default: return nil
    }
  }

  static func element(_ type: Type) -> Type {
    switch type.wrapped {
    case .list(let element), .map(let element): element
    default: .string
    }
  }

  /// A value as a line of the file says it; nil if none can.
  static func text(_ literal: Literal, _ type: Type) -> String? {
    switch literal {
    case .null, .record, .map: return nil
    case .bool(let value): return "\(value)"
    case .int(let value): return "\(value)"
    case .float(let value): return "\(value)"
    case .decimal(let digits): return digits
    case .string(let text), .uuid(let text):
      // Spaces at the ends and line ends would not come back.
      let isPlain =
        text.first.map { !$0.isWhitespace } ?? true && text.last.map { !$0.isWhitespace } ?? true && !text.contains(where: \.isNewline)
      return isPlain ? text.replacing("$", with: "$$") : nil
    case .duration(let micros): return Quantity.text(duration: micros)
    case .size(let bytes): return Quantity.text(size: bytes)
    case .date(let days): return CivilTime.date(days)
    case .timestamp(let micros): return CivilTime.timestamp(micros)
    case .enumCase(let index): if case .enumeration(let type) = type.wrapped { return type.cases[index].name } else { return nil }
    case .list(let items):
      let parts = items.compactMap { item -> String? in
        if case .string(let text) = item { return JSONLiteral.quoted(text).replacing("$", with: "$$") }
        return text(item, element(type))
      }
      return parts.count == items.count ? "[\(parts.joined(separator: ", "))]" : nil
    }
  }

  // MARK: .env

  private static func variable(_ section: String, _ setting: Setting) -> String {
    setting.value?.variables.last ?? (section.split(separator: ":").last.map(String.init) ?? section).uppercased() + "_"
      + setting.name.uppercased().replacing(".", with: "_")
  }

  private static func env(_ name: String, _ sections: [Section]) -> String {
    var out = "# Environment of \(name); copy to .env and fill in.\n"
    var seen: Set<String> = []
    for section in sections {
      for setting in section.settings {
        let names = setting.value.map(\.variables) ?? (setting.type.holdsSecret ? [variable(section.name, setting)] : [])
        for name in names where seen.insert(name).inserted { out += "\(name)=\n" }
      }
    }
    return out
  }
}

/// Dates and times of constants, as specs and configuration files write them.
private enum CivilTime {
  /// `2026-01-31` of days since 1970.
  static func date(_ days: Int64) -> String {
    let (year, month, day) = Calendar.civil(days)
    return "\(padded(year, 4))-\(padded(month, 2))-\(padded(day, 2))"
  }

  /// RFC 3339 in UTC of microseconds since 1970.
  static func timestamp(_ micros: Int64) -> String {
    let (days, rest) = Calendar.split(micros)
    let seconds = rest / 1_000_000
    let fraction = rest % 1_000_000 == 0 ? "" : ".\(padded(rest % 1_000_000, 6))"
    return "\(date(days))T\(padded(seconds / 3600, 2)):\(padded(seconds / 60 % 60, 2)):\(padded(seconds % 60, 2))\(fraction)Z"
  }

  private static func padded(_ number: Int64, _ width: Int) -> String {
    let digits = String(number)
    return String(repeating: "0", count: max(0, width - digits.count)) + digits
  }
}
