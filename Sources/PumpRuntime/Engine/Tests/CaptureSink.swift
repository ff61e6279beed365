/// Keeps what a sink would have got: JSON of records, or the bytes. A test and all that it makes run on one thread, though a
/// processor's factory may be called from any.
final class CaptureSink: Sink, @unchecked Sendable {
  private var events: [String] = []

  func add(_ records: Column, _ row: Int, _ options: JSONOptions = JSONOptions()) {
    var out = ByteBuffer(capacity: 256)
    out.json(records, row, options)
    events.append(out.string)
    out.release()
  }

  func add(_ event: String) { events.append(event) }

  func write(_ buffer: SinkBuffer) throws(RunFailure) -> [Refusal] {
    for row in 0..<buffer.count { if let records = buffer.records { add(records, row) } else { events.append(buffer.event(row).string) } }
    return []
  }
  func commit() throws(RunFailure) -> [Refusal] { [] }
  func close(completed: Bool) throws(RunFailure) {}

  /// The failures that were captured, for a test that fails for another reason.
  var failures: String? {
    guard !events.isEmpty else { return nil }
    let reasons = events.prefix(5).compactMap { event -> String? in
      guard let failure = TestValue(event), case .string(let stage)? = failure.member(["stage"]),
        case .string(let message)? = failure.member(["message"])
      else { return nil }
      return "\n    \(Shape.clean(stage)): \(Shape.clean(message))"
    }
    return "\(events.count) event\(events.count == 1 ? "" : "s") failed:\(reasons.joined())\(events.count > 5 ? "\n    …" : "")"
  }

  /// Nil if it is as expected.
  func compare(_ expectation: TestSpec.Expectation, _ ink: Ink) -> String? {
    let got =
      events.isEmpty
      ? "nothing came"
      : "came: \(Shape.clean(events.prefix(5).joined(separator: " ")))\(events.count > 5 ? " and \(events.count - 5) more" : "")"
    switch expectation {
    case .count(let count): return events.count == count ? nil : "expected \(count), \(got)"
    case .equals(let text), .matches(let text):
      guard case .array(let wanted)? = TestValue(text) else { return "the expectation is no list" }
      guard wanted.count == events.count else { return "expected \(wanted.count), \(got)" }
      let exact = if case .equals = expectation { true } else { false }
      for (index, (event, pattern)) in zip(events, wanted).enumerated() {
        if case .string(let text) = pattern, text == event { continue }
        let value = TestValue(event) ?? .string(event)
        guard let difference = value.difference(pattern, exact: exact) else { continue }
        let place = difference.path.isEmpty ? "" : " at \(Shape.clean(difference.path))"
        return """
          event \(index + 1) differs\(place)
                expected \(ink.good(Shape.clean(difference.expected.text)))
                came     \(ink.bad(Shape.clean(difference.came.text)))
              came: \(Shape.clean(event))
          """
      }
      return nil
    }
  }
}
