import Foundation
import PumpCompiler
import PumpTestSupport
import Testing

/// Small wrong programs, as people write them who come from other languages or mistype: each has one finding, at the wrong word, which
/// says what was meant. `Tests/Golden/mistakes` holds them by kind, each with what is said of it; the lines of `programs.txt` stand at
/// the top of a file, all others are a step; those of `state-….txt` stand behind `time`, with streams beside them.
@Suite struct MistakesTests {
  private static let frame = (
    before: """
    config shop { min: Decimal = 5.0 }
    enum Currency { EUR, CZK }
    type Order {
      id: Int, customer: String, total: Decimal, currency: Currency, note: String?, at: Timestamp, big: Bool, ratio: Float,
      items: [{ sku: String, q: Int }], address: { city: String }?, limit: Int?,
    }
    connection lite: SQLite { path = "a.db" }

    pipeline big {
      source file.lines("in.ndjson")
        |> decode json as Order
        |> filter .total > config.shop.min

    """,
    after: """

        |> sink lite.table("big")
      on error halt
    }

    """
  )

  private static let streams = """
    connection lite: SQLite { path = "a.db" }
    type Order {
      id: Int, customer: String, total: Decimal, note: String?, at: Timestamp, seen: Timestamp?, big: Bool, ratio: Float,
      items: [{ sku: String, q: Int }], address: { city: String }?, json: Json,
    }
    type Payment { at: Timestamp, order_id: Int, amount: Decimal }

    stream payments {
      source file.lines("payments.ndjson") |> decode json as Payment |> time .at late 10s
      on error halt
    }
    stream counts {
      source payments |> group by .order_id emit on change { n: count() }
      on error halt
    }
    pipeline kept {
      source counts |> sink lite.table("counts", key: [order_id])
      on error halt
    }

    """

  /// The program of a case, and where the case begins in it.
  private static func program(_ text: String, isStep: Bool, isState: Bool) -> (text: String, start: Int, indent: Int) {
    if isState {
      let start = streams.split(separator: "\n", omittingEmptySubsequences: false).count
      guard text.hasPrefix("|>") else { return (streams + text + "\n", start, 0) }
      let before = "pipeline p {\n  source file.lines(\"in.ndjson\") |> decode json as Order |> time .at late 10s\n    "
      let end = text.contains("|> sink") || text.contains("=> ") ? "" : "\n    |> encode json |> sink file.lines(\"out.ndjson\")"
      return (streams + before + text + end + "\n  on error halt\n}\n", start + 2, 4)
    }
    if isStep {
      let ends = ["sink", "insert", "rout", "route", "switch", "branch", "output"].contains {
        text.hasPrefix("|> \($0) ") || text.hasPrefix("|> \($0)(")
      }
      let end = String(frame.after.drop { $0 != "\n" }.dropFirst().drop { $0 != "\n" })
      let after = ends ? end : frame.after
      let written = text.hasPrefix("|> encode ") ? "\n    |> sink file.lines(\"out.csv\")" + end : after
      return (frame.before + "    " + text + written, frame.before.split(separator: "\n", omittingEmptySubsequences: false).count, 4)
    }
    let before = frame.before + "    |> filter .big" + frame.after
    return (before + text + "\n", before.split(separator: "\n", omittingEmptySubsequences: false).count, 0)
  }

  /// What is said of a case, and what is wrong with that.
  private static func answer(_ text: String, isStep: Bool, isState: Bool) throws -> (text: String, problem: String?) {
    // A case of several lines has its breaks written as `⏎`.
    let (program, start, indent) = program(text.replacingOccurrences(of: "⏎", with: "\n"), isStep: isStep, isState: isState)
    let found = Support.compile(program).diagnostics
    var lines: [String] = []
    var problem: String? = found.count == 1 ? nil : "\(found.count) findings"
    for finding in found {
      let place = finding.span.source.position(finding.span.start)
      let line = place.line - start + 1
      if !(1...text.split(separator: "⏎").count).contains(line) { problem = "the finding stands on line \(line)" }
      lines.append("\(line):\(place.column - indent) \(finding.code.id) \(finding.message)")
      if let help = finding.help { lines.append("help: \(help)") }
      guard let fix = finding.fix, fix.confidence == .certain else { continue }
      var bytes = Array(program.utf8)
      for edit in fix.edits.sorted(by: { $0.span.start > $1.span.start }) {
        bytes.replaceSubrange(edit.span.start..<edit.span.end, with: edit.replacement.utf8)
      }
      let mended = String(decoding: bytes, as: UTF8.self)
      let changed = mended.split(separator: "\n", omittingEmptySubsequences: false)[start - 1]
      lines.append("fix: \(changed.dropFirst(indent))")
      let left = Support.compile(mended).diagnostics.filter { $0.severity == .error }
      if let first = left.first { problem = "the fix leaves: \(first.message)" }
    }
    return (lines.joined(separator: "\n"), problem)
  }

  @Test(arguments: try! FileManager.default.contentsOfDirectory(atPath: Support.root + "/Tests/Golden/mistakes").sorted())
  func mistakes(_ name: String) throws {
    let text = try String(contentsOfFile: "\(Support.root)/Tests/Golden/mistakes/\(name)", encoding: .utf8)
    var result: [String] = []
    for line in text.split(separator: "\n") where line.hasPrefix("> ") {
      let (answer, problem) = try Self.answer(String(line.dropFirst(2)), isStep: name != "programs.txt", isState: name.hasPrefix("state-"))
      if let problem { Issue.record("\(name): \(line): \(problem)\n\(answer)") }
      result.append("\(line)\n\(answer)\n")
    }
    try Support.expectGolden("mistakes/\(name)", result.joined(separator: "\n"))
  }
}
