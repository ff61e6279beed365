import Glibc

/// What the signs of the language do. `equals` and its like are Swift's own in generated code.
extension Fn {
  @inlinable @inline(__always) public static func add(_ a: Int64, _ b: Int64, _ c: Context) throws(EventFailure) -> Int64 {
    let (value, over) = a.addingReportingOverflow(b)
    if over { throw overflow(a, "+", b) }
    return value
  }
  @inlinable @inline(__always) public static func subtract(_ a: Int64, _ b: Int64, _ c: Context) throws(EventFailure) -> Int64 {
    let (value, over) = a.subtractingReportingOverflow(b)
    if over { throw overflow(a, "-", b) }
    return value
  }
  @inlinable @inline(__always) public static func multiply(_ a: Int64, _ b: Int64, _ c: Context) throws(EventFailure) -> Int64 {
    let (value, over) = a.multipliedReportingOverflow(by: b)
    if over { throw overflow(a, "*", b) }
    return value
  }
  @inlinable @inline(__always) public static func divide(_ a: Int64, _ b: Int64, _ c: Context) throws(EventFailure) -> Int64 {
    if b == 0 { throw EventFailure("division of \(a) by zero") }
    let (value, over) = a.dividedReportingOverflow(by: b)
    if over { throw overflow(a, "/", b) }
    return value
  }
  @inlinable @inline(__always) public static func remainder(_ a: Int64, _ b: Int64, _ c: Context) throws(EventFailure) -> Int64 {
    if b == 0 { throw EventFailure("remainder of \(a) by zero") }
    return b == -1 ? 0 : a % b
  }
  @inlinable @inline(__always) public static func negate(_ a: Int64, _ c: Context) throws(EventFailure) -> Int64 { try subtract(0, a, c) }

  @inlinable @inline(__always) public static func add(_ a: Double, _ b: Double, _ c: Context) throws(EventFailure) -> Double {
    try finite(a + b, "\(a) + \(b)")
  }
  @inlinable @inline(__always) public static func subtract(_ a: Double, _ b: Double, _ c: Context) throws(EventFailure) -> Double {
    try finite(a - b, "\(a) - \(b)")
  }
  @inlinable @inline(__always) public static func multiply(_ a: Double, _ b: Double, _ c: Context) throws(EventFailure) -> Double {
    try finite(a * b, "\(a) * \(b)")
  }
  @inlinable @inline(__always) public static func divide(_ a: Double, _ b: Double, _ c: Context) throws(EventFailure) -> Double {
    if b == 0 { throw EventFailure("division of \(a) by zero") }
    return try finite(a / b, "\(a) / \(b)")
  }
  @inlinable public static func remainder(_ a: Double, _ b: Double, _ c: Context) throws(EventFailure) -> Double {
    if b == 0 { throw EventFailure("remainder of \(a) by zero") }
    return try finite(fmod(a, b), "\(a) % \(b)")
  }
  @inlinable public static func negate(_ a: Double, _ c: Context) throws(EventFailure) -> Double { a == 0 ? 0 : -a }

  @inlinable public static func add(_ a: Decimal, _ b: Decimal, _ c: Context) throws(EventFailure) -> Decimal { try Decimal.sum(a, b) }
  @inlinable public static func subtract(_ a: Decimal, _ b: Decimal, _ c: Context) throws(EventFailure) -> Decimal {
    try Decimal.sum(a, Decimal(-b.coefficient, scale: b.scale))
  }
  @inlinable public static func multiply(_ a: Decimal, _ b: Decimal, _ c: Context) throws(EventFailure) -> Decimal {
    try Decimal.product(a, b)
  }
  @inlinable public static func divide(_ a: Decimal, _ b: Decimal, _ c: Context) throws(EventFailure) -> Decimal {
    try Decimal.quotient(a, b)
  }
  @inlinable public static func remainder(_ a: Decimal, _ b: Decimal, _ c: Context) throws(EventFailure) -> Decimal {
    try Decimal.remainder(a, b)
  }
  @inlinable public static func negate(_ a: Decimal, _ c: Context) throws(EventFailure) -> Decimal {
    Decimal(-a.coefficient, scale: a.scale)
  }

  @inlinable static func time(_ micros: Int64) throws(EventFailure) -> Timestamp {
    guard Timestamp.range.contains(micros) else { throw EventFailure("the time lies outside the years 1 to 9999") }
    return Timestamp(micros)
  }
  @inlinable public static func add(_ a: Timestamp, _ b: Duration, _ c: Context) throws(EventFailure) -> Timestamp {
    try time(add(a.micros, b.micros, c))
  }
  @inlinable public static func add(_ a: Duration, _ b: Timestamp, _ c: Context) throws(EventFailure) -> Timestamp {
    try time(add(a.micros, b.micros, c))
  }
  @inlinable public static func subtract(_ a: Timestamp, _ b: Duration, _ c: Context) throws(EventFailure) -> Timestamp {
    try time(subtract(a.micros, b.micros, c))
  }
  @inlinable public static func subtract(_ a: Timestamp, _ b: Timestamp, _ c: Context) throws(EventFailure) -> Duration {
    Duration(try subtract(a.micros, b.micros, c))
  }
  @inlinable public static func add(_ a: Duration, _ b: Duration, _ c: Context) throws(EventFailure) -> Duration {
    Duration(try add(a.micros, b.micros, c))
  }
  @inlinable public static func subtract(_ a: Duration, _ b: Duration, _ c: Context) throws(EventFailure) -> Duration {
    Duration(try subtract(a.micros, b.micros, c))
  }
  @inlinable public static func multiply(_ a: Duration, _ b: Int64, _ c: Context) throws(EventFailure) -> Duration {
    Duration(try multiply(a.micros, b, c))
  }
  @inlinable public static func multiply(_ a: Int64, _ b: Duration, _ c: Context) throws(EventFailure) -> Duration {
    Duration(try multiply(a, b.micros, c))
  }
  @inlinable public static func divide(_ a: Duration, _ b: Int64, _ c: Context) throws(EventFailure) -> Duration {
    Duration(try divide(a.micros, b, c))
  }
  @inlinable public static func negate(_ a: Duration, _ c: Context) throws(EventFailure) -> Duration {
    Duration(try subtract(0, a.micros, c))
  }
  @inlinable public static func add(_ a: Size, _ b: Size, _ c: Context) throws(EventFailure) -> Size { Size(try add(a.bytes, b.bytes, c)) }
  @inlinable public static func subtract(_ a: Size, _ b: Size, _ c: Context) throws(EventFailure) -> Size {
    guard a.bytes >= b.bytes else { throw EventFailure("a Size is not less than 0B") }
    return Size(a.bytes - b.bytes)
  }
  @inlinable static func day(_ days: Int64) throws(EventFailure) -> Day {
    guard Day.range.contains(days) else { throw EventFailure("the day lies outside the years 1 to 9999") }
    return Day(days)
  }
  @inlinable public static func add(_ a: Day, _ b: Int64, _ c: Context) throws(EventFailure) -> Day { try day(add(a.days, b, c)) }
  @inlinable public static func subtract(_ a: Day, _ b: Int64, _ c: Context) throws(EventFailure) -> Day { try day(subtract(a.days, b, c)) }

  @inlinable @inline(__always) public static func equals<T: Equatable>(_ a: T, _ b: T, _ c: Context) -> Bool { a == b }
  @inlinable @inline(__always) public static func less<T: Comparable>(_ a: T, _ b: T, _ c: Context) -> Bool { a < b }
  @inlinable @inline(__always) public static func lessEqual<T: Comparable>(_ a: T, _ b: T, _ c: Context) -> Bool { a <= b }
  @inlinable @inline(__always) public static func greater<T: Comparable>(_ a: T, _ b: T, _ c: Context) -> Bool { a > b }
  @inlinable @inline(__always) public static func greaterEqual<T: Comparable>(_ a: T, _ b: T, _ c: Context) -> Bool { a >= b }

  // MARK: Registration

  @inlinable public static func register<T: FunctionRegistry>(operators t: inout T) {
    t.compare(Int64.self)
    t.compare(Double.self)
    t.compare(Decimal.self)
    t.compare(Text.self)
    t.compare(Timestamp.self)
    t.compare(Day.self)
    t.compare(Duration.self)
    t.compare(Size.self)
    t.equate(Bool.self)
    t.add("add") { (a: Int64, b: Int64, c) throws(EventFailure) in try Fn.add(a, b, c) }
    t.add("subtract") { (a: Int64, b: Int64, c) throws(EventFailure) in try Fn.subtract(a, b, c) }
    t.add("multiply") { (a: Int64, b: Int64, c) throws(EventFailure) in try Fn.multiply(a, b, c) }
    t.add("divide") { (a: Int64, b: Int64, c) throws(EventFailure) in try Fn.divide(a, b, c) }
    t.add("remainder") { (a: Int64, b: Int64, c) throws(EventFailure) in try Fn.remainder(a, b, c) }
    t.add("negate") { (a: Int64, c) throws(EventFailure) in try Fn.negate(a, c) }
    t.add("add") { (a: Double, b: Double, c) throws(EventFailure) in try Fn.add(a, b, c) }
    t.add("subtract") { (a: Double, b: Double, c) throws(EventFailure) in try Fn.subtract(a, b, c) }
    t.add("multiply") { (a: Double, b: Double, c) throws(EventFailure) in try Fn.multiply(a, b, c) }
    t.add("divide") { (a: Double, b: Double, c) throws(EventFailure) in try Fn.divide(a, b, c) }
    t.add("remainder") { (a: Double, b: Double, c) throws(EventFailure) in try Fn.remainder(a, b, c) }
    t.add("negate") { (a: Double, c) throws(EventFailure) in try Fn.negate(a, c) }
    t.add("add") { (a: Decimal, b: Decimal, c) throws(EventFailure) in try Fn.add(a, b, c) }
    t.add("subtract") { (a: Decimal, b: Decimal, c) throws(EventFailure) in try Fn.subtract(a, b, c) }
    t.add("multiply") { (a: Decimal, b: Decimal, c) throws(EventFailure) in try Fn.multiply(a, b, c) }
    t.add("divide") { (a: Decimal, b: Decimal, c) throws(EventFailure) in try Fn.divide(a, b, c) }
    t.add("remainder") { (a: Decimal, b: Decimal, c) throws(EventFailure) in try Fn.remainder(a, b, c) }
    t.add("negate") { (a: Decimal, c) throws(EventFailure) in try Fn.negate(a, c) }
    t.add("add") { (a: Timestamp, b: Duration, c) throws(EventFailure) in try Fn.add(a, b, c) }
    t.add("add") { (a: Duration, b: Timestamp, c) throws(EventFailure) in try Fn.add(a, b, c) }
    t.add("subtract") { (a: Timestamp, b: Duration, c) throws(EventFailure) in try Fn.subtract(a, b, c) }
    t.add("subtract") { (a: Timestamp, b: Timestamp, c) throws(EventFailure) -> Duration in try Fn.subtract(a, b, c) }
    t.add("add") { (a: Duration, b: Duration, c) throws(EventFailure) in try Fn.add(a, b, c) }
    t.add("subtract") { (a: Duration, b: Duration, c) throws(EventFailure) in try Fn.subtract(a, b, c) }
    t.add("multiply") { (a: Duration, b: Int64, c) throws(EventFailure) in try Fn.multiply(a, b, c) }
    t.add("multiply") { (a: Int64, b: Duration, c) throws(EventFailure) in try Fn.multiply(a, b, c) }
    t.add("divide") { (a: Duration, b: Int64, c) throws(EventFailure) in try Fn.divide(a, b, c) }
    t.add("negate") { (a: Duration, c) throws(EventFailure) in try Fn.negate(a, c) }
    t.add("add") { (a: Size, b: Size, c) throws(EventFailure) in try Fn.add(a, b, c) }
    t.add("subtract") { (a: Size, b: Size, c) throws(EventFailure) in try Fn.subtract(a, b, c) }
    t.add("add") { (a: Day, b: Int64, c) throws(EventFailure) in try Fn.add(a, b, c) }
    t.add("subtract") { (a: Day, b: Int64, c) throws(EventFailure) in try Fn.subtract(a, b, c) }
  }
}
