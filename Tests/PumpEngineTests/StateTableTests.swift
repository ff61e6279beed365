import PumpTestSupport
import Testing

@testable import PumpRuntime
@testable import PumpValues

/// The table of states against a dictionary.
@Suite struct StateTableTests {
  private static func insert(_ table: StateTable, _ key: [UInt8]) -> (entry: Int32, isNew: Bool) {
    key.withUnsafeBufferPointer { table.insert($0) }
  }
  private static func find(_ table: StateTable, _ key: [UInt8]) -> Int32 { key.withUnsafeBufferPointer { table.find($0) } }

  @Test("Inserts and removals of any order do what a dictionary does", arguments: 1...12) func model(_ seed: Int) {
    var random = Support.Random(UInt64(seed))
    let words = seed % 4
    let table = StateTable(words: words)
    var model: [[UInt8]: UInt64] = [:]
    // Few keys, so that they come back, or many; short ones, or some that stand apart.
    let range = [20, 300, 5000][seed % 3]
    let lengths = [3, 12, 90][seed / 3 % 3]
    func key() -> [UInt8] {
      var key = Array("k\(Int.random(in: 0..<range, using: &random))".utf8)
      if key[key.count - 1] & 1 == 0 { key += Array(repeating: key[key.count - 1], count: lengths) }
      return key.last == 0x37 ? [] : key
    }
    for round in 0..<15_000 {
      let key = key()
      switch Int.random(in: 0..<5, using: &random) {
      case 0, 1, 2:
        let (entry, isNew) = Self.insert(table, key)
        #expect(isNew == (model[key] == nil))
        if words > 0 {
          #expect(table.state(entry)[words - 1] == model[key] ?? 0)
          table.state(entry)[words - 1] += 1
        }
        model[key, default: 0] += 1
      case 3:
        let entry = Self.find(table, key)
        #expect((entry >= 0) == (model[key] != nil))
        if entry >= 0 { #expect(Array(table.key(entry)) == key) }
      default:
        let entry = Self.find(table, key)
        if entry >= 0 { table.remove(entry) }
        model[key] = nil
      }
      #expect(table.count == model.count)
      if round % 4973 == 0 {
        var all: Set<[UInt8]> = []
        table.forEach { all.insert(Array(table.key($0))) }
        #expect(all == Set(model.keys))
        #expect(table.sorted().map { Array(table.key($0)) } == model.keys.sorted { $0.lexicographicallyPrecedes($1) })
      }
      if round == 9000 {
        table.removeAll()
        model = [:]
      }
    }
  }

  @Test("Keys of many rows at once do what they do one by one, up to a limit", arguments: [3, 400, 50_000])
  func batches(_ range: Int) {
    var random = Support.Random(UInt64(range))
    let (table, single) = (StateTable(words: 1), StateTable(words: 1))
    let limit = range * 3 / 4
    let column = Column(.string)
    let arena = Arena()
    for row in 0..<1000 { column.set(arena.copy("key-\(row)"), row) }
    let codec = KeyCodec([.string])
    var keys = PackedKeys()
    defer { keys.release() }
    let entries = UnsafeMutablePointer<Int32>.allocate(capacity: 1000)
    let isNew = UnsafeMutablePointer<Bool>.allocate(capacity: 1000)
    defer {
      entries.deallocate()
      isNew.deallocate()
    }
    for _ in 0..<100 {
      let count = Int.random(in: 0...1000, using: &random)
      for row in 0..<count { column.set(arena.copy("key-\(Int.random(in: 0..<range, using: &random))"), row) }
      keys.removeAll()
      codec.pack([column], 0..<count, into: &keys)
      #expect(keys.count == count)
      table.insert(keys, limit: limit, into: entries, isNew: isNew)
      for row in 0..<count {
        let known = single.find(keys[row])
        let isTaken = known >= 0 || single.count < limit
        #expect((entries[row] >= 0) == isTaken && isNew[row] == (isTaken && known < 0))
        if isTaken { #expect(Array(table.key(entries[row])) == Array(keys[row]) && single.insert(keys[row]).isNew == isNew[row]) }
      }
      table.find(keys, into: entries)
      #expect((0..<count).allSatisfy { (entries[$0] >= 0) == (single.find(keys[$0]) >= 0) })
    }
    #expect(table.count == single.count && table.count == min(limit, table.count))
  }

  @Test("States stay where they are while others come and go") func addresses() {
    let table = StateTable(words: 2)
    let (entry, _) = Self.insert(table, [7, 7])
    let state = table.state(entry)
    state[1] = 42
    for number in 0..<100_000 { _ = Self.insert(table, Array("\(number)".utf8)) }
    for number in stride(from: 0, to: 100_000, by: 2) { table.remove(Self.find(table, Array("\(number)".utf8))) }
    #expect(table.state(entry) == state && state[1] == 42 && Self.find(table, [7, 7]) == entry)
    table.forEach { if $0 != entry { table.remove($0) } }
    #expect(table.count == 1 && state[1] == 42)
  }

  @Test("Memory is bounded by what is there at once, whatever the lengths of keys") func bounded() {
    let table = StateTable(words: 3)
    var most = 0
    for number in 0..<150_000 {
      let length = number / 1000 % 60
      var key = Array("\(number)".utf8)
      key += Array(repeating: 1, count: length)
      _ = Self.insert(table, key)
      if number >= 1000 {
        var old = Array("\(number - 1000)".utf8)
        old += Array(repeating: 1, count: (number - 1000) / 1000 % 60)
        table.remove(Self.find(table, old))
      }
      if number == 70_000 { most = table.bytes }
    }
    #expect(table.count == 1000 && table.bytes <= most * 2)
    table.removeAll()
    #expect(table.bytes < 1 << 21)
  }

  @Test("Keys that follow each other are spread") func spread() {
    // The upper bits choose the slot: of 2^16 slots, keys as counters have them fill as many as random ones would.
    for width in [4, 8, 12, 20, 33] {
      for step in [1, 2, 256, 65_536, 1 << 20] {
        var seen: Set<UInt64> = []
        for number in 0..<65_536 {
          var key = Array(repeating: UInt8(0), count: width)
          withUnsafeBytes(of: UInt64(number * step).bigEndian) { bytes in
            for place in 0..<min(8, width) { key[width - 1 - place] = bytes[7 - place] }
          }
          seen.insert(KeyHash.of(key, width) >> 48)
        }
        // 1 - 1/e of them, and 6 sigma.
        if width >= 8 || step <= 65_536 { #expect(abs(seen.count - 41_427) < 900, "\(width) bytes, steps of \(step): \(seen.count)") }
      }
    }
  }
}
