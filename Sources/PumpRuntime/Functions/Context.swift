import Glibc
import Synchronization

/// What functions need besides their arguments: memory for results, the batch's time, and random numbers.
public final class Context: @unchecked Sendable {
  public var arena: Arena
  /// When the batch came in; fixed in tests.
  public var now: Timestamp
  var random: UInt64
  /// Of UUIDs that rise; nil where all of the process share one.
  private var moment: UInt64?
  private static let sharedMoment = Atomic<UInt64>(0)
  var zones = Zones()
  private var regexes: [String: Regex] = [:]

  public init(arena: Arena = Arena(), now: Timestamp = Timestamp(0), seed: UInt64? = nil) {
    self.arena = arena
    self.now = now
    random = seed ?? UInt64.random(in: 0...UInt64.max)
    moment = seed == nil ? nil : 0
  }

  /// The moment, or the one after the last that was given where that is later. Seeded contexts count for themselves, so
  /// that they give the same every time.
  func nextMoment(_ wanted: UInt64) -> UInt64 {
    if let last = moment {
      moment = max(wanted, last + 1)
      return moment!
    }
    var last = Context.sharedMoment.load(ordering: .relaxed)
    while true {
      let next = max(wanted, last + 1)
      let (exchanged, original) = Context.sharedMoment.compareExchange(expected: last, desired: next, ordering: .relaxed)
      if exchanged { return next }
      last = original
    }
  }

  /// The compiled pattern; literals are compiled once, others at most a hundred at a time.
  func regex(_ pattern: Text) throws(EventFailure) -> Regex {
    let key = pattern.string
    if let known = regexes[key] { return known }
    let compiled: Regex
    do throws(Regex.Problem) { compiled = try Regex(key) } catch { throw EventFailure("this is no regular expression: \(error.message)") }
    if regexes.count > 100 { regexes.removeAll() }
    regexes[key] = compiled
    return compiled
  }

  /// SplitMix64: well spread, and the same numbers for the same seed.
  public func nextRandom() -> UInt64 {
    random &+= 0x9E37_79B9_7F4A_7C15
    var z = random
    z = (z ^ (z >> 30)) &* 0xBF58_476D_1CE4_E5B9
    z = (z ^ (z >> 27)) &* 0x94D0_49BB_1331_11EB
    return z ^ (z >> 31)
  }
}

/// The functions of the language over runtime values. A function that can fail throws for its event alone.
public enum Fn {
  @inlinable @inline(never)
  static func overflow(_ a: Int64, _ sign: StaticString, _ b: Int64) -> EventFailure {
    EventFailure("\(a) \(sign) \(b) does not fit 64 bits")
  }

  @inlinable @inline(__always)
  static func finite(_ value: Double, _ what: @autoclosure () -> String) throws(EventFailure) -> Double {
    guard value.isFinite else { throw EventFailure("\(what()) is not a finite number") }
    return value == 0 ? 0 : value
  }

  @inlinable public static func coalesce<T>(_ value: T?, _ other: () throws(EventFailure) -> T) throws(EventFailure) -> T {
    if let value { return value }
    return try other()
  }

  @inlinable public static func coalesce<T>(_ value: T?, optional other: () throws(EventFailure) -> T?) throws(EventFailure) -> T? {
    if let value { return value }
    return try other()
  }
}

// MARK: Operators

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
    guard (-719_162...2_932_896).contains(days) else { throw EventFailure("the day lies outside the years 1 to 9999") }
    return Day(days)
  }
  @inlinable public static func add(_ a: Day, _ b: Int64, _ c: Context) throws(EventFailure) -> Day { try day(add(a.days, b, c)) }
  @inlinable public static func subtract(_ a: Day, _ b: Int64, _ c: Context) throws(EventFailure) -> Day { try day(subtract(a.days, b, c)) }

  @inlinable @inline(__always) public static func equals<T: Equatable>(_ a: T, _ b: T, _ c: Context) -> Bool { a == b }
  @inlinable @inline(__always) public static func less<T: Comparable>(_ a: T, _ b: T, _ c: Context) -> Bool { a < b }
  @inlinable @inline(__always) public static func lessEqual<T: Comparable>(_ a: T, _ b: T, _ c: Context) -> Bool { a <= b }
  @inlinable @inline(__always) public static func greater<T: Comparable>(_ a: T, _ b: T, _ c: Context) -> Bool { a > b }
  @inlinable @inline(__always) public static func greaterEqual<T: Comparable>(_ a: T, _ b: T, _ c: Context) -> Bool { a >= b }
}
