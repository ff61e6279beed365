import Foundation
import PumpTestSupport
import Testing

extension ConnectorTests {
  /// `Tests/Chaos/run`, five kills a pair and a stop with a system away: nothing is lost or out of order, and nothing comes twice where
  /// that is promised. A pair for each system and each promise; the command has six more.
  @Suite(.serialized) struct ChaosTests {
    @Test(arguments: [
      "kafka-postgresql", "changes-mirror", "file-sqlite", "file-elasticsearch", "mqtt-postgresql", "mongodb-file",
    ]) func survives(_ pair: String) throws {
      let outcome = try Support.run(Support.root + "/Tests/Chaos/run", ["--pumpc", Support.products + "/pumpc", pair])
      #expect(outcome.code == 0, "\(outcome.out) \(outcome.err)")
    }
  }
}
