import Glibc
import Testing

@testable import PumpConnectorKit
@testable import PumpRuntime
@testable import PumpValues

/// Lines that go on with the event of the line before, against a model that knows all lines.
@Suite struct JoinTests {
  private struct Event: Equatable, CustomStringConvertible {
    let text: String
    let line: Int64
    let offset: Int64
    var description: String { "\(line)@\(offset) \(text.debugDescription)" }
  }

  /// What the events of a text are, or the beginnings of those that are too long.
  private static func model(_ text: String, _ limit: Int) -> [Event] {
    var events: [Event] = []
    var open: (lines: [String], line: Int64, offset: Int64, size: Int)?
    func close() {
      guard let (lines, line, offset, size) = open else { return }
      open = nil
      events.append(Event(text: size > limit ? "too long" : lines.joined(separator: "\n"), line: line, offset: offset))
    }
    var offset: Int64 = 0
    let pieces = text.utf8.split(separator: 0x0A, omittingEmptySubsequences: false)
    for (index, piece) in pieces.enumerated() where index < pieces.count - 1 || !piece.isEmpty {
      var line = String(decoding: piece, as: UTF8.self)
      let width = piece.count
      if line.unicodeScalars.last == "\r" { line.unicodeScalars.removeLast() }
      if line.isEmpty {
        close()
      } else if line.hasPrefix(" "), let before = open {
        open = (before.lines + [line], before.line, before.offset, Int(offset - before.offset) + width)
      } else {
        close()
        open = ([line], Int64(index + 1), offset, width)
      }
      offset += Int64(width) + 1
    }
    close()
    return events
  }

  /// The events of a text that comes in pieces.
  private static func events(_ pieces: [[UInt8]], _ limit: Int) throws -> [Event] {
    var ends: [Int32] = [0, 0]
    try #require(pipe(&ends) == 0)
    let stream = try ByteStream(ends[0], path: "pipe", unpack: false, stop: StopSignal())
    let framing = try Framing.joined(by: #"^ "#, "t", limit: limit)!
    let splitter = LineSplitter(limit: limit, framing: framing)
    let batch = Batch()
    var events: [Event] = []
    func read(final: Bool) throws -> Bool {
      batch.clear()
      let more = try splitter.next(stream, batch, final: final) { "\($0.line)@\($0.offset)" }
      let places = splitter.places
      var found = (0..<batch.count).map { Event(text: batch.events[$0].string, line: places[$0].line, offset: places[$0].offset) }
      for failure in batch.refused {
        let place = failure.payload!.meta.split(separator: "@").map { Int64($0)! }
        found.append(Event(text: "too long", line: place[0], offset: place[1]))
      }
      events += found.sorted { $0.offset < $1.offset }
      return more
    }
    for piece in pieces {
      _ = piece.withUnsafeBytes { write(ends[1], $0.baseAddress!, $0.count) }
      _ = try read(final: true)
    }
    close(ends[1])
    while try read(final: true) {}
    return events
  }

  @Test func random() throws {
    var random = SystemRandomNumberGenerator()
    let lines = ["a", " b", " ", "", "\r", "c\r", " d\r", "a longer line", " one that goes on, and on", "é", " \r", "\u{FEFF}x"]
    for round in 0..<3000 {
      let count = Int.random(in: 0...9, using: &random)
      var text = (0..<count).map { _ in lines.randomElement(using: &random)! }.joined(separator: "\n")
      if Bool.random(using: &random) { text += "\n" }
      let limit = round % 2 == 0 ? 1000 : Int.random(in: 5...30, using: &random)
      var pieces: [[UInt8]] = []
      var rest = Array(text.utf8)[...]
      while !rest.isEmpty {
        let size = Int.random(in: 1...min(rest.count, 8), using: &random)
        pieces.append(Array(rest.prefix(size)))
        rest = rest.dropFirst(size)
      }
      guard !text.utf8.starts(with: [0xEF, 0xBB, 0xBF]) else { continue }
      let found = try Self.events(pieces, limit)
      let expected = Self.model(text, limit)
      #expect(found == expected, "\(text.debugDescription) in \(pieces.map(\.count)), at most \(limit)")
      guard found == expected else { return }
      // Tests of the language cut what is given by the same scanner.
      let arena = Arena()
      let framing = try Framing.joined(by: "^ ", "t", limit: .max)!
      let whole = framing.cut(arena.copy(text)).records.map { $0.withoutReturns(arena).string }
      #expect(whole == Self.model(text, .max).map(\.text), "\(text.debugDescription)")
    }
  }

  @Test("a line that is longer than an event may be, and one that is not UTF-8") func hostile() throws {
    let long = Array(" \(String(repeating: "x", count: 700_000))\n".utf8)
    let pieces = [Array("a\n".utf8), long, Array(" y\nb\n".utf8)]
    var parts: [[UInt8]] = []
    for piece in pieces {
      for start in stride(from: 0, to: piece.count, by: 60_000) { parts.append(Array(piece[start..<min(piece.count, start + 60_000)])) }
    }
    #expect(try Self.events(parts, 100_000).map(\.text) == ["too long", "b"])
    #expect(try Self.events([[0x61, 0x0A, 0x20, 0xFF, 0x0A, 0x62]], 100).map(\.line) == [1, 3])
    #expect(throws: RunFailure.self) { try Framing.joined(by: "(", "t", limit: 10) }
  }
}
