import Foundation
import Testing

extension ConnectorTests {
  /// `Tests/Chaos/run`, five kills a pair: nothing is lost, and nothing comes twice where the sink has a key.
  @Suite(.serialized) struct ChaosTests {
    @Test(arguments: ["kafka-postgresql", "postgresql-kafka", "mqtt-postgresql", "file-elasticsearch", "mongodb-file"]) func survives(
      _ pair: String
    ) throws {
      let outcome = try Support.run(Support.root + "/Tests/Chaos/run", ["--pumpc", Support.products + "/pumpc", pair])
      #expect(outcome.code == 0, "\(outcome.out) \(outcome.err)")
    }
  }
}
