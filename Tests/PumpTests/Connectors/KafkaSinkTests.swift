import Foundation
import PumpTestSupport
import Testing

extension ConnectorTests {
  /// What a real broker does with what is produced. Expected values are Kafka's: of its documentation, its Java producer or kcat.
  @Suite(.serialized) struct KafkaSinkTests {
    private func program(_ type: String, _ steps: String, _ lines: [String], properties: String = "") throws -> TestProgram {
      try TestProgram(
        """
        \(type)
        connection kafka: Kafka { bootstrap_servers = env.KAFKA, security_protocol = PLAINTEXT, properties { "session.timeout.ms" = "6000"\(properties) } }
        pipeline load {
          source file.lines("in.ndjson") \(steps)
          on error |> encode json |> sink file.lines("dead.ndjson")
        }
        """, files: ["in.ndjson": lines.map { $0 + "\n" }.joined()], environment: try KafkaBroker.environment())
    }

    private func dead(_ program: TestProgram) -> [String] {
      program.lines("dead.ndjson").compactMap { line in
        let fields = try? JSONSerialization.jsonObject(with: Data(line.utf8)) as? [String: Any]
        return (fields?["payload"] as? String).map { "\($0): \(fields?["message"] ?? "")" }
      }
    }

    /// A topic's limit is on batches. The Java producer splits such a batch, see KIP-126.
    @Test("K1: batches beyond the topic's limit are taken apart") func smallLimit() throws {
      let topic = try KafkaBroker.topic("small", 1, "max.message.bytes=10000")
      let lines = (1...1000).map { String(format: "%04d", $0) + String(repeating: "x", count: 146) }
      let program = try program("", "|> sink kafka.topic(\"\(topic)\")", lines)
      let outcome = try program.run()
      #expect(outcome.code == 0 && outcome.err.contains("1,000 to kafka.topic") && outcome.err.contains("0 failed"), "\(outcome.err)")
      #expect(try KafkaBroker.read(topic) == lines)
    }

    /// Of two kinds of events at fault only those are refused. A compacted topic takes no message without a key.
    @Test("K1: neighbours of a bad message are written") func guiltyOnly() throws {
      let topic = try KafkaBroker.topic("compacted", 1, "max.message.bytes=100000 cleanup.policy=compact")
      func isLarge(_ n: Int) -> Bool { n == 30 }
      func isKeyless(_ n: Int) -> Bool { n == 50 }
      let lines = (1...100).map {
        "{\"n\":\($0),\"k\":\"k\($0)\",\"text\":\"\(String(repeating: "x", count: isLarge($0) ? 200_000 : 10))\"}"
      }
      let program = try program(
        "type Event { n: Int, k: String, text: String }",
        "|> decode json as Event |> encode json |> sink kafka.topic(\"\(topic)\", key: if .n == 50 then null else to_bytes(.k), headers: { a: [to_bytes(\"b\")] })",
        lines)
      let outcome = try program.run()
      #expect(outcome.code == 0, "\(outcome.err)")
      #expect(try KafkaBroker.read(topic, "%k %h\n") == (1...100).filter { !isLarge($0) && !isKeyless($0) }.map { "k\($0) a=b" })
      let dead = dead(program)
      #expect(
        dead.count == 2 && dead.contains { $0.contains("\"n\":30,") && $0.hasSuffix("Message size too large") },
        "\(dead.map { $0.suffix(80) })")
      #expect(dead.contains { $0.contains("\"n\":50,") && $0.contains("record") }, "\(dead.map { $0.suffix(80) })")
    }

    /// Messages of a refused batch come behind those of later batches, unless these are written again.
    @Test("K1: the last message of a key stays the last") func keysStayInOrder() throws {
      let topic = try KafkaBroker.topic("ordered", 2, "max.message.bytes=20000")
      let lines = (1...2000).map {
        "{\"n\":\($0),\"k\":\"k\($0 % 10)\",\"text\":\"\(String(repeating: "x", count: $0 % 400 == 5 ? 30_000 : 10))\"}"
      }
      let program = try program(
        "type Event { n: Int, k: String, text: String }",
        "|> decode json as Event |> encode json |> sink kafka.topic(\"\(topic)\", key: .k)", lines,
        properties: ", \"batch.num.messages\" = \"40\"")
      #expect(try program.run().code == 0, "\(program.log)")
      let written = try KafkaBroker.read(topic).compactMap { $0.firstMatch(of: /"n":(\d+)/).flatMap { Int($0.1) } }
      #expect(Set(written).symmetricDifference((1...2000).filter { $0 % 400 != 5 }).sorted() == [])
      for key in 0..<10 {
        let last = written.last { $0 % 10 == key }
        #expect(last == (1...2000).last { $0 % 10 == key && $0 % 400 != 5 })
      }
    }

    @Test("K16, K24: a partition or topic that cannot be is the event's fault") func impossible() throws {
      let topic = try KafkaBroker.topic("places", 4)
      let cases = [
        (topic, "null"), (topic, "2"), (topic, "-7"), (topic, "-1"), (topic, "99"), (topic, "9999999999"), ("bad topic", "null"),
        ("..", "0"),
        ("", "null"), (topic, "3"),
      ]
      let lines = cases.enumerated().map { "{\"n\":\($0),\"topic\":\"\($1.0)\",\"p\":\($1.1)}" }
      let program = try program(
        "type Event { n: Int, topic: String, p: Int? }",
        "|> decode json as Event |> encode json |> sink kafka.topic(.topic, partition: .p)", lines)
      #expect(try program.run().code == 0, "\(program.log)")
      let written = try KafkaBroker.read(topic, "%p %s\n")
      #expect(written.contains { $0.hasPrefix("2 {\"n\":1,") } && written.contains { $0.hasPrefix("3 {\"n\":9,") } && written.count == 3)
      let dead = dead(program).compactMap { $0.firstMatch(of: /"n":(\d+).*\}: (.*)/).map { "\($0.1) \($0.2)" } }.sorted()
      #expect(dead.map { $0.prefix(1) } == ["2", "3", "4", "5", "6", "7", "8"], "\(dead)")
      guard dead.count == 7 else { return }
      #expect(dead[0].contains("there is no partition -7") && dead[1].contains("there is no partition -1"), "\(dead)")
      #expect(dead[2].contains("Unknown partition") && dead[3].contains("Unknown partition"), "\(dead)")
      #expect(dead[4...].allSatisfy { $0.contains("can be no topic's name") }, "\(dead)")
    }

    @Test("K24: a topic of the spec that cannot be ends the run") func impossibleInTheSpec() throws {
      let program = try program("", "|> sink kafka.topic(\"bad topic\")", ["x"])
      let outcome = try program.run()
      #expect(outcome.code == 1 && program.log.contains("can be no topic's name") && program.log.contains("check `name`"), "\(program.log)")
    }

    /// Kafka's documentation, log compaction: a null payload is a delete. A name may have several headers, a header no value.
    @Test("K13, K15: tombstones and headers come as they were sent and go as they came", arguments: [false, true])
    func copies(_ isBuilt: Bool) throws {
      let (source, target) = (try KafkaBroker.topic("src", 1), try KafkaBroker.topic("dst", 1))
      try KafkaBroker.kcat("-P", "-t", source, "-K:", "-Z", "-H", "a=1", "-H", "b", "-H", "a=2", "-H", "c=", input: "k1:v1\nk2:\n")
      try KafkaBroker.kcat("-P", "-t", source, "-K:", input: "k3:\n")
      let program = try TestProgram(
        KafkaBroker.connection
          + """
          pipeline copy {
            source kafka.topic("\(source)", group: "\(KafkaBroker.name("g"))", from: earliest) |> tee {
              sink kafka.topic("\(target)", key: meta.key, headers: meta.headers, tombstone: meta.tombstone)
            } |> map { gone: meta.tombstone, names: keys(meta.headers), count: length(meta.headers), values: get(meta.headers, "a"),
              nothing: get(meta.headers, "b"), empty: get(meta.headers, "c"), all: meta.headers } |> encode json |> sink file.lines("out.ndjson", mode: append)
            on error halt
          }
          """, environment: try KafkaBroker.environment())
      let executable = isBuilt ? program.folder + "/program" : nil
      if let executable {
        let built = try Support.run("pumpc", ["build", program.folder, "-o", executable])
        #expect(built.code == 0, "\(built.err)")
      }
      try program.start(executable: executable)
      #expect(program.wait { program.lines("out.ndjson").count == 3 }, "\(program.log)")
      #expect(try program.stop().code == 0)
      let format = "%k %K %S %h\n"
      let sent = try KafkaBroker.read(source, format)
      #expect(sent.count == 3 && sent[1].hasPrefix("k2 2 -1 ") && sent[2].hasPrefix("k3 2 0"), "\(sent)")
      let groups = "a=1,a=2,b=NULL,c="
      #expect(try KafkaBroker.read(target, format) == ["k1 2 2 \(groups)", "k2 2 -1 \(groups)", "k3 2 0 "], "\(sent)")
      let headers =
        #""names":["a","b","c"],"count":3,"values":["MQ==","Mg=="],"nothing":[null],"empty":[""],"all":{"a":["MQ==","Mg=="],"b":[null],"c":[""]}}"#
      let none = #""names":[],"count":0,"values":null,"nothing":null,"empty":null,"all":{}}"#
      #expect(
        program.lines("out.ndjson") == ["{\"gone\":false,\(headers)", "{\"gone\":true,\(headers)", "{\"gone\":false,\(none)"],
        "\(program.lines("out.ndjson"))")
    }

    @Test("K14: a key's partition is the one that other clients choose") func partitions() throws {
      let topic = try KafkaBroker.topic("keyed", 8)
      let keys = (1...50).map { "key-\($0 * 7919)" } + [""]
      let program = try program(
        "type Event { k: String }", "|> decode json as Event |> encode json |> sink kafka.topic(\"\(topic)\", key: .k)",
        keys.map { "{\"k\":\"\($0)\"}" })
      #expect(try program.run().code == 0, "\(program.log)")
      // Of kafka-python, as of Java: murmur2.
      let code = """
        import sys
        from kafka.partitioner import murmur2
        for key in sys.stdin.read().split("\\n"): print((murmur2(key.encode()) & 0x7fffffff) % 8, key)
        """
      let expected = try Support.run(Support.python, ["-c", code], input: keys.joined(separator: "\n"))
      #expect(try Set(KafkaBroker.read(topic, "%p %k\n")) == Set(expected.out.split(separator: "\n").map(String.init)), "\(expected.err)")
    }

    /// Kafka's default limit is 1,048,588 bytes.
    @Test("K18: what the broker takes is written, whatever librdkafka's default is") func nearTheLimit() throws {
      let topic = try KafkaBroker.topic("large", 1)
      let lines = [String(repeating: "x", count: 1_040_000), String(repeating: "y", count: 20_000_000), "z"]
      let program = try program("", "{ max_event = 64MiB } |> sink kafka.topic(\"\(topic)\")", lines)
      #expect(try program.run().code == 0, "\(program.log)")
      #expect(try KafkaBroker.read(topic, "%S\n") == ["1040000", "1"])
      let told = dead(program)
      #expect(told.count == 1 && told[0].hasSuffix("Broker: Message size too large"), "\(told.map { $0.suffix(80) })")
    }

    @Test("K25, K27: properties that break a promise, and lists of brokers") func settings() throws {
      let topic = try KafkaBroker.topic("settings", 1)
      for (name, value) in [("transactional.id", "t"), ("enable.auto.commit", "true"), ("auto.offset.reset", "latest")] {
        let program = try program("", "|> sink kafka.topic(\"\(topic)\")", ["a"], properties: ", \"\(name)\" = \"\(value)\"")
        let outcome = try program.run()
        #expect(outcome.code == 1 && outcome.err.contains("`\(name)` in `properties` cannot be set"), "\(outcome.err)")
      }
      let program = try TestProgram(
        "connection kafka: Kafka { bootstrap_servers = env.KAFKA, security_protocol = PLAINTEXT }\npipeline p { source file.lines(\"in.txt\") |> sink kafka.topic(\"\(topic)\")\non error halt }",
        files: ["in.txt": "hello\n"], environment: ["KAFKA": "127.0.0.1:1; \(try KafkaBroker.server().text("bootstrap"))"])
      let outcome = try program.run()
      #expect(outcome.code == 0, "\(outcome.err)")
      #expect(try KafkaBroker.read(topic) == ["hello"])
    }

    /// Kafka: "create the topic". The broker of these tests ends the producer's session.
    @Test("K8: a topic that is deleted under a producer takes no event to the error route") func deletedTopic() throws {
      let topic = try KafkaBroker.topic("goes", 1)
      let program = try TestProgram(
        KafkaBroker.connection
          + """
          pipeline load {
            source file.lines("in.ndjson", follow: true) |> sink kafka.topic("\(topic)") { retry { attempts = 2 } }
            on error |> encode json |> sink file.lines("dead.ndjson", mode: append)
          }
          """, files: ["in.ndjson": "one\n"], environment: try KafkaBroker.environment())
      try program.start()
      #expect(try program.wait { try KafkaBroker.read(topic) == ["one"] }, "\(program.log)")
      _ = try KafkaBroker.tell("delete \(topic)")
      try program.append("two\n", to: "in.ndjson")
      _ = program.wait(seconds: 30) { program.log.contains("error: ") }
      program.kill(SIGTERM)
      let outcome = try program.end(seconds: 60)
      #expect(dead(program).isEmpty && !outcome.err.contains(", 1 failed"), "\(outcome.err)")
    }

    /// The metadata of the mock say that the topic is not there. What becomes of a partition that is not there needs a real broker.
    @Test("K8: a topic that is not there is no fault of its events") func unknownTopic() throws {
      let server = try Server("kafka")
      try server.tell("topic goes 1 1")
      let program = try TestProgram(
        KafkaBroker.connection
          + """
          pipeline load {
            source file.lines("in.ndjson", follow: true) |> sink kafka.topic("goes")
            on error |> encode json |> sink file.lines("dead.ndjson", mode: append)
          }
          """, files: ["in.ndjson": "one\n"],
        settings: [
          "connection.kafka.properties.topic.metadata.refresh.interval.ms=300",
          "connection.kafka.properties.topic.metadata.propagation.max.ms=300",
        ],
        environment: ["KAFKA": server.text("bootstrap")])
      try program.start()
      #expect(program.wait { program.log.contains("is ready") }, "\(program.log)")
      usleep(2_000_000)
      try server.tell("topicerr goes 3")
      usleep(2_000_000)
      try program.append("two\n", to: "in.ndjson")
      _ = program.wait(seconds: 30) { program.log.contains("error: ") }
      program.kill(SIGTERM)
      let outcome = try program.end(seconds: 60)
      #expect(dead(program).isEmpty && !outcome.err.contains(", 1 failed"), "\(outcome.err)")
      #expect(outcome.err.contains("create the topic"), "\(outcome.err)")
    }

    @Test("K26: each time that a listener is tried again its cause is told") func causeIsRepeated() throws {
      let proxy = try Server("proxy", ["--kafka", "--tls", KafkaBroker.server().text("bootstrap")])
      let program = try TestProgram(
        "connection kafka: Kafka {}\npipeline p { source file.lines(\"in.txt\") |> sink kafka.topic(\"t\")\non error halt }",
        files: ["in.txt": "hello\n"],
        settings: ["connection.kafka.bootstrap_servers=127.0.0.1:\(proxy.port)", "connection.kafka.security_protocol=PLAINTEXT"])
      try program.start()
      func told() -> [Substring] {
        program.log.split(separator: "\n").filter { $0.contains("trying again (attempt ") || $0.contains("have not confirmed") }
      }
      #expect(program.wait(seconds: 60) { told().count >= 2 }, "\(program.log)")
      for line in told() { #expect(line.contains("the listener closes the connection: it may want TLS or a login"), "\(line)") }
      program.kill(SIGKILL)
    }

    /// A listener of another kind than the settings say, which librdkafka finds out at once.
    @Test("K22, K23, K26: a listener that wants TLS, a login or a certificate") func otherListeners() throws {
      let bootstrap = try KafkaBroker.server().text("bootstrap")
      func outcome(_ server: Server, _ settings: [String]) throws -> Support.Outcome {
        let all = ["bootstrap_servers=127.0.0.1:\(server.port)", "connect=required", "connect_timeout=3s"] + settings
        return try TestProgram(
          "connection kafka: Kafka {}\npipeline p { source file.lines(\"in.txt\") |> sink kafka.topic(\"t\")\non error halt }",
          files: ["in.txt": "hello\n"], settings: all.map { "connection.kafka.\($0)" }
        ).run(seconds: 30)
      }
      for options in [["--tls"], ["--sasl", "app:s3cret"]] {
        let came = try outcome(Server("proxy", ["--kafka"] + options + [bootstrap]), ["security_protocol=PLAINTEXT"])
        #expect(came.code == 1 && came.err.contains("(the listener closes the connection: it may want TLS or a login)"), "\(came.err)")
      }
      // What is not written is never the weaker.
      let plain = try outcome(Server("proxy", ["--kafka", bootstrap]), [])
      #expect(plain.code == 1 && plain.err.contains("set `security_protocol = PLAINTEXT`"), "\(plain.err)")
      // Any server that asks for a certificate of the client.
      let strict = try Server("mosquitto", "mtls")
      let came = try outcome(strict, ["security_protocol=SSL", "tls.ca=\(strict.text("ca"))"])
      let says = "the broker wants a certificate of this client: set `tls.certificate` and `tls.key`"
      #expect(came.code == 1 && came.err.contains(says), "\(came.err)")
    }
  }
}
