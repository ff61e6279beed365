import Testing

/// Connectors against their servers, one after the other: each has the machine to itself, and what one compiles the
/// next finds.
@Suite(.serialized) struct ConnectorTests {}
