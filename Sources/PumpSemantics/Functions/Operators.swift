extension FunctionSpec {
  /// What is written by signs. Numbers of two types are brought to one before.
  public static let operators: [FunctionSpec] = [
    .init(
      "operators",
      [
        "add(a: Int, b: Int) -> Int", "add(a: Decimal, b: Decimal) -> Decimal", "add(a: Float, b: Float) -> Float",
        "add(a: Timestamp, b: Duration) -> Timestamp", "add(a: Duration, b: Timestamp) -> Timestamp",
        "add(a: Duration, b: Duration) -> Duration",
        "add(a: Size, b: Size) -> Size", "add(a: Date, b: Int) -> Date",
      ],
      "The sum; days later of a Date.", "1 + 2 == 3 and 2026-01-31 + 1 == 2026-02-01", fails: true, sign: "+"),
    .init(
      "operators",
      [
        "subtract(a: Int, b: Int) -> Int", "subtract(a: Decimal, b: Decimal) -> Decimal", "subtract(a: Float, b: Float) -> Float",
        "subtract(a: Timestamp, b: Duration) -> Timestamp", "subtract(a: Timestamp, b: Timestamp) -> Duration",
        "subtract(a: Duration, b: Duration) -> Duration", "subtract(a: Size, b: Size) -> Size", "subtract(a: Date, b: Int) -> Date",
      ],
      "The difference; a Size is never negative.", "3 - 2 == 1 and 2KiB - 1KiB == 1KiB", fails: true, sign: "-"),
    .init(
      "operators",
      [
        "multiply(a: Int, b: Int) -> Int", "multiply(a: Decimal, b: Decimal) -> Decimal", "multiply(a: Float, b: Float) -> Float",
        "multiply(a: Duration, b: Int) -> Duration", "multiply(a: Int, b: Duration) -> Duration",
      ],
      "The product.", "1.5 * 3 == 4.5 and 2 * 30s == 1m", fails: true, sign: "*"),
    .init(
      "operators",
      [
        "divide(a: Int, b: Int) -> Int", "divide(a: Decimal, b: Decimal) -> Decimal", "divide(a: Float, b: Float) -> Float",
        "divide(a: Duration, b: Int) -> Duration",
      ],
      "The quotient: of Ints without its fraction, of Decimals rounded half to even at scale 18 or 38 digits.",
      "7 / 2 == 3 and 7.0 / 2 == 3.5", fails: true, sign: "/"),
    .init(
      "operators",
      ["remainder(a: Int, b: Int) -> Int", "remainder(a: Decimal, b: Decimal) -> Decimal", "remainder(a: Float, b: Float) -> Float"],
      "What is left of the first after whole multiples of the second, with the sign of the first.",
      "-7 % 3 == -1 and 7.5 % 2 == 1.5", fails: true, sign: "%"),
    .init(
      "operators",
      ["negate(x: Int) -> Int", "negate(x: Decimal) -> Decimal", "negate(x: Float) -> Float", "negate(x: Duration) -> Duration"],
      "The number with its sign turned.", "-length(\"ab\") == -2", fails: true, sign: "-x"),
    .init(
      "comparisons", ["equals(a: T, b: T) -> Bool"], "Whether both are equal, at every depth; null equals null.",
      "[1, 2] == [1, 2] and 1.50 == 1.5", sign: "=="),
    .init(
      "secrets", ["secret_equals(secret: Secret, x: String) -> Bool", "secret_equals(secret: Secret, x: Bytes) -> Bool"],
      "Whether a secret is this text or these bytes; the time that it takes does not tell where they differ.", "true", sign: "secret =="),
    .init(
      "comparisons",
      [
        "less(a: Int, b: Int) -> Bool", "less(a: Float, b: Float) -> Bool", "less(a: Decimal, b: Decimal) -> Bool",
        "less(a: String, b: String) -> Bool", "less(a: Timestamp, b: Timestamp) -> Bool", "less(a: Date, b: Date) -> Bool",
        "less(a: Duration, b: Duration) -> Bool", "less(a: Size, b: Size) -> Bool",
      ], "Whether the first is smaller; texts by their bytes.", "1 < 2 and \"a\" < \"b\"", sign: "<"),
    .init(
      "comparisons",
      [
        "less_equal(a: Int, b: Int) -> Bool", "less_equal(a: Float, b: Float) -> Bool", "less_equal(a: Decimal, b: Decimal) -> Bool",
        "less_equal(a: String, b: String) -> Bool", "less_equal(a: Timestamp, b: Timestamp) -> Bool",
        "less_equal(a: Date, b: Date) -> Bool", "less_equal(a: Duration, b: Duration) -> Bool", "less_equal(a: Size, b: Size) -> Bool",
      ], "Whether the first is smaller, or both are equal.", "2 <= 2", sign: "<="),
    .init(
      "comparisons",
      [
        "greater(a: Int, b: Int) -> Bool", "greater(a: Float, b: Float) -> Bool", "greater(a: Decimal, b: Decimal) -> Bool",
        "greater(a: String, b: String) -> Bool", "greater(a: Timestamp, b: Timestamp) -> Bool", "greater(a: Date, b: Date) -> Bool",
        "greater(a: Duration, b: Duration) -> Bool", "greater(a: Size, b: Size) -> Bool",
      ], "Whether the first is larger.", "2.5 > 2", sign: ">"),
    .init(
      "comparisons",
      [
        "greater_equal(a: Int, b: Int) -> Bool", "greater_equal(a: Float, b: Float) -> Bool",
        "greater_equal(a: Decimal, b: Decimal) -> Bool", "greater_equal(a: String, b: String) -> Bool",
        "greater_equal(a: Timestamp, b: Timestamp) -> Bool", "greater_equal(a: Date, b: Date) -> Bool",
        "greater_equal(a: Duration, b: Duration) -> Bool", "greater_equal(a: Size, b: Size) -> Bool",
      ], "Whether the first is larger, or both are equal.", "5s >= 5000ms", sign: ">="),
    .init(
      "operators", ["element(list: [T], index: Int) -> T"], "An element of a list; fails outside of it.", "[4, 5][1] == 5", fails: true,
      sign: "x[i]"),
    .init(
      "operators", ["json_member(json: Json, key: String) -> Json"],
      "A member of an object, or null where it has none; fails for anything else.", #"to_int(parse_json("{\"a\": 1}").a) == 1"#,
      fails: true,
      sign: "x.a"),
    .init(
      "operators", ["json_element(json: Json, index: Int) -> Json"], "An element of an array; fails outside of it.",
      #"to_int(parse_json("[4, 5]")[1]) == 5"#, fails: true, sign: "json[i]"),
    .init(
      "steps", ["json_with(json: Json, key: String, value: Json) -> Json"], "An object with a member set, as `set` does it.", "true",
      fails: true, sign: "set"),
    .init(
      "steps", ["json_without(json: Json, key: String) -> Json"], "An object without a member, as `drop` makes it.", "true", fails: true,
      sign: "drop"),
    .init(
      "steps", ["json_rest(json: Json, names: [String]) -> Json"],
      "An object without some members, as the rest of an open record; fails for anything else.", "true", fails: true, sign: "...rest"),
  ]
}
