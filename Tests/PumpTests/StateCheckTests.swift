import Foundation
import PumpCompiler
import PumpTestSupport
import Testing

/// What `check` says of pipelines whose steps keep something.
@Suite struct StateCheckTests {
  /// The bound of every kind of step, and that its results are the same in each run.
  @Test func bounds() throws {
    let outcome = try Support.run("pumpc", ["check", "--types", "state.pump"], folder: Support.root + "/Tests/Golden/programs/state")
    let said = outcome.out.split(separator: "\n").filter { $0.contains(" keeps at most ") || $0.contains(": reproducible") }
    try Support.expectGolden("checks/bounds.txt", said.joined(separator: "\n") + "\n")
  }

  /// What keeps results from being the same, in a pipeline and in what feeds it.
  @Test func variations() throws {
    let spec = """
      type Order { at: Timestamp, id: Int, customer: String, amount: Decimal }
      type Customer { name: String }
      connection db: SQLite { path = "a.db" }
      fn age(at: Timestamp) -> Duration = now() - at
      fn old(at: Timestamp) -> Bool = age(at) > 1d

      stream payments {
        source file.lines("payments/*.ndjson")
          |> decode json as Order
          |> time .at late 10s idle 5m
        on error halt
      }

      pipeline plain {
        source file.lines("in.ndjson")
          |> decode json as Order
          |> filter not old(.at)
          |> lookup db.table("customers", key: .customer) as who: Customer
          |> encode json
          |> sink file.lines("plain.ndjson")
        on error halt
      }

      pipeline same {
        source file.lines("in.ndjson")
          |> decode json as Order
          |> time .at late 10s
          |> group by .customer window tumbling 1m { n: count(), users: distinct(.id, limit: 1_000) }
          |> encode json
          |> sink file.lines("same.ndjson")
        on error halt
      }

      pipeline other {
        source file.lines("in/*.ndjson")
          |> decode json as Order
          |> time .at late 10s
          |> filter not old(.at)
          |> lookup db.table("customers", key: .customer) as who: Customer
          |> set { key: uuid_v4() }
          |> dedupe by .id within 1h as read
          |> join payments as payment on .id == payment.id within 10m
          |> encode json
          |> sink file.lines("other.ndjson")
        on error halt
      }

      """
    let folder = try Support.temporaryFolder()
    defer { try? FileManager.default.removeItem(atPath: folder) }
    try Data(spec.utf8).write(to: URL(fileURLWithPath: folder + "/spec.pump"))
    let outcome = try Support.run("pumpc", ["check", "spec.pump"], folder: folder)
    try Support.expectGolden("checks/variations.txt", outcome.out + outcome.err)
  }

  /// The section of the README: its spec prints of its events what stands there.
  @Test func readme() throws {
    let text = try String(contentsOfFile: Support.root + "/README.md", encoding: .utf8)
    let start = try #require(text.firstRange(of: "## Time and state\n")).upperBound
    let blocks = text[start...].split(separator: "```", maxSplits: 6, omittingEmptySubsequences: false)
    let (spec, events, shown) = (blocks[1].dropFirst(5), blocks[3].dropFirst(), blocks[5].dropFirst())
    let folder = try Support.temporaryFolder()
    defer { try? FileManager.default.removeItem(atPath: folder) }
    try Data(spec.utf8).write(to: URL(fileURLWithPath: folder + "/minutes.pump"))
    try Data(events.utf8).write(to: URL(fileURLWithPath: folder + "/readings.ndjson"))
    #expect(try Support.run("pumpc", ["fmt", "--check", "minutes.pump"], folder: folder).code == 0)
    let outcome = try Support.run("pumpc", ["run", "minutes.pump"], folder: folder)
    let late = try String(contentsOfFile: folder + "/late.ndjson", encoding: .utf8)
    #expect("$ pumpc run minutes.pump\n\(outcome.out)$ cat late.ndjson\n\(late)" == String(shown), "\(outcome.err)")
  }
}
