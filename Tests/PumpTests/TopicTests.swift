import PumpCompiler
import PumpReports
import PumpSyntax
import PumpTestSupport
import Testing

/// What `explain` and `functions` tell of time and state.
@Suite struct TopicTests {
  @Test(arguments: Topic.all.map(\.name)) func topic(_ name: String) throws {
    let topic = try #require(Topic.named(name))
    #expect(topic.name == name)
    let result = Support.compile(topic.example + "\n")
    #expect(result.diagnostics.map(\.message) == [])
    #expect(result.plan != nil)
    #expect(Formatter.format(SourceText(path: "a.pump", text: topic.example + "\n")) == topic.example + "\n")
    let outcome = try Support.run("pumpc", ["explain"] + name.split(separator: " ").map(String.init))
    #expect(outcome.code == 0)
    for line in topic.example.split(separator: "\n") { #expect(outcome.out.contains(line)) }
    #expect(topic.others.allSatisfy { Topic.named($0) != nil })
  }

  /// Each step that keeps something has a topic, in whose example it stands.
  @Test(arguments: Parser.stateWords.union(["time", "stream"]).sorted()) func step(_ word: String) throws {
    let topic = try #require(Topic.named(word))
    #expect(topic.example.contains(word == "stream" ? "stream " : word == "join" ? " join " : "|> \(word)"))
    #expect(try Support.run("pumpc", ["explain"]).out.contains("\(topic.name) "))
  }

  @Test(arguments: AggregateFunction.all.map(\.function.rawValue)) func aggregate(_ name: String) throws {
    let aggregate = try #require(AggregateFunction.byName[name])
    #expect(aggregate.example.contains(" \(name)("))
    let text = """
      type Order { at: Timestamp, id: Int, user: String, amount: Decimal, paid: Bool, note: String? }
      pipeline p {
        source file.lines("in.ndjson")
          |> decode json as Order
          |> time .at late 1m
          |> group window tumbling 1h { \(aggregate.example) }
          |> encode json
          |> sink file.lines("out.ndjson")
        on error halt
      }

      """
    #expect(Support.compile(text).diagnostics.map(\.message) == [])
    #expect(try Support.run("pumpc", ["functions"]).out.contains("  \(name) "))
    let outcome = try Support.run("pumpc", ["functions", name])
    #expect(outcome.code == 0)
    #expect(outcome.out.contains(aggregate.signature) && outcome.out.contains(aggregate.docs) && outcome.out.contains(aggregate.example))
  }

  @Test func unknown() throws {
    let outcome = try Support.run("pumpc", ["explain", "tumblng"])
    #expect(outcome.code == 2 && outcome.err.contains("did you mean `tumbling`?"), "\(outcome.err)")
    #expect(try Support.run("pumpc", ["functions", "quantil"]).err.contains("did you mean `quantile`?"))
  }
}
