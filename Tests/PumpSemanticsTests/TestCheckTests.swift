import Foundation
import PumpCompiler
import PumpTestSupport
import Testing

/// What the checker says of tests in the language, of the names of endpoints, and of secrets in steps.
@Suite struct TestCheckTests {
  private static func messages(_ clauses: String, step: String = "") -> [String] {
    Support.compile(
      """
      config shop { key: Secret }
      type T { id: Int, note: String?, in: { tags: [String] } }
      type C { name: String }
      pipeline p {
        source file.lines("in")
          |> @read decode json as T
          |> @named lookup file.csv("c.csv", column: "id", key: .id) as c: C
          \(step)
          |> @gone tee { filter .id > 5 |> encode json |> @aside sink file.lines("aside") }
          |> encode json
          |> sink file.lines("out")
        on error skip
      }
      test "t" for p {
      \(clauses)
      }
      """
    ).diagnostics.filter { $0.severity == .error }.map { "\($0.message)\($0.help.map { " (\($0))" } ?? "")" }
  }

  @Test("L7: labels name whatever a test speaks of") func labels() {
    let clauses = """
        given lookup @named = [{ id: 1, name: "a" }]
        given json { id: 1, in: { tags: [] } }
        expect @read == [{ id: 1, in: { tags: [] } }]
        expect @named matches [{ c: { name: "a" } }]
        expect count(@gone) == 1
        expect count(@aside) == 0
        expect count(file.lines("out")) == 1
        expect errors == []
      """
    #expect(Self.messages(clauses).isEmpty, "\(Self.messages(clauses))")
    for (clause, wanted) in [
      ("expect @raed == []", "`raed` is the label of no step of `p` (did you mean `@read`?)"),
      ("given lookup @nemed = []\nexpect errors == []", "`nemed` is no lookup of `p` (did you mean `@named`?)"),
      ("given @aside \"x\"\nexpect errors == []", "`aside` is no source of `p` (its sources are `file.lines(\"in\")`)"),
      ("expect @gone == [] \n expect @named matches [{ c: { nam: \"a\" } }]", "there is no field `nam` (did you mean `name`?)"),
      ("expect @read == [{ ide: 1 }]", "there is no field `ide` (did you mean `id`?)"),
      ("expect errors matches [{ reson: 1 }]", "there is no field `reson` ("),
    ] {
      let found = Self.messages(clause)
      #expect(found.count == 1 && found[0].hasPrefix(wanted), "\(found)")
    }
  }

  @Test("L10: data of a test are as on the wire; what is probably mistyped is told") func wire() {
    func given(_ json: String) -> [String] { Self.messages("given json \(json)\nexpect errors == []") }
    #expect(given("{ id: 1, note: \"n\", in: { tags: [\"a\"], more: { deep: [1, 2.5, { x: null }] } }, \"@type\": \"order\" }").isEmpty)
    // The decoder says what is wrong with it: that is what the test may be about.
    #expect(given("{ id: { nested: 1 }, in: { tags: [] } }").isEmpty)
    for (json, wanted) in [
      ("{ id: 1 }", "field `in` is missing"), ("{ id: 1, noet: \"x\", in: { tags: [] } }", "there is no field `noet`"),
      ("{ id: 1, in: { tgas: [] } }", "there is no field `tgas`"),
    ] {
      #expect(given(json).contains { $0.hasPrefix(wanted) }, "\(given(json))")
    }
  }

  @Test("L7: steps of two kinds over one endpoint have names of their own") func kinds() throws {
    func program(_ second: String) -> Compilation {
      Support.compile(
        """
        connection kafka: Kafka { bootstrap_servers = "h:9092" }
        pipeline p {
          source kafka.topic("retry", group: "g")
            |> \(second)
            |> sink kafka.topic("retry")
          on error halt
        }
        test "t" for p {
          given kafka.topic("retry") "x"
          expect kafka.topic("retry") == ["x"]
        }
        """)
    }
    let plan = try #require(program("filter true").plan)
    #expect(plan.program.pipelines[0].endpoints.map(\.label) == ["kafka.topic(retry)", "sink kafka.topic(retry)"])
    let twice = program("tee { sink kafka.topic(\"retry\") }").diagnostics.filter { $0.severity == .error }
    #expect(twice.map(\.code.id) == ["P0311"], "\(twice.map(\.message))")
  }

  @Test("secrets are keys of hmac_sha256 and sides of comparisons, nothing else") func secrets() {
    func step(_ expression: String) -> [String] { Self.messages("expect errors == []", step: "|> set { x: \(expression) }") }
    for fine in [
      "hmac_sha256(meta.raw, key: config.shop.key)", "\"a\".hmac_sha256(key: config.shop.key)", ".note == null or config.shop.key == .note",
      "config.shop.key != to_bytes(\"a\")", "if config.shop.key == \"a\" then 1 else 2",
    ] { #expect(step(fine).isEmpty, "\(fine): \(step(fine))") }
    for wrong in [
      "config.shop.key", "\"\\(config.shop.key)\"", "upper(config.shop.key)", "hmac_sha256(config.shop.key, key: \"k\")",
      "config.shop.key == .id", "config.shop.key < \"a\"", "config.shop.key in [\"a\"]", "[config.shop.key]",
      "hmac_sha256(\"a\", key: upper(config.shop.key))", "config.shop.key == config.shop.key", "config.shop.key == .note",
      "match config.shop.key { \"a\" => 1, else => 2 }", "let k = config.shop.key in 1",
    ] {
      let found = step(wrong)
      #expect(found.count == 1 && found[0].contains("secret"), "\(wrong): \(found)")
    }
  }
}
