#if Http
import PumpHttpClient
import PumpConnectorKit

/// `request`: one request for each event, several at once. What the server was too busy for stays and is sent again.
final class RequestSink: Sink {
  private enum Outcome { case open, done, refused(String) }
  private let service: Service
  private let client: HttpClient
  private let method: String
  private let headers: [String]
  private let path: Int
  /// Bodies since the last commit one after the other, where each ends, and its address.
  private var bodies = ByteBuffer(capacity: 64 << 10)
  private var ends: [Int] = []
  private var urls: [String] = []
  private var outcomes: [Outcome] = []
  /// The server wants to be left alone till then.
  private var notBefore: Int64 = 0

  init(_ service: Service, _ context: EndpointContext) throws(RunFailure) {
    self.service = service
    client = try service.client()
    let arguments = HttpRequestSinkArguments(context.settings)
    method = arguments.method.rawValue
    headers = [try Service.line("Content-Type", arguments.contentType, "content_type", service.connection)]
    path = context.spec.argument("path")!
  }

  deinit { bodies.release() }

  var refusesLate: Bool { true }
  var pending: Int { bodies.count }

  func write(_ buffer: SinkBuffer) throws(RunFailure) -> [Refusal] {
    var refusals: [Refusal] = []
    for row in 0..<buffer.count {
      guard let url = service.address.url(template: buffer.each[path].get(Text.self, row).string) else {
        refusals.append(Refusal(row: row, message: "the path has a segment `.` or `..`, which would lead elsewhere"))
        continue
      }
      bodies.raw(buffer.event(row))
      ends.append(bodies.count)
      urls.append(url)
      outcomes.append(.open)
    }
    return refusals
  }

  func commit() throws(RunFailure) -> [Refusal] {
    guard !ends.isEmpty else { return [] }
    while monotonicMicros() < notBefore, service.connection.stop.wait(micros: min(100_000, notBefore - monotonicMicros())) {}
    let open = outcomes.indices.filter { if case .open = outcomes[$0] { true } else { false } }
    try service.send(client, open, request, settle)
    var refusals: [Refusal] = []
    for (event, outcome) in outcomes.enumerated() {
      if case .refused(let reason) = outcome { refusals.append(Refusal(row: event, message: reason)) }
    }
    bodies.count = 0
    ends.removeAll(keepingCapacity: true)
    urls.removeAll(keepingCapacity: true)
    outcomes.removeAll(keepingCapacity: true)
    return refusals
  }

  private func request(_ event: Int) -> HttpRequest {
    var request = service.request(method, urls[event], headers)
    let start = event == 0 ? 0 : ends[event - 1]
    request.body = UnsafeBufferPointer(start: UnsafePointer(bodies.base + start), count: ends[event] - start)
    // Only the beginning of an answer is ever told.
    request.limit = 64 << 10
    return request
  }

  /// Takes down how an event went, or says why the others cannot go on.
  private func settle(_ answer: HttpAnswer) -> RunFailure? {
    switch answer.status {
    case 200..<300:
      outcomes[answer.number] = .done
      return nil
    case 401, 407: return service.failure(method, answer)
    case _ where Service.isBusy(answer.status):
      notBefore = max(notBefore, monotonicMicros() + Service.pause(answer))
      return service.failure(method, answer)
    default:
      outcomes[answer.number] = .refused(service.failure("\(method) \(service.shown(urls[answer.number]))", answer).message)
      return nil
    }
  }

  func close(completed: Bool) throws(RunFailure) { client.cancel() }
}
#endif
