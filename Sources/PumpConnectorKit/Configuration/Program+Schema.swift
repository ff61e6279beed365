extension Program {
  /// Everything that may be configured.
  public var schema: ConfigSchema {
    var sections = config.map { ConfigSchema.Section($0.name, $0.keys) }
    sections += connections.map { .init("connection:\($0.id)", $0.settings) }
    for pipeline in pipelines {
      sections.append(.init("pipeline:\(pipeline.id)", pipeline.settings))
      sections += pipeline.endpoints.map { .init("pipeline:\(pipeline.id):\($0.label)", $0.settings) }
    }
    return ConfigSchema(sections, stateReason: stateReason)
  }
}
