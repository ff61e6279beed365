import Glibc
import Synchronization

/// What functions need besides their arguments: memory for results, the batch's time, and random numbers.
public final class Context {
  public var arena: Arena
  /// When the batch came in; fixed in tests.
  public var now: Timestamp
  package var random: UInt64
  /// Of UUIDs that rise; nil if all of the process share one.
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
