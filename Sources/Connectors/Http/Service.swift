#if Http
import PumpHttpClient
import PumpConnectorKit
import Synchronization

/// The server of one connection: what all requests to it have in common, and how many may be under way.
final class Service: Sendable {
  let connection: Connection
  private let settings: HttpSettings
  let address: HttpAddress
  private let headers: [String]
  /// What may not stand in a message, wherever it comes from.
  private let secrets: [String]
  private let limit: Int
  private struct Requests {
    var active = 0
    var begun = 0
    /// Who waits until fewer are under way, and for how long that was so, in microseconds.
    var waiting = 0
    var waited: Int64 = 0
  }
  private let requests = Mutex(Requests())

  /// The longest pause that a server may ask for, in microseconds.
  private static let pauseLimit: Int64 = 60_000_000

  init(_ connection: Connection) throws(RunFailure) {
    self.connection = connection
    settings = HttpSettings(connection.settings)
    address = try HttpAddress.parse(settings.baseUrl, "base_url", connection)
    limit = Int(clamping: connection.common.pool.max)
    var (headers, secrets) = try Service.authorization(connection, settings)
    for (name, value) in settings.headers.sorted(by: { $0.key < $1.key }) {
      headers.append(try Service.line(name, value, "headers", connection))
      // It may be a key; shorter ones would tear holes into any text.
      if value.utf8.count >= 8 { secrets.append(value) }
    }
    self.headers = headers
    self.secrets = secrets
    connection.observe { [weak self] in
      let requests = self?.requests.withLock { $0 } ?? Requests()
      return .init(inUse: requests.active, idle: 0, waiting: requests.waiting, acquired: requests.begun, waited: requests.waited)
    }
  }

  private static func authorization(
    _ connection: Connection, _ settings: HttpSettings
  ) throws(RunFailure) -> (lines: [String], secrets: [String]) {
    if let token = settings.token {
      guard settings.user == nil else { throw connection.failure("set either `token`, or `user` and `password`") }
      return ([try line("Authorization", "Bearer \(token)", "token", connection)], [token])
    }
    guard let user = settings.user else { return ([], []) }
    let password = settings.password ?? ""
    var out = ByteBuffer(capacity: 128)
    defer { out.release() }
    let arena = Arena()
    out.base64(arena.copy("\(user):\(password)"))
    return (["Authorization: Basic \(out.string)"], [out.string, password])
  }

  /// One line of a request's head. Data that could end it would begin another.
  static func line(_ name: String, _ value: String, _ setting: String, _ connection: Connection) throws(RunFailure) -> String {
    let isName = !name.isEmpty && name.utf8.allSatisfy { $0 > 0x20 && $0 < 0x7F && !"()<>@,;:\\\"/[]?={}".utf8.contains($0) }
    guard isName else { throw connection.failure("`\(setting)` has `\(name)`, which is no name of a header") }
    guard value.utf8.allSatisfy({ ($0 >= 0x20 && $0 != 0x7F) || $0 == 0x09 }) else {
      throw connection.failure("`\(setting)`: the value of `\(name)` holds a control character")
    }
    // libcurl takes a line without a value for a wish to leave the header out.
    return value.isEmpty ? "\(name);" : "\(name): \(value)"
  }

  func request(_ method: String, _ url: String, _ more: [String] = []) -> HttpRequest {
    HttpRequest(method: method, url: url, headers: headers + more)
  }

  // MARK: Sending

  func client() throws(RunFailure) -> HttpClient { try HttpClient(connection, setting: "base_url", timeout: settings.requestTimeout) }

  /// A session and no request: what is asked for may have effects.
  func probe() throws(RunFailure) {
    _ = try knock(client(), HttpRequest(url: address.origin, onlyConnects: true, isProbe: true))
  }

  /// Sends one request to a server that is not known to be up: any answer says that it is.
  func knock(_ client: HttpClient, _ request: HttpRequest, heedsStop: Bool = false) throws(RunFailure) -> HttpAnswer {
    try connection.attempt { () throws(RunFailure) in
      let answer = client.send(request, heedsStop: heedsStop)
      if let failure = answer.failure { throw failure }
      return answer
    }
  }

  /// Sends the requests of these numbers, several at once; `settle` takes each answer and says what stands in the way of going
  /// on. Then no more are begun, those under way are waited for, and the first such reason is thrown.
  func send(
    _ client: HttpClient, _ numbers: [Int], _ request: (Int) -> HttpRequest, _ settle: (HttpAnswer) -> RunFailure?
  ) throws(RunFailure) {
    var waiting = numbers[...]
    var trouble: RunFailure?
    if connection.phase != .ready, let first = waiting.popFirst() { trouble = settle(try knock(client, numbered(request(first), first))) }
    while true {
      while trouble == nil, let next = waiting.first, begin() {
        waiting.removeFirst()
        client.start(numbered(request(next), next))
      }
      if client.activeCount == 0 {
        guard trouble == nil, !waiting.isEmpty else { break }
        // Others of this connection use all that it may.
        let begin = monotonicMicros()
        requests.withLock { $0.waiting += 1 }
        _ = connection.stop.wait(micros: 5000)
        requests.withLock {
          $0.waiting -= 1
          $0.waited += monotonicMicros() - begin
        }
      } else if let answer = client.wait(micros: 100_000) {
        requests.withLock { $0.active -= 1 }
        if let failure = answer.failure { connection.lost(failure.message) }
        let found = answer.failure ?? settle(answer)
        trouble = trouble ?? found
      }
    }
    if let trouble { throw trouble }
  }

  private func numbered(_ request: HttpRequest, _ number: Int) -> HttpRequest {
    var request = request
    request.number = number
    return request
  }

  private func begin() -> Bool {
    requests.withLock { requests in
      guard requests.active < limit else { return false }
      requests.active += 1
      requests.begun += 1
      return true
    }
  }

  // MARK: Answers

  /// The server may be able to do it later.
  static func isBusy(_ status: Int) -> Bool { [408, 425, 429].contains(status) || status >= 500 }

  /// How long it wants to be left alone.
  static func pause(_ answer: HttpAnswer) -> Int64 { min(answer.retryAfter, pauseLimit) }

  /// Why an answer is no good, what would help, and whether trying again can.
  func failure(_ what: String, _ answer: HttpAnswer) -> RunFailure {
    let said = excerpt(answer)
    switch answer.status {
    case 300..<400:
      let location = answer.header("location") ?? "nowhere"
      let target = HttpAddress(location)?.origin ?? String(location.prefix(200).prefix { $0 != "?" })
      return connection.failure("\(what) is redirected to \(target), which is not followed; use that in `base_url` if it is right")
    case 401: return connection.failure("\(what): the server refuses the credentials (401)\(said); check `user` and `password`, or `token`")
    case 407: return connection.failure("\(what): the proxy wants credentials (407); check `https_proxy`")
    case 413: return connection.failure("\(what): the event is too large for the server (413)\(said)")
    default: return connection.failure("\(what) was answered \(answer.status)\(said)", transient: Service.isBusy(answer.status))
    }
  }

  /// An address as messages show it: without what the settings hold secret, and without values whose names say that they are.
  func shown(_ url: String) -> String {
    guard let question = url.firstIndex(of: "?") else { return hidden(url) }
    let pairs = url[url.index(after: question)...].split(separator: "&", omittingEmptySubsequences: false).map { pair in
      let name = pair.prefix { $0 != "=" }
      let words = name.lowercased()
      let isSecret = ["key", "token", "secret", "pass", "sig", "auth", "code"].contains { words.contains($0) }
      return isSecret && name.count < pair.count ? "\(name)=***" : String(pair)
    }
    return hidden("\(url[...question])\(pairs.joined(separator: "&"))")
  }

  private func hidden(_ text: String) -> String {
    secrets.reduce(text) { $1.isEmpty ? $0 : $0.replacing($1, with: "***") }
  }

  /// The beginning of what the server said, without what it may repeat of the request.
  func excerpt(_ answer: HttpAnswer) -> String {
    let words = String(decoding: answer.body.prefix(2000), as: UTF8.self).split(whereSeparator: \.isWhitespace)
    let text = hidden(words.joined(separator: " "))
    return text.isEmpty ? "" : ": " + Shape.clean(text.count > 200 ? text.prefix(200) + "…" : text)
  }
}
#endif
