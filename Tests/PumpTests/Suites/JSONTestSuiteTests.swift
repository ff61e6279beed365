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
  private static let decided: [String: [String]] = [
    "JSON is UTF-8 (RFC 8259, 8.1)": [
      "i_string_UTF-16LE_with_BOM", "i_string_utf16BE_no_BOM", "i_string_utf16LE_no_BOM",
    ],
    "a byte order mark is taken off an event, not off a text within it": [
      "i_structure_UTF-8_BOM_empty_object"
    ],
    "half of a surrogate pair is no character": [
      "i_object_key_lone_2nd_surrogate", "i_string_1st_surrogate_but_2nd_missing", "i_string_1st_valid_surrogate_2nd_invalid",
      "i_string_incomplete_surrogate_and_escape_valid", "i_string_incomplete_surrogate_pair",
      "i_string_incomplete_surrogates_escape_valid", "i_string_invalid_lonely_surrogate", "i_string_invalid_surrogate",
      "i_string_inverted_surrogates_U+1D11E", "i_string_lone_second_surrogate",
    ],
    "the bytes are no UTF-8": [
      "i_string_UTF-8_invalid_sequence", "i_string_UTF8_surrogate_U+D800", "i_string_invalid_utf-8", "i_string_iso_latin_1",
      "i_string_lone_utf8_continuation_byte", "i_string_not_in_unicode_range", "i_string_overlong_sequence_2_bytes",
      "i_string_overlong_sequence_6_bytes", "i_string_overlong_sequence_6_bytes_null", "i_string_truncated-utf-8",
    ],
  ]
}
