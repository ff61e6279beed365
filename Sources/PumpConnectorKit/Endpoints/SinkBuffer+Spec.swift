import PumpValues

extension SinkSpec {
  /// The buffer of what the sink gets.
  package func makeBuffer() -> SinkBuffer {
    switch target {
    case .endpoint(let endpoint): SinkBuffer(endpoint)
    case .pipeline(_, let type), .join(_, _, let type): SinkBuffer(records: type.recordShape, each: [])
    }
  }
}

extension StateSpec {
  /// The buffers of what the step gets, and of what its own routes compute.
  package func makeBuffers() -> [StatePart: SinkBuffer] {
    var buffers: [StatePart: SinkBuffer] = [.main: SinkBuffer(records: event.map { Shape.of($0) }, each: each.map { Shape.of($0.type) })]
    switch kind {
    case .fold: buffers[.inner] = SinkBuffer(records: nil, each: [Shape.of(output.record!.fields.last!.type)])
    case .join(let join, from: _, to: _), .joinLatest(let join, asRead: _):
      buffers[.inner] = SinkBuffer(records: nil, each: [.bool])
      buffers[.side] = SinkBuffer(records: Shape.of(join.event), each: join.each.map { Shape.of($0.type) })
    default: break
    }
    return buffers
  }
}

extension SinkBuffer {
  public convenience init(_ endpoint: EndpointSpec) {
    self.init(records: endpoint.sinkShape, each: endpoint.each.map { Shape.of($0.type) })
  }
}
