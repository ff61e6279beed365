#if Kafka
internal import CKafka
import PumpConnectorKit
import Synchronization

/// The connector of one cluster: one producer that all sinks share, and a consumer for each source.
public final class KafkaConnector: Connector {
  public static let factories: [String: ConnectorFactory] = [
    "Kafka": { (connection: Connection) throws(RunFailure) in KafkaConnector(connection) }
  ]

  private let connection: Connection
  private let settings: KafkaSettings
  private let producer = Mutex<Producer?>(nil)

  init(_ connection: Connection) {
    self.connection = connection
    settings = KafkaSettings(connection.settings)
  }

  private func shared() throws(RunFailure) -> Producer {
    let result: Swift.Result<Producer, RunFailure> = producer.withLock { current in
      if let current { return .success(current) }
      do throws(RunFailure) {
        let made = try Producer(connection, settings)
        current = made
        return .success(made)
      } catch { return .failure(error) }
    }
    return try result.get()
  }

  public func probe() throws(RunFailure) {
    let producer = try shared()
    try connection.attempt { () throws(RunFailure) in try producer.client.reach() }
  }

  public func source(_ context: EndpointContext) throws(RunFailure) -> any Source { try TopicSource(connection, settings, context) }
  public func sink(_ context: EndpointContext) throws(RunFailure) -> any Sink { try TopicSink(shared(), context) }
  public func shutdown() { producer.withLock { $0 = nil } }
}
#endif
