let groupTopics: [Topic] = [
  Topic(
    "group", ["group by", "groupby", "by"], "one result of many events",
    [
      "group by .a, .b window tumbling 1m { n: count() }", "group by { even: .n % 2 == 0 } { n: count() }",
      "group window tumbling 1h { n: count() }",
    ],
    """
    The result has the fields of the key first, then those of the braces: aggregates of the group's events, and what is computed of
    them. `window.start` and `window.end` are its window. It comes when the window ends; its time is the window's end less 1 µs.
    Without a window there is one result of each key, when the source ends.
    A filter behind it is what SQL calls HAVING. Beside `by`, a key that is no field has a name: `by { day: to_date(.at) }`.
    """,
    """
    type Order { at: Timestamp, country: String, amount: Decimal }

    pipeline hours {
      source file.lines("orders.ndjson")
        |> decode json as Order
        |> time .at late 1m
        |> group by .country window tumbling 1h {
          from:  window.start
          n:     count()
          large: count(where: .amount > 1000)
          total: sum(.amount)
          mean:  if count() > 1 then average(.amount) else 0.0
        }
        |> filter .n > 3
        |> encode json
        |> sink file.lines("hours.ndjson")
      on error |> encode json |> sink file.lines("failed.ndjson")
    }
    """),
  Topic(
    "window", ["windows", "tumbling", "sliding", "session", "rows", "tumble", "hop"], "which events of a key make one result",
    [
      "window tumbling 1m", "window tumbling 1d offset 6h", "window tumbling day zone \"Europe/Prague\"    week, month, year",
      "window sliding 5m every 1m", "window session 30m", "window rows 100", "window rows 100 within 5s",
    ],
    """
    From its start to before its end, by the events' times. `tumbling` windows follow each other from 1970 in UTC, or by the calendar of a
    zone, weeks from Monday; `sliding` ones are 5m long and begin each minute. A `session` goes on while events are less than the gap
    apart, and ends the gap after its last. `rows` go by number, and by age where `within` says so.
    A window without events gives nothing.
    """,
    """
    type Click { at: Timestamp, user: String, page: String }

    pipeline visits {
      source file.lines("clicks.ndjson")
        |> decode json as Click
        |> time .at late 1m
        |> group by .user window session 30m { from: window.start, pages: distinct(.page, limit: 1_000), exit: last(.page) }
        |> encode json
        |> sink file.lines("visits.ndjson")
      on error |> encode json |> sink file.lines("failed.ndjson")
    }
    """),
  Topic(
    "emit on change", ["emit", "updating", "suppress"], "results before the end of their window, which replace each other",
    ["group by .a window tumbling 1m emit on change { from: window.start, n: count() }", "group by .a emit on change { n: count() }"],
    """
    A result comes again when it has changed, with the same key and window. Such rows go through `map`, `set`, `rename` and `drop` that
    keep the key, `lookup`, `log`, `tee` and `encode`, to a sink whose `key:` is exactly that; a filter would leave an older row
    standing, and is refused. Without it a result comes once, at the end: nothing has to be suppressed.
    """,
    """
    connection db: SQLite {
      path = "counts.db"
    }

    type Click { at: Timestamp, page: String }

    pipeline live {
      source file.lines("clicks.ndjson")
        |> decode json as Click
        |> time .at late 1m
        |> group by .page window tumbling 1h emit on change { from: window.start, n: count() }
        |> sink db.table("clicks", key: [page, from])
      on error |> encode json |> sink file.lines("failed.ndjson")
    }
    """),
  Topic(
    "aggregates", ["aggregate"], "what a group computes of its events",
    ["count()", "sum(.amount, where: .paid)", "quantile(.ms, 0.95, limit: 10_000)", "top(3, it, by: .price)"],
    """
    `pumpc functions` lists them, `pumpc functions NAME` explains one. `where:` leaves events out; what it may leave empty is `T?`.
    The outermost call is the aggregate: in its arguments a name is the function of lists, as in `sum(sum(.items, i => i.qty))`.
    What an aggregate takes may not be null. Those that keep values (`list`, `distinct`, `median`, `quantile`, `top`) have a `limit:`,
    beyond which the result fails. Sums are exact, whatever the order of the events.
    """,
    """
    type Item { qty: Int }
    type Order { at: Timestamp, shop: String, amount: Decimal, items: [Item], voucher: String? }

    pipeline days {
      source file.lines("orders.ndjson")
        |> decode json as Order
        |> time .at late 1m
        |> group by .shop window tumbling day zone "Europe/Prague" {
          total:    sum(.amount)
          pieces:   sum(sum(.items, i => i.qty))
          vouchers: count(where: .voucher != null)
          large:    max(.amount, where: .voucher == null)
          usual:    median(.amount, limit: 100_000)
          best:     top(3, .amount, by: .amount)
        }
        |> encode json
        |> sink file.lines("days.ndjson")
      on error |> encode json |> sink file.lines("failed.ndjson")
    }
    """),
]
