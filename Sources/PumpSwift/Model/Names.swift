import PumpPlan

/// Names and literals of the spec as Swift text that can be nothing else.
enum Swift {
  /// Words that mean something to Swift.
  private static let words: Set<String> = [
    "associatedtype", "class", "deinit", "enum", "extension", "fileprivate", "func", "import", "init", "inout", "internal", "let", "open",
    "operator",
    "private", "protocol", "public", "rethrows", "static", "struct", "subscript", "typealias", "var", "break", "case", "catch", "continue",
    "default",
    "defer", "do", "else", "fallthrough", "for", "guard", "if", "in", "repeat", "return", "throw", "switch", "where", "while", "Any", "as",
    "await",
    "false", "is", "nil", "self", "Self", "super", "throws", "true", "try", "async", "actor", "some", "any", "borrowing", "consuming",
    "each", "Type", "Protocol", "precedencegroup", "macro",
  ]
  /// Locals of generated code.
  private static let locals: Set<String> = [
    "row", "batch", "out", "c", "json", "seen", "expected", "column", "arena", "shape",
    "keys", "nothing", "wires", "rawValue", "text",
    "config", "event", "step", "sink", "sinks", "place", "number",
  ]
  /// Names of the runtime that types must not hide.
  private static let types: Set<String> = [
    "Text", "Blob", "Json", "List", "Map", "Entry", "Decimal", "Timestamp", "Day", "Duration", "Size", "Uuid", "Shape", "Column", "Batch",
    "Outputs", "Record", "LookupQueue", "Context",
    "Fn", "Processor", "Program", "PipelineSpec", "EndpointSpec", "ConnectionSpec", "TestSpec", "Setting", "SettingValue", "Settings",
    "Value", "Configuration",
    "JSONReader", "JSONOptions", "JSONReadable", "JSONWritable", "KeyTable", "Malformed", "EventFailure", "ByteBuffer", "RecordFormat",
    "Formats", "Framing", "Header",
    "Lines", "Arena",
    "ColumnValue", "Failure", "SinkBuffer", "String", "Int", "Int64", "Int32", "UInt64", "Double", "Bool", "Optional", "Array", "Set",
    "Dictionary", "Error",
    "Never", "Any", "Self", "CommandLine", "UInt8", "Glibc", "Unicode", "UnsafePointer", "MemoryLayout", "Type", "Protocol", "Config",
    "Functions", "StaticString", "Result", "Sendable", "Equatable", "Hashable",
    "Swift", "Void", "Range", "Slice",
    "ProgramCommand", "Embedded", "Source", "Sink", "Lookup", "Connector", "Calendar", "Base64", "Regex", "Digest", "Runner", "Logger",
    "SettingChoice", "Zones", "Fields", "Sinks", "PlainList", "PumpProgram", "PumpRuntime", "PipelineSteps", "Executable", "RestMembers",
  ]

  /// A property, case or local. Different names stay different: what ends in `_` already gets one more, and of a name that is no
  /// word, such as `@timestamp`, each other sign stands by its number between dots, which no word has.
  static func name(_ name: String) -> String {
    guard isWord(name) else { return encoded(name) }
    // Generated locals are `it1`, `each1`, …
    for prefix in ["it", "each"]
    where name.hasPrefix(prefix) && name.count > prefix.count && name.dropFirst(prefix.count).allSatisfy(\.isNumber) { return name + "_" }
    return words.contains(name) || locals.contains(name) || name.hasSuffix("_") ? name + "_" : name
  }

  private static func encoded(_ name: String) -> String {
    name.unicodeScalars.map { isWord("a\($0)") ? "\($0)" : "·\(String($0.value, radix: 16))·" }.joined() + "·"
  }

  private static func isWord(_ name: String) -> Bool {
    name.utf8.allSatisfy { $0 | 0x20 >= 97 && $0 | 0x20 <= 122 || $0 >= 48 && $0 <= 57 || $0 == 95 }
      && name.first.map { !$0.isNumber } ?? false
  }

  static func type(_ name: String) -> String {
    guard isWord(name) else { return encoded(name) }
    let upper = name.prefix(1).uppercased() + name.dropFirst()
    return types.contains(upper) || upper.hasSuffix("_") ? upper + "_" : upper
  }

  /// `large_orders` as `LargeOrders`.
  static func camel(_ name: String) -> String {
    name.split(separator: "_").map { $0.prefix(1).uppercased() + $0.dropFirst() }.joined()
  }

  /// `starts_with` as `startsWith`, the runtime's spelling of a function.
  static func function(_ name: String) -> String {
    let camel = camel(name)
    let lower = camel.prefix(1).lowercased() + camel.dropFirst()
    return lower == "repeat" ? "`repeat`" : lower
  }

  /// `busy_timeout` as the property or case `busyTimeout`, beside which no locals stand.
  static func member(_ name: String) -> String {
    let camel = camel(name)
    let lower = camel.prefix(1).lowercased() + camel.dropFirst()
    if ["init", "self", "Self", "Type", "Protocol", "settings"].contains(lower) { return lower + "_" }
    return words.contains(lower) ? "`\(lower)`" : lower
  }

  /// A string literal: printable ASCII as it is, everything else as `\u{…}`.
  static func string(_ text: String) -> String {
    var result = "\""
    for scalar in text.unicodeScalars {
      switch scalar {
      case "\"": result += "\\\""
      case "\\": result += "\\\\"
      case "\n": result += "\\n"
      case " "..."~": result.unicodeScalars.append(scalar)
      default: result += "\\u{\(String(scalar.value, radix: 16))}"
      }
    }
    return result + "\""
  }

  /// Text as it may stand in a comment of one line.
  static func plain(_ text: String) -> String {
    String(String.UnicodeScalarView(text.unicodeScalars.filter { $0.value >= 0x20 && $0.value < 0x7F }))
  }

  /// Documentation; it cannot end the comment, since each line is one.
  static func docs(_ text: String?) -> [String] {
    guard let text else { return [] }
    return text.split(separator: "\n", omittingEmptySubsequences: false).map { line in
      let clean = String(
        String.UnicodeScalarView(
          line.unicodeScalars.filter { ($0.value >= 0x20 && $0.value < 0x7F) || ($0.value > 0xA0 && !isInvisible($0.value)) }))
      return clean.isEmpty ? "///" : "/// \(clean)"
    }
  }

  /// Of general punctuation all but dashes, quotes and dots: spaces, and what turns the direction of text.
  private static func isInvisible(_ scalar: UInt32) -> Bool { 0x2000...0x206F ~= scalar && !(0x2010...0x2027 ~= scalar) }
}
