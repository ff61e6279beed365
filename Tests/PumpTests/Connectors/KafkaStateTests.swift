import Foundation
import PumpTestSupport
import Testing

extension ConnectorTests {
  /// Steps that keep something, over a topic of several partitions: each has times of its own, and one process reads all.
  @Suite(.serialized) struct KafkaStateTests {
    private func program(_ topic: String, _ group: String) throws -> TestProgram {
      try TestProgram(
        KafkaBroker.connection
          + """
          type Reading { at: Timestamp, n: Int }

          pipeline minutes {
            source kafka.topic("\(topic)", group: "\(group)", from: earliest)
              |> decode json as Reading
              |> time .at late 10s idle 1h
              |> group window tumbling 1m { from: window.start, n: count(), total: sum(.n) }
              |> encode json
              |> sink file.lines("out.ndjson", mode: append) { batch { linger = 20ms } }
            on error halt
          }
          """, settings: ["general.state=state"], environment: try KafkaBroker.environment())
    }

    private func put(_ topic: String, partition: Int, minutes: Range<Int>) throws {
      var text = ""
      for minute in minutes {
        for second in 10..<30 { text += "{\"at\":\"2026-01-01T00:\(minute < 10 ? "0" : "")\(minute):\(second)Z\",\"n\":\(minute)}\n" }
      }
      try KafkaBroker.kcat("-P", "-t", topic, "-p", "\(partition)", "-X", "sticky.partitioning.linger.ms=0", input: text)
    }

    private func wanted(_ minutes: Range<Int>, partitions: Int) -> [String] {
      minutes.map { minute in
        "{\"from\":\"2026-01-01T00:\(minute < 10 ? "0" : "")\(minute):00Z\",\"n\":\(20 * partitions),\"total\":\(20 * partitions * minute)}"
      }
    }

    @Test("a partition that lags makes nothing late, one that is empty holds nothing up, and a stop loses nothing") func partitions() throws
    {
      let topic = try KafkaBroker.topic("timed", 3)
      let group = KafkaBroker.name("g")
      let program = try program(topic, group)
      try put(topic, partition: 0, minutes: 0..<20)
      try program.start()
      // The first partition is read to its end before anything is in the second.
      #expect(try program.wait { try KafkaBroker.committed(group, topic)[0] == 400 }, "\(program.log)")
      try put(topic, partition: 1, minutes: 0..<8)
      #expect(try program.wait { try KafkaBroker.committed(group, topic)[1] == 160 }, "\(program.log)")
      // noida-db does not give up a member that was killed.
      #expect(try program.stop().code == 0, "\(program.log)")
      #expect(program.read("out.ndjson").isEmpty)
      try put(topic, partition: 1, minutes: 8..<20)
      try program.start()
      #expect(try program.wait { try KafkaBroker.committed(group, topic)[1] == 400 }, "\(program.log)")
      // Two of them go on; the third is passed over.
      for partition in 0..<2 {
        try KafkaBroker.kcat("-P", "-t", topic, "-p", "\(partition)", input: "{\"at\":\"2026-01-01T02:00:00Z\",\"n\":0}\n")
      }
      #expect(program.wait { Set(program.lines("out.ndjson")).count >= 20 }, "\(program.log) \(program.read("out.ndjson"))")
      #expect(try program.stop().code == 0, "\(program.log)")
      let found = Set(program.lines("out.ndjson"))
      #expect(found.sorted() == wanted(0..<20, partitions: 2).sorted())
    }

    @Test("a second member of the group is refused") func members() throws {
      let topic = try KafkaBroker.topic("timed", 2)
      let group = KafkaBroker.name("g")
      let members = try (1...2).map { _ in try program(topic, group) }
      try put(topic, partition: 0, minutes: 0..<3)
      try members[0].start()
      #expect(try members[0].wait { try KafkaBroker.committed(group, topic)[0] == 60 }, "\(members[0].log)")
      try members[1].start()
      // Each finds that it does not have all of them; who is told first leaves, and the other may never hear of it.
      func refused() -> TestProgram? { members.first { $0.log.contains("one process reads all partitions") } }
      #expect(members[0].wait { refused() != nil }, "\(members.map(\.log))")
      #expect(try refused()?.end().code == 1, "\(members.map(\.log))")
    }

    @Test("a folder of state that is gone is refused") func wiped() throws {
      let topic = try KafkaBroker.topic("timed", 2)
      let group = KafkaBroker.name("g")
      let program = try program(topic, group)
      try put(topic, partition: 0, minutes: 0..<3)
      try program.start()
      #expect(try program.wait { try KafkaBroker.committed(group, topic)[0] == 60 }, "\(program.log)")
      #expect(try program.stop().code == 0, "\(program.log)")
      try FileManager.default.removeItem(atPath: program.folder + "/state")
      #expect(program.wait { (try? KafkaBroker.tell("members \(group)")) == "0" })
      let wiped = try program.run()
      #expect(wiped.code == 1 && wiped.err.contains("the folder of state holds nothing of these events"), "\(wiped.err)")
    }
  }
}
