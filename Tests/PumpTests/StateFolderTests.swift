import Foundation
import PumpTestSupport
import Testing

/// What steps keep from run to run in the folder of state, and what `pumpc state` and `--reset-state` do with it.
@Suite struct StateFolderTests {
  private static let spec = """
    type Reading { at: Timestamp, sensor: String, n: Int }

    connection db: SQLite { path = "out.db" }

    pipeline minutes {
      source file.lines("in.ndjson", follow: true)
        |> decode json as Reading
        |> time .at late 10s
        |> group by .sensor window tumbling 1m { from: window.start, n: count(), total: sum(.n) }
        |> sink db.table("minutes", key: [sensor, from])
      on error halt
    }

    """

  private func place(_ spec: String = Self.spec, configured: Bool = true) throws -> TestProgram {
    var files = ["in.ndjson": ""]
    if configured { files["pipelines.conf"] = "[general]\nstate = state\n[pipeline:minutes:db.table(minutes)]\nbatch.linger = 20ms\n" }
    let program = try TestProgram(spec, files: files)
    let table = "create table minutes(sensor, \"from\", n, total, primary key (sensor, \"from\"))"
    try #require(Support.run("/usr/bin/env", ["sqlite3", "\(program.folder)/out.db", table]).code == 0)
    return program
  }

  private func rows(_ program: TestProgram) throws -> [String] {
    try Support.run("/usr/bin/env", ["sqlite3", "\(program.folder)/out.db", "select * from minutes order by 1, 2"]).out
      .split(separator: "\n").map(String.init)
  }

  /// Appends events of some minutes, and says which rows their windows give.
  private func append(_ program: TestProgram, minutes: Range<Int>, _ wanted: inout [String: (n: Int, total: Int)]) throws {
    var text = ""
    for minute in minutes {
      for second in 0..<50 {
        let sensor = "s\((minute + second) % 3)"
        text +=
          #"{"at":"2026-01-01T\#(two(minute / 60)):\#(two(minute % 60)):\#(two(second))Z","sensor":"\#(sensor)","n":\#(second)}"# + "\n"
        let key = "\(sensor)|2026-01-01T\(two(minute / 60)):\(two(minute % 60)):00Z"
        wanted[key, default: (0, 0)].n += 1
        wanted[key]!.total += second
      }
    }
    try program.append(text, to: "in.ndjson")
  }

  private func two(_ number: Int) -> String { number < 10 ? "0\(number)" : "\(number)" }

  @Test("windows that are open when it is stopped or killed have all their events, each once") func stopsAndKills() throws {
    let program = try place()
    var wanted: [String: (n: Int, total: Int)] = [:]
    for round in 0..<8 {
      // The last minute of a round is under way when it ends.
      try append(program, minutes: round * 5..<round * 5 + 5, &wanted)
      try program.start()
      #expect(try program.wait(seconds: 10) { try rows(program).count >= round * 15 + 9 }, "\(program.log)")
      if round % 2 == 0 { program.kill(SIGKILL) } else { #expect(try program.stop().code == 0) }
    }
    var late: [String: (n: Int, total: Int)] = [:]
    try append(program, minutes: 600..<601, &late)
    try program.start()
    #expect(try program.wait(seconds: 10) { try rows(program).count >= wanted.count }, "\(program.log)")
    _ = try program.stop()
    #expect(try rows(program) == wanted.sorted { $0.key < $1.key }.map { "\($0.key)|\($0.value.n)|\($0.value.total)" })
  }

  @Test("what has no end asks for a folder of state") func demanded() throws {
    let program = try place(configured: false)
    let check = try Support.run("pumpc", ["check", program.folder])
    #expect(check.code == 0 && check.out.contains("minutes: at_least_once; needs `state` in [general]\n"), "\(check.out)")
    let run = try Support.run("pumpc", ["run", program.folder])
    #expect(run.code == 2 && run.err.contains("`group` of `minutes` keeps something of the events of `file.lines`"), "\(run.err)")
    #expect(try Support.run("pumpc", ["config", program.folder]).out.contains("\nstate =\n"))
    // Who takes events at most once, or has an end, needs none.
    for (old, new) in [("pipeline minutes {", "pipeline minutes {\n  delivery = at_most_once"), (", follow: true", "")] {
      let other = try place(Self.spec.replacing(old, with: new), configured: false)
      let check = try Support.run("pumpc", ["check", "--config", "/dev/null", other.folder])
      #expect(check.code == 0 && !check.out.contains("[general]"), "\(check.out)")
    }
  }

  @Test("the folder can be looked into, and a step begins anew") func verbs() throws {
    let program = try place()
    let folder = program.folder
    var wanted: [String: (n: Int, total: Int)] = [:]
    try append(program, minutes: 0..<2, &wanted)
    func wait(_ count: Int) throws {
      try program.start()
      #expect(try program.wait(seconds: 10) { try rows(program).count >= count }, "\(program.log)")
      usleep(200_000)
      let held = try Support.run("pumpc", ["state", "list", folder])
      #expect(held.code == 1 && held.err.contains("another process uses the state folder"), "\(held.err)")
      _ = try program.stop()
    }
    try wait(3)
    let list = try Support.run("pumpc", ["state", "list", folder])
    #expect(list.out.contains("minutes: group: 3 entries, "), "\(list.out) \(list.err)")
    #expect(list.out.contains(", come to 2026-01-01T00:01:39Z\n") && list.out.contains("minutes: file.lines(in.ndjson): in.ndjson at "))
    let show = try Support.run("pumpc", ["state", "show", "minutes: group", folder])
    #expect(show.out.split(separator: "\n").count == 3 && show.out.hasPrefix(#"{"sensor":"s0","#), "\(show.out)")
    for words in [["state", "show", "x", folder], ["state", "drop", "x", folder], ["run", "--reset-state", "x", folder]] {
      let unknown = try Support.run("pumpc", words)
      #expect(unknown.code == 1 && unknown.err.contains("keeps nothing of `x`"), "\(unknown.err)")
    }
    #expect(try Support.run("pumpc", ["state", "drop", "minutes: group", folder]).out == "dropped the state of minutes: group\n")
    #expect(try Support.run("pumpc", ["state", "list", folder]).out.contains("minutes: group: 0 entries"))
    // Where the source goes on, and how far it had come, is still known.
    #expect(try Support.run("pumpc", ["state", "list", folder]).out.contains(", come to 2026-01-01T00:01:39Z\n"))
    try append(program, minutes: 2..<3, &wanted)
    try append(program, minutes: 9..<10, &wanted)
    try wait(6)
    #expect(try rows(program).filter { $0.contains("00:01:00Z") }.isEmpty)
    for words in [["state"], ["state", "list", folder, "x"], ["state", "look"], ["state", "show"]] {
      #expect(try Support.run("pumpc", words).code == 2)
    }
  }

  @Test("the state of another form of the step is refused, and can be let go") func otherForm() throws {
    let program = try place()
    let folder = program.folder
    var wanted: [String: (n: Int, total: Int)] = [:]
    try append(program, minutes: 0..<2, &wanted)
    try program.start()
    #expect(try program.wait(seconds: 10) { try rows(program).count >= 3 }, "\(program.log)")
    _ = try program.stop()
    func change(_ old: String, _ new: String) throws {
      try Data(Self.spec.replacing(old, with: new).utf8).write(to: URL(fileURLWithPath: "\(folder)/main.pump"))
    }
    try change("sum(.n)", "sum(.n * 1.5)")
    let refused = try Support.run("pumpc", ["run", folder])
    #expect(refused.code == 1 && refused.err.contains("--reset-state \"minutes: group\""), "\(refused.err)")
    try change("|> group", "|> @counts group")
    let renamed = try Support.run("pumpc", ["run", folder])
    #expect(renamed.code == 1 && renamed.err.contains("no such step is in the program any more"), "\(renamed.err)")
    // As it was it goes on.
    try change("", "")
    #expect(try Support.run("pumpc", ["state", "list", folder]).out.contains("minutes: group: 3 entries"))
  }
}
