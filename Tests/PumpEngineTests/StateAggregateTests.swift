import PumpTestSupport
import Testing

@testable import PumpRuntime
@testable import PumpValues

private typealias Number = PumpValues.Decimal

/// Aggregates against a model that keeps all values.
@Suite struct StateAggregateTests {
  private typealias Random = StateSupport.Random
  private typealias Function = AggregateSpec.Function

  /// Columns for one aggregate, and the rows that count for it, by rank.
  private struct Input {
    let spec: AggregateSpec
    let argument: Column
    let condition: Column
    let order: Column
    let times: [Int64]
    let orders: [Int64]
    var columns: [Column] { [argument, condition, order] }

    func less(_ a: Int, _ b: Int) -> Bool { (times[a], orders[a], a) < (times[b], orders[b], b) }
  }

  private static func input(_ function: Function, _ random: inout Random, _ arena: Arena, ties: Bool) -> Input {
    func plain(_ shape: Shape) -> Shape { Shape.of(shape.type.wrapped) }
    let ordered: [Shape] = [
      .int, .float, .decimal, .string, .bytes, .timestamp, .date, .duration, .size, .uuid, .bool, StateSupport.enumeration(3),
    ]
    var argument: Shape
    switch function {
    case .sum: argument = [.int, .decimal, .float, .duration].randomElement(using: &random)!
    case .average: argument = [.int, .decimal, .float, .duration].randomElement(using: &random)!
    case .stddev, .variance: argument = [.int, .decimal, .float].randomElement(using: &random)!
    case .median, .quantile: argument = [.int, .decimal, .float, .duration, .timestamp].randomElement(using: &random)!
    case .min, .max: argument = ordered.randomElement(using: &random)!
    case .any, .all: argument = .bool
    case .distinct, .approxDistinct: argument = plain(StateSupport.shape(&random, key: true))
    default: argument = plain(StateSupport.shape(&random, key: false))
    }
    let by = Bool.random(using: &random) ? ordered.randomElement(using: &random)! : StateSupport.shape(&random, key: true)
    let hasCondition = Bool.random(using: &random)
    var result: Type
    switch function {
    case .count, .distinct, .approxDistinct: result = .int
    case .any, .all: result = .bool
    case .list, .top: result = .list(argument.type)
    case .stddev, .variance: result = .optional(.float)
    case .average, .median, .quantile: result = argument.kind == .int ? .decimal : argument.type
    default: result = argument.type
    }
    let isNeverNull: Set<Function> = [.count, .distinct, .approxDistinct, .any, .all, .list, .top]
    if hasCondition, !isNeverNull.contains(function) { result = result.asOptional }
    let limits: Set<Function> = [.list, .median, .quantile, .distinct, .top]
    let spec = AggregateSpec(
      function: function, argument: 0, condition: hasCondition ? 1 : nil, by: 2,
      limit: limits.contains(function) ? Int.random(in: 1...40, using: &random) : nil,
      share: [0, 0.1, 0.25, 0.5, 0.95, 1].randomElement(using: &random)!, count: Int.random(in: 1...5, using: &random),
      keepsTies: Bool.random(using: &random), argumentType: argument.type, byType: by.type, result: result)
    let input = Input(
      spec: spec, argument: Column(Shape.of(argument.type)), condition: Column(.bool), order: Column(Shape.of(by.type)),
      times: (0..<60).map { _ in Int64.random(in: 0...5, using: &random) },
      orders: ties ? (0..<60).map { _ in Int64.random(in: 0...2, using: &random) } : (0..<60).map { Int64($0 * 7 % 61) })
    let isSmall = function == .median || function == .quantile || Bool.random(using: &random)
    for row in 0..<60 {
      StateSupport.fill(input.argument, row, &random, arena)
      if isSmall {
        let number = Int.random(in: -20...20, using: &random)
        switch argument.kind {
        case .int, .duration, .timestamp: input.argument.set(Int64(number), row)
        case .float: input.argument.set(Double(number) / 4, row)
        case .decimal: input.argument.set(Number(Int128(number), scale: Int32.random(in: 0...2, using: &random)), row)
        default: break
        }
      }
      input.condition.set(Int.random(in: 0..<3, using: &random) > 0, row)
      StateSupport.fill(input.order, row, &random, arena)
    }
    return input
  }

  /// What the rows give, by the plainest way; nil if it fails.
  private static func expected(_ input: Input, _ rows: [Int], into out: Column, _ row: Int, _ context: Context) -> String? {
    let spec = input.spec
    let rows = rows.filter { spec.condition == nil || input.condition.get(Bool.self, $0) }
    let byRank = rows.sorted { input.less($0, $1) }
    let argument = input.argument
    func list(_ rows: [Int]) {
      let start = out.children[0].count
      for (index, source) in rows.enumerated() { out.children[0].copy(start + index, from: argument, source) }
      out.set(Slice(start, rows.count), row)
    }
    func one(_ source: Int?) { if let source { out.copy(row, from: argument, source) } else { out.setNothing(row) } }
    func best(_ column: Column, greatest: Bool) -> Int? {
      byRank.reduce(nil as Int?) { best, next in
        guard let best else { return next }
        let order = StateSupport.order(column, next, best)
        return (greatest ? order > 0 : order < 0) ? next : best
      }
    }
    let limitFailure = "more than \(spec.limit ?? 0) values"
    switch spec.function {
    case .count: out.set(Int64(rows.count), row)
    case .any: out.set(rows.contains { argument.get(Bool.self, $0) }, row)
    case .all: out.set(rows.allSatisfy { argument.get(Bool.self, $0) }, row)
    case .first: one(byRank.first)
    case .last: one(byRank.last)
    case .min: one(best(argument, greatest: false))
    case .max: one(best(argument, greatest: true))
    case .minBy: one(best(input.order, greatest: false))
    case .maxBy: one(best(input.order, greatest: true))
    case .list:
      if rows.count > spec.limit! { return limitFailure }
      list(byRank)
    case .top:
      let sorted = byRank.enumerated().sorted { a, b in
        let order = StateSupport.order(input.order, a.element, b.element)
        return order != 0 ? order > 0 : a.offset < b.offset
      }.map(\.element)
      let count = min(spec.count!, sorted.count)
      guard spec.keepsTies, count > 0 else {
        list(Array(sorted[..<count]))
        break
      }
      let kept = sorted.filter { StateSupport.order(input.order, $0, sorted[count - 1]) >= 0 }
      if kept.count > spec.limit! { return limitFailure }
      list(kept)
    case .distinct, .approxDistinct:
      let codec = KeyCodec([argument.shape])
      let keys = Set(rows.map { place in StateSupport.bytes { codec.pack([argument], place, into: &$0) } })
      if spec.function == .distinct, keys.count > spec.limit! { return limitFailure }
      out.set(Int64(keys.count), row)
    case .median, .quantile:
      if rows.count > spec.limit! { return limitFailure }
      let values = rows.map { number(argument, $0) }.sorted()
      if values.isEmpty {
        out.setNothing(row)
        return nil
      }
      let share = spec.function == .median ? Number("0.5")! : Number("\(spec.share!)")!
      let position = try! Number.product(share, Number(Int64(values.count - 1)))
      let low = Int(position.floored().coefficient)
      let part = try! Number.sum(position, Number(Int64(-low)))
      let high = values[min(low + 1, values.count - 1)]
      let width = try! Number.sum(high, Number(-values[low].coefficient, scale: values[low].scale))
      let value = try! Number.sum(values[low], Number.product(part, width))
      switch out.shape.kind {
      case .decimal: out.set(value, row)
      case .float: out.set(value.double, row)
      default: out.set(Int64(value.rounded(0).coefficient), row)
      }
    default: return total(spec, argument, rows, into: out, row)
    }
    return nil
  }

  private static func number(_ column: Column, _ row: Int) -> Number {
    switch column.shape.kind {
    case .decimal: column.get(Number.self, row)
    case .float: Number("\(column.get(Double.self, row))")!
    default: Number(column.get(Int64.self, row))
    }
  }

  /// Sums and what follows from them: `StateSumTests` says that these are right.
  private static func total(_ spec: AggregateSpec, _ argument: Column, _ rows: [Int], into out: Column, _ row: Int) -> String? {
    let memory = StateMemory()
    let words = UnsafeMutablePointer<UInt64>.allocate(capacity: 16)
    defer { words.deallocate() }
    words.initialize(repeating: 0, count: 16)
    let count = UInt64(rows.count)
    let isFloat = argument.shape.kind == .float
    for place in rows {
      if isFloat {
        ExactSum.add(argument.get(Double.self, place), words, memory)
        ExactSum.addSquare(argument.get(Double.self, place), words + 4, memory)
      } else {
        DecimalSum.add(number(argument, place), words, memory)
        DecimalSquares.add(number(argument, place), words + 4, memory)
      }
    }
    if rows.isEmpty || (rows.count == 1 && (spec.function == .variance || spec.function == .stddev)) {
      out.setNothing(row)
      return nil
    }
    switch (spec.function, isFloat) {
    case (.sum, true):
      guard let sum = ExactSum.sum(words) else { return "the sum is not a finite number" }
      out.set(sum, row)
    case (.average, true): out.set(ExactSum.average(words, count)!, row)
    case (.sum, false):
      let (number, scale) = DecimalSum.value(words)
      if out.shape.kind == .decimal {
        guard let sum = number.decimal(scale) else { return "the sum needs more than 38 digits" }
        out.set(sum, row)
      } else {
        guard let sum = Int64(exactly: number.decimal(scale)!.coefficient) else {
          return "the sum \(number.decimal(0)!) does not fit 64 bits"
        }
        out.set(sum, row)
      }
    case (.average, false):
      let (number, scale) = DecimalSum.value(words)
      if out.shape.kind == .decimal {
        out.set(number.quotient(scale, by: count, digits: 18)!, row)
      } else {
        out.set(Int64(number.quotient(scale, by: count, digits: 0)!.coefficient), row)
      }
    default:
      let root = spec.function == .stddev
      let value = isFloat ? ExactSum.variance(words, words + 4, count, root: root) : DecimalSquares.variance(words + 4, count, root: root)
      guard let value else { return "the \(root ? "standard deviation" : "variance") is not a finite number" }
      out.set(value, row)
    }
    return nil
  }

  @Test("Each aggregate gives what a model gives, in any order, in parts and from disk", arguments: AggregateSpec.Function.allCases)
  func model(_ function: AggregateSpec.Function) throws {
    var random = Random(function.rawValue.utf8.reduce(7) { $0 &* 31 &+ UInt64($1) })
    var failures = 0
    for round in 0..<150 {
      let context = Context()
      // Equal ranks are told apart by the order of adding, which then is that of the rows.
      let ties = round % 2 == 0
      let input = Self.input(function, &random, context.arena, ties: ties)
      let set = AggregateSet([AggregateSpec(function: .count, result: .int), input.spec])
      let partCount = Int.random(in: 1...3, using: &random)
      let words = UnsafeMutablePointer<UInt64>.allocate(capacity: set.words * partCount)
      defer { words.deallocate() }
      words.initialize(repeating: 0, count: set.words * partCount)
      let rowCount = round % 10 == 0 ? Int.random(in: 0...2, using: &random) : 60
      let borders = [0, rowCount] + (0..<2).map { _ in Int.random(in: 0...rowCount, using: &random) }
      var parts = (0..<rowCount).map { _ in Int.random(in: 0..<partCount, using: &random) }
      if ties { parts.sort() }
      let (times, orders) = (input.times, input.orders)
      for (start, end) in zip(borders.sorted(), borders.sorted().dropFirst()) {
        let states = parts[start..<end].map { words + $0 * set.words }
        times.withUnsafeBufferPointer { times in
          orders.withUnsafeBufferPointer { orders in
            states.withUnsafeBufferPointer {
              set.add($0, input.columns, start..<end, Ranks(times: times.baseAddress, orders: orders.baseAddress))
            }
          }
        }
      }
      for part in 0..<partCount {
        let state = words + part * set.words
        if Bool.random(using: &random) {
          let bytes = StateSupport.bytes { set.write(state, into: &$0) }
          set.release(state)
          #expect((0..<set.words).allSatisfy { state[$0] == 0 })
          #expect(bytes.withUnsafeBufferPointer { set.read($0, into: state) })
          #expect(StateSupport.bytes { set.write(state, into: &$0) } == bytes)
        }
        if part > 0 {
          set.merge(state, into: words)
          #expect((0..<set.words).allSatisfy { state[$0] == 0 })
        }
      }
      let shape = Shape.of(input.spec.result)
      let (out, model) = (Column(shape), Column(shape))
      let failure = Self.expected(input, Array(0..<rowCount), into: model, 0, context)
      let isEmpty = rowCount == 0 || !(0..<rowCount).contains { input.spec.condition == nil || input.condition.get(Bool.self, $0) }
      // A result is asked for again and again.
      for row in 0..<2 {
        do throws(EventFailure) {
          try set.finish(words, 1, into: out, row, context)
          #expect(failure == nil, "\(input.spec)")
          if failure == nil {
            #expect(Column.equal(out, row, model, 0), "\(input.spec): \(Self.json(out, row)), not \(Self.json(model, 0))")
          }
        } catch {
          if isEmpty, !shape.isOptional { continue }
          #expect(error.message == failure, "\(input.spec)")
        }
      }
      if failure != nil { failures += 1 }
      let number = Column(.int)
      try set.finish(words, 0, into: number, 0, context)
      #expect(number.get(Int64.self, 0) == Int64(rowCount))
      set.release(words)
      #expect((0..<set.words).allSatisfy { words[$0] == 0 })
    }
    let mayFail: Set<Function> = [.list, .median, .quantile, .distinct, .top]
    if mayFail.contains(function) { #expect(failures > 5 && failures < 145) }
  }

  private static func json(_ column: Column, _ row: Int) -> String {
    var buffer = ByteBuffer(capacity: 64)
    defer { buffer.release() }
    buffer.json(column, row, JSONOptions())
    return buffer.string
  }

  @Test("Damaged states are refused or stay within bounds, never a trap", arguments: AggregateSpec.Function.allCases)
  func damaged(_ function: AggregateSpec.Function) {
    var random = Random(UInt64(function.rawValue.utf8.count))
    for round in 0..<150 {
      let context = Context()
      let input = Self.input(function, &random, context.arena, ties: true)
      let set = AggregateSet([input.spec])
      let words = UnsafeMutablePointer<UInt64>.allocate(capacity: set.words * 2)
      defer { words.deallocate() }
      words.initialize(repeating: 0, count: set.words * 2)
      let count = round % 2 == 0 ? 3 : 40
      let states = Array(repeating: words, count: count)
      states.withUnsafeBufferPointer { set.add($0, input.columns, 0..<count, Ranks()) }
      let whole = StateSupport.bytes { set.write(words, into: &$0) }
      for _ in 0..<20 {
        var bytes = whole
        for _ in 0..<Int.random(in: 1...2, using: &random) where !bytes.isEmpty {
          let place = Int.random(in: 0..<bytes.count, using: &random)
          switch Int.random(in: 0..<4, using: &random) {
          case 0, 1: bytes[place] = UInt8.random(in: 0...255, using: &random)
          case 2: bytes.removeLast(bytes.count - place)
          default: bytes.insert(UInt8.random(in: 0...255, using: &random), at: place)
          }
        }
        let other = words + set.words
        guard bytes.withUnsafeBufferPointer({ set.read($0, into: other) }) else {
          #expect((0..<set.words).allSatisfy { other[$0] == 0 })
          continue
        }
        let out = Column(Shape.of(input.spec.result))
        try? set.finish(other, 0, into: out, 0, context)
        _ = StateSupport.bytes { set.write(other, into: &$0) }
        set.merge(other, into: words)
        try? set.finish(words, 0, into: out, 1, context)
        set.release(words)
        #expect(whole.withUnsafeBufferPointer { set.read($0, into: words) })
      }
    }
  }

  @Test("approx_distinct is near, and the same however it was put together") func approximate() throws {
    let spec = AggregateSpec(function: .approxDistinct, argument: 0, argumentType: .string, result: .int)
    let context = Context()
    for count in [1, 2, 10, 100, 1000, 3000, 20_000, 200_000] {
      let set = AggregateSet([spec])
      let words = UnsafeMutablePointer<UInt64>.allocate(capacity: set.words * 2)
      defer { words.deallocate() }
      words.initialize(repeating: 0, count: set.words * 2)
      let column = Column(.string)
      for row in 0..<count { column.set(context.arena.copy("user-\(row)"), row) }
      // Some in both parts.
      let halves = (0..<count).map { words + ($0 % 3 == 0 ? set.words : 0) }
      halves.withUnsafeBufferPointer { set.add($0, [column], 0..<count, Ranks()) }
      let all = Array(repeating: words, count: count / 2)
      all.withUnsafeBufferPointer { set.add($0, [column], 0..<count / 2, Ranks()) }
      set.merge(words + set.words, into: words)
      let single = words + set.words
      let again = Array(repeating: single, count: count)
      again.withUnsafeBufferPointer { set.add($0, [column], 0..<count, Ranks()) }
      let out = Column(.int)
      try set.finish(words, 0, into: out, 0, context)
      try set.finish(single, 0, into: out, 1, context)
      let estimate = out.get(Int64.self, 0)
      #expect(estimate == out.get(Int64.self, 1))
      // Three standard errors; few are counted.
      #expect(abs(Double(estimate) / Double(count) - 1) < (count <= 1000 ? 0.0001 : 0.025), "\(count): \(estimate)")
      if count == 10 { #expect(set.bytes <= 4096) }
    }
  }

  @Test("Values kept aside are given back") func memory() {
    let specs: [AggregateSpec] = [
      AggregateSpec(function: .max, argument: 0, argumentType: .string, result: .string),
      AggregateSpec(function: .last, argument: 0, argumentType: .string, result: .string),
      AggregateSpec(function: .list, argument: 0, limit: 100, argumentType: .string, result: .list(.string)),
      AggregateSpec(
        function: .top, argument: 0, by: 0, limit: 100, count: 3, argumentType: .string, byType: .string, result: .list(.string)),
      AggregateSpec(function: .distinct, argument: 0, limit: 100, argumentType: .string, result: .int),
      AggregateSpec(function: .approxDistinct, argument: 0, argumentType: .string, result: .int),
    ]
    let set = AggregateSet(specs)
    let words = UnsafeMutablePointer<UInt64>.allocate(capacity: set.words)
    defer { words.deallocate() }
    words.initialize(repeating: 0, count: set.words)
    let arena = Arena()
    let column = Column(.string)
    for row in 0..<50 { column.set(arena.copy(String(repeating: "x", count: row)), row) }
    let states = Array(repeating: words, count: 50)
    var most = 0
    for round in 0..<200 {
      states.withUnsafeBufferPointer { set.add($0, [column], 0..<50, Ranks()) }
      set.release(words)
      if round == 2 { most = set.bytes }
    }
    #expect(set.bytes == most && most < 100_000)
    set.releaseAll()
    #expect(set.bytes == 0)
  }
}
