import Glibc

extension Fn {
  public static func abs(_ x: Int64, _ c: Context) throws(EventFailure) -> Int64 { x < 0 ? try negate(x, c) : x }
  public static func abs(_ x: Decimal, _ c: Context) throws(EventFailure) -> Decimal {
    Decimal(Int128(x.coefficient.magnitude), scale: x.scale)
  }
  public static func abs(_ x: Double, _ c: Context) throws(EventFailure) -> Double { x.magnitude }
  public static func sign(_ x: Int64, _ c: Context) -> Int64 { x.signum() }
  public static func sign(_ x: Decimal, _ c: Context) -> Int64 { Int64(x.coefficient.signum()) }
  public static func sign(_ x: Double, _ c: Context) -> Int64 { x < 0 ? -1 : x > 0 ? 1 : 0 }
  @inlinable public static func min<T: Comparable>(_ a: T, _ b: T, _ c: Context) -> T { b < a ? b : a }
  @inlinable public static func max<T: Comparable>(_ a: T, _ b: T, _ c: Context) -> T { b > a ? b : a }
  @inlinable public static func min<T: Comparable>(_ list: List<T>, _ c: Context) -> T? { list.elements.min() }
  @inlinable public static func max<T: Comparable>(_ list: List<T>, _ c: Context) -> T? { list.elements.max() }
  @inlinable public static func clamp<T: Comparable>(_ x: T, _ low: T, _ high: T, _ c: Context) -> T { x < low ? low : x > high ? high : x }
  public static func round(_ x: Decimal, _ digits: Int64, _ c: Context) throws(EventFailure) -> Decimal {
    guard digits >= 0 else { throw EventFailure("\(digits) fraction digits cannot be kept") }
    return x.rounded(digits)
  }
  public static func round(_ x: Double, _ digits: Int64, _ c: Context) throws(EventFailure) -> Double {
    guard digits >= 0 else { throw EventFailure("\(digits) fraction digits cannot be kept") }
    if digits == 0 { return x.rounded(.toNearestOrEven) }
    // Halves are meant as written: 2.345 rounds by its digits, not by its binary neighbour.
    guard x.magnitude < 1e15, digits <= 15, let exact = Decimal(text(x)) else { return x }
    return exact.rounded(digits).double
  }
  static func text(_ x: Double) -> String {
    var buffer = ByteBuffer(capacity: 32)
    defer { buffer.release() }
    buffer.double(x)
    return buffer.string
  }
  public static func floor(_ x: Decimal, _ c: Context) -> Decimal { x.floored() }
  public static func floor(_ x: Double, _ c: Context) -> Double { x.rounded(.down) }
  public static func ceil(_ x: Decimal, _ c: Context) -> Decimal {
    let negated = Decimal(-x.coefficient, scale: x.scale).floored()
    return Decimal(-negated.coefficient)
  }
  public static func ceil(_ x: Double, _ c: Context) -> Double { x.rounded(.up) + 0 }
  public static func sqrt(_ x: Double, _ c: Context) throws(EventFailure) -> Double {
    guard x >= 0 else { throw EventFailure("the square root of \(text(x)) is no number") }
    return x.squareRoot()
  }
  public static func pow(_ x: Double, _ y: Double, _ c: Context) throws(EventFailure) -> Double {
    try finite(Glibc.pow(x, y), "\(text(x)) to the power \(text(y))")
  }
  public static func exp(_ x: Double, _ c: Context) throws(EventFailure) -> Double { try finite(Glibc.exp(x), "e to the power \(text(x))") }
  public static func ln(_ x: Double, _ c: Context) throws(EventFailure) -> Double {
    guard x > 0 else { throw EventFailure("the logarithm of \(text(x)) is no number") }
    return try finite(Glibc.log(x), "the logarithm")
  }
  public static func log10(_ x: Double, _ c: Context) throws(EventFailure) -> Double {
    guard x > 0 else { throw EventFailure("the logarithm of \(text(x)) is no number") }
    return try finite(Glibc.log10(x), "the logarithm")
  }

  // MARK: Conversions

  public static func toInt(_ x: Decimal, _ c: Context) throws(EventFailure) -> Int64 {
    guard let value = x.whole else { throw EventFailure("\(x) does not fit 64 bits") }
    return value
  }
  public static func toInt(_ x: Double, _ c: Context) throws(EventFailure) -> Int64 {
    guard let value = Int64(exactly: x.rounded(.towardZero)) else { throw EventFailure("\(text(x)) does not fit 64 bits") }
    return value
  }
  public static func toInt(_ x: Text, _ c: Context) throws(EventFailure) -> Int64 {
    guard x.count < 40, let value = Int64(x.string) else { throw EventFailure("\(Shape.excerpt(x, quoted: true)) is no Int") }
    return value
  }
  public static func toInt(_ x: Bool, _ c: Context) throws(EventFailure) -> Int64 { x ? 1 : 0 }
  public static func toInt(_ x: Size, _ c: Context) throws(EventFailure) -> Int64 { x.bytes }
  public static func toInt(_ x: Json, _ c: Context) throws(EventFailure) -> Int64 {
    try read(x, "Int", c) { (json) throws(Malformed) in try json.int() }
  }
  @inlinable public static func toFloat(_ x: Int64, _ c: Context) throws(EventFailure) -> Double { Double(x) }
  public static func toFloat(_ x: Decimal, _ c: Context) throws(EventFailure) -> Double { x.double }
  public static func toFloat(_ x: Text, _ c: Context) throws(EventFailure) -> Double {
    guard x.count < 400, let value = Double(x.string), value.isFinite else {
      throw EventFailure("\(Shape.excerpt(x, quoted: true)) is no Float")
    }
    return value
  }
  public static func toFloat(_ x: Json, _ c: Context) throws(EventFailure) -> Double {
    try read(x, "Float", c) { (json) throws(Malformed) in try json.double() }
  }
  @inlinable public static func toDecimal(_ x: Int64, _ c: Context) throws(EventFailure) -> Decimal { Decimal(x) }
  public static func toDecimal(_ x: Double, _ c: Context) throws(EventFailure) -> Decimal {
    guard let value = Decimal(text(x)) else { throw EventFailure("\(text(x)) needs more than 38 digits") }
    return value
  }
  public static func toDecimal(_ x: Text, _ c: Context) throws(EventFailure) -> Decimal {
    guard let value = Decimal(x) else { throw EventFailure("\(Shape.excerpt(x, quoted: true)) is no Decimal") }
    return value
  }
  public static func toDecimal(_ x: Json, _ c: Context) throws(EventFailure) -> Decimal {
    try read(x, "Decimal", c) { (json) throws(Malformed) in try json.decimal() }
  }
  public static func toBool(_ x: Text, _ c: Context) throws(EventFailure) -> Bool {
    switch x.string.lowercased() {
    case "true": return true
    case "false": return false
    default: throw EventFailure("\(Shape.excerpt(x, quoted: true)) is neither true nor false")
    }
  }
  public static func toBool(_ x: Json, _ c: Context) throws(EventFailure) -> Bool {
    try read(x, "Bool", c) { (json) throws(Malformed) in try json.bool() }
  }

  static func read<T>(_ x: Json, _ type: StaticString, _ c: Context, _ body: (inout JSONReader) throws(Malformed) -> T) throws(EventFailure)
    -> T
  {
    var reader = JSONReader(x.text, c.arena)
    do throws(Malformed) {
      let value = try body(&reader)
      try reader.finish()
      return value
    } catch {
      throw EventFailure("\(Shape.excerpt(x.text)) is no \(type)")
    }
  }

  public static func toFixed(_ x: Decimal, _ digits: Int64, _ c: Context) throws(EventFailure) -> Text {
    guard (0...18).contains(digits) else { throw EventFailure("\(digits) fraction digits cannot be written: 0 to 18 can") }
    let rounded = x.rounded(digits).normalized
    return makeText(c.arena) { out in
      out.decimal(rounded)
      if digits > 0, rounded.scale == 0 { out.byte(UInt8(ascii: ".")) }
      for _ in Int64(rounded.scale)..<digits { out.byte(48) }
    }
  }
  public static func toFixed(_ x: Double, _ digits: Int64, _ c: Context) throws(EventFailure) -> Text {
    try toFixed(toDecimal(x, c), digits, c)
  }

  public static func bitAnd(_ a: Int64, _ b: Int64, _ c: Context) -> Int64 { a & b }
  public static func bitOr(_ a: Int64, _ b: Int64, _ c: Context) -> Int64 { a | b }
  public static func bitXor(_ a: Int64, _ b: Int64, _ c: Context) -> Int64 { a ^ b }
  public static func shiftLeft(_ x: Int64, _ bits: Int64, _ c: Context) -> Int64 { x << bits }
  public static func shiftRight(_ x: Int64, _ bits: Int64, _ c: Context) -> Int64 { x >> bits }
  public static func bytes(_ count: Int64, _ c: Context) -> Size { Size(count) }

  // MARK: Internet addresses

  private static func address(_ text: Text) -> [UInt8]? {
    guard text.count < 46 else { return nil }
    let string = text.string
    var four = in_addr()
    if inet_pton(AF_INET, string, &four) == 1 { return withUnsafeBytes(of: four) { Array($0) } }
    var six = in6_addr()
    if inet_pton(AF_INET6, string, &six) == 1 { return withUnsafeBytes(of: six) { Array($0) } }
    return nil
  }
  public static func isIp(_ text: Text, _ c: Context) -> Bool { address(text) != nil }
  public static func isIpv4(_ text: Text, _ c: Context) -> Bool { address(text)?.count == 4 }
  public static func isIpv6(_ text: Text, _ c: Context) -> Bool { address(text)?.count == 16 }
  public static func ipIn(_ text: Text, _ network: Text, _ c: Context) throws(EventFailure) -> Bool {
    guard let bytes = address(text) else { throw EventFailure("\(Shape.excerpt(text, quoted: true)) is no IP address") }
    let parts = network.string.split(separator: "/", maxSplits: 1)
    guard parts.count == 2, let base = address(c.arena.copy(String(parts[0]))), let length = Int(parts[1]),
      (0...base.count * 8).contains(length)
    else {
      throw EventFailure("\(Shape.excerpt(network, quoted: true)) is no network such as 10.0.0.0/8")
    }
    guard base.count == bytes.count else { return false }
    for bit in 0..<length where (base[bit / 8] ^ bytes[bit / 8]) >> (7 - bit % 8) & 1 != 0 { return false }
    return true
  }
  public static func isPrivateIp(_ text: Text, _ c: Context) throws(EventFailure) -> Bool {
    let networks: [StaticString] = [
      "10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "127.0.0.0/8", "169.254.0.0/16", "::1/128", "fc00::/7", "fe80::/10",
    ]
    for network in networks where try ipIn(text, Text(network), c) { return true }
    return false
  }
}
