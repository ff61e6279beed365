import Foundation
import PumpTestSupport
import Testing

extension ConnectorTests {
  /// Positions in the transaction of the rows: each event has its row once, without a key.
  @Suite(.serialized) struct PositionsTests {
    enum Store: String, CaseIterable { case postgresql, sqlite }

    /// A table that takes no amount of 0.25, which every thousandth order has, a pipeline into it, and a way to ask it.
    private struct Table {
      let server: Server?
      let program: TestProgram

      init(_ store: Store, orders text: String, source: String = "file.lines(\"orders.ndjson\")") throws {
        let connection: String
        var settings: [String] = []
        let create = "create table orders (id bigint, customer text, amount numeric check (amount <> 0.25))"
        switch store {
        case .postgresql:
          let server = try Server("postgresql")
          try server.tell("sql \(create)")
          connection =
            "PostgreSQL { host = \"127.0.0.1\", database = \"app\", user = \"app\", password = env.PG_PASSWORD, sslmode = disable }"
          settings = ["connection.db.port=\(server.port)"]
          self.server = server
        case .sqlite:
          connection = "SQLite { path = \"orders.db\" }"
          server = nil
        }
        program = try TestProgram(
          """
          type Order { id: Int, customer: String, amount: Decimal }
          connection db: \(connection)
          pipeline load {
            source \(source) |> decode json as Order |> sink db.table("orders", positions: "positions") { batch { linger = 50ms } }
            on error |> encode json |> sink file.lines("dead.ndjson", mode: append)
          }
          """, files: ["orders.ndjson": text], settings: settings, environment: ["PG_PASSWORD": "s3cret"])
        if store == .sqlite { _ = try query(create.replacing("numeric", with: "real")) }
      }

      func query(_ sql: String) throws -> String {
        if let server { return try server.tell("sql \(sql)") }
        return try Support.run("/usr/bin/env", ["sqlite3", program.folder + "/orders.db", sql]).out.trimmingCharacters(
          in: .whitespacesAndNewlines)
      }
      var counts: String { get throws { try query("select count(*), count(distinct id) from orders") } }
    }

    /// Another replica makes the table of positions, and commits it while this one makes it too.
    @Test func tableMadeTwice() throws {
      let server = try Server("postgresql")
      try server.tell("sql create table t (id bigint)")
      let program = try Postgres.program(
        "type T { id: Int }", Postgres.load("T", "db.table(\"t\", positions: \"positions\")"), files: ["in.ndjson": "{\"id\":1}\n"],
        port: server.port)
      let columns = "source text, part text, position text not null, primary key (source, part)"
      let other = Thread {
        _ = try? server.tell("sql do $$ begin create table positions (\(columns)); perform pg_sleep(4); end $$")
      }
      other.start()
      usleep(1_000_000)
      let outcome = try program.run()
      #expect(outcome.code == 0, "\(outcome.err)")
      while !other.isFinished { usleep(10_000) }
      #expect(try server.tell("sql select count(*) from t") == "1")
    }

    /// What a table refuses goes aside before the position passes it; what was there is not read again.
    @Test(arguments: Store.allCases) func refusedRows(_ store: Store) throws {
      let table = try Table(store, orders: orders(3000))
      for _ in 1...2 {
        let outcome = try table.program.run()
        #expect(outcome.code == 0, "\(outcome.err)")
        #expect(try table.counts == "2997|2997")
        #expect(table.program.lines("dead.ndjson").count == 3)
      }
      let file = FileHandle(forWritingAtPath: table.program.folder + "/orders.ndjson")!
      try file.seekToEnd()
      try file.write(contentsOf: Data(orders(10, from: 3001).utf8))
      #expect(try table.program.run().code == 0)
      #expect(try table.counts == "3007|3007")
      #expect(try table.query("select count(*) from positions") == "1")
    }

    /// Dead letters that cannot be written keep the position, and the rows, where they were.
    @Test(arguments: Store.allCases) func failingErrorRoute(_ store: Store) throws {
      let table = try Table(store, orders: orders(1500))
      try FileManager.default.createDirectory(atPath: table.program.folder + "/dead.ndjson", withIntermediateDirectories: false)
      #expect(try table.program.run().code == 1)
      try FileManager.default.removeItem(atPath: table.program.folder + "/dead.ndjson")
      #expect(try table.program.run().code == 0)
      #expect(try table.counts == "1499|1499")
      #expect(table.program.lines("dead.ndjson").count == 1)
    }

    /// A second process that reads the same finds that the first has gone on, and ends without a row.
    @Test(arguments: Store.allCases) func twoProcesses(_ store: Store) throws {
      let table = try Table(store, orders: orders(500), source: "file.lines(\"orders.ndjson\", follow: true)")
      try table.program.start()
      #expect(try table.program.wait { try table.counts == "500|500" }, "\(table.program.log)")
      // What another process would have done meanwhile.
      _ = try table.query("update positions set position = '1 1'")
      let file = FileHandle(forWritingAtPath: table.program.folder + "/orders.ndjson")!
      try file.seekToEnd()
      try file.write(contentsOf: Data(orders(10, from: 501).utf8))
      let outcome = try table.program.end()
      #expect(outcome.code == 1 && outcome.err.contains("another process has gone on from the position"), "\(outcome.err)")
      #expect(try table.counts == "500|500")
    }
  }
}
