/// What the folder of state holds for a program that is not running: `pumpc state list`, `show` and `drop`.
struct StateInspection {
  private let executable: Executable
  private let configuration: Configuration
  private let folder: String

  private struct Inspected {
    /// `pipeline: step`.
    let name: String
    let step: StateStep
  }

  init(_ executable: Executable, _ configuration: Configuration) throws(RunFailure) {
    guard let folder = configuration.state else {
      throw RunFailure("there is no folder of state: `state` of `[general]` in pipelines.conf names it")
    }
    (self.executable, self.configuration, self.folder) = (executable, configuration, folder)
  }

  /// What it prints.
  func text(_ request: StateRequest) throws(RunFailure) -> String {
    switch request {
    case .list: try list()
    case .show(let name): try show(name)
    case .drop(let name): try drop(name)
    }
  }

  private func list() throws(RunFailure) -> String {
    var text = ""
    for unit in try units() {
      for item in unit.steps {
        let mark = unit.unit.marks[item.name] ?? .min
        text +=
          "\(Shape.clean(item.name)): \(item.step.keys) entries, \(item.step.bytes) bytes\(mark == .min ? "" : ", come to \(Timestamp(mark).text)")\n"
      }
      for (source, parts) in unit.unit.allPositions.sorted(by: { $0.key < $1.key }) {
        for (part, position) in parts.sorted(by: { $0.key < $1.key }) {
          text += "\(Shape.clean(source)): \(Shape.clean(part)) at \(Shape.clean(position))\n"
        }
      }
    }
    return text.isEmpty ? "no step of the program keeps anything in \(Shape.clean(folder))\n" : text
  }

  private func show(_ name: String) throws(RunFailure) -> String {
    for unit in try units() {
      guard let item = unit.steps.first(where: { $0.name == name }) else { continue }
      unit.lines.texts.removeAll()
      try item.step.show { unit.lines.texts.append($0) }
      try item.step.emitter.flush()
      return unit.lines.texts.map { $0 + "\n" }.joined()
    }
    throw try unknown(name)
  }

  private func drop(_ name: String) throws(RunFailure) -> String {
    for unit in try units(reset: [name]) where unit.unit.hasReset(name) { return "dropped the state of \(Shape.clean(name))\n" }
    throw try unknown(name)
  }

  private func unknown(_ name: String) throws(RunFailure) -> RunFailure {
    let known = try units().flatMap(\.steps).map(\.name)
    return RunFailure(
      "\(Shape.clean(folder)) keeps nothing of `\(Shape.clean(name))`; there is \(known.isEmpty ? "nothing" : known.map { "\"\(Shape.clean($0))\"" }.joined(separator: ", "))"
    )
  }

  // MARK: Steps without a run

  private final class Lines { var texts: [String] = [] }

  /// The units that have a log, with their steps as they were at the last commit.
  private func units(reset: Set<String> = []) throws(RunFailure) -> [(unit: Unit, steps: [Inspected], lines: Lines)] {
    let program = executable.program
    let names = program.unitNames
    var found: [(Unit, [Inspected], Lines)] = []
    for name in Set(names.values).sorted() {
      guard Unit.isKept(name, folder: folder) else { continue }
      let unit = try Unit(name, folder: folder, reset: reset)
      let lines = Lines()
      var steps: [Inspected] = []
      for id in program.flowOrder where names[id] == name {
        for step in self.steps(program.pipeline(id)!, lines) {
          steps.append(Inspected(name: Unit.name(id, step), step: step))
          unit.add(step, of: id)
        }
      }
      try unit.load()
      for item in steps { item.step.restored(unit.marks[item.name] ?? .min, .min) }
      found.append((unit, steps, lines))
    }
    return found
  }

  private func steps(_ spec: PipelineSpec, _ lines: Lines) -> [StateStep] {
    let outputs = Outputs(sinks: spec.sinks.map { $0.makeBuffer() }, states: spec.states.map { $0.makeBuffers() }, log: { _ in })
    return spec.makeSteps(executable.steps[spec.id]!, configuration, outputs, now: { Timestamp(0) }) { _, state, now in
      Emitter(state, now: now) { (batch) throws(RunFailure) in
        for row in 0..<batch.count { lines.texts.append(batch.records!.json(row)) }
        return true
      }
    }
  }
}

/// What is asked of the folder of state.
enum StateRequest: Equatable {
  case list, show(String), drop(String)

  /// The words behind `--state`.
  init?(_ words: [String]) {
    switch (words.first, words.count) {
    case ("list", 1): self = .list
    case ("show", 2): self = .show(words[1])
    case ("drop", 2): self = .drop(words[1])
    default: return nil
    }
  }
}

extension Column {
  /// A row as JSON.
  func json(_ row: Int) -> String {
    var out = ByteBuffer(capacity: 256)
    defer { out.release() }
    out.json(self, row, JSONOptions())
    return out.string
  }
}
