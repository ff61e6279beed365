import Foundation
import Testing

@testable import PumpValues

/// nst/JSONTestSuite: what every reader of JSON takes (`y_`), what none does (`n_`), and what each may decide (`i_`).
@Suite struct JSONTestSuiteTests {
  private static let suite = "JSONTestSuite"

  private let c = Context()

  private func text(_ bytes: Data) -> Text { bytes.withUnsafeBytes { c.arena.copy($0.bindMemory(to: UInt8.self)) } }

  private func isTaken(_ bytes: Data) -> Bool { (try? Fn.parseJson(text(bytes), c)) != nil }

  /// As `decode json` reads a whole event.
  private func isDecoded(_ bytes: Data) -> Bool { Shape.json.read(text(bytes), into: Column(Shape.json), 0, c.arena, JSONOptions()) }

  /// As a field that the type does not ask for: its reader checks, and keeps nothing.
  private func isSkipped(_ bytes: Data) -> Bool {
    let shape = Shape.record("R", [Shape.Field("last", .int)])
    return shape.read(text(Data("{\"first\":".utf8) + bytes + Data(",\"last\":1}".utf8)), into: Column(shape), 0, c.arena, JSONOptions())
  }

  @Test(.enabled(if: Suites.has(suite), Suites.reason)) func parsing() throws {
    var count = Suites.Count(Self.suite, listed: Self.decided)
    for file in Suites.files("\(Self.suite)/test_parsing", ".json") {
      let bytes = try Suites.data("\(Self.suite)/test_parsing/\(file)")
      let name = String(file.dropLast(5))
      let isTaken = isTaken(bytes)
      // A byte order mark before an event is none of its JSON.
      if !name.contains("BOM") { #expect(isDecoded(bytes) == isTaken, "\(name)") }
      if name.hasPrefix("y_") {
        #expect(isSkipped(bytes), "\(name)")
        // A reader of others has the same value.
        let ours = try Fn.parseJson(text(bytes), c).text.string
        let value = { (data: Data) in try JSONSerialization.jsonObject(with: data, options: .fragmentsAllowed) as! NSObject }
        if let theirs = try? value(bytes) { #expect(try value(Data(ours.utf8)).isEqual(theirs), "\(name): \(ours)") }
      }
      // What readers decide is listed where it is refused.
      count.note(name, isTaken != name.hasPrefix("n_"), isTaken ? "it is taken" : "it is refused")
    }
    count.finish()
  }

  /// Cases that each reader decides and this one refuses, by why.
  private static let decided: [String: [String]] = [:]
}
