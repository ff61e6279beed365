let keyTopics: [Topic] = [
  Topic(
    "dedupe", ["deduplicate", "distinct"], "passes an event once",
    ["dedupe by .id within 10m", "dedupe by .id last 100_000 keys"],
    """
    An event passes if none of its key passed within so long of it, or if its key is not among the last so many that were seen.
    """,
    """
    type Payment { at: Timestamp, id: String, amount: Decimal }

    pipeline once {
      source file.lines("payments.ndjson")
        |> decode json as Payment
        |> time .at late 10s
        |> dedupe by .id within 10m
        |> encode json
        |> sink file.lines("once.ndjson")
      on error |> encode json |> sink file.lines("failed.ndjson")
    }
    """),
  Topic(
    "previous", ["lag"], "adds the event before, of the same key",
    ["previous by .sensor within 1h as before"],
    """
    The field is `T?`: null where there was none, or where it is longer ago. What SQL calls LAG.
    """,
    """
    type Reading { at: Timestamp, sensor: String, celsius: Float }

    pipeline jumps {
      source file.lines("readings.ndjson")
        |> decode json as Reading
        |> time .at late 10s
        |> previous by .sensor within 1h as before
        |> filter .before != null
        |> set { change: .celsius - .before.celsius }
        |> filter .change > 5
        |> encode json
        |> sink file.lines("jumps.ndjson")
      on error |> encode json |> sink file.lines("failed.ndjson")
    }
    """),
  Topic(
    "running", ["over", "partition by"], "adds aggregates of the time up to each event",
    ["running by .card within 10m as recent { n: count(), spent: sum(.amount) }"],
    """
    Each event goes on with what was computed of the events of its key in the 10 minutes up to it, itself among them.
    What SQL writes as OVER (PARTITION BY … RANGE BETWEEN …).
    """,
    """
    type Payment { at: Timestamp, card: String, amount: Decimal }

    pipeline suspicious {
      source file.lines("payments.ndjson")
        |> decode json as Payment
        |> time .at late 10s
        |> running by .card within 10m as recent { n: count(), spent: sum(.amount) }
        |> filter .recent.n > 5 or .recent.spent > 10_000
        |> encode json
        |> sink file.lines("suspicious.ndjson")
      on error |> encode json |> sink file.lines("failed.ndjson")
    }
    """),
  Topic(
    "fold", ["reduce", "scan"], "keeps a record of each key, which every event changes",
    ["fold by .id within 30d as acc: { n: Int = 0 } = { n: acc.n + 1 }"],
    """
    The values behind the type are what it begins with. The event goes on with the field `acc`, the state after it. So long after the
    last event of its key it begins anew. An event for which it fails leaves it as it was.
    """,
    """
    type Move { at: Timestamp, account: String, amount: Decimal }

    pipeline balances {
      source file.lines("moves.ndjson")
        |> decode json as Move
        |> time .at late 10s
        |> fold by .account within 30d as acc: { balance: Decimal = 0, moves: Int = 0 } = {
          balance: acc.balance + .amount
          moves:   acc.moves + 1
        }
        |> filter .acc.balance < 0
        |> encode json
        |> sink file.lines("overdrawn.ndjson")
      on error |> encode json |> sink file.lines("failed.ndjson")
    }
    """),
]
