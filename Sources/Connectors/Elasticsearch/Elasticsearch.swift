#if Elasticsearch
import PumpConnectorKit

/// The connector of one cluster: a pool of sessions that all endpoints share.
public final class ElasticsearchConnector: Connector {
  public static let factories: [String: ConnectorFactory] = [
    "Elasticsearch": { (connection: Connection) throws(RunFailure) in try ElasticsearchConnector(connection) }
  ]

  private let connection: Connection
  private let cluster: Cluster
  private let pool: ClientPool<Session>

  init(_ connection: Connection) throws(RunFailure) {
    self.connection = connection
    let cluster = try Cluster(connection)
    self.cluster = cluster
    pool = ClientPool(connection) { () throws(RunFailure) in try Session(cluster) }
  }

  public func probe() throws(RunFailure) { pool.release(try pool.acquire(), broken: false) }

  public func source(_ context: EndpointContext) throws(RunFailure) -> any Source { try SearchSource(pool, cluster, context) }

  public func sink(_ context: EndpointContext) throws(RunFailure) -> any Sink { try BulkSink(pool, cluster, context) }

  public func lookup(_ context: EndpointContext) throws(RunFailure) -> any Lookup { try DocumentLookup(pool, cluster, context) }

  public func shutdown() { pool.close() }
}
#endif
