#if MQTT
internal import CMQTT
import PumpConnectorKit

/// The connector of one broker: a client of its own for each source, and a pool of those that publish.
public final class MQTTConnector: Connector {
  public static let factories: [String: ConnectorFactory] = [
    "MQTT": { (connection: Connection) throws(RunFailure) in MQTTConnector(connection) }
  ]

  private static let isReady: Bool = mosquitto_lib_init() == 0
  private let broker: Broker
  private let pool: ClientPool<Client>

  init(_ connection: Connection) {
    precondition(Self.isReady)
    let broker = Broker(connection)
    self.broker = broker
    pool = ClientPool(connection) { () throws(RunFailure) in try broker.connect(id: nil, isClean: true, keepAlive: 0) }
  }

  public func probe() throws(RunFailure) { pool.release(try pool.acquire(), broken: false) }
  public func source(_ context: EndpointContext) throws(RunFailure) -> any Source { TopicSource(broker, context) }
  public func sink(_ context: EndpointContext) throws(RunFailure) -> any Sink { TopicSink(pool, broker, context) }
  public func shutdown() { pool.close() }
}
#endif
