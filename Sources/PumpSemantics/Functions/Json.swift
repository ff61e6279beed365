let jsonFunctions: [FunctionSpec] = [
  .init(
    "json", ["parse_json(text: String) -> Json", "parse_json(bytes: Bytes) -> Json"], "Reads one JSON value (RFC 8259).",
    #"to_int(parse_json("{\"a\": 1}").a) == 1"#, fails: true),
  .init("json", ["to_json(value: T) -> Json"], "Any value as Json, as `encode json` writes it.", #"to_string(to_json([1, 2])) == "[1,2]""#),
  .init(
    "json", ["json_type(json: Json) -> String"], "`null`, `bool`, `number`, `string`, `array` or `object`.",
    #"json_type(parse_json("[]")) == "array""#),
  .init(
    "json", ["json_get(json: Json, path: String) -> Json?"], "What stands at a path such as `a.b[0]`, or null.",
    #"to_int(json_get(parse_json("{\"a\": [5]}"), "a[0]") ?? parse_json("0")) == 5"#),
  .init(
    "json", ["json_keys(json: Json) -> [String]"], "An object's keys; fails for anything else.",
    #"json_keys(parse_json("{\"a\": 1, \"b\": 2}")) == ["a", "b"]"#, fails: true),
  .init(
    "json", ["json_items(json: Json) -> [Json]"], "An array's elements; fails for anything else.",
    #"length(json_items(parse_json("[1, 2]"))) == 2"#, fails: true),
]
