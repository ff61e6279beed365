import PumpPlan
import PumpSemantics

/// A Swift type with a property for each of some settings, each of the type and with the default that its declaration has.
struct SettingsType {
  /// Who sees the type, and who makes one.
  enum Access {
    /// A connector of our own: its module does both.
    case own
    /// A user's connector, whose protocol names the type.
    case binding
    /// The kit, for whoever stands on it.
    case shared

    fileprivate var type: String { self == .own ? "" : "public " }
    fileprivate var initializer: String { self == .shared ? "public " : "" }
  }

  private let name: String
  private let docs: String?
  private let settings: [Setting]
  private let access: Access

  init(_ name: String, _ docs: String?, _ settings: [Setting], _ access: Access) {
    (self.name, self.docs, self.settings, self.access) = (name, docs, settings, access)
  }

  /// The type after an empty line. Settings of a group, such as `pool.max`, make a type of their own, which is a property of this
  /// one; where there is one group and nothing else, its type is all.
  func render(_ out: inout SwiftWriter) {
    var groups: [String] = []
    for setting in settings { if let group = setting.group, !groups.contains(group) { groups.append(group) } }
    let isGroup = groups.count == 1 && settings.allSatisfy { $0.group != nil }
    if isGroup { groups = [] }
    for group in groups {
      SettingsType(Self.type(of: group), "Settings `\(group)`.", settings.filter { $0.group == group }, access).render(&out)
    }
    let own = isGroup ? settings : settings.filter { $0.group == nil }
    out.line()
    out.comment(docs)
    out.block("\(access.type)struct \(name): Sendable {") { out in
      declare(own, &out)
      for group in groups { out.line("\(access.type)var \(Swift.member(group)): \(Self.type(of: group))") }
      out.line()
      out.block("\(access.initializer)init(_ settings: Settings) {") { out in
        for setting in own { out.line("\(setting.property) = \(Self.read(setting))") }
        for group in groups { out.line("\(Swift.member(group)) = \(Self.type(of: group))(settings)") }
      }
    }
  }

  private static func type(of group: String) -> String { Swift.camel(group) + "Settings" }

  /// The properties, after the types of those that have cases.
  private func declare(_ settings: [Setting], _ out: inout SwiftWriter) {
    for setting in settings {
      guard let cases = Self.cases(setting.type) else { continue }
      out.block("\(access.type)enum \(setting.choice): String, SettingChoice {") { out in
        for (name, member) in zip(cases.map(\.name), Self.members(cases)) {
          out.line(member.filter { $0 != "`" } == name ? "case \(member)" : "case \(member) = \(Swift.string(name))")
        }
      }
      out.line()
    }
    for setting in settings {
      out.comment(setting.docs)
      out.line("\(access.type)var \(setting.property): \(Self.swift(setting))")
    }
  }

  // MARK: Types and values

  private static func cases(_ type: Type) -> [EnumType.Case]? {
    switch type {
    case .optional(let inner), .list(let inner), .map(let inner): cases(inner)
    case .enumeration(let type): type.cases
    default: nil
    }
  }

  /// `PLAINTEXT` as `plaintext`, `at_most_once` as `atMostOnce`; where two would be alike, all are as the interface has them.
  private static func members(_ cases: [EnumType.Case]) -> [String] {
    let names = cases.map { Swift.member($0.name == $0.name.uppercased() ? $0.name.lowercased() : $0.name) }
    return Set(names).count == names.count ? names : cases.map { Swift.name($0.name) }
  }

  private static func swift(_ setting: Setting) -> String {
    func swift(_ type: Type) -> String {
      switch type {
      case .optional(let inner): "\(swift(inner))?"
      case .list(let element): "[\(swift(element))]"
      case .map(let element): "[String: \(swift(element))]"
      case .enumeration: setting.choice
      case .bool: "Bool"
      case .int: "Int64"
      case .float: "Double"
      case .decimal: "Decimal"
      case .timestamp: "Timestamp"
      case .date: "Day"
      case .duration: "Duration"
      case .size: "Size"
      default: "String"
      }
    }
    return swift(setting.type)
  }

  /// What null means of an optional one is said by its value alone.
  private static func read(_ setting: Setting) -> String {
    let key = Swift.string(setting.name)
    if setting.type.isOptional { return "settings.read(\(key))" }
    guard case .literal(let literal)? = setting.value else { return "settings.required(\(key))" }
    return "settings.read(\(key)) ?? \(Self.literal(literal, setting.type))"
  }

  private static func literal(_ value: Literal, _ type: Type) -> String {
    switch value {
    case .null: return "nil"
    case .bool(let value): return value ? "true" : "false"
    case .int(let value): return grouped(value)
    case .float(let value): return "\(value)"
    case .decimal(let digits): return "Decimal(\(Swift.string(digits)))!"
    case .string(let text), .uuid(let text): return Swift.string(text)
    case .timestamp(let micros): return "Timestamp(\(grouped(micros)))"
    case .date(let days): return "Day(\(grouped(days)))"
    case .duration(let micros): return "Duration(\(grouped(micros)))"
    case .size(let bytes): return "Size(\(grouped(bytes)))"
    case .enumCase(let index): return ".\(cases(type).map { members($0)[index].filter { $0 != "`" } } ?? "")"
    case .list(let items): return "[\(items.map { literal($0, element(type)) }.joined(separator: ", "))]"
    case .record: preconditionFailure("no setting is a record")
    case .map(let entries):
      let pairs = entries.map { "\(Swift.string($0.key)): \(literal($0.value, element(type)))" }
      return "[\(pairs.isEmpty ? ":" : pairs.joined(separator: ", "))]"
    }
  }

  private static func element(_ type: Type) -> Type {
    switch type.wrapped {
    case .list(let element), .map(let element): element
    default: type
    }
  }

  /// Thousands are grouped.
  private static func grouped(_ number: Int64) -> String {
    let digits = Array(String(number.magnitude))
    var text = number < 0 ? "-" : ""
    for (index, digit) in digits.enumerated() {
      if index > 0, digits.count > 4, (digits.count - index) % 3 == 0 { text += "_" }
      text.append(digit)
    }
    return text
  }
}

extension Setting {
  /// `pool` of `pool.max`.
  fileprivate var group: String? { name.firstIndex(of: ".").map { String(name[..<$0]) } }
  fileprivate var property: String { Swift.member(String(name.split(separator: ".").last!)) }
  /// The name of its type, where it has cases.
  fileprivate var choice: String { Swift.type(Swift.camel(String(name.split(separator: ".").last!))) }
}
