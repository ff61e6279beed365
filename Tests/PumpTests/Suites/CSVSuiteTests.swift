import Foundation
import PumpTestSupport
import Testing

/// max-mapper/csv-spectrum and sineemore/csv-test-data, each file read by its lines and by its bytes.
@Suite struct CSVSuiteTests {
  /// A file and what it holds; nil for one that is no CSV.
  private struct Case {
    let name: String
    let data: Data
    let columns: [String]
    let hasHeader: Bool
    let rows: [[String]]?
  }

  /// The rows of each case by each way, and how many events failed.
  private static func read(_ cases: [Case]) throws -> [(lines: String, bytes: String, failures: Int)] {
    let path = try Support.temporaryFolder()
    defer { try? FileManager.default.removeItem(atPath: path) }
    var spec = ""
    for (number, one) in cases.enumerated() {
      try one.data.write(to: URL(fileURLWithPath: "\(path)/\(number).csv"))
      let fields = one.columns.enumerated().map { "f\($0): String as \"\($1)\"" }.joined(separator: ", ")
      spec += "type T\(number) { \(fields) }\n"
      for way in ["lines", "bytes"] {
        spec += """
          pipeline \(way)\(number) {
            source file.\(way)("\(number).csv") |> decode csv\(one.hasHeader ? "(header: true)" : "") as T\(number)
              |> encode json |> sink file.lines("\(number).\(way)")
            on error |> map { m: .message } |> encode json |> sink file.lines("\(number).\(way).dead")
          }

          """
      }
    }
    try Data(spec.utf8).write(to: URL(fileURLWithPath: "\(path)/main.pump"))
    let outcome = try Support.run("pumpc", ["run", path])
    #expect(outcome.code == 0, "\(outcome.err)")
    func text(_ name: String) -> String { (try? String(contentsOfFile: "\(path)/\(name)", encoding: .utf8)) ?? "" }
    return cases.indices.map {
      let dead = text("\($0).lines.dead")
      #expect(dead == text("\($0).bytes.dead"))
      return (text("\($0).lines"), text("\($0).bytes"), dead.split(separator: "\n").count)
    }
  }

  private static func compare(_ suite: String, _ cases: [Case], listed: [String: [String]]) throws {
    var count = Suites.Count(suite, listed: listed)
    for (one, found) in zip(cases, try read(cases)) {
      #expect(found.lines == found.bytes, "\(one.name)")
      let rows = try found.lines.split(separator: "\n").map { line in
        let row = try JSONSerialization.jsonObject(with: Data(line.utf8)) as! [String: String]
        return one.columns.map { row[$0]! }
      }
      let agrees = one.rows.map { $0 == rows && found.failures == 0 } ?? (found.failures > 0)
      count.note(one.name, agrees, "\(rows), and \(found.failures) failed")
    }
    count.finish()
  }

  @Test(.enabled(if: Suites.has("csv-spectrum"), Suites.reason)) func spectrum() throws {
    let cases = try Suites.files("csv-spectrum/csvs", ".csv").map { file in
      let name = String(file.dropLast(4))
      let data = try Suites.data("csv-spectrum/csvs/\(file)")
      let header = String(decoding: data.prefix { $0 != 0x0A && $0 != 0x0D }, as: UTF8.self).components(separatedBy: ",")
      let json = try Suites.json("csv-spectrum/json/\(name).json")
      let rows = json as? [[String: String]] ?? [json as! [String: String]]
      return Case(name: name, data: data, columns: header, hasHeader: true, rows: rows.map { row in header.map { row[$0] ?? "?" } })
    }
    try Self.compare(
      "csv-spectrum", cases, listed: ["the answer's telephone number is not the one in the file": ["location_coordinates"]])
  }

  @Test(.enabled(if: Suites.has("csv-test-data"), Suites.reason)) func testData() throws {
    let cases = try Suites.files("csv-test-data/csv", ".csv").map { file in
      let name = String(file.dropLast(4))
      let data = try Suites.data("csv-test-data/csv/\(file)")
      let hasHeader = name.contains("header-")
      guard !name.hasPrefix("bad-") else {
        return Case(name: name, data: data, columns: ["foo", "bar", "baz"], hasHeader: hasHeader, rows: nil)
      }
      let json = try Suites.json("csv-test-data/json/\(name).json")
      let columns = ["foo", "bar", "baz"]
      if hasHeader {
        let rows = (json as! [[String: String]]).map { row in columns.map { row[$0] ?? "?" } }
        return Case(name: name, data: data, columns: columns, hasHeader: true, rows: rows)
      }
      let rows = json as! [[String]]
      return Case(name: name, data: data, columns: rows[0].indices.map { "c\($0)" }, hasHeader: false, rows: rows)
    }
    try Self.compare(
      "csv-test-data", cases,
      listed: [
        "empty lines are no rows": ["all-empty", "empty-one-column"],
        "a quote within a cell without quotes is a character like any other": ["bad-unescaped-quote"],
      ])
  }
}
