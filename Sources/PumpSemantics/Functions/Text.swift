let textFunctions: [FunctionSpec] = [
  .init("text", ["upper(text: String) -> String"], "Every letter in upper case.", #"upper("añb") == "AÑB""#),
  .init("text", ["lower(text: String) -> String"], "Every letter in lower case.", #"lower("AÑB") == "añb""#),
  .init(
    "text", ["capitalize(text: String) -> String"], "The first letter in upper case, the rest as it is.",
    #"capitalize("pump it") == "Pump it""#),
  .init("text", ["trim(text: String) -> String"], "Without white space at both ends.", #"trim("  a b ") == "a b""#),
  .init("text", ["trim_start(text: String) -> String"], "Without white space at the start.", #"trim_start("  a ") == "a ""#),
  .init("text", ["trim_end(text: String) -> String"], "Without white space at the end.", #"trim_end(" a  ") == " a""#),
  .init(
    "text", ["length(text: String) -> Int", "length(bytes: Bytes) -> Int", "length(list: [T]) -> Int", "length(map: [String: T]) -> Int"],
    "Unicode scalars of a text, bytes of Bytes, elements of a list, entries of a map.", #"length("añb") == 3 and length([1, 2]) == 2"#),
  .init(
    "text", ["contains(text: String, part: String) -> Bool", "contains(list: [T], element: T) -> Bool"],
    "Whether the text holds the part, or the list the element; also written `part in text`.",
    #"contains("pump", "um") and contains([1, 2], 2)"#),
  .init("text", ["starts_with(text: String, prefix: String) -> Bool"], "Whether the text begins so.", #"starts_with("pump", "pu")"#),
  .init("text", ["ends_with(text: String, suffix: String) -> Bool"], "Whether the text ends so.", #"ends_with("pump", "mp")"#),
  .init(
    "text", ["replace(text: String, old: String, new: String) -> String"],
    "Every occurrence of a part replaced; at most 16 MiB come of it.",
    #"replace("a-b-c", "-", "+") == "a+b+c""#, fails: true),
  .init(
    "text", ["split(text: String, separator: String) -> [String]"],
    "The pieces between separators; an empty separator gives the text alone.", #"split("a,b,,c", ",") == ["a", "b", "", "c"]"#),
  .init(
    "text", ["join(list: [String], separator: String) -> String"], "The texts with a separator between them, which add at most 16 MiB.",
    #"join(["a", "b"], "-") == "a-b""#, fails: true),
  .init(
    "text", ["characters(text: String) -> [String]"], "Its Unicode scalars, each as a text.", #"characters("añ") == ["a", "ñ"]"#),
  .init(
    "text", ["substring(text: String, start: Int, count: Int = 9223372036854775807) -> String"],
    "Scalars from a zero-based start; what lies outside the text is left out.",
    #"substring("pumping", 1, 3) == "ump" and substring("pump", 2) == "mp""#),
  .init(
    "text", ["index_of(text: String, part: String) -> Int?", "index_of(list: [T], element: T) -> Int?"],
    "The zero-based place of the first occurrence, or null.", #"index_of("pump", "m") == 2 and index_of([4, 5], 6) == null"#),
  .init(
    "text", ["pad_start(text: String, width: Int, fill: String = \" \") -> String"],
    "Filled at the start to a width in scalars, of which 1,048,576 count.", #"pad_start("7", 3, "0") == "007""#),
  .init(
    "text", ["pad_end(text: String, width: Int, fill: String = \" \") -> String"],
    "Filled at the end to a width in scalars, of which 1,048,576 count.",
    #"pad_end("7", 3, ".") == "7..""#),
  .init(
    "text", ["repeat(text: String, times: Int) -> String"], "The text several times; at most 16 MiB come of it.",
    #"repeat("ab", 3) == "ababab""#, fails: true),
  .init(
    "text", ["reverse(text: String) -> String", "reverse(list: [T]) -> [T]"], "Scalars or elements in the opposite order.",
    #"reverse("abc") == "cba" and reverse([1, 2]) == [2, 1]"#),
  .init("text", ["lines(text: String) -> [String]"], "The lines, without LF or CRLF.", #"lines("a\nb") == ["a", "b"]"#),
  .init("text", ["words(text: String) -> [String]"], "The pieces between runs of white space.", #"words(" a  b ") == ["a", "b"]"#),
  .init(
    "text", ["before(text: String, separator: String) -> String"], "What stands before the first separator; all of it where there is none.",
    #"before("k=v=w", "=") == "k""#),
  .init(
    "text", ["after(text: String, separator: String) -> String"], "What stands after the first separator; nothing where there is none.",
    #"after("k=v=w", "=") == "v=w""#),
  .init("text", ["is_blank(text: String) -> Bool"], "Whether the text is empty or white space.", #"is_blank(" \t") and not is_blank("a")"#),
  .init("text", ["is_ascii(text: String) -> Bool"], "Whether all of it is ASCII.", #"is_ascii("abc") and not is_ascii("ñ")"#),
  .init("text", ["truncate(text: String, length: Int) -> String"], "At most so many scalars.", #"truncate("pumping", 4) == "pump""#),
  .init(
    "text", ["to_string(value: T) -> String"], "A value as text, as `\\( )` in a string writes it.",
    #"to_string(1.50) == "1.5" and to_string(true) == "true""#),
  .init(
    "regex", ["matches(text: String, pattern: String) -> Bool"],
    "Whether the pattern is found anywhere in the text; also written `text matches r\"…\"`. `\\w \\d \\s \\b` and `[:alpha:]` are of ASCII, `(?i)` and `\\p{L}` of Unicode.",
    #"matches("order-17", r"[0-9]+$")"#,
    fails: true, regex: "pattern"),
  .init(
    "regex", ["find(text: String, pattern: String) -> String?"], "The first match, or null.", #"find("order-17", r"[0-9]+") == "17""#,
    fails: true, regex: "pattern"),
  .init(
    "regex", ["find_all(text: String, pattern: String) -> [String]"], "All matches that do not overlap.",
    #"find_all("a1b22", r"[0-9]+") == ["1", "22"]"#, fails: true, regex: "pattern"),
  .init(
    "regex", ["capture(text: String, pattern: String, group: Int = 1) -> String?"], "One group of the first match, or null.",
    #"capture("k=v", r"(\w+)=(\w+)", 2) == "v""#, fails: true, regex: "pattern"),
  .init(
    "regex", ["replace_all(text: String, pattern: String, with: String) -> String"],
    "Every match replaced; `$1` stands for a group, `$$` for a dollar. At most 16 MiB come of it.",
    #"replace_all("a1b2", r"([0-9])", "<$1>") == "a<1>b<2>""#,
    fails: true, regex: "pattern"),
  .init(
    "regex", ["split_by(text: String, pattern: String) -> [String]"], "The pieces between matches.",
    #"split_by("a1b22c", r"[0-9]+") == ["a", "b", "c"]"#, fails: true, regex: "pattern"),
]
