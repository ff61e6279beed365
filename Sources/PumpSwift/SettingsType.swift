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

    fileprivate var type: String { self == .own ? "" : "public" }
    fileprivate var initializer: String { self == .shared ? "public" : "" }
  }

  private let name: String
  private let docs: String?
  private let settings: [Setting]
  private let access: Access

  init(_ name: String, _ docs: String?, _ settings: [Setting], _ access: Access) {
    (self.name, self.docs, self.settings, self.access) = (name, docs, settings, access)
  }

  /// The type. Settings of a group, such as `pool.max`, make a type of their own before it, which is a property of this one;
  /// where there is one group and nothing else, its type is all.
  func declarations() -> [SwiftTypeDeclaration] {
    var groups: [String] = []
    for setting in settings { if let group = setting.group, !groups.contains(group) { groups.append(group) } }
    let isGroup = groups.count == 1 && settings.allSatisfy { $0.group != nil }
    if isGroup { groups = [] }
    let nested = groups.flatMap { group in
      SettingsType(Self.type(of: group), "Settings `\(group)`.", settings.filter { $0.group == group }, access).declarations()
    }
    let own = isGroup ? settings : settings.filter { $0.group == nil }
    let properties = groups.map { group in
      SwiftDeclaration.property(
        SwiftProperty(modifiers: access.type, isConstant: false, name: Swift.member(group), type: .named(Self.type(of: group))))
    }
    let read =
      own.map { SwiftStatement.assign(.name($0.property), Self.read($0)) }
      + groups.map { .assign(.name(Swift.member($0)), .call(.name(Self.type(of: $0)), "settings")) }
    let reading = SwiftFunction(
      modifiers: access.initializer, name: "init", parameters: [SwiftParameter("settings", "Settings")], body: read)
    return nested + [
      SwiftTypeDeclaration(
        docs: docs, modifiers: access.type, kind: "struct", name: name, conforms: ["Sendable"],
        members: declare(own) + properties + [.blank, .function(reading)])
    ]
  }

  private static func type(of group: String) -> String { Swift.camel(group) + "Settings" }

  /// The properties, after the types of those that have cases.
  private func declare(_ settings: [Setting]) -> [SwiftDeclaration] {
    var result: [SwiftDeclaration] = []
    for setting in settings {
      guard let cases = Self.cases(setting.type) else { continue }
      let members = zip(cases.map(\.name), Self.members(cases)).map { name, member in
        SwiftDeclaration.enumCase(member, raw: member.filter { $0 != "`" } == name ? nil : name)
      }
      let choice = SwiftTypeDeclaration(
        modifiers: access.type, kind: "enum", name: setting.choice, conforms: ["String", "SettingChoice"], members: members)
      result += [.type(choice), .blank]
    }
    return result
      + settings.map { setting in
        .property(
          SwiftProperty(
            docs: setting.docs, modifiers: access.type, isConstant: false, name: setting.property, type: Self.swift(setting)))
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

  private static func swift(_ setting: Setting) -> SwiftType {
    func swift(_ type: Type) -> SwiftType {
      switch type {
      case .optional(let inner): .optional(swift(inner))
      case .list(let element): .array(swift(element))
      case .map(let element): .dictionary(swift(element))
      case .enumeration: .named(setting.choice)
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
  private static func read(_ setting: Setting) -> SwiftExpression {
    let key = SwiftExpression.string(setting.name)
    if setting.type.isOptional { return .call("settings.read", key) }
    guard case .literal(let literal)? = setting.value else { return .call("settings.required", key) }
    return .binary(.call("settings.read", key), "??", Self.literal(literal, setting.type))
  }

  private static func literal(_ value: Literal, _ type: Type) -> SwiftExpression {
    switch value {
    case .null: return "nil"
    case .bool(let value): return value ? "true" : "false"
    case .int(let value): return grouped(value)
    case .float(let value): return .number("\(value)")
    case .decimal(let digits): return .unwrapped(.call("Decimal", .string(digits)))
    case .string(let text), .uuid(let text): return .string(text)
    case .timestamp(let micros): return .call("Timestamp", grouped(micros))
    case .date(let days): return .call("Day", grouped(days))
    case .duration(let micros): return .call("Duration", grouped(micros))
    case .size(let bytes): return .call("Size", grouped(bytes))
    case .enumCase(let index): return .name(".\(cases(type).map { members($0)[index].filter { $0 != "`" } } ?? "")")
    case .list(let items): return .array(items.map { literal($0, element(type)) })
    case .record: preconditionFailure("no setting is a record")
    case .map(let entries): return .dictionary(entries.map { (.string($0.key), literal($0.value, element(type))) })
    }
  }

  private static func element(_ type: Type) -> Type {
    switch type.wrapped {
    case .list(let element), .map(let element): element
    default: type
    }
  }

  /// Thousands of long ones are grouped.
  private static func grouped(_ number: Int64) -> SwiftExpression {
    .number(number.magnitude < 10_000 ? "\(number)" : Quantity.grouped(number, by: "_"))
  }
}

extension Setting {
  /// `pool` of `pool.max`.
  fileprivate var group: String? { name.firstIndex(of: ".").map { String(name[..<$0]) } }
  fileprivate var property: String { Swift.member(String(name.split(separator: ".").last!)) }
  /// The name of its type, where it has cases.
  fileprivate var choice: String { Swift.type(Swift.camel(String(name.split(separator: ".").last!))) }
}
