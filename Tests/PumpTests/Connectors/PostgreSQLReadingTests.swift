import Foundation
import PumpTestSupport
import Testing

extension ConnectorTests {
  /// What is read from PostgreSQL: by polls beside others' transactions, by lookups, and through a pooler.
  @Suite(.serialized) struct PostgreSQLReadingTests {
    private func ids(_ program: TestProgram, _ name: String = "out.ndjson") -> [Int] {
      program.lines(name).compactMap { $0.firstMatch(of: /"id":(\d+)/).flatMap { Int($0.1) } }
    }

    /// A session of psql that keeps a transaction open: what it is told is run at once.
    private final class Session {
      private let process = Process()
      private let input = Pipe()
      init(_ port: String) throws {
        process.executableURL = URL(fileURLWithPath: "/usr/bin/env")
        process.arguments = ["psql", "-X", "-q", "-h", "127.0.0.1", "-p", port, "-U", "app", "-d", "app"]
        process.environment = ProcessInfo.processInfo.environment.merging(["PGPASSWORD": "s3cret"]) { $1 }
        process.standardInput = input
        process.standardOutput = FileHandle.nullDevice
        try process.run()
      }
      func tell(_ sql: String) throws { try input.fileHandleForWriting.write(contentsOf: Data((sql + ";\n").utf8)) }
      deinit {
        try? input.fileHandleForWriting.close()
        process.waitUntilExit()
      }
    }

    /// The lower number is committed last; a transaction that began earlier takes the higher one.
    @Test("D17: rows that are committed late", arguments: ["table(\"TABLE\"", "query(\"select id from TABLE -- R18: a comment\""])
    func lateCommits(_ endpoint: String) throws {
      let server = try Postgres.server()
      let table = "ev\(endpoint.count)"
      try server.tell("sql create table \(table) (id serial primary key, note text); create table other_\(table) (x int)")
      let program = try Postgres.program(
        "type Event { id: Int }",
        """
        pipeline poll { source db.\(endpoint.replacing("TABLE", with: table)), order: [id], every: 100ms) as Event |> encode json
          |> sink file.lines("out.ndjson", mode: append) { batch { linger = 20ms } }
          on error halt }
        """)
      try server.tell("sql insert into \(table)(note) values ('first')")
      try program.start()
      #expect(program.wait { ids(program) == [1] }, "\(program.log)")
      let (old, late) = (try Session(server.port), try Session(server.port))
      func waitFor(_ count: Int) throws -> Bool {
        try program.wait(seconds: 20) {
          try server.tell("sql select count(*) from pg_stat_activity where state = 'idle in transaction' and backend_xid is not null")
            == "\(count)"
        }
      }
      // It has a number as a transaction, and none of the rows yet.
      try old.tell("begin; insert into other_\(table) values (1)")
      #expect(try waitFor(1))
      try late.tell("begin; insert into \(table)(note) values ('late')")
      #expect(try waitFor(2))
      try old.tell("insert into \(table)(note) values ('old transaction, new row')")
      try old.tell("commit")
      #expect(try waitFor(1))
      try server.tell("sql insert into \(table)(note) values ('at once')")
      // Several polls: what is behind the row that is missing is not given meanwhile.
      usleep(800_000)
      #expect(ids(program) == [1], "\(program.log)")
      try late.tell("commit")
      #expect(program.wait(seconds: 20) { ids(program).count == 4 }, "\(ids(program)) \(program.log)")
      #expect(ids(program) == [1, 2, 3, 4])
      #expect(try program.stop().code == 0, "\(program.log)")
    }

    @Test("D7: rows without a place in the order, restarted") func nullsInTheOrder() throws {
      let server = try Postgres.server()
      try server.tell(
        "sql create table stamps (id int, at timestamptz); insert into stamps values (1, '2026-01-01Z'), (2, null), (3, '2026-01-02Z')")
      let program = try Postgres.program(
        "type Stamp { id: Int, at: Timestamp }",
        """
        pipeline read { source db.table("stamps", order: [at]) as Stamp |> encode json |> sink file.lines("out.ndjson", mode: append)
          on error halt }
        """, settings: ["general.state=state"])
      for run in 1...2 {
        #expect(try program.run().code == 0, "\(program.log)")
        #expect(ids(program) == [1, 3], "run \(run): \(program.log)")
        #expect(program.log.contains("rows without a value in `order`"), "\(program.log)")
      }
    }

    @Test(
      "D16: keys of a fixed length",
      arguments: [
        ("char(3)", ["U", "USD", "UZS"], ["unit", "dollar", nil]), ("bit(4)", ["0101", "1111"], ["five", nil]),
        ("varchar(5)", ["ab", "abc"], ["ab", nil]), ("numeric(6,2)", ["1.25", "1.3"], ["x", nil]),
      ] as [(String, [String], [String?])]) func keysOfALength(_ type: String, _ keys: [String], _ names: [String?]) throws
    {
      let server = try Postgres.server()
      let table = "keys_\(type.prefix { $0.isLetter })"
      try server.tell("sql create table \(table) (code \(type) primary key, name text)")
      let isNumber = type.hasPrefix("numeric")
      for (key, name) in zip(keys, names) { if let name { try server.tell("sql insert into \(table) values ('\(key)', '\(name)')") } }
      let program = try Postgres.program(
        "type In { c: \(isNumber ? "Decimal" : "String") }\ntype Found { name: String }",
        """
        pipeline p { source file.lines("in.ndjson") |> decode json as In |> lookup db.table("\(table)", key: .c) as row: Found
          |> map { name: .row?.name } |> encode json |> sink file.lines("out.ndjson")
          on error halt }
        """, files: ["in.ndjson": keys.map { "{\"c\":\(isNumber ? $0 : "\"\($0)\"")}\n" }.joined()])
      #expect(try program.run().code == 0, "\(program.log)")
      #expect(program.lines("out.ndjson") == names.map { "{\"name\":\($0.map { "\"\($0)\"" } ?? "null")}" })
    }

    /// Settings of a session are not ours behind a pooler: they hold for a transaction, and others see nothing of them.
    @Test("D13, D14: behind a pooler in transaction mode") func pooler() throws {
      let server = try Server("postgresql")
      let pooler = try Server("pgbouncer", server.port)
      try server.tell("sql alter role app set bytea_output = escape; alter role app set timezone = 'Asia/Kathmandu'")
      try server.tell("sql create table b (id int primary key, data bytea, at timestamptz, took interval)")
      try server.tell("sql insert into b values (1, '\\x0102', '2026-07-05 12:00:00Z', '26:00:00')")
      let type = "type B { id: Int, data: Bytes, at: Timestamp, took: Duration }"
      let program = try Postgres.program(
        type,
        """
        pipeline p { source db.table("b", order: [id]) as B |> @found lookup db.table("b", key: .id) as found: B |> encode json
          |> sink file.lines("out.ndjson")
          on error halt }
        """, port: pooler.port)
      #expect(try program.run().code == 0, "\(program.log)")
      let row = #"{"id":1,"data":"AQI=","at":"2026-07-05T12:00:00Z","took":"26h""#
      #expect(program.read("out.ndjson") == "\(row),\"found\":\(row)}}\n")
      // The sessions that were used have the settings that they had.
      let other = try Support.run(
        "/usr/bin/env",
        [
          "psql", "-X", "-A", "-t", "-q", "-h", "127.0.0.1", "-p", pooler.port, "-U", "app", "-d", "app", "-c",
          "select current_setting('intervalstyle'), current_setting('bytea_output')",
        ])
      #expect(other.out == "postgres|escape\n", "\(other.err)")
      let listen = "pipeline l { source db.listen(channel: \"c\") |> sink file.lines(\"heard\", mode: append)\n on error halt }"
      let deaf = try Postgres.program("", listen, port: pooler.port)
      let outcome = try deaf.run(seconds: 60)
      #expect(outcome.code == 1 && outcome.err.contains("`listen` hears nothing through this pooler"), "\(outcome.err)")
      let keeping = try Server("pgbouncer", "--session", server.port)
      let hearing = try Postgres.program("", listen, port: keeping.port)
      try hearing.start()
      #expect(
        try hearing.wait(seconds: 30) {
          try server.tell("sql notify c, 'hello'")
          return hearing.read("heard").contains("hello")
        }, "\(hearing.log)")
      #expect(try hearing.stop().code == 0, "\(hearing.log)")
    }
  }
}
