#if canImport(CCurl)
internal import CCurl
import PumpConnectorKit

public struct HttpRequest {
  public var method: String
  /// The whole address, percent-encoded.
  public var url: String
  /// Lines without their ends, which no line may hold.
  public var headers: [String]
  /// Stays with the caller, unchanged until the answer has come.
  public var body: UnsafeBufferPointer<UInt8>?
  /// A longer answer is cut here.
  public var limit = 1 << 30
  /// A session with the server is all that is wanted.
  public var onlyConnects: Bool
  /// A probe is an attempt to connect, and has its time.
  public var isProbe: Bool
  /// The caller's mark.
  public var number = 0

  public init(
    method: String = "GET", url: String, headers: [String] = [], body: UnsafeBufferPointer<UInt8>? = nil, onlyConnects: Bool = false,
    isProbe: Bool = false
  ) {
    (self.method, self.url, self.headers, self.body) = (method, url, headers, body)
    (self.onlyConnects, self.isProbe) = (onlyConnects, isProbe)
  }
}

public struct HttpAnswer {
  public var number = 0
  /// Why there is no answer; then all else is nothing.
  public var failure: RunFailure?
  public var status = 0
  /// Where the answer came from, after redirections.
  public var url = ""
  public var headers: [(name: String, value: String)] = []
  public var body: [UInt8] = []
  /// The body was longer than the request's limit.
  public var isCut = false
  /// Why there is an answer and its body cannot be had: it is packed in another way than it says, or in one that was not asked for.
  public var problem: String?
  /// When the server wants to be asked again, in microseconds from now.
  public var retryAfter: Int64 = 0

  public func header(_ name: String) -> String? { headers.last { $0.name == name }?.value }

  /// The body, as readers of JSON need it.
  public func text(_ arena: Arena) -> Text { body.withUnsafeBufferPointer { arena.copy($0) } }
}

/// Sends requests through libcurl, several at once where they are started so; used by one thread at a time. Sessions with
/// servers are kept and used again, over HTTP/2 where a server speaks it.
public final class HttpClient {
  public let connection: Connection
  /// The setting that holds the address, for messages.
  let setting: String
  private let multi: UnsafeMutableRawPointer
  private var active: [Transfer] = []
  private var idle: [Transfer] = []
  fileprivate let requestTimeout: Int64

  private static let isReady = curl_global_init(Int(CURL_GLOBAL_DEFAULT)) == CURLE_OK
  private static let redirectLimit = 5

  /// `timeout` is for one request.
  public init(_ connection: Connection, setting: String, timeout: Duration) throws(RunFailure) {
    self.connection = connection
    self.setting = setting
    requestTimeout = max(1000, timeout.micros)
    guard HttpClient.isReady, let multi = curl_multi_init() else { throw connection.failure("libcurl cannot start", transient: true) }
    self.multi = multi
  }

  deinit {
    cancel()
    idle.removeAll()
    curl_multi_cleanup(multi)
  }

  /// Requests that are under way.
  public var activeCount: Int { active.count }

  /// Begins a request.
  public func start(_ request: HttpRequest) { start(idle.popLast() ?? Transfer(self), request) }

  private func start(_ transfer: Transfer, _ request: HttpRequest) {
    transfer.prepare(request, self)
    active.append(transfer)
    curl_multi_add_handle(multi, transfer.handle)
    drive()
  }

  /// The next answer to come, or nil if none came in this time.
  public func wait(micros: Int64) -> HttpAnswer? {
    let deadline = monotonicMicros() + micros
    while true {
      drive()
      if let answer = finished() { return answer }
      let left = deadline - monotonicMicros()
      guard left > 0, !active.isEmpty else { return nil }
      curl_multi_poll(multi, nil, 0, Int32(clamping: left / 1000 + 1), nil)
    }
  }

  /// Sends one request and waits for its answer, at most for the request's timeout; who heeds the stop signal waits no longer
  /// than till then.
  public func send(_ request: HttpRequest, heedsStop: Bool = false) -> HttpAnswer {
    start(request)
    while true {
      if let answer = wait(micros: 100_000) { return answer }
      if heedsStop, connection.stop.isRequested {
        cancel()
        return HttpAnswer(failure: connection.failure("no answer came before the stop", transient: true))
      }
    }
  }

  /// Gives up what is under way.
  public func cancel() {
    for transfer in active { curl_multi_remove_handle(multi, transfer.handle) }
    active.removeAll()
  }

  private func drive() {
    var running: Int32 = 0
    curl_multi_perform(multi, &running)
  }

  private func finished() -> HttpAnswer? {
    var left: Int32 = 0
    while let message = curl_multi_info_read(multi, &left)?.pointee {
      guard message.msg == CURLMSG_DONE, let index = active.firstIndex(where: { $0.handle == message.easy_handle }) else { continue }
      let transfer = active.remove(at: index)
      curl_multi_remove_handle(multi, transfer.handle)
      if let next = transfer.redirection(message.data.result), transfer.redirections < HttpClient.redirectLimit {
        transfer.redirections += 1
        start(transfer, next)
        continue
      }
      let answer = transfer.answer(message.data.result, self)
      idle.append(transfer)
      return answer
    }
    return nil
  }
}

/// One request under way, with what has come of its answer.
private final class Transfer {
  let handle: UnsafeMutableRawPointer
  private var request = HttpRequest(url: "")
  private var lines: UnsafeMutablePointer<curl_slist>?
  private var connectTo: UnsafeMutablePointer<curl_slist>?
  private let serverName: String?
  private let problem = UnsafeMutablePointer<CChar>.allocate(capacity: Int(CURL_ERROR_SIZE))
  private var headers: [(name: String, value: String)] = []
  private var body: [UInt8] = []
  private var isCut = false
  var redirections = 0

  init(_ client: HttpClient) {
    // Only without memory there is none.
    handle = curl_easy_init()!
    let settings = client.connection.common
    serverName = settings.tls.serverName
    for (option, value) in [
      (CURLOPT_NOSIGNAL, 1), (CURLOPT_CONNECTTIMEOUT_MS, Int(client.connection.connectTimeout / 1000)),
      (CURLOPT_TCP_KEEPALIVE, 1), (CURLOPT_PATH_AS_IS, 1), (CURLOPT_PIPEWAIT, 1),
      (CURLOPT_UPLOAD_BUFFERSIZE, 512 << 10), (CURLOPT_BUFFERSIZE, 128 << 10),
      (CURLOPT_MAXAGE_CONN, Int(settings.pool.idleTimeout.micros / 1_000_000)),
    ] { pump_curl_number(handle, option, value) }
    if !settings.tls.verify {
      pump_curl_number(handle, CURLOPT_SSL_VERIFYPEER, 0)
      pump_curl_number(handle, CURLOPT_SSL_VERIFYHOST, 0)
    }
    let tls = settings.tls
    for (file, option) in [(tls.ca, CURLOPT_CAINFO), (tls.certificate, CURLOPT_SSLCERT), (tls.key, CURLOPT_SSLKEY)] {
      if let file { pump_curl_text(handle, option, file) }
    }
    pump_curl_text(handle, CURLOPT_USERAGENT, "pump")
    // Bodies are unpacked here: libcurl takes several members of gzip for a broken connection.
    pump_curl_text(handle, CURLOPT_ACCEPT_ENCODING, nil)
    pump_curl_pointer(handle, CURLOPT_ERRORBUFFER, problem)
    // libcurl calls back while the client drives it, and the client keeps a transfer as long as its handle is driven.
    let this = Unmanaged.passUnretained(self).toOpaque()
    pump_curl_pointer(handle, CURLOPT_WRITEDATA, this)
    pump_curl_pointer(handle, CURLOPT_HEADERDATA, this)
    pump_curl_function(handle, CURLOPT_WRITEFUNCTION) { bytes, size, count, this in
      Unmanaged<Transfer>.fromOpaque(this!).takeUnretainedValue().take(UnsafeRawBufferPointer(start: bytes, count: size * count))
    }
    pump_curl_function(handle, CURLOPT_HEADERFUNCTION) { bytes, size, count, this in
      Unmanaged<Transfer>.fromOpaque(this!).takeUnretainedValue().take(header: UnsafeRawBufferPointer(start: bytes, count: size * count))
      return size * count
    }
  }

  deinit {
    curl_easy_cleanup(handle)
    curl_slist_free_all(lines)
    curl_slist_free_all(connectTo)
    problem.deallocate()
  }

  func prepare(_ request: HttpRequest, _ client: HttpClient) {
    self.request = request
    let timeout = request.isProbe ? client.connection.connectTimeout : client.requestTimeout
    pump_curl_number(handle, CURLOPT_TIMEOUT_MS, Int(timeout / 1000))
    headers.removeAll(keepingCapacity: true)
    body = []
    isCut = false
    problem[0] = 0
    curl_slist_free_all(lines)
    lines = nil
    for line in request.headers { lines = curl_slist_append(lines, line) }
    if !request.headers.contains(where: { $0.lowercased().hasPrefix("accept-encoding:") }) {
      lines = curl_slist_append(lines, "Accept-Encoding: gzip")
    }
    pump_curl_pointer(handle, CURLOPT_HTTPHEADER, lines)
    pump_curl_text(handle, CURLOPT_URL, address(request.url))
    pump_curl_number(handle, CURLOPT_CONNECT_ONLY, request.onlyConnects ? 1 : 0)
    if let body = request.body {
      // Without a pointer libcurl would read standard input.
      pump_curl_pointer(handle, CURLOPT_POSTFIELDS, body.baseAddress.map { UnsafeRawPointer($0) } ?? UnsafeRawPointer(problem))
      pump_curl_size(handle, CURLOPT_POSTFIELDSIZE_LARGE, body.count)
      pump_curl_text(handle, CURLOPT_CUSTOMREQUEST, request.method)
    } else {
      let isHead = request.method == "HEAD"
      pump_curl_number(handle, isHead ? CURLOPT_NOBODY : CURLOPT_HTTPGET, 1)
      pump_curl_text(handle, CURLOPT_CUSTOMREQUEST, isHead || request.method == "GET" ? nil : request.method)
    }
  }

  /// The certificate is checked against the host of the URL; where it has another name, the true host is given apart.
  private func address(_ url: String) -> String {
    guard let serverName, url.hasPrefix("https://"), let address = HttpAddress(url) else { return url }
    curl_slist_free_all(connectTo)
    connectTo = curl_slist_append(nil, "\(serverName):\(address.port):\(address.authority)")
    pump_curl_pointer(handle, CURLOPT_CONNECT_TO, connectTo)
    return "https://\(serverName):\(address.port)\(url.dropFirst(8).drop { $0 != "/" && $0 != "?" })"
  }

  private func take(_ bytes: UnsafeRawBufferPointer) -> Int {
    let room = request.limit - body.count
    body.append(contentsOf: bytes.prefix(room))
    isCut = bytes.count > room
    // Taking less than was given ends the transfer.
    return isCut ? 0 : bytes.count
  }

  private func take(header bytes: UnsafeRawBufferPointer) {
    // A status line begins the headers of the next answer; what came before was a preliminary one.
    if bytes.starts(with: "HTTP/".utf8) { return headers.removeAll(keepingCapacity: true) }
    guard headers.count < 100, let colon = bytes.firstIndex(of: UInt8(ascii: ":")) else { return }
    func text(_ bytes: some BidirectionalCollection<UInt8>) -> String {
      String(decoding: bytes.drop { $0 <= 0x20 }.reversed().drop { $0 <= 0x20 }.reversed(), as: UTF8.self)
    }
    headers.append((text(bytes[..<colon]).lowercased(), text(bytes[(colon + 1)...])))
  }

  /// The request that follows a redirection within the server; credentials go nowhere else.
  func redirection(_ code: CURLcode) -> HttpRequest? {
    let status = pump_curl_get_number(handle, CURLINFO_RESPONSE_CODE)
    let keepsMethod = status == 307 || status == 308
    guard code == CURLE_OK, keepsMethod || (request.method == "GET" && (301...303).contains(status)),
      let target = pump_curl_get_text(handle, CURLINFO_REDIRECT_URL).map({ String(cString: $0) }), serverName == nil,
      let (from, to) = HttpAddress(request.url).flatMap({ from in HttpAddress(target).map { (from, $0) } }), from.origin == to.origin
    else { return nil }
    var next = request
    next.url = target
    return next
  }

  func answer(_ code: CURLcode, _ client: HttpClient) -> HttpAnswer {
    defer {
      redirections = 0
      body = []
    }
    guard code == CURLE_OK || isCut else {
      return HttpAnswer(number: request.number, failure: client.failure(code, handle, String(cString: problem), request))
    }
    var answer = HttpAnswer(
      number: request.number, status: pump_curl_get_number(handle, CURLINFO_RESPONSE_CODE), url: request.url, headers: headers, body: body,
      isCut: isCut, retryAfter: Int64(clamping: max(0, min(pump_curl_get_size(handle, CURLINFO_RETRY_AFTER), 3600))) * 1_000_000)
    answer.unpack(limit: request.limit)
    return answer
  }
}

extension HttpAnswer {
  /// Unpacks a body that is packed as its headers say.
  fileprivate mutating func unpack(limit: Int) {
    guard let coding = header("content-encoding")?.lowercased(), coding != "identity", !body.isEmpty else { return }
    guard coding == "gzip" || coding == "x-gzip" else {
      problem = "the body is packed as `\(coding)`, which was not asked for"
      return body = []
    }
    // What was cut has no end to unpack to, and is too long in any case.
    guard !isCut else { return body = [] }
    do throws(Gzip.Problem) { body = try Gzip.unpack(body, limit: limit) } catch {
      if error == .tooLong { isCut = true } else { problem = "the body could not be unpacked (gzip)" }
      body = []
    }
  }
}
#endif
