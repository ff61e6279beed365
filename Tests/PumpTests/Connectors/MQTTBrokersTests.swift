import Foundation
import PumpTestSupport
import Testing

extension ConnectorTests {
  /// Brokers other than mosquitto, and programs that get in each other's way.
  @Suite(.serialized) struct MQTTBrokersTests {
    private static func connection(_ more: String = "") -> String {
      "connection broker: MQTT { host = \"127.0.0.1\", security = plain, reconnect { max = 200ms }\(more) }\n"
    }

    private func publisher(_ port: String, _ topics: [String], _ more: String = "") throws -> TestProgram {
      let lines = topics.enumerated().map { "{\"topic\":\"\($1)\",\"n\":\($0)}\n" }
      return try TestProgram(
        "type Message { topic: String, n: Int }\n" + Self.connection(more)
          + """
          pipeline load {
            source file.lines("in.ndjson") |> decode json as Message |> encode json |> sink broker.topic(.topic)
            on error |> encode json |> sink file.lines("dead.ndjson")
          }
          """, files: ["in.ndjson": lines.joined()], settings: ["connection.broker.port=\(port)"])
    }

    private func subscriber(_ port: String, _ more: String = "") throws -> TestProgram {
      try TestProgram(
        Self.connection(more) + "pipeline s { source broker.topic(\"t/#\") |> sink file.lines(\"out\", mode: append)\n on error halt }",
        settings: ["connection.broker.port=\(port)"])
    }

    private func publish(_ port: String, _ text: String) throws {
      _ = try Support.run("/usr/bin/env", ["mosquitto_pub", "-p", port, "-q", "1", "-t", "t/a", "-l", "-V", "mqttv311"], input: text)
    }

    /// Publishes until the program has heard something.
    private func waitForSubscription(_ program: TestProgram, _ port: String) throws {
      let isHeard = try program.wait {
        try publish(port, "first\n")
        return program.read("out").contains("first")
      }
      #expect(isHeard, "\(program.log)")
    }

    @Test("R10: a topic over which NATS ends the connection goes to the error route, and all else is delivered")
    func poisonTopic() throws {
      let server = try Server("mqtt_broker", "nats")
      let session = ["mosquitto_sub", "-p", server.port, "-c", "-i", "heard", "-q", "1", "-t", "t/#", "-V", "mqttv311"]
      _ = try Support.run("/usr/bin/env", session + ["-E"])
      let topics = (0..<40).map { $0 == 17 ? "t/a b" : "t/\($0)" }
      let program = try publisher(server.port, topics)
      let outcome = try program.run(seconds: 60)
      #expect(outcome.code == 0 && outcome.err.contains("39 to broker.topic") && outcome.err.contains("1 failed"), "\(outcome.err)")
      let dead = program.lines("dead.ndjson")
      #expect(dead.count == 1 && dead[0].contains("the broker has ended the connection 5 times over a message for `t/a b`"), "\(dead)")
      // Not every loss is told.
      #expect(outcome.err.components(separatedBy: "is lost: ").count <= 5, "\(outcome.err)")
      // How many come is not known, for some come twice; and with this broker `-W` does not always end.
      let heard = try Support.run("/usr/bin/env", ["timeout", "-s", "KILL", "6", "stdbuf", "-oL"] + session).out
      #expect(Set(heard.matches(of: /"n":(\d+)/).map { String($0.1) }).count == 39, "\(heard)")
    }

    @Test("R14: a broker that gives no answer to MQTT 5 is reached by 3.1.1, and a setting chooses")
    func silence() throws {
      let server = try Server("mqtt_broker", "amqtt")
      let reader = try subscriber(server.port, ", connect_timeout = 4s")
      try reader.start()
      try waitForSubscription(reader, server.port)
      #expect(reader.log.contains("gives no answer to MQTT 5, and 3.1.1 is spoken from now on; `version` chooses"), "\(reader.log)")
      let chosen = try publisher(server.port, ["t/1", "t/2"], ", version = v3_1_1").run(seconds: 30)
      #expect(chosen.code == 0 && chosen.err.contains("2 to broker.topic") && !chosen.err.contains("no answer"), "\(chosen.err)")
      #expect(reader.wait(seconds: 20) { reader.lines("out").count { $0.contains("\"n\"") } == 2 }, "\(reader.log)")
      #expect(try reader.stop().code == 0)
      let never = try publisher(server.port, ["t/1"], ", version = v5, connect = required, connect_timeout = 1s").run(seconds: 30)
      #expect(never.code == 1 && never.err.contains("gave no answer within connect_timeout"), "\(never.err)")
    }

    @Test("R14: a version that was chosen is the only one that is asked for")
    func chosenVersions() throws {
      let server = try Server("mosquitto")
      let stand = try Server("mqtt", "127.0.0.1:\(server.port)")
      #expect(try publisher(stand.port, ["t/1"], ", version = v3_1_1").run(seconds: 30).code == 0)
      #expect(try publisher(stand.port, ["t/1"], ", version = v5").run(seconds: 30).code == 0)
      #expect(try stand.tell("asked").split(separator: " ").drop { $0 == "4" }.allSatisfy { $0 == "5" })
      let old = try Server("mqtt", "--old", "127.0.0.1:\(server.port)")
      let outcome = try publisher(old.port, ["t/1"], ", version = v5").run(seconds: 30)
      #expect(outcome.code == 1 && outcome.err.contains("does not know MQTT 5; set `version = v3_1_1`, or leave it out"), "\(outcome.err)")
    }

    @Test("R13: two programs with one session do not take it from each other again and again, and say what is wrong")
    func takeovers() throws {
      let server = try Server("mosquitto")
      let stand = try Server("mqtt", "127.0.0.1:\(server.port)")
      let programs = try [subscriber(stand.port), subscriber(stand.port)]
      try programs[0].start()
      try waitForSubscription(programs[0], server.port)
      try programs[1].start()
      let says = "did another client take over `pump-s-broker.topic(t/#)`? Two programs with one `client_id`"
      #expect(programs[0].wait(seconds: 30) { programs.contains { $0.log.contains(says) } }, "\(programs.map(\.log))")
      let before = try stand.tell("asked").split(separator: " ").count
      sleep(5)
      let after = try stand.tell("asked").split(separator: " ").count
      #expect(after - before < 12, "\(after - before) in 5 s")
      try publish(server.port, (1...50).map { "m\($0)\n" }.joined())
      #expect(programs[0].wait(seconds: 60) { Set(programs.flatMap { $0.lines("out") }.filter { $0.hasPrefix("m") }).count == 50 })
      for program in programs { #expect(try program.stop().code == 0, "\(program.log)") }
    }

    @Test("R13: programs that keep no session have names of their own")
    func cleanSessions() throws {
      let server = try Server("mosquitto")
      func spec() throws -> TestProgram {
        try TestProgram(
          Self.connection()
            + "pipeline s { source broker.topic(\"t/#\", clean: true) |> sink file.lines(\"out\", mode: append)\n on error halt }",
          settings: ["connection.broker.port=\(server.port)"])
      }
      let programs = try [spec(), spec()]
      for program in programs { try program.start() }
      for program in programs { try waitForSubscription(program, server.port) }
      for program in programs { #expect(try program.stop().code == 0 && !program.log.contains("is lost"), "\(program.log)") }
    }

    @Test("M30: TLS with a broker that speaks without it")
    func plainBroker() throws {
      let server = try Server("mosquitto")
      let program = try TestProgram(
        "connection broker: MQTT { host = \"127.0.0.1\", connect = required }\n"
          + "pipeline s { source broker.topic(\"t\") |> sink file.lines(\"out\", mode: append)\n on error halt }",
        settings: ["connection.broker.port=\(server.port)"])
      let outcome = try program.run(seconds: 30)
      #expect(outcome.code == 1 && outcome.err.contains("it may speak without TLS: set `security = plain`"), "\(outcome.err)")
    }
  }
}
