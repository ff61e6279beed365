import PumpTestSupport

@testable import PumpRuntime
@testable import PumpValues

/// Random shapes and values for the tests of state.
enum StateSupport {
  typealias Random = Support.Random

  static let scalars: [Shape] = [
    .bool, .int, .float, .decimal, .string, .bytes, .timestamp, .date, .duration, .size, .uuid, enumeration(3), enumeration(300),
  ]

  static func enumeration(_ count: Int) -> Shape { .enumeration(EnumType(cases: (0..<count).map { .init("c\($0)") })) }

  /// A shape that may be a key, or any.
  static func shape(_ random: inout Random, depth: Int = 2, key: Bool) -> Shape {
    let kind = Int.random(in: 0..<(depth == 0 ? 8 : 12), using: &random)
    let shape: Shape
    switch kind {
    case 8, 9:
      let fields = (0..<Int.random(in: 0...3, using: &random)).map {
        Shape.Field("f\($0)", Self.shape(&random, depth: depth - 1, key: key))
      }
      shape = .record("r", fields)
    case 10 where !key: shape = .list(Self.shape(&random, depth: depth - 1, key: key))
    case 11 where !key: shape = .map(Self.shape(&random, depth: depth - 1, key: key))
    case 7 where !key: shape = .json
    default: shape = scalars.randomElement(using: &random)!
    }
    return Int.random(in: 0..<3, using: &random) == 0 ? shape.optional : shape
  }

  static func text(_ random: inout Random) -> String {
    let pieces = ["", "a", "b", "\0", "ab", "\u{1}", "é", "😀", "zz", "\u{7f}", "key-", "0"]
    return (0..<Int.random(in: 0...4, using: &random)).map { _ in pieces.randomElement(using: &random)! }.joined()
  }

  static func int(_ random: inout Random) -> Int64 {
    switch Int.random(in: 0..<4, using: &random) {
    case 0: [0, 1, -1, .min, .max, 255, 256, -256].randomElement(using: &random)!
    case 1: Int64(bitPattern: random.next())
    default: Int64.random(in: -3...3, using: &random)
    }
  }

  static func double(_ random: inout Random) -> Double {
    switch Int.random(in: 0..<3, using: &random) {
    case 0:
      return [0, -0.0, 1, -1, 0.1, .leastNonzeroMagnitude, .greatestFiniteMagnitude, -.greatestFiniteMagnitude].randomElement(
        using: &random)!
    case 1: return Double(Int.random(in: -9...9, using: &random)) / 4
    default:
      let value = Double(bitPattern: random.next())
      return value.isFinite ? value : 7
    }
  }

  static func decimal(_ random: inout Random) -> PumpValues.Decimal {
    switch Int.random(in: 0..<3, using: &random) {
    case 0:
      return ["0", "1", "1.0", "1.00", "-1", "-1.5", "10", "100", "0.1", "0.10", "99999999999999999999999999999999999999"].map {
        PumpValues.Decimal($0)!
      }
      .randomElement(using: &random)!
    case 1:
      let coefficient = Int128(Int64(bitPattern: random.next())) * Int128(Int64(bitPattern: random.next())) % PumpValues.Decimal.limit
      return .init(coefficient, scale: Int32.random(in: 0...38, using: &random))
    default: return .init(Int128(Int.random(in: -120...120, using: &random)), scale: Int32.random(in: 0...38, using: &random))
    }
  }

  /// Writes a random value to a row.
  static func fill(_ column: Column, _ row: Int, _ random: inout Random, _ arena: Arena) {
    let shape = column.shape
    if shape.isOptional, Int.random(in: 0..<4, using: &random) == 0 { return column.setNull(row) }
    switch shape.kind {
    case .bool: column.set(Bool.random(using: &random), row)
    case .int, .duration: column.set(int(&random), row)
    case .float: column.set(double(&random), row)
    case .decimal: column.set(decimal(&random), row)
    case .string: column.set(arena.copy(text(&random)), row)
    case .bytes:
      let bytes = (0..<Int.random(in: 0...5, using: &random)).map { _ in [0, 1, 254, 255].randomElement(using: &random)! as UInt8 }
      column.set(bytes.withUnsafeBufferPointer { arena.copy($0) }, row)
    case .json: column.set(arena.copy(["null", "{}", "[1,\"a\"]", "\"x\"", "-1.5"].randomElement(using: &random)!), row)
    case .timestamp: column.set(Int64.random(in: Timestamp.range, using: &random), row)
    case .date: column.set(Int64.random(in: Day.range, using: &random), row)
    case .size: column.set(Int64.random(in: 0...(.max), using: &random), row)
    case .uuid: column.set(Uuid(high: random.next() >> 60, low: random.next()), row)
    case .enumeration: column.set(Int64.random(in: 0..<Int64(shape.cases.count), using: &random), row)
    case .record:
      column.setPresent(row)
      for child in column.children { fill(child, row, &random, arena) }
    case .list:
      let child = column.children[0]
      let (start, count) = (child.count, Int.random(in: 0...3, using: &random))
      for place in 0..<count { fill(child, start + place, &random, arena) }
      column.set(Slice(start, count), row)
    case .map:
      let entries = column.children[0]
      let (start, count) = (entries.count, Int.random(in: 0...3, using: &random))
      for place in 0..<count {
        entries.setPresent(start + place)
        entries.children[0].set(arena.copy("k\(place)" + text(&random)), start + place)
        fill(entries.children[1], start + place, &random, arena)
      }
      column.set(Slice(start, count), row)
    }
  }

  /// -1, 0 or 1: the order of two values of one column, null first.
  static func order(_ column: Column, _ i: Int, _ j: Int) -> Int {
    func compare<T: Comparable>(_ a: T, _ b: T) -> Int { a < b ? -1 : b < a ? 1 : 0 }
    if column.isNull(i) || column.isNull(j) { return compare(column.isNull(i) ? 0 : 1, column.isNull(j) ? 0 : 1) }
    switch column.shape.kind {
    case .bool: return compare(column.get(UInt8.self, i), column.get(UInt8.self, j))
    case .float: return compare(column.get(Double.self, i), column.get(Double.self, j))
    case .decimal: return compare(column.get(PumpValues.Decimal.self, i), column.get(PumpValues.Decimal.self, j))
    case .string, .bytes: return compare(column.get(Text.self, i), column.get(Text.self, j))
    case .uuid:
      let (a, b) = (column.get(Uuid.self, i), column.get(Uuid.self, j))
      return a.high == b.high ? compare(a.low, b.low) : compare(a.high, b.high)
    case .record: return column.children.lazy.map { order($0, i, j) }.first { $0 != 0 } ?? 0
    default: return compare(column.get(Int64.self, i), column.get(Int64.self, j))
    }
  }

  /// The bytes that a body writes.
  static func bytes(_ body: (inout ByteBuffer) -> Void) -> [UInt8] {
    var buffer = ByteBuffer(capacity: 16)
    defer { buffer.release() }
    body(&buffer)
    return Array(buffer.bytes)
  }
}

extension Array where Element == UInt8 {
  static func < (a: [UInt8], b: [UInt8]) -> Bool { a.lexicographicallyPrecedes(b) }
}
