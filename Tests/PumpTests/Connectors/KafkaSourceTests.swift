import Foundation
import PumpTestSupport
import Testing

extension ConnectorTests {
  /// Where a consumer begins and goes on, at a real broker.
  @Suite(.serialized) struct KafkaSourceTests {
    /// A consumer of the Java client commits its position although nothing came.
    @Test("K4: `latest` loses nothing across a clean restart") func latest() throws {
      let (topic, group) = (try KafkaBroker.topic("latest", 3), KafkaBroker.name("g"))
      try KafkaBroker.put(topic, 1...10, partition: 0)
      let program = try TestProgram.reader(topic, group)
      try program.start()
      #expect(try program.waitForPartitions(group, topic, 3), "\(program.log)")
      #expect(try program.stop().code == 0)
      #expect(try KafkaBroker.committed(group, topic) == [10, 0, 0])
      // K28: a program that was moved here from one that begins at the start learns of it.
      #expect(program.log.contains("begins at the end, after 10 messages; `from: earliest` reads these"), "\(program.log)")
      try KafkaBroker.put(topic, 11...13, partition: 0)
      try KafkaBroker.put(topic, 14...15, partition: 2)
      try program.start()
      #expect(program.wait { program.ids.count >= 5 }, "\(program.log)")
      #expect(try program.stop().code == 0)
      #expect(program.ids.sorted() == Array(11...15))
    }

    /// What came to partitions before the group knew them: what it would have got had the topic had them from the beginning.
    @Test("K5: partitions that are added are read from their start") func addedPartitions() throws {
      let (topic, group) = (try KafkaBroker.topic("grows", 1), KafkaBroker.name("g"))
      let program = try TestProgram.reader(topic, group)
      try program.start()
      #expect(try program.waitForPartitions(group, topic, 1), "\(program.log)")
      #expect(try program.stop().code == 0)
      _ = try KafkaBroker.tell("partitions \(topic) 3")
      try KafkaBroker.put(topic, 1...5, partition: 1)
      try KafkaBroker.put(topic, 6...10, partition: 2)
      try program.start()
      #expect(program.wait { program.ids.count >= 10 }, "\(program.log)")
      #expect(try program.stop().code == 0)
      #expect(program.ids.sorted() == Array(1...10))
      // To another group the topic is new.
      let other = try TestProgram.reader(topic, group + "-other")
      try other.start()
      #expect(try other.waitForPartitions(group + "-other", topic, 3), "\(other.log)")
      #expect(try other.stop().code == 0)
      #expect(other.ids == [])
      #expect(try KafkaBroker.committed(group + "-other", topic) == [0, 5, 5])
    }

    @Test("K6: lost history is told, and what is left is read", arguments: ["earliest", "latest"]) func lostHistory(_ from: String) throws {
      let (topic, group) = (try KafkaBroker.topic("short", 1), KafkaBroker.name("g"))
      try KafkaBroker.put(topic, 0..<100, partition: 0)
      _ = try KafkaBroker.tell("truncate \(topic) 0 50")
      _ = try KafkaBroker.tell("commit \(group) \(topic) 0 10")
      let program = try TestProgram.reader(topic, group, ", from: \(from)")
      try program.start()
      #expect(program.wait { program.ids.count >= 50 }, "\(program.log)")
      #expect(try program.stop().code == 0)
      #expect(program.ids == Array(50..<100))
      let told = "`\(topic)/0`: the messages 10 to 49 are gone before they were read: the log begins at 50; going on at 50"
      #expect(program.log.contains(told), "\(program.log)")
      _ = try KafkaBroker.tell("commit \(group) \(topic) 0 120")
      try program.start()
      #expect(program.wait { program.ids.count >= 100 }, "\(program.log)")
      let outcome = try program.stop()
      #expect(outcome.code == 0)
      #expect(program.ids == Array(50..<100) + Array(50..<100))
      #expect(outcome.err.contains("`\(topic)/0`: the group had come to 120, the log ends at 100"), "\(outcome.err)")
      #expect(try KafkaBroker.committed(group, topic) == [100])
    }

    /// The log is cut off before a member that is slow.
    @Test("K6: history that is lost while it is read is told") func lostMeanwhile() throws {
      let (topic, group) = (try KafkaBroker.topic("cut", 1), KafkaBroker.name("g"))
      try KafkaBroker.put(topic, 0..<20, partition: 0)
      let program = try TestProgram.reader(topic, group, ", from: earliest")
      try program.start()
      #expect(program.wait { program.ids.count == 20 }, "\(program.log)")
      _ = try KafkaBroker.tell("delete \(topic)")
      _ = try KafkaBroker.tell("topic \(topic) 1")
      try KafkaBroker.put(topic, 100..<105, partition: 0)
      #expect(program.wait { program.ids.count >= 25 }, "\(program.log)")
      #expect(try program.stop().code == 0)
      #expect(program.ids == Array(0..<20) + Array(100..<105))
      #expect(program.log.contains("the topic was made anew") || program.log.contains("waiting for the topic"), "\(program.log)")
    }

    /// Kafka forgets a group's offsets with their topic. The broker here does not, so they are taken from it.
    @Test("K7: kept positions of a topic that was made anew stop the run", arguments: ["forgotten", "beyond the end"])
    func madeAnew(_ sign: String) throws {
      let (topic, group) = (try KafkaBroker.topic("anew", 1), KafkaBroker.name("g"))
      let program = try TestProgram(
        KafkaBroker.connection
          + """
          type Row { id: Int }
          connection db: SQLite { path = "rows.db" }
          pipeline load {
            source kafka.topic("\(topic)", group: "\(group)", from: earliest) |> decode json as Row
              |> sink db.table("rows", positions: "positions") { batch { linger = 50ms } }
            on error halt
          }
          """, environment: try KafkaBroker.environment())
      func query(_ sql: String) throws -> String {
        try Support.run("/usr/bin/env", ["sqlite3", "-cmd", ".timeout 5000", program.folder + "/rows.db", sql]).out.trimmingCharacters(
          in: .whitespacesAndNewlines)
      }
      _ = try query("create table rows (id integer)")
      try KafkaBroker.put(topic, 1...20, partition: 0)
      try program.start()
      #expect(try program.wait { try query("select count(*) from rows") == "20" }, "\(program.log)")
      #expect(try program.stop().code == 0)
      #expect(try KafkaBroker.committed(group, topic) == [20])
      _ = try KafkaBroker.tell("delete \(topic)")
      _ = try KafkaBroker.tell("topic \(topic) 1")
      try KafkaBroker.put(topic, 101...(sign == "forgotten" ? 130 : 105), partition: 0)
      // Of an empty group they are gone by now where the broker has forgotten them itself.
      if sign == "forgotten" { _ = try? KafkaBroker.tell("forget \(group)") }
      let outcome = try program.run()
      #expect(outcome.code == 1 && outcome.err.contains("`\(topic)/0`: the kept position is 20, but "), "\(outcome.err)")
      #expect(outcome.err.contains("was the topic made anew"), "\(outcome.err)")
      #expect(try query("select count(*) from rows") == "20")
      // As it says.
      _ = try query("delete from positions")
      _ = try? KafkaBroker.tell("forget \(group)")
      try program.start()
      #expect(try program.wait { try query("select count(*) from rows") == (sign == "forgotten" ? "50" : "25") }, "\(program.log)")
      #expect(try program.stop().code == 0)
    }

    @Test("K9: a member that the group cannot take ends") func cannotJoin() throws {
      let (topic, group) = (try KafkaBroker.topic("groups", 2), KafkaBroker.name("g"))
      // librdkafka's own strategies: with such members there is a group.
      let kcat = Process()
      kcat.executableURL = URL(fileURLWithPath: "/usr/bin/env")
      kcat.arguments = ["kcat", "-q", "-b", try KafkaBroker.server().text("bootstrap"), "-G", group, topic]
      kcat.standardOutput = FileHandle.nullDevice
      kcat.standardError = FileHandle.nullDevice
      try kcat.run()
      defer {
        kcat.terminate()
        kcat.waitUntilExit()
      }
      let member = try TestProgram.reader(topic, group)
      #expect(try member.wait { try KafkaBroker.tell("members \(group)") == "1" })
      try member.start()
      #expect(try member.wait { try KafkaBroker.tell("members \(group)") == "2" }, "\(member.log)")
      #expect(!member.log.contains("Inconsistent"), "\(member.log)")
      #expect(try member.stop().code == 0)
      for (name, value, says) in [
        ("partition.assignment.strategy", "cooperative-sticky", "other members use another `partition.assignment.strategy`"),
        ("session.timeout.ms", "1000", "`session.timeout.ms` lies outside the broker's group.min.session.timeout.ms"),
      ] {
        let program = try TestProgram.reader(topic, group, properties: [name: value, "heartbeat.interval.ms": "300"])
        let outcome = try program.run(seconds: 30)
        #expect(outcome.code == 1 && outcome.err.contains("group `\(group)`: ") && outcome.err.contains(says), "\(outcome.err)")
      }
    }

    @Test("K20: a topic that is deleted under a consumer is told, and read when it is there again") func deletedTopic() throws {
      let (topic, group) = (try KafkaBroker.topic("vanishes", 1), KafkaBroker.name("g"))
      try KafkaBroker.put(topic, 1...3, partition: 0)
      let program = try TestProgram.reader(topic, group, ", from: earliest")
      try program.start()
      #expect(program.wait { program.ids == [1, 2, 3] }, "\(program.log)")
      _ = try KafkaBroker.tell("delete \(topic)")
      #expect(program.wait(seconds: 60) { program.log.contains("waiting for the topic: create it, or check its name") }, "\(program.log)")
      _ = try KafkaBroker.tell("topic \(topic) 1")
      try KafkaBroker.put(topic, 11...15, partition: 0)
      #expect(program.wait(seconds: 60) { program.ids == [1, 2, 3] + Array(11...15) }, "\(program.log)")
      #expect(try program.stop().code == 0)
    }

    /// Kafka's protocol gives -1 for it: "not available".
    @Test("K17: a message without a timestamp has none") func timeless() throws {
      let (topic, group) = (try KafkaBroker.topic("timeless", 1), KafkaBroker.name("g"))
      _ = try KafkaBroker.tell("timeless \(topic) {\"id\":1}")
      let program = try TestProgram(
        "type Event { id: Int }\n" + KafkaBroker.connection
          + """
          pipeline read {
            source kafka.topic("\(topic)", group: "\(group)", from: earliest) |> decode json as Event |> set { at: meta.timestamp }
              |> encode json |> sink file.lines("out.ndjson", mode: append) { batch { linger = 50ms } }
            on error halt
          }
          """, environment: try KafkaBroker.environment())
      try program.start()
      #expect(program.wait { program.lines("out.ndjson").count == 1 }, "\(program.log)")
      #expect(try program.stop().code == 0)
      #expect(program.lines("out.ndjson") == ["{\"id\":1,\"at\":null}"])
    }

    /// KIP-848: the coordinator gives partitions, members have no strategy.
    @Test("K19: Kafka 4's group protocol") func groupProtocol() throws {
      let server = try Server("kafka", "--newest")
      try server.tell("topic events 2 1")
      func program(_ library: [String: String]) throws -> TestProgram {
        try TestProgram(
          "connection kafka: Kafka { bootstrap_servers = env.KAFKA, security_protocol = PLAINTEXT, properties { \"group.protocol\" = \"consumer\" } }\n"
            + """
            pipeline copy { source file.lines("in.txt") |> sink kafka.topic("events")
              on error halt }
            pipeline read { source kafka.topic("events", group: "g", from: earliest) |> sink file.lines("out.txt", mode: append) { batch { linger = 50ms } }
              on error halt }
            """, files: ["in.txt": "one\ntwo\nthree\n"], environment: ["KAFKA": server.text("bootstrap")].merging(library) { $1 })
      }
      let newest = try program(["LD_LIBRARY_PATH": server.text("library")])
      try newest.start()
      #expect(newest.wait { newest.lines("out.txt").count >= 3 }, "\(newest.log)")
      #expect(try newest.stop().code == 0)
      #expect(newest.lines("out.txt").sorted() == ["one", "three", "two"])
      // Debian's librdkafka does not know it, and says which of them.
      let old = try program([:]).run(seconds: 60)
      #expect(old.code == 1 && old.err.contains("No such configuration property: \"group.protocol\""), "\(old.err)")
    }

    /// Two processes of one name: the broker fences the older.
    @Test("K10: a fenced static member ends") func fenced() throws {
      let (topic, group) = (try KafkaBroker.topic("static", 1), KafkaBroker.name("g"))
      let members = try (1...2).map { _ in
        try TestProgram.reader(topic, group, ", from: earliest", properties: ["group.instance.id": "one"])
      }
      try members[0].start()
      #expect(try members[0].waitForPartitions(group, topic, 1), "\(members[0].log)")
      try members[1].start()
      try KafkaBroker.put(topic, 1...5, partition: 0)
      let outcome = try members[0].end(seconds: 30)
      #expect(
        outcome.code == 1 && outcome.err.contains("; another process has the same `group.instance.id`: give each its own"), "\(outcome.err)"
      )
      #expect(try members[1].stop().code == 0)
    }
  }
}
