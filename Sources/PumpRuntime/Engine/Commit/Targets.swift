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
    case .endpoint(let endpoint):
      let name: String? =
        switch endpoint.target {
        case .setting(let name)?: settings.text(name)
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
  /// The row that these fields name.
  case fields([Int])
  /// What these arguments of the event name: a topic or path, or a document of an index.
  case arguments([Int], mayBeNew: Bool)
  case unknown

  var effect: TargetOrder.Effect {
    switch self {
    case .insert: .insert
    case .fields(let columns), .arguments(let columns, _): .keyed(columns: columns.count)
    case .unknown: .unknown
    }
  }

  /// The key as a text that differs if one of its values does; nil for a document that is new.
  func text(_ buffer: SinkBuffer, _ row: Int) -> String? {
    switch self {
    case .insert, .unknown: return nil
    case .fields(let columns): return Self.text(columns.map { buffer.records!.children[$0] }, row)
    case .arguments(let places, let mayBeNew):
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
      let columns = settings.texts("key").compactMap { endpoint.type.record?.index(of: $0) }
      return columns.isEmpty ? .insert : .fields(columns)
    }
    func place(_ name: String) -> Int? { endpoint.each.firstIndex { $0.name == name } }
    guard let name = place("name") ?? place("path") else { return .unknown }
    if let id = place("id") { return .arguments([name, id], mayBeNew: true) }
    return endpoint.takesDocuments ? .insert : .arguments([name], mayBeNew: false)
  }
}

extension SinkBuffer {
  /// Some of the rows, in a buffer of their own. Texts stay where they are.
  func copy(_ rows: Range<Int>) -> SinkBuffer {
    let part = SinkBuffer(records: records?.shape, each: each.map(\.shape))
    part.batchOrigin = batchOrigin
    for row in rows {
      let place = part.count
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
