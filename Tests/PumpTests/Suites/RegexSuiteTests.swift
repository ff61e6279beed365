import Foundation
import PumpTestSupport
import Testing

@testable import PumpValues

/// The public cases of Rust's `regex` (its folder `testdata` in `regex`), among them Glenn Fowler's.
@Suite struct RegexSuiteTests {
  private static let suite = "regex"

  private struct Case: Decodable {
    let file: String
    let name: String
    let pattern: String
    let haystack: String
    /// Of each match its groups, begin and end in bytes; null where a group took no part.
    let matches: [[[Int]?]]
    /// Matches hold their groups too.
    let hasGroups: Bool
    let compiles: Bool
    let limit: Int?
    var id: String { "\(file)/\(name)" }
  }
  private struct Reading: Decodable {
    let cases: [Case]
    let others: [String: Int]
  }

  /// Python reads TOML. Cases of searches that no function makes are counted by what they ask for.
  private static let reader = #"""
    import glob, json, os, sys, tomllib
    root, cases, others = sys.argv[1], [], {}
    for path in sorted(glob.glob(root + "/**/*.toml", recursive=True)):
        for t in tomllib.load(open(path, "rb")).get("test", []):
            other = None
            if isinstance(t["regex"], list):
                if len(t["regex"]) == 1: t["regex"] = t["regex"][0]
                else: other = "several patterns at once"
            if t.get("match-kind", "leftmost-first") != "leftmost-first" or t.get("search-kind", "leftmost") != "leftmost":
                other = "all, overlapping or earliest matches"
            elif t.get("anchored") and t.get("match-limit") != 1: other = "searches tied to a place"
            elif "bounds" in t: other = "searches of a part of the text"
            elif "line-terminator" in t: other = "lines that end otherwise"
            elif not t.get("unicode", True) or not t.get("utf8", True): other = "patterns of bytes"
            text = t["haystack"]
            if t.get("unescape"):
                text = text.encode().decode("unicode_escape").encode("latin-1")
                try: text = text.decode()
                except UnicodeDecodeError: other = other or "patterns of bytes"
            if other:
                others[other] = others.get(other, 0) + 1
                continue
            matches, groups = [], False
            for m in t["matches"]:
                if isinstance(m, dict): m = m.get("span") or m["spans"]
                if m and isinstance(m[0], list):
                    groups = True
                    matches.append([s or None for s in m])
                else: matches.append([m])
            pattern = ("(?i)" if t.get("case-insensitive") else "") + t["regex"]
            if t.get("anchored"): pattern = "\\A(?:" + pattern + ")"
            cases.append(dict(file=os.path.relpath(path, root)[:-5], name=t["name"], pattern=pattern, haystack=text, matches=matches,
                hasGroups=groups, compiles=t.get("compiles", True), limit=t.get("match-limit")))
    print(json.dumps(dict(cases=cases, others=others)))
    """#

  private static func matches(_ one: Case, _ regex: Regex) throws -> [[[Int]?]] {
    let c = Context()
    var found: [[[Int]?]] = []
    try regex.forEachMatch(in: c.arena.copy(one.haystack)) { match in
      guard found.count < one.limit ?? .max else { return }
      found.append((0..<(one.hasGroups ? regex.groupCount : 1)).map { match.range($0).map { [$0.lowerBound, $0.upperBound] } })
    }
    return found
  }

  @Test(.enabled(if: Suites.has(suite), Suites.reason)) func testdata() throws {
    let reading = try Support.run("/usr/bin/env", ["python3", "-c", Self.reader, Suites.path("\(Self.suite)/testdata")])
    try #require(reading.code == 0, "\(reading.err)")
    let (cases, others) = try { ($0.cases, $0.others) }(JSONDecoder().decode(Reading.self, from: Data(reading.out.utf8)))
    var count = Suites.Count(Self.suite, listed: Self.differing.merging(Self.refused) { $0 + $1 })
    for one in cases {
      do throws(Regex.Problem) {
        let regex = try Regex(one.pattern)
        let found = try? Self.matches(one, regex)
        count.note(
          one.id, one.compiles && found == one.matches,
          "\(one.pattern) has \(found ?? []), not \(one.matches), in \(one.haystack.debugDescription)")
      } catch {
        count.note(one.id, !one.compiles, "\(one.pattern) is refused: \(error.message)")
        guard one.compiles, let reason = count.reason(one.id) else { continue }
        #expect(error.message.contains(reason), "\(one.id): \(error.message)")
        // What is not supported is said before anything runs.
        let said = Self.messages(one.pattern)
        #expect(said.contains { $0.contains(reason) }, "\(one.id): \(said)")
      }
    }
    count.finish(besides: others)
  }

  /// What `check` says of a pattern.
  private static func messages(_ pattern: String) -> [String] {
    let literal = pattern.unicodeScalars.map { "\\\"\n\r\t".unicodeScalars.contains($0) ? escapes[$0]! : String($0) }.joined()
    return Support.compile(
      """
      type T { text: String }
      pipeline p { source stdin.lines() |> decode json as T |> map { x: find(.text, "\(literal)") } |> encode json |> sink stdout.lines()
        on error halt }
      """
    ).diagnostics.filter { $0.code.severity == .error }.map(\.message)
  }
  private static let escapes: [UnicodeScalar: String] = ["\\": #"\\"#, "\"": #"\""#, "\n": #"\n"#, "\r": #"\r"#, "\t": #"\t"#]

  /// Cases whose pattern is refused, by what the message says.
  private static let refused: [String: [String]] = [
    "a count must rise and be at most 1000": [
      "expensive/regression-many-repeat-no-stack-overflow"
    ],
    "braces cannot follow": [
      "regression/strange-anchor-non-complete-prefix", "regression/strange-anchor-non-complete-suffix",
      "word-boundary-special/word-end-half-unicode-010", "word-boundary-special/word-end-half-unicode-020",
      "word-boundary-special/word-end-half-unicode-030", "word-boundary-special/word-end-half-unicode-040",
      "word-boundary-special/word-end-half-unicode-050", "word-boundary-special/word-end-half-unicode-060",
      "word-boundary-special/word-end-half-unicode-070", "word-boundary-special/word-end-half-unicode-080",
      "word-boundary-special/word-end-half-unicode-090", "word-boundary-special/word-end-half-unicode-110",
      "word-boundary-special/word-end-unicode-010", "word-boundary-special/word-end-unicode-020",
      "word-boundary-special/word-end-unicode-030", "word-boundary-special/word-end-unicode-040",
      "word-boundary-special/word-end-unicode-050", "word-boundary-special/word-end-unicode-060",
      "word-boundary-special/word-end-unicode-070", "word-boundary-special/word-end-unicode-080",
      "word-boundary-special/word-end-unicode-090", "word-boundary-special/word-end-unicode-110",
      "word-boundary-special/word-start-half-unicode-010", "word-boundary-special/word-start-half-unicode-020",
      "word-boundary-special/word-start-half-unicode-030", "word-boundary-special/word-start-half-unicode-040",
      "word-boundary-special/word-start-half-unicode-050", "word-boundary-special/word-start-half-unicode-060",
      "word-boundary-special/word-start-half-unicode-070", "word-boundary-special/word-start-half-unicode-080",
      "word-boundary-special/word-start-half-unicode-090", "word-boundary-special/word-start-half-unicode-110",
      "word-boundary-special/word-start-unicode-010", "word-boundary-special/word-start-unicode-020",
      "word-boundary-special/word-start-unicode-030", "word-boundary-special/word-start-unicode-040",
      "word-boundary-special/word-start-unicode-050", "word-boundary-special/word-start-unicode-060",
      "word-boundary-special/word-start-unicode-070", "word-boundary-special/word-start-unicode-080",
      "word-boundary-special/word-start-unicode-090", "word-boundary-special/word-start-unicode-110",
    ],
    "it takes Unicode's categories": [
      "unicode/class-emoji1", "unicode/class-emoji2", "unicode/class-emoji3", "unicode/class-emoji4", "unicode/class-gcb1",
      "unicode/class-gcb2", "unicode/class-gcb3", "unicode/class-gcb4", "unicode/class-gcb5", "unicode/class-gcb6",
      "unicode/class-gencat1", "unicode/class-gencat10", "unicode/class-gencat11", "unicode/class-gencat12", "unicode/class-gencat13",
      "unicode/class-gencat14", "unicode/class-gencat15", "unicode/class-gencat16", "unicode/class-gencat17", "unicode/class-gencat18",
      "unicode/class-gencat19", "unicode/class-gencat2", "unicode/class-gencat20", "unicode/class-gencat21", "unicode/class-gencat22",
      "unicode/class-gencat23", "unicode/class-gencat24", "unicode/class-gencat25", "unicode/class-gencat26", "unicode/class-gencat27",
      "unicode/class-gencat28", "unicode/class-gencat29", "unicode/class-gencat3", "unicode/class-gencat30", "unicode/class-gencat31",
      "unicode/class-gencat32", "unicode/class-gencat33", "unicode/class-gencat34", "unicode/class-gencat35", "unicode/class-gencat36",
      "unicode/class-gencat37", "unicode/class-gencat4", "unicode/class-gencat5", "unicode/class-gencat6", "unicode/class-gencat7",
      "unicode/class-gencat8", "unicode/class-gencat9", "unicode/class-sentence-break1", "unicode/class-sentence-break2",
      "unicode/class-sentence-break3", "unicode/class-sentence-break4", "unicode/class-sentence-break5", "unicode/class-word-break1",
      "unicode/class-word-break2", "unicode/class-word-break3", "unicode/class-word-break4", "unicode/class-word-break5",
    ],
    "the flags are `i`, `m` and `s`": [
      "crazy/email", "crazy/email-not", "crazy/ranges", "crazy/ranges-not", "crlf/basic", "crlf/dot-no-crlf", "crlf/end-no-split",
      "crlf/end-no-split-adjacent", "crlf/end-no-split-adjacent-cr", "crlf/end-no-split-adjacent-lf",
      "crlf/onepass-wrong-crlf-with-capture", "crlf/start-end-before-after", "crlf/start-end-empty", "crlf/start-end-non-empty",
      "crlf/start-no-split", "crlf/start-no-split-adjacent", "crlf/start-no-split-adjacent-cr", "crlf/start-no-split-adjacent-lf",
      "flags/10", "flags/8", "flags/9", "multiline/basic1-crlf", "multiline/basic1-crlf-cr", "multiline/basic2-crlf",
      "multiline/basic2-crlf-cr", "multiline/basic3-crlf", "multiline/basic3-crlf-cr", "multiline/basic4-crlf",
      "multiline/basic4-crlf-cr", "multiline/basic5-crlf", "multiline/basic5-crlf-cr", "multiline/basic6-crlf",
      "multiline/basic6-crlf-cr", "multiline/basic7-crlf", "multiline/basic7-crlf-cr", "multiline/basic8-crlf",
      "multiline/basic8-crlf-cr", "multiline/basic9-crlf", "multiline/match-line-100-crlf", "multiline/match-line-100-crlf-cr",
      "multiline/repeat1-crlf", "multiline/repeat1-crlf-cr", "multiline/repeat1-no-multi-crlf", "multiline/repeat1-no-multi-crlf-cr",
      "multiline/repeat10-crlf", "multiline/repeat10-crlf-cr", "multiline/repeat10-no-multi-crlf", "multiline/repeat10-no-multi-crlf-cr",
      "multiline/repeat11-crlf", "multiline/repeat11-crlf-cr", "multiline/repeat11-no-multi-crlf", "multiline/repeat11-no-multi-crlf-cr",
      "multiline/repeat12-crlf", "multiline/repeat12-crlf-cr", "multiline/repeat12-no-multi-crlf", "multiline/repeat12-no-multi-crlf-cr",
      "multiline/repeat13-crlf", "multiline/repeat13-crlf-cr", "multiline/repeat13-no-multi-crlf", "multiline/repeat13-no-multi-crlf-cr",
      "multiline/repeat14-crlf", "multiline/repeat14-crlf-cr", "multiline/repeat14-no-multi-crlf", "multiline/repeat14-no-multi-crlf-cr",
      "multiline/repeat15-crlf", "multiline/repeat15-crlf-cr", "multiline/repeat15-no-multi-crlf", "multiline/repeat15-no-multi-crlf-cr",
      "multiline/repeat16-crlf", "multiline/repeat16-crlf-cr", "multiline/repeat16-no-multi-crlf", "multiline/repeat16-no-multi-crlf-cr",
      "multiline/repeat17-crlf", "multiline/repeat17-crlf-cr", "multiline/repeat17-no-multi-crlf", "multiline/repeat17-no-multi-crlf-cr",
      "multiline/repeat18-crlf", "multiline/repeat18-crlf-cr", "multiline/repeat18-no-multi-crlf", "multiline/repeat18-no-multi-crlf-cr",
      "multiline/repeat2-crlf", "multiline/repeat2-crlf-cr", "multiline/repeat2-no-multi-crlf", "multiline/repeat2-no-multi-crlf-cr",
      "multiline/repeat3-crlf", "multiline/repeat3-crlf-cr", "multiline/repeat3-no-multi-crlf", "multiline/repeat3-no-multi-crlf-cr",
      "multiline/repeat4-crlf", "multiline/repeat4-crlf-cr", "multiline/repeat4-no-multi-crlf", "multiline/repeat4-no-multi-crlf-cr",
      "multiline/repeat5-crlf", "multiline/repeat5-crlf-cr", "multiline/repeat5-no-multi-crlf", "multiline/repeat5-no-multi-crlf-cr",
      "multiline/repeat6-crlf", "multiline/repeat6-crlf-cr", "multiline/repeat6-no-multi-crlf", "multiline/repeat6-no-multi-crlf-cr",
      "multiline/repeat7-crlf", "multiline/repeat7-crlf-cr", "multiline/repeat7-no-multi-crlf", "multiline/repeat7-no-multi-crlf-cr",
      "multiline/repeat8-crlf", "multiline/repeat8-crlf-cr", "multiline/repeat8-no-multi-crlf", "multiline/repeat8-no-multi-crlf-cr",
      "multiline/repeat9-crlf", "multiline/repeat9-crlf-cr", "multiline/repeat9-no-multi-crlf", "multiline/repeat9-no-multi-crlf-cr",
      "regression/empty-flag-expr", "regression/endl-or-word-boundary", "regression/i429-3-utf8", "regression/unsorted-binary-search-100",
      "regression/unsorted-binary-search-200", "regression/word-boundary-ascii-start-x", "regression/word-boundary-start-x",
      "regression/y-or-endl", "regression/zero-or-end", "word-boundary/wb29", "word-boundary/wb34", "word-boundary/wb35",
      "word-boundary/wb37", "word-boundary/wb39", "word-boundary/wb40",
    ],
  ]

  /// Cases with other matches, by why.
  private static let differing: [String: [String]] = [
    "`\\w`, `\\d`, `\\s` and `\\b` know ASCII": [
      "no-unicode/decimal-unicode", "no-unicode/space-unicode", "no-unicode/word-unicode", "unicode/perl1", "unicode/perl4",
      "unicode/perl7", "unicode/wb-100", "unicode/wb-300", "word-boundary/unicode3", "word-boundary/unicode4",
    ],
    "an empty match may follow a match at its end, as in Python and Perl": [
      "crazy/empty11", "empty/110", "empty/230", "empty/310", "iter/empty11", "iter/nonempty-followedby-empty",
      "iter/nonempty-followedby-oneempty", "iter/nonempty-followedby-onemixed", "iter/nonempty-followedby-twomixed", "multiline/repeat10",
      "multiline/repeat10-no-multi", "multiline/repeat16", "multiline/repeat3", "multiline/repeat3-no-multi", "multiline/repeat5",
      "multiline/repeat5-no-multi", "multiline/repeat8", "multiline/repeat8-no-multi",
      "regression/negated-unicode-word-boundary-dfa-fail",
    ],
    "flags may be counted: that is nothing, as often as one likes": [
      "regression/invalid-repetition"
    ],
    "without regard to case, letters are alike as Unicode has it": [
      "regex-lite/case-insensitive-is-ascii-only"
    ],
  ]
}
