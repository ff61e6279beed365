import PumpSyntax

/// Diagnostics for people: place, message, the line with what is meant underlined, and one thing to try.
public struct DiagnosticText {
  private let color: Bool
  private let lines = ShownLine()
  public init(color: Bool) { self.color = color }

  public func render(_ diagnostic: Diagnostic) -> String {
    let isError = diagnostic.severity == .error
    let head = paint("\(diagnostic.severity.rawValue)[\(diagnostic.code.id)]", isError ? "1;31" : "1;33")
    var text = "\(head): \(paint(clean(diagnostic.message), "1"))\n"
    text += excerpt(diagnostic.span, nil, isError ? "31" : "33")
    for label in diagnostic.labels { text += excerpt(label.span, label.text, "34") }
    if let help = diagnostic.help { text += "  \(paint("help", "36")): \(clean(help))\n" }
    return text
  }

  private func paint(_ text: String, _ code: String) -> String { color ? "\u{1B}[\(code)m\(text)\u{1B}[0m" : text }

  private func excerpt(_ span: Span, _ label: String?, _ code: String) -> String {
    // What stands in no file has no line to show.
    guard !span.source.bytes.isEmpty else { return span.source.path.isEmpty ? "" : "   --> \(clean(span.source.path))\n" }
    let (line, column) = span.source.position(span.start)
    let number = String(line)
    let margin = String(repeating: " ", count: number.count)
    let scalars = lines.scalars(span.source, line)
    // A very long line is shown around the place only.
    let first = max(0, column - 1 - 60)
    let shown = String(String.UnicodeScalarView(scalars[min(first, scalars.count)..<min(scalars.count, first + 140)]))
    let width = max(
      1, min(span.text.prefix { $0 != "\n" }.unicodeScalars.count, max(1, scalars.count - column + 1), 140 - (column - 1 - first)))
    let pad = String(
      scalars[min(first, scalars.count)..<min(scalars.count, max(first, column - 1))].map { $0 == "\t" ? "\t" : " " }.map(Character.init))
    let marks = paint(String(repeating: label == nil ? "^" : "-", count: max(1, width)), code)
    let words = label.map { " " + paint(clean($0), code) } ?? ""
    return "  \(margin)--> \(clean(span.description))\n  \(number) | \(shown)\n  \(margin) | \(pad)\(marks)\(words)\n"
  }
}

/// Text of a spec as it may stand on a terminal.
private func clean(_ text: String) -> String {
  String(
    String.UnicodeScalarView(
      text.unicodeScalars.map { scalar in
        switch scalar.value {
        case 0..<0x09, 0x0B..<0x20, 0x7F..<0xA0, 0x202A...0x202E, 0x2066...0x2069, 0x200E, 0x200F: "\u{FFFD}"
        default: scalar
        }
      }))
}

/// The line that was shown last: a very long one may have thousands of findings.
private final class ShownLine {
  private var source: SourceText?
  private var number = 0
  private var text: [Unicode.Scalar] = []

  func scalars(_ source: SourceText, _ line: Int) -> [Unicode.Scalar] {
    if self.source !== source || number != line {
      (self.source, number) = (source, line)
      text = Array(clean(source.line(line)).unicodeScalars)
    }
    return text
  }
}
