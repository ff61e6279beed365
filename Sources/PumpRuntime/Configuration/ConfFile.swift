/// A mistake in configuration, at its place.
public struct ConfProblem: Error, Sendable {
  public enum Kind: String, Sendable {
    case syntax = "P0701", section = "P0702", key = "P0703", type = "P0704", variable = "P0705", missing = "P0706"
  }
  public let kind: Kind
  public let path: String
  public let line: Int
  public let column: Int
  public let message: String
  public let help: String
  public var description: String { "\(path):\(line):\(column): error[\(kind.rawValue)]: \(message)\n  help: \(help)" }
}

/// One `key = value` of an INI file, as it stands there.
public struct ConfEntry: Sendable {
  public let section: String
  public let key: String
  public let value: String
  public let path: String
  public let line: Int
  public let column: Int
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
    var section: String?
    var number = 0
    var lastLine = 0
    guard !text.utf8.contains(0), text.utf8.count < 4 << 20 else {
      report(1, 1, "this is no text of at most 4 MiB", "write sections and `key = value` lines")
      return
    }
    // "\r\n" is one Character: line ends are made alike first.
    let plain = text.replacing("\r\n", with: "\n").drop { $0 == "\u{FEFF}" }
    for line in plain.split(separator: "\n", omittingEmptySubsequences: false) {
      number += 1
      let trimmed = line.drop { $0 == " " || $0 == "\t" }
      if trimmed.isEmpty || trimmed.first == "#" || trimmed.first == ";" { continue }
      let column = line.count - trimmed.count + 1
      if trimmed.first == "[" {
        guard let close = trimmed.firstIndex(of: "]"), trimmed[trimmed.index(after: close)...].allSatisfy({ $0 == " " || $0 == "\t" })
        else {
          report(number, column, "a section's name has no `]`", "write `[name]` on a line of its own")
          section = nil
          continue
        }
        let name = String(trimmed[trimmed.index(after: trimmed.startIndex)..<close])
        section = name
        sections.append((name, number))
        continue
      }
      if column > 1, let last = entries.last, last.section == section, lastLine == number - 1 {
        lastLine = number
        entries[entries.count - 1] = ConfEntry(
          section: last.section, key: last.key, value: last.value + "\n" + Self.trim(trimmed), path: path, line: last.line,
          column: last.column)
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
      let value = trimmed[trimmed.index(after: separator)...]
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
          section: section, key: key, value: Self.trim(value), path: path, line: number, column: column))
    }
  }

  private static func trim(_ text: Substring) -> String {
    var part = text.drop { $0 == " " || $0 == "\t" }
    while let last = part.last, last == " " || last == "\t" { part = part.dropLast() }
    return String(part)
  }

  private mutating func report(_ line: Int, _ column: Int, _ message: String, _ help: String) {
    problems.append(ConfProblem(kind: .syntax, path: path, line: line, column: column, message: message, help: help))
  }

  /// `${VAR}` and `${VAR:-default}` once, from the environment; `$$` is a dollar. The variable's name is thrown where it is not set.
  static func expand(_ text: String, _ environment: (String) -> String?) throws(UnsetVariable) -> String {
    guard text.contains("$") else { return text }
    var result = ""
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
      }
    }
    return result + rest
  }

  struct UnsetVariable: Error { let name: String }
}
