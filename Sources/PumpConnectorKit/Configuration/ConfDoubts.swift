import Glibc

/// What stands in a value and is probably not meant so. Other readers of INI files take quotes and comments off, others do not:
/// the value stays what it is, and a warning says so.
struct ConfDoubt {
  let message: String
  let help: String
  let fix: ConfProblem.Fix?
}

extension ConfEntry {
  init(override key: String, of section: String, _ value: String) {
    self.init(section: section, key: key, value: value, path: "--set", line: 1, column: 1, lastLine: 1, beginning: "")
  }

  /// Elements of `[general] include` and `ignore`, which commas or white space separate.
  var words: [String] { value.split { $0 == "," || $0.isWhitespace }.map(String.init) }

  /// The environment, and `THIS_DIR`: the folder of the configuration file.
  func variables(_ environment: @escaping (String) -> String?) -> (String) -> String? {
    { [path] name in
      guard name == "THIS_DIR", path != "--set" else { return environment(name) }
      let folder = path.contains("/") ? String(path[...path.lastIndex(of: "/")!]) : "."
      guard let full = realpath(folder, nil) else { return nil }
      defer { free(full) }
      return String(cString: full)
    }
  }

  /// `bare` are names after a dollar without braces.
  func doubts(_ setting: Setting, bare: [String], _ environment: (String) -> String?) -> [ConfDoubt] {
    // A shell has taken quotes and comments off already.
    guard !beginning.isEmpty else { return [] }
    var doubts: [ConfDoubt] = []
    let isList = setting.shape.kind == .list
    let isLiteral = isList && value.first == "["
    if value.count > 1, let quote = value.first, quote == "\"" || quote == "'", value.last == quote, setting.shape.kind != .json {
      doubts.append(
        ConfDoubt(
          message: "the quotes are part of the value of `\(key)`", help: "leave them out",
          fix: replaced(by: String(value.dropFirst().dropLast()))))
    }
    if let comment = comment {
      let rest = value[..<comment.lowerBound]
      doubts.append(
        ConfDoubt(
          message: "the `\(value[comment.upperBound])` and what follows it are part of the value of `\(key)`",
          help: "write a comment on a line of its own",
          fix: isOneLine ? fix("\(indent)\(value[comment.upperBound...])\n\(beginning)\(rest)") : nil))
    }
    for name in bare {
      let shown = setting.isSecret ? "a `$` with a name behind it" : "`$\(name)`"
      doubts.append(
        ConfDoubt(
          message: "\(shown) in `\(key)` stays as it is",
          help: setting.isSecret
            ? "write `$$` for a dollar, `${NAME}` for a variable" : "write `${\(name)}` for the variable, `$$\(name)` for a dollar",
          fix: environment(name) == nil ? nil : replaced(by: value.replacing("$\(name)", with: "${\(name)}"))))
    }
    let elements = value.split(separator: ",").map { $0.trimmed(\.isWhitespace) }
    let isSplit = elements.contains { $0.contains(where: \.isNewline) } || elements.count == 1 && !value.contains(",") && words.count > 1
    if isList, !isLiteral, comment == nil, isSplit {
      doubts.append(
        ConfDoubt(
          message: "`\(key)` has white space within an element: commas separate elements",
          help: "write `\(key) = a, b`; a comma at the end keeps one element whole",
          fix: fix(
            indent + beginning.trimmed(\.isWhitespace) + " " + words.joined(separator: ", "),
            isCertain: value.contains(where: \.isNewline))))
    }
    return doubts
  }

  private var isOneLine: Bool { line == lastLine }
  private var indent: Substring { beginning.prefix { $0 == " " || $0 == "\t" } }

  /// From the end of what is meant up to the sign of what reads as a comment after it.
  private var comment: ClosedRange<String.Index>? {
    var end = value.startIndex
    for index in value.indices {
      let isSign = value[index] == "#" || value[index] == ";"
      if isSign, end < index || index == value.startIndex && value.dropFirst().first?.isWhitespace ?? false { return end...index }
      if !value[index].isWhitespace { end = value.index(after: index) }
    }
    return nil
  }

  private func replaced(by text: String) -> ConfProblem.Fix? { isOneLine ? fix(beginning + text) : nil }
  private func fix(_ text: String, isCertain: Bool = true) -> ConfProblem.Fix {
    .init(lines: line...lastLine, text: text, isCertain: isCertain)
  }
}

extension Shape {
  /// Its name, where that it may be null is beside the point.
  var plainName: String { isOptional && name.last == "?" ? String(name.dropLast()) : name }

  /// What may be written for it.
  var example: String {
    switch kind {
    case .bool: "write true or false"
    case .int: "write a whole number, such as 5"
    case .duration: "write a duration, such as 5s or 100ms"
    case .size: "write a size, such as 64KiB"
    case .float, .decimal: "write a number, such as 1.5"
    case .date: "write a date, such as 2026-01-31"
    case .timestamp: "write a time with its zone, such as 2026-01-31T09:00:00Z"
    case .uuid: "write a Uuid, such as 0f8fad5b-d9cb-469f-a165-70867728950e"
    case .json: "write JSON"
    case .bytes: "write bytes in Base64"
    case .enumeration: "write one of \(cases.joined(separator: ", "))"
    case .list: "write \(plainName.dropFirst().dropLast()) elements with commas between them"
    default: "write a \(plainName)"
    }
  }
}
