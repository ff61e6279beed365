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
  @inlinable public static func min<T, V: Comparable>(_ list: List<T>, _ c: Context, _ f: (T) throws(EventFailure) -> V)
    throws(EventFailure) -> V?
  { try min(map(list, c, f), c) }
  @inlinable public static func max<T, V: Comparable>(_ list: List<T>, _ c: Context, _ f: (T) throws(EventFailure) -> V)
    throws(EventFailure) -> V?
  { try max(map(list, c, f), c) }
  @inlinable public static func clamp<T: Comparable>(_ x: T, _ low: T, _ high: T, _ c: Context) -> T { x < low ? low : x > high ? high : x }
  public static func round(_ x: Decimal, _ digits: Int64, _ c: Context) throws(EventFailure) -> Decimal {
    guard digits >= 0 else { throw EventFailure("\(digits) fraction digits cannot be kept") }
    return x.rounded(digits)
  }
  public static func round(_ x: Double, _ digits: Int64, _ c: Context) throws(EventFailure) -> Double {
    guard digits >= 0 else { throw EventFailure("\(digits) fraction digits cannot be kept") }
    // By the digits that it is written with: 2.345 is a half, whatever its binary neighbours are.
    guard x != 0 else { return 0 }
    let (mantissa, exponent) = ShortestDouble.digits(x.magnitude)
    guard Int64(-exponent) > digits else { return x }
    let rounded = Fn.rounded(mantissa, cut: Int64(-exponent) - digits)
    let value = DoubleReader.value("\(rounded)e-\(digits)")
    return rounded == 0 || x > 0 ? value : -value
  }
  /// A number without its last digits, rounded half to even.
  private static func rounded(_ number: UInt64, cut: Int64) -> UInt64 {
    guard cut < 20 else { return 0 }
    var power: UInt64 = 1
    for _ in 0..<cut { power *= 10 }
    let (quotient, rest) = number.quotientAndRemainder(dividingBy: power)
    let missing = power - rest
    return quotient + (rest > missing || (rest == missing && quotient & 1 == 1) ? 1 : 0)
  }
  static func text(_ x: Double) -> String {
    var buffer = ByteBuffer(capacity: 32)
    defer { buffer.release() }
    buffer.double(x)
    return buffer.string
  }
  public static func floor(_ x: Decimal, _ c: Context) -> Decimal { x.floored() }
  public static func floor(_ x: Double, _ c: Context) -> Double { x.rounded(.down) + 0 }
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
    try read(x, "Int", c) { (json) throws(Malformed) in try json.int() }
  }
  public static func toInt(_ x: Bool, _ c: Context) throws(EventFailure) -> Int64 { x ? 1 : 0 }
  public static func toInt(_ x: Size, _ c: Context) throws(EventFailure) -> Int64 { x.bytes }
  public static func toInt(_ x: Json, _ c: Context) throws(EventFailure) -> Int64 {
    try read(x, "Int", c) { (json) throws(Malformed) in try json.int() }
  }
  @inlinable public static func toFloat(_ x: Int64, _ c: Context) throws(EventFailure) -> Double { Double(x) }
  public static func toFloat(_ x: Decimal, _ c: Context) throws(EventFailure) -> Double { x.double }
  public static func toFloat(_ x: Text, _ c: Context) throws(EventFailure) -> Double {
    try read(x, "Float", c) { (json) throws(Malformed) in try json.double() }
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

  /// A number of a text is written as JSON writes it, as in the cells of CSV.
  private static func read<T>(_ x: Text, _ type: StaticString, _ c: Context, _ body: (inout JSONReader) throws(Malformed) -> T)
    throws(EventFailure) -> T
  {
    let copy = c.arena.copy(x)
    var reader = JSONReader(copy, c.arena)
    do throws(Malformed) {
      // The reader skips white space before a value; here none may stand.
      guard x.count > 0, x[0] > 0x20 else { throw Malformed() }
      let value = try body(&reader)
      guard reader.p == reader.end else { throw Malformed() }
      return value
    } catch {
      throw EventFailure("\(Shape.excerpt(x, quoted: true)) is no \(type)")
    }
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
    guard (0...18).contains(digits) else { throw EventFailure("\(digits) fraction digits cannot be written: 0 to 18 can") }
    let (mantissa, exponent) = x == 0 ? (0, 0) : ShortestDouble.digits(x.magnitude)
    let cut = Int64(-exponent) - digits
    let number = cut > 0 ? rounded(mantissa, cut: cut) : mantissa
    var text = String(number)
    if cut < 0, number != 0 { text += String(repeating: "0", count: Int(-cut)) }
    // At least one digit stands before the point.
    if text.utf8.count <= Int(digits) { text = String(repeating: "0", count: Int(digits) + 1 - text.utf8.count) + text }
    if digits > 0 { text.insert(".", at: text.index(text.endIndex, offsetBy: -Int(digits))) }
    return c.arena.copy(x < 0 && number != 0 ? "-" + text : text)
  }

  public static func bitAnd(_ a: Int64, _ b: Int64, _ c: Context) -> Int64 { a & b }
  public static func bitOr(_ a: Int64, _ b: Int64, _ c: Context) -> Int64 { a | b }
  public static func bitXor(_ a: Int64, _ b: Int64, _ c: Context) -> Int64 { a ^ b }
  public static func shiftLeft(_ x: Int64, _ bits: Int64, _ c: Context) -> Int64 { x << bits }
  public static func shiftRight(_ x: Int64, _ bits: Int64, _ c: Context) -> Int64 { x >> bits }
  public static func bytes(_ count: Int64, _ c: Context) throws(EventFailure) -> Size {
    guard count >= 0 else { throw EventFailure("a Size is not less than 0B") }
    return Size(count)
  }

  // MARK: Registration

  @inlinable public static func register<T: FunctionRegistry>(numbers t: inout T) {
    t.add("abs") { (x: Int64, c) throws(EventFailure) in try Fn.abs(x, c) }
    t.add("abs") { (x: Decimal, c) throws(EventFailure) in try Fn.abs(x, c) }
    t.add("abs") { (x: Double, c) throws(EventFailure) in try Fn.abs(x, c) }
    t.add("sign") { (x: Int64, c) in Fn.sign(x, c) }
    t.add("sign") { (x: Decimal, c) in Fn.sign(x, c) }
    t.add("sign") { (x: Double, c) in Fn.sign(x, c) }
    t.add("clamp") { (x: Int64, a: Int64, b: Int64, c) in Fn.clamp(x, a, b, c) }
    t.add("clamp") { (x: Decimal, a: Decimal, b: Decimal, c) in Fn.clamp(x, a, b, c) }
    t.add("clamp") { (x: Double, a: Double, b: Double, c) in Fn.clamp(x, a, b, c) }
    t.add("round") { (x: Decimal, d: Int64, c) throws(EventFailure) in try Fn.round(x, d, c) }
    t.add("round") { (x: Double, d: Int64, c) throws(EventFailure) in try Fn.round(x, d, c) }
    t.add("floor") { (x: Decimal, c) in Fn.floor(x, c) }
    t.add("floor") { (x: Double, c) in Fn.floor(x, c) }
    t.add("ceil") { (x: Decimal, c) in Fn.ceil(x, c) }
    t.add("ceil") { (x: Double, c) in Fn.ceil(x, c) }
    t.add("sqrt") { (x: Double, c) throws(EventFailure) in try Fn.sqrt(x, c) }
    t.add("pow") { (x: Double, y: Double, c) throws(EventFailure) in try Fn.pow(x, y, c) }
    t.add("exp") { (x: Double, c) throws(EventFailure) in try Fn.exp(x, c) }
    t.add("ln") { (x: Double, c) throws(EventFailure) in try Fn.ln(x, c) }
    t.add("log10") { (x: Double, c) throws(EventFailure) in try Fn.log10(x, c) }
    t.add("to_int") { (x: Decimal, c) throws(EventFailure) in try Fn.toInt(x, c) }
    t.add("to_int") { (x: Double, c) throws(EventFailure) in try Fn.toInt(x, c) }
    t.add("to_int") { (x: Text, c) throws(EventFailure) in try Fn.toInt(x, c) }
    t.add("to_int") { (x: Json, c) throws(EventFailure) in try Fn.toInt(x, c) }
    t.add("to_int") { (x: Bool, c) throws(EventFailure) in try Fn.toInt(x, c) }
    t.add("to_int") { (x: Size, c) throws(EventFailure) in try Fn.toInt(x, c) }
    t.add("to_float") { (x: Int64, c) throws(EventFailure) in try Fn.toFloat(x, c) }
    t.add("to_float") { (x: Decimal, c) throws(EventFailure) in try Fn.toFloat(x, c) }
    t.add("to_float") { (x: Text, c) throws(EventFailure) in try Fn.toFloat(x, c) }
    t.add("to_float") { (x: Json, c) throws(EventFailure) in try Fn.toFloat(x, c) }
    t.add("to_decimal") { (x: Int64, c) throws(EventFailure) in try Fn.toDecimal(x, c) }
    t.add("to_decimal") { (x: Double, c) throws(EventFailure) in try Fn.toDecimal(x, c) }
    t.add("to_decimal") { (x: Text, c) throws(EventFailure) in try Fn.toDecimal(x, c) }
    t.add("to_decimal") { (x: Json, c) throws(EventFailure) in try Fn.toDecimal(x, c) }
    t.add("to_bool") { (x: Text, c) throws(EventFailure) in try Fn.toBool(x, c) }
    t.add("to_bool") { (x: Json, c) throws(EventFailure) in try Fn.toBool(x, c) }
    t.add("to_fixed") { (x: Decimal, d: Int64, c) throws(EventFailure) in try Fn.toFixed(x, d, c) }
    t.add("to_fixed") { (x: Double, d: Int64, c) throws(EventFailure) in try Fn.toFixed(x, d, c) }
    t.add("bit_and") { (a: Int64, b: Int64, c) in Fn.bitAnd(a, b, c) }
    t.add("bit_or") { (a: Int64, b: Int64, c) in Fn.bitOr(a, b, c) }
    t.add("bit_xor") { (a: Int64, b: Int64, c) in Fn.bitXor(a, b, c) }
    t.add("shift_left") { (a: Int64, b: Int64, c) in Fn.shiftLeft(a, b, c) }
    t.add("shift_right") { (a: Int64, b: Int64, c) in Fn.shiftRight(a, b, c) }
    t.add("bytes") { (x: Int64, c) throws(EventFailure) in try Fn.bytes(x, c) }
  }
}
