/// What a token is; its text is read from its span.
public enum TokenKind: String, Sendable {
  case identifier, integer, fraction, string, block, raw, duration, size, date, timestamp
  case leftBrace = "{"
  case rightBrace = "}"
  case leftParen = "("
  case rightParen = ")"
  case leftBracket = "["
  case rightBracket = "]"
  case comma = ","
  case colon = ":"
  case equal = "="
  case arrow = "=>"
  case returns = "->"
  case pipe = "|>"
  case at = "@"
  case dot = "."
  case optionalDot = "?."
  case question = "?"
  case coalesce = "??"
  case spread = "..."
  case equalEqual = "=="
  case notEqual = "!="
  case less = "<"
  case lessEqual = "<="
  case greater = ">"
  case greaterEqual = ">="
  case plus = "+"
  case minus = "-"
  case star = "*"
  case slash = "/"
  case percent = "%"
  case unknown
  case end

  /// How a message names it.
  public var described: String {
    switch self {
    case .identifier: "a name"
    case .integer, .fraction: "a number"
    case .string, .block, .raw: "a string"
    case .duration: "a duration"
    case .size: "a size"
    case .date: "a date"
    case .timestamp: "a timestamp"
    case .end: "the end of the file"
    case .unknown: "an unknown sign"
    default: "`\(rawValue)`"
    }
  }
}

public struct Token: Sendable {
  public let start: Int
  public let end: Int
  public let kind: TokenKind
  /// Whether a line break stands between this token and the one before it.
  public let afterNewline: Bool
}

/// A comment, kept for the formatter.
public struct Comment: Sendable {
  public let start: Int
  public let end: Int
}

/// Words that can never name anything.
public let reservedWords: Set<String> = [
  "true", "false", "null", "it", "if", "then", "else", "match", "when", "let", "in", "try", "and", "or", "not", "matches",
]
