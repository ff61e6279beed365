import Foundation
import PumpTestSupport
import Testing

extension ConnectorTests {
  /// Processes of one program share a group's partitions, as at a real broker.
  @Suite(.serialized) struct KafkaGroupTests {
    /// Feeds a topic of six partitions until told to stop.
    private final class Feed {
      let topic: String
      private(set) var last = 0
      init() throws { topic = try KafkaBroker.topic("shared", 6) }
      func put(_ count: Int) throws {
        try KafkaBroker.kcat(
          "-P", "-t", topic, "-K:", input: (last + 1...last + count).map { "k\($0):{\"id\":\($0)}\n" }.joined())
        last += count
      }
    }

    private func repeats(_ members: [TestProgram]) -> Int {
      let all = members.flatMap(\.ids)
      return all.count - Set(all).count
    }

    /// Whether all that was fed is committed; what is under way when partitions change hands comes again where the broker takes no
    /// commit of a group that is changing, as Kafka does.
    private func isCommitted(_ group: String, _ feed: Feed) throws -> Bool {
      try KafkaBroker.committed(group, feed.topic).compactMap { $0 }.reduce(0, +) == feed.last
    }

    /// With each join and leave partitions change hands: none is lost, and none that was committed comes again.
    @Test("K2: replicas join and leave, nothing is lost or repeated") func replicas() throws {
      let feed = try Feed()
      let group = KafkaBroker.name("g")
      let members = try (1...2).map { _ in try TestProgram.reader(feed.topic, group, ", from: earliest") }
      try feed.put(3000)
      try members[0].start()
      for round in 1...2 {
        #expect(try members[0].wait { try isCommitted(group, feed) }, "round \(round): \(members[0].log)")
        let before = members[1].ids.count
        try members[1].start()
        // Its own share, and the rest to the other.
        #expect(try members[1].wait { try KafkaBroker.tell("members \(group)") == "2" }, "round \(round): \(members[1].log)")
        try feed.put(2000)
        #expect(try members[1].wait { try isCommitted(group, feed) }, "round \(round): \(members.map(\.log))")
        #expect(members[1].ids.count > before + 500)
        #expect(try members[1].stop().code == 0)
        #expect(try members[0].wait { try KafkaBroker.tell("members \(group)") == "1" }, "round \(round): \(members[0].log)")
        try feed.put(2000)
      }
      #expect(try members[0].wait { try isCommitted(group, feed) }, "\(members[0].log)")
      #expect(try members[0].stop().code == 0)
      #expect(Set(members.flatMap(\.ids)) == Set(1...feed.last) && repeats(members) == 0)
    }

    private static let isReal = ProcessInfo.processInfo.environment["KAFKA_BOOTSTRAP"] != nil

    /// Kafka takes commits until all members have joined again; noida-db and the mock cluster refuse them.
    @Test("K2: events under way are not repeated", .enabled(if: isReal, "needs Kafka itself, by KAFKA_BOOTSTRAP")) func underWay() throws {
      let feed = try Feed()
      let group = KafkaBroker.name("g")
      let members = try (1...2).map { _ in try TestProgram.reader(feed.topic, group, ", from: earliest") }
      try members[0].start()
      #expect(try members[0].waitForPartitions(group, feed.topic, 6), "\(members[0].log)")
      for _ in 1...2 {
        let before = members[1].ids.count
        try members[1].start()
        #expect(
          try members[1].wait {
            try feed.put(500)
            return members[1].ids.count > before + 500
          }, "\(members[1].log)")
        #expect(try members[1].stop().code == 0)
        try feed.put(500)
      }
      #expect(try members[0].wait { try isCommitted(group, feed) }, "\(members[0].log)")
      #expect(try members[0].stop().code == 0)
      #expect(Set(members.flatMap(\.ids)) == Set(1...feed.last) && repeats(members) == 0)
    }

    /// A member that is killed in the midst of joining takes nothing with it. noida-db never gives such a one up.
    @Test("K3: a clean stop leaves everything committed", .enabled(if: isReal, "needs Kafka itself, by KAFKA_BOOTSTRAP"))
    func killedWhileJoining() throws {
      let feed = try Feed()
      let group = KafkaBroker.name("g")
      let members = try (1...2).map { _ in try TestProgram.reader(feed.topic, group, ", from: earliest") }
      try feed.put(2000)
      try members[0].start()
      #expect(try members[0].wait { try isCommitted(group, feed) }, "\(members[0].log)")
      try members[1].start()
      #expect(
        try members[1].wait {
          try feed.put(500)
          return members[1].log.contains("is ready")
        })
      members[1].kill(SIGKILL)
      try feed.put(2000)
      #expect(members[0].wait { Set(members[0].ids).count == feed.last }, "\(members[0].log)")
      let outcome = try members[0].stop()
      #expect(outcome.code == 0 && !outcome.err.contains("were not committed"), "\(outcome.err)")
      #expect(try isCommitted(group, feed) && repeats([members[0]]) == 0)
    }

    /// The coordinator goes away before a commit and is back before the end: the end sends it again.
    @Test("K3: a commit that failed is sent again") func commitsAgain() throws {
      let server = try Server("kafka")
      try server.tell("topic in 1 1")
      let program = try TestProgram(
        """
        connection kafka: Kafka { bootstrap_servers = env.KAFKA, security_protocol = PLAINTEXT, properties { "session.timeout.ms" = "6000" } }
        pipeline read {
          source kafka.topic("in", group: "g", from: earliest) |> sink file.lines("out.ndjson", mode: append) { batch { linger = 50ms } }
          on error halt
        }
        """, environment: ["KAFKA": server.text("bootstrap")])
      let kcat = ["kcat", "-q", "-b", server.text("bootstrap"), "-t", "in", "-P"]
      _ = try Support.run("/usr/bin/env", kcat, input: orders(10))
      try program.start()
      #expect(program.wait { program.ids.count == 10 }, "\(program.log)")
      // OffsetCommit (8), the next one: the group is changing (27, REBALANCE_IN_PROGRESS).
      try server.tell("errors 8 27")
      _ = try Support.run("/usr/bin/env", kcat, input: orders(10, from: 11))
      #expect(program.wait { program.ids.count == 20 }, "\(program.log)")
      #expect(try program.stop().code == 0)
      _ = try Support.run("/usr/bin/env", kcat, input: orders(1, from: 21))
      try program.start()
      #expect(program.wait { program.ids.last == 21 }, "\(program.log)")
      #expect(try program.stop().code == 0)
      #expect(program.ids == Array(1...21))
    }
  }
}
