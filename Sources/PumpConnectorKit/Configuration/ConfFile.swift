/// One `key = value` of an INI file, as it stands there.
public struct ConfEntry: Sendable {
  public let section: String
  public let key: String
  public let value: String
  public let path: String
  public let line: Int
  public let column: Int
  /// The line on which a value of several lines ends.
  public fileprivate(set) var lastLine: Int
  /// The first line up to its value; empty for an override.
  let beginning: String
}

/// `pipelines.conf`: INI as existing deployments write it. Sections in brackets, `key = value` or `key: value`, comments
/// with `#` or `;` at the start of a line, values continued on indented lines.
public struct ConfFile: Sendable {
  public private(set) var entries: [ConfEntry] = []
  public private(set) var sections: [(name: String, line: Int)] = []
  public private(set) var problems: [ConfProblem] = []
  public let path: String

  public init(path: String, text: String) {
    self.path = path
    guard !text.utf8.contains(0), text.utf8.count < 4 << 20 else {
      report(1, 1, "this is no text of at most 4 MiB", "write sections and `key = value` lines")
      return
    }
    var section: String?
    /// The line up to which the last value goes on.
    var lastLine = 0
    // "\r\n" is one Character: line ends are made alike first.
    let plain = text.replacing("\r\n", with: "\n").drop { $0 == "\u{FEFF}" }
    for (index, line) in plain.split(separator: "\n", omittingEmptySubsequences: false).enumerated() {
      let number = index + 1
      let trimmed = line.drop { $0 == " " || $0 == "\t" }
      if trimmed.isEmpty { continue }
      if trimmed.first == "#" || trimmed.first == ";" {
        // A comment among the lines of a value does not end it.
        if lastLine == number - 1 { lastLine = number }
        continue
      }
      let column = line.count - trimmed.count + 1
      if trimmed.first == "[", column == 1 || lastLine != number - 1 {
        section = name(trimmed, number, column)
        if let section { sections.append((section, number)) }
        continue
      }
      if column > 1, let last = entries.last, last.section == section, lastLine == number - 1 {
        lastLine = number
        entries[entries.count - 1] = ConfEntry(
          section: last.section, key: last.key, value: last.value + "\n" + Self.trim(trimmed), path: path, line: last.line,
          column: last.column, lastLine: number, beginning: last.beginning)
        continue
      }
      guard let separator = trimmed.firstIndex(where: { $0 == "=" || $0 == ":" }), separator != trimmed.startIndex else {
        report(number, column, "this line is neither a section nor `key = value`", "write `key = value`, or start the line with `#`")
        continue
      }
      guard let section else {
        report(number, column, "this key stands in no section", "write `[section]` above it")
        continue
      }
      let value = trimmed[trimmed.index(after: separator)...].drop { $0 == " " || $0 == "\t" }
      let key = Self.trim(trimmed[..<separator])
      if let first = entries.first(where: { $0.section == section && $0.key == key }) {
        report(number, column, "`\(Shape.clean(key))` is set twice in this file, first on line \(first.line)", "remove one of them")
        continue
      }
      if let dollar = value.firstRange(of: "${"), !value[dollar.upperBound...].contains("}") {
        report(number, column, "a `${` is never closed", "write `${NAME}`, or `$$` for a dollar")
        continue
      }
      lastLine = number
      entries.append(
        ConfEntry(
          section: section, key: key, value: Self.trim(value), path: path, line: number, column: column, lastLine: number,
          beginning: String(line[..<value.startIndex])))
    }
  }

  /// What stands in brackets; a comment may follow them, and the name may have brackets of its own.
  private mutating func name(_ line: Substring, _ number: Int, _ column: Int) -> String? {
    func isEnd(_ bracket: Substring.Index) -> Bool {
      let rest = line[line.index(after: bracket)...].drop { $0 == " " || $0 == "\t" }
      return rest.isEmpty || rest.first == "#" || rest.first == ";"
    }
    guard let close = line.indices.first(where: { line[$0] == "]" && isEnd($0) }) else {
      report(number, column, "a section's name has no `]`", "write `[name]` on a line of its own")
      return nil
    }
    return String(line[line.index(after: line.startIndex)..<close])
  }

  private static func trim(_ text: Substring) -> String { text.trimmed { $0 == " " || $0 == "\t" } }

  private mutating func report(_ line: Int, _ column: Int, _ message: String, _ help: String) {
    problems.append(ConfProblem(.syntax, path: path, line: line, column: column, message, help: help))
  }

  struct UnsetVariable: Error { let name: String }

  /// `${VAR}` and `${VAR:-default}` once, from the environment; `$$` is a dollar. The variable's name is thrown where it is not
  /// set. `bare` are the names that follow a dollar without braces, which stay as they are.
  static func expand(_ text: String, _ environment: (String) -> String?) throws(UnsetVariable) -> (text: String, bare: [String]) {
    guard text.contains("$") else { return (text, []) }
    var result = ""
    var bare: [String] = []
    var rest = Substring(text)
    while let dollar = rest.firstIndex(of: "$") {
      result += rest[..<dollar]
      rest = rest[rest.index(after: dollar)...]
      if rest.first == "$" {
        result += "$"
        rest = rest.dropFirst()
      } else if rest.first == "{", let close = rest.firstIndex(of: "}") {
        let inner = rest[rest.index(after: rest.startIndex)..<close]
        rest = rest[rest.index(after: close)...]
        let parts = inner.split(separator: ":-", maxSplits: 1, omittingEmptySubsequences: false)
        if let value = environment(String(parts[0])), !value.isEmpty || parts.count == 1 {
          result += value
        } else if parts.count == 2 {
          result += parts[1]
        } else {
          throw UnsetVariable(name: String(parts[0]))
        }
      } else {
        result += "$"
        let name = rest.prefix { $0 == "_" || $0.isASCII && ($0.isLetter || $0.isNumber) }
        if let first = name.first, !first.isNumber { bare.append(String(name)) }
      }
    }
    return (result + rest, bare)
  }
}

extension StringProtocol {
  /// Without the spaces around it.
  func trimmed(_ isSpace: (Character) -> Bool) -> String {
    var text = drop(while: isSpace)
    while let last = text.last, isSpace(last) { text = text.dropLast() }
    return String(text)
  }
}
