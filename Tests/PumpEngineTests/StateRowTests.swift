import Testing

@testable import PumpRuntime
@testable import PumpValues

/// Values of all shapes as bytes and back.
@Suite struct StateRowTests {
  private typealias Random = StateSupport.Random

  @Test("Values of any shape come back as they were") func roundTrip() {
    var random = Random(1)
    for _ in 0..<800 {
      let shape = StateSupport.shape(&random, depth: 3, key: false)
      let (column, copy, arena) = (Column(shape), Column(shape), Arena())
      for row in 0..<4 { StateSupport.fill(column, row, &random, arena) }
      let codec = RowCodec(shape)
      for row in 0..<4 {
        let bytes = StateSupport.bytes { codec.pack(column, row, into: &$0) }
        #expect(bytes.withUnsafeBufferPointer { codec.unpack($0, into: copy, row, arena) })
        #expect(Column.equal(column, row, copy, row), "\(shape.name) \(bytes)")
        #expect(StateSupport.bytes { codec.pack(copy, row, into: &$0) } == bytes)
      }
    }
  }

  @Test("Open records keep what their type does not name, and missing fields") func openRecords() throws {
    let arena = Arena()
    let shape = Shape.record(
      "Open", [.init("id", .int), .init("name", Shape.string.optional), .init("rest", .map(.json), isRest: true)])
    let column = Column(shape)
    column.setPresent(0)
    column.children[0].set(Int64(-7), 0)
    column.children[1].setNull(0)
    let entries = column.children[2].children[0]
    entries.setPresent(0)
    entries.children[0].set(Text("x"), 0)
    entries.children[1].set(Text("[1,{}]"), 0)
    column.children[2].set(Slice(0, 1), 0)
    let codec = RowCodec(shape)
    let bytes = StateSupport.bytes { codec.pack(column, 0, into: &$0) }
    #expect(bytes.count == 12)
    let copy = Column(shape)
    try #require(bytes.withUnsafeBufferPointer { codec.unpack($0, into: copy, 5, arena) })
    #expect(Column.equal(column, 0, copy, 5))
  }

  @Test("Damaged bytes are refused, never a trap, and never much memory") func damaged() {
    var random = Random(3)
    var refused = 0
    for _ in 0..<8000 {
      let shape = StateSupport.shape(&random, depth: 3, key: false)
      let (column, arena) = (Column(shape), Arena())
      StateSupport.fill(column, 0, &random, arena)
      let codec = RowCodec(shape)
      var bytes = StateSupport.bytes { codec.pack(column, 0, into: &$0) }
      for _ in 0..<Int.random(in: 1...3, using: &random) where !bytes.isEmpty {
        let place = Int.random(in: 0..<bytes.count, using: &random)
        switch Int.random(in: 0..<3, using: &random) {
        case 0: bytes[place] = UInt8.random(in: 0...255, using: &random)
        case 1: bytes.removeLast(bytes.count - place)
        default: bytes.insert(UInt8.random(in: 0...255, using: &random), at: place)
        }
      }
      let copy = Column(shape)
      if bytes.withUnsafeBufferPointer({ codec.unpack($0, into: copy, 0, arena) }) {
        _ = StateSupport.bytes { codec.pack(copy, 0, into: &$0) }
      } else {
        refused += 1
      }
    }
    #expect(refused > 2000)
  }
}
