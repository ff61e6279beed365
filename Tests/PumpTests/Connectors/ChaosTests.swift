import Foundation
import PumpTestSupport
import Testing

extension ConnectorTests {
  /// `Tests/Chaos/run`, five kills and stops a pair: nothing is lost, and nothing comes twice where that is promised.
  @Suite(.serialized) struct ChaosTests {
    @Test(arguments: [
      "kafka-postgresql", "changes-postgresql", "changes-mirror", "postgresql-kafka", "mqtt-postgresql", "file-elasticsearch",
      "file-sqlite", "mongodb-file",
    ]) func survives(_ pair: String) throws {
      let outcome = try Support.run(Support.root + "/Tests/Chaos/run", ["--pumpc", Support.products + "/pumpc", pair])
      #expect(outcome.code == 0, "\(outcome.out) \(outcome.err)")
    }
  }
}
