import Foundation
import PumpTestSupport
import Testing

extension ConnectorTests {
  /// MongoDB on a strict stand-in that pymongo and libmongoc accept, or a real server by `MONGODB_URI`.
  @Suite(.serialized) struct MongoDBTests {
    private static let connection = "connection db: MongoDB { uri = env.MONGO, database = \"app\", security = plain }\n"
    private static let real = ProcessInfo.processInfo.environment["MONGODB_URI"]
    private let collection = "orders_\(UUID().uuidString.prefix(8).lowercased())"

    private func load(_ more: String = "") -> String {
      Self.connection
        + """
        type In { id: Int, customer: String, amount: Decimal }
        pipeline load {
          source file.lines("orders.ndjson") |> decode json as In |> sink db.collection("\(collection)"\(more))
          on error |> encode json |> sink file.lines("dead.ndjson")
        }
        """
    }

    private func program(_ server: Server?, _ spec: String, files: [String: String] = [:], settings: [String] = []) throws -> TestProgram {
      try TestProgram(spec, files: files, settings: settings, environment: ["MONGO": Self.real ?? server!.text("uri")])
    }

    @Test func upsertsAndReadsBack() throws {
      let server = Self.real == nil ? try Server("mongodb") : nil
      let loaded = try program(server, load(", key: [id]"), files: ["orders.ndjson": orders(2000) + orders(100)])
      let outcome = try loaded.run()
      #expect(outcome.code == 0, "\(outcome.err)")
      let back = try program(
        server,
        Self.connection
          + "type Order { id: Int, customer: String, amount: Decimal }\npipeline read { source db.find(\"\(collection)\", order: [id]) as Order |> encode json |> sink file.lines(\"out.ndjson\")\n on error halt }"
      )
      let read = try back.run()
      #expect(read.code == 0, "\(read.err)")
      #expect(back.read("out.ndjson") == orders(2000))
    }

    /// Documents whose fields are not all known go through as they are, and keep the types that only BSON has.
    @Test func openDocuments() throws {
      let server = Self.real == nil ? try Server("mongodb") : nil
      let lines = """
        {"_id":{"$oid":"65a000000000000000000001"},"id":1,"when":{"$date":"2026-01-01T00:00:00Z"},"deep":{"a":[1,2.5,{"b":null}]}}
        {"_id":"65a000000000000000000002","id":2,"a.b":true}
        {"_id":7,"id":3,"name":"ä"}
        [1]
        {"_id":8,"name":"no id"}

        """
      let copied = try program(
        server,
        Self.connection
          + """
          type Open { id: Int, ...rest: Json }
          pipeline load {
            source file.lines("in.ndjson") |> decode json as Json
              |> tee { sink db.collection("\(collection)_json") }
              |> sink db.collection("\(collection)_keyed", key: [id])
            on error |> map .message |> encode text |> sink file.lines("dead.txt")
          }
          pipeline open {
            source file.lines("in.ndjson") |> decode json as Open |> set { name: "set" } |> sink db.collection("\(collection)_open")
            on error skip
          }
          """, files: ["in.ndjson": lines])
      let outcome = try copied.run()
      #expect(outcome.code == 0, "\(outcome.err)")
      let dead = copied.lines("dead.txt")
      #expect(dead.contains("[1] is no object"))
      #expect(dead.contains { $0.contains("cannot be called \"a.b\"") })
      #expect(dead.contains { $0.contains("no field \"id\"") })
      let back = try program(
        server,
        Self.connection
          + """
          type Open { id: Int, ...rest: Json }
          pipeline whole { source db.find("\(collection)_json") as Json |> encode json |> sink file.lines("json.ndjson") \n on error halt }
          pipeline keyed { source db.find("\(collection)_keyed") as Json |> drop _id |> encode json |> sink file.lines("keyed.ndjson") \n on error halt }
          pipeline open { source db.find("\(collection)_open", order: [id]) as Open |> encode json |> sink file.lines("open.ndjson") \n on error halt }
          pipeline found {
            source file.lines("ids.ndjson") |> decode json as { id: Int }
              |> lookup db.collection("\(collection)_json", field: "id", key: .id) as doc: Json
              |> encode json |> sink file.lines("found.ndjson")
            on error halt
          }
          """, files: ["ids.ndjson": "{\"id\":3}\n{\"id\":4}\n"])
      let read = try back.run()
      #expect(read.code == 0, "\(read.err)")
      let second = #"{"_id":{"$oid":"65a000000000000000000002"},"id":2,"a.b":true}"#
      let given = lines.split(separator: "\n").map(String.init)
      #expect(Set(back.lines("json.ndjson")) == [given[0], second, given[2], given[4]])
      #expect(
        Set(back.lines("keyed.ndjson")) == [
          #"{"id":1,"when":{"$date":"2026-01-01T00:00:00Z"},"deep":{"a":[1,2.5,{"b":null}]}}"#, #"{"id":3,"name":"ä"}"#,
        ])
      #expect(
        back.lines("open.ndjson") == [
          #"{"id":1,"_id":{"$oid":"65a000000000000000000001"},"name":"set","when":{"$date":"2026-01-01T00:00:00Z"},"deep":{"a":[1,2.5,{"b":null}]}}"#,
          #"{"id":2,"_id":{"$oid":"65a000000000000000000002"},"name":"set","a.b":true}"#,
          #"{"id":3,"_id":7,"name":"set"}"#,
        ])
      #expect(back.lines("found.ndjson") == [#"{"id":3,"doc":\#(given[2])}"#, #"{"id":4,"doc":null}"#])
    }

    /// An answer that is lost, a server that is busy or gone: each document is there once.
    @Test(
      .enabled(if: real == nil),
      arguments: ["close-after insert 3", "fail insert 11600 3", "fail insert 10107 2"]) func everyDocumentOnce(_ fault: String) throws
    {
      let server = try Server("mongodb")
      try server.tell(fault)
      let program = try program(server, load(), files: ["orders.ndjson": orders(3000)])
      let outcome = try program.run()
      #expect(outcome.code == 0, "\(outcome.err)")
      #expect(try server.tell("count app \(collection)") == "3000")
      #expect(program.lines("dead.ndjson").isEmpty)
    }

    @Test(.enabled(if: real == nil)) func comesBackAfterAStop() throws {
      let server = try Server("mongodb")
      let spec = load().replacing("file.lines(\"orders.ndjson\")", with: "file.lines(\"orders.ndjson\", follow: true)")
      let program = try program(server, spec, files: ["orders.ndjson": orders(500)])
      try program.start()
      #expect(program.wait { (try? server.tell("count app \(collection)")) == "500" }, "\(program.log)")
      try server.tell("stop")
      let file = FileHandle(forWritingAtPath: program.folder + "/orders.ndjson")!
      try file.seekToEnd()
      try file.write(contentsOf: Data(orders(500, from: 501).utf8))
      usleep(1_500_000)
      try server.tell("start")
      #expect(program.wait { (try? server.tell("count app \(collection)")) == "1000" }, "\(program.log)")
      #expect(try program.stop().code == 0)
    }

    /// A branch that may spill holds no other back while its system is down; killed and run again, it sends what it has kept, each once.
    @Test(.enabled(if: real == nil)) func branchSpills() throws {
      let server = try Server("mongodb")
      let program = try program(
        server,
        Self.connection
          + """
          type In { id: Int, customer: String, amount: Decimal }
          pipeline load {
            source file.lines("orders.ndjson", follow: true) |> decode json as In
              |> tee { sink db.collection("\(collection)", key: [id]) } when down spill 64MiB
              |> encode json |> sink file.lines("out.ndjson", mode: append)
            on error |> encode json |> sink file.lines("dead.ndjson", mode: append)
          }
          """, files: ["orders.ndjson": orders(500), "pipelines.conf": "[general]\nstate = state\n"])
      try program.start()
      #expect(program.wait { (try? server.tell("count app \(collection)")) == "500" }, "\(program.log)")
      try server.tell("stop")
      let file = FileHandle(forWritingAtPath: program.folder + "/orders.ndjson")!
      try file.seekToEnd()
      try file.write(contentsOf: Data(orders(3000, from: 501).utf8))
      #expect(program.wait { program.lines("out.ndjson").count == 3500 }, "\(program.log)")
      usleep(1_500_000)
      program.kill(SIGKILL)
      try server.tell("start")
      #expect(try server.tell("count app \(collection)") == "500")
      try program.start()
      #expect(program.wait { (try? server.tell("count app \(collection)")) == "3500" }, "\(program.log)")
      #expect(try program.stop().code == 0)
      #expect(program.read("out.ndjson") == orders(500) + orders(3000, from: 501))
      #expect(program.lines("dead.ndjson").isEmpty)
    }

    /// A client that has nothing under way ends at once, whether or not its server still answers.
    @Test(.enabled(if: real == nil)) func endsWhileTheServerIsSilent() throws {
      let server = try Server("mongodb")
      let proxy = try Server("proxy", "127.0.0.1:\(server.port)")
      let spec = load().replacing("file.lines(\"orders.ndjson\")", with: "file.lines(\"orders.ndjson\", follow: true)")
      let program = try TestProgram(
        spec, files: ["orders.ndjson": orders(500)],
        environment: ["MONGO": "mongodb://127.0.0.1:\(proxy.port)/?directConnection=true"])
      try program.start()
      #expect(program.wait { (try? server.tell("count app \(collection)")) == "500" }, "\(program.log)")
      // The acknowledgement is behind the last answer.
      usleep(500_000)
      try proxy.tell("stall both")
      program.kill(SIGTERM)
      let outcome = try program.end(seconds: 20)
      #expect(outcome.code == 0 && outcome.err.contains("500 to"), "\(outcome.code) \(outcome.err)")
    }

    /// Killed at a bad moment, the stream gives again what was not acknowledged.
    @Test func changesSurviveAKill() throws {
      let server = Self.real == nil ? try Server("mongodb") : nil
      let loader = try program(server, load(), files: ["orders.ndjson": orders(200)])
      let changes = try program(
        server,
        Self.connection
          + """
          type Change { customer: String }
          pipeline changes {
            source db.changes(collection: "\(collection)") |> decode json as Change |> set { key: meta.key, what: meta.operation }
              |> encode json |> sink file.lines("out.ndjson", mode: append)
            on error halt
          }
          """, settings: ["general.state=state"])
      try changes.start()
      #expect(changes.wait { changes.log.contains("is ready") })
      usleep(1_500_000)
      #expect(try loader.run().code == 0)
      #expect(changes.wait { changes.lines("out.ndjson").count > 0 }, "\(changes.log)")
      changes.kill(SIGKILL)
      try changes.start()
      #expect(changes.wait { Set(changes.lines("out.ndjson")).count == 200 }, "\(changes.log)")
      let stopped = try changes.stop()
      #expect(stopped.code == 0, "\(stopped.err)")
    }

    @Test(.enabled(if: real == nil)) func loginIsClear() throws {
      let server = try Server("mongodb", "--auth")
      let spec = load().replacing(
        "uri = env.MONGO", with: "host = \"127.0.0.1\", user = \"app\", password = env.MONGO_PASSWORD")
      for (password, code) in [("canary-80", Int32(1)), ("s3cret", 0)] {
        let program = try TestProgram(
          spec, files: ["orders.ndjson": orders(10)], settings: ["connection.db.port=\(server.port)"],
          environment: ["MONGO_PASSWORD": password])
        let outcome = try program.run()
        #expect(outcome.code == code && !outcome.err.contains(password), "\(outcome.err)")
      }
    }
  }
}
