import Foundation
import Testing

@testable import PumpValues

/// JSON-Schema-Test-Suite, the optional formats of its draft 2020-12 that Pump has types or functions for.
@Suite struct JSONSchemaFormatTests {
  private static let suite = "JSON-Schema-Test-Suite"
  private static let formats = ["date-time", "date", "duration", "uuid", "ipv4", "ipv6"]

  private static func reads(_ format: String, _ text: Text, _ c: Context) -> Bool {
    switch format {
    case "date-time": (try? Fn.toTimestamp(text, c)) != nil
    case "date": Calendar.day(text) != nil
    case "duration": Calendar.duration(text) != nil
    case "uuid": (try? Fn.toUuid(text, c)) != nil
    case "ipv4": Fn.isIpv4(text, c)
    default: Fn.isIpv6(text, c)
    }
  }

  @Test(.enabled(if: Suites.has(suite), Suites.reason), arguments: formats) func format(_ format: String) throws {
    var count = Suites.Count("\(Self.suite)/\(format)", listed: Self.differing[format] ?? [:])
    let c = Context()
    for group in try Suites.json("\(Self.suite)/tests/draft2020-12/optional/format/\(format).json") as! [[String: Any]] {
      for test in group["tests"] as! [[String: Any]] {
        // What is no text has no format.
        guard let data = test["data"] as? String else { continue }
        let isRead = Self.reads(format, c.arena.copy(data), c)
        count.note(test["description"] as! String, isRead == (test["valid"] as! Bool), "\"\(data)\" is \(isRead ? "read" : "refused")")
      }
    }
    count.finish()
  }

  private static let differing: [String: [String: [String]]] = [
    "duration": [
      "ISO 8601 has fractions": [
        "fractional duration is not allowed by RFC 3339 ABNF"
      ],
      "ISO 8601-2 and PostgreSQL have signs": [
        "a leading sign is not allowed", "a sign inside a component is invalid",
      ],
      "a Duration has 64 bits of microseconds": [
        "a component with many digits is valid"
      ],
      "months and years have no fixed length, so they are no Duration": [
        "all date and time components", "date components only", "four years duration", "month and day",
        "months and days can appear without years", "multi-digit values in all components", "one month duration",
        "years and months can appear without days",
      ],
      "parts may be left out, as ISO 8601 has it": [
        "hours and seconds cannot appear without minutes", "weeks cannot be combined with a time component",
      ],
    ]
  ]
}
