#if Webhook
import PumpConnectorKit
import Synchronization

/// Answers that steps have made of requests, by the requests' origins, until these are acknowledged: no sender is told what is not
/// durable yet.
final class Answers: Sendable {
  private let answers = Mutex<[String: HttpReply]>([:])
  private let paths = Mutex<Set<String>>([])

  func put(_ answer: HttpReply, for origin: String) { answers.withLock { $0[origin] = answer } }
  func take(_ origin: String) -> HttpReply? { answers.withLock { $0.removeValue(forKey: origin) } }

  /// Notes that requests to a pipeline are answered by its steps.
  func expect(from pipeline: String) { _ = paths.withLock { $0.insert(pipeline) } }
  func areExpected(from pipeline: String) -> Bool { paths.withLock { $0.contains(pipeline) } }
}

/// `reply`: what the sender of the event is answered.
final class ReplySink: Sink {
  private let answers: Answers
  private let status: Int?
  private let type: Int?

  init(_ listener: Listener, _ context: EndpointContext) {
    answers = listener.answers
    (status, type) = (context.spec.argument("status"), context.spec.argument("content_type"))
    answers.expect(from: context.pipeline)
  }

  func write(_ buffer: SinkBuffer) throws(RunFailure) -> [Refusal] {
    var refusals: [Refusal] = []
    for row in 0..<buffer.count {
      let status = self.status.map { buffer.each[$0].get(Int64.self, row) } ?? 200
      let type = self.type.map { buffer.each[$0].get(Text.self, row).string } ?? "application/json"
      guard (200...599).contains(status) else {
        refusals.append(Refusal(row: row, message: "`status` of `reply` is 200 to 599, this is \(status)"))
        continue
      }
      guard !type.isEmpty, type.utf8.allSatisfy({ $0 >= 0x20 && $0 < 0x7F }) else {
        refusals.append(Refusal(row: row, message: "`content_type` of `reply` is `\(Shape.clean(type))`, which is no type of content"))
        continue
      }
      // Every event that comes here has one: the pipeline's sources are of this connector.
      answers.put(HttpReply(status: Int(status), body: Array(buffer.event(row).bytes), type: type), for: buffer.origin(row)!)
    }
    return refusals
  }
  func commit() throws(RunFailure) -> [Refusal] { [] }
  var takesEffectOnWrite: Bool { true }
  func close(completed: Bool) throws(RunFailure) {}
}
#endif
