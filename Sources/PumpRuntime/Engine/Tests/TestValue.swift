/// JSON as a tree, for comparing what a test expects with what came.
indirect enum TestValue: Equatable, Sendable {
  case null
  case bool(Bool)
  case number(Decimal?, Double)
  case string(String)
  case array([TestValue])
  case object([(key: String, value: TestValue)])

  init?(_ text: String) {
    let context = Context()
    guard let json = try? Fn.parseJson(context.arena.copy(text), context) else { return nil }
    self.init(json, context)
  }

  private init(_ json: Json, _ c: Context) {
    switch json.text[0] {
    case UInt8(ascii: "n"): self = .null
    case UInt8(ascii: "t"): self = .bool(true)
    case UInt8(ascii: "f"): self = .bool(false)
    case 0x22: self = .string(Fn.toString(json, c).string)
    case UInt8(ascii: "["):
      var items: [TestValue] = []
      _ = Fn.elements(json, c) { items.append(TestValue($0, c)) }
      self = .array(items)
    case UInt8(ascii: "{"):
      var members: [(String, TestValue)] = []
      _ = Fn.members(json, c) { members.append(($0.string, TestValue($1, c))) }
      self = .object(members.map { (key: $0.0, value: $0.1) })
    default: self = .number(Decimal(json.text), Double(json.text.string) ?? .nan)
    }
  }

  static func == (a: TestValue, b: TestValue) -> Bool {
    switch (a, b) {
    case (.null, .null): true
    case (.bool(let x), .bool(let y)): x == y
    case (.number(let x?, _), .number(let y?, _)): x == y
    case (.number(_, let x), .number(_, let y)): x == y
    case (.string(let x), .string(let y)): x == y || sameMoment(x, y)
    case (.array(let x), .array(let y)): x == y
    case (.object(let x), .object(let y)):
      // A member that is null equals one that is not written.
      x.allSatisfy { member in (y.first { $0.key == member.key }?.value ?? .null) == member.value }
        && y.allSatisfy { member in x.contains { $0.key == member.key } || member.value == .null }
    default: false
    }
  }

  /// One time may be written in several ways.
  private static func sameMoment(_ a: String, _ b: String) -> Bool {
    let arena = Arena()
    guard a.utf8.count >= 20, let x = Calendar.timestamp(arena.copy(a)), let y = Calendar.timestamp(arena.copy(b)) else { return false }
    return x == y
  }

  /// What stands at the end of a path of members.
  func member(_ path: ArraySlice<String>) -> TestValue? {
    guard let name = path.first else { return self }
    guard case .object(let members) = self else { return nil }
    return members.first { $0.key == name }?.value.member(path.dropFirst())
  }

  /// Where something first differs from what is written, such as `.items[2].price`, and what stands there; nil if nothing does.
  /// Members that the pattern does not write differ where it is exact.
  func difference(_ pattern: TestValue, exact: Bool) -> (path: String, came: TestValue, expected: TestValue)? {
    switch (self, pattern) {
    case (.object(let members), .object(let wanted)):
      let names = wanted.map(\.key) + (exact ? members.map(\.key).filter { name in !wanted.contains { $0.key == name } } : [])
      for name in names {
        // A member that is null equals one that is not written.
        let (a, b) = (member([name]) ?? .null, pattern.member([name]) ?? .null)
        if let inner = a.difference(b, exact: exact) { return (".\(name)\(inner.path)", inner.came, inner.expected) }
      }
      return nil
    case (.array(let items), .array(let wanted)) where items.count == wanted.count:
      for (index, (a, b)) in zip(items, wanted).enumerated() {
        if let inner = a.difference(b, exact: exact) { return ("[\(index)]\(inner.path)", inner.came, inner.expected) }
      }
      return nil
    default: return self == pattern ? nil : ("", self, pattern)
    }
  }

  /// As compact JSON.
  var text: String { literal.text }

  private var literal: JSONLiteral {
    switch self {
    case .null: .null
    case .bool(let value): .bool(value)
    case .number(let decimal, let double): .number(decimal.map { "\($0)" } ?? "\(double)")
    case .string(let text): .string(text)
    case .array(let items): .array(items.map(\.literal))
    case .object(let members): .object(members.map { .init(key: $0.key, value: $0.value.literal) })
    }
  }
}

/// Colours for a terminal.
struct Ink: Sendable {
  let isTerminal: Bool
  private func painted(_ text: String, _ code: String) -> String { isTerminal ? "\u{1B}[\(code)m\(text)\u{1B}[0m" : text }
  func good(_ text: String) -> String { painted(text, "32") }
  func bad(_ text: String) -> String { painted(text, "31") }
}
