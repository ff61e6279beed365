import Foundation
import PumpTestSupport

/// A broker that speaks Kafka's protocol, shared by all tests: noida-db, or the one that `KAFKA_BOOTSTRAP` names. Topics and
/// groups have names of their own, for a real broker outlives the tests.
enum KafkaBroker {
  private static let started = Result { try Server("noida") }
  static func server() throws -> Server { try started.get() }
  static func tell(_ command: String) throws -> String { try server().tell(command) }
  static func environment() throws -> [String: String] { ["KAFKA": try server().text("bootstrap")] }

  static let connection =
    "connection kafka: Kafka { bootstrap_servers = env.KAFKA, security_protocol = PLAINTEXT, properties { \"session.timeout.ms\" = \"6000\" } }\n"

  static func name(_ what: String) -> String { "\(what)-\(UUID().uuidString.prefix(8).lowercased())" }

  static func topic(_ what: String, _ partitions: Int, _ settings: String = "") throws -> String {
    let name = name(what)
    _ = try tell("topic \(name) \(partitions) \(settings)")
    return name
  }

  @discardableResult
  static func kcat(_ words: String..., input: String? = nil) throws -> String {
    let outcome = try Support.run("/usr/bin/env", ["kcat", "-q", "-b", try server().text("bootstrap")] + words, input: input)
    guard outcome.code == 0 else { throw Server.Problem(message: "kcat: \(outcome.err)") }
    return outcome.out
  }

  static func put(_ topic: String, _ numbers: some Sequence<Int>, partition: Int? = nil) throws {
    let lines = numbers.map { "{\"id\":\($0)}\n" }.joined()
    try kcat("-P", "-t", topic, "-p", "\(partition ?? -1)", "-X", "sticky.partitioning.linger.ms=0", input: lines)
  }

  /// Messages of a topic, as kcat's format says, from its start to its end.
  static func read(_ topic: String, _ format: String = "%s\n") throws -> [String] {
    try kcat("-C", "-e", "-t", topic, "-o", "beginning", "-f", format).split(separator: "\n").map(String.init)
  }

  /// What a group has committed in each partition.
  static func committed(_ group: String, _ topic: String) throws -> [Int?] {
    try JSONDecoder().decode([Int?].self, from: Data(try tell("committed \(group) \(topic)").utf8))
  }
}

extension TestProgram {
  /// A pipeline from a topic into `out.ndjson`, which is appended to.
  static func reader(_ topic: String, _ group: String, _ arguments: String = "", properties: [String: String] = [:]) throws -> TestProgram {
    let more = properties.sorted { $0.key < $1.key }.map { ", \"\($0.key)\" = \"\($0.value)\"" }.joined()
    return try TestProgram(
      KafkaBroker.connection.replacing("\"6000\" }", with: "\"6000\"\(more) }")
        + """
        pipeline read {
          source kafka.topic("\(topic)", group: "\(group)"\(arguments)) |> sink file.lines("out.ndjson", mode: append) { batch { linger = 50ms } }
          on error halt
        }
        """, settings: ["general.metrics=127.0.0.1:0"], environment: try KafkaBroker.environment())
  }

  var ids: [Int] { read("out.ndjson").matches(of: /"id":(\d+)/).compactMap { Int($0.1) } }

  /// Waits until partitions have come: where they begin is committed before the first event.
  func waitForPartitions(_ group: String, _ topic: String, _ count: Int) throws -> Bool {
    try wait { try KafkaBroker.committed(group, topic).filter { $0 != nil }.count == count }
  }
}
