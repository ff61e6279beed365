#if Http
import PumpHttpClient
import PumpConnectorKit

/// The connector of one server, or of all that its base address leads to.
public final class HttpConnector: Connector {
  public static let factories: [String: ConnectorFactory] = [
    "Http": { (connection: Connection) throws(RunFailure) in HttpConnector(try Service(connection)) }
  ]

  private let service: Service

  init(_ service: Service) { self.service = service }

  public func probe() throws(RunFailure) { try service.probe() }

  public func source(_ context: EndpointContext) throws(RunFailure) -> any Source { try GetSource(service, context) }

  public func sink(_ context: EndpointContext) throws(RunFailure) -> any Sink { try RequestSink(service, context) }

  public func lookup(_ context: EndpointContext) throws(RunFailure) -> any Lookup { try GetLookup(service, context) }
}
#endif
