import Foundation
import Testing

@testable import PumpValues

/// nigeltao/parse-number-fxx-test-data: texts of numbers, and the bits of the Float that is nearest to each.
@Suite struct NumberSuiteTests {
  private static let suite = "parse-number-fxx-test-data"

  /// Numbers are written as JSON has them.
  private static func isJSON(_ text: Substring) -> Bool { text.wholeMatch(of: /-?(0|[1-9][0-9]*)(\.[0-9]+)?([eE][-+]?[0-9]+)?/) != nil }

  @Test(.enabled(if: Suites.has(suite), Suites.reason), arguments: Suites.files("\(suite)/data", ".txt")) func floats(_ file: String) throws
  {
    var count = Suites.Count("\(Self.suite)/\(file)")
    var (foreign, large) = (0, 0)
    let shape = Shape.record("R", [Shape.Field("f", .float)])
    for (number, line) in String(decoding: try Suites.data("\(Self.suite)/data/\(file)"), as: UTF8.self).split(separator: "\n").enumerated()
    {
      let fields = line.split(separator: " ", maxSplits: 3)
      let (text, bits) = (fields[3], UInt64(fields[2], radix: 16)!)
      let c = Context(arena: Arena(chunkSize: 4096))
      let found = (try? Fn.toFloat(c.arena.copy(String(text)), c))?.bitPattern
      // As `decode json` reads it.
      let column = Column(shape)
      let isRead = shape.read(c.arena.copy("{\"f\":\(text)}"), into: column, 0, c.arena, JSONOptions())
      #expect((isRead ? column.children[0].get(Double.self, 0).bitPattern : nil) == found, "\(text)")
      let isWritten = Self.isJSON(text)
      let isFinite = Double(bitPattern: bits).isFinite
      if !isWritten { foreign += 1 } else if !isFinite { large += 1 }
      count.note(
        "\(number + 1)", found == (isWritten && isFinite ? bits : nil), "\(text) is \(found.map { String($0, radix: 16) } ?? "refused")")
    }
    count.finish(alike: ["refused, as JSON has no such number": foreign, "refused, as a Float is finite": large])
  }
}
