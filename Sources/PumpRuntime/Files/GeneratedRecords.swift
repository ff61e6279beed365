/// `generate.records(count: 1000, seed: 1) as T`: plausible records of a type, the same for the same seed, within what the
/// type's `where` allows.
final class GenerateConnector: Connector {
  func source(_ context: EndpointContext) throws(RunFailure) -> any Source { GenerateSource(context) }
}

private final class GenerateSource: Source {
  private let shape: Shape
  private let root: MadeValue
  private let count: Int64?
  private let random: Context
  private var made: Int64 = 0

  init(_ context: EndpointContext) {
    shape = context.spec.shape!
    let arguments = GenerateRecordsSourceArguments(context.settings)
    root = MadeValue(shape, name: "", path: "", arguments.where.flatMap { TestValue($0) } ?? .null)
    count = arguments.count
    random = Context(seed: UInt64(bitPattern: arguments.seed))
  }

  var ends: Bool { count != nil }

  func next(_ batch: Batch) throws(RunFailure) -> Bool {
    let left = count.map { $0 - made } ?? 1024
    guard left > 0 else { return false }
    let records = batch.recordColumn(shape)
    let rows = Int(min(left, 1024))
    for row in 0..<rows {
      root.fill(records, row, made, random, batch.context.arena)
      made += 1
    }
    batch.count = rows
    return true
  }
}

/// How the values of one place in the records are made.
private struct MadeValue {
  private let shape: Shape
  private let name: String
  private let limits: TestValue
  private let children: [MadeValue]

  init(_ shape: Shape, name: String, path: String, _ all: TestValue) {
    self.shape = shape
    self.name = name
    limits = all.member([path]) ?? .null
    children =
      switch shape.kind {
      case .record: shape.fields.map { MadeValue($0.shape, name: $0.name, path: "\(path).\($0.name)", all) }
      case .list: [MadeValue(shape.element!, name: name, path: path + "[]", all)]
      default: []
      }
  }

  func fill(_ column: Column, _ row: Int, _ made: Int64, _ random: Context, _ arena: Arena) {
    func pick(_ bound: UInt64) -> UInt64 { random.nextRandom() % bound }
    if column.shape.isOptional, pick(5) == 0 { return column.setNull(row) }
    let choice = choices.isEmpty ? nil : choices[Int(pick(UInt64(choices.count)))]
    func whole(_ usual: ClosedRange<Int64>, scale: Int = 0) -> Int64 {
      let range = range(usual, scale)
      let span = UInt64(bitPattern: range.upperBound &- range.lowerBound)
      return range.lowerBound &+ Int64(bitPattern: span == .max ? random.nextRandom() : pick(span + 1))
    }
    func number(_ usual: ClosedRange<Int64>) -> Int64 { choice.flatMap { Int64($0) } ?? whole(usual) }
    func decimal() -> Decimal { choice.flatMap { Decimal($0) } ?? single ?? Decimal(Int128(whole(0...99_999, scale: 2)), scale: 2) }
    let start: Int64 = 1_704_067_200_000_000
    switch column.shape.kind {
    case .bool: column.set(pick(2) == 0, row)
    case .int: column.set(name == "id" && !isLimited ? made + 1 : number(0...999), row)
    case .float: column.set(choice.flatMap { Double($0) } ?? decimal().double, row)
    case .decimal: column.set(decimal(), row)
    case .string: column.set(arena.copy(choice ?? text(name.isEmpty ? "text" : name, pick(10_000))), row)
    case .bytes: column.set(Blob(arena.copy("bytes-\(pick(10_000))")), row)
    case .timestamp: column.set(Timestamp(isLimited ? number(start...start + 31_536_000_000_000) : start + made * 1_000_000), row)
    case .date: column.set(Day(number(19_723...20_087)), row)
    case .duration: column.set(Duration(isLimited ? number(0...3_599_000_000) : Int64(pick(3600)) * 1_000_000), row)
    case .size: column.set(Size(number(0...1_048_575)), row)
    case .uuid: column.set(Fn.uuidV4(random), row)
    case .json: column.set(Text("{}"), row)
    case .enumeration:
      let index = choice.flatMap { column.shape.cases.firstIndex(of: $0) }
      column.set(index.map(Int64.init) ?? Int64(pick(UInt64(max(1, column.shape.cases.count)))), row)
    case .list:
      let child = column.children[0]
      let first = child.count
      let (least, most) = lengths
      let length = Int(least) + Int(pick(UInt64(max(0, (most ?? least + 3) - least)) + 1))
      for i in 0..<length { children[0].fill(child, first + i, made, random, arena) }
      column.set(Slice(first, length), row)
    case .map: column.set(Slice(column.children[0].count, 0), row)
    case .record:
      column.setPresent(row)
      for (value, child) in zip(children, column.children) { value.fill(child, row, made, random, arena) }
    }
  }

  // MARK: Limits

  private var isLimited: Bool { limits != .null }

  private func text(_ key: String) -> String? { if case .string(let text)? = limits.member([key]) { text } else { nil } }

  private var choices: [String] {
    guard case .array(let items)? = limits.member(["choices"]) else { return [] }
    return items.compactMap { if case .string(let text) = $0 { text } else { nil } }
  }

  private var lengths: (least: Int64, most: Int64?) {
    (max(0, text("shortest").flatMap { Int64($0) } ?? 0), text("longest").flatMap { Int64($0) })
  }

  private func text(_ name: String, _ number: UInt64) -> String {
    var text = "\(name)-\(number)"
    let (least, most) = lengths
    if text.count < least { text += String(repeating: "x", count: Int(least) - text.count) }
    if let most { text = String(text.prefix(max(0, Int(most)))) }
    return text
  }

  /// Numbers, times 10 to the `scale`, that the limits leave of the usual ones; others where none of those is left.
  private func range(_ usual: ClosedRange<Int64>, _ scale: Int) -> ClosedRange<Int64> {
    func scaled(_ key: String, _ step: Int64, up: Bool) -> Int64? {
      guard let value = text(key).flatMap({ Decimal($0) }), let product = try? Decimal.product(value, Decimal(scale == 2 ? 100 : 1)) else {
        return nil
      }
      let floor = product.floored().whole
      let isWhole = product.isWhole
      return floor.map { step == 0 ? $0 + (up && !isWhole ? 1 : 0) : up ? $0 + 1 : isWhole ? $0 - 1 : $0 }
    }
    let low = [scaled("least", 0, up: true), scaled("above", 1, up: true)].compactMap { $0 }.max()
    let high = [scaled("most", 0, up: false), scaled("below", 1, up: false)].compactMap { $0 }.min()
    let span = usual.upperBound - usual.lowerBound
    switch (low, high) {
    case (let low?, let high?): return low...max(low, high)
    case (let low?, nil):
      return low > usual.upperBound
        ? low...(low.addingReportingOverflow(span).overflow ? .max : low + span) : max(low, usual.lowerBound)...usual.upperBound
    case (nil, let high?):
      return high < usual.lowerBound
        ? (high.subtractingReportingOverflow(span).overflow ? .min : high - span)...high : usual.lowerBound...min(high, usual.upperBound)
    case (nil, nil): return usual
    }
  }

  /// The one number that is tried where two decimals leave nothing between the limits.
  private var single: Decimal? {
    guard let low = text("least").flatMap({ Decimal($0) }) ?? text("above").flatMap({ Decimal($0) }),
      let high = text("most").flatMap({ Decimal($0) }) ?? text("below").flatMap({ Decimal($0) }),
      let width = try? Decimal.sum(high, Decimal(-low.coefficient, scale: low.scale)),
      let cents = try? Decimal.product(width, Decimal(100)), cents.floored().whole ?? 1 < 1
    else { return nil }
    return text("least") != nil
      ? low : text("most") != nil ? high : (try? Decimal.product(Decimal(5, scale: 1), (try? Decimal.sum(low, high)) ?? low))
  }
}
