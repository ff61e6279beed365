import Foundation
import PumpTestSupport
import Testing

@testable import PumpValues

/// Regular expressions: what they mean elsewhere they mean here, and none takes more than linear time.
@Suite struct RegexMeaningTests {
  private let c = Context()
  private func text(_ string: String) -> Text { c.arena.copy(string) }
  private func all(_ pattern: String, _ string: String) throws -> [String] {
    try Fn.findAll(text(string), text(pattern), c).elements.map(\.string)
  }

  @Test(
    "D43: classes, escapes and flags",
    arguments: [
      ("[[:alpha:]]+", "ab1cd", ["ab", "cd"]), ("[^[:space:]]+", "a b", ["a", "b"]), ("[[:^digit:]x]+", "1ax2", ["ax"]),
      ("[[:word:]-]+", "a_-1 b", ["a_-1", "b"]),
      ("[[:alpha]", "a[:", ["a", "[", ":"]), (#"\Aa"#, "aa", ["a"]), (#"a\z"#, "aa", ["a"]), (#"\x{41}\x42\u{43}"#, "ABC", ["ABC"]),
      (#"\p{L}+"#, "añ1ж", ["añ", "ж"]), (#"\pL\PL"#, "a1b", ["a1"]), (#"\p{Lu}"#, "aÁb", ["Á"]), (#"[\p{Nd}x]+"#, "٣x-", ["٣x"]),
      (#"\p{^L}"#, "a1", ["1"]),
      ("(?i)é", "É", ["É"]), ("(?i)[à-ö]+", "ÀÖx", ["ÀÖ"]), ("(?i)σ", "ςΣ", ["ς", "Σ"]), ("(?i)k", "\u{212A}", ["\u{212A}"]),
      ("(?i:a)b", "AbAB", ["Ab"]),
      ("(?i)[^a]", "Ab", ["b"]), ("(?i)a(?-i)b", "AbAB", ["Ab"]), ("(?s)a.b", "a\nb", ["a\nb"]), ("a.b", "a\nb", []),
      ("(?m)^b$", "a\nb\nc", ["b"]), ("^b$", "a\nb\nc", []),
      ("(?ms)^.", "a\n\nb", ["a", "\n", "b"]), ("a(?i)b|c", "aBC", ["aB", "C"]),
    ])
  func meaning(_ pattern: String, _ string: String, _ expected: [String]) throws { #expect(try all(pattern, string) == expected) }

  @Test(
    "D43, M15: what is not read is refused, and named",
    arguments: [
      (#"\b{start}"#, "braces"), ("^{2}", "braces"), ("(?x)a", "(?x"), ("(?=a)", "look-around"), ("(?<!a)", "look-around"),
      ("(?>a)", "(?>"), ("(?)", "no flag"),
      ("[[:letter:]]", "[:letter:]"), (#"\p{Greek}"#, "Greek"), (#"\x{110000}"#, "no character"), (#"\x{D800}"#, "no character"),
      (#"\x{}"#, "hex digits"), (#"\Z"#, "has no meaning"),
      ("(?P=a)", "name"), (#"\1"#, "back-references"),
    ])
  func refused(_ pattern: String, _ named: String) {
    do {
      _ = try Regex(pattern)
      Issue.record("\(pattern) was taken")
    } catch { #expect(error.message.contains(named), "\(error.message)") }
  }

  /// Of the matches that begin first, the one that Perl, Rust and RE2 take.
  @Test(
    "D43: loops over nothing prefer what the pattern prefers",
    arguments: [
      ("(?:|a)*", "aaa", ["", "", "", ""]), ("(?:^|a)+", "aaa", ["", "aa"]), ("(?:|a)+", "aa", ["", "", ""]),
      ("(?:a|)*", "aab", ["aa", "", ""]),
      ("(?:a*)*", "aab", ["aa", "", ""]), ("(?:a|ab)(?:c|bcd)(?:d*)", "abcd", ["abcd"]), ("a*?", "aa", ["", "", ""]),
      ("(?:a*?)+?b", "aab", ["aab"]), ("(?:|a){2}b", "ab", ["ab"]),
    ])
  func emptyLoops(_ pattern: String, _ string: String, _ expected: [String]) throws { #expect(try all(pattern, string) == expected) }

  @Test(
    "R3: counts of nothing cost nothing",
    arguments: [
      "(?:(?:(?:(?:){1000}){1000}){1000}){1000}", "(?:(?:(?:(?i)){1000}){0,1000}){1000,}", "(?:(?:(?:a{0}){1000}){1000}){1000}",
      "(?:(?:(?:|){0}){1000}){1000}",
    ])
  func emptyCounts(_ pattern: String) throws { #expect(try all(pattern, "a") == ["", ""]) }

  @Test(
    "R3: a pattern is refused by its size",
    arguments: [
      "(?:(?:(?:(?:a){1000}){1000}){1000}){1000}", "(?:(?:(?:(?:^){1000}){1000}){1000}){1000}", "(?:(?:(?:()){1000}){1000}){1000}",
    ])
  func large(_ pattern: String) { #expect(throws: Regex.Problem.self) { try Regex(pattern) } }

  @Test("R5: all matches are found in linear time", .timeLimit(.minutes(1))) func linear() throws {
    let many = String(repeating: "x", count: 40_000)
    #expect(try all("x.*y|x", many).count == 40_000)
    #expect(try Fn.splitBy(text(many), text("x.*y|x"), c).count == 40_001)
    #expect(try Fn.replaceAll(text(many), text("x[^y]*y|x"), text("z"), c).string == String(repeating: "z", count: 40_000))
    #expect(try all("(x+x+)+y", many) == [])
    let groups = String(repeating: "(a?)", count: 1000)
    #expect(try Fn.capture(text(String(repeating: "a", count: 2000)), text(groups), 1000, c)?.string == "a")
  }

  @Test("R5: a search that would take minutes fails its event") func budget() throws {
    let pattern = text("(?:a?){4500}(?:b|$)")
    #expect(throws: EventFailure.self) { try Fn.matches(text(String(repeating: "a", count: 1_000_000) + "c"), pattern, c) }
  }

  /// Python is the judge of random patterns over random texts, also longer than a segment of the search, where both have the
  /// same meaning.
  @Test func model() throws {
    var random = Support.Random(43)
    func pick(_ items: [String]) -> String { items.randomElement(using: &random)! }
    func node(_ depth: Int) -> String {
      if depth == 0 { return pick(["a", "b", ".", "[ab]", "[^a]", "é", #"\b"#, "^", "$", "(?:)", #"\w"#, "b"]) }
      switch Int.random(in: 0..<6, using: &random) {
      case 0: return "(\(node(depth - 1)))"
      case 1: return "(?:\(node(depth - 1))|\(node(depth - 1)))"
      // What may be empty is counted otherwise in Python.
      case 2: return "(?:[abé]\(node(depth - 1)))\(pick(["*", "+", "?", "*?", "+?", "??", "{2}", "{1,2}", "{0,2}?"]))"
      default: return node(depth - 1) + node(depth - 1)
      }
    }
    var cases: [[String]] = []
    for round in 0..<3000 {
      let length = round % 300 == 0 ? 9000 : Int.random(in: 0...12, using: &random)
      let string = (0..<length).map { _ in pick(["a", "b", "é", "\n", "ab"]) }.joined()
      cases.append([node(3), string])
    }
    let model = """
      import json, re, sys
      for pattern, text in json.load(sys.stdin):
          pattern = re.compile(pattern.replace("$", "\\\\Z"), re.ASCII)
          found, place = [], 0
          while place <= len(text) and (match := pattern.search(text, place)):
              found.append([match.group(0)] + list(match.groups()))
              place = match.end() + (match.start() == match.end())
          print(json.dumps(found))
      """
    let input = String(decoding: try JSONSerialization.data(withJSONObject: cases), as: UTF8.self)
    let outcome = try Support.run("/usr/bin/env", ["python3", "-c", model], input: input)
    let lines = outcome.out.split(separator: "\n")
    try #require(lines.count == cases.count, "\(outcome.err)")
    var wrong = 0
    for (index, line) in lines.enumerated() where wrong < 5 {
      let expected = (try JSONSerialization.jsonObject(with: Data(line.utf8)) as! [[Any]]).map { $0.map { $0 as? String } }
      let string = text(cases[index][1])
      let regex = try Regex(cases[index][0])
      var found: [[String?]] = []
      try regex.forEachMatch(in: string) { match in found.append((0..<regex.groupCount).map { match.text($0, string)?.string }) }
      if found != expected {
        wrong += 1
        Issue.record(
          "\(cases[index][0]) over \(cases[index][1].prefix(40).debugDescription): \(found.prefix(3)), not \(expected.prefix(3))")
      }
      #expect(try regex.matches(string) == !expected.isEmpty)
    }
  }

  /// Bytes that are no UTF-8 are searched like any others.
  @Test func anyBytes() throws {
    var random = Support.Random(44)
    for _ in 0..<3000 {
      let bytes = (0..<Int.random(in: 0...20, using: &random)).map { _ in
        [0x61, 0xC3, 0xA9, 0xE2, 0x82, 0xF0, 0xFF].randomElement(using: &random)! as UInt8
      }
      let string = bytes.withUnsafeBufferPointer { c.arena.copy($0) }
      var end = 0
      try Regex("a|[^a]|$").forEachMatch(in: string) { match in
        #expect(match.range(0)!.lowerBound == end)
        end = match.range(0)!.upperBound
      }
      #expect(end == bytes.count)
    }
  }
}

@Suite struct RegexTests {
  private func find(_ pattern: String, _ text: String) throws -> String? {
    let c = Context()
    return try Fn.find(c.arena.copy(text), c.arena.copy(pattern), c)?.string
  }

  @Test(arguments: [
    ("a+b", "xaaab", "aaab"), ("^a|b$", "cb", "b"), ("[^0-9]+", "12ab3", "ab"), ("(?i)ABC", "xabc", "abc"), ("a{2,3}", "aaaa", "aaa"),
    ("a+?", "aaa", "a"), ("\\bfoo\\b", "a foo b", "foo"),
    ("(ab|a)(c|bcd)", "abcd", "abc"), ("é+", "caféé", "éé"), ("\\d{4}-\\d{2}", "on 2026-11", "2026-11"),
    ("[\\w.]+@\\w+", "mail a.b@c now", "a.b@c"), ("x*", "aaa", ""),
  ])
  func matches(_ pattern: String, _ text: String, _ expected: String) throws { #expect(try find(pattern, text) == expected) }

  @Test(arguments: ["(", "[a", "a{5,2}", "*a", "(?=a)", "\\1", "a**", "\\"]) func problems(_ pattern: String) {
    #expect(throws: EventFailure.self) { try find(pattern, "a") }
  }

  /// What blows up other engines takes linear time here.
  @Test func hostilePattern() throws { #expect(try find("(a+)+$", String(repeating: "a", count: 2000) + "b") == nil) }
}
