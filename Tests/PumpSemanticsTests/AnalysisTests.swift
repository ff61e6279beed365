import Foundation
import PumpCompiler
import PumpSemantics
import PumpSyntax
import PumpTestSupport
import Testing

/// What tools ask of an analysis: the names, the types under a cursor, places as editors count them, texts that are not saved.
@Suite struct AnalysisTests {
  private static let spec = """
    config shop { least: Int = 3 }
    enum Currency { EUR, CZK }
    type Order { id: Int, currency: Currency, amount: Int }
    fn twice(x: Int) -> Int = x * 2
    stage large() on { amount: Int } = |> filter .amount > config.shop.least
    pipeline all {
      source file.lines("in.ndjson") |> decode json as Order |> large() |> filter .currency == EUR |> sink more
      on error halt
    }
    pipeline more {
      input Order
      |> large() |> filter .currency != Currency.CZK |> set { double: twice(.amount) } |> encode json |> sink file.lines("out.ndjson")
      on error halt
    }
    test "one" for more {
      given json { id: 1, currency: CZK, amount: 2 }
      expect file.lines("out.ndjson") == []
    }
    """

  private func compiled(_ texts: [String: String]) throws -> Compilation {
    compile(try Project.load("/no/such/place", from: OpenTexts(texts)))
  }

  @Test func symbolsAndTheirUses() throws {
    let compilation = try compiled(["/no/such/place/a.pump": Self.spec])
    #expect(compilation.diagnostics.map(\.message) == [])
    func uses(_ kind: Symbol.Kind, _ name: String) -> [Int]? {
      compilation.symbols[kind, name]?.uses.map { $0.source.position($0.start).line }.sorted()
    }
    #expect(uses(.type, "Order") == [7, 11])
    #expect(uses(.enumeration, "Currency") == [3, 12])
    #expect(uses(.enumCase, "Currency.EUR") == [7])
    #expect(uses(.enumCase, "Currency.CZK") == [12])
    #expect(uses(.configKey, "shop.least") == [5])
    #expect(uses(.function, "twice") == [12])
    #expect(uses(.stage, "large") == [7, 12])
    #expect(uses(.pipeline, "more") == [7, 15])
    #expect(uses(.pipeline, "all") == [])
    #expect(uses(.field, "Order.currency") == [7, 12])
    #expect(uses(.field, "Order.id") == [])
    // From any place of a name to what it is.
    let source = compilation.project.files[0].source
    for (line, text, name) in [(7, "Order", "Order"), (12, "twice", "twice"), (1, "least", "shop.least"), (7, "EUR", "Currency.EUR")] {
      let start =
        source.lineStarts[line - 1] + source.line(line).utf8.count - source.line(line).split(separator: text, maxSplits: 1)[1].utf8.count
      let symbol = compilation.symbols.symbol(at: start - 1, in: source)
      #expect(symbol?.name == name, "line \(line)")
    }
    #expect(compilation.symbols.symbol(at: 0, in: source) == nil)
  }

  @Test func everyExpressionHasItsType() throws {
    let compilation = try compiled(["/no/such/place/a.pump": Self.spec])
    func type(_ text: String, line: Int) -> String? {
      compilation.expressions.last { $0.span.text == text && $0.span.source.position($0.span.start).line == line }.map { "\($0.type)" }
    }
    #expect(type("twice(.amount)", line: 12) == "Int")
    #expect(type(".amount", line: 12) == "Int")
    #expect(type(".currency == EUR", line: 7) == "Bool")
    #expect(type("EUR", line: 7) == "Currency")
    #expect(type("x * 2", line: 4) == "Int")
  }

  @Test func textsThatAreNotSaved() throws {
    let folder = try Support.temporaryFolder()
    try
      "import \"types.pump\"\npipeline p { source file.lines(\"a\") |> decode json as T |> encode json |> sink file.lines(\"b\")\non error halt }\n"
      .write(toFile: folder + "/main.pump", atomically: true, encoding: .utf8)
    let missing = compile(try Project.load(folder + "/main.pump"))
    #expect(missing.diagnostics.contains { $0.message == "`types.pump` cannot be read" })
    let open = compile(try Project.load(folder + "/main.pump", from: OpenTexts([folder + "/types.pump": "type T { a: Int }\n"])))
    #expect(open.diagnostics.map(\.message) == [] && open.plan != nil)
    // What is saved is hidden by what is open.
    let hidden = compile(try Project.load(folder + "/main.pump", from: OpenTexts([folder + "/main.pump": "type T { a: Nothing }\n"])))
    #expect(hidden.diagnostics.contains { $0.message.contains("`Nothing`") })
  }
}
