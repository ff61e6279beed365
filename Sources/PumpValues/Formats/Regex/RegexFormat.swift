/// Named groups of a regular expression.
final class RegexFormat: RecordFormat {
  static let spec = FormatSpec(
    name: "regex",
    docs: """
      The named groups of a regular expression fill the fields of their names. A group that took no part is null. The pattern
      may match anywhere; `^` and `$` pin it. Parts have names: `%{ip:client}` is a group of the library's pattern `ip`, see
      `pumpc explain patterns`.
      """,
    decodes: .records, encodes: nil,
    options: [.init("pattern", .pattern, "The pattern, a raw text; its name may be left out.", for: .decode)],
    example: #"source file.lines("access.log") |> decode regex(r"^(?<verb>\w+) (?<path>\S+)") as Request"#,
    instead: #"write the text with `map "…\(.x)…"` and `encode text`"#,
    problem: { options, fields in
      // A pattern that is none has been told of.
      guard let names = (try? Regex(options["pattern"] ?? ""))?.names else { return nil }
      return fields.first { $0.isNeeded && names[$0.name] == nil }.map {
        ("the pattern has no group `\($0.name)`", "write `(?<\($0.name)>…)`, or make the field optional")
      }
    })

  private let regex: Regex
  private let groups: [Int?]

  init(_ shape: Shape, _ options: FormatOptions) {
    // The checker has compiled it.
    let regex = try! Regex(options.text("pattern", ""))
    self.regex = regex
    groups = shape.fields.map { regex.names[$0.wire] }
  }

  func read(_ text: Text, into column: Column, _ row: Int, _ c: Context) -> String? {
    let found: Regex.Match?
    do throws(EventFailure) { found = try regex.firstMatch(in: text) } catch { return error.message }
    guard let match = found else {
      return Fields.notUTF8(text) ?? "the pattern is not found in \(Shape.excerpt(text, quoted: true))"
    }
    return Fields.fill(column, row, c) { index in groups[index].flatMap { match.text($0, text) } }
  }
}
