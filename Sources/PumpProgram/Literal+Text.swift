extension Literal: CustomStringConvertible {
  public var description: String {
    switch self {
    case .null: "null"
    case .bool(let value): "\(value)"
    case .int(let value): "\(value)"
    case .float(let value): "\(value)"
    case .decimal(let digits): "\(digits)d"
    case .string(let text): JSONLiteral.quoted(text)
    case .timestamp(let micros): "timestamp \(micros)us"
    case .date(let days): "date \(days)"
    case .duration(let micros): "\(micros)us"
    case .size(let bytes): "\(bytes)B"
    case .uuid(let text): "uuid \(text)"
    case .enumCase(let index): "case \(index)"
    case .list(let items): "[\(items.map(\.description).joined(separator: ", "))]"
    case .map(let entries): "{\(entries.map { "\(JSONLiteral.quoted($0.key)): \($0.value)" }.joined(separator: ", "))}"
    case .record(let items): "{\(items.map(\.description).joined(separator: ", "))}"
    }
  }
}
