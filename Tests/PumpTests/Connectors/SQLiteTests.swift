import Foundation
import PumpTestSupport
import Testing

/// SQLite by its own shell beside us: what stands in the tables, and what is read from them.
@Suite struct SQLiteTests {
  private static func shell(_ database: String, _ sql: String) throws -> String {
    let outcome = try Support.run("/usr/bin/sqlite3", [database, sql])
    #expect(outcome.code == 0, "\(outcome.err)")
    return outcome.out
  }

  /// Lines into a table, in which other columns than ours may be declared before.
  private static func sink(_ type: String, table: String?, lines: [String], arguments: String = "") throws -> (
    program: TestProgram, outcome: Support.Outcome
  ) {
    let spec = """
      type T { \(type) }
      connection db: SQLite { path = "a.db" }
      pipeline p {
        source file.lines("in.ndjson") |> decode json as T |> sink db.table("t"\(arguments))
        on error |> map { m: .message } |> encode json |> sink file.lines("dead.ndjson")
      }
      """
    let program = try TestProgram(spec, files: ["in.ndjson": lines.joined(separator: "\n") + "\n"])
    if let table { _ = try shell(program.folder + "/a.db", "create table t (\(table))") }
    return (program, try Support.run("pumpc", ["run", program.folder]))
  }

  @Test(
    "D22: a column that would change what is stored is refused at the start",
    arguments: [
      ("v: Int", "v REAL", "REAL", "Int"), ("v: Int", "v DOUBLE PRECISION", "DOUBLE PRECISION", "Int"), ("v: Int", "v TEXT", "TEXT", "Int"),
      ("v: String", "v INTEGER", "INTEGER", "String"), ("v: String", "v NUMERIC", "NUMERIC", "String"),
      ("v: String", "v STRING", "STRING", "String"),
      ("v: Float", "v INT", "INT", "Float"), ("v: Decimal", "v BIGINT", "BIGINT", "Decimal"),
      ("v: Timestamp", "v INTEGER", "INTEGER", "Timestamp"),
      ("v: Bool", "v VARCHAR(5)", "VARCHAR(5)", "Bool"), ("v: Json", "v JSON", "JSON", "Json"),
      ("v: enum { a as \"1\" }", "v KIND", "KIND", "enum"),
      ("v: [Int]", "v INTEGER", "INTEGER", "[Int]"), ("v: Bytes", "v TEXT", "TEXT", "Bytes"),
    ]) func refusedColumns(_ type: String, _ table: String, _ declared: String, _ name: String) throws
  {
    let (program, outcome) = try Self.sink(type, table: table, lines: [])
    #expect(outcome.code == 1 && outcome.err.contains("column `v` of t is \(declared), field `.v` is \(name)"), "\(outcome.err)")
    #expect(try Self.shell(program.folder + "/a.db", "select count(*) from t") == "0\n")
  }

  @Test(
    "D22: what a column keeps is as it was, and is read back",
    arguments: [
      ("Int", "v NUMERIC", "9007199254740993", "integer|9007199254740993"),
      ("Int", "v INTEGER", "9223372036854775807", "integer|9223372036854775807"),
      ("Float", "v NUMERIC", "0.1", "real|0.1"), ("String", "v VARCHAR(9)", "\"007\"", "text|007"), ("String", "v", "\"1e3\"", "text|1e3"),
      ("String", "v BLOB", "\"007\"", "text|007"), ("Timestamp", "v DATETIME", "\"2026-01-01T00:00:00Z\"", "text|2026-01-01T00:00:00Z"),
      ("Date", "v DATE", "\"2026-01-01\"", "text|2026-01-01"), ("Bool", "v BOOLEAN", "true", "integer|1"),
      ("[Int]", "v JSON", "[1,2]", "text|[1,2]"), ("Decimal", "v TEXT", "12345678901234567890.12", "text|12345678901234567890.12"),
      ("Decimal", "v DECIMAL(20,2)", "9999999999999.99", "real|9999999999999.99"),
      ("Decimal", "v NUMERIC", "9223372036854775807", "integer|9223372036854775807"),
      ("Decimal", "v REAL", "1.5", "real|1.5"),
    ]) func keptColumns(_ type: String, _ table: String, _ value: String, _ stored: String) throws
  {
    let (program, outcome) = try Self.sink("v: \(type)", table: table, lines: ["{\"v\":\(value)}"])
    #expect(outcome.code == 0 && program.read("dead.ndjson") == "", "\(outcome.err)")
    #expect(try Self.shell(program.folder + "/a.db", "select typeof(v), v from t") == stored + "\n")
    #expect(try Self.read("v: \(type)", program.folder).rows == ["{\"v\":\(value)}"])
  }

  @Test("D22: a decimal of more digits than a binary column keeps goes to `on error`", arguments: ["v DECIMAL(20,2)", "v REAL"])
  func longDecimals(_ table: String) throws {
    let (program, outcome) = try Self.sink(
      "v: Decimal", table: table, lines: ["{\"v\":12345678901234567890.12}", "{\"v\":1.25}", "{\"v\":-1234567890123456.5}"])
    #expect(outcome.code == 0, "\(outcome.err)")
    #expect(
      program.lines("dead.ndjson").count == 2
        && program.lines("dead.ndjson")[0].contains("12345678901234567890.12 has more digits than column `v` keeps"))
    #expect(try Self.shell(program.folder + "/a.db", "select v from t") == "1.25\n")
  }

  /// What a mode does is chosen by each event; those of one row keep their order.
  @Test func modeOfEachEvent() throws {
    let program = try TestProgram(
      """
      enum Kind { first, last }
      type T { id: Int, v: String, keep: Bool, kind: Kind }
      connection db: SQLite { path = "a.db" }
      pipeline p {
        source file.lines("in.ndjson") |> decode json as T
          |> tee { @kinds sink db.table("k", key: [id], mode: match .kind { first => ignore, last => upsert }) }
          |> sink db.table("t", key: [id], mode: if .keep then ignore else upsert)
        on error halt
      }
      test "each goes its way" for p {
        given json { id: 1, v: "a", keep: true, kind: first }
        given json { id: 1, v: "b", keep: false, kind: last }
        expect @kinds matches [{ v: "a" }, { v: "b" }]
      }
      """,
      files: [
        "in.ndjson": (1...40).map {
          "{\"id\":\($0 % 3),\"v\":\"\($0)\",\"keep\":\($0 % 4 > 0),\"kind\":\"\($0 % 4 > 0 ? "first" : "last")\"}\n"
        }
        .joined()
      ])
    for table in ["t", "k"] {
      _ = try Self.shell(program.folder + "/a.db", "create table \(table) (id INTEGER PRIMARY KEY, v TEXT, keep BOOLEAN, kind TEXT)")
    }
    let tested = try Support.run("pumpc", ["test", program.folder])
    #expect(tested.code == 0, "\(tested.out) \(tested.err)")
    let outcome = try program.run()
    #expect(outcome.code == 0, "\(outcome.err)")
    var model: [Int: Int] = [:]
    for n in 1...40 where n % 4 == 0 || model[n % 3] == nil { model[n % 3] = n }
    for table in ["t", "k"] {
      let rows = try Self.shell(program.folder + "/a.db", "select id || ':' || v from \(table) order by id").split(separator: "\n")
      #expect(rows.map(String.init) == model.sorted { $0.key < $1.key }.map { "\($0.key):\($0.value)" })
    }
  }

  @Test("D22: a key of text does not find a number") func lookupKeys() throws {
    func run(_ key: String, _ column: String) throws -> (Support.Outcome, String) {
      let spec = """
        type T { k: \(key) }
        connection db: SQLite { path = "a.db" }
        pipeline p {
          source file.lines("in.ndjson") |> decode json as T |> lookup db.table("t", column: "id", key: .k) as found: { n: String }
            |> map { n: .found?.n ?? "none" } |> encode json |> sink file.lines("out.ndjson")
          on error halt
        }
        """
      let program = try TestProgram(spec, files: ["in.ndjson": "{\"k\":\(key == "String" ? "\"007\"" : "7")}\n"])
      _ = try Self.shell(program.folder + "/a.db", "create table t (id \(column), n text); insert into t values (7, 'seven')")
      return (try Support.run("pumpc", ["run", program.folder]), program.read("out.ndjson"))
    }
    let (text, _) = try run("String", "INTEGER")
    #expect(text.code == 1 && text.err.contains("column `id` of t is INTEGER, the key is String"), "\(text.err)")
    let (number, found) = try run("Int", "INTEGER")
    #expect(number.code == 0 && found == "{\"n\":\"seven\"}\n", "\(number.err)")
    #expect(try run("Decimal", "INTEGER").1 == "{\"n\":\"seven\"}\n")
  }

  private static func read(_ type: String, _ folder: String) throws -> (rows: [String], dead: [String]) {
    let spec = """
      type T { \(type) }
      connection db: SQLite { path = "\(folder)/a.db" }
      pipeline p {
        source db.table("t") as T |> encode json |> sink file.lines("out.ndjson")
        on error |> map { m: .message } |> encode json |> sink file.lines("dead.ndjson")
      }
      """
    let program = try TestProgram(spec)
    let outcome = try Support.run("pumpc", ["run", program.folder])
    #expect(outcome.code == 0, "\(outcome.err)")
    return (program.lines("out.ndjson"), program.lines("dead.ndjson"))
  }

  @Test("D24: infinity, blobs and whole numbers that no Float holds are failures") func floats() throws {
    let folder = try Support.temporaryFolder()
    defer { try? FileManager.default.removeItem(atPath: folder) }
    _ = try Self.shell(
      folder + "/a.db",
      "create table t (temp); insert into t values (9e999), (-9e999), (x'41'), (x'3132'), (9007199254740993), (1.5), (2), ('2.5')")
    let (rows, dead) = try Self.read("temp: Float", folder)
    #expect(rows == ["{\"temp\":1.5}", "{\"temp\":2}", "{\"temp\":2.5}"] && dead.count == 5, "\(rows) \(dead)")
    #expect(dead.allSatisfy { $0.contains(".temp: the column holds no Float") })
  }

  @Test("D24: a binary number keeps its digits as a Decimal") func decimalsOfReals() throws {
    let folder = try Support.temporaryFolder()
    defer { try? FileManager.default.removeItem(atPath: folder) }
    _ = try Self.shell(folder + "/a.db", "create table t (v REAL); insert into t values (0.1 + 0.2), (9e999), (9.99)")
    let (rows, dead) = try Self.read("v: Decimal", folder)
    #expect(rows == ["{\"v\":0.30000000000000004}", "{\"v\":9.99}"] && dead.count == 1, "\(rows) \(dead)")
  }

  private static let everything =
    "id: String, n: Int, f: Float, d: Decimal, b: Bool, y: Bytes, t: Timestamp, day: Date, took: Duration, s: Size, u: Uuid, j: Json, e: enum { red, green as \"g\" }, a: { t: String, x: { n: Int? } }, l: [Int], m: [String: Decimal], r: [{ k: String }], o: { t: String }?"
  private static let event =
    #"{"id":"007","n":-5,"f":0.1,"d":12345678901234567890.10,"b":true,"y":"AP8=","t":"2026-01-01T10:00:00.5Z","day":"2026-02-03","took":"90s","s":1024,"u":"0f8fad5b-d9cb-469f-a165-70867728950e","j":{"a":[1,"x"]},"e":"g","a":{"t":"žluť \"","x":{"n":null}},"l":[1,2],"m":{"a":1.5},"r":[{"k":"v"}],"o":null}"#

  @Test("D25: what the sink writes, the source and the lookup read") func wholeCircle() throws {
    let (program, outcome) = try Self.sink(Self.everything, table: nil, lines: [Self.event], arguments: ", key: [id]")
    #expect(outcome.code == 0, "\(outcome.err)")
    let spec = """
      type T { \(Self.everything) }
      connection db: SQLite { path = "\(program.folder)/a.db" }
      pipeline read { source db.table("t") as T |> encode json |> sink file.lines("source.ndjson")
        on error halt }
      pipeline find {
        source file.lines("in.ndjson") |> decode json as { k: String } |> lookup db.table("t", key: .k) as found: T
          |> map { found: .found } |> encode json |> sink file.lines("lookup.ndjson")
        on error halt
      }
      """
    let reader = try TestProgram(spec, files: ["in.ndjson": "{\"k\":\"007\"}\n"])
    let read = try Support.run("pumpc", ["run", reader.folder])
    #expect(read.code == 0, "\(read.err)")
    // A decimal's zeros at the end are no digits of its value.
    let expected = Self.event.replacing("890.10,", with: "890.1,").replacing("00.5Z", with: "00.500Z")
    #expect(reader.read("source.ndjson") == expected + "\n")
    #expect(reader.read("lookup.ndjson") == "{\"found\":" + expected + "}\n")
  }

  @Test("D23: a column of decimals says how to compare them") func remark() throws {
    let (program, outcome) = try Self.sink("price: Decimal", table: nil, lines: ["{\"price\":100.5}", "{\"price\":99.04}"])
    #expect(outcome.code == 0, "\(outcome.err)")
    let database = program.folder + "/a.db"
    #expect(try Self.shell(database, "select sql from sqlite_master").contains("CAST it AS REAL"))
    #expect(try Self.shell(database, "select price from t order by cast(price as real) desc") == "100.5\n99.04\n")
    #expect(try Support.run("pumpc", ["connectors", "SQLite"]).out.contains("CAST(price AS REAL)"))
  }

  @Test("M24: a key without its index is said as PostgreSQL says it") func uniqueIndex() throws {
    let (_, outcome) = try Self.sink("id: Int, v: Int", table: "id INTEGER, v INTEGER", lines: [], arguments: ", key: [id]")
    #expect(
      outcome.code == 1
        && outcome.err.contains("table t needs a unique index over the key's columns: `CREATE UNIQUE INDEX … ON \"t\" (\"id\")`"),
      "\(outcome.err)")
    // Any order of the columns will do, and so will a primary key.
    for table in ["id INTEGER, v INTEGER, PRIMARY KEY (v, id)", "ID INTEGER, V INTEGER, UNIQUE (V, ID)"] {
      let (program, outcome) = try Self.sink(
        "id: Int, v: Int", table: table, lines: ["{\"id\":1,\"v\":2}", "{\"id\":1,\"v\":2}"], arguments: ", key: [id, v]")
      #expect(outcome.code == 0, "\(outcome.err)")
      #expect(try Self.shell(program.folder + "/a.db", "select count(*) from t") == "1\n")
    }
  }

  @Test("M25: a column that a table lacks is said with those that it has") func missingColumn() throws {
    let (_, outcome) = try Self.sink("id: Int, n: Int", table: "id INTEGER, v INTEGER", lines: [])
    #expect(outcome.code == 1 && outcome.err.contains("table `t` has no column `n`; it has id, v"), "\(outcome.err)")
  }

  @Test("M25: a table or column that is not there, with the nearest that is") func missing() throws {
    let folder = try Support.temporaryFolder()
    defer { try? FileManager.default.removeItem(atPath: folder) }
    _ = try Self.shell(
      folder + "/a.db",
      "create table orders (id integer, name text, up text generated always as (upper(name))); insert into orders (id, name) values (1, 'a')"
    )
    func run(_ steps: String) throws -> Support.Outcome {
      let spec = """
        connection db: SQLite { path = "a.db" }
        pipeline p {
          \(steps)
          on error halt
        }

        """
      try Data(spec.utf8).write(to: URL(fileURLWithPath: folder + "/p.pump"))
      try Data("{\"id\":1,\"nam\":\"b\"}\n".utf8).write(to: URL(fileURLWithPath: folder + "/in"))
      return try Support.run("pumpc", ["run", folder])
    }
    let read = "source file.lines(\"in\") |> decode json as { id: Int, nam: String }"
    for (steps, message) in [
      ("source db.table(\"ordrs\") as { id: Int } |> discard", "there is no table `ordrs`; did you mean `orders`?"),
      ("source db.table(\"x\") as { id: Int } |> discard", "there is no table `x`; it has orders"),
      (
        "source db.table(\"orders\") as { id: Int, nam: String } |> discard",
        "table `orders` has no column `nam`; did you mean `name`? It has id, name, up"
      ),
      (read + " |> sink db.table(\"orders\")", "table `orders` has no column `nam`; did you mean `name`? It has id, name, up"),
      (
        read + " |> lookup db.table(\"orders\", column: \"idd\", key: .id) as o: { name: String } |> discard",
        "table `orders` has no column `idd`; did you mean `id`? It has id, name, up"
      ),
      (
        read + " |> lookup db.table(\"order\", key: .id) as o: { name: String } |> discard",
        "there is no table `order`; did you mean `orders`?"
      ),
    ] {
      let outcome = try run(steps)
      #expect(outcome.code == 1 && outcome.err.contains(message), "\(steps): \(outcome.err)")
    }
    // What is computed, and the number of a row, can be read.
    let fine = try run("source db.table(\"orders\") as { rowid: Int, up: String } |> encode json |> sink stdout.lines()")
    #expect(fine.out == "{\"rowid\":1,\"up\":\"A\"}\n", "\(fine.err)")
  }

  @Test("R43: transactions of a sink count as uses of a client") func acquired() throws {
    let spec = """
      type T { id: Int }
      connection db: SQLite { path = "a.db" }
      pipeline p {
        source file.lines("in.ndjson", follow: true) |> decode json as T |> sink db.table("t") { batch { linger = 10ms } }
        on error halt
      }
      """
    let program = try TestProgram(spec, files: ["in.ndjson": "{\"id\":1}\n"], settings: ["general.metrics=127.0.0.1:0"])
    try program.start()
    var port = ""
    #expect(
      program.wait(seconds: 20) {
        port = program.log.firstMatch(of: /status page on port (\d+)/).map { String($0.1) } ?? ""
        return !port.isEmpty
      })
    #expect(
      program.wait(seconds: 20) {
        let page = (try? Support.run("/usr/bin/curl", ["-s", "http://127.0.0.1:\(port)/metrics"]).out) ?? ""
        return page.contains("pump_connection_acquired_total{connection=\"db\"} 1\n")
      }, "\(program.log)")
  }
}
