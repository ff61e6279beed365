import Testing

@testable import PumpRuntime
@testable import PumpValues

/// Keys as bytes, against the values that they are of.
@Suite struct StateKeyTests {
  private typealias Random = StateSupport.Random

  @Test("Keys are ordered as their values, equal for equal ones, and can be read back") func order() {
    var random = Random(1)
    for _ in 0..<150 {
      let shapes = (0..<Int.random(in: 1...3, using: &random)).map { _ in StateSupport.shape(&random, key: true) }
      let columns = shapes.map { Column($0) }
      let arena = Arena()
      let codec = KeyCodec(shapes)
      let count = 24
      for row in 0..<count { for column in columns { StateSupport.fill(column, row, &random, arena) } }
      let keys = (0..<count).map { row in StateSupport.bytes { codec.pack(columns, row, into: &$0) } }
      let copies = shapes.map { Column($0) }
      for i in 0..<count {
        for j in 0..<count {
          let expected = columns.lazy.map { StateSupport.order($0, i, j) }.first { $0 != 0 } ?? 0
          #expect((keys[i] < keys[j] ? -1 : keys[j] < keys[i] ? 1 : 0) == expected, "\(shapes.map(\.name)) \(keys[i]) \(keys[j])")
          if i != j { #expect(keys[i] == keys[j] || !keys[j].starts(with: keys[i])) }
        }
        #expect(keys[i].withUnsafeBufferPointer { codec.unpack($0, into: copies, i, arena) })
        for (column, copy) in zip(columns, copies) { #expect(Column.equal(column, i, copy, i), "\(shapes.map(\.name)) \(keys[i])") }
      }
    }
  }

  @Test("Decimals of all sizes are ordered by value") func decimals() {
    var random = Random(2)
    var values = (0..<300).map { _ in StateSupport.decimal(&random) }
    for power in 0...37 {
      for scale in [0, 1, 19, 38] as [Int32] {
        let one = Decimal.powers[power]
        values += [
          Decimal(one, scale: scale), Decimal(-one - 1, scale: scale), Decimal(one * 10 - 1, scale: scale), Decimal(one + 1, scale: scale),
        ]
      }
    }
    let column = Column(.decimal)
    for (row, value) in values.enumerated() { column.set(value, row) }
    let codec = KeyCodec([.decimal])
    let keys = values.indices.map { row in StateSupport.bytes { codec.pack([column], row, into: &$0) } }
    let copy = Column(.decimal)
    for i in values.indices {
      let wrong = values.indices.first { j in
        (keys[i] < keys[j]) != (values[i] < values[j]) || (keys[i] == keys[j]) != (values[i] == values[j])
      }
      #expect(wrong == nil, "\(values[i]) and \(values[wrong ?? 0])")
      #expect(keys[i].withUnsafeBufferPointer { codec.unpack($0, into: [copy], i, Arena()) } && copy.get(Decimal.self, i) == values[i])
    }
  }

  @Test("Damaged keys are refused, never a trap") func damaged() {
    var random = Random(3)
    var refused = 0
    for _ in 0..<3000 {
      let shapes = (0..<2).map { _ in StateSupport.shape(&random, key: true) }
      let columns = shapes.map { Column($0) }
      let arena = Arena()
      for column in columns { StateSupport.fill(column, 0, &random, arena) }
      let codec = KeyCodec(shapes)
      var key = StateSupport.bytes { codec.pack(columns, 0, into: &$0) }
      for _ in 0..<Int.random(in: 1...3, using: &random) where !key.isEmpty {
        let place = Int.random(in: 0..<key.count, using: &random)
        if Bool.random(using: &random) { key[place] = UInt8.random(in: 0...255, using: &random) } else { key.removeLast(key.count - place) }
      }
      let read = shapes.map { Column($0) }
      guard key.withUnsafeBufferPointer({ codec.unpack($0, into: read, 0, arena) }) else {
        refused += 1
        continue
      }
      // What is taken is some value that has a key of its own.
      _ = StateSupport.bytes { codec.pack(read, 0, into: &$0) }
    }
    #expect(refused > 500)
  }
}
