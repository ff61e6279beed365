import PumpSyntax
import Testing

/// The canonical layout of steps of many events: on one line as on several.
@Suite struct StateLayoutTests {
  static let steps: [(written: String, canonical: String)] = [
    ("time  .at  late 10s   idle never", "time .at late 10s idle never"),
    ("time .at\n late config.plant.late\nidle 5m", "time .at\n      late config.plant.late\n      idle 5m"),
    ("group by .a,.b window tumbling 1m{n:count()}", "group by .a, .b window tumbling 1m { n: count() }"),
    ("group window tumbling 1d offset -6h { n: count() }", "group window tumbling 1d offset -6h { n: count() }"),
    (
      "group by {even:.n % 2==0} window tumbling day zone \"Europe/Prague\" as read { n: count() }",
      "group by { even: .n % 2 == 0 } window tumbling day zone \"Europe/Prague\" as read { n: count() }"
    ),
    (
      "group by .sensor, .status\n  window sliding 5m every 1m\nlimit 1_000 keys {\nfrom: window.start\nhot: count( where: .celsius > 90 )\n}",
      "group by .sensor, .status\n      window sliding 5m every 1m\n      limit 1_000 keys {\n        from: window.start\n        hot:  count(where: .celsius > 90)\n      }"
    ),
    ("group by .a\nemit on change\n{ n: count() }", "group by .a\n      emit on change\n      { n: count() }"),
    ("group by .a window session 30m {n:count()}", "group by .a window session 30m { n: count() }"),
    ("group by .a window rows 100 within 5s {n:count()}", "group by .a window rows 100 within 5s { n: count() }"),
    ("join bs as b on .id==b.id within -1m to 10m", "join bs as b on .id == b.id within -1m to 10m"),
    (
      "left  join payments as payment\non .id == payment.order_id\nand .total > payment.amount\nwithin -1m\nto 10m\nlimit 5 rows",
      "left join payments as payment\n      on .id == payment.order_id\n        and .total > payment.amount\n      within -1m\n      to 10m\n      limit 5 rows"
    ),
    (
      "join latest rates as rate on .code==rate.code limit 1000 keys as read",
      "join latest rates as rate on .code == rate.code limit 1000 keys as read"
    ),
    ("dedupe by .id,.at within 10m", "dedupe by .id, .at within 10m"),
    ("dedupe by .id last 100_000 keys as read", "dedupe by .id last 100_000 keys as read"),
    (
      "previous by .sensor\nwithin 1h\nas before",
      "previous by .sensor\n      within 1h\n      as before"
    ),
    ("running by .card within 10m as recent {n:count()}", "running by .card within 10m as recent { n: count() }"),
    (
      "running by .card\nwithin 10m as recent {\nn: count()\ntotal: sum(.amount)\n} limit 10 rows",
      "running by .card\n      within 10m as recent {\n        n:     count()\n        total: sum(.amount)\n      } limit 10 rows"
    ),
    (
      "fold by .id within 30d as acc:{sum:Decimal=0}={sum:acc.sum+.amount}",
      "fold by .id within 30d as acc: { sum: Decimal = 0 } = { sum: acc.sum + .amount }"
    ),
    (
      "fold by .id within 30d\nas acc: { sum: Decimal = 0 } =\n{ sum: acc.sum + .amount }",
      "fold by .id within 30d\n      as acc: { sum: Decimal = 0 } =\n        { sum: acc.sum + .amount }"
    ),
    ("@sorted   order limit 10 rows", "@sorted order limit 10 rows"),
    ("@sorted order\nlimit 10 rows", "@sorted order\n      limit 10 rows"),
  ]

  @Test(arguments: steps) func step(_ written: String, _ canonical: String) {
    func program(_ step: String) -> String { "pipeline p {\n  source s\n    |> \(step)\n    |> discard\n\n  on error halt\n}\n" }
    for text in [program(written), program(canonical)] {
      let source = SourceText(path: "a.pump", text: text)
      #expect(Parser.parse(source).1.map(\.message) == [])
      #expect(Formatter.format(source) == program(canonical))
    }
  }

  /// The fields of records have the names of clauses, and stay in their column.
  @Test(arguments: ["map {\n      order\n      limit\n      to\n    }", "set { a: .within - 5s, b: .to - 1 }"])
  func fields(_ step: String) {
    let text = "pipeline p {\n  source s\n    |> \(step)\n    |> discard\n  on error halt\n}\n"
    #expect(Formatter.format(SourceText(path: "a.pump", text: text)) == text)
  }
}
