import Glibc

/// Pipelines that feed each other, of which one keeps something of the events before: they commit together. What has changed in their
/// steps is one record of a log, with the positions of all their sources; so a count and the events that made it are durable at once.
/// Used under the lock of its pipelines.
final class Unit {
  private let log: StateLog
  private let folder: StateFolder
  /// Those that feed others before these.
  private var pipelines: [Pipeline] = []
  private var positions: [String: [String: String]] = [:]
  private var isLoaded = false
  private var isFresh = false
  private var changes = Changes()
  private var steps: [(step: StateStep, name: String)] = []
  /// The names of steps whose state of earlier runs goes, and of those that had one.
  private let reset: Set<String>
  private var gone: Set<String> = []
  /// How far those pipelines had come that are not at work.
  private var otherFlows: [String: FlowState] = [:]
  /// How far the events of each step had come, where that is known.
  private(set) var marks: [String: Int64] = [:]

  init(_ name: String, folder path: String, reset: Set<String>) throws(RunFailure) {
    folder = try StateFolder.hold(path)
    log = StateLog(Self.file(name, path))
    self.reset = reset
  }

  deinit { changes.release() }

  private static func file(_ name: String, _ folder: String) -> String { "\(folder)/\(FilePositions.fileName(name)).state" }

  /// Whether an earlier run has left something.
  static func isKept(_ name: String, folder: String) -> Bool { access(file(name, folder), F_OK) == 0 }

  /// What a step is called, in messages and for `--reset-state`.
  static func name(_ pipeline: String, _ step: StateStep) -> String { "\(pipeline): \(step.spec.name)" }

  func add(_ pipeline: Pipeline) {
    pipelines.append(pipeline)
    for step in pipeline.flow?.steps ?? [] { add(step, of: pipeline.spec.id) }
  }

  func add(_ step: StateStep, of pipeline: String) { steps.append((step, Self.name(pipeline, step))) }

  private var header: StateLog.Header { .init(steps: steps.map { ($0.name, $0.step.spec.form) }) }

  // MARK: Starting

  func hasReset(_ name: String) -> Bool { gone.contains(name) }

  /// Reads what an earlier run has kept, once.
  func load() throws(RunFailure) {
    guard !isLoaded else { return }
    isLoaded = true
    var places: [Int?] = []
    var isOther = false
    let header = header
    let isThere = try log.read { (known) throws(RunFailure) in
      isOther = known != header
      for (name, form) in known.steps {
        if reset.contains(name) {
          gone.insert(name)
          places.append(nil)
          isOther = true
          continue
        }
        guard let place = steps.firstIndex(where: { $0.name == name }) else {
          throw RunFailure(
            "\(Shape.clean(log.path)) keeps the state of `\(Shape.clean(name))`, and no such step is in the program any more; put it back, or run with --reset-state \"\(Shape.clean(name))\" to lose it"
          )
        }
        guard header.steps[place].form == form else {
          throw RunFailure(
            "the state of `\(Shape.clean(name))` was kept for another form of the step: \(Shape.clean(form)), now \(Shape.clean(header.steps[place].form)); put that back, or run with --reset-state \"\(Shape.clean(name))\" to begin it anew"
          )
        }
        places.append(place)
      }
    } _: { (record) throws(RunFailure) in
      try restore(record, places, steps.map(\.step))
    }
    isFresh = !isThere
    for pipeline in pipelines { pipeline.restored() }
    for (step, _) in steps { step.isDurable = true }
    // Who only looks changes nothing.
    if !isThere || isOther, !pipelines.isEmpty || !gone.isEmpty { try writeAnew() }
  }

  private static let meta = UInt16.max

  private func restore(_ record: UnsafeBufferPointer<UInt8>, _ places: [Int?], _ steps: [StateStep]) throws(RunFailure) {
    let isWhole = try Changes.read(record) { (operation, step, table, key, value) throws(RunFailure) in
      if step == Self.meta {
        guard restore(meta: table, key, value) else { throw broken }
        return
      }
      guard Int(step) < places.count else { throw broken }
      guard let place = places[Int(step)] else { return }
      switch operation {
      case .put: guard steps[place].restore(table, key, value) else { throw broken }
      case .drop: steps[place].restoreDrop(table, key, isPrefix: false)
      case .dropPrefix: steps[place].restoreDrop(table, key, isPrefix: true)
      }
    }
    if !isWhole { throw broken }
  }

  private var broken: RunFailure {
    RunFailure("\(Shape.clean(log.path)) holds what no step can read; bring it back from a copy, or remove it to begin anew")
  }

  private func restore(meta table: UInt8, _ key: UnsafeBufferPointer<UInt8>, _ value: UnsafeBufferPointer<UInt8>) -> Bool {
    let texts = String(decoding: key, as: UTF8.self).netstrings
    switch (table, texts.count) {
    case (0, 2):
      // An empty text says that the part is gone.
      positions[texts[0], default: [:]][texts[1]] = value.count == 0 ? nil : String(decoding: value, as: UTF8.self)
      return true
    case (1, 1):
      guard let state = FlowState(value) else { return false }
      let names = steps.map(\.name).filter { $0.hasPrefix("\(texts[0]): ") }
      for (name, step) in zip(names, state.steps) { marks[name] = step.mark }
      guard let pipeline = pipelines.first(where: { $0.spec.id == texts[0] }) else {
        otherFlows[texts[0]] = state
        return true
      }
      return pipeline.restore(state)
    default: return false
    }
  }

  /// Of each source of the unit, where it goes on.
  var allPositions: [String: [String: String]] { positions }

  /// Where a source goes on.
  func store(_ pipeline: String, _ label: String) -> UnitPositions { UnitPositions(self, "\(pipeline): \(label)") }

  /// Whether the log has come into being with this run, and nothing of this source is in it yet.
  fileprivate func isNew(_ source: String) -> Bool { isFresh && positions[source] == nil }

  fileprivate func positions(of source: String) -> [String: String] { positions[source] ?? [:] }

  // MARK: Committing

  /// Makes all that the pipelines have written durable, then what their steps keep, then lets their sources know.
  func commit() throws(RunFailure) {
    // What a sink refuses late goes the error route, and so may enter another pipeline.
    repeat { for pipeline in pipelines { try pipeline.commitSinks() } } while pipelines.contains(where: \.hasPending)
    changes.clear()
    for (number, step) in steps.enumerated() {
      changes.step = UInt16(number)
      step.step.writeChanges(&changes)
    }
    writeMeta()
    try log.append(changes.bytes.bytes)
    if log.isLong { try writeAnew() }
    for pipeline in pipelines { pipeline.settle() }
  }

  private func writeMeta() {
    changes.step = Self.meta
    for pipeline in pipelines {
      put(pipeline.spec.id, pipeline.flowState)
      for progress in pipeline.waiting {
        guard case .log(let store as UnitPositions)? = progress.positions else { continue }
        for (part, position) in progress.checkpoint.sorted(by: { $0.key < $1.key }) {
          positions[store.source, default: [:]][part] = position
          put(store.source, part, position)
        }
      }
    }
  }

  private func put(_ pipeline: String, _ flow: FlowState) {
    changes.put(1, Array(String(netstrings: [pipeline]).utf8)) { flow.write(into: &$0) }
  }

  private func put(_ source: String, _ part: String, _ position: String?) {
    changes.put(0, Array(String(netstrings: [source, part]).utf8)) { $0.text(position ?? "") }
  }

  private func writeAnew() throws(RunFailure) {
    try log.writeAnew(header) { (write) throws(RunFailure) in
      changes.clear()
      for (number, step) in steps.enumerated() {
        changes.step = UInt16(number)
        step.step.writeAll(&changes)
        try write(changes.bytes.bytes)
        changes.clear()
      }
      changes.step = Self.meta
      for pipeline in pipelines { put(pipeline.spec.id, pipeline.flowState) }
      for (id, flow) in otherFlows { put(id, flow) }
      for (source, parts) in positions { for (part, position) in parts { put(source, part, position) } }
      try write(changes.bytes.bytes)
    }
  }
}

/// The positions of a source, as the log of its unit has them.
final class UnitPositions: PositionStore, @unchecked Sendable {
  // Only asked for under the unit's lock, or before anything runs.
  private let unit: Unit
  let source: String

  init(_ unit: Unit, _ source: String) { (self.unit, self.source) = (unit, source) }

  var isTransactional: Bool { true }
  var isNew: Bool { unit.isNew(source) }
  func load(_ parts: [String]?) throws(RunFailure) -> [String: String] {
    let all = unit.positions(of: source)
    return parts.map { parts in all.filter { parts.contains($0.key) } } ?? all
  }
}

extension StateSpec {
  /// What must be the same for the entries of an earlier run to be read.
  var form: String {
    let fields = each.map { "\($0.name): \($0.type)" }.joined(separator: ", ")
    return "\(kind) by \(keys) of { \(fields) }\(event.map { " of \($0)" } ?? "")"
  }
}
