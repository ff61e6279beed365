import Foundation
import PumpCompiler
import PumpTestSupport
import Testing

/// Steps, sinks and lookups are numbered once, in the plan: an error route has its own, and tests feed what a source gives.
@Suite struct WiringTests {
  private func folder(_ spec: String, _ files: [String: String] = [:]) throws -> String {
    let folder = try Support.temporaryFolder()
    for (name, text) in files.merging(["p.pump": spec], uniquingKeysWith: { $1 }) {
      try Data(text.utf8).write(to: URL(fileURLWithPath: "\(folder)/\(name)"))
    }
    return folder
  }

  @Test("D1, M19: a lookup of an error route is its own, and a labelled sink has one name") func errorRoute() throws {
    let spec = """
      connection db: SQLite { path = "a.db" }

      pipeline p {
        source file.lines("in.ndjson")
          |> decode json as { id: Int }
          |> lookup db.table("numbers", column: "id", key: .id) as row: { n: Int }
          |> assert .id < 2, "too large"
          |> @mine sink db.table("kept", key: [id])
        on error
          |> set { k: 7 }
          |> lookup db.table("names", column: "k", key: .k) as found: { name: String }
          |> map { m: .message, stage: .stage, name: .found?.name, line: .meta.line }
          |> encode json
          |> sink file.lines("dead.ndjson")
      }

      """
    let place = try folder(spec, ["in.ndjson": "{\"id\":1}\n{\"id\":7}\n{\"id\":0}\n"])
    defer { try? FileManager.default.removeItem(atPath: place) }
    let tables = """
      create table numbers (id integer, n integer); insert into numbers values (1, 11), (7, 77);
      create table names (k integer, name text); insert into names values (7, 'right');
      create table kept (id integer primary key, row text, check (id > 0));
      """
    #expect(try Support.run("/usr/bin/env", ["sqlite3", "\(place)/a.db", tables]).code == 0)
    let (interpreted, compiled) = try ParityTests.both(place)
    let expected = """
      {"m":"too large","stage":"assert","name":"right","line":2}
      {"m":"CHECK constraint failed: id > 0","stage":"mine","name":"right","line":3}

      """
    #expect(interpreted["dead.ndjson"] == expected)
    #expect(compiled["dead.ndjson"] == expected)
  }

  private func findings(_ spec: String) throws -> [Diagnostic] {
    let place = try folder(spec)
    defer { try? FileManager.default.removeItem(atPath: place) }
    return compile(try Project.load(place)).diagnostics
  }

  @Test("D2: `meta` is what a source says of its event; an error route has failures") func metaOfFailures() throws {
    let found = try findings(
      """
      pipeline p {
        source file.lines("in") |> decode json as { id: Int } |> encode json |> sink file.lines("out")
        on error |> map { a: meta.path, b: meta.raw } |> encode json |> sink file.lines("dead")
      }
      """)
    #expect(found.map(\.code.id) == ["P0215", "P0215"])
    #expect(found.first?.help?.contains(".meta.path") == true)
    #expect(found.last?.help?.contains(".payload") == true)
  }

  @Test("D2: the bytes of an event of a typed source are not there to be read") func rawOfTypedSource() throws {
    let found = try findings(
      """
      pipeline p {
        source timer.every(1s, limit: 1) |> map { r: meta.raw } |> encode json |> sink file.lines("out")
        on error halt
      }
      """)
    #expect(found.contains { $0.severity == .error && $0.message.contains("meta field `raw`") })
  }

  @Test("D50: a test gives meta as the source's type has it; D51: a lookup finds by its key") func testsFeedWhatASourceGives() throws {
    let place = try folder(
      """
      connection pg: PostgreSQL { database = "d" }
      connection broker: MQTT { host = "h" }
      connection api: Http { base_url = "http://h/" }

      pipeline changes {
        source pg.changes(publication: "a", slot: "b") |> map { at: meta.committed_at, tx: meta.transaction } |> encode json |> sink stdout.lines()
      }

      pipeline messages {
        source broker.topic("t") |> map { kept: meta.retained, topic: meta.topic } |> encode json |> sink file.lines("out")
      }

      pipeline asked {
        source file.lines("in")
          |> decode json as { id: String }
          |> lookup pg.table("who", column: "id", key: .id) as who: { name: String }
          |> lookup api.get(key: "/\\(.id)") as got: { n: Int }
          |> encode json
          |> sink file.lines("asked")
        on error skip
      }

      test "times" for changes {
        given "x" with meta { committed_at: 2024-01-01T00:00:00Z, transaction: 3000000002 }
        expect stdout.lines() == [{ at: 2024-01-01T00:00:00Z, tx: 3000000002 }]
      }

      test "flags" for messages {
        given "x" with meta { retained: true, topic: "t/1" }
        expect file.lines("out") == [{ kept: true, topic: "t/1" }]
      }

      test "keys" for asked {
        given json { id: "1" }
        given lookup pg.table("who") = [{ name: "2", id: "0" }, { name: "a", id: "1" }]
        given lookup api.get = [{ n: 5, key: "/1" }]
        expect file.lines("asked") == [{ id: "1", who: { name: "a" }, got: { n: 5 } }]
      }

      """)
    defer { try? FileManager.default.removeItem(atPath: place) }
    let outcome = try Support.run("pumpc", ["test", place])
    #expect(outcome.code == 0, "\(outcome.out)\(outcome.err)")
    #expect(outcome.out.contains("3 passed"))
  }

  @Test("D50: meta of lists, maps and Bytes; D51: a lookup of MongoDB finds by its field, `_id` where none is named")
  func testsFeedMapsAndFields() throws {
    let place = try folder(
      """
      connection kafka: Kafka { bootstrap_servers = "h:9092" }
      connection hook: Webhook { port = 8080 }
      connection store: MongoDB { uri = "mongodb://h", database = "d" }

      pipeline messages {
        source kafka.topic("t", group: "g")
          |> map { id: get(meta.headers, "id"), gone: meta.tombstone, at: meta.timestamp, key: meta.key }
          |> encode json
          |> sink file.lines("messages")
      }

      pipeline posts {
        source hook.post("/a")
          |> map { q: get(meta.query, "q"), id: get(meta.headers, "id") }
          |> encode json
          |> sink file.lines("posts")
      }

      pipeline asked {
        source file.lines("in")
          |> decode json as { id: String }
          |> lookup store.collection("codes", field: "code", key: .id) as code: { name: String }
          |> lookup store.collection("names", key: .id) as named: { name: String }
          |> map { code: .code?.name, named: .named?.name }
          |> encode json
          |> sink file.lines("asked")
        on error skip
      }

      test "headers" for messages {
        given "x" with meta { headers: { id: ["abcd"] }, tombstone: true, timestamp: 2024-01-01T00:00:00Z, key: from_base64("azE=") }
        expect file.lines("messages") == [{ id: ["YWJjZA=="], gone: true, at: 2024-01-01T00:00:00Z, key: "azE=" }]
      }

      test "queries" for posts {
        given "x" with meta { query: { q: "1" }, headers: { id: "abcd" } }
        expect file.lines("posts") == [{ q: "1", id: "abcd" }]
      }

      test "fields" for asked {
        given json { id: "1" }
        given lookup store.collection("codes") = [{ name: "1", code: "2" }, { name: "a", code: "1" }]
        given lookup store.collection("names") = [{ name: "1", _id: "2" }, { name: "b", _id: "1" }]
        expect file.lines("asked") == [{ code: "a", named: "b" }]
      }

      """)
    defer { try? FileManager.default.removeItem(atPath: place) }
    let outcome = try Support.run("pumpc", ["test", place])
    #expect(outcome.code == 0 && outcome.out.contains("3 passed"), "\(outcome.out)\(outcome.err)")
  }

  @Test("D50: meta that the source does not have, or of another type, is told") func wrongMeta() throws {
    let spec = """
      pipeline p {
        source file.lines("in") |> map { l: meta.line } |> encode json |> sink file.lines("out")
      }

      test "t" for p {
        given "x" with meta { NAME: VALUE }
        expect count(file.lines("out")) == 1
      }
      """
    let unknown = try findings(spec.replacing("NAME: VALUE", with: "lin: 5"))
    #expect(unknown.contains { $0.severity == .error && $0.message.contains("`lin`") })
    let place = try folder(spec.replacing("NAME: VALUE", with: "line: \"five\""))
    defer { try? FileManager.default.removeItem(atPath: place) }
    let outcome = try Support.run("pumpc", ["test", place])
    #expect(outcome.code == 1)
    #expect(outcome.out.contains("given meta `line`"))
  }

  @Test("a sink that keeps positions has its table alone: order would ask for commits without them") func keeperAlone() throws {
    let spec = """
      connection db: SQLite { path = "a.db" }
      type T { id: Int, gone: Bool }
      pipeline p {
        source file.lines("in") |> decode json as T
          |> route {
            when .gone => @left sink db.table("OTHER", key: [id])
            else       => sink db.table("t", positions: "positions")
          }
        on error skip
      }
      """
    #expect(try findings(spec.replacing("OTHER", with: "t")).map(\.code.id) == ["P0404"])
    #expect(try findings(spec.replacing("OTHER", with: "gone")).isEmpty)
  }

  @Test("D51: a row without its key is told, not passed over") func rowWithoutKey() throws {
    let found = try findings(
      """
      connection api: Http { base_url = "http://h/" }
      pipeline p {
        source file.lines("in") |> decode json as { id: String }
          |> lookup api.get(key: "/\\(.id)") as got: { n: Int } |> encode json |> sink file.lines("out")
        on error skip
      }
      test "t" for p {
        given json { id: "1" }
        given lookup api.get = [{ n: 5 }]
        expect count(file.lines("out")) == 1
      }
      """)
    #expect(found.contains { $0.severity == .error && $0.message.contains("has no `key`") })
  }
}

/// D4: one target keeps the order of its events, whichever arms, tees and routes they pass.
@Suite struct OrderTests {
  @Test func armsTeesAndErrorRoute() throws {
    let place = try Support.temporaryFolder()
    defer { try? FileManager.default.removeItem(atPath: place) }
    let spec = """
      connection db: SQLite { path = "a.db" }

      type Event { id: Int, way: String, n: Int }

      pipeline p {
        source file.lines("in.ndjson")
          |> decode json as Event
          |> assert .way != "bad", "bad"
          |> tee { filter .way == "tee" |> set { n: .n + 1000 } |> @copy sink db.table("t", key: [id]) }
          |> route {
            when .way == "a" => @first sink db.table("t", key: [id])
            else             => @second sink db.table("t", key: [id])
          }

        on error
          |> map { id: to_int(parse_json(to_text(.payload)).id), way: "dead", n: to_int(parse_json(to_text(.payload)).n) }
          |> @dead sink db.table("t", key: [id])
      }

      """
    var random = Support.Random(4)
    var (lines, model) = ("", [Int: String]())
    for n in 1...3000 {
      let (id, way) = (Int.random(in: 1...40, using: &random), ["a", "b", "tee", "bad"].randomElement(using: &random)!)
      lines += "{\"id\":\(id),\"way\":\"\(way)\",\"n\":\(n)}\n"
      model[id] = "\(id)|\(way == "bad" ? "dead" : way)|\(n)"
    }
    try Data(spec.utf8).write(to: URL(fileURLWithPath: "\(place)/p.pump"))
    try Data(lines.utf8).write(to: URL(fileURLWithPath: "\(place)/in.ndjson"))
    let expected = model.sorted { $0.key < $1.key }.map(\.value).joined(separator: "\n") + "\n"
    let program = "\(place)/program"
    #expect(try Support.run("pumpc", ["build", place, "-o", program]).code == 0)
    for way in ["run", "build"] {
      let outcome =
        way == "run" ? try Support.run("pumpc", ["run", place, "--quiet"]) : try Support.run(program, ["--quiet"], folder: place)
      #expect(outcome.code == 0, "\(outcome.err)")
      let rows = try Support.run("/usr/bin/env", ["sqlite3", "\(place)/a.db", "select id, way, n from t order by id"]).out
      #expect(rows == expected, "\(way)")
      try FileManager.default.removeItem(atPath: "\(place)/a.db")
    }
  }
}
