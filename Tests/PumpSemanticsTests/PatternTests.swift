import PumpCompiler
import PumpRuntime
import PumpSemantics
import PumpTestSupport
import Testing

/// Named patterns: what they are written out to, and what is said of those that cannot be.
@Suite struct PatternTests {
  @Test(arguments: NamedPattern.all.map(\.name)) func library(_ name: String) throws {
    let pattern = try #require(NamedPattern.all.first { $0.name == name })
    let context = Context()
    func text(_ string: String) -> Text { context.arena.copy(string) }
    #expect(try Fn.matches(text(pattern.example), text("^(?:\(pattern.expanded))$"), context), "\(pattern.expanded)")
    #expect(!pattern.docs.isEmpty && pattern.docs.hasSuffix("."))
    #expect(patternReference().contains("\n  \(name) ") && patternReference().contains("  \(pattern.text)\n"))
    // No group is numbered or has a name: those of who uses it would move.
    #expect(try Fn.capture(text(pattern.example), text("(\(pattern.expanded))(x?)$"), 2, context) == Text())
    #expect(!pattern.expanded.contains("(?<"))
  }

  @Test(arguments: [
    ("ip", "::1", true), ("ip", "::ffff:192.0.2.7", true), ("ip", "2001:db8:0:0:0:0:0:7", true), ("ip", "256.1.1.1", false),
    ("ip", "12:30:45", false), ("ip", "1.2.3", false), ("int", "1.5", false), ("number", "1.", true), ("number", ".", false),
    ("quoted", #""a\"b""#, true), ("quoted", #""a"b""#, false), ("syslog_time", "Oct 12 22:14:15", true), ("level", "warn", true),
    ("rfc3339", "2026-01-02 03:04:05+01:00", true), ("path", "a/b", false), ("hostname", "-a", false), ("time", "8:45", true),
  ]) func library(_ name: String, _ example: String, _ expected: Bool) throws {
    let pattern = try #require(NamedPattern.all.first { $0.name == name })
    let context = Context()
    #expect(try Fn.matches(context.arena.copy(example), context.arena.copy("^(?:\(pattern.expanded))$"), context) == expected)
  }

  /// The pattern of the plan that a pattern of the text becomes.
  private func expanded(_ pattern: String, _ declared: String = "") -> String? {
    let result = Support.compile(
      "\(declared)\npipeline p {\n  source stdin.lines() |> decode text\n    |> filter it matches \(pattern) |> discard\n  on error halt\n}\n"
    )
    guard let plan = result.plan else { return result.diagnostics.map { "\($0.code.id) \($0.message)" }.joined(separator: "; ") }
    let text = planText(plan)
    return text.firstRange(of: "matches(it, \"").map { String(text[$0.upperBound...].prefix { $0 != "\"" }) }
  }

  @Test(arguments: [
    ("r\"^%{int}$\"", "", "^(?:[+-]?\\\\d+)$"),
    ("r\"%{int:n} %{a:b}\"", "pattern a = r\"x|%{c}\"\npattern c = r\"y\"", "(?<n>[+-]?\\\\d+) (?<b>x|(?:y))"),
    // The text, and what is none: in classes, behind a backslash that is escaped itself, before what is no letter.
    ("r\"\\%{int} [%{int}] [^]%{int}] [[:alpha:]%{int}] %{1} %\"", "", "%\\\\{int} [%{int}] [^]%{int}] [[:alpha:]%{int}] %{1} %"),
    ("r\"\\\\%{a}\"", "pattern a = r\"x\"", "\\\\\\\\(?:x)"),
  ]) func expansion(_ pattern: String, _ declared: String, _ expected: String) { #expect(expanded(pattern, declared) == expected) }

  @Test(arguments: [
    ("r\"%{clint}\"", "pattern client = r\"x\"", "P0116 there is no pattern `clint`"),
    ("r\"%{foo\"", "", "P0213 a reference to a pattern is written `%{name}` or `%{name:group}`"),
    ("r\"%{int:}\"", "", "P0213 a reference to a pattern is written `%{name}` or `%{name:group}`"),
    // A mistake in a pattern is told where it stands, and once.
    ("r\"%{a} %{a}\"", "pattern a = r\"(x\"", "P0213 this is no regular expression: a `(` is never closed"),
    ("r\"%{a}\"", "pattern a = r\"%{b}\"\npattern b = r\"%{a}\"", "P0213 pattern `a` contains itself: a → b → a"),
    ("r\"%{a}\"", "pattern a = r\"%{a}\"", "P0213 pattern `a` contains itself: a → a"),
    ("r\"x\"", "pattern int = r\"x\"", "P0112 `int` is a pattern of the library"),
    ("r\"%{a}\"", "pattern a = r\"x\"\npattern a = r\"y\"", "P0106 `a` is declared twice"),
    ("r\"x\"", "pattern a = \"x\"", "P0006 expected the pattern as r\"…\""),
    ("r\"%{int:n}%{int:n}\"", "", "P0213 this is no regular expression: two groups are named `n`"),
  ]) func mistakes(_ pattern: String, _ declared: String, _ expected: String) {
    let found = expanded(pattern, declared) ?? ""
    #expect(found.hasPrefix(expected) && !found.contains(";"), "\(found)")
  }

  /// Each names the one before twice: twenty of them would be ten million bytes. It is told of the first that is too much.
  @Test(arguments: [false, true]) func growth(_ isReversed: Bool) {
    let lines = ["pattern a0 = r\"xxxxxxxxxx\""] + (1...20).map { "pattern a\($0) = r\"%{a\($0 - 1)}%{a\($0 - 1)}\"" }
    let found = expanded("r\"%{a20}\"", (isReversed ? lines.reversed() : lines).joined(separator: "\n")) ?? ""
    #expect(found.hasPrefix("P0213 this is no regular expression: ") && !found.contains(";"), "\(found)")
    // Classes are long as text and few as instructions.
    let long = "pattern a = r\"[\(String(repeating: "a", count: 1000))]\""
    #expect(
      expanded("r\"\(String(repeating: "%{a}", count: 51))\"", long)
        == "P0213 with the patterns that it names this is longer than 50000 bytes")
  }

  @Test func depth() {
    let lines = ["pattern a0 = r\"x\""] + (1...5000).map { "pattern a\($0) = r\"%{a\($0 - 1)}\"" }
    let found = expanded("r\"%{a5000}\"", lines.reversed().joined(separator: "\n")) ?? ""
    #expect(found.hasPrefix("P0213 patterns name each other more than 32 deep"))
  }

  @Test func settings() throws {
    let result = Support.compile("pipeline p {\n  source file.lines(\"x\", join: r\"^%{word}\") |> discard\n  on error halt\n}\n")
    let join = "\(try #require(result.plan?.program.pipelines[0].sources[0].setting("join")?.value))"
    #expect(join.contains("^(?:") && !join.contains("%{word}"))
  }

  @Test func unused() {
    let result = Support.compile("pattern a = r\"x\"\npipeline p {\n  source stdin.lines() |> discard\n  on error halt\n}\n")
    #expect(result.diagnostics.map(\.message).contains("pattern `a` is never used"))
  }
}
