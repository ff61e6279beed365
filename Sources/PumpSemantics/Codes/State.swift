/// Findings of the checker: time, and what steps keep.
import PumpSyntax

extension DiagnosticCode {
  public static let badTime = DiagnosticCode(
    "P0801", "a time that cannot be here",
    explanation:
      #"`time` says once what time the events of a pipeline are of, in the chain that all of them take."#,
    failing: ###"""
      type E { at: Timestamp, id: Int, amount: Decimal, note: String? }
      pipeline p {
        source file.lines("in.ndjson")
          |> decode json as E
          |> time .at late 10s
          |> time .at late 1m
          |> group by .id window tumbling 1m { n: count() }
          |> encode json
          |> sink stdout.lines()
        on error halt
      }
      """###,
    repaired: ###"""
      type E { at: Timestamp, id: Int, amount: Decimal, note: String? }
      pipeline p {
        source file.lines("in.ndjson")
          |> decode json as E
          |> time .at late 10s
          |> group by .id window tumbling 1m { n: count() }
          |> encode json
          |> sink stdout.lines()
        on error halt
      }
      """###)

  public static let noTime = DiagnosticCode(
    "P0802", "a step that goes by times",
    explanation:
      #"Windows, `order`, `previous`, `running`, `fold` and joins go by the times of events, which `time` says: `|> time .at late 10s`."#,
    failing: ###"""
      type E { at: Timestamp, id: Int, amount: Decimal, note: String? }
      pipeline p {
        source file.lines("in.ndjson")
          |> decode json as E
          |> group by .id window tumbling 1m { n: count() }
          |> encode json
          |> sink stdout.lines()
        on error halt
      }
      """###,
    repaired: ###"""
      type E { at: Timestamp, id: Int, amount: Decimal, note: String? }
      pipeline p {
        source file.lines("in.ndjson")
          |> decode json as E
          |> time .at late 10s
          |> group by .id window tumbling 1m { n: count() }
          |> encode json
          |> sink stdout.lines()
        on error halt
      }
      """###)

  public static let noIdle = DiagnosticCode(
    "P0803", "partitions that may hold each other",
    explanation:
      #"Of several endless partitions one may give nothing for long. `idle 5m` lets the others go on where nothing is left to read of it and they are so far ahead; `idle never` waits."#,
    failing: ###"""
      type E { at: Timestamp, id: Int, amount: Decimal, note: String? }
      pipeline p {
        source merge(file.lines("a.ndjson", follow: true), file.lines("b.ndjson", follow: true))
          |> decode json as E
          |> time .at late 10s
          |> group by .id window tumbling 1m { n: count() }
          |> encode json
          |> sink stdout.lines()
        on error halt
      }
      """###,
    repaired: ###"""
      type E { at: Timestamp, id: Int, amount: Decimal, note: String? }
      pipeline p {
        source merge(file.lines("a.ndjson", follow: true), file.lines("b.ndjson", follow: true))
          |> decode json as E
          |> time .at late 10s idle 5m
          |> group by .id window tumbling 1m { n: count() }
          |> encode json
          |> sink stdout.lines()
        on error halt
      }
      """###)

  public static let noOrder = DiagnosticCode(
    "P0804", "a step that follows the order",
    explanation:
      #"Events of several partitions come in another order in each run. `order` sorts them by their times; `as read` takes them as they come."#,
    failing: ###"""
      type E { at: Timestamp, id: Int, amount: Decimal, note: String? }
      pipeline p {
        source file.lines("in/*.ndjson")
          |> decode json as E
          |> time .at late 10s
          |> dedupe by .id within 10m
          |> encode json
          |> sink stdout.lines()
        on error halt
      }
      """###,
    repaired: ###"""
      type E { at: Timestamp, id: Int, amount: Decimal, note: String? }
      pipeline p {
        source file.lines("in/*.ndjson")
          |> decode json as E
          |> time .at late 10s
          |> order
          |> dedupe by .id within 10m
          |> encode json
          |> sink stdout.lines()
        on error halt
      }
      """###)

  public static let badState = DiagnosticCode(
    "P0805", "a step that cannot keep this",
    explanation:
      #"What steps keep of the events before is made of records, and bounded: by a key, a time and a limit."#,
    failing: ###"""
      type E { at: Timestamp, id: Int, amount: Decimal, note: String? }
      pipeline p {
        source file.lines("in.ndjson")
          |> decode json as E
          |> time .at late 10s
          |> order limit 10 keys
          |> encode json
          |> sink stdout.lines()
        on error halt
      }
      """###,
    repaired: ###"""
      type E { at: Timestamp, id: Int, amount: Decimal, note: String? }
      pipeline p {
        source file.lines("in.ndjson")
          |> decode json as E
          |> time .at late 10s
          |> order limit 10 rows
          |> encode json
          |> sink stdout.lines()
        on error halt
      }
      """###)

  public static let badKey = DiagnosticCode(
    "P0806", "a key that is none",
    explanation:
      #"A key is made of fields, or of named values: texts, numbers, times and their like."#,
    failing: ###"""
      type E { at: Timestamp, id: Int, amount: Decimal, note: String? }
      pipeline p {
        source file.lines("in.ndjson")
          |> decode json as E
          |> time .at late 10s
          |> group by .id + 1 window tumbling 1m { n: count() }
          |> encode json
          |> sink stdout.lines()
        on error halt
      }
      """###,
    repaired: ###"""
      type E { at: Timestamp, id: Int, amount: Decimal, note: String? }
      pipeline p {
        source file.lines("in.ndjson")
          |> decode json as E
          |> time .at late 10s
          |> group by { next: .id + 1 } window tumbling 1m { n: count() }
          |> encode json
          |> sink stdout.lines()
        on error halt
      }
      """###)

  public static let badGroup = DiagnosticCode(
    "P0807", "a field of single events",
    explanation:
      #"A group makes one result of many events. What it says of them is a part of the key, or an aggregate."#,
    failing: ###"""
      type E { at: Timestamp, id: Int, amount: Decimal, note: String? }
      pipeline p {
        source file.lines("in.ndjson")
          |> decode json as E
          |> time .at late 10s
          |> group by .id window tumbling 1m { amount: .amount }
          |> encode json
          |> sink stdout.lines()
        on error halt
      }
      """###,
    repaired: ###"""
      type E { at: Timestamp, id: Int, amount: Decimal, note: String? }
      pipeline p {
        source file.lines("in.ndjson")
          |> decode json as E
          |> time .at late 10s
          |> group by .id window tumbling 1m { amount: sum(.amount) }
          |> encode json
          |> sink stdout.lines()
        on error halt
      }
      """###)

  public static let badAggregate = DiagnosticCode(
    "P0808", "an aggregate that cannot be computed",
    explanation:
      #"An aggregate is of all events of the group; `where:` leaves some out. Inside its argument a name such as `sum` is the function of lists."#,
    failing: ###"""
      type E { at: Timestamp, id: Int, amount: Decimal, note: String? }
      pipeline p {
        source file.lines("in.ndjson")
          |> decode json as E
          |> time .at late 10s
          |> group by .id window tumbling 1m { n: sum() }
          |> encode json
          |> sink stdout.lines()
        on error halt
      }
      """###,
    repaired: ###"""
      type E { at: Timestamp, id: Int, amount: Decimal, note: String? }
      pipeline p {
        source file.lines("in.ndjson")
          |> decode json as E
          |> time .at late 10s
          |> group by .id window tumbling 1m { n: sum(.amount) }
          |> encode json
          |> sink stdout.lines()
        on error halt
      }
      """###)

  public static let badWindow = DiagnosticCode(
    "P0809", "a window that cannot be",
    explanation:
      #"Windows are `tumbling 1m`, `tumbling day zone "Europe/Prague"`, `sliding 5m every 1m`, `session 30m` and `rows 100`."#,
    failing: ###"""
      type E { at: Timestamp, id: Int, amount: Decimal, note: String? }
      pipeline p {
        source file.lines("in.ndjson")
          |> decode json as E
          |> time .at late 10s
          |> group by .id window sliding 5m every 2m { n: count() }
          |> encode json
          |> sink stdout.lines()
        on error halt
      }
      """###,
    repaired: ###"""
      type E { at: Timestamp, id: Int, amount: Decimal, note: String? }
      pipeline p {
        source file.lines("in.ndjson")
          |> decode json as E
          |> time .at late 10s
          |> group by .id window sliding 5m every 1m { n: count() }
          |> encode json
          |> sink stdout.lines()
        on error halt
      }
      """###)

  public static let badJoin = DiagnosticCode(
    "P0810", "a join that finds nothing",
    explanation:
      #"A join finds the events of a stream by equalities, within a time; more conditions follow by `and`."#,
    failing: ###"""
      type E { at: Timestamp, id: Int, amount: Decimal, note: String? }
      stream others {
        source file.lines("others.ndjson")
          |> decode json as E
          |> time .at late 10s
        on error halt
      }
      pipeline p {
        source file.lines("in.ndjson")
          |> decode json as E
          |> time .at late 10s
          |> join others as o on .amount > o.amount within 10m
          |> encode json
          |> sink stdout.lines()
        on error halt
      }
      """###,
    repaired: ###"""
      type E { at: Timestamp, id: Int, amount: Decimal, note: String? }
      stream others {
        source file.lines("others.ndjson")
          |> decode json as E
          |> time .at late 10s
        on error halt
      }
      pipeline p {
        source file.lines("in.ndjson")
          |> decode json as E
          |> time .at late 10s
          |> join others as o on .id == o.id and .amount > o.amount within 10m
          |> encode json
          |> sink stdout.lines()
        on error halt
      }
      """###)

  public static let badStream = DiagnosticCode(
    "P0811", "a stream that cannot be read",
    explanation:
      #"A `stream` is a pipeline without a sink, which others read: by `join`, or as `source NAME`."#,
    failing: ###"""
      type E { at: Timestamp, id: Int, amount: Decimal, note: String? }
      stream others {
        source file.lines("others.ndjson")
          |> decode json as E
          |> time .at late 10s
        on error halt
      }
      pipeline p {
        source file.lines("in.ndjson")
          |> decode json as E
          |> time .at late 10s
          |> join other as o on .id == o.id within 10m
          |> encode json
          |> sink stdout.lines()
        on error halt
      }
      """###,
    repaired: ###"""
      type E { at: Timestamp, id: Int, amount: Decimal, note: String? }
      stream others {
        source file.lines("others.ndjson")
          |> decode json as E
          |> time .at late 10s
        on error halt
      }
      pipeline p {
        source file.lines("in.ndjson")
          |> decode json as E
          |> time .at late 10s
          |> join others as o on .id == o.id within 10m
          |> encode json
          |> sink stdout.lines()
        on error halt
      }
      """###)

  public static let updating = DiagnosticCode(
    "P0812", "events that replace earlier ones",
    explanation:
      #"With `emit on change` a result comes again when it has changed. It goes on through steps that keep its key, to a sink that finds the row by that key."#,
    failing: ###"""
      type E { at: Timestamp, id: Int, amount: Decimal, note: String? }
      connection db: SQLite { path = "p.db" }
      pipeline p {
        source file.lines("in.ndjson")
          |> decode json as E
          |> time .at late 10s
          |> group by .id window tumbling 1m emit on change { from: window.start, n: count() }
          |> filter .n > 3
          |> sink db.table("t", key: [id, from])
        on error halt
      }
      """###,
    repaired: ###"""
      type E { at: Timestamp, id: Int, amount: Decimal, note: String? }
      connection db: SQLite { path = "p.db" }
      pipeline p {
        source file.lines("in.ndjson")
          |> decode json as E
          |> time .at late 10s
          |> group by .id window tumbling 1m emit on change { from: window.start, n: count() }
          |> sink db.table("t", key: [id, from])
        on error halt
      }
      """###)

  public static let timeBehindFilter = DiagnosticCode(
    "P0813", "a time behind a filter", .warning,
    explanation:
      #"Events that are left out before `time` do not move it on: a window waits for one that passes."#,
    failing: ###"""
      type E { at: Timestamp, id: Int, amount: Decimal, note: String? }
      pipeline p {
        source file.lines("in.ndjson")
          |> decode json as E
          |> filter .id > 3
          |> time .at late 10s
          |> group by .id window tumbling 1m { n: count() }
          |> encode json
          |> sink stdout.lines()
        on error halt
      }
      """###,
    repaired: ###"""
      type E { at: Timestamp, id: Int, amount: Decimal, note: String? }
      pipeline p {
        source file.lines("in.ndjson")
          |> decode json as E
          |> time .at late 10s
          |> filter .id > 3
          |> group by .id window tumbling 1m { n: count() }
          |> encode json
          |> sink stdout.lines()
        on error halt
      }
      """###)

  public static let needlessOrder = DiagnosticCode(
    "P0814", "an order of what is in order", .warning,
    explanation:
      #"Results of windows come in the order of time, and so do events behind `order`: to sort them again costs time and memory for nothing."#,
    failing: ###"""
      type E { at: Timestamp, id: Int, amount: Decimal, note: String? }
      pipeline p {
        source file.lines("in.ndjson")
          |> decode json as E
          |> time .at late 10s
          |> group by .id window tumbling 1m { n: count() }
          |> order
          |> encode json
          |> sink stdout.lines()
        on error halt
      }
      """###,
    repaired: ###"""
      type E { at: Timestamp, id: Int, amount: Decimal, note: String? }
      pipeline p {
        source file.lines("in.ndjson")
          |> decode json as E
          |> time .at late 10s
          |> group by .id window tumbling 1m { n: count() }
          |> encode json
          |> sink stdout.lines()
        on error halt
      }
      """###)

  static let stateCodes: [DiagnosticCode] = [
    badTime, noTime, noIdle, noOrder, badState, badKey, badGroup, badAggregate, badWindow, badJoin, badStream, updating, timeBehindFilter,
    needlessOrder,
  ]
}
