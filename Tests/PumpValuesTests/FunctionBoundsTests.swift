import Foundation
import PumpTestSupport
import Testing

@testable import PumpValues

/// Values at the edges of their types, and work that grows no faster than what is given.
@Suite struct FunctionBoundsTests {
  private let c = Context()
  private func text(_ string: String) -> Text { c.arena.copy(string) }

  @Test("R1: texts are cut and filled by any number") func textBounds() {
    let s = text("abc")
    #expect(
      Fn.substring(s, -1, .min, c).string == "" && Fn.substring(s, -1, 2, c).string == "a" && Fn.substring(s, .min, .max, c).string == "abc"
    )
    #expect(Fn.substring(s, .min, 5, c).string == "" && Fn.substring(s, 1, .max, c).string == "bc" && Fn.truncate(s, .min, c).string == "")
    #expect(Fn.padStart(s, .min, text("-"), c).string == "abc" && Fn.padEnd(s, 5, text("-+"), c).string == "abc-+")
    #expect(Fn.length(Fn.padStart(s, .max, text("-"), c), c) == 1 << 20)
  }

  @Test("R1, D38: times stay within the years 1 to 9999") func timeBounds() throws {
    #expect(throws: EventFailure.self) { try Fn.addMonths(Day(0), .min, c) }
    #expect(throws: EventFailure.self) { try Fn.addMonths(Day(0), .max, c) }
    #expect(throws: EventFailure.self) { try Fn.floorTo(Timestamp(-3_600_000_000), Duration(9_223_372_036_800_000_000), c) }
    #expect(throws: EventFailure.self) {
      try Fn.floorTo(Calendar.timestamp(text("0001-01-01T00:00:00Z"))!, Duration(7 * Calendar.dayMicros), c)
    }
    #expect(throws: EventFailure.self) {
      try Fn.formatTime(Calendar.timestamp(text("9999-12-31T23:00:00Z"))!, text("%Y"), text("Pacific/Auckland"), c)
    }
    #expect(throws: EventFailure.self) {
      try Fn.formatTime(Calendar.timestamp(text("0001-01-01T00:00:00Z"))!, text("%Y"), text("America/New_York"), c)
    }
  }

  @Test("R4: an empty text is repeated at once") func repeated() throws {
    #expect(try Fn.repeat(Text(), .max, c).isEmpty && Fn.repeat(text("a"), .min, c).isEmpty)
    #expect(throws: EventFailure.self) { try Fn.repeat(text("ab"), .max, c) }
  }

  @Test("R4: no function makes a text that is many times its arguments") func amplification() {
    let (many, long) = (text(String(repeating: "a", count: 20_000)), text(String(repeating: "b", count: 20_000)))
    #expect(throws: EventFailure.self) { try Fn.replace(many, text("a"), long, c) }
    #expect(throws: EventFailure.self) { try Fn.replaceAll(many, text("a"), long, c) }
    #expect(throws: EventFailure.self) { try Fn.replaceAll(long, text("(b+)"), text(String(repeating: "$1", count: 10_000)), c) }
    #expect(throws: EventFailure.self) { try Fn.join(Fn.split(many, text("a"), c), long, c) }
  }

  @Test("R1: a Size is never negative") func sizes() throws {
    #expect(throws: EventFailure.self) { try Fn.bytes(-1, c) }
    #expect(try Fn.bytes(.max, c).bytes == .max)
  }

  // What took the square of its size took hours for these.

  @Test("R5: distinct of many", .timeLimit(.minutes(1))) func distinct() {
    let numbers = List((0..<400_000).map { Int64($0 % 200_000) }, c.arena)
    #expect(Fn.distinct(numbers, c).count == 200_000)
    let maps = List(
      (0..<2000).map { i in
        let entries = [Entry(text("a"), Int64(i % 1000)), Entry(text("b"), 1)]
        return Map(List(i < 1000 ? entries : entries.reversed(), c.arena))
      }, c.arena)
    // Maps are equal whatever the order of their entries.
    #expect(Fn.distinct(maps, c).count == 1000)
  }

  @Test(
    "R5: maps of many keys are read, merged and compared; of equal keys the last counts, at the first one's place",
    .timeLimit(.minutes(1))) func maps() throws
  {
    let json = "{" + (0..<300_000).map { "\"k\($0 % 200_000)\":\($0)" }.joined(separator: ",") + "}"
    let copy = text(json)
    (UnsafeMutablePointer(mutating: copy.base) + copy.count).pointee = 0
    var reader = JSONReader(copy, c.arena)
    let map = try Map<Int64>(from: &reader)
    #expect(map.entries.count == 200_000 && map.entries[0].value == 200_000 && map.entries[150_000].value == 150_000)
    let column = Column(.map(.int))
    #expect(
      column.shape.read(copy, into: column, 0, c.arena, JSONOptions()) && column.shape.read(copy, into: column, 1, c.arena, JSONOptions()))
    #expect(column.get(Slice.self, 0).count == 200_000 && Column.equal(column, 0, column, 1))
    #expect(!column.shape.read(copy, into: column, 2, c.arena, JSONOptions(strict: true)))
    let merged = try Fn.merge(map, map, c)
    #expect(merged == map && merged.entries.count == 200_000)
    let object = try Fn.merge(Json(copy), Json(copy), c)
    #expect(try Fn.jsonKeys(object, c).count == 300_000 && Fn.jsonMember(object, text("k0"), c).text.string == "200000")
  }

  @Test("R5: a part is looked for in linear time", .timeLimit(.minutes(1))) func searching() {
    let all = text(String(repeating: "a", count: 1 << 20))
    let part = text(String(repeating: "a", count: 1 << 19) + "b")
    #expect(!Fn.contains(all, part, c) && Fn.split(all, part, c).count == 1)
    // The linear search finds what the plain one would.
    var random = Support.Random(5)
    for _ in 0..<3000 {
      func some(_ count: Int) -> String { String((0..<count).map { _ in Bool.random(using: &random) ? "a" : "b" }) }
      let (whole, part) = (some(Int.random(in: 0...200, using: &random)), some(Int.random(in: 1...9, using: &random)))
      #expect(
        Fn.indexOf(text(whole), text(part), c).map { Int($0) }
          == whole.range(of: part).map { whole.distance(from: whole.startIndex, to: $0.lowerBound) })
    }
  }

  @Test("R8: names of zones that are none are not kept") func zoneNames() {
    var zones = Zones()
    for number in 0..<1000 { #expect(throws: EventFailure.self) { try zones.offset(text("Nowhere/\(number)"), at: Timestamp(0)) } }
    for name in ["Europe//Prague", "/Europe/Prague", "../zoneinfo/UTC", "Europe", "", "Europe/Prague/"] {
      #expect(throws: EventFailure.self) { try zones.offset(text(name), at: Timestamp(0)) }
    }
    #expect("\(zones)".utf8.count < 1000)
  }

  @Test("D41: numbers in texts are JSON's", arguments: ["0x1p3", "+5", " 5", "5 ", "", "05", "5.", ".5", "1e", "inf", "nan", "5\u{0}"])
  func notNumbers(_ string: String) {
    #expect(throws: EventFailure.self) { try Fn.toFloat(text(string), c) }
    #expect(throws: EventFailure.self) { try Fn.toInt(text(string), c) }
  }
  @Test("D41") func numbers() throws {
    #expect(try Fn.toFloat(text("-12.5e2"), c) == -1250 && Fn.toInt(text("-9223372036854775808"), c) == .min)
  }

  @Test("R27: an address is all of its text, and a mapped one is the one that it maps") func addresses() throws {
    for bad in ["10.0.0.1\u{0}x", "10.0.0.1\u{0}", "10.0.0", "10.0.0.1 ", "::1%lo"] {
      #expect(!Fn.isIp(text(bad), c) && !Fn.isIpv4(text(bad), c))
      #expect(throws: EventFailure.self) { try Fn.isPrivateIp(text(bad), c) }
      #expect(throws: EventFailure.self) { try Fn.ipIn(text(bad), text("10.0.0.0/8"), c) }
    }
    for bad in ["10.0.0.0", "10.0.0.0/33", "10.0.0.0/+8", "10.0.0.0/8/8", "10.0.0.0\u{0}/8", "10.0.0.0/"] {
      #expect(throws: EventFailure.self) { try Fn.ipIn(text("10.0.0.1"), text(bad), c) }
    }
    // As Python's `ipaddress` has them.
    for (address, isPrivate) in [
      ("::ffff:10.0.0.1", true), ("::ffff:8.8.8.8", false), ("::FFFF:c0a8:101", true), ("::1", true), ("fe80::1", true),
      ("2001:4860::1", false),
      ("127.0.0.1", true), ("172.31.255.255", true), ("172.32.0.0", false),
    ] { #expect(try Fn.isPrivateIp(text(address), c) == isPrivate, "\(address)") }
    #expect(!Fn.isIpv4(text("::ffff:10.0.0.1"), c) && Fn.isIpv6(text("::ffff:10.0.0.1"), c))
    for (address, network, isIn) in [
      ("::ffff:10.1.2.3", "10.0.0.0/8", true), ("10.1.2.3", "::ffff:10.0.0.0/104", true), ("::ffff:11.1.2.3", "10.0.0.0/8", false),
      ("::ffff:10.1.2.3", "::/0", true), ("10.1.2.3", "::/0", false), ("10.1.2.3", "0.0.0.0/0", true), ("::10.1.2.3", "10.0.0.0/8", false),
    ] { #expect(try Fn.ipIn(text(address), text(network), c) == isIn, "\(address) in \(network)") }
  }

  @Test("D47: UUIDs of version 7 rise, also where the clock goes back") func risingUuids() {
    var last = ""
    for seed in [nil, 7] as [UInt64?] {
      last = ""
      let context = Context(now: Timestamp(1_700_000_000_000_000), seed: seed)
      for round in 0..<20_000 {
        if round == 10_000 { context.now = Timestamp(1_600_000_000_000_000) }
        let next = Fn.toString(Fn.uuidV7(context), context).string
        #expect(next > last && Array(next)[14] == "7" && "89ab".contains(Array(next)[19]))
        last = next
        context.arena.reset()
      }
    }
    // Another context of the process goes on behind.
    let other = Context(now: Timestamp(1_700_000_000_000_000))
    let first = Context(now: Timestamp(1_700_000_000_000_000))
    let (a, b, d) = (Fn.uuidV7(first), Fn.uuidV7(other), Fn.uuidV7(first))
    #expect(a.high < b.high && b.high < d.high)
  }

  @Test("L11: RFC 4231, test cases 1 and 2") func hmac() {
    #expect(
      Fn.hmacSha256(text("what do ya want for nothing?"), text("Jefe"), c).string
        == "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843")
    #expect(
      Fn.hmacSha256(text("Hi There"), text(String(repeating: "\u{0B}", count: 20)), c).string
        == "b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7")
  }
}
