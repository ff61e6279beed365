#if PostgreSQL
import PumpRuntime

/// The connector of one server: a pool of sessions that all endpoints share.
public final class PostgreSQLConnector: Connector, @unchecked Sendable {
  public static let factories: [String: ConnectorFactory] = [
    "PostgreSQL": { (connection: Connection) throws(RunFailure) in PostgreSQLConnector(connection) }
  ]

  private let connection: Connection
  private let pool: ClientPool<Client>

  init(_ connection: Connection) {
    self.connection = connection
    pool = ClientPool(connection) { () throws(RunFailure) in try Client(connection) }
  }

  public func probe() throws(RunFailure) { pool.release(try pool.acquire(), broken: false) }

  public func source(_ context: EndpointContext) throws(RunFailure) -> any Source {
    switch context.spec.name {
    case "changes": try ChangesSource(connection, context)
    case "listen": ListenSource(pool, context)
    default: try TableSource(pool, connection, context)
    }
  }

  public func sink(_ context: EndpointContext) throws(RunFailure) -> any Sink {
    context.spec.name == "execute" ? try ExecuteSink(pool, context) : try TableSink(pool, connection, context)
  }

  public func lookup(_ context: EndpointContext) throws(RunFailure) -> any Lookup { TableLookup(pool, connection, context) }

  public func shutdown() { pool.close() }
}
#endif
