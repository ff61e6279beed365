import Foundation
import PumpTestSupport
import Testing

extension ConnectorTests {
  /// What MQTT 5 lets a broker say, and brokers that know 3.1.1 only.
  @Suite(.serialized) struct MQTTTests {
    private static let connection = "connection broker: MQTT { host = \"127.0.0.1\", security = plain, reconnect { max = 200ms } }\n"

    /// Messages, each for a topic of its own, published with these arguments; what is refused comes to `dead.ndjson`.
    private func publisher(
      _ port: String, _ messages: [(topic: String, text: String)], _ arguments: String = "", settings: String = "",
      connection: String = Self.connection
    ) throws -> TestProgram {
      let lines = try messages.map { message in
        let line = try JSONSerialization.data(withJSONObject: ["topic": message.topic, "text": message.text])
        return String(decoding: line, as: UTF8.self) + "\n"
      }
      return try TestProgram(
        "type Message { topic: String, text: String }\n" + connection
          + """
          pipeline load {
            source file.lines("in.ndjson") |> decode json as Message |> encode json |> sink broker.topic(.topic\(arguments))\(settings)
            on error |> encode json |> sink file.lines("dead.ndjson")
          }
          """, files: ["in.ndjson": lines.joined()], settings: ["connection.broker.port=\(port)"], environment: ["MQTT_PASSWORD": "s3cret"])
    }

    private func subscriber(_ port: String) throws -> TestProgram {
      try TestProgram(
        Self.connection
          + """
          pipeline read {
            source broker.topic("in") |> sink file.lines("out.txt", mode: append)
            on error halt
          }
          """, settings: ["connection.broker.port=\(port)"])
    }

    private func publish(_ port: String, _ text: String) throws {
      _ = try Support.run("/usr/bin/env", ["mosquitto_pub", "-p", port, "-q", "1", "-t", "in", "-l"], input: text)
    }

    /// Publishes until the subscriber has heard something.
    private func waitForSubscription(_ program: TestProgram, _ port: String) throws {
      let isHeard = try program.wait {
        try publish(port, "first\n")
        return program.read("out.txt").contains("first")
      }
      #expect(isHeard, "\(program.log)")
    }

    /// What the user may not publish is refused, and only that: all else is there once.
    @Test(arguments: ["at_least_once", "exactly_once"]) func refusedMessages(_ qos: String) throws {
      let server = try Server("mosquitto", "auth", "--memory")
      let login = ["-u", "app", "-P", "s3cret"]
      let session = ["mosquitto_sub", "-p", server.port, "-c", "-i", "heard", "-q", "2", "-t", "ok/#"] + login
      _ = try Support.run("/usr/bin/env", session + ["-E"])
      let connection = Self.connection.replacing("security", with: "user = \"app\", password = env.MQTT_PASSWORD, security")
      let messages = (1...3000).map { ($0 % 500 == 7 ? "no/\($0)" : "ok/\($0 % 10)", "message \($0)") }
      let program = try publisher(server.port, messages, ", qos: \(qos)", connection: connection)
      let outcome = try program.run()
      #expect(outcome.code == 0 && outcome.err.contains("2,994 to broker.topic") && outcome.err.contains("6 failed"), "\(outcome.err)")
      let dead = program.lines("dead.ndjson")
      #expect(dead.count == 6)
      for number in stride(from: 7, to: 3000, by: 500) {
        let says = "the broker refuses a message for `no/\(number)`: Not authorized; check what the user may publish"
        #expect(dead.count { $0.contains(says) && $0.contains("\"line\":\(number)}") } == 1, "\(dead)")
      }
      let heard = try Support.run("/usr/bin/env", session + ["-C", "2994", "-W", "20"]).out
      #expect(heard.matches(of: /message \d+/).count == 2994 && Set(heard.split(separator: "\n")).count == 2994)
    }

    /// Around the broker's limit, each message is taken or refused, and none ends the connection.
    @Test(arguments: ["at_most_once", "at_least_once", "exactly_once"]) func longMessages(_ qos: String) throws {
      let server = try Server("mosquitto", "plain", "--max-packet", "300")
      // The event has 23 bytes more than its text.
      let sizes = Array(240...290)
      let program = try publisher(server.port, sizes.map { ("a", String(repeating: "x", count: $0)) }, ", qos: \(qos)")
      let outcome = try program.run(seconds: 30)
      #expect(outcome.code == 0 && !outcome.err.contains("lost"), "\(outcome.err)")
      let refused = program.lines("dead.ndjson").compactMap {
        $0.firstMatch(of: /Packet too large; it has (\d+) bytes/).flatMap { Int($0.1) }
      }
      let overhead = qos == "at_most_once" ? 7 : 9
      #expect(refused == sizes.map { $0 + 23 }.filter { $0 + overhead > 300 }, "\(refused)")
    }

    /// What is refused only when a batch of batches is committed comes to the error route as it was, from each of them.
    @Test func refusalsOfManyBatches() throws {
      let server = try Server("mosquitto", "plain", "--max-packet", "800")
      let numbers = Array(1...30_000)
      let texts = numbers.map { "\($0) " + String(repeating: "x", count: $0 % 97 == 0 ? 900 : 300 + $0 % 50) }
      let program = try publisher(server.port, texts.map { ("a", $0) }, settings: " { batch { max = 9_000 } }")
      let outcome = try program.run()
      #expect(outcome.code == 0, "\(outcome.err)")
      let refused = program.lines("dead.ndjson").compactMap { line in
        line.firstMatch(of: /"payload":"((?:[^"\\]|\\.)*)"/).map { String($0.1) }
      }
      let isWhole = zip(numbers.filter { $0 % 97 == 0 }, refused).allSatisfy { $1.contains("\($0) xxx") && $1.count > 900 }
      #expect(refused.count == numbers.count / 97 && isWhole, "\(refused.map { String($0.prefix(40)) })")
    }

    /// Once an event has ended a pipeline, no other of its sources moves a position past it: the next run meets it again.
    @Test func haltedBranches() throws {
      let server = try Server("mosquitto", "plain", "--max-packet", "800")
      // One of many turns commits, mostly not that of the source of the event.
      let others = (1...9).map { "file.lines(\"a\($0).txt\", follow: true)" }.joined(separator: ", ")
      let program = try TestProgram(
        Self.connection
          + """
          pipeline p {
            source merge(\(others), file.lines("b.txt", follow: true)) |> sink broker.topic("t") { batch { linger = 700ms } }
            on error halt
          }
          """, files: ["b.txt": String(repeating: "x", count: 900) + "\n"].merging((1...9).map { ("a\($0).txt", "first\n") }) { $1 },
        settings: ["connection.broker.port=\(server.port)", "general.state=state"])
      try program.start()
      let file = FileHandle(forWritingAtPath: program.folder + "/a1.txt")!
      for _ in 0..<40 {
        try file.seekToEnd()
        try file.write(contentsOf: Data("more\n".utf8))
        usleep(50_000)
      }
      let first = try program.end(seconds: 20)
      #expect(first.code == 1 && first.err.contains("Packet too large"), "\(first.err)")
      let again = try program.run(seconds: 20)
      #expect(again.code == 1 && again.err.contains("Packet too large"), "\(again.err)")
    }

    /// What a broker does not offer at all: its words and what would help, for each event.
    @Test(arguments: [
      ("max_qos 0", "", "QoS not supported; choose a lower `qos`"),
      ("retain_available false", ", retain: true", "Retain not supported; leave `retain` out"),
    ]) func missingAbilities(_ line: String, _ arguments: String, _ says: String) throws {
      let server = try Server("mosquitto", "plain", "--line", line)
      let program = try publisher(server.port, [("a", "1"), ("a", "2")], arguments)
      let outcome = try program.run(seconds: 30)
      #expect(
        outcome.code == 0 && program.lines("dead.ndjson").count { $0.contains(says) } == 2, "\(outcome.err) \(program.read("dead.ndjson"))")
    }

    /// Topics that MQTT does not have are refused before they are sent.
    @Test func impossibleTopics() throws {
      let server = try Server("mosquitto")
      let program = try publisher(server.port, [("a", "1"), ("a+", "2"), ("", "3"), ("a\u{1}b", "4"), ("a\u{0}b", "5"), ("ä", "6")])
      let outcome = try program.run(seconds: 30)
      #expect(outcome.code == 0 && outcome.err.contains("2 to broker.topic"), "\(outcome.err)")
      #expect(program.lines("dead.ndjson").count { $0.contains("can be no topic") } == 4, "\(program.read("dead.ndjson"))")
    }

    /// A quota passes, and the events wait for it; other reasons are refusals, with the broker's words.
    @Test func reasons() throws {
      let server = try Server("mosquitto")
      let stand = try Server("mqtt", "127.0.0.1:\(server.port)")
      // More than is under way at once: the first failure is not told.
      try stand.tell("puback 151 60")
      let waiting = try publisher(stand.port, (1...50).map { ("a", "\($0)") })
      let waited = try waiting.run(seconds: 30)
      #expect(waited.code == 0 && waited.err.contains("50 to broker.topic") && waiting.lines("dead.ndjson").isEmpty, "\(waited.err)")
      #expect(waited.err.contains("connection `broker`: the broker takes no more now: Quota exceeded"), "\(waited.err)")
      try stand.tell("puback 153 1 no JSON")
      let refused = try publisher(stand.port, (1...50).map { ("a", "\($0)") })
      let outcome = try refused.run(seconds: 30)
      #expect(outcome.code == 0 && outcome.err.contains("49 to broker.topic"), "\(outcome.err)")
      #expect(refused.read("dead.ndjson").contains("refuses a message for `a`: Payload format invalid: no JSON\""))
    }

    /// A broker of 3.1.1 is asked for 5 once, and works; its refusals have five numbers of their own.
    @Test func oldBrokers() throws {
      let server = try Server("mosquitto")
      let stand = try Server("mqtt", "--old", "127.0.0.1:\(server.port)")
      let program = try subscriber(stand.port)
      try program.start()
      try waitForSubscription(program, server.port)
      var asked = try stand.tell("asked")
      #expect(asked == "5 4 4")
      try stand.tell("drop")
      #expect(program.wait { program.log.contains("is ready again") }, "\(program.log)")
      #expect(try program.stop().code == 0)
      asked = try stand.tell("asked")
      #expect(asked == "5 4 4 4")
      try publish(server.port, "while away\n")
      try program.start()
      #expect(program.wait { program.lines("out.txt").last == "while away" }, "\(program.log)")
      let sender = try publisher(stand.port, (1...100).map { ("in", "\($0)") })
      #expect(try sender.run().code == 0)
      #expect(program.wait { program.lines("out.txt").count { $0.contains("topic") } == 100 }, "\(program.log)")
      #expect(try program.stop().code == 0)
    }

    /// Some do not say that they do not know 5.
    @Test func muteBrokers() throws {
      let server = try Server("mosquitto")
      let stand = try Server("mqtt", "--mute", "127.0.0.1:\(server.port)")
      let outcome = try publisher(stand.port, [("a", "1"), ("a", "2")]).run(seconds: 30)
      #expect(outcome.code == 0 && outcome.err.contains("2 to broker.topic"), "\(outcome.err)")
    }

    /// By the numbers of either version: what is refused for good, and what may be otherwise later.
    @Test(arguments: [
      ("", 134, "Bad User Name or Password; check `user` and `password`"), ("", 135, "Not authorized; check `user` and `password`"),
      ("", 133, "Client Identifier not valid; check `client_id`"), ("", 137, "Server busy"),
      ("--old", 4, "Bad User Name or Password; check `user` and `password`"), ("--old", 5, "Not authorized; check `user` and `password`"),
      ("--old", 2, "Client Identifier not valid; check `client_id`"), ("--old", 3, "Server unavailable"),
      ("--old", 1, "speaks neither MQTT 5 nor 3.1.1"),
    ]) func refusedClients(_ option: String, _ code: Int, _ says: String) throws {
      let server = try Server("mosquitto")
      let stand = try Server("mqtt", (option.isEmpty ? [] : [option]) + ["127.0.0.1:\(server.port)"])
      try stand.tell("connack \(code) 1")
      let isTransient = code == 137 || code == 3
      let outcome = try publisher(stand.port, [("a", "1")]).run(seconds: 30)
      #expect(outcome.code == (isTransient ? 0 : 1), "\(outcome.err)")
      #expect(outcome.err.contains("connection `broker`: 127.0.0.1:\(stand.port) ") && outcome.err.contains(says), "\(outcome.err)")
    }

    @Test(arguments: [
      (158, ": it has no shared subscriptions; leave `$share/…/` out"), (162, ": it has no wildcards; name one topic, without + and #"),
      (135, "; check what the user may read"), (143, ": Topic Filter invalid"),
    ]) func refusedSubscriptions(_ code: Int, _ says: String) throws {
      let server = try Server("mosquitto")
      let stand = try Server("mqtt", "127.0.0.1:\(server.port)")
      try stand.tell("suback \(code) 1")
      let outcome = try subscriber(stand.port).run(seconds: 30)
      #expect(outcome.code == 1 && outcome.err.contains("`broker`: the broker refuses the subscription of `in`\(says)"), "\(outcome.err)")
    }

    /// A session outlives its program, also one that takes its leave, and a broker that says why it ends a connection is heard.
    @Test func sessions() throws {
      let server = try Server("mosquitto")
      let stand = try Server("mqtt", "127.0.0.1:\(server.port)")
      let program = try subscriber(stand.port)
      try program.start()
      try waitForSubscription(program, server.port)
      #expect(try program.stop().code == 0)
      #expect(try !stand.tell("asked").contains("4"))
      try publish(server.port, orders(100))
      try program.start()
      #expect(program.wait { program.lines("out.txt").count { $0.contains("id") } == 100 }, "\(program.log)")
      try stand.tell("disconnect 139")
      #expect(program.wait { program.log.contains("is ready again") }, "\(program.log)")
      #expect(program.log.contains("connection `broker` is lost: Server shutting down; reconnecting"), "\(program.log)")
      try stand.tell("disconnect 142")
      let says = "is lost: Session taken over; does another client have the same `client_id`?"
      #expect(program.wait(seconds: 10) { program.log.contains(says) }, "\(program.log)")
      #expect(try program.stop().code == 0)
      // What was not confirmed when the broker first ended the connection came twice.
      #expect(Set(program.lines("out.txt").filter { $0.contains("id") }).count == 100)
    }

    /// Over TLS, messages that come in one piece with the answer to a client that connects, and many in one piece, are
    /// delivered, and none is confirmed before it is: the program is killed with some of them under way.
    @Test func packetsTogether() throws {
      let server = try Server("mosquitto")
      let stand = try Server("mqtt", "--together", "127.0.0.1:\(server.port)")
      let proxy = try Server("proxy", "--tls", "127.0.0.1:\(stand.port)")
      let spec =
        "connection broker: MQTT { host = \"localhost\", reconnect { max = 200ms } }\n"
          + """
          pipeline read {
            source broker.topic("in", qos: exactly_once) |> sink file.lines("out.txt", mode: append)
            on error halt
          }
          """
      let program = try TestProgram(
        spec, settings: ["connection.broker.port=\(proxy.port)", "connection.broker.tls.ca=\(proxy.text("ca"))"])
      try program.start()
      try waitForSubscription(program, server.port)
      #expect(try program.stop().code == 0)
      try publish(server.port, orders(500))
      try program.start()
      #expect(program.wait { program.lines("out.txt").contains { $0.contains("id") } }, "\(program.log)")
      program.kill(SIGKILL)
      try program.start()
      let isWhole = program.wait(seconds: 40) { Set(program.lines("out.txt").filter { $0.contains("id") }).count == 500 }
      #expect(isWhole, "\(program.lines("out.txt").count): \(program.log)")
      #expect(try program.stop().code == 0)
    }

    /// With the broker gone in the middle, also by its own word, everything arrives.
    @Test func publishingGoesOn() throws {
      let server = try Server("mosquitto", "--memory")
      let stand = try Server("mqtt", "127.0.0.1:\(server.port)")
      let session = ["mosquitto_sub", "-p", server.port, "-c", "-i", "heard", "-q", "1", "-t", "in"]
      _ = try Support.run("/usr/bin/env", session + ["-E"])
      let program = try publisher(stand.port, (1...20_000).map { ("in", "message \($0)") })
      try program.start()
      for code in [139, 142, 149] {
        let asked = try stand.tell("asked").count
        usleep(200_000)
        try stand.tell("disconnect \(code)")
        let isBack = try program.wait { try stand.tell("asked").count > asked }
        #expect(isBack, "\(program.log)")
      }
      let outcome = try program.end()
      #expect(outcome.code == 0 && program.lines("dead.ndjson").isEmpty, "\(outcome.err)")
      let heard = try Support.run("/usr/bin/env", ["timeout", "-s", "KILL", "3"] + session).out
      #expect(Set(heard.matches(of: /message (\d+)/).map { $0.1 }).count == 20_000, "\(outcome.err)")
    }
  }
}
