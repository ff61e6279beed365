import PumpConnectorKit
import PumpPlan

/// Data as the language writes it.
enum PumpText {
  /// A string, in which nothing from outside ends it, opens an expression or moves a terminal's cursor.
  static func string(_ text: some StringProtocol) -> String {
    var result = "\""
    for scalar in text.unicodeScalars {
      switch scalar {
      case "\"", "\\": result += "\\\(scalar)"
      case "\n": result += "\\n"
      case "\r": result += "\\r"
      case "\t": result += "\\t"
      default:
        if Shape.clean(String(scalar)) == String(scalar) || scalar.value == 0xFFFD {
          result.unicodeScalars.append(scalar)
        } else {
          result += "\\u{\(String(scalar.value, radix: 16))}"
        }
      }
    }
    return result + "\""
  }

  static func literal(_ value: JSONLiteral) -> String {
    switch value {
    case .null, .bool, .number: value.text
    case .string(let text): string(text)
    case .array(let items): "[\(items.map(literal).joined(separator: ", "))]"
    case .object(let members):
      members.isEmpty ? "{}" : "{ \(members.map { "\(name($0.key)): \(literal($0.value))" }.joined(separator: ", ")) }"
    }
  }

  /// Any word may stand before a colon; what is none is written in quotes.
  private static func name(_ key: String) -> String {
    let isWord = key.utf8.first.map { $0 == 0x5F || isLetter($0) } ?? false
    return isWord && key.utf8.allSatisfy { $0 == 0x5F || isLetter($0) || (0x30...0x39).contains($0) } ? key : string(key)
  }
  private static func isLetter(_ byte: UInt8) -> Bool { (0x41...0x5A).contains(byte & 0xDF) }
}

extension JSONLiteral {
  /// Any JSON text; nil if it is none.
  init?(parsing text: String) {
    let context = Context()
    guard let json = try? Fn.parseJson(context.arena.copy(text), context) else { return nil }
    self.init(json, context)
  }

  private init(_ json: Json, _ c: Context) {
    var items: [JSONLiteral] = []
    var members: [Member] = []
    if Fn.members(json, c, { members.append(Member(key: $0.string, value: JSONLiteral($1, c))) }) {
      self = .object(members)
    } else if Fn.elements(json, c, { items.append(JSONLiteral($0, c)) }) {
      self = .array(items)
    } else {
      switch json.text[0] {
      case UInt8(ascii: "n"): self = .null
      case UInt8(ascii: "t"): self = .bool(true)
      case UInt8(ascii: "f"): self = .bool(false)
      case 0x22: self = .string(Fn.toString(json, c).string)
      default: self = .number(json.text.string)
      }
    }
  }
}
