extension PipelineSpec {
  /// For each sink the number of the group of sinks that share its target, nil if it has its target alone. `settings` are
  /// those of the sinks. A target that is only known event by event, or not at all, may be any of its connection.
  func targetGroups(_ settings: [Settings]) -> [Int?] {
    var group = Array(sinks.indices)
    let targets = zip(sinks, settings).map { $0.target(with: $1) }
    for (index, target) in targets.enumerated() {
      for other in 0..<index where target.mayBe(targets[other]) {
        let (old, new) = (group[index], group[other])
        for place in group.indices where group[place] == old { group[place] = new }
      }
    }
    return group.map { number in group.count { $0 == number } > 1 ? number : nil }
  }
}

/// What a sink writes to.
private struct SinkTarget {
  /// A connection, a connector that needs none, or a pipeline.
  let system: String
  /// The table, topic, …; nil if that is not known before the events.
  let name: String?

  func mayBe(_ other: SinkTarget) -> Bool { system == other.system && (name == nil || other.name == nil || name == other.name) }
}

extension SinkSpec {
  fileprivate func target(with settings: Settings) -> SinkTarget {
    switch target {
    case .pipeline(let id, _): return SinkTarget(system: "pipeline \(id)", name: "")
    case .join(let id, let state, _): return SinkTarget(system: "join \(state) of \(id)", name: "")
    case .endpoint(let endpoint):
      let name: String? =
        switch endpoint.target {
        case .setting(let name)?: settings.read(name)
        case .constant(let name)?: name
        case nil: nil
        }
      return SinkTarget(system: "connection \(endpoint.connection ?? endpoint.connector)", name: name)
    }
  }
}

extension Configuration {
  /// The settings of a sink of a pipeline; one that feeds a pipeline has none.
  func settings(of sink: SinkSpec, in pipeline: PipelineSpec) -> Settings {
    sink.endpoint.map { section("pipeline:\(pipeline.id):\($0.label)") } ?? Settings([:])
  }
}

/// What in its target a sink's event touches.
enum SinkKey: Sendable {
  /// A row of its own.
  case insert
  /// The row that these fields name, in the order of their names.
  case fields([Int], names: [String])
  /// What these arguments of the event name: a topic or path, or a document of an index.
  case arguments([Int], names: [String], mayBeNew: Bool)
  case unknown

  var effect: TargetOrder.Effect {
    switch self {
    case .insert: .insert
    case .fields(_, let names), .arguments(_, let names, _): .keyed(columns: names)
    case .unknown: .unknown
    }
  }

  /// The key as a text that differs if one of its values does; nil for a document that is new.
  func text(_ buffer: SinkBuffer, _ row: Int) -> String? {
    switch self {
    case .insert, .unknown: return nil
    case .fields(let columns, _): return Self.text(columns.map { buffer.records!.children[$0] }, row)
    case .arguments(let places, _, let mayBeNew):
      let columns = places.map { buffer.each[$0] }
      return mayBeNew && columns.last!.isNull(row) ? nil : Self.text(columns, row)
    }
  }

  private static func text(_ columns: [Column], _ row: Int) -> String {
    var out = ByteBuffer(capacity: 64)
    defer { out.release() }
    for column in columns {
      out.json(column, row, JSONOptions())
      out.byte(0)
    }
    return out.string
  }
}

extension SinkSpec {
  func key(with settings: Settings) -> SinkKey {
    guard let endpoint else { return .unknown }
    if endpoint.setting("key") != nil {
      let arguments = SinkArguments(settings)
      let names = arguments.key
      // What a stream of changes does to other keys, and whose row is kept, is not known here.
      if arguments.mode == .mirror || arguments.mode == .ignore { return .unknown }
      if names.isEmpty { return .insert }
      guard let record = endpoint.type.record else { return .unknown }
      let fields = record.fields.enumerated().filter { names.contains($1.name) }.sorted { $0.element.wire < $1.element.wire }
      return .fields(fields.map(\.offset), names: fields.map { "\($0.element.wire): \($0.element.type.wrapped)" })
    }
    guard let name = endpoint.argument("name") ?? endpoint.argument("path") else { return .unknown }
    if let id = endpoint.argument("id") { return .arguments([name, id], names: ["name", "id"], mayBeNew: true) }
    return endpoint.takesDocuments ? .insert : .arguments([name], names: ["name"], mayBeNew: false)
  }
}

extension SinkBuffer {
  /// Some of the rows, in a buffer of their own. Texts stay where they are.
  func copy(_ rows: Range<Int>) -> SinkBuffer {
    let part = SinkBuffer(records: records?.shape, each: each.map(\.shape))
    part.batchOrigin = batchOrigin
    if let first = rows.first, first > 0, origins[first - 1] == origins[first] { part.leading = number(first) }
    for row in rows {
      let place = part.count
      if let element = element(row) { part.note(element) }
      for (column, from) in zip(part.each, each) { column.copy(place, from: from, row) }
      if let records {
        part.records!.copy(place, from: records, row)
        part.origins.append(origins[row])
      } else {
        part.bytes.raw(event(row))
        part.end(Int(origins[row]))
      }
    }
    return part
  }
}
