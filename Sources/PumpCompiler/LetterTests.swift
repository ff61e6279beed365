import PumpConnectorKit
import PumpPlan

/// Tests that are made of dead letters, which `on error |> encode json` wrote: each gives an event again as its source gave it,
/// and expects the failures that came of it. What a test cannot give is told instead.
public struct LetterTests {
  /// `test` blocks, as the language writes them.
  public private(set) var text = ""
  public private(set) var count = 0
  /// Letters of which nothing can be made, and why: a sentence each.
  public private(set) var problems: [String] = []
  /// Whether there were more events than `limit`.
  public private(set) var isCut = false
  private let program: Program
  private let pipeline: String?
  private let limit: Int
  /// The letters of the event at hand: an event that was expanded has one for each of its failures.
  private var event: (pipeline: PipelineSpec, letters: [Letter])?

  /// At most `limit` tests; `pipeline` says whose the letters are where they do not tell.
  public init(_ program: Program, pipeline: String?, limit: Int) {
    (self.program, self.pipeline, self.limit) = (program, pipeline, limit)
  }

  /// Takes a line of the file; false if no more are wanted.
  public mutating func add(_ line: some Collection<UInt8>, number: Int) -> Bool {
    let text = String(decoding: line, as: UTF8.self)
    guard text.contains(where: { !$0.isWhitespace }) else { return true }
    do throws(Letter.Problem) {
      let letter = try Letter(text, line: number)
      let owner = try owner(of: letter)
      if let event, event.pipeline.id == owner.id, event.letters[0].isOfEvent(letter) {
        self.event!.letters.append(letter)
        return true
      }
      flush()
      isCut = count == limit
      if !isCut { event = (owner, [letter]) }
      return !isCut
    } catch {
      problems.append("line \(number) \(error.text)")
      return true
    }
  }

  /// Makes the test of the last event; to be called after the last line.
  public mutating func finish() { flush() }

  private mutating func flush() {
    guard let (pipeline, letters) = event else { return }
    event = nil
    do throws(Letter.Problem) {
      let test = try LetterTest(letters, of: pipeline).text(number: count + 1)
      text += (count == 0 ? "" : "\n") + test
      count += 1
    } catch { problems.append("line \(letters[0].line) \(error.text)") }
  }

  /// The pipeline that has a step of that name at that place; where the spec has changed since, one that has such a step.
  private func owner(of letter: Letter) throws(Letter.Problem) -> PipelineSpec {
    if let pipeline {
      guard let found = program.pipeline(pipeline) else { throw .init("belongs to no pipeline: there is none called `\(pipeline)`") }
      return found
    }
    let places = program.pipelines.filter { $0.hasStep(letter.stage, at: letter.place) }
    if places.count == 1 { return places[0] }
    let names = program.pipelines.filter { $0.hasStep(letter.stage, at: nil) }
    if names.count == 1 { return names[0] }
    throw .init(
      names.isEmpty
        ? "is of a step `\(Shape.clean(letter.stage))`, which no pipeline has; name the pipeline by `--pipeline NAME`"
        : "may be of \(names.map { "`\($0.id)`" }.joined(separator: " or ")); name the pipeline by `--pipeline NAME`")
  }
}

extension PipelineSpec {
  fileprivate func hasStep(_ name: String, at place: String?) -> Bool {
    let steps = stages.map { ($0.name, $0.place) } + (sources.map(\.place) + [self.place]).map { ("source", $0) }
    return steps.contains { $0 == name && (place == nil || $1.short == place) }
  }
}

/// The test of one event, from the letters of its failures.
private struct LetterTest {
  private let letters: [Letter]
  private let pipeline: PipelineSpec
  private let given: String

  init(_ letters: [Letter], of pipeline: PipelineSpec) throws(Letter.Problem) {
    self.letters = letters
    self.pipeline = pipeline
    let first = letters[0]
    if first.stage == "source", first.reason == FailureReason.tooLarge.rawValue {
      throw .init("holds the beginning of its event alone: it was longer than max_event")
    }
    if pipeline.input == .bytes {
      given = PumpText.string((first.header.map { $0 + "\n" } ?? "") + first.payload)
    } else {
      guard first.stage != "source" || first.reason != FailureReason.decode.rawValue else {
        throw .init("is of an event that its source could not read, so that no step got it")
      }
      guard let event = JSONLiteral(parsing: first.payload) else {
        throw .init("has a payload that is no JSON, as events of `\(pipeline.id)` are")
      }
      given = "json " + PumpText.literal(event)
    }
  }

  func text(number: Int) -> String {
    let first = letters[0]
    var lines = ["// Line \(first.line)\(first.place.map { ": a failure at \(Shape.clean($0))" } ?? "")."]
    let title = "dead letter \(number): \(first.stage): \(first.message)"
    lines.append("test \(PumpText.string(title.count > 100 ? title.prefix(99) + "…" : title)) for \(pipeline.id) {")
    if let at = first.at { lines.append("  at \(at)") }
    let meta = pipeline.meta.compactMap { field in
      first.meta.first { $0.key == field.name && $0.value.text != "null" }.map { "\(field.name): \(PumpText.literal($0.value))" }
    }
    lines.append("  given \(given)\(meta.isEmpty ? "" : " with meta { \(meta.joined(separator: ", ")) }")")
    // Tests have no systems: sinks take everything, lookups find what the test says.
    let (outside, inside) = letters.reduce(into: ([Letter](), [Letter]())) { $1.isFromOutside ? $0.0.append($1) : $0.1.append($1) }
    for letter in outside { lines.append("  // `\(Shape.clean(letter.stage))` said: \(Shape.clean(letter.message))") }
    if inside.isEmpty {
      lines.append("  expect errors == []")
    } else {
      lines.append("  expect errors matches [")
      lines += inside.enumerated().map { "    \(expected($1))\($0 + 1 < inside.count ? "," : "")" }
      lines.append("  ]")
    }
    return lines.joined(separator: "\n") + "\n}\n"
  }

  private func expected(_ letter: Letter) -> String {
    var members = ["stage: \(PumpText.string(letter.stage))"]
    if let reason = letter.reason, FailureReason(rawValue: reason) != nil { members.append("reason: \(reason)") }
    if let index = letter.index { members.append("index: \(index)") }
    return "{ \((members + ["message: \(PumpText.string(letter.message))"]).joined(separator: ", ")) }"
  }
}

/// A failure as `encode json` wrote it.
private struct Letter {
  /// Why nothing can be made of it, behind "line 3 ".
  struct Problem: Error {
    let text: String
    init(_ text: String) { self.text = text }
  }
  let line: Int
  let message: String
  let reason: String?
  let stage: String
  let place: String?
  let payload: String
  let index: String?
  let meta: [JSONLiteral.Member]
  let at: String?

  init(_ text: String, line: Int) throws(Problem) {
    guard case .object(let members)? = JSONLiteral(parsing: text) else { throw Problem("is no JSON object, as a dead letter is") }
    func value(_ name: String) -> JSONLiteral? { members.last { $0.key == name }?.value }
    func string(_ name: String) -> String? { if case .string(let text)? = value(name) { text } else { nil } }
    func needed(_ name: String) throws(Problem) -> String {
      guard let text = string(name) else {
        throw Problem("is no dead letter: it has no text `\(name)`; `on error |> encode json` writes whole ones")
      }
      return text
    }
    self.line = line
    message = try needed("message")
    stage = try needed("stage")
    if value("payload_base64") != nil { throw Problem("has a payload that is not UTF-8, and the texts of a test are") }
    payload = try needed("payload")
    (reason, place) = (string("reason"), string("place"))
    at = string("at").flatMap { Calendar.timestamp(Arena().copy($0)) == nil ? nil : $0 }
    if case .number(let digits)? = value("index") { index = digits } else { index = nil }
    if case .object(let members)? = value("meta") { meta = members } else { meta = [] }
  }

  /// Of a record of a stream: the line that names its columns.
  var header: String? {
    if case .string(let text)? = meta.first(where: { $0.key == "header" })?.value { text } else { nil }
  }

  /// What a system refused or did not answer, which a test has none of.
  var isFromOutside: Bool { [FailureReason.refused, .lookup].map(\.rawValue).contains(reason) }

  func isOfEvent(_ other: Letter) -> Bool {
    payload == other.payload && JSONLiteral.object(meta).text == JSONLiteral.object(other.meta).text
  }
}
