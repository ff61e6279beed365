/// The version of the language that this compiler reads.
public let languageVersion = 1

/// Findings of the lexer and the parser: P00xx.
extension DiagnosticCode {
  static let minimal = """
    pipeline copy {
      source file.lines("in.txt")
        |> sink file.lines("out.txt")
      on error halt
    }
    """

  public static let unknownSign = DiagnosticCode(
    "P0001", "a sign without meaning",
    explanation: "The text holds a character that belongs to no token. Names are ASCII; anything else belongs into strings and comments.",
    failing: "pipeline copy {\n  source file.lines(\"in.txt\") § sink file.lines(\"out.txt\")\n  on error halt\n}",
    repaired: minimal)
  public static let unterminated = DiagnosticCode(
    "P0002", "a string or comment without an end",
    explanation:
      "A string ends on the line where it begins; a block string with `\"\"\"` and a comment with `*/` may span lines, but must end.",
    failing: "pipeline copy {\n  source file.lines(\"in.txt)\n    |> sink file.lines(\"out.txt\")\n  on error halt\n}", repaired: minimal)
  public static let badEscape = DiagnosticCode(
    "P0003", "an unknown escape in a string",
    explanation:
      "Strings know \\n \\t \\r \\0 \\\\ \\\" \\u{…} and \\(expression). Regular expressions are written r\"…\", where a backslash is itself.",
    failing: "pipeline copy {\n  source file.lines(\"in\\d.txt\")\n    |> sink file.lines(\"out.txt\")\n  on error halt\n}",
    repaired: minimal)
  public static let badLiteral = DiagnosticCode(
    "P0004", "a literal that cannot be read",
    explanation:
      "Numbers may carry the unit of a duration (5s, 100ms, 1m, 24h, 7d) or a size (64KiB, 10MB); timestamps need a zone; integers must fit 64 bits.",
    failing: "pipeline tick {\n  source timer.every(5sec)\n    |> discard\n}",
    repaired: "pipeline tick {\n  source timer.every(5s)\n    |> discard\n}")
  public static let notText = DiagnosticCode(
    "P0005", "a file that is not a spec's text",
    explanation: "A spec is UTF-8 text without NUL bytes and has at most 16 MiB.",
    failing: "pipeline copy {\u{0}}", repaired: minimal)
  public static let unexpected = DiagnosticCode(
    "P0006", "something else was expected here",
    explanation: "The grammar asks for another token at this place; the message says which one and what stood there.",
    failing: "pipeline copy {\n  source file.lines(\"in.txt\"\n    |> sink file.lines(\"out.txt\")\n  on error halt\n}", repaired: minimal)
  public static let tooDeep = DiagnosticCode(
    "P0007", "nesting too deep",
    explanation:
      "Expressions, types and braces nest at most 128 deep, and a type has at most 10,000 fields, those of its fields included. Give parts of an expression a name with `fn` or `stage`; use `Json` for parts of a type.",
    failing: "fn f() -> Int = " + String(repeating: "(", count: 200) + "1" + String(repeating: ")", count: 200) + "\n" + minimal,
    repaired: "fn f() -> Int = 1\n"
      + "pipeline p {\n  source stdin.lines()\n    |> filter f() == 1\n    |> sink stdout.lines()\n  on error halt\n}")
  public static let unknownForm = DiagnosticCode(
    "P0008", "no top-level form",
    explanation:
      "A file is a sequence of import, config, connection, type, enum, fn, stage, pipeline, test and connector, each beginning at column 1.",
    failing: "pipline copy {\n}", repaired: minimal)
  public static let unknownStep = DiagnosticCode(
    "P0009", "an unknown step",
    explanation: "After `|>` stands a step's keyword, or a stage's name with its arguments in parentheses.",
    failing:
      "pipeline copy {\n  source file.lines(\"in.txt\")\n    |> fliter true\n    |> sink file.lines(\"out.txt\")\n  on error halt\n}",
    repaired:
      "pipeline copy {\n  source file.lines(\"in.txt\")\n    |> filter true\n    |> sink file.lines(\"out.txt\")\n  on error halt\n}")
  public static let reserved = DiagnosticCode(
    "P0010", "a reserved word as a name",
    explanation:
      "true false null it if then else match matches when let in try and or not cannot name anything. After a dot or before a colon any word may stand.",
    failing: "pipeline match {\n  source file.lines(\"in.txt\")\n    |> sink file.lines(\"out.txt\")\n  on error halt\n}", repaired: minimal
  )
  public static let unclosed = DiagnosticCode(
    "P0011", "a brace that is never closed",
    explanation: "Every `{` needs its `}`. The reported place is the opening one; a top-level keyword at column 1 ends whatever was open.",
    failing: "pipeline copy {\n  source file.lines(\"in.txt\")\n    |> sink file.lines(\"out.txt\")\n  on error halt\n", repaired: minimal)
  public static let noOrigin = DiagnosticCode(
    "P0012", "a pipeline without a source",
    explanation: "A pipeline begins with `source …`, or with `input T` where other pipelines send to it by `sink that_pipeline`.",
    failing: "pipeline copy {\n  on error halt\n}", repaired: minimal)
  public static let newerLanguage = DiagnosticCode(
    "P0013", "a version of the language that this compiler does not know",
    explanation:
      "`language N` in the first line of a program says for which version of the language it is written; language N comes with pumpc N.0, and language 1 with the versions before. `pumpc migrate` writes the line where it is missing.",
    failing: "language 2\n\n" + minimal, repaired: "language 1\n\n" + minimal)

  public static let syntaxCodes: [DiagnosticCode] = [
    .unknownSign, .unterminated, .badEscape, .badLiteral, .notText, .unexpected, .tooDeep, .unknownForm, .unknownStep,
    .reserved, .unclosed, .noOrigin, .newerLanguage,
  ]
}
