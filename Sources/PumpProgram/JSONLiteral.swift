/// JSON as a tree: data of tests, schemas, and whatever else is printed as JSON.
public indirect enum JSONLiteral: Sendable {
  case null
  case bool(Bool)
  case number(String)
  case string(String)
  case array([JSONLiteral])
  case object([Member])
  public struct Member: Sendable {
    public let key: String
    public let value: JSONLiteral
    public init(key: String, value: JSONLiteral) {
      self.key = key
      self.value = value
    }
  }
}

extension JSONLiteral {
  /// As compact JSON.
  public var text: String {
    switch self {
    case .null: "null"
    case .bool(let value): value ? "true" : "false"
    case .number(let digits): digits
    case .string(let text): Self.quoted(text)
    case .array(let items): "[" + items.map(\.text).joined(separator: ",") + "]"
    case .object(let members): "{" + members.map { Self.quoted($0.key) + ":" + $0.value.text }.joined(separator: ",") + "}"
    }
  }

  /// A JSON string of any text.
  public static func quoted(_ text: String) -> String {
    var result = "\""
    for scalar in text.unicodeScalars {
      switch scalar {
      case "\"": result += "\\\""
      case "\\": result += "\\\\"
      case "\n": result += "\\n"
      case "\r": result += "\\r"
      case "\t": result += "\\t"
      default:
        if scalar.value < 0x20 {
          let hex = String(scalar.value, radix: 16)
          result += "\\u" + String(repeating: "0", count: 4 - hex.count) + hex
        } else {
          result.unicodeScalars.append(scalar)
        }
      }
    }
    return result + "\""
  }
}
