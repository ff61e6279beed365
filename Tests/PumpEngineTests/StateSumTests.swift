import PumpTestSupport
import Testing

@testable import PumpRuntime
@testable import PumpValues

private typealias Number = PumpValues.Decimal

/// Exact sums against Python's fractions, which have no limits of their own.
@Suite struct StateSumTests {
  private typealias Random = StateSupport.Random

  private static let model = """
    import sys
    from fractions import Fraction as F
    from decimal import Decimal as D, getcontext
    getcontext().prec = 2000
    LIMIT = 10**38 - 1
    def double(x):
        try: return repr(float(x) + 0.0)
        except OverflowError: return "fails"
    def text(n, scale):
        digits = str(abs(n)).rjust(scale + 1, "0")
        whole, rest = digits[:len(digits) - scale], digits[len(digits) - scale:].rstrip("0")
        return ("-" if n < 0 else "") + whole + ("." + rest if rest else "")
    def exact(x):
        for scale in range(39):
            n = x * 10**scale
            if n.denominator == 1: return text(n.numerator, scale) if abs(n) <= LIMIT else "fails"
        return "fails"
    def average(x):
        for scale in range(18, -1, -1):
            n = round(x * 10**scale)
            if abs(n) <= LIMIT: return text(n, scale)
        return "fails"
    def root(x):
        x = D(x.numerator) / D(x.denominator)
        return double(F(x.sqrt()))
    for line in sys.stdin:
        kind, *words = line.split()
        numbers = [F.from_float(float.fromhex(w)) if kind == "f" else F(w) for w in words]
        n, total = len(numbers), sum(numbers)
        if kind == "f": print(double(total), double(total / n), end=" ")
        else: print(exact(total), average(total / n), end=" ")
        if n < 2: print("- -")
        else:
            v = (n * sum(x * x for x in numbers) - total * total) / (n * (n - 1))
            print(double(v), root(v))
    """

  /// Parts of the numbers are added to sums of their own, which are merged or written and read; at the end one sum holds all.
  private static func gather<T>(
    _ values: [T], size: Int, _ random: inout Random, add: (T, UnsafeMutablePointer<UInt64>) -> Void,
    merge: (UnsafeMutablePointer<UInt64>, UnsafeMutablePointer<UInt64>) -> Void,
    write: (UnsafeMutablePointer<UInt64>, inout ByteBuffer) -> Void, read: (inout StateReader, UnsafeMutablePointer<UInt64>) -> Bool,
    release: (UnsafeMutablePointer<UInt64>) -> Void, _ body: (UnsafeMutablePointer<UInt64>) -> Void
  ) {
    let parts = (0..<Int.random(in: 1...4, using: &random)).map { _ in
      let state = UnsafeMutablePointer<UInt64>.allocate(capacity: size)
      state.initialize(repeating: 0, count: size)
      return state
    }
    for value in values.shuffled(using: &random) { add(value, parts.randomElement(using: &random)!) }
    for part in parts {
      if Bool.random(using: &random) {
        let bytes = StateSupport.bytes { write(part, &$0) }
        release(part)
        bytes.withUnsafeBufferPointer {
          var reader = StateReader($0)
          #expect(read(&reader, part) && reader.isAtEnd)
        }
      }
      if part != parts[0] {
        merge(part, parts[0])
        #expect((0..<size).allSatisfy { part[$0] == 0 })
      }
    }
    body(parts[0])
    release(parts[0])
    for part in parts { part.deallocate() }
  }

  private static func doubles(_ random: inout Random) -> [Double] {
    let kind = Int.random(in: 0..<8, using: &random)
    var values = (0..<Int.random(in: 1...30, using: &random)).map { _ -> Double in
      switch kind {
      case 0: return Double(Int.random(in: -1_000_000...1_000_000, using: &random)) / 100
      case 1: return StateSupport.double(&random)
      case 2: return Double(bitPattern: random.next() & 0x800F_FFFF_FFFF_FFFF)
      case 3: return [1e308, -1e308, 1.7e308, 1, 1e-300].randomElement(using: &random)!
      case 4: return 1e9 + Double(Int.random(in: 0...10, using: &random)) / 1024
      case 5: return Double(Int64(bitPattern: random.next()))
      case 6: return [1, -1, 1e16, -1e16, 1e-16, 0x1p-53, 0x1p-54, -0.0].randomElement(using: &random)!
      default: return Double(Int.random(in: 1...9, using: &random)) * [1e-30, 1e-12, 1, 1e15, 1e40].randomElement(using: &random)!
      }
    }
    // Cancellation leaves the smallest alone.
    if Bool.random(using: &random) { values += values.shuffled(using: &random).dropLast().map { -$0 } }
    return values
  }

  private static func decimals(_ random: inout Random) -> [Number] {
    let kind = Int.random(in: 0..<4, using: &random)
    var values = (0..<Int.random(in: 1...30, using: &random)).map { _ -> Number in
      switch kind {
      case 0: return Number(Int128(Int.random(in: -1_000_000...1_000_000, using: &random)), scale: 2)
      case 1: return StateSupport.decimal(&random)
      case 2: return Number(StateSupport.int(&random))
      default: return Number(Int128(Int64(bitPattern: random.next())), scale: Int32.random(in: 0...9, using: &random))
      }
    }
    if Bool.random(using: &random) {
      values += values.shuffled(using: &random).dropLast().map { Number(-$0.coefficient, scale: $0.scale) }
    }
    return values
  }

  private static func text(_ value: Double?) -> String { value.map { "\($0)" } ?? "fails" }

  /// The nearest, or one beside it.
  private static func isNear(_ text: String, _ expected: String) -> Bool {
    guard let a = Double(text), let b = Double(expected) else { return text == expected }
    return a == b || a.nextUp == b || a.nextDown == b
  }

  @Test("Sums, averages and variances are exact and rounded once, in any order and parts") func model() throws {
    var random = Random(5)
    let memory = StateMemory()
    var lines: [String] = []
    var results: [[String]] = []
    for _ in 0..<1000 {
      let values = Self.doubles(&random)
      var other = Random(random.next())
      let count = UInt64(values.count)
      var result: [String] = []
      Self.gather(
        values, size: ExactSum.size, &random, add: { ExactSum.add($0, $1, memory) }, merge: { ExactSum.sums.merge($0, into: $1, memory) },
        write: { ExactSum.sums.write($0, into: &$1) }, read: { ExactSum.sums.read(&$0, $1, memory) },
        release: { ExactSum.sums.release($0, memory) }
      ) { sum in
        result = [Self.text(ExactSum.sum(sum)), Self.text(ExactSum.average(sum, count))]
        Self.gather(
          values, size: ExactSum.squares.size, &other, add: { ExactSum.addSquare($0, $1, memory) },
          merge: { ExactSum.squares.merge($0, into: $1, memory) }, write: { ExactSum.squares.write($0, into: &$1) },
          read: { ExactSum.squares.read(&$0, $1, memory) }, release: { ExactSum.squares.release($0, memory) }
        ) { squares in
          for root in [false, true] { result.append(count < 2 ? "-" : Self.text(ExactSum.variance(sum, squares, count, root: root))) }
        }
      }
      lines.append((["f"] + values.map { Self.hex($0) }).joined(separator: " "))
      results.append(result)
    }
    for _ in 0..<1000 {
      let values = Self.decimals(&random)
      let count = UInt64(values.count)
      var result: [String] = []
      Self.gather(
        values, size: DecimalSum.size, &random, add: { DecimalSum.add($0, $1, memory) }, merge: { DecimalSum.merge($0, into: $1, memory) },
        write: { DecimalSum.write($0, into: &$1) }, read: { DecimalSum.read(&$0, $1, memory) }, release: { DecimalSum.release($0, memory) }
      ) { sum in
        let (number, scale) = DecimalSum.value(sum)
        result = [DecimalSum.result(sum), number.quotient(scale, by: count, digits: 18)].map { $0?.description ?? "fails" }
      }
      Self.gather(
        values, size: DecimalSquares.size, &random, add: { DecimalSquares.add($0, $1, memory) },
        merge: { DecimalSquares.merge($0, into: $1, memory) }, write: { DecimalSquares.write($0, into: &$1) },
        read: { DecimalSquares.read(&$0, $1, memory) }, release: { DecimalSquares.release($0, memory) }
      ) { squares in
        for root in [false, true] { result.append(count < 2 ? "-" : Self.text(DecimalSquares.variance(squares, count, root: root))) }
      }
      lines.append((["d"] + values.map(\.description)).joined(separator: " "))
      results.append(result)
    }
    let outcome = try Support.run("/usr/bin/env", ["python3", "-c", Self.model], input: lines.joined(separator: "\n"))
    let expected = outcome.out.split(separator: "\n").map { $0.split(separator: " ").map(String.init) }
    try #require(expected.count == lines.count, "\(outcome.err)")
    var wrong = 0
    for (index, line) in lines.enumerated() where wrong < 10 {
      let same = zip(results[index], expected[index]).enumerated().allSatisfy { place, pair in
        if pair.0 == pair.1 { return true }
        return line.hasPrefix("f") || place > 1 ? place == 3 ? Self.isNear(pair.0, pair.1) : Double(pair.0) == Double(pair.1) : false
      }
      if same { continue }
      wrong += 1
      Issue.record("\(line) gives \(results[index]), not \(expected[index])")
    }
    #expect(results.count { $0.contains("fails") } > 30)
  }

  private static func hex(_ value: Double) -> String {
    let bits = value.bitPattern
    let (exponent, fraction) = (Int(bits >> 52 & 0x7FF), bits & (1 << 52 - 1))
    let digits = String(fraction, radix: 16)
    let padded = String(repeating: "0", count: 13 - digits.count) + digits
    return (bits >> 63 == 1 ? "-" : "") + "0x\(exponent == 0 ? 0 : 1).\(padded)p\(exponent == 0 ? -1022 : exponent - 1023)"
  }

  @Test("Usual numbers stay in their entry; what is kept aside is given back") func aside() {
    var random = Random(6)
    let memory = StateMemory()
    let state = UnsafeMutablePointer<UInt64>.allocate(capacity: 6)
    defer { state.deallocate() }
    state.initialize(repeating: 0, count: 6)
    for _ in 0..<100_000 { ExactSum.add(Double(Int.random(in: 1...100_000_000, using: &random)) / 1000, state, memory) }
    ExactSum.add(1e17, state, memory)
    ExactSum.add(1e-4, state, memory)
    #expect(memory.bytes == 0)
    ExactSum.sums.release(state, memory)
    for _ in 0..<3 {
      for _ in 0..<100 { ExactSum.add(StateSupport.double(&random), state, memory) }
      #expect(state[0] == FixedPoint.spilled && memory.bytes > 0 && memory.bytes < 8192)
      ExactSum.sums.release(state, memory)
    }
  }

  @Test("Blocks of all sizes serve again") func memory() {
    var random = Random(7)
    let memory = StateMemory()
    var blocks: [(UnsafeMutableRawPointer, Int, UInt8)] = []
    var most = 0
    for round in 0..<50_000 {
      if blocks.count < 200 || (round < 40_000 && Bool.random(using: &random)) {
        let size =
          Int.random(in: 0...7, using: &random) == 0 ? Int.random(in: 0...9000, using: &random) : Int.random(in: 0...64, using: &random)
        let block = memory.allocate(size)
        let mark = UInt8.random(in: 0...255, using: &random)
        block.initializeMemory(as: UInt8.self, repeating: mark, count: size)
        blocks.append((block, size, mark))
      } else {
        let (block, size, mark) = blocks.swapAt(Int.random(in: 0..<blocks.count, using: &random))
        #expect(UnsafeRawBufferPointer(start: block, count: size).allSatisfy { $0 == mark })
        memory.release(block, size)
      }
      if round == 20_000 { most = memory.bytes }
    }
    #expect(memory.bytes < most * 3)
    memory.removeAll()
    #expect(memory.bytes == 0)
  }
}

extension Array {
  /// Takes an element out; the last one takes its place.
  fileprivate mutating func swapAt(_ index: Int) -> Element {
    swapAt(index, count - 1)
    return removeLast()
  }
}
