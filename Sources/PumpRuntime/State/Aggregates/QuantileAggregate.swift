import Glibc

/// `median` and `quantile`: all values, of which two are interpolated, as SQL's percentile_cont does. The share is taken as the decimal number
/// that it is written as. A Decimal result is exact where 38 digits suffice; a time is rounded half to even to a microsecond.
final class QuantileAggregate: Aggregate {
  private let kind: Shape.Kind
  /// The share, as a whole number over 10^shareScale.
  private let share: Whole
  private let shareScale: Int

  override init(_ spec: AggregateSpec, _ shape: Shape, _ memory: StateMemory) {
    kind = shape.kind
    let written = spec.function == .median ? 0.5 : min(1, max(0, spec.share ?? 0.5))
    // What is too small for a Decimal is nothing.
    let decimal = (Decimal("\(written)") ?? Decimal(0)).normalized
    (share, shareScale) = (Whole(decimal.coefficient), Int(decimal.scale))
    super.init(spec, shape, memory)
  }

  override var size: Int { 1 }
  /// Bytes of a value: its order as `KeyOrder` has it; of a Decimal the coefficient and the scale.
  private var width: Int { kind == .decimal ? 24 : 8 }

  override func add(_ batch: AggregateBatch) {
    let column = argument(batch)
    switch kind {
    case .decimal:
      let values = column.pointer(Decimal.self)
      each(batch) { state, row in append(values[row], state) }
    case .float:
      let values = column.pointer(Double.self)
      each(batch) { state, row in append(KeyOrder.of(values[row]), state) }
    default:
      let values = column.pointer(Int64.self)
      each(batch) { state, row in append(KeyOrder.of(values[row]), state) }
    }
  }

  private func append(_ order: UInt64, _ state: AggregateState) {
    ValueBlock.grow(state, by: 8, 1, limit: spec.limit, memory)?.storeBytes(of: order, as: UInt64.self)
  }
  private func append(_ value: Decimal, _ state: AggregateState) {
    guard let target = ValueBlock.grow(state, by: 24, 1, limit: spec.limit, memory) else { return }
    target.storeBytes(of: value.coefficient, as: Int128.self)
    target.storeBytes(of: Int64(value.scale), toByteOffset: 16, as: Int64.self)
  }

  override func merge(_ other: AggregateState, into state: AggregateState) {
    ValueBlock.merge(other, into: state, limit: spec.limit, memory)
  }

  override func finish(_ state: AggregateState, _ count: UInt64, into column: Column, _ row: Int, _ context: Context) throws(EventFailure) {
    if state[0] == ValueBlock.overflowed { throw tooMany }
    guard let block = ValueBlock(state[0]) else { throw Aggregate.damaged }
    // Where the result lies among the sorted values: a place and a part of the way to the next one, over 10^shareScale.
    var place = share * Whole(Int128(block.count - 1))
    let whole = Whole(Decimal.powers[shareScale])
    let position = Decimal(Int128(place.short!) / Decimal.powers[shareScale])
    let low = Int(position.coefficient)
    place = place - Whole(position.coefficient) * whole
    let high = min(low + 1, block.count - 1)
    if kind == .decimal {
      let values = decimals(block).sorted()
      column.set(decimal(values[low], values[high], place, whole), row)
      return
    }
    let orders = UnsafeRawBufferPointer(block.values).bindMemory(to: UInt64.self).sorted()
    if kind == .float {
      column.set(try float(KeyOrder.double(orders[low]), KeyOrder.double(orders[high]), place, whole), row)
    } else if column.shape.kind == .decimal {
      column.set(decimal(Decimal(KeyOrder.int(orders[low])), Decimal(KeyOrder.int(orders[high])), place, whole), row)
    } else {
      let (a, b) = (Whole(Int128(KeyOrder.int(orders[low]))), Whole(Int128(KeyOrder.int(orders[high]))))
      // Between the two, so it fits.
      let value = (a * (whole - place) + b * place).quotient(shareScale, by: 1, digits: 0)!
      column.set(Int64(truncatingIfNeeded: value.coefficient), row)
    }
  }

  private func decimals(_ block: ValueBlock) -> [Decimal] {
    let bytes = UnsafeRawBufferPointer(block.values)
    return (0..<block.count).map {
      Decimal(
        bytes.loadUnaligned(fromByteOffset: $0 * 24, as: Int128.self),
        scale: Int32(truncatingIfNeeded: bytes.loadUnaligned(fromByteOffset: $0 * 24 + 16, as: Int64.self)))
    }
  }

  private func decimal(_ a: Decimal, _ b: Decimal, _ place: Whole, _ whole: Whole) -> Decimal {
    let scale = Int(max(a.scale, b.scale))
    let (x, y) = (Whole(a.coefficient).timesTen(scale - Int(a.scale)), Whole(b.coefficient).timesTen(scale - Int(b.scale)))
    let value = x * (whole - place) + y * place
    return (value.decimal(scale + shareScale) ?? value.quotient(scale + shareScale, by: 1, digits: 38)!).normalized
  }

  private func float(_ a: Double, _ b: Double, _ place: Whole, _ whole: Whole) throws(EventFailure) -> Double {
    if place.isZero || a == b { return a }
    let ((x, xExponent), (y, yExponent)) = (ExactSum.whole(a), ExactSum.whole(b))
    let exponent = min(xExponent, yExponent)
    let value = (x * (whole - place)).shifted(left: xExponent - exponent) + (y * place).shifted(left: yExponent - exponent)
    return value.quotient(exponent, Whole.tens(shareScale), root: false) ?? a
  }

  override func release(_ state: AggregateState) { ValueBlock.release(state, memory) }

  override func write(_ state: AggregateState, into buffer: inout ByteBuffer) {
    if state[0] == ValueBlock.overflowed { return buffer.byte(1) }
    let block = ValueBlock(state[0])
    buffer.state(UInt64(block?.count ?? 0) << 1)
    if let block { buffer.raw(block.values.baseAddress!, block.values.count) }
  }

  override func read(_ reader: inout StateReader, _ state: AggregateState) -> Bool {
    guard let head = reader.count() else { return false }
    if head == 1 {
      state[0] = ValueBlock.overflowed
      return true
    }
    guard head & 1 == 0, let bytes = reader.slice((head >> 1) * width) else { return false }
    if head == 0 { return true }
    guard let target = ValueBlock.grow(state, by: bytes.count, head >> 1, limit: spec.limit, memory) else { return true }
    memcpy(target, bytes.baseAddress!, bytes.count)
    let block = ValueBlock(state[0])!
    if kind == .decimal {
      return decimals(block).allSatisfy { (0...38).contains($0.scale) && $0.coefficient.magnitude <= UInt128(Decimal.limit) }
    }
    return UnsafeRawBufferPointer(block.values).bindMemory(to: UInt64.self).allSatisfy {
      kind == .float ? KeyOrder.double($0).isFinite : shape.holds(KeyOrder.int($0))
    }
  }
}
