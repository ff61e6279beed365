import Foundation
import PumpTestSupport
import Testing

extension ConnectorTests {
  /// `changes` of PostgreSQL, and replicas that are kept by them.
  @Suite(.serialized) struct PostgreSQLChangesTests {
    /// What `changes` gives of a table, as lines of `{ op, old, unchanged, row }`.
    private static func watch(_ publication: String) -> String {
      """
      pipeline watch { source db.changes(publication: "\(publication)", slot: "\(publication)") |> decode json as Json
        |> map { op: meta.operation, old: meta.old, unchanged: meta.unchanged, row: it }
        |> encode json |> sink file.lines("seen.ndjson", mode: append)
        on error halt }
      """
    }

    private static func publish(_ name: String, _ table: String) throws {
      try Postgres.server().tell("sql create publication \(name) for table \(table)")
      try Postgres.server().tell("sql select pg_create_logical_replication_slot('\(name)', 'pgoutput')")
    }

    private func seen(_ program: TestProgram) -> [String] {
      program.lines("seen.ndjson")
    }

    @Test("D9, D10, D11: large values, keys and truncation", arguments: [false, true]) func whatTheServerSends(_ isFull: Bool) throws {
      let server = try Postgres.server()
      let table = isFull ? "page_full" : "page_key"
      try server.tell("sql create table \(table) (slug text primary key, hits int, html text)")
      try server.tell("sql alter table \(table) alter html set storage external")
      if isFull { try server.tell("sql alter table \(table) replica identity full") }
      try Self.publish(table, table)
      for statement in [
        "insert into \(table) values ('home', 0, repeat('x', 5000))", "update \(table) set hits = 1",
        "update \(table) set slug = 'start'", "delete from \(table)", "truncate \(table)",
      ] { try server.tell("sql \(statement)") }
      let program = try Postgres.program("", Self.watch(table))
      try program.start()
      #expect(program.wait(seconds: 30) { program.lines("seen.ndjson").count == 5 }, "\(program.log)")
      #expect(try program.stop().code == 0, "\(program.log)")
      let large = String(repeating: "x", count: 5000)
      func row(_ slug: String, _ hits: Int, whole: Bool = true) -> String {
        "{\"slug\":\"\(slug)\",\"hits\":\(hits)\(whole ? ",\"html\":\"\(large)\"" : "")}"
      }
      func line(_ op: String, _ old: String?, _ unchanged: String, _ row: String) -> String {
        "{\"op\":\"\(op)\",\"old\":\(old ?? "null"),\"unchanged\":\(unchanged),\"row\":\(row)}"
      }
      let wanted =
        isFull
        ? [
          line("insert", nil, "[]", row("home", 0)), line("update", row("home", 0), "[]", row("home", 1)),
          line("update", row("home", 1), "[]", row("start", 1)), line("delete", row("start", 1), "[]", row("start", 1)),
          line("truncate", nil, "[]", "{}"),
        ]
        : [
          line("insert", nil, "[]", row("home", 0)), line("update", nil, "[\"html\"]", row("home", 1, whole: false)),
          line("update", "{\"slug\":\"home\"}", "[\"html\"]", row("start", 1, whole: false)),
          line("delete", "{\"slug\":\"start\"}", "[]", "{\"slug\":\"start\"}"), line("truncate", nil, "[]", "{}"),
        ]
      #expect(seen(program) == wanted)
    }

    private static let columns =
      "id int primary key, tags int[], names text[], grid int[], blobs bytea[], days date[], moments timestamptz[], plain timestamp[], pause interval, pauses interval[], small positive, smalls positive[], mood mood, moods mood[], span int4range, at timestamptz, local timestamp, day date, data bytea, f float8, fs float8[], n numeric, b bool, bs bool[], u uuid, j jsonb, note text"
    private static let values =
      #"1, '{1,NULL,3}', '{"a b",NULL,"q\"\\"}', '[0:1]={7,8}', '{"\\x0102",NULL,"\\x"}', '{2024-02-29}', '{2026-07-05 12:00:00+00}', '{2026-07-05 12:00:00}', '-1 day 02:00:00', '{1 day 02:00:00}', 2, '{3,NULL}', 'sad', '{"very happy",sad}', '[1,5)', '2026-07-05 12:00:00.5+00', '2026-07-05 12:00:00', '2024-02-29', '\x0102', 1e-300, '{0.1,NULL}', 12345678901234567890.120, true, '{t,f}', 'a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11', '{"a": [1, null]}', 'ü'"#
    private static let type = """
      type Row { id: Int, tags: [Int?], names: [String?], grid: [Int], blobs: [Bytes?], days: [Date], moments: [Timestamp], plain: [Timestamp],
        pause: Duration, pauses: [Duration], small: Int, smalls: [Int?], mood: String, moods: [String], span: String, at: Timestamp,
        local: Timestamp, day: Date, data: Bytes, f: Float, fs: [Float?], n: Decimal, b: Bool, bs: [Bool], u: Uuid, j: Json, note: String }
      """

    /// What is set for the server, the database and the role, as far as it changes how values are written.
    private static let settings: [[String]] = [
      [], ["timezone = 'Europe/Prague'"], ["timezone = 'America/New_York'", "datestyle = 'German, DMY'"],
      ["bytea_output = 'escape'", "intervalstyle = 'sql_standard'", "extra_float_digits = -15"],
      ["datestyle = 'SQL, MDY'", "intervalstyle = 'postgres_verbose'", "standard_conforming_strings = off", "timezone = 'Asia/Kathmandu'"],
    ]

    /// A property: whatever is set, and by whom, the same rows give the same events, and the table's source the same records.
    @Test("D12, D18, D19: one form for one value, whatever the settings") func settingsChangeNothing() throws {
      let server = try Postgres.server()
      try server.tell("sql create domain positive as int check (value > 0); create type mood as enum ('sad', 'very happy')")
      try server.tell("sql create table forms (\(Self.columns))")
      // Made under the server's own settings: how a text is read depends on them, too.
      try server.tell("sql create table template (like forms); insert into template values (\(Self.values))")
      try Self.publish("forms", "forms")
      try server.tell("sql create table forms_mirror (like forms including all)")
      try server.tell("sql select pg_create_logical_replication_slot('forms_mirror', 'pgoutput')")
      let read = """
        pipeline read { source db.table("forms", order: [id]) as Row |> encode json |> sink file.lines("table.ndjson")
          on error halt }
        """
      let changes = """
        pipeline changes { source db.changes(publication: "forms", slot: "forms") |> decode json as Row |> encode json
          |> sink file.lines("changes.ndjson", mode: append)
          on error halt }
        pipeline mirrored { source db.changes(publication: "forms", slot: "forms_mirror") |> sink db.table("forms_mirror", key: [id], mode: mirror)
          on error halt }
        """
      var first: String?
      for (number, settings) in Self.settings.enumerated() {
        // Of the role, the database and the server in turn.
        let place = ["role app", "database app", "system"][number % 3]
        for setting in settings { try server.tell("sql alter \(place) set \(setting)") }
        try server.tell("sql select pg_reload_conf()")
        try server.tell("sql truncate forms; insert into forms table template")
        let table = try Postgres.program(Self.type, read)
        #expect(try table.run().code == 0, "\(settings): \(table.log)")
        let program = try Postgres.program(
          Self.type, changes.replacing("|> decode", with: "|> filter meta.operation == \"insert\" |> decode"))
        try program.start()
        #expect(program.wait(seconds: 30) { !program.lines("changes.ndjson").isEmpty }, "\(settings): \(program.log)")
        // A list begins where it begins: the bounds of an array are not among its values.
        let same =
          "sql update forms_mirror set grid = (select grid from forms); "
          + "select count(*) from forms x join forms_mirror y on x is not distinct from y"
        #expect(try program.wait(seconds: 30) { try server.tell(same) == "1" }, "\(settings): \(program.log)")
        #expect(try program.stop().code == 0, "\(program.log)")
        first = first ?? table.read("table.ndjson")
        #expect(table.read("table.ndjson") == first, "\(settings)")
        #expect(program.read("changes.ndjson") == first, "\(settings)")
        try server.tell("sql alter \(place) reset all")
      }
      let row = try #require(first)
      for part in [
        #""tags":[1,null,3]"#, #""names":["a b",null,"q\"\\"]"#, #""grid":[7,8]"#, #""blobs":["AQI=",null,""]"#,
        #""moments":["2026-07-05T12:00:00Z"],"plain":["2026-07-05T12:00:00Z"],"pause":"-22h","pauses":["26h"],"small":2,"smalls":[3,null]"#,
        #""moods":["very happy","sad"],"span":"[1,5)","at":"2026-07-05T12:00:00.500Z","local":"2026-07-05T12:00:00Z""#,
        #""data":"AQI=","f":1e-300,"fs":[0.1,null],"n":12345678901234567890.12"#,
      ] { #expect(row.contains(part), "\(part) in \(row)") }
    }

    /// A generator of change streams: random statements on a table with large values, and a replica that must become equal to it,
    /// though the program is killed now and then.
    @Test("mode: mirror keeps a replica right", arguments: [(1, false), (2, true)]) func mirror(_ seed: Int, _ isFull: Bool) throws {
      let server = try Postgres.server()
      var random = Support.Random(UInt64(seed))
      let table = "world\(seed)"
      try server.tell("sql create table \(table) (a int, b text, small int, big text, blob bytea, tags text[], primary key (a, b))")
      try server.tell("sql alter table \(table) alter big set storage external, alter blob set storage external")
      if isFull { try server.tell("sql alter table \(table) replica identity full") }
      try server.tell("sql create table \(table)_copy (like \(table) including all, loaded timestamptz not null default now())")
      try Self.publish(table, table)
      let program = try Postgres.program(
        "",
        """
        pipeline mirrored { source db.changes(publication: "\(table)", slot: "\(table)")
          |> sink db.table("\(table)_copy", key: [a, b], mode: mirror) { batch { linger = 20ms } }
          \(Postgres.dead)
        """)
      try program.start()
      func key() -> String { "(\(Int.random(in: 1...6, using: &random)), 'k\(Int.random(in: 1...2, using: &random))')" }
      for round in 1...6 {
        var statements: [String] = []
        for _ in 1...25 {
          let large = "repeat('\(Int.random(in: 0...9, using: &random))', \([3, 5000].randomElement(using: &random)!))"
          switch Int.random(in: 0..<100, using: &random) {
          case ..<35:
            statements.append(
              "insert into \(table) select a, b, \(round), \(large), \(large)::bytea, array['x', null, \(large)] from (values \(key())) v(a, b) on conflict (a, b) do update set big = excluded.big, small = 0"
            )
          case ..<60: statements.append("update \(table) set small = coalesce(small, 0) + 1 where (a, b) = \(key())")
          case ..<70: statements.append("update \(table) set big = \(large), tags = null where (a, b) = \(key())")
          case ..<85:
            // A key goes to where none is, if there is room.
            statements.append(
              "update \(table) t set a = v.a, b = v.b, small = -1 from (values \(key())) v(a, b) where (t.a, t.b) = \(key()) and not exists (select from \(table) o where (o.a, o.b) = (v.a, v.b))"
            )
          case ..<98: statements.append("delete from \(table) where (a, b) = \(key())")
          default: statements.append("truncate \(table)")
          }
        }
        // Some in transactions of their own, some together.
        for part in [statements[..<10], statements[10..<12], statements[12...]] { try server.tell("sql \(part.joined(separator: "; "))") }
        if round % 2 == 0 {
          program.kill(SIGKILL)
          try program.start()
        }
      }
      let difference =
        "sql select count(*) from ((table \(table) except select a, b, small, big, blob, tags from \(table)_copy) union all (select a, b, small, big, blob, tags from \(table)_copy except table \(table))) d"
      let isSame = try program.wait(seconds: 30) {
        try server.tell(difference) == "0"
          && server.tell("sql select count(*) from \(table)_copy") == server.tell("sql select count(*) from \(table)")
      }
      let rest = try server.tell(difference)
      #expect(isSame, "\(rest) rows differ: \(program.log)")
      #expect(try program.stop().code == 0, "\(program.log)")
      #expect(program.lines("dead.ndjson").isEmpty, "\(program.read("dead.ndjson"))")
      #expect(try server.tell("sql select count(*) > 0 from \(table)") == "t", "nothing was compared")
    }

    @Test("mode: mirror of records, with a step between") func mirrorOfRecords() throws {
      let server = try Postgres.server()
      try server.tell(
        "sql create table person (id int primary key, name text, bio text); create table person_copy (like person including all)")
      try server.tell("sql alter table person alter bio set storage external")
      try Self.publish("person", "person")
      for statement in [
        "insert into person values (1, 'Ada', repeat('b', 5000)), (2, 'Bob', null)", "update person set name = 'Eda' where id = 1",
        "update person set id = 3 where id = 1", "delete from person where id = 2",
      ] { try server.tell("sql \(statement)") }
      let program = try Postgres.program(
        "type Person { id: Int, name: String?, bio: String? }",
        """
        pipeline p { source db.changes(publication: "person", slot: "person") |> decode json as Person
          |> set { name: if .name == null then null else upper(.name ?? "") }
          |> sink db.table("person_copy", key: [id], mode: mirror)
          \(Postgres.dead)
        """)
      try program.start()
      #expect(
        try program.wait(seconds: 30) { try server.tell("sql select id, name, length(bio) from person_copy") == "3|EDA|5000" },
        "\(program.log)")
      #expect(try program.stop().code == 0 && program.lines("dead.ndjson").isEmpty, "\(program.log) \(program.read("dead.ndjson"))")
    }

    @Test("D15: numbers of transactions have no sign") func lateTransactions() throws {
      let server = try Server("postgresql")
      try server.tell("sql create table t (id int primary key); create publication pub for table t")
      try server.tell("next-transaction 3000000000")
      try server.tell("sql select pg_create_logical_replication_slot('pub', 'pgoutput')")
      let number = try server.tell("sql insert into t values (1) returning xmin")
      #expect(Int64(number)! >= 3_000_000_000)
      let program = try Postgres.program(
        "",
        """
        pipeline p { source db.changes(publication: "pub", slot: "pub") |> map { tx: meta.transaction } |> encode json
          |> sink file.lines("out.ndjson", mode: append)
          on error halt }
        """, port: server.port)
      try program.start()
      #expect(
        program.wait(seconds: 20) { program.read("out.ndjson") == "{\"tx\":\(number)}\n" }, "\(program.read("out.ndjson")) \(program.log)")
      #expect(try program.stop().code == 0)
    }

    @Test("M34: a slot that was invalidated") func lostSlot() throws {
      let server = try Server("postgresql")
      for setting in ["max_slot_wal_keep_size = '1MB'", "min_wal_size = '32MB'", "max_wal_size = '32MB'"] {
        try server.tell("sql alter system set \(setting)")
      }
      try server.tell("sql select pg_reload_conf()")
      try server.tell("sql create table t (id int primary key, pad text); create publication pub for table t")
      try server.tell("sql select pg_create_logical_replication_slot('lost', 'pgoutput')")
      for _ in 1...4 {
        try server.tell(
          "sql insert into t select n + (select count(*) from t), repeat('x', 500) from generate_series(1, 30000) n; select pg_switch_wal()"
        )
      }
      try server.tell("sql checkpoint")
      #expect(try server.tell("sql select wal_status from pg_replication_slots") == "lost")
      let program = try Postgres.program("", Self.watch("pub").replacing("slot: \"pub\"", with: "slot: \"lost\""), port: server.port)
      let outcome = try program.run()
      #expect(outcome.code == 1 && outcome.err.contains("invalidated because it exceeded the maximum reserved size"), "\(outcome.err)")
      #expect(outcome.err.contains("drop the slot, SELECT pg_drop_replication_slot('lost'), and copy the tables anew"), "\(outcome.err)")
    }
  }
}
