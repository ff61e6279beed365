import Foundation
import PumpCompiler
import PumpTestSupport
import Testing

/// What the checker says of calls and literals.
@Suite struct FunctionCheckTests {
  private func messages(_ expression: String) -> [String] {
    Support.compile(
      """
      type T { ip: String, at: Timestamp }
      pipeline p {
        source stdin.lines() |> decode json as T |> map { x: \(expression) } |> encode json |> sink stdout.lines()
        on error halt
      }
      """
    ).diagnostics.filter { $0.code.severity == .error }.map(\.message)
  }

  @Test("L11: the key of an HMAC is named, and nothing is taken for it") func hmacKey() {
    #expect(messages(#"hmac_sha256(.ip, key: "k")"#).isEmpty && messages(#".ip.hmac_sha256(key: "k")"#).isEmpty)
    for expression in [#"hmac_sha256("k", .ip)"#, #".ip.hmac_sha256("k")"#, "hmac_sha256(.ip)"] {
      let found = messages(expression)
      #expect(found.count == 1 && found[0].contains("`key`"), "\(found)")
    }
  }

  @Test("L12: the case of an enum that a text names") func enumCases() {
    func found(_ expression: String) -> [String] {
      Support.compile(
        """
        enum Kind { plain, vip as "VIP" }
        type Mode = enum { on, off }
        type T { ip: String, note: String?, kind: Kind }
        pipeline p {
          source stdin.lines() |> decode json as T |> map { x: \(expression) } |> encode json |> sink stdout.lines()
          on error halt
        }
        """
      ).diagnostics.filter { $0.severity == .error }.map(\.message)
    }
    for fine in ["Kind(.ip)", "(try Kind(.ip)) ?? plain", ".kind == Kind(.ip)", ".note?.Kind()", "Kind(\"VIP\")", "Mode(.ip)"] {
      #expect(found(fine).isEmpty, "\(fine): \(found(fine))")
    }
    for (wrong, message) in [
      ("Kind(.note)", "may be null"), ("Kind(1)", "needs String"), ("Kind()", "takes the text"), ("T(.ip)", "is a type"),
      ("Kind(a: .ip)", "takes the text"),
    ] {
      #expect(found(wrong).count == 1 && found(wrong)[0].contains(message), "\(wrong): \(found(wrong))")
    }
  }

  @Test("a stage has no step's name", arguments: ["order", "filter", "time"]) func stageNames(
    _ word: String
  )
    throws
  {
    let text = """
      type T { id: Int }
      stage \(word)(least: Int) on T = |> filter .id > least
      pipeline p {
        source stdin.lines() |> decode json as T
          |> tee { \(word)(1) |> discard }
          |> \(word)(2)
          |> encode json |> sink stdout.lines()
        on error halt
      }
      """
    let finding = try #require(Support.compile(text).diagnostics.first { $0.code == .takenName })
    let fix = try #require(finding.fix)
    // What was meant by the word is not known: it is a step, too.
    #expect(fix.confidence == .maybe && fix.edits.map(\.replacement) == ["\(word)_stage"])
    #expect(Support.compile("pipeline order { source stdin.lines() |> discard }").plan != nil)
  }

  @Test("T37: a lookup's key of another type than its column") func lookupKeys() {
    func found(_ key: String, _ column: String) -> [String] {
      Support.compile(
        """
        enum E { a }
        type T { text: String, number: Int, exact: Decimal, kind: E, at: Timestamp, maybe: Int? }
        pipeline p {
          source stdin.lines() |> decode json as T
            |> lookup file.json("c.json", column: "id", key: \(key)) as c: { id: \(column), name: String }
            |> encode json |> sink stdout.lines()
          on error halt
        }
        """
      ).diagnostics.map { "\($0.code.id) \($0.help ?? "")" }
    }
    for (key, column) in [(".text", "String"), (".exact", "Int"), (".kind", "String"), (".maybe", "Int"), (".number", "Json")] {
      #expect(found(key, column).isEmpty, "\(key): \(found(key, column))")
    }
    #expect(found(".text", "Int") == ["P0409 write `to_int(.text)`, or declare `id: String`"])
    #expect(found(".at", "String") == ["P0409 write `to_string(.at)`, or declare `id: Timestamp`"])
  }

  @Test("M15: a flag that is not read is named", arguments: [("(?x)a", "`(?x`"), ("(?=a)", "look-around"), (#"\b{start}"#, "braces")])
  func patterns(_ pattern: String, _ named: String) {
    let found = messages("find(.ip, r\"\(pattern)\")")
    #expect(found.count == 1 && found[0].contains(named), "\(found)")
  }

  @Test("R3: a pattern's size is found by check") func largePattern() {
    #expect(messages(#"find(.ip, r"(?:(?:(?:(?:){1000}){1000}){1000}){1000}")"#).isEmpty)
    #expect(messages(#"find(.ip, r"(?:(?:(?:(?:a){1000}){1000}){1000}){1000}")"#).count == 1)
  }

  @Test("A field that `set` gives a value to is no longer optional, and stays a Float") func setKnows() {
    func found(_ steps: String) -> [String] {
      Support.compile(
        """
        type T { a: Int?, b: Float?, c: String? }
        pipeline p {
          source stdin.lines() |> decode json as T |> \(steps) |> encode json |> sink stdout.lines()
          on error halt
        }
        """
      ).diagnostics.map(\.message)
    }
    #expect(found("set { a: .a ?? 0, b: 1 } |> set { sum: .a + 1, half: .b / 2.5 }").isEmpty)
    #expect(found("set { c: .c?.upper() } |> set { length: length(.c) }").count == 1)
    #expect(found("set { a: null } |> set { a: 5 }").isEmpty)
  }

  @Test("What equals a value is there; what a lookup must be given comes first") func whatHolds() {
    func found(_ steps: String) -> [String] {
      Support.compile(
        """
        connection api: Http { base_url = "https://example.com" }
        pipeline q {
          source api.get("/a") |> sink stdout.lines()
          on error halt
        }
        type T { id: Int, a: { b: String? }?, c: String?, d: String? }
        pipeline p {
          source stdin.lines() |> decode json as T |> \(steps) |> encode json |> sink stdout.lines()
          on error halt
        }
        """
      ).diagnostics.map(\.message)
    }
    #expect(found(#"filter .a?.b == "x" and .c == "y" |> set { both: "\(length(.a.b) + length(.c))" }"#).isEmpty)
    #expect(found(#"set { n: if "x" == .c then length(.c) else 0 }"#).isEmpty)
    #expect(found(#"filter .c == .d |> set { n: length(.c) }"#).count == 1)
    #expect(found(#"filter .c != "x" |> set { n: length(.c) }"#).count == 1)
    #expect(found(#"filter .c == null |> set { n: length(.c) }"#).count == 1)
    #expect(found(#"lookup api.get("/users/\(.id)") as user: { name: String }"#).isEmpty)
    #expect(found(#"lookup api.get("/users/\(.id)", cache: 5m) as user: { name: String }"#).isEmpty)
  }

  @Test(
    "D38: a literal lies within the years 1 to 9999",
    arguments: ["0001-01-01T00:00:00+02:00", "9999-12-31T23:00:00-02:00", "0000-01-01T00:00:00Z", "0000-12-31"])
  func literals(_ literal: String) { #expect(messages(literal).count == 1) }
}
