import PumpPlan
import PumpSyntax

/// Diagnostics for machines.
public enum DiagnosticFormat: String, CaseIterable {
  case text, json, sarif, github

  public func render(_ diagnostics: [Diagnostic], color: Bool) -> String {
    switch self {
    case .text:
      let text = DiagnosticText(color: color)
      return diagnostics.map { text.render($0) }.joined(separator: "\n")
    case .json: return JSONLiteral.array(diagnostics.map(Self.json)).text + "\n"
    case .sarif: return Self.sarif(diagnostics).text + "\n"
    case .github: return diagnostics.map(Self.github).joined()
    }
  }

  private static func object(_ members: [(String, JSONLiteral?)]) -> JSONLiteral {
    .object(members.compactMap { key, value in value.map { .init(key: key, value: $0) } })
  }

  private static func json(_ diagnostic: Diagnostic) -> JSONLiteral {
    let (line, column) = diagnostic.span.source.position(diagnostic.span.start)
    let (endLine, endColumn) = diagnostic.span.source.position(diagnostic.span.end)
    return object([
      ("code", .string(diagnostic.code.id)), ("severity", .string(diagnostic.severity.rawValue)),
      ("file", .string(diagnostic.span.source.path)),
      ("line", .number(String(line))), ("column", .number(String(column))), ("endLine", .number(String(endLine))),
      ("endColumn", .number(String(endColumn))), ("message", .string(diagnostic.message)), ("help", diagnostic.help.map { .string($0) }),
      ("fixable", .bool(diagnostic.fix?.confidence == .certain)),
      ("fix", diagnostic.fix.map { object([("title", .string($0.title)), ("confidence", .string($0.confidence.rawValue))]) }),
    ])
  }

  /// SARIF 2.1.0.
  private static func sarif(_ diagnostics: [Diagnostic]) -> JSONLiteral {
    let codes = Set(diagnostics.map(\.code)).sorted { $0.id < $1.id }
    let rules = codes.map { code in
      object([
        ("id", .string(code.id)), ("shortDescription", object([("text", .string(code.title))])),
        ("fullDescription", object([("text", .string(code.explanation))])),
        ("help", object([("text", .string("`pumpc explain \(code.id)` shows a spec that has it, and the same mended"))])),
      ])
    }
    let results = diagnostics.map { diagnostic -> JSONLiteral in
      let (line, column) = diagnostic.span.source.position(diagnostic.span.start)
      let (endLine, endColumn) = diagnostic.span.source.position(diagnostic.span.end)
      let region = object([
        ("startLine", .number("\(line)")), ("startColumn", .number("\(column)")), ("endLine", .number("\(endLine)")),
        ("endColumn", .number("\(endColumn)")),
      ])
      let location = object([
        ("physicalLocation", object([("artifactLocation", object([("uri", .string(diagnostic.span.source.path))])), ("region", region)]))
      ])
      let text = diagnostic.message + (diagnostic.help.map { "; \($0)" } ?? "")
      return object([
        ("ruleId", .string(diagnostic.code.id)), ("level", .string(diagnostic.severity.rawValue)),
        ("message", object([("text", .string(text))])), ("locations", .array([location])),
      ])
    }
    let driver = object([("name", .string("pumpc")), ("version", .string(pumpVersion)), ("rules", .array(rules))])
    return object([
      ("$schema", .string("https://json.schemastore.org/sarif-2.1.0.json")), ("version", .string("2.1.0")),
      ("runs", .array([object([("tool", object([("driver", driver)])), ("results", .array(results))])])),
    ])
  }

  /// A workflow command; its data are escaped as GitHub asks.
  private static func github(_ diagnostic: Diagnostic) -> String {
    func escape(_ text: String, property: Bool) -> String {
      var result = printable(text).replacing("%", with: "%25").replacing("\r", with: "%0D").replacing("\n", with: "%0A")
      if property { result = result.replacing(":", with: "%3A").replacing(",", with: "%2C") }
      return result
    }
    let (line, column) = diagnostic.span.source.position(diagnostic.span.start)
    let text = diagnostic.message + (diagnostic.help.map { " (\($0))" } ?? "")
    return
      "::\(diagnostic.severity.rawValue) file=\(escape(diagnostic.span.source.path, property: true)),line=\(line),col=\(column),title=\(diagnostic.code.id)::\(escape(text, property: false))\n"
  }
}
