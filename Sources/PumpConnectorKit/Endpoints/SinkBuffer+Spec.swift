import PumpValues

extension SinkSpec {
  /// The buffer of what the sink gets.
  package func makeBuffer() -> SinkBuffer {
    switch target {
    case .endpoint(let endpoint): SinkBuffer(endpoint)
    case .pipeline(_, let type): SinkBuffer(records: type.recordShape, each: [])
    }
  }
}

extension SinkBuffer {
  public convenience init(_ endpoint: EndpointSpec) {
    self.init(records: endpoint.sinkShape, each: endpoint.each.map { Shape.of($0.type) })
  }
}
