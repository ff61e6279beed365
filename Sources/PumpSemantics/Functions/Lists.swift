let listFunctions: [FunctionSpec] = [
  .init("lists", ["map(list: [T], f: T => U) -> [U]"], "Every element through a function.", "map([1, 2], x => x * 2) == [2, 4]"),
  .init(
    "lists", ["filter(list: [T], f: T => Bool) -> [T]"], "The elements for which a condition holds.",
    "filter([1, 2, 3], x => x > 1) == [2, 3]"),
  .init("lists", ["any(list: [T], f: T => Bool) -> Bool"], "Whether the condition holds for at least one.", "any([1, 2], x => x > 1)"),
  .init(
    "lists", ["all(list: [T], f: T => Bool) -> Bool"], "Whether the condition holds for every one; true of an empty list.",
    "all([1, 2], x => x > 0)"),
  .init("lists", ["count(list: [T], f: T => Bool) -> Int"], "How many satisfy the condition.", "count([1, 2, 3], x => x > 1) == 2"),
  .init(
    "lists",
    [
      "sum(list: [Int]) -> Int", "sum(list: [Decimal]) -> Decimal", "sum(list: [Float]) -> Float", "sum(list: [T], f: T => Int) -> Int",
      "sum(list: [T], f: T => Decimal) -> Decimal", "sum(list: [T], f: T => Float) -> Float",
    ],
    "The sum of the elements, or of what a function makes of them; 0 of an empty list.",
    "sum([1, 2, 3]) == 6 and sum([1, 2], x => x * 10) == 30", fails: true),
  .init(
    "lists",
    [
      "average(list: [Float]) -> Float?", "average(list: [Decimal]) -> Decimal?", "average(list: [T], f: T => Decimal) -> Decimal?",
      "average(list: [T], f: T => Float) -> Float?",
    ], "The mean of the elements, or of what a function makes of them; null of an empty list.",
    "average([1.0, 2.0]) == 1.5 and average([1, 2], x => x) == 1.5", fails: true),
  .init("lists", ["first(list: [T]) -> T?"], "The first element, or null.", "first([4, 5]) == 4"),
  .init("lists", ["last(list: [T]) -> T?"], "The last element, or null.", "last([4, 5]) == 5"),
  .init(
    "lists", ["get(list: [T], index: Int) -> T?", "get(map: [String: T], key: String) -> T?"],
    "An element by index or key, or null; `list[i]` fails instead.", "get([4, 5], 1) == 5 and get([4], 3) == null"),
  .init("lists", ["take(list: [T], count: Int) -> [T]"], "At most so many from the start.", "take([1, 2, 3], 2) == [1, 2]"),
  .init("lists", ["skip(list: [T], count: Int) -> [T]"], "All but so many from the start.", "skip([1, 2, 3], 2) == [3]"),
  .init("lists", ["concat(a: [T], b: [T]) -> [T]"], "One list after the other.", "concat([1], [2, 3]) == [1, 2, 3]"),
  .init("lists", ["compact(list: [T?]) -> [T]"], "The elements that are not null.", "compact([1, null, 2]) == [1, 2]"),
  .init("lists", ["distinct(list: [T]) -> [T]"], "Each value once, where it stands first.", "distinct([1, 2, 1]) == [1, 2]"),
  .init(
    "lists",
    [
      "sort(list: [Int]) -> [Int]", "sort(list: [Decimal]) -> [Decimal]", "sort(list: [Float]) -> [Float]",
      "sort(list: [String]) -> [String]", "sort(list: [Timestamp]) -> [Timestamp]",
    ],
    "In rising order; texts by their bytes.", "sort([3, 1, 2]) == [1, 2, 3]"),
  .init(
    "lists",
    [
      "sort_by(list: [T], f: T => Int) -> [T]", "sort_by(list: [T], f: T => Decimal) -> [T]", "sort_by(list: [T], f: T => Float) -> [T]",
      "sort_by(list: [T], f: T => String) -> [T]", "sort_by(list: [T], f: T => Timestamp) -> [T]",
    ],
    "In rising order of what a function makes of each; equal ones keep their order.", "sort_by([3, 1, 2], x => -x) == [3, 2, 1]"),
  .init("lists", ["flatten(list: [[T]]) -> [T]"], "The lists in it, one after the other.", "flatten([[1], [2, 3]]) == [1, 2, 3]"),
  .init(
    "lists", ["range(from: Int, to: Int) -> [Int]"], "Whole numbers from the first up to, not including, the last; at most a million.",
    "range(0, 3) == [0, 1, 2]", fails: true),
  .init(
    "lists", ["is_empty(list: [T]) -> Bool", "is_empty(text: String) -> Bool", "is_empty(map: [String: T]) -> Bool"],
    "Whether nothing is in it.", #"is_empty("") and not is_empty([1])"#),
  .init("maps", ["keys(map: [String: T]) -> [String]"], "The keys, in their order.", #"keys({ a: 1, b: 2 }) == ["a", "b"]"#),
  .init("maps", ["values(map: [String: T]) -> [T]"], "The values, in the order of the keys.", "values({ a: 1, b: 2 }) == [1, 2]"),
  .init(
    "maps", ["has_key(map: [String: T], key: String) -> Bool"], "Whether the map has the key; also written `key in map`.",
    #"has_key({ a: 1, b: 2 }, "a")"#),
  .init(
    "maps", ["without(map: [String: T], key: String) -> [String: T]"], "The map without a key.",
    #"keys(without({ a: 1, b: 2 }, "a")) == ["b"]"#),
  .init(
    "maps", ["merge(a: [String: T], b: [String: T]) -> [String: T]", "merge(a: Json, b: Json) -> Json"],
    "Both together; of equal keys the second counts. Json must be objects.", "length(merge({ a: 1, b: 2 }, { a: 1, b: 2 })) == 2",
    fails: true),
]
