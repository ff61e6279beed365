/// Numbers with a unit, such as `64KiB` and `1.5h`: the one table of units, for specs and for configuration files. Sums are
/// exact; what is finer than a byte or a microsecond is rounded to the nearest.
public enum Quantity {
  /// Bytes.
  private static let sizes: [String: Int64] = [
    "B": 1, "KB": 1000, "MB": 1_000_000, "GB": 1_000_000_000, "TB": 1_000_000_000_000,
    "KiB": 1 << 10, "MiB": 1 << 20, "GiB": 1 << 30, "TiB": 1 << 40,
  ]
  /// Microseconds.
  public static let durations: [String: Int64] = [
    "us": 1, "ms": 1000, "s": 1_000_000, "m": 60_000_000, "h": 3_600_000_000, "d": 86_400_000_000,
  ]

  /// A whole number with its thousands apart: `1,234,567`.
  public static func grouped(_ number: some BinaryInteger, by separator: String = ",") -> String {
    let digits = Array(String(number.magnitude))
    var text = number < 0 ? "-" : ""
    for (index, digit) in digits.enumerated() {
      if index > 0, (digits.count - index) % 3 == 0 { text += separator }
      text.append(digit)
    }
    return text
  }

  /// The bytes of `64KiB`; nil if it is not a size, or one of more than 64 bits.
  public static func size(_ text: String) -> Int64? { value(text, sizes) }

  /// The microseconds of `1.5h`; nil if it is not a duration, or one of more than 64 bits.
  public static func duration(_ text: String) -> Int64? { value(text, durations) }

  private static func value(_ text: String, _ units: [String: Int64]) -> Int64? {
    let number = text.prefix { $0 == "." || $0 == "_" || $0.isASCII && $0.isNumber }
    guard let unit = units[String(text.dropFirst(number.count))] else { return nil }
    let parts = number.split(separator: ".", omittingEmptySubsequences: false).map { String($0.filter { $0 != "_" }) }
    guard parts.count <= 2, parts.allSatisfy({ !$0.isEmpty }) else { return nil }
    var fraction = parts.count == 2 ? parts[1] : ""
    while fraction.last == "0" { fraction.removeLast() }
    // 25 digits times a day's microseconds fit 128 bits.
    guard (parts[0] + fraction).count <= 25, let digits = Int128(parts[0] + fraction) else { return nil }
    var scale: Int128 = 1
    for _ in fraction { scale *= 10 }
    return Int64(exactly: (digits * Int128(unit) * 2 + scale) / (scale * 2))
  }

  /// Bytes in the largest unit that holds them exactly: `64KiB`, `1000B`.
  public static func text(size bytes: Int64) -> String { text(bytes, ["TiB", "GiB", "MiB", "KiB"].map { ($0, sizes[$0]!) }, "B") }

  /// Microseconds in the largest unit that holds them exactly: `90s`, `2h`, `0s`.
  public static func text(duration micros: Int64) -> String {
    micros == 0 ? "0s" : text(micros, ["d", "h", "m", "s", "ms"].map { ($0, durations[$0]!) }, "us")
  }

  private static func text(_ value: Int64, _ units: [(String, Int64)], _ smallest: String) -> String {
    let unit = units.first { value != 0 && value % $0.1 == 0 } ?? (smallest, 1)
    return "\(value / unit.1)\(unit.0)"
  }
}

/// The least and the most that a number, a duration (in microseconds), a size (in bytes) or the length of a text may be.
public struct Bounds: Sendable {
  public let minimum: Int64?
  public let maximum: Int64?
  public init(minimum: Int64? = nil, maximum: Int64? = nil) {
    self.minimum = minimum
    self.maximum = maximum
  }

  /// What a number must be, where it is beyond the bounds.
  public func complaint(_ name: String, _ number: Double, _ shown: (Int64) -> String = { String($0) }) -> String? {
    let isLess = minimum.map { number < Double($0) } ?? false
    let isMore = maximum.map { number > Double($0) } ?? false
    switch (minimum, maximum) {
    case (let least?, let most?) where isLess || isMore: return "`\(name)` must be from \(shown(least)) to \(shown(most))"
    case (let least?, nil) where isLess: return "`\(name)` must be \(shown(least)) or more"
    case (nil, let most?) where isMore: return "`\(name)` must be \(shown(most)) or less"
    default: return nil
    }
  }

  /// What a text must be, where it is not.
  public func complaint(_ name: String, _ text: String) -> String? {
    text.isEmpty && minimum ?? 0 > 0 ? "`\(name)` must not be empty" : nil
  }
}
