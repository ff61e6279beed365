/// What `pumpc explain` tells of a step or a part of it.
public struct Topic: Sendable {
  public let name: String
  /// Other words by which people look for it.
  public let others: [String]
  /// One line, for lists.
  public let summary: String
  /// The ways to write it.
  public let forms: [String]
  public let docs: String
  /// A program that checks without findings.
  public let example: String

  init(_ name: String, _ others: [String] = [], _ summary: String, _ forms: [String], _ docs: String, _ example: String) {
    (self.name, self.others, self.summary, self.forms, self.docs, self.example) = (name, others, summary, forms, docs, example)
  }

  public static let all: [Topic] = timeTopics + groupTopics + keyTopics + joinTopics

  public static func named(_ name: String) -> Topic? {
    let name = name.lowercased()
    return all.first { $0.name == name } ?? all.first { $0.others.contains(name) }
  }
}

/// A topic as text.
public func topicReference(_ topic: Topic) -> String {
  func indented(_ text: String, _ indent: String) -> String {
    text.split(separator: "\n", omittingEmptySubsequences: false).map { $0.isEmpty ? "\n" : indent + $0 + "\n" }.joined()
  }
  var out = "\(topic.name): \(topic.summary)\n\n"
  for form in topic.forms { out += "    \(form)\n" }
  return out + "\n" + indented(topic.docs, "  ") + "\n  For example:\n\n" + indented(topic.example, "    ")
}

let timeTopics: [Topic] = [
  Topic(
    "time", ["late", "idle", "watermark", "event time"], "what time events are of, and when one is late",
    ["time .at late 10s", "time .at late 1m idle 5m", "time .at late 1m idle never"],
    """
    Windows, joins and all that goes by times go by this one. It stands once, behind `decode` and before what leaves events out.
    Each partition of the source has a mark: the greatest time that it gave, less `late`. An event below the mark of its own
    partition fails with the reason `late`. The flow's mark is the least of all partitions, and windows end when it reaches them:
    no clock of the machine moves anything.
    `idle 5m` lets others go on where nothing is left to read of a partition and they are so far ahead; what is left out of the
    results by that depends on the run. Several partitions without an end must say `idle 5m` or `idle never`.
    """,
    """
    type Reading { at: Timestamp, sensor: String, celsius: Float }

    pipeline minutes {
      source file.lines("readings.ndjson")
        |> decode json as Reading
        |> time .at late 10s
        |> group by .sensor window tumbling 1m { from: window.start, hottest: max(.celsius) }
        |> encode json
        |> sink file.lines("minutes.ndjson")
      on error |> encode json |> sink file.lines("late.ndjson")
    }
    """),
  Topic(
    "stream", ["streams"], "a pipeline without a sink, which others read",
    ["stream NAME { source … |> … }"],
    """
    It is read once, by any number of others: as `source NAME`, or in a `join`. Its failures take its own error route.
    """,
    """
    type Reading { at: Timestamp, sensor: String, celsius: Float }

    stream readings {
      source file.lines("readings.ndjson")
        |> decode json as Reading
        |> time .at late 10s
      on error |> encode json |> sink file.lines("late.ndjson")
    }

    pipeline hot {
      source readings |> filter .celsius > 90 |> encode json |> sink file.lines("hot.ndjson")
      on error halt
    }

    pipeline days {
      source readings
        |> group window tumbling day zone "Europe/Prague" { day: window.start, mean: average(.celsius) }
        |> encode json
        |> sink file.lines("days.ndjson")
      on error halt
    }
    """),
  Topic(
    "order", [], "sorts events by their times",
    ["order", "order limit 1_000_000 rows"],
    """
    Events go on by time, then partition, then position in it, once nothing earlier can come. What follows the order of the events
    (`dedupe`, `previous`, `running`, `fold`, `window rows`) wants it behind a source of several partitions, and behind joins.
    """,
    """
    type Reading { at: Timestamp, sensor: String, celsius: Float }

    pipeline sorted {
      source file.lines("readings/*.ndjson")
        |> decode json as Reading
        |> time .at late 10s
        |> order
        |> encode json
        |> sink file.lines("sorted.ndjson")
      on error |> encode json |> sink file.lines("late.ndjson")
    }
    """),
  Topic(
    "limit", [], "how much a step keeps at most",
    ["… limit 1_000_000 keys", "… limit config.plant.most rows"],
    """
    One million, unless it is written. `join`, `order` and `running` count rows (events), the others keys; a `group` counts pairs of a
    key and an open window. The event beyond it fails with the reason `limit`. `pumpc check --types` prints what a step keeps.
    """,
    """
    type Visit { at: Timestamp, user: String }

    pipeline first_visits {
      source file.lines("visits.ndjson")
        |> decode json as Visit
        |> time .at late 1m
        |> dedupe by .user within 1d limit 50_000 keys
        |> encode json
        |> sink file.lines("first.ndjson")
      on error |> encode json |> sink file.lines("failed.ndjson")
    }
    """),
  Topic(
    "as read", ["read"], "takes events in the order in which they are read",
    ["dedupe by .id within 10m as read", "join latest rates as rate on .code == rate.code as read", "group … as read { … }"],
    """
    Several partitions are read in another order in each run. Steps that follow the order of events want `order` before them, or
    `as read`: then nothing waits, and results may differ from run to run. `join latest … as read` takes the newest that was read.
    """,
    """
    type Reading { at: Timestamp, sensor: String, celsius: Float }

    pipeline changed {
      source file.lines("readings/*.ndjson")
        |> decode json as Reading
        |> dedupe by .sensor, .celsius last 1_000 keys as read
        |> encode json
        |> sink file.lines("changed.ndjson")
      on error |> encode json |> sink file.lines("failed.ndjson")
    }
    """),
]
