let joinTopics: [Topic] = [
  Topic(
    "join", ["left join", "left"], "pairs with the events of a stream",
    [
      "join payments as p on .id == p.order_id within 10m",
      "left join payments as p on .id == p.order_id within -1m to 10m",
    ],
    """
    Each pair of events with the same key goes on, whose times are at most so far apart; `within -1m to 10m` bounds the time of the
    stream's event less that of the event. The field `p` is the other event. More conditions follow by `and`. With `left` an event
    goes on with null once no match can come. Null matches nothing. The pair keeps the time of the event.
    """,
    """
    type Order { at: Timestamp, id: Int }
    type Payment { at: Timestamp, order_id: Int, amount: Decimal }

    stream payments {
      source file.lines("payments.ndjson")
        |> decode json as Payment
        |> time .at late 1m
      on error halt
    }

    pipeline unpaid {
      source file.lines("orders.ndjson")
        |> decode json as Order
        |> time .at late 1m
        |> left join payments as payment on .id == payment.order_id within 0s to 1h
        |> filter .payment == null
        |> map { id, at }
        |> encode json
        |> sink file.lines("unpaid.ndjson")
      on error |> encode json |> sink file.lines("failed.ndjson")
    }
    """),
  Topic(
    "join latest", ["latest", "left join latest", "ktable", "globalktable", "temporal join"],
    "adds the version that was valid at the event's time",
    [
      "join latest rates as rate on .currency == rate.code limit 1_000 keys",
      "left join latest rates as rate on .currency == rate.code as read",
    ],
    """
    Of each key the stream's event with the greatest time up to that of the event. An event waits until the stream has come so far;
    with `as read` it takes the newest that was read, and does not wait. Without one the event is left out, with `left` it has null.
    """,
    """
    type Order { at: Timestamp, id: Int, amount: Decimal, currency: String }
    type Rate { at: Timestamp, code: String, rate: Decimal }

    stream rates {
      source file.lines("rates.ndjson")
        |> decode json as Rate
        |> time .at late 0s
      on error halt
    }

    pipeline converted {
      source file.lines("orders.ndjson")
        |> decode json as Order
        |> time .at late 1m
        |> join latest rates as rate on .currency == rate.code limit 1_000 keys
        |> set { euro: round(.amount * .rate.rate, 2) }
        |> drop rate
        |> encode json
        |> sink file.lines("converted.ndjson")
      on error |> encode json |> sink file.lines("failed.ndjson")
    }
    """),
]
