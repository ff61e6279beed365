import Foundation
import PumpTestSupport
import Testing

extension ConnectorTests {
  /// What others have lost events by. Of these, what the contract's cases do not come to.
  @Suite(.serialized) struct RegressionTests {
    private static let types = "type Order { id: Int, customer: String, amount: Decimal }\n"
    private static let kafka =
      "connection kafka: Kafka { bootstrap_servers = env.KAFKA, security_protocol = PLAINTEXT, properties { \"session.timeout.ms\" = \"6000\" } }\n"
    private static let es = "connection es: Elasticsearch { nodes = env.ES }\n"
    private static let postgres =
      "connection db: PostgreSQL { host = \"127.0.0.1\", database = \"app\", user = \"app\", password = env.PG_PASSWORD, sslmode = disable }\n"
    private static let mongo = "connection db: MongoDB { uri = env.MONGO, database = \"app\", security = plain }\n"

    private func ids(_ program: TestProgram, _ name: String = "out.ndjson") -> [Int] {
      program.read(name).matches(of: /"id":(\d+)/).compactMap { Int($0.1) }
    }

    private func kcat(_ server: Server, _ words: String..., input: String? = nil) throws -> String {
      try Support.run("/usr/bin/env", ["kcat", "-q", "-b", server.text("bootstrap")] + words, input: input).out
    }

    /// Between events that the brokers take are some that they refuse for want of rights: no offset is committed past those.
    @Test(.enabled(if: ProcessInfo.processInfo.environment["KAFKA_BOOTSTRAP"] == nil)) func nothingIsCommittedPastARefusal() throws {
      let server = try Server("kafka")
      for topic in ["in", "out0", "out1"] { try server.tell("topic \(topic) 1 1") }
      let program = try TestProgram(
        Self.types + Self.kafka
          + """
          pipeline p {
            source kafka.topic("in", group: "g", from: earliest) |> decode json as Order |> encode json
              |> sink kafka.topic("out\\(.id % 2)") { batch { linger = 50ms } }
            on error halt
          }
          """, settings: ["general.metrics=127.0.0.1:0"], environment: ["KAFKA": server.text("bootstrap")])
      _ = try kcat(server, "-t", "in", "-P", input: orders(100))
      try program.start()
      #expect(program.wait { program.metric("pump_events_acknowledged_total") == 100 }, "\(program.log)")
      #expect(try program.stop().code == 0)
      _ = try kcat(server, "-t", "in", "-P", input: orders(100, from: 101))
      // The next request to produce (0), one of those to two topics, is not authorized (29); the others are.
      try server.tell("errors 0 29")
      let refused = try program.run(seconds: 30)
      #expect(refused.code == 1 && refused.err.contains("grant the user WRITE"), "\(refused.code) \(refused.err)")
      try program.start()
      #expect(
        try program.wait(seconds: 30) {
          let out = try (0...1).map { try kcat(server, "-t", "out\($0)", "-C", "-e", "-o", "beginning") }.joined()
          return Set(out.matches(of: /"id":(\d+)/).compactMap { Int($0.1) }) == Set(1...200)
        }, "\(program.log)")
      #expect(try program.stop().code == 0)
    }

    /// A member joins a group and leaves it, with events under way: what a partition's former owner had not delivered, the next one does.
    @Test(.enabled(if: ProcessInfo.processInfo.environment["KAFKA_BOOTSTRAP"] == nil)) func partitionsChangeHands() throws {
      let server = try Server("kafka")
      try server.tell("topic in 4 1")
      let members = try (1...2).map { _ in
        try TestProgram(
          Self.kafka
            + """
            pipeline p {
              source kafka.topic("in", group: "g", from: earliest) |> sink file.lines("out.ndjson", mode: append) { batch { linger = 1s } }
              on error halt
            }
            """, environment: ["KAFKA": server.text("bootstrap")])
      }
      func give(_ number: Int) throws { _ = try kcat(server, "-t", "in", "-P", input: orders(500, from: 500 * number + 1)) }
      try give(0)
      try members[0].start()
      #expect(members[0].wait { ids(members[0]).count > 0 }, "\(members[0].log)")
      try members[1].start()
      for number in 1...8 {
        try give(number)
        usleep(500_000)
      }
      #expect(members[1].wait { ids(members[1]).count > 0 }, "\(members[1].log)")
      #expect(try members[0].stop().code == 0)
      try give(9)
      let ok = members[1].wait { Set(members.flatMap { ids($0) }) == Set(1...5000) }
      #expect(ok, "\(Set(1...5000).subtracting(members.flatMap { ids($0) }).sorted().prefix(5)) \(members[1].log)")
      #expect(try members[1].stop().code == 0)
    }

    /// A message that ends the run is not confirmed by the leave that the client takes: it comes again.
    @Test func messagesAreNotConfirmedByTheEnd() throws {
      let server = try Server("mosquitto")
      let program = try TestProgram(
        Self.types
          + """
          connection broker: MQTT { host = "127.0.0.1", security = plain }
          pipeline p {
            source broker.topic("in") |> decode json as Order |> encode json |> sink file.lines("out.ndjson", mode: append)
            on error halt
          }
          """, settings: ["connection.broker.port=\(server.port)"])
      func publish(_ text: String) throws {
        _ = try Support.run("/usr/bin/env", ["mosquitto_pub", "-p", server.port, "-q", "1", "-t", "in", "-l"], input: text)
      }
      try program.start()
      let isHeard = try program.wait {
        try publish(orders(1))
        return !ids(program).isEmpty
      }
      #expect(isHeard, "\(program.log)")
      try publish("not json\n")
      #expect(try program.end().code == 1)
      let again = try program.run(seconds: 20)
      #expect(again.code == 1 && again.err.contains("an event failed"), "\(again.err)")
    }

    /// A bulk request is answered with success, some of its items with failure: where the run ends by that, none of it is acknowledged.
    @Test(.enabled(if: ProcessInfo.processInfo.environment["ELASTICSEARCH_URL"] == nil)) func refusedItemsAreNotAcknowledged() throws {
      let server = try Server("elasticsearch")
      let program = try TestProgram(
        Self.types + Self.es
          + """
          pipeline load {
            source file.lines("orders.ndjson") |> decode json as Order |> sink es.index("orders", id: to_string(.id))
            on error halt
          }
          """, files: ["orders.ndjson": orders(100)], settings: ["general.state=state"], environment: ["ES": server.text("url")])
      try server.tell("fail-item 400 3")
      #expect(try program.run().code == 1)
      #expect(try server.tell("count orders") == "97")
      let again = try program.run()
      #expect(again.code == 0, "\(again.err)")
      #expect(try server.tell("count orders") == "100")
    }

    /// Where the dead-letter sink fails, the run does, and nothing is acknowledged; with it in order, the next has all.
    @Test(arguments: ["at once", "late"]) func deadLettersAreNotLost(_ when: String) throws {
      guard when == "at once" || ProcessInfo.processInfo.environment["ELASTICSEARCH_URL"] == nil else { return }
      let server = when == "late" ? try Server("elasticsearch") : nil
      let sink = when == "late" ? "es.index(\"dead\") { batch { linger = 50ms } }" : "file.lines(\"dead.ndjson\", mode: append)"
      let program = try TestProgram(
        Self.types + (when == "late" ? Self.es : "")
          + """
          pipeline p {
            source file.lines("in.ndjson") |> decode json as Order |> encode json |> sink file.lines("out.ndjson", mode: append)
            on error |> map { payload: .payload } \(when == "late" ? "" : "|> encode json ")|> sink \(sink)
          }
          """, files: ["in.ndjson": orders(50) + "not json\n" + orders(50, from: 51)], settings: ["general.state=state"],
        environment: ["ES": server?.text("url") ?? ""])
      let dead = program.folder + "/dead.ndjson"
      if let server {
        try server.tell("fail-item 400 1")
      } else {
        try FileManager.default.createSymbolicLink(atPath: dead, withDestinationPath: "/dev/full")
      }
      let failed = try program.run()
      #expect(failed.code == 1, "\(failed.err)")
      let kept = (try? FileManager.default.contentsOfDirectory(atPath: program.folder + "/state")) ?? []
      #expect(!kept.contains { $0.hasSuffix(".position") })
      try? FileManager.default.removeItem(atPath: dead)
      let outcome = try program.run()
      #expect(outcome.code == 0, "\(outcome.err)")
      #expect(Set(ids(program)) == Set(1...100))
      #expect(try server?.tell("count dead") ?? "\(program.lines("dead.ndjson").count)" == "1")
    }

    /// Ids that are made here are made for each event, and kept for each attempt: no commit takes the place of another's documents.
    @Test(arguments: ["elasticsearch", "mongodb"]) func commitsAreToldApart(_ system: String) throws {
      let isMongo = system == "mongodb"
      guard ProcessInfo.processInfo.environment[isMongo ? "MONGODB_URI" : "ELASTICSEARCH_URL"] == nil else { return }
      let server = try Server(system)
      let program = try TestProgram(
        Self.types + (isMongo ? Self.mongo : Self.es)
          + """
          pipeline load {
            source file.lines("in.ndjson", follow: true) |> decode json as Order
              |> sink \(isMongo ? "db.collection" : "es.index")("orders") { batch { linger = 20ms } }
            on error halt
          }
          """, files: ["in.ndjson": ""], environment: isMongo ? ["MONGO": server.text("uri")] : ["ES": server.text("url")])
      try program.start()
      #expect(program.wait { program.log.contains("is ready") }, "\(program.log)")
      for round in 1...4 {
        // Done, but the reply is lost: the same events are sent again.
        try server.tell(isMongo ? "close-after insert 1" : "drop-after 1")
        try program.append(orders(50, from: 50 * round - 49), to: "in.ndjson")
        let count = isMongo ? "count app orders" : "count orders"
        #expect(program.wait { (try? server.tell(count)) == "\(50 * round)" }, "\(program.log)")
      }
      #expect(try program.stop().code == 0)
      #expect(try server.tell(isMongo ? "count app orders" : "count orders") == "200")
    }

    /// Killed with its first batch taken and not delivered, a snapshot begins anew: no position is kept before its rows.
    @Test(arguments: ["postgresql", "mongodb"]) func positionsFollowTheirRows(_ system: String) throws {
      let isMongo = system == "mongodb"
      let server = try Server(system)
      if isMongo {
        let code =
          "import pymongo\npymongo.MongoClient('\(server.text("uri"))').app.orders.insert_many([{'id': n} for n in range(1, 3001)])"
        #expect(try Support.run(Support.python, ["-c", code]).code == 0)
      } else {
        try server.tell("sql create table orders (id bigint primary key)")
        try server.tell("sql insert into orders select generate_series(1, 3000)")
      }
      let program = try TestProgram(
        "type Row { id: Int }\n" + (isMongo ? Self.mongo : Self.postgres)
          + """
          pipeline p {
            source db.\(isMongo ? "find" : "table")("orders", order: [id], every: 100ms) as Row |> encode json
              |> sink file.lines("out.ndjson", mode: append) { batch { linger = 1h } }
            on error halt
          }
          """,
        settings: ["general.state=state", "general.metrics=127.0.0.1:0"]
          + (isMongo ? [] : ["connection.db.port=\(server.port)"]),
        environment: isMongo ? ["MONGO": server.text("uri")] : ["PG_PASSWORD": "s3cret"])
      try program.start()
      #expect(program.wait { program.metric("pump_events_in_total") ?? 0 > 0 }, "\(program.log)")
      program.kill(SIGKILL)
      // What was not committed need not be there after a crash of the machine.
      #expect(truncate(program.folder + "/out.ndjson", 0) == 0)
      try program.start()
      #expect(program.wait { program.metric("pump_events_in_total") == 3000 }, "\(program.log)")
      // What waits at the stop is delivered and acknowledged, and does not come again.
      #expect(try program.stop().code == 0)
      #expect(ids(program) == Array(1...3000))
      try program.start()
      #expect(program.wait { program.log.contains("is ready") }, "\(program.log)")
      usleep(500_000)
      #expect(try program.stop().code == 0)
      #expect(ids(program).count == 3000)
    }
  }
}
