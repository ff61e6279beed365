let numberFunctions: [FunctionSpec] = [
  .init(
    "numbers", ["abs(x: Int) -> Int", "abs(x: Decimal) -> Decimal", "abs(x: Float) -> Float"], "The absolute value.",
    "abs(-3) == 3 and abs(-1.5) == 1.5", fails: true),
  .init("numbers", ["sign(x: Int) -> Int", "sign(x: Decimal) -> Int", "sign(x: Float) -> Int"], "-1, 0 or 1.", "sign(-2.5) == -1"),
  .init(
    "numbers",
    [
      "min(a: Int, b: Int) -> Int", "min(a: Decimal, b: Decimal) -> Decimal", "min(a: Float, b: Float) -> Float",
      "min(a: Timestamp, b: Timestamp) -> Timestamp",
      "min(list: [Int]) -> Int?", "min(list: [Decimal]) -> Decimal?", "min(list: [Float]) -> Float?",
      "min(list: [Timestamp]) -> Timestamp?", "min(list: [T], f: T => Int) -> Int?", "min(list: [T], f: T => Decimal) -> Decimal?",
      "min(list: [T], f: T => Float) -> Float?", "min(list: [T], f: T => Timestamp) -> Timestamp?",
    ],
    "The smaller of two, or the smallest of a list or of what a function makes of its elements (null of an empty one).",
    "min(2, 1) == 1 and min([3, 2]) == 2 and min([3, 2], x => -x) == -3"),
  .init(
    "numbers",
    [
      "max(a: Int, b: Int) -> Int", "max(a: Decimal, b: Decimal) -> Decimal", "max(a: Float, b: Float) -> Float",
      "max(a: Timestamp, b: Timestamp) -> Timestamp",
      "max(list: [Int]) -> Int?", "max(list: [Decimal]) -> Decimal?", "max(list: [Float]) -> Float?",
      "max(list: [Timestamp]) -> Timestamp?", "max(list: [T], f: T => Int) -> Int?", "max(list: [T], f: T => Decimal) -> Decimal?",
      "max(list: [T], f: T => Float) -> Float?", "max(list: [T], f: T => Timestamp) -> Timestamp?",
    ],
    "The larger of two, or the largest of a list or of what a function makes of its elements (null of an empty one).",
    "max(2, 1) == 2 and max([3, 2]) == 3 and max([3, 2], x => -x) == -2"),
  .init(
    "numbers",
    [
      "clamp(x: Int, low: Int, high: Int) -> Int", "clamp(x: Decimal, low: Decimal, high: Decimal) -> Decimal",
      "clamp(x: Float, low: Float, high: Float) -> Float",
    ],
    "The value, kept within two bounds.", "clamp(12, 0, 10) == 10"),
  .init(
    "numbers", ["round(x: Decimal, digits: Int = 0) -> Decimal", "round(x: Float, digits: Int = 0) -> Float"],
    "Rounded half to even at so many fraction digits.", "round(2.345, 2) == 2.34 and round(2.5) == 2", fails: true),
  .init("numbers", ["floor(x: Decimal) -> Decimal", "floor(x: Float) -> Float"], "The next whole number below.", "floor(-1.5) == -2"),
  .init("numbers", ["ceil(x: Decimal) -> Decimal", "ceil(x: Float) -> Float"], "The next whole number above.", "ceil(-1.5) == -1"),
  .init("numbers", ["sqrt(x: Float) -> Float"], "The square root; fails below zero.", "sqrt(9.0) == 3.0", fails: true),
  .init(
    "numbers", ["pow(x: Float, y: Float) -> Float"], "x to the power y; fails where the result is not finite.", "pow(2.0, 10.0) == 1024.0",
    fails: true),
  .init("numbers", ["exp(x: Float) -> Float"], "e to the power x; fails where the result is not finite.", "exp(0.0) == 1.0", fails: true),
  .init("numbers", ["ln(x: Float) -> Float"], "The natural logarithm; fails at zero and below.", "ln(1.0) == 0.0", fails: true),
  .init("numbers", ["log10(x: Float) -> Float"], "The decimal logarithm; fails at zero and below.", "log10(1000.0) == 3.0", fails: true),
  .init(
    "numbers",
    [
      "to_int(x: Decimal) -> Int", "to_int(x: Float) -> Int", "to_int(text: String) -> Int", "to_int(json: Json) -> Int",
      "to_int(x: Bool) -> Int", "to_int(x: Size) -> Int",
    ],
    "A whole number: fractions are cut, a text is read in full and written as in JSON; fails where it is none or does not fit 64 bits.",
    #"to_int("42") == 42 and to_int(2.9) == 2"#, fails: true),
  .init(
    "numbers",
    ["to_float(x: Int) -> Float", "to_float(x: Decimal) -> Float", "to_float(text: String) -> Float", "to_float(json: Json) -> Float"],
    "The nearest Float; a text is written as in JSON.", #"to_float("0.5") == 0.5"#, fails: true),
  .init(
    "numbers",
    [
      "to_decimal(x: Int) -> Decimal", "to_decimal(x: Float) -> Decimal", "to_decimal(text: String) -> Decimal",
      "to_decimal(json: Json) -> Decimal",
    ],
    "A Decimal; of a Float the shortest digits that read back the same.", #"to_decimal("12.50") == 12.5"#, fails: true),
  .init(
    "numbers", ["to_bool(text: String) -> Bool", "to_bool(json: Json) -> Bool"],
    "`true` or `false`, of a text also in capitals; anything else fails.", #"to_bool("TRUE")"#, fails: true),
  .init(
    "numbers", ["to_fixed(x: Decimal, digits: Int) -> String", "to_fixed(x: Float, digits: Int) -> String"],
    "Text with exactly so many fraction digits (0 to 18).", #"to_fixed(2.5, 2) == "2.50""#, fails: true),
  .init("numbers", ["bit_and(a: Int, b: Int) -> Int"], "Bits set in both.", "bit_and(6, 3) == 2"),
  .init("numbers", ["bit_or(a: Int, b: Int) -> Int"], "Bits set in either.", "bit_or(6, 3) == 7"),
  .init("numbers", ["bit_xor(a: Int, b: Int) -> Int"], "Bits set in one only.", "bit_xor(6, 3) == 5"),
  .init("numbers", ["shift_left(x: Int, bits: Int) -> Int"], "Bits moved up; those moved out are lost.", "shift_left(1, 4) == 16"),
  .init("numbers", ["shift_right(x: Int, bits: Int) -> Int"], "Bits moved down, the sign kept.", "shift_right(16, 4) == 1"),
  .init("numbers", ["bytes(count: Int) -> Size"], "A size of so many bytes; fails below zero.", "bytes(1024) == 1KiB", fails: true),
  .init("ip", ["is_ip(text: String) -> Bool"], "Whether it is an IPv4 or IPv6 address.", #"is_ip("::1") and not is_ip("1.2.3")"#),
  .init("ip", ["is_ipv4(text: String) -> Bool"], "Whether it is an IPv4 address.", #"is_ipv4("10.0.0.1")"#),
  .init("ip", ["is_ipv6(text: String) -> Bool"], "Whether it is an IPv6 address.", #"is_ipv6("fe80::1")"#),
  .init(
    "ip", ["ip_in(address: String, network: String) -> Bool"],
    "Whether an address lies in a network in CIDR notation; fails where either is none. `::ffff:10.0.0.1` is `10.0.0.1`.",
    #"ip_in("10.1.2.3", "10.0.0.0/8")"#, fails: true),
  .init(
    "ip", ["is_private_ip(address: String) -> Bool"],
    "Whether an address is private, loopback or link-local, also where it is mapped to IPv6 (`::ffff:10.0.0.1`).",
    #"is_private_ip("192.168.1.1") and not is_private_ip("8.8.8.8")"#, fails: true),
]
