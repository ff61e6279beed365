#if PostgreSQL
import PumpConnectorKit

/// The connector of one server: a pool of sessions that all endpoints share.
public final class PostgreSQLConnector: Connector {
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
    case "listen": ListenSource(pool, connection, context)
    default: try TableSource(pool, connection, context)
    }
  }

  public func sink(_ context: EndpointContext) throws(RunFailure) -> any Sink {
    if context.spec.name == "execute" { return try ExecuteSink(pool, context) }
    let arguments = PostgreSQLTableSinkArguments(context.settings)
    if arguments.mode == .mirror { return try MirrorSink(pool, connection, context, arguments) }
    guard context.spec.shape != nil else {
      throw RunFailure("sink `\(context.spec.label)`: events that are Bytes go in by `mode: mirror` only; decode them first")
    }
    return try TableSink(pool, connection, context, arguments)
  }

  public func lookup(_ context: EndpointContext) throws(RunFailure) -> any Lookup { TableLookup(pool, connection, context) }

  public func shutdown() { pool.close() }
}
#endif
