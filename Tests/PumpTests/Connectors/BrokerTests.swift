import Foundation
import PumpTestSupport
import Testing

extension ConnectorTests {
  /// Kafka's protocol by noida-db, or the broker that `KAFKA_BOOTSTRAP` names, and what only librdkafka's mock cluster can do;
  /// mosquitto, the real broker.
  @Suite(.serialized) struct BrokerTests {
    private static let types = "type Order { id: Int, customer: String, amount: Decimal }\n"
    /// All of them arrive, with key and headers; a consumer that is killed goes on where it had committed.
    @Test func kafkaLosesNothing() throws {
      let (topic, group) = (try KafkaBroker.topic("orders", 4), KafkaBroker.name("g"))
      let producer = try TestProgram(
        Self.types + KafkaBroker.connection
          + """
          pipeline load {
            source file.lines("orders.ndjson") |> decode json as Order |> encode json
              |> sink kafka.topic("\(topic)", key: .customer, headers: { source: [to_bytes("test")] })
            on error halt
          }
          """, files: ["orders.ndjson": orders(5000)], environment: try KafkaBroker.environment())
      let produced = try producer.run()
      #expect(produced.code == 0, "\(produced.err)")
      let consumer = try TestProgram(
        Self.types + KafkaBroker.connection
          + """
          pipeline read {
            source kafka.topic("\(topic)", group: "\(group)", from: earliest) |> decode json as Order
              |> set { key: meta.key, from: meta.topic }
              |> encode json |> sink file.lines("out.ndjson", mode: append)
            on error halt
          }
          """, environment: try KafkaBroker.environment())
      try consumer.start()
      #expect(consumer.wait { consumer.lines("out.ndjson").count > 0 }, "\(consumer.log)")
      consumer.kill(SIGKILL)
      try consumer.start()
      #expect(consumer.wait { Set(consumer.lines("out.ndjson")).count == 5000 }, "\(consumer.log)")
      let strange = consumer.lines("out.ndjson").first { !$0.contains("\"from\":\"\(topic)\"") || !$0.contains("\"key\":\"Y3VzdC0") }
      #expect(strange == nil)
      let outcome = try consumer.stop()
      #expect(outcome.code == 0, "\(outcome.err)")
      // What was committed does not come again.
      try consumer.start()
      #expect(!consumer.wait(seconds: 8) { consumer.lines("out.ndjson").count > 10_000 })
      let repeats = consumer.lines("out.ndjson").count
      #expect(try consumer.stop().code == 0)
      #expect(consumer.lines("out.ndjson").count == repeats)
    }

    /// With room for a few messages at a time, some of which are refused when they come and others by their delivery
    /// report: each event is in its topic, in order, or with its cause among the failed.
    @Test func kafkaTellsWhichItRefuses() throws {
      let server = try Server("kafka")
      let numbers = 1...3000
      let isLarge = { $0 % 7 == 0 }
      let isAstray = { $0 % 11 == 0 && $0 % 7 != 0 }
      let lines = numbers.map { number in
        let text = String(repeating: "x", count: isLarge(number) ? 2000 : 10)
        return
          "{\"n\":\(number),\"topic\":\"t\(number / 100 % 2)\",\"partition\":\(isAstray(number) ? "99" : "null"),\"text\":\"\(text)\"}\n"
      }
      let program = try TestProgram(
        """
        type Event { n: Int, topic: String, partition: Int?, text: String }
        connection kafka: Kafka {
          bootstrap_servers = env.KAFKA
          security_protocol = PLAINTEXT
          properties { "queue.buffering.max.messages" = "50", "message.max.bytes" = "1500" }
        }
        pipeline load {
          source file.lines("in.ndjson") |> decode json as Event |> encode json
            |> sink kafka.topic(.topic, partition: .partition, headers: if .n % 3 == 0 then { a: [to_bytes("b")] } else null)
          on error |> encode json |> sink file.lines("dead.ndjson")
        }
        """, files: ["in.ndjson": lines.joined()], environment: ["KAFKA": server.text("bootstrap")])
      for topic in ["t0", "t1"] { try server.tell("topic \(topic) 1 1") }
      let outcome = try program.run()
      #expect(outcome.code == 0, "\(outcome.err)")
      for (topic, rest) in [("t0", 0), ("t1", 1)] {
        let kcat = ["kcat", "-q", "-C", "-e", "-b", server.text("bootstrap"), "-t", topic, "-o", "beginning", "-f", "%s\n"]
        let came = try Support.run("/usr/bin/env", kcat).out.matches(of: /"n":(\d+)/).map { Int($0.1)! }
        #expect(came == numbers.filter { $0 / 100 % 2 == rest && !isLarge($0) && !isAstray($0) })
      }
      let dead = program.lines("dead.ndjson")
      func told(_ words: String) -> [Int] {
        dead.filter { $0.contains(words) }.compactMap { $0.firstMatch(of: /"line":(\d+)/).map { Int($0.1)! } }.sorted()
      }
      #expect(told("too large") == numbers.filter(isLarge), "\(dead.first ?? "")")
      #expect(told("Unknown partition") == numbers.filter(isAstray), "\(dead.last ?? "")")
    }

    @Test func kafkaWaitsForItsBrokers() throws {
      let server = try Server("kafka")
      try server.tell("topic orders 2 1")
      let program = try TestProgram(
        Self.types + KafkaBroker.connection
          + """
          pipeline load {
            source file.lines("orders.ndjson", follow: true) |> decode json as Order |> encode json |> sink kafka.topic("orders")
            on error halt
          }
          """, files: ["orders.ndjson": orders(100)], settings: ["general.metrics=127.0.0.1:0"],
        environment: ["KAFKA": server.text("bootstrap")])
      try program.start()
      #expect(program.wait { program.log.contains("is ready") }, "\(program.log)")
      try server.tell("down 1")
      let file = FileHandle(forWritingAtPath: program.folder + "/orders.ndjson")!
      try file.seekToEnd()
      try file.write(contentsOf: Data(orders(100, from: 101).utf8))
      #expect(program.wait { program.log.contains("have not confirmed") || program.log.contains("is lost") }, "\(program.log)")
      try server.tell("up 1")
      #expect(program.wait(seconds: 20) { program.metric("pump_events_acknowledged_total") == 200 }, "\(program.log)")
      #expect(try program.stop().code == 0)
    }

    @Test func mqttLosesNothing() throws {
      let server = try Server("mosquitto")
      let connection = "connection broker: MQTT { host = \"127.0.0.1\", security = plain }\n"
      let settings = ["connection.broker.port=\(server.port)"]
      let subscriber = try TestProgram(
        Self.types + connection
          + """
          pipeline read {
            source broker.topic("orders/+") |> decode json as Order |> set { topic: meta.topic }
              |> encode json |> sink file.lines("out.ndjson", mode: append)
            on error halt
          }
          """, settings: settings)
      try subscriber.start()
      #expect(subscriber.wait { subscriber.log.contains("is ready") }, "\(subscriber.log)")
      usleep(500_000)
      subscriber.kill(SIGKILL)
      let publisher = try TestProgram(
        Self.types + connection
          + """
          pipeline load {
            source file.lines("orders.ndjson") |> decode json as Order |> encode json |> sink broker.topic("orders/\\(.customer)")
            on error halt
          }
          """, files: ["orders.ndjson": orders(300)], settings: settings)
      let published = try publisher.run()
      #expect(published.code == 0, "\(published.err)")
      // The session kept what came while the subscriber was away, also over a crash of the broker.
      usleep(1_500_000)
      try server.tell("restart")
      try subscriber.start()
      #expect(subscriber.wait { Set(subscriber.lines("out.ndjson")).count == 300 }, "\(subscriber.log)")
      #expect(subscriber.read("out.ndjson").contains("\"topic\":\"orders/cust-1\""))
      try server.tell("restart")
      #expect(subscriber.wait { subscriber.log.contains("is ready again") }, "\(subscriber.log)")
      #expect(try subscriber.stop().code == 0)
    }

    @Test func mqttRefusalsAreClear() throws {
      let server = try Server("mosquitto", "auth")
      let spec =
        "connection broker: MQTT { host = \"127.0.0.1\", security = plain, user = \"app\", password = env.MQTT_PASSWORD }\n"
        + "pipeline load { source file.lines(\"in.txt\") |> sink broker.topic(\"ok/a\")\n on error halt }"
      for (password, code) in [("canary-78", Int32(1)), ("s3cret", 0)] {
        let program = try TestProgram(
          spec, files: ["in.txt": "hello\n"], settings: ["connection.broker.port=\(server.port)"], environment: ["MQTT_PASSWORD": password])
        let outcome = try program.run()
        #expect(outcome.code == code && !outcome.err.contains(password), "\(outcome.err)")
        if code == 1 { #expect(outcome.err.contains("check `user` and `password`"), "\(outcome.err)") }
      }
    }
  }
}
