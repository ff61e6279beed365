/// Words of other languages (SQL, Python, JavaScript, jq, YAML, Bloblang, VRL, Logstash), and what this one writes in their place.
/// Keys are in lower case.
public enum ForeignWords {
  /// What to write, as a help says it.
  public struct Answer: Sendable {
    public let help: String
    /// The word that takes the place of the foreign one, where nothing else has to change.
    public let word: String?

    init(_ help: String) { (self.help, word) = (help, nil) }
    init(word: String) { (help, self.word) = ("write `\(word)`", word) }

    /// Where more than the word has to change.
    public var withoutFix: Answer { Answer(help) }

    public func fix(_ span: Span) -> Fix? { word.map { Fix("write `\($0)`", .certain, [Edit(span, $0)]) } }
  }

  private static func words(_ pairs: [String: String]) -> [String: Answer] { pairs.mapValues { Answer(word: $0) } }

  public static let functions: [String: Answer] = words([
    "len": "length", "strlen": "length", "char_length": "length", "size": "length", "toupper": "upper", "touppercase": "upper",
    "uppercase": "upper", "upcase": "upper", "ucase": "upper", "tolower": "lower", "tolowercase": "lower", "lowercase": "lower",
    "downcase": "lower", "lcase": "lower", "int": "to_int", "toint": "to_int", "parseint": "to_int", "to_number": "to_decimal",
    "number": "to_decimal", "decimal": "to_decimal", "float": "to_float", "parsefloat": "to_float", "double": "to_float",
    "str": "to_string", "string": "to_string", "tostring": "to_string", "bool": "to_bool", "boolean": "to_bool", "substr": "substring",
    "mid": "substring", "startswith": "starts_with", "has_prefix": "starts_with", "endswith": "ends_with", "has_suffix": "ends_with",
    "includes": "contains", "strip": "trim", "lstrip": "trim_start", "ltrim": "trim_start", "rstrip": "trim_end", "rtrim": "trim_end",
    "ceiling": "ceil", "power": "pow", "ln": "ln", "avg": "average", "mean": "average", "uniq": "distinct", "unique": "distinct",
    "tojson": "to_json", "json": "to_json", "fromjson": "parse_json", "json_parse": "parse_json", "uuid": "uuid_v4", "uuid4": "uuid_v4",
    "unix_timestamp": "epoch_s", "to_unix_timestamp": "epoch_s", "to_epoch": "epoch_s", "strptime": "parse_time",
    "parse_timestamp": "parse_time", "to_date_time": "to_timestamp", "position": "index_of", "indexof": "index_of", "strpos": "index_of",
    "regexp_replace": "replace_all", "gsub": "replace_all", "re_replace": "replace_all", "regex_replace": "replace_all",
    "b64encode": "base64", "encode_base64": "base64", "b64decode": "from_base64", "decode_base64": "from_base64",
    "chars": "characters", "keys_unsorted": "keys", "object_keys": "keys", "dedup": "distinct", "reversed": "reverse", "sorted": "sort",
  ]).merging(
    [
      "strftime": Answer("write `format_time(.at, \"%Y-%m-%d\")`: the time comes first"),
      "date_format": Answer("write `format_time(.at, \"%Y-%m-%d\")`"), "to_char": Answer("write `format_time(.at, \"%Y-%m-%d\")`"),
      "date_trunc": Answer("write `floor_to(.at, 1h)`"), "json_value": Answer("write `json_get(.doc, \"a.b\")`"),
      "json_extract": Answer("write `json_get(.doc, \"a.b\")`"), "get_path": Answer("write `json_get(.doc, \"a.b\")`"),
      "coalesce": Answer("write `x ?? y`"), "ifnull": Answer("write `x ?? y`"), "isnull": Answer("write `x == null`"),
      "nvl": Answer("write `x ?? y`"), "or_else": Answer("write `x ?? y`"), "nullif": Answer("write `if x == y then null else x`"),
      "is_null": Answer("write `x == null`"), "exists": Answer("write `.x != null`"), "defined": Answer("write `.x != null`"),
      "has": Answer("write `.x != null`; of a map, `\"key\" in .map`"), "iif": Answer("write `if a then b else c`"),
      "concat": Answer("write `\"\\(.a)\\(.b)\"`; lists are joined by `concat(a, b)`"), "format": Answer("write `\"\\(.a) and \\(.b)\"`"),
      "sprintf": Answer("write `\"\\(.a) and \\(.b)\"`"), "printf": Answer("write `\"\\(.a) and \\(.b)\"`"),
      "print": Answer("a step writes to the log: `|> log it`"), "println": Answer("a step writes to the log: `|> log it`"),
      "console": Answer("a step writes to the log: `|> log it`"),
      "raise": Answer("write `fail(\"why\")`, or a step `assert .x > 0, \"why\"`"),
      "throw": Answer("write `fail(\"why\")`, or a step `assert .x > 0, \"why\"`"), "error": Answer("write `fail(\"why\")`"),
      "mod": Answer("write `a % b`"), "like": Answer("write `contains(.x, \"a\")`, `starts_with(.x, \"a\")` or `.x matches r\"a\"`"),
      "regexp_like": Answer("write `.x matches r\"a\"`"), "test": Answer("write `.x matches r\"a\"`"),
      "cast": Answer("write `to_string(.x)`, `to_int(.x)` and their like"),
      "convert": Answer("write `to_string(.x)`, `to_int(.x)` and their like"),
      "typeof": Answer("types are known before any event; of Json, `json_type(.x)` tells it"),
      "env": Answer("write `env.NAME`, in settings"),
      "getenv": Answer("write `env.NAME`, in settings"), "range": Answer("write `range(1, 10)`"),
      "select": Answer("write a step `|> filter …`"),
      "del": Answer("write a step `|> drop x`"), "map_values": Answer("write `map(values(.m), v => …)`"),
      "to_enum": Answer("an enum reads the name of a case: `Currency(.text)`"),
      "parse_enum": Answer("an enum reads the name of a case: `Currency(.text)`"),
      "enum": Answer("an enum reads the name of a case: `Currency(.text)`"),
      "hmac": Answer("write `hmac_sha256(.x, key: config.shop.key)`"),
      "sha2": Answer("write `sha256(.x)`"),
    ].merging(stateFunctions) { first, _ in first }
  ) { first, _ in first }

  public static let steps: [String: Answer] = words([
    "where": "filter", "having": "filter", "grep": "filter", "reject_unless": "filter", "explode": "expand", "unnest": "expand",
    "flatten": "expand", "flatmap": "expand", "flat_map": "expand", "foreach": "expand", "for_each": "expand", "unroll": "expand",
    "transform": "map", "project": "map", "mutate": "set", "add": "set", "with": "set", "assign": "set", "delete": "drop", "del": "drop",
    "remove": "drop", "parse": "decode", "deserialize": "decode", "serialize": "encode", "format": "encode", "print": "log",
    "output": "sink", "write": "sink", "switch": "route", "branch": "route", "enrich": "lookup",
    "ignore": "discard", "sampling": "sample", "check": "assert", "validate": "assert",
  ]).merging(
    [
      "select": Answer("some events: `|> filter .x > 0`; some fields: `|> map { id, total }`"),
      "case": Answer("write `|> route { when .x == 1 => …  else => discard }`"),
      "if": Answer("write `|> filter …`, or `|> route { when … => … }`"),
      "insert": Answer("write `|> sink db.table(\"orders\")`"), "into": Answer("write `|> sink …`"),
      "input": Answer("a pipeline begins with `source …`"), "from": Answer("a pipeline begins with `source …`"),
      "source": Answer("a pipeline has one source, at its head; several are one by `source merge(a, b)`"),
      "raise": Answer("write `|> assert .x > 0, \"why\"`"), "throw": Answer("write `|> assert .x > 0, \"why\"`"),
      "fork": Answer("write `|> tee { … }`"), "broadcast": Answer("write `|> tee { … }` for each copy but the last"),
      "retry": Answer("sinks try again by themselves: `sink … { retry { attempts = 5 } }`"),
      "catch": Answer("what fails goes to `on error |> …`, after the steps"),
      "on_error": Answer("what fails goes to `on error |> …`, after the steps"),
    ].merging(stateSteps) { first, _ in first }
  ) { first, _ in first }

  /// Values by other names.
  public static let values: [String: Answer] = words([
    "none": "null", "nil": "null", "null": "null", "undefined": "null", "true": "true", "false": "false",
  ])

  /// How other languages call the event.
  public static let events: Set<String> = [
    "event", "this", "self", "root", "msg", "message", "record", "row", "data", "doc", "payload", "value",
  ]

  public static let types: [String: Answer] = words([
    "integer": "Int", "int32": "Int", "int64": "Int", "long": "Int", "bigint": "Int", "smallint": "Int", "uint": "Int", "short": "Int",
    "str": "String", "text": "String", "varchar": "String", "char": "String", "boolean": "Bool", "double": "Float", "real": "Float",
    "float64": "Float", "number": "Decimal", "numeric": "Decimal", "money": "Decimal", "datetime": "Timestamp", "time": "Timestamp",
    "instant": "Timestamp", "timestamptz": "Timestamp", "binary": "Bytes", "blob": "Bytes", "bytea": "Bytes", "object": "Json",
    "any": "Json", "dict": "Json", "jsonb": "Json", "guid": "Uuid", "interval": "Duration", "bytes": "Bytes",
  ]).merging([
    "optional": Answer("write `T?`"), "nullable": Answer("write `T?`"), "list": Answer("write `[T]`"), "array": Answer("write `[T]`"),
    "vec": Answer("write `[T]`"), "map": Answer("write `[String: T]`"), "dictionary": Answer("write `[String: T]`"),
    "hashmap": Answer("write `[String: T]`"),
  ]) { first, _ in first }

  /// Units by longer names.
  public static let units: [String: String] = [
    "sec": "s", "secs": "s", "second": "s", "seconds": "s", "min": "m", "mins": "m", "minute": "m", "minutes": "m", "hr": "h", "hrs": "h",
    "hour": "h", "hours": "h", "day": "d", "days": "d", "msec": "ms", "millis": "ms", "milliseconds": "ms", "usec": "us", "micros": "us",
    "k": "KB", "kb": "KB", "mb": "MB", "gb": "GB", "tb": "TB", "kib": "KiB", "mib": "MiB", "gib": "GiB", "M": "MB", "G": "GB", "b": "B",
  ]
}
