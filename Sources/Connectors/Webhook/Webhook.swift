#if Webhook
import PumpConnectorKit

/// The connector of one listener, which all sources of its connection share.
public final class WebhookConnector: Connector {
  public static let factories: [String: ConnectorFactory] = [
    "Webhook": { (connection: Connection) throws(RunFailure) in WebhookConnector(try Listener(connection)) }
  ]

  private let listener: Listener

  init(_ listener: Listener) { self.listener = listener }

  public func source(_ context: EndpointContext) throws(RunFailure) -> any Source { try RequestSource(listener, context) }
  public func sink(_ context: EndpointContext) throws(RunFailure) -> any Sink { ReplySink(listener, context) }

  /// All sources are there: now requests may come.
  public func probe() throws(RunFailure) { try listener.start() }

  public func shutdown() { listener.end() }
}
#endif
