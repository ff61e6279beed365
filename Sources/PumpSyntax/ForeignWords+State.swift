/// Words of SQL, Flink, ksqlDB, Kafka Streams and Spark for what is done with many events.
extension ForeignWords {
  private static let group = Answer("write `|> group by .id window tumbling 1m { n: count() }`")
  private static let fold = Answer("write `|> fold by .id within 1d as acc: { n: Int = 0 } = { n: acc.n + 1 }`")
  private static let dedupe = Answer("write `|> dedupe by .id within 10m`")
  private static let join = Answer(
    "write `|> join payments as p on .id == p.order_id within 10m`, or `left join` to keep those without a match")
  private static let previous = Answer("write a step before: `|> previous by .id within 1h as before`")
  private static let running = Answer("write a step before: `|> running by .id within 10m as recent { n: count() }`")
  private static let top = Answer("write `|> group by .category window tumbling 1h { best: top(3, it, by: .price) }`")
  private static let time = Answer("write `|> time .at late 10s`, behind `decode`")
  private static let once = Answer(
    "leave it out: a group gives its result once, at the end of its window, unless `emit on change` stands there")
  private static let table = Answer("the newest event of each key is found by `|> join latest rates as rate on .code == rate.code`")

  static let stateSteps: [String: Answer] = [
    "groupby": group, "group_by": group, "groupbykey": group, "keyby": group, "key_by": group, "aggregate": group,
    "partition": Answer("a step has its own key: `|> group by .id …`, `|> running by .id …`"),
    "partitionby": Answer("a step has its own key: `|> group by .id …`, `|> running by .id …`"),
    "repartition": Answer("leave it out: a step finds the events of a key by itself, `|> group by .id …`"),
    "reduce": Answer("write `|> group … { … }`, or `|> fold by .id within 1d as acc: { n: Int = 0 } = { n: acc.n + 1 }`"),
    "scan": fold, "accumulate": fold, "stateful": fold, "mapwithstate": fold, "process": fold, "processfunction": fold,
    "count": Answer("write `|> group window tumbling 1m { n: count() }`"),
    "sum": Answer("write `|> group window tumbling 1m { total: sum(.amount) }`"),
    "window": Answer("a window belongs to a group: `|> group by .id window tumbling 1m { n: count() }`"),
    "windowedby": Answer("a window belongs to a group: `|> group by .id window tumbling 1m { n: count() }`"),
    "windowby": Answer("a window belongs to a group: `|> group by .id window tumbling 1m { n: count() }`"),
    "tumble": group, "tumbling": group, "tumblingwindow": group,
    "hop": Answer("write `|> group by .id window sliding 5m every 1m { n: count() }`"),
    "hopping": Answer("write `|> group by .id window sliding 5m every 1m { n: count() }`"),
    "sliding": Answer("write `|> group by .id window sliding 5m every 1m { n: count() }`"),
    "session": Answer("write `|> group by .id window session 30m { n: count() }`"),
    "sessionize": Answer("write `|> group by .id window session 30m { n: count() }`"),
    "distinct": dedupe, "deduplicate": dedupe, "dedup": dedupe, "dropduplicates": dedupe, "drop_duplicates": dedupe, "unique": dedupe,
    "sort": Answer("write `|> order`, behind `time`"), "sortby": Answer("write `|> order`, behind `time`"),
    "orderby": Answer("write `|> order`, behind `time`"), "order_by": Answer("write `|> order`, behind `time`"),
    "top": top, "topn": top, "row_number": top, "rank": top,
    "lag": Answer("write `|> previous by .id within 1h as before`"), "prev": Answer("write `|> previous by .id within 1h as before`"),
    "lead": Answer("what comes later is found by a join: `|> left join next as n on .id == n.id within 0s to 1h`"),
    "over": Answer("write `|> running by .id within 10m as recent { n: count() }`"),
    "watermark": time, "with_watermark": time, "withwatermark": time, "assigntimestampsandwatermarks": time, "timestamp": time,
    "suppress": once, "emit": Answer("it stands in a group: `|> group by .id window tumbling 1m emit on change { … }`"),
    "trigger": Answer("a group gives its result at the end of its window, and with `emit on change` before, too"),
    "totable": table, "to_table": table, "ktable": table, "globalktable": table,
    "inner": join, "outer": join, "leftjoin": Answer("write `|> left join payments as p on .id == p.order_id within 10m`"),
    "innerjoin": join, "outerjoin": join, "interval_join": join, "cogroup": join,
    "right": Answer("begin with the other stream and write `|> left join …`"),
    "full": Answer("write a `left join` from each side, in two pipelines"),
    "cross": Answer("a join finds its events by a key: `|> join payments as p on .id == p.order_id within 10m`"),
    "merge": Answer("several sources are one at the head: `source merge(a, b)`"),
    "union": Answer("several sources are one at the head: `source merge(a, b)`"),
    "batch": Answer("a sink has `batch { max = 1000, linger = 1s }`"), "buffer": Answer("a sink has `batch { max = 1000, linger = 1s }`"),
    "limit": Answer("some sources end after so many events: `generate.records(count: 10)`; the greatest of a group, `top(10, it, by: .x)`"),
  ]

  static let stateFunctions: [String: Answer] = [
    "lag": previous, "prev": previous, "first_value": Answer("in a group, write `first(.x)`"),
    "last_value": Answer("in a group, write `last(.x)`"), "latest_by_offset": Answer("in a group, write `last(.x)`"),
    "earliest_by_offset": Answer("in a group, write `first(.x)`"),
    "lead": Answer("what comes later is found by a join: `|> left join next as n on .id == n.id within 0s to 1h`"),
    "row_number": top, "rank": top, "dense_rank": top, "over": running, "topk": Answer("in a group, write `top(3, .x, by: .x)`"),
    "count_distinct": Answer("in a group, write `distinct(.x, limit: 10_000)` or `approx_distinct(.x)`"),
    "countdistinct": Answer("in a group, write `distinct(.x, limit: 10_000)` or `approx_distinct(.x)`"),
    "nunique": Answer("in a group, write `distinct(.x, limit: 10_000)` or `approx_distinct(.x)`"),
    "approx_count_distinct": Answer("in a group, write `approx_distinct(.x)`"),
    "count_if": Answer("in a group, write `count(where: .x > 0)`"), "countif": Answer("in a group, write `count(where: .x > 0)`"),
    "sum_if": Answer("in a group, write `sum(.x, where: .y)`"), "sumif": Answer("in a group, write `sum(.x, where: .y)`"),
    "collect_list": Answer("in a group, write `list(.x, limit: 1_000)`"), "collect": Answer("in a group, write `list(.x, limit: 1_000)`"),
    "array_agg": Answer("in a group, write `list(.x, limit: 1_000)`"), "listagg": Answer("in a group, write `list(.x, limit: 1_000)`"),
    "string_agg": Answer("in a group, write `list(.x, limit: 1_000)`, behind it `join(.x, \", \")`"),
    "collect_set": Answer("in a group, write `list(.x, limit: 1_000)`, behind it `distinct(.x)`"),
    "percentile": Answer("in a group, write `quantile(.x, 0.95)`"), "percentile_cont": Answer("in a group, write `quantile(.x, 0.95)`"),
    "approx_percentile": Answer("in a group, write `quantile(.x, 0.95)`"), "p95": Answer("in a group, write `quantile(.x, 0.95)`"),
    "argmax": Answer("in a group, write `max_by(.x, by: .y)`"), "arg_max": Answer("in a group, write `max_by(.x, by: .y)`"),
    "argmin": Answer("in a group, write `min_by(.x, by: .y)`"), "arg_min": Answer("in a group, write `min_by(.x, by: .y)`"),
    "std": Answer("in a group, write `stddev(.x)`"), "stddev_samp": Answer("in a group, write `stddev(.x)`"),
    "var_samp": Answer("in a group, write `variance(.x)`"), "every": Answer("in a group, write `all(.x)`"),
    "bool_and": Answer("in a group, write `all(.x)`"), "bool_or": Answer("in a group, write `any(.x)`"),
    "tumble_start": windowStart, "hop_start": windowStart, "session_start": windowStart, "windowstart": windowStart,
    "tumble_end": windowEnd, "hop_end": windowEnd, "session_end": windowEnd, "windowend": windowEnd,
  ]

  private static let windowStart = Answer("in a group, write `window.start`")
  private static let windowEnd = Answer("in a group, write `window.end`")

  /// Names that are values elsewhere.
  public static let names: [String: Answer] = [
    "window_start": Answer(word: "window.start"), "window_end": Answer(word: "window.end"), "windowstart": Answer(word: "window.start"),
    "windowend": Answer(word: "window.end"), "_wstart": Answer(word: "window.start"), "_wend": Answer(word: "window.end"),
    "rowtime": Answer("the time of an event is the field that `time` names, such as `.at`"),
  ]

  /// Functions that make windows.
  public static let windows: [String: String] = [
    "tumble": "window tumbling 1m", "tumbling": "window tumbling 1m", "window": "window tumbling 1m", "floor_to": "window tumbling 1m",
    "date_trunc": "window tumbling 1m", "hop": "window sliding 5m every 1m", "hopping": "window sliding 5m every 1m",
    "sliding": "window sliding 5m every 1m", "session": "window session 30m", "session_window": "window session 30m",
  ]

  /// Words behind a step of many events.
  static let clauses: [String: Answer] = {
    let window = Answer("write `window tumbling 1m`, `window sliding 5m every 1m`, `window session 30m` or `window rows 100`")
    let length = Answer("a length of time is one word: `30s`, `1m`, `1h`, `7d`")
    let late = Answer("how late an event may be is said of all of them: `|> time .at late 10s`")
    let filter = Answer("a filter is a step of its own: `|> filter .n > 3`, behind the group for what it computed")
    let pairs: [(String, Answer)] = [
      ("tumble", Answer("write `window tumbling 1m`")), ("tumbling", Answer("write `window tumbling 1m`")),
      ("fixed", Answer("write `window tumbling 1m`")), ("hop", Answer("write `window sliding 5m every 1m`")),
      ("hopping", Answer("write `window sliding 5m every 1m`")), ("sliding", Answer("write `window sliding 5m every 1m`")),
      ("session", Answer("write `window session 30m`")), ("sessions", Answer("write `window session 30m`")),
      ("gap", Answer("write `window session 30m`")), ("inactivity", Answer("write `window session 30m`")),
      ("count", Answer("write `window rows 100`")), ("rows", Answer("write `window rows 100`")),
      ("windowed", window), ("every", window), ("over", Answer("write `|> running by .id within 10m as recent { n: count() }`")),
      ("advance", Answer("write `window sliding 5m every 1m`")), ("slide", Answer("write `window sliding 5m every 1m`")),
      ("grace", late), ("allowed_lateness", late), ("lateness", late), ("late", late), ("watermark", late),
      ("suppress", once), ("final", once), ("trigger", once), ("changes", Answer("write `emit on change`")),
      ("having", filter), ("where", filter), ("filter", filter), ("interval", length),
      ("partition", Answer("a key is written `by .id`")), ("outer", Answer("write `left join`")),
      ("using", Answer("write `on .id == p.id`")), ("between", Answer("write `within -1m to 10m`")),
      ("for", Answer("write `within 10m`")), ("desc", Answer("`order` goes from the earliest to the latest")),
      ("asc", Answer("leave it out: `order` goes from the earliest to the latest")),
      ("aligned", Answer("write `offset 6h`")), ("timezone", Answer("write `zone \"Europe/Prague\"`")),
      ("tz", Answer("write `zone \"Europe/Prague\"`")),
    ]
    let words = units.keys.filter { $0.count > 2 }.map { ($0.lowercased(), length) }
    return Dictionary(pairs + words) { first, _ in first }
  }()
}
