/// What a test gives, as the source of a pipeline would.
final class TestSource: Source {
  private let shape: Shape?
  private let meta: [(name: String, shape: Shape)]
  private struct Given {
    let text: Text
    let meta: String?
    var header: Header?
    var isFramed = false
    /// Why a header does not fit, where this is one.
    var refusal: String?
  }
  private var given: [Given] = []
  private var next = 0
  private let memory = Arena()

  init(_ inputs: [TestSpec.Given], _ spec: PipelineSpec, _ configuration: Configuration, _ framing: Framing?) throws(RunFailure) {
    shape = spec.input.recordShape
    meta = spec.meta.map { ($0.name, Shape.of($0.type)) }
    let isFile = spec.sources.contains { $0.abilities.contains("cut") }
    let lines = spec.sources.first { $0.name == "lines" }
    // All sources of lines say it as standard input does.
    let join = lines.flatMap { StdinLinesSourceArguments(configuration.section("pipeline:\(spec.id):\($0.label)")).join }
    let joined = try Framing.joined(by: join, lines?.label ?? "", limit: .max)
    let cut = isFile ? joined ?? framing ?? (lines == nil ? nil : .lines) : nil
    for input in cut?.hasHeader ?? false ? Self.joined(inputs) : inputs {
      switch input.input {
      case .json(let text), .bytes(let text): add(memory.copy(text), input.meta, cut)
      case .file(let path):
        let bytes: [UInt8]
        do throws(FileProblem) { bytes = try readWholeFile(path, limit: 64 << 20) } catch { throw RunFailure(error.message) }
        // Other sources get the lines of a file as their events.
        add(bytes.withUnsafeBufferPointer { memory.copy($0) }, input.meta, isFile ? cut : .lines)
      }
    }
  }

  /// Lines that are given one by one are those of one file, of which the first is the header; a text of several lines is a file.
  private static func joined(_ inputs: [TestSpec.Given]) -> [TestSpec.Given] {
    var result: [TestSpec.Given] = []
    var isLine = false
    for input in inputs {
      guard case .bytes(let text) = input.input, !text.utf8.contains(0x0A) else {
        isLine = false
        result.append(input)
        continue
      }
      if isLine, let last = result.last, last.meta == input.meta, case .bytes(let before) = last.input {
        result[result.count - 1] = .init(input: .bytes("\(before)\n\(text)"), meta: input.meta)
      } else {
        result.append(input)
      }
      isLine = true
    }
    return result
  }

  /// What the source would make of it in a run: a file or stream is cut, other events are as they are.
  private func add(_ text: Text, _ meta: String?, _ framing: Framing?) {
    guard let framing else { return given.append(Given(text: text, meta: meta)) }
    let (header, records) = framing.cut(text)
    if framing.hasHeader, let problem = framing.headerProblem(header?.text ?? Text()) {
      given.append(Given(text: header?.text ?? Text(), meta: meta, refusal: problem))
    }
    let isJoined = framing.joinsLines
    given += records.map { Given(text: isJoined ? $0.withoutReturns(memory) : $0, meta: meta, header: header, isFramed: !isJoined) }
  }

  /// One event at a time, with random numbers of its own: the same interpreted and compiled, and in every run.
  func next(_ batch: Batch) throws(RunFailure) -> Bool {
    guard next < given.count else { return false }
    let item = given[next]
    next += 1
    batch.context.random = UInt64(next)
    let arena = batch.context.arena
    let text = arena.copy(item.text)
    (batch.header, batch.isFramed) = (item.header, item.isFramed)
    if let refusal = item.refusal {
      batch.refused.append(Failure(row: 0, step: 0, message: refusal, payload: (text, item.meta ?? "{}")))
      return true
    }
    if let shape {
      let records = batch.recordColumn(shape)
      guard shape.read(text, into: records, 0, arena, JSONOptions()) else {
        throw RunFailure("given: \(shape.explain(text, JSONOptions()))")
      }
      batch.count = 1
    } else {
      batch.append(text)
    }
    for (name, shape) in meta {
      let column = batch.metaColumn(name, shape)
      try read(name, item.meta, column, batch.context)
    }
    batch.describe = { _ in item.meta ?? "{}" }
    return true
  }

  /// What the test says of the event, as the source's type has it.
  private func read(_ name: String, _ json: String?, _ column: Column, _ context: Context) throws(RunFailure) {
    var value: Text?
    if let json, let object = try? Fn.parseJson(context.arena.copy(json), context) {
      _ = Fn.members(object, context) { if $0.string == name { value = $1.text } }
    }
    guard let value else { return column.setNothing(0) }
    let text = context.arena.copy(value.string)
    guard column.shape.read(text, into: column, 0, context.arena, JSONOptions()) else {
      throw RunFailure("given meta `\(name)`: \(column.shape.explain(text, JSONOptions()))")
    }
  }
}
