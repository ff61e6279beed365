import Foundation
import PumpTestSupport
import Testing

extension ConnectorTests {
  /// What PostgreSQL refuses, and how it is told: one row fails alone, a mistake ends the run with what would help.
  @Suite(.serialized) struct PostgreSQLRefusalTests {
    /// The row is named in the last line of a context in which JSON has lines and numbers of its own.
    @Test("D3: one value that COPY refuses", arguments: ["key: [n]", ""]) func copyNamesTheWrongLine(_ key: String) throws {
      let table = "note\(key.count)"
      try Postgres.server().tell("sql create table \(table) (n int primary key, body jsonb)")
      let rows = [#"{"n":1,"body":["a"]}"#, #"{"n":2,"body":["b"]}"#, #"{"n":3,"body":{"tag\u0000":true}}"#, #"{"n":4,"body":["d"]}"#]
      // A value of several lines, one of which looks like a line of the server's context.
      let more = #"{"n":5,"body":"x\nCOPY note, line 1, column body: y"}"#
      let program = try Postgres.program(
        "type Note { n: Int, body: Json }", Postgres.load("Note", "db.table(\"\(table)\"\(key.isEmpty ? "" : ", \(key)"))"),
        files: ["in.ndjson": (rows + [more]).joined(separator: "\n") + "\n"])
      let outcome = try program.run()
      #expect(outcome.code == 0, "\(outcome.err)")
      #expect(try Postgres.rows("select n from \(table) order by n") == ["1", "2", "4", "5"])
      #expect(Postgres.refused(program) == [rows[2]])
    }

    /// A context in another language, and one that lies: a function of the table's own raises what reads like COPY's words.
    @Test("D3: the message does not decide who is at fault") func contextThatLies() throws {
      let server = try Postgres.server()
      try server.tell(
        "sql create function nine(v int) returns bool language plpgsql as $$ begin if v % 9 = 0 then raise exception 'no' using errcode = '22000'; end if; return true; end $$"
      )
      try server.tell("sql create domain odd as int check (nine(value)); create table odds (id int, v odd)")
      let ids = 1...60
      let program = try Postgres.program(
        "type Odd { id: Int, v: Int }", Postgres.load("Odd", "db.table(\"odds\")"),
        files: ["in.ndjson": ids.map { "{\"id\":\($0),\"v\":\($0)}\n" }.joined()])
      #expect(try program.run().code == 0, "\(program.log)")
      #expect(try Postgres.rows("select id from odds order by id").compactMap { Int($0) } == ids.filter { $0 % 9 != 0 })
      #expect(program.lines("dead.ndjson").count == ids.filter { $0 % 9 == 0 }.count)
    }

    /// Foreign keys and triggers that are checked at the end: one row breaks them; rows whose parent comes later do not.
    @Test("R9: constraints that are checked at COMMIT", arguments: ["key: [id]", "", "positions: \"places\""]) func deferred(_ more: String)
      throws
    {
      let server = try Postgres.server()
      let table = "tree\(more.count)"
      try server.tell("sql create table \(table) (id int primary key, parent int references \(table) deferrable initially deferred)")
      try server.tell(
        "sql create or replace function no_13() returns trigger language plpgsql as $$ begin if new.id = 13 then raise exception 'thirteen'; end if; return null; end $$"
      )
      try server.tell(
        "sql create constraint trigger no_13 after insert on \(table) deferrable initially deferred for each row execute function no_13()")
      // Each has the next as its parent, but for 7, 13 and the last; 7 means none that is there.
      let rows = (1...3000).map { id in
        let parent = id == 7 ? 9999 : [6, 12, 13, 3000].contains(id) ? id : id + 1
        return "{\"id\":\(id),\"parent\":\(parent)}\n"
      }
      let program = try Postgres.program(
        "type Node { id: Int, parent: Int }", Postgres.load("Node", "db.table(\"\(table)\"\(more.isEmpty ? "" : ", \(more)"))"),
        files: ["in.ndjson": rows.joined()])
      let outcome = try program.run()
      #expect(outcome.code == 0, "\(outcome.err)")
      #expect(try Postgres.rows("select count(*), count(*) filter (where id in (7, 13)) from \(table)") == ["2998|0"])
      let dead = program.read("dead.ndjson")
      #expect(program.lines("dead.ndjson").count == 2 && dead.contains("thirteen") && dead.contains("foreign key"), "\(dead)")
    }

    /// Halves do not have each other's rows: a child whose parent stands in the other is not refused for that.
    @Test("R9: a foreign key within one batch") func withinABatch() throws {
      let server = try Postgres.server()
      try server.tell("sql create table chain (id int primary key, parent int references chain, name text check (name <> 'bad'))")
      let rows = (1...3000).map { "{\"id\":\($0),\"parent\":\($0 == 3000 ? 3000 : $0 + 1),\"name\":\"n\"}\n" }
      let program = try Postgres.program(
        "type Node { id: Int, parent: Int, name: String }", Postgres.load("Node", "db.table(\"chain\", key: [id])"),
        files: ["in.ndjson": rows.joined() + "{\"id\":4000,\"parent\":1,\"name\":\"bad\"}\n"])
      #expect(try program.run().code == 0, "\(program.log)")
      #expect(try Postgres.rows("select count(*) from chain") == ["3000"])
      #expect(Postgres.refused(program).count == 1 && program.read("dead.ndjson").contains("check constraint"))
    }

    @Test("R9: the same of execute") func deferredExecute() throws {
      let server = try Postgres.server()
      try server.tell("sql create table shop (id int primary key); insert into shop values (1), (2)")
      try server.tell("sql create table sale (id int primary key, shop int references shop deferrable initially deferred)")
      let program = try Postgres.program(
        "type Sale { id: Int, shop: Int }", Postgres.load("Sale", "db.execute(\"INSERT INTO sale VALUES (:id, :shop)\")"),
        files: ["in.ndjson": (1...200).map { "{\"id\":\($0),\"shop\":\($0 == 77 ? 5 : $0 % 2 + 1)}\n" }.joined()])
      #expect(try program.run().code == 0, "\(program.log)")
      #expect(try Postgres.rows("select count(*) from sale where id <> 77") == ["199"])
      #expect(program.lines("dead.ndjson").count == 1)
      // R39: what libpq would print itself.
      #expect(!program.log.contains("there is no transaction"), "\(program.log)")
    }

    @Test("R15: views and row-level security") func whereCopyCannotBe() throws {
      let server = try Postgres.server()
      try server.tell("sql create table base (id int primary key, name text); create view seen as select * from base")
      try server.tell("sql create role clerk login password 's3cret'; create table secured (id int primary key, name text)")
      try server.tell("sql alter table secured enable row level security; create policy p on secured using (true) with check (id < 100)")
      try server.tell("sql grant all on secured to clerk")
      let type = "type Row { id: Int, name: String }"
      let file = ["in.ndjson": "{\"id\":1,\"name\":\"a\"}\n{\"id\":200,\"name\":\"b\"}\n"]
      let view = try Postgres.program(type, Postgres.load("Row", "db.table(\"seen\")"), files: file)
      #expect(try view.run().code == 0, "\(view.log)")
      #expect(try Postgres.rows("select * from base order by id") == ["1|a", "200|b"])
      let secured = try Postgres.program(
        type, Postgres.load("Row", "db.table(\"secured\")"), files: ["in.ndjson": "{\"id\":1,\"name\":\"a\"}\n"],
        settings: ["connection.db.user=clerk"])
      #expect(try secured.run().code == 0, "\(secured.log)")
      #expect(try Postgres.rows("select * from secured") == ["1|a"])
    }

    @Test("R16: upsert into an identity column") func identity() throws {
      try Postgres.server().tell("sql create table ident (id int generated always as identity primary key, name text)")
      for name in ["a", "b"] {
        let program = try Postgres.program(
          "type Row { id: Int, name: String }", Postgres.load("Row", "db.table(\"ident\", key: [id])"),
          files: ["in.ndjson": "{\"id\":7,\"name\":\"\(name)\"}\n"])
        #expect(try program.run().code == 0, "\(program.log)")
      }
      #expect(try Postgres.rows("select * from ident") == ["7|b"])
    }

    /// PostgreSQL's lexical rules; each statement gives what it would give with the literal in place of the parameter.
    @Test(
      "R17: colons that are no parameters",
      arguments: [
        ("(ARRAY[:id, 2, 3])[1:2]", "{1,2}"), ("'x' /* :this ' /* nested :x */ */ || :id", "x1"), ("$$a:b$$ || :id", "a:b1"),
        (#"E'it\\'s :b' || :id"#, "it's :b1"), ("$x$12:30 :v$x$ || :id", "12:30 :v1"), ("'it''s :b' || :id::text", "it's :b1"),
        (#"(select \":c\" from (select 1 as \":c\") q) || :id::text"#, "11"),
      ]) func colons(_ expression: String, _ wanted: String) throws
    {
      try Postgres.server().tell("sql create table if not exists colons (v text); truncate colons")
      // A comment with an apostrophe, and a name, before the line's end.
      let sql = "INSERT INTO colons -- it's :not\\n SELECT ((\(expression)))::text"
      let program = try Postgres.program(
        "type Row { id: Int }", Postgres.load("Row", "db.execute(\"\(sql)\")"), files: ["in.ndjson": "{\"id\":1}\n"])
      #expect(try program.run().code == 0, "\(program.log)")
      #expect(try Postgres.rows("select v from colons") == [wanted], "\(program.read("dead.ndjson"))")
    }

    @Test("M23, M25: what is wrong with a table") func mistakes() throws {
      let server = try Postgres.server()
      try server.tell("sql create table gen (id int primary key, name text, up text generated always as (upper(name)) stored)")
      try server.tell("sql create table late_key (id int unique deferrable, name text); create table t_okay (id int, name text)")
      func message(_ type: String, _ sink: String) throws -> String {
        let program = try Postgres.program(
          "type Row { \(type) }", Postgres.load("Row", sink), files: ["in.ndjson": "{\"id\":1,\"name\":\"a\",\"up\":\"\"}\n"])
        #expect(try program.run().code == 1)
        return program.log
      }
      #expect(
        try message("id: Int, name: String, up: String", "db.table(\"gen\")").contains(
          "column `up` of `gen` is generated by the server; leave it out"))
      #expect(try message("id: Int, name: String", "db.table(\"late_key\", key: [id])").contains("is deferrable"))
      #expect(
        try message("id: Int, name: String", "db.table(\"t_okay\", key: [id])").contains("CREATE UNIQUE INDEX ON \"t_okay\" (\"id\")"))
      #expect(try message("id: Int, up: String", "db.table(\"t_okay\")").contains("table `t_okay` has no column `up`; it has id, name"))
      let missing = try message("id: Int, name: String?", "db.table(\"t_okai\", key: [id])")
      #expect(missing.contains("did you mean `t_okay`?"), "\(missing)")
      #expect(missing.contains(#"CREATE TABLE "t_okai" ("id" bigint NOT NULL, "name" text, PRIMARY KEY ("id"))"#), "\(missing)")
    }

    @Test("R44: a session that the environment made read-only") func readOnly() throws {
      try Postgres.server().tell("sql create table ro (id int)")
      let program = try TestProgram(
        "type Row { id: Int }\n\(Postgres.connection())\(Postgres.load("Row", "db.table(\"ro\")"))", files: ["in.ndjson": "{\"id\":1}\n"],
        settings: ["connection.db.port=\(try Postgres.server().port)"],
        environment: ["PG_PASSWORD": "s3cret", "PGOPTIONS": "-c default_transaction_read_only=on"])
      let outcome = try program.run(seconds: 60)
      #expect(
        outcome.code == 1 && outcome.err.contains("PGOPTIONS of the environment sets default_transaction_read_only"), "\(outcome.err)")
    }
  }

  /// D7, D8: what has no place in an order, or equals nothing, is refused before anything runs.
  @Test(
    "D7, D8: keys that may be null",
    arguments: [
      ("PostgreSQL { database = \"d\" }", "table(\"t\", order: [id])"),
      ("MongoDB { uri = \"mongodb://x\", database = \"d\" }", "find(\"t\", order: [id])"),
      ("Elasticsearch { }", "search(\"t\", order: [id])"),
    ]) func nullableOrder(_ connection: String, _ source: String)
  {
    func codes(_ type: String) -> [String] {
      Support.compile(
        """
        type T { id: \(type) }
        connection db: \(connection)
        pipeline p { source db.\(source) as T |> encode json |> sink stdout.lines()
          on error halt }
        """
      ).diagnostics.map(\.code.id)
    }
    #expect(codes("Int?") == ["P0408"])
    #expect(codes("Int") == [])
  }

  @Test("D8: a filter makes a field fit for a key") func narrowedKey() {
    func codes(_ filter: String) -> [String] {
      Support.compile(
        """
        type T { id: Int? }
        connection db: PostgreSQL { database = "d" }
        pipeline p { source stdin.lines() |> decode json as T \(filter) |> sink db.table("t", key: [id])
          on error halt }
        """
      ).diagnostics.map(\.code.id)
    }
    #expect(codes("") == ["P0408"])
    #expect(codes("|> filter .id != null") == [])
  }
}
