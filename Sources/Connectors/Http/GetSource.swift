#if Http
import PumpHttpClient
import PumpConnectorKit

/// `get`: what a server gives for a path, again and again; an answer that is the one before is not an event.
final class GetSource: Source {
  private let service: Service
  private let client: HttpClient
  private let context: EndpointContext
  private let url: String
  private let headers: [String]
  private let every: Int64?
  private let limit: Int
  /// What the last answer said of its content.
  private var tag: String?
  private var modified: String?
  private var nextRequest: Int64 = 0
  private var hasEnded = false
  /// The last request failed, and the next has not been answered.
  private var hasFailed = false
  var isUndecided: Bool { hasFailed || client.activeCount > 0 }

  init(_ service: Service, _ context: EndpointContext) throws(RunFailure) {
    self.service = service
    self.context = context
    client = try service.client()
    let arguments = HttpGetSourceArguments(context.settings)
    url = service.address.url(written: arguments.path)
    if let accept = arguments.accept {
      headers = [try Service.line("Accept", accept, "accept", service.connection)]
    } else {
      headers = []
    }
    every = arguments.every?.micros
    limit = context.eventLimit
  }

  func next(_ batch: Batch) throws(RunFailure) -> Bool {
    if hasEnded { return false }
    var answer: HttpAnswer?
    if client.activeCount == 0 {
      let wait = nextRequest - monotonicMicros()
      if wait > 0 {
        guard context.stop.wait(micros: min(wait, 100_000)) else { return false }
        if monotonicMicros() < nextRequest { return true }
      }
      if service.connection.phase == .ready {
        client.start(request())
      } else {
        answer = try service.knock(client, request(), heedsStop: true)
      }
    }
    guard let answer = answer ?? client.wait(micros: 100_000) else { return !context.stop.isRequested }
    hasFailed = true
    if let failure = answer.failure {
      service.connection.lost(failure.message)
      throw failure
    }
    try take(answer, batch)
    hasFailed = false
    nextRequest = monotonicMicros() + (every ?? 0)
    hasEnded = every == nil
    return true
  }

  private func request() -> HttpRequest {
    var request = service.request("GET", url, headers)
    if let tag { request.headers.append("If-None-Match: \(tag)") }
    if let modified { request.headers.append("If-Modified-Since: \(modified)") }
    request.limit = limit
    return request
  }

  private func take(_ answer: HttpAnswer, _ batch: Batch) throws(RunFailure) {
    if answer.status == 304 || answer.status == 204 { return }
    guard (200..<300).contains(answer.status) else {
      nextRequest = monotonicMicros() + Service.pause(answer)
      throw service.failure("GET \(service.shown(url))", answer)
    }
    if let problem = answer.problem {
      throw service.connection.failure("GET \(service.shown(url)): \(problem); look at what stands before the server", transient: true)
    }
    let (newTag, newModified) = (answer.header("etag"), answer.header("last-modified"))
    // Some servers send it all again.
    let isSame = newTag != nil ? newTag == tag : newModified != nil && newModified == modified
    (tag, modified) = (newTag, newModified)
    if isSame { return }
    let arena = batch.context.arena
    let text = answer.text(arena)
    let type = answer.header("content-type") ?? ""
    let meta =
      "{\"status\":\(answer.status),\"url\":\(Value.text(answer.url).json(.string)),\"content_type\":\(Value.text(type).json(.string))}"
    batch.describe = { _ in meta }
    if answer.isCut {
      batch.refused.append(
        Failure(row: 0, step: -1, message: "the answer is longer than max_event (\(limit) bytes)", reason: .tooLarge, payload: (text, meta))
      )
      return
    }
    batch.append(text)
    for name in context.meta {
      let column = batch.metaColumn(name, name == "status" ? .int : .string)
      switch name {
      case "status": column.set(Int64(answer.status), 0)
      case "url": column.set(arena.copy(answer.url), 0)
      default: column.set(arena.copy(type), 0)
      }
    }
  }

  func close() { client.cancel() }
}
#endif
