import Foundation
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
  private static let refused: [String: [String]] = [:]

  /// Cases with other matches, by why.
  private static let differing: [String: [String]] = [:]
}
