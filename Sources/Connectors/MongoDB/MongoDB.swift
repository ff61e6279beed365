#if MongoDB
import PumpConnectorKit

/// The connector of one server or replica set: a pool of clients that all endpoints share.
public final class MongoDBConnector: Connector {
  public static let factories: [String: ConnectorFactory] = [
    "MongoDB": { (connection: Connection) throws(RunFailure) in try MongoDBConnector(connection) }
  ]

  private let pool: ClientPool<Client>

  init(_ connection: Connection) throws(RunFailure) {
    let settings = MongoDBSettings(connection.settings)
    let address = try Address(connection, settings)
    pool = ClientPool(connection) { () throws(RunFailure) in try Client(connection, settings, address) }
  }

  public func probe() throws(RunFailure) { pool.release(try pool.acquire(), broken: false) }

  public func source(_ context: EndpointContext) throws(RunFailure) -> any Source {
    context.spec.name == "changes" ? try ChangesSource(pool, context) : try FindSource(pool, context)
  }

  public func sink(_ context: EndpointContext) throws(RunFailure) -> any Sink { try CollectionSink(pool, context) }

  public func lookup(_ context: EndpointContext) throws(RunFailure) -> any Lookup { CollectionLookup(pool, context) }

  public func shutdown() { pool.close() }
}
#endif
