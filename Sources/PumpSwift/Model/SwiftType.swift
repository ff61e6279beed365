/// The name of a Swift type, such as `List<Text>?`.
indirect enum SwiftType: Sendable, ExpressibleByStringLiteral {
  case named(String)
  /// `List<Text>`.
  case generic(String, SwiftType)
  /// `[String]`.
  case array(SwiftType)
  /// `[String: Int64]`.
  case dictionary(SwiftType)
  /// `Text?`.
  case optional(SwiftType)

  init(stringLiteral name: String) { self = .named(name) }

  var text: String {
    switch self {
    case .named(let name): name
    case .generic(let name, let argument): "\(name)<\(argument.text)>"
    case .array(let element): "[\(element.text)]"
    case .dictionary(let value): "[String: \(value.text)]"
    case .optional(let type): "\(type.text)?"
    }
  }

  var isOptional: Bool { if case .optional = self { true } else { false } }
  /// The type without its `?`.
  var wrapped: SwiftType { if case .optional(let type) = self { type } else { self } }
}
