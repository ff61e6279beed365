import Foundation
import PumpCompiler
import PumpTestSupport
import Testing

/// What an error route writes can be read: by people, and by `pumpc test --from`, which makes tests of it.
@Suite struct DeadLetterTests {
  private static let spec = """
    connection db: SQLite { path = "a.db" }

    pipeline pages {
      source file.lines("pages.ndjson")
        |> decode json as { id: Int, name: String, items: [Json] }
        |> expand .items as item
        |> lookup file.csv("names.csv", column: "n", key: to_string(.item.n)) as found: { label: String }
        |> tee { map to_int(.item.n) |> filter it > 0 |> discard }
        |> set { n: to_int(.item.n) }
        |> map { id, n }
        |> sink db.table("kept", key: [id, n])
      on error |> encode json |> sink file.lines("pages.dead")
    }

    pipeline nested {
      source file.lines("nested.ndjson")
        |> decode json as { rows: [[Int]] }
        |> expand .rows as row
        |> expand .row as cell
        |> assert .cell > 0, "too small"
        |> encode json
        |> sink file.lines("nested.out")
      on error |> encode json |> sink file.lines("nested.dead")
    }

    pipeline whole {
      source file.bytes("whole.csv")
        |> decode csv(header) as { a: Int, list: String }
        |> map { a, parts: split(.list, " ") }
        |> expand .parts as part
        |> map to_int(.part)
        |> discard
      on error |> set { app: "x" } |> encode json |> sink file.lines("whole.dead")
    }

    pipeline lines {
      source file.lines("whole.csv") |> decode csv(header) as { a: Int, list: String } |> map 1 / (.a - .a) |> discard
      on error |> match_reason() |> encode json |> sink file.lines("lines.dead")
    }

    stage match_reason() on { reason: enum { decode, encode, assert, expression, lookup, refused, too_large, late, limit, no_time, aggregate, shed } } = filter .reason == decode or .reason == expression

    """

  private func place() throws -> String {
    let folder = try Support.temporaryFolder()
    let pages = #"{"id":1,"name":"Zoë","items":[{"n":1},{"n":"x"},{"n":2},{"n":null}]}"# + "\n"
    var bytes = Data(pages.utf8)
    bytes += Data([0x7B, 0xFF, 0x0A])
    let files: [(String, Data)] = [
      ("p.pump", Data(Self.spec.utf8)), ("pages.ndjson", bytes), ("names.csv", Data("n,label\n1,one\n".utf8)),
      ("nested.ndjson", Data("{\"rows\":[[1,0],[],[2,-3]]}\n".utf8)),
      ("whole.csv", Data("a,list\n1,5 six\nb,7\n2,\"say \"\"8\"\"\"\n".utf8)),
    ]
    for (name, data) in files { try data.write(to: URL(fileURLWithPath: "\(folder)/\(name)")) }
    let table = "create table kept (id integer, n integer, primary key (id, n), check (n <> 2))"
    #expect(try Support.run("/usr/bin/env", ["sqlite3", "\(folder)/a.db", table]).code == 0)
    return folder
  }

  private func letters(_ outputs: [String: String], _ name: String) -> [String] {
    (outputs[name] ?? "").split(separator: "\n").map { String($0).replacing(/,"at":"[^"]*"/, with: "") }
  }

  @Test("M20: a letter says which element failed, where and why, and shows texts as texts") func readable() throws {
    let place = try place()
    defer { try? FileManager.default.removeItem(atPath: place) }
    let (interpreted, compiled) = try ParityTests.both(place)
    let payload = #""payload":"{\"id\":1,\"name\":\"Zoë\",\"items\":[{\"n\":1},{\"n\":\"x\"},{\"n\":2},{\"n\":null}]}""#
    let meta = #""meta":{"path":"pages.ndjson","line":1},"attempts":1,"#
    let x = #""element":{"n":"x"},"index":1,"#
    let null = #""element":{"n":null},"index":3,"#
    let pages = [
      #"{"message":"\"x\" is no Int","reason":"expression","stage":"map","place":"p.pump:8:14",\#(payload),\#(x)\#(meta)"#,
      #"{"message":"null is no Int","reason":"expression","stage":"map","place":"p.pump:8:14",\#(payload),\#(null)\#(meta)"#,
    ]
    for outputs in [interpreted, compiled] {
      let found = letters(outputs, "pages.dead")
      for letter in pages { #expect(found.contains { $0.hasPrefix(letter) }, "\(found)") }
      #expect(
        found.contains {
          $0.hasPrefix(#"{"message":"CHECK constraint failed: n <> 2","reason":"refused""#) && $0.contains(#""element":null,"index":2,"#)
        }, "\(found)")
      #expect(
        found.contains { $0.contains(#""reason":"decode","stage":"decode json""#) && $0.contains(#""payload_base64":"e/8=""#) }, "\(found)")
      let nested = letters(outputs, "nested.dead").compactMap { $0.firstMatch(of: /"element":.*?,"index":\d/).map { String($0.0) } }
      #expect(nested == [#""element":0,"index":1"#, #""element":-3,"index":1"#])
      let whole = letters(outputs, "whole.dead")
      #expect(
        whole.count == 4
          && whole[0].contains(#""payload":"1,5 six","element":"six","index":1,"meta":{"path":"whole.csv","record":1,"header":"a,list"}"#),
        "\(whole)")
      #expect(whole[1].contains(#""reason":"decode""#) && whole[1].contains(#""payload":"b,7","element":null,"index":null"#), "\(whole)")
      #expect(letters(outputs, "lines.dead").count == 3)
    }
    #expect(Set(letters(interpreted, "pages.dead")) == Set(letters(compiled, "pages.dead")))
  }

  @Test("letters become tests that pass, and that fail once the mistake is mended") func tests() throws {
    let place = try place()
    defer { try? FileManager.default.removeItem(atPath: place) }
    #expect(try Support.run("pumpc", ["run", place]).code == 0)
    for (name, count) in [("pages", 1), ("nested", 1), ("whole", 3), ("lines", 3)] {
      let made = try Support.run("pumpc", ["test", "--from", "\(place)/\(name).dead", "-o", "\(place)/made_\(name).pump", place])
      #expect(made.code == 0 && made.err.contains("\(count) tests in"), "\(made.err)")
    }
    let again = try Support.run("pumpc", ["test", "--from", "\(place)/nested.dead", "-o", "\(place)/made_nested.pump", place])
    #expect(again.code == 1 && again.err.contains("cannot create") && again.err.contains("not there yet"), "\(again.err)")
    for text in try ["pages", "nested", "whole", "lines"].map({ try String(contentsOfFile: "\(place)/made_\($0).pump", encoding: .utf8) }) {
      #expect(text.contains("expect errors") && !text.contains("�"), "\(text)")
    }
    let outcome = try Support.run("pumpc", ["test", place])
    #expect(outcome.code == 0 && outcome.out.contains("8 passed, 0 failed"), "\(outcome.out)")
    try Data(Self.spec.replacing("assert .cell > 0", with: "assert .cell > -9").utf8).write(to: URL(fileURLWithPath: place + "/p.pump"))
    let mended = try Support.run("pumpc", ["test", place])
    #expect(mended.code == 1 && mended.out.contains("7 passed, 1 failed"), "\(mended.out)")
  }

  @Test("what is no letter is told with its line; texts from outside stay texts") func letters() throws {
    let place = try place()
    defer { try? FileManager.default.removeItem(atPath: place) }
    let hostile =
      #"{"message":"a \" \\( it ) \n ‮ } test","reason":"assert","stage":"assert","payload":"{\"rows\":[[0]]}\u001b[2J","meta":{}}"#
    let lines = [
      "no json", "{}", "", #"{"message":"m","stage":"nowhere","payload":"x"}"#, hostile,
      #"{"message":"m","stage":"assert","payload_base64":"//8="}"#,
      #"{"message":"too small","stage":"assert","payload":"{\"rows\":[[0]]}"}"#,
    ]
    try Data(lines.joined(separator: "\n").utf8).write(to: URL(fileURLWithPath: place + "/dead"))
    let made = try Support.run("pumpc", ["test", "--from", place + "/dead", place])
    #expect(made.code == 0)
    for problem in [
      "line 1 is no JSON object", "line 2 is no dead letter: it has no text `message`",
      "line 4 is of a step `nowhere`, which no pipeline has",
      "line 6 has a payload that is not UTF-8",
    ] { #expect(made.err.contains(problem), "\(made.err)") }
    #expect(made.out.contains(#""a \" \\( it ) \n \u{202e} } test""#) && made.out.contains(#"\u{1b}[2J"#), "\(made.out)")
    let whole = Support.compile(Self.spec + "\n" + made.out)
    #expect(whole.diagnostics.filter { $0.severity == .error }.isEmpty, "\(whole.diagnostics)")
    let one = try Support.run("pumpc", ["test", "--from", place + "/dead", "--limit", "1", place])
    #expect(one.out.ranges(of: "test \"").count == 1 && one.err.contains("these are the first 1"), "\(one.err)")
    let wrong = try Support.run("pumpc", ["test", "--from", place + "/dead", "--pipeline", "neste", place])
    #expect(wrong.code == 2 && wrong.err.contains("did you mean `nested`?"), "\(wrong.err)")
    #expect(try Support.run("pumpc", ["test", "-o", "x", place]).code == 2)
    #expect(try Support.run("pumpc", ["test", "--from", place + "/none", place]).err.contains("cannot read"))
  }
}
