import Foundation
import PumpTestSupport
import Testing

extension ConnectorTests {
  /// PostgreSQL, the real server.
  @Suite(.serialized) struct PostgreSQLTests {
    private static let types = "type Order { id: Int, customer: String, amount: Decimal }\n"
    private static func connection(_ more: String = "") -> String {
      "connection db: PostgreSQL { host = \"127.0.0.1\", database = \"app\", user = \"app\", password = env.PG_PASSWORD, sslmode = disable\n\(more) }\n"
    }
    private static let load =
      types + connection()
        + """
        pipeline load {
          source file.lines("orders.ndjson") |> decode json as Order |> sink db.table("orders", key: [id])
          on error |> encode json |> sink file.lines("dead.ndjson", mode: append)
        }
        """

    private func program(_ server: Server, _ spec: String, files: [String: String] = [:], settings: [String] = []) throws -> TestProgram {
      try TestProgram(
        spec, files: files, settings: ["connection.db.port=\(server.port)"] + settings, environment: ["PG_PASSWORD": "s3cret"])
    }

    @Test func loadsRefusesAndReadsBack() throws {
      let server = try Server("postgresql")
      try server.tell("sql create table orders (id bigint primary key, customer text, amount numeric check (amount > 1))")
      // Some break the constraint, one stands twice: the last counts.
      let program = try program(
        server, Self.load, files: ["orders.ndjson": orders(3000) + "{\"id\":7,\"customer\":\"late\",\"amount\":5}\n"])
      let outcome = try program.run()
      #expect(outcome.code == 0, "\(outcome.err)")
      let dead = (1...3000).filter { $0 % 1000 == 0 }.count
      #expect(program.lines("dead.ndjson").count == dead)
      #expect(program.read("dead.ndjson").contains("violates check constraint"))
      #expect(try server.tell("sql select count(*) from orders") == "\(3000 - dead)")
      #expect(try server.tell("sql select customer from orders where id = 7") == "late")
      let back = try self.program(
        server,
        Self.types + Self.connection()
          + "pipeline read { source db.table(\"orders\", order: [id]) as Order |> encode json |> sink file.lines(\"out.ndjson\")\n on error halt }"
      )
      #expect(try back.run().code == 0)
      #expect(back.lines("out.ndjson").count == 3000 - dead)
      #expect(back.lines("out.ndjson").first == "{\"id\":1,\"customer\":\"cust-1\",\"amount\":1.25}")
    }

    /// Every type goes in and comes back as it was.
    @Test func typesAreExact() throws {
      let server = try Server("postgresql")
      try server.tell(
        "sql create table t (id bigint primary key, b bool, f float8, d numeric, s text, y bytea, t timestamptz, n date, p interval, u uuid, j jsonb, l text[], i bigint[], e text, z text)"
      )
      let spec =
        """
        type T { id: Int, b: Bool, f: Float, d: Decimal, s: String, y: Bytes, t: Timestamp, n: Date, p: Duration, u: Uuid, j: Json,
          l: [String], i: [Int], e: E, z: String? }
        enum E { one, two }
        \(Self.connection())
        pipeline load { source file.lines("in.ndjson") |> decode json as T |> sink db.table("t", key: [id])
          on error halt }
        """
      let row =
        #"{"id":-9223372036854775808,"b":true,"f":1e-300,"d":12345678901234567890.123456789,"s":"tab\t line\n back\\slash \"q\" 'a' é","y":"AAECXFxu","t":"1969-12-31T23:59:59.999999Z","n":"2024-02-29","p":"90061500ms","u":"a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11","j":{"a":[1,null]},"l":["a,b","{\"","\\",""],"i":[1,-2],"e":"two","z":null}"#
      let program = try program(server, spec, files: ["in.ndjson": row + "\n"])
      let outcome = try program.run()
      #expect(outcome.code == 0, "\(outcome.err)")
      let back = try self.program(
        server,
        spec.split(separator: "pipeline")[0]
          + "pipeline read { source db.table(\"t\", order: [id]) as T |> encode json |> sink file.lines(\"out.ndjson\")\n on error halt }")
      let read = try back.run()
      #expect(read.code == 0, "\(read.err)")
      // jsonb has spaces of its own.
      #expect(back.read("out.ndjson").replacing(#"{"a": [1, null]}"#, with: #"{"a":[1,null]}"#) == row + "\n")
    }

    @Test func comesBackAfterARestartAndSharesOnePool() throws {
      let server = try Server("postgresql")
      try server.tell("sql create table orders (id bigint primary key, customer text, amount numeric)")
      try server.tell("sql create table copies (id bigint primary key, customer text, amount numeric)")
      let spec =
        Self.types + Self.connection("pool { max = 2 }")
          + """
          pipeline one { source file.lines("orders.ndjson", follow: true) |> decode json as Order |> sink db.table("orders", key: [id])
            on error halt }
          pipeline two { source file.lines("orders.ndjson", follow: true) |> decode json as Order |> sink db.table("copies", key: [id])
            on error halt }
          """
      let program = try program(server, spec, files: ["orders.ndjson": orders(500)])
      try program.start()
      #expect(program.wait { (try? server.tell("sql select count(*) from orders")) == "500" }, "\(program.log)")
      #expect(Int(try server.tell("sessions"))! <= 2)
      try server.tell("stop")
      let file = FileHandle(forWritingAtPath: program.folder + "/orders.ndjson")!
      try file.seekToEnd()
      try file.write(contentsOf: Data(orders(500, from: 501).utf8))
      #expect(program.wait { program.log.contains("is lost") }, "\(program.log)")
      try server.tell("start")
      #expect(program.wait { (try? server.tell("sql select count(*) from orders")) == "1000" }, "\(program.log)")
      #expect(program.wait { (try? server.tell("sql select count(*) from copies")) == "1000" }, "\(program.log)")
      #expect(program.log.contains("is ready again"))
      #expect(Int(try server.tell("sessions"))! <= 2)
      let outcome = try program.stop()
      #expect(outcome.code == 0, "\(outcome.err)")
      #expect(!outcome.err.contains("s3cret"))
    }

    /// The network between is cut at bad moments, also with the answer to a COMMIT on its way: every row is there once, without
    /// a key, by the position in its transaction.
    @Test(arguments: ["reset", "fin", "cut-reply COMMIT", "cut-after 4000"]) func survivesTheNetwork(_ fault: String) throws {
      let server = try Server("postgresql")
      let proxy = try Server("proxy", "127.0.0.1:\(server.port)")
      try server.tell("sql create table orders (id bigint, customer text, amount numeric)")
      let spec = Self.load.replacing("file.lines(\"orders.ndjson\")", with: "file.lines(\"orders.ndjson\", follow: true)")
        .replacing("key: [id])", with: "positions: \"positions\") { batch { linger = 100ms } }")
      let program = try TestProgram(
        spec, files: ["orders.ndjson": orders(500)], settings: ["connection.db.port=\(proxy.port)"], environment: ["PG_PASSWORD": "s3cret"])
      try program.start()
      #expect(program.wait { (try? server.tell("sql select count(*) from orders")) == "500" }, "\(program.log)")
      let file = FileHandle(forWritingAtPath: program.folder + "/orders.ndjson")!
      try file.seekToEnd()
      for part in 1...4 {
        try proxy.tell(fault)
        try file.write(contentsOf: Data(orders(500, from: 500 * part + 1).utf8))
        usleep(300_000)
      }
      #expect(program.wait(seconds: 30) { (try? server.tell("sql select count(*) from orders")) == "2500" }, "\(program.log)")
      let outcome = try program.stop()
      #expect(try server.tell("sql select count(*), count(distinct id) from orders") == "2500|2500")
      #expect(outcome.code == 0 && program.lines("dead.ndjson").isEmpty, "\(outcome.err)")
    }

    /// A sink that streams its rows leaves a client to the lookup before it.
    @Test func lookupBesideAStream() throws {
      let server = try Server("postgresql")
      try server.tell("sql create table orders (id bigint primary key, customer text, amount numeric)")
      let step =
        "|> @known lookup db.table(\"orders\", key: .id) as old: Order |> filter .old == null |> map { id: .id, customer: .customer, amount: .amount } |> sink db"
      let spec = Self.load.replacing("|> sink db", with: step)
        .replacing("sslmode = disable", with: "sslmode = disable, pool { max = 1, acquire_timeout = 2s }")
      let outcome = try program(server, spec, files: ["orders.ndjson": orders(40_000)]).run()
      #expect(outcome.code == 0 && outcome.err.contains("40,000 to db.table(orders)"), "\(outcome.err)")
    }

    /// A stop waits for a server that is down as long as it may, and then says what is not delivered.
    @Test func stopsWithTheServerDown() throws {
      let server = try Server("postgresql")
      try server.tell("sql create table orders (id bigint primary key, customer text, amount numeric)")
      let spec = Self.load.replacing("file.lines(\"orders.ndjson\")", with: "file.lines(\"orders.ndjson\", follow: true)")
      let program = try program(server, spec, files: ["orders.ndjson": orders(10)], settings: ["general.shutdown_timeout=1s"])
      try program.start()
      #expect(program.wait { (try? server.tell("sql select count(*) from orders")) == "10" }, "\(program.log)")
      try server.tell("stop")
      let file = FileHandle(forWritingAtPath: program.folder + "/orders.ndjson")!
      try file.seekToEnd()
      try file.write(contentsOf: Data(orders(10, from: 11).utf8))
      #expect(program.wait { program.log.contains("waits, its source with it") }, "\(program.log)")
      let begin = Date()
      let outcome = try program.stop()
      #expect(outcome.code == 1 && outcome.err.contains("before the end of shutdown_timeout"), "\(outcome.err)")
      #expect(outcome.err.contains("load: 20 in, 10 to db.table(orders)"), "what is not committed is not counted: \(outcome.err)")
      #expect(Date().timeIntervalSince(begin) < 10)
    }

    /// What cannot work is said at once, with the connection's id and what would help.
    @Test func mistakesAreClear() throws {
      let server = try Server("postgresql")
      try server.tell("sql create table wrong (id text primary key, customer text, amount numeric)")
      func message(_ spec: String, _ settings: [String] = [], password: String = "s3cret") throws -> String {
        let program = try TestProgram(
          spec, files: ["orders.ndjson": orders(3)], settings: ["connection.db.port=\(server.port)"] + settings,
          environment: ["PG_PASSWORD": password])
        let outcome = try program.run(seconds: 60)
        #expect(outcome.code == 1)
        return outcome.err
      }
      #expect(try message(Self.load).contains("relation \"orders\" does not exist; create the table"))
      #expect(
        try message(Self.load, password: "canary-77").contains(
          "password authentication failed for user \"app\"; check `user` and `password`")
      )
      #expect(try !message(Self.load, password: "canary-77").contains("canary-77"))
      #expect(try message(Self.load, ["connection.db.database=nope"]).contains("database \"nope\" does not exist; check `database`"))
      #expect(try message(Self.load, ["connection.db.sslmode=require"]).contains("set `sslmode = disable` if the network is trusted"))
      #expect(try message(Self.load, ["connection.db.port=1", "connection.db.connect=required"]).contains("check `host` and `port`"))
      #expect(
        try message(Self.load.replacing("\"orders\", key", with: "\"wrong\", key"))
          .contains("column `id` of `\"wrong\"` is text, field `.id` is Int"))
    }

    @Test func tlsIsVerified() throws {
      let server = try Server("postgresql", "--tls")
      try server.tell("sql create table orders (id bigint primary key, customer text, amount numeric)")
      let spec = Self.load.replacing("sslmode = disable", with: "sslmode = verify_full")
      let right = try program(server, spec, files: ["orders.ndjson": orders(3)], settings: ["connection.db.tls.ca=\(server.text("ca"))"])
      let outcome = try right.run()
      #expect(outcome.code == 0, "\(outcome.err)")
      let wrong = try program(server, spec, files: ["orders.ndjson": orders(3)])
      let refused = try wrong.run()
      #expect(refused.code == 1 && refused.err.contains("tls.ca"), "\(refused.err)")
    }

    /// Killed at a bad moment, the slot gives again what was not acknowledged.
    @Test func changesSurviveAKill() throws {
      let server = try Server("postgresql")
      try server.tell("sql create table orders (id bigint primary key, customer text, amount numeric)")
      try server.tell("sql create publication pub for table orders")
      let spec =
        "type Order { id: Int, customer: String?, amount: Decimal? }\n" + Self.connection()
          + """
          pipeline changes {
            source db.changes(publication: "pub", slot: "pump") |> decode json as Order |> set { what: meta.operation }
              |> encode json |> sink file.lines("out.ndjson", mode: append)
            on error halt
          }
          """
      let program = try program(server, spec)
      try program.start()
      #expect(program.wait { (try? server.tell("sql select count(*) from pg_replication_slots where active")) == "1" }, "\(program.log)")
      try server.tell("sql insert into orders select n, 'c', 1 from generate_series(1, 2000) n")
      #expect(program.wait { program.lines("out.ndjson").count > 0 })
      program.kill(SIGKILL)
      try server.tell("sql insert into orders select n, 'c', 1 from generate_series(2001, 3000) n")
      try server.tell("sql delete from orders where id = 5")
      try program.start()
      #expect(program.wait { Set(program.lines("out.ndjson")).count == 3001 }, "\(program.log) \(program.lines("out.ndjson").count)")
      #expect(program.read("out.ndjson").contains("{\"id\":5,\"customer\":null,\"amount\":null,\"what\":\"delete\"}"))
      _ = try program.stop()
    }
  }
}
