#if Webhook
internal import CWebhook
import Glibc
import PumpRuntime
import Synchronization

/// The server of one connection. A thread of its own drives libmicrohttpd, and all that changes here belongs to that thread; others
/// ask for the end, and answer requests.
final class Listener: @unchecked Sendable {
  let connection: Connection
  private let credentials: Credentials
  private let maxWaiting: Int
  private let timeout: Int64
  private var inboxes: [String: Inbox] = [:]
  private var daemon: OpaquePointer?
  private var thread: WorkerThread?
  /// Rung where there is an answer: libmicrohttpd has nothing to wake a thread that is not its own.
  private let bell = Bell()
  private let isEnding = Atomic<Bool>(false)
  /// All that have begun and are not over.
  private var requests: [ObjectIdentifier: Request] = [:]
  private var waiting = 0
  /// Bytes of their bodies.
  private var held = 0
  /// What libmicrohttpd said last.
  private let said = UnsafeMutablePointer<CChar>.allocate(capacity: Int(PUMP_MHD_SAID))

  private static let heldLimit = 64 << 20
  /// Connections beside those that wait: idle ones, and those that are to be told that there are too many.
  private static let spare = 100
  /// How long the end waits for senders to take their answers, in microseconds.
  private static let farewell: Int64 = 2_000_000

  init(_ connection: Connection) throws(RunFailure) {
    self.connection = connection
    credentials = try Credentials(connection)
    maxWaiting = Int(min(max(1, connection.settings.int("max_waiting") ?? 500), 1 << 20))
    timeout = max(1_000_000, connection.settings.int("request_timeout") ?? 30_000_000)
    said.pointee = 0
  }

  deinit { said.deallocate() }

  /// What comes for a path; only before the start.
  func inbox(_ path: String, limit: Int) throws(RunFailure) -> Inbox {
    guard path.hasPrefix("/"), !path.contains("?"), !path.contains("#") else {
      throw connection.failure("`\(path)` is no path of requests; write it as in `/orders`")
    }
    guard inboxes[path] == nil else {
      throw connection.failure("two sources take what comes for `\(path)`; give each a path of its own")
    }
    let inbox = Inbox(path, limit: limit)
    inboxes[path] = inbox
    return inbox
  }

  // MARK: Its life

  func start() throws(RunFailure) {
    try connection.attempt { () throws(RunFailure) in
      let tls = try certificate()
      let (socket, address) = try Address(connection).listen()
      daemon = pump_mhd_start(
        socket, UInt32(clamping: maxWaiting + Self.spare), UInt32(clamping: timeout / 1_000_000), tls?.key, tls?.certificate,
        { context, connection, url, method, _, data, size, known in
          Listener.of(context).take(connection!, url!, method!, data, size!, known!)
        },
        { context, _, known, _ in Listener.of(context).forget(known!.pointee) },
        Unmanaged.passUnretained(self).toOpaque(), said)
      guard daemon != nil else {
        close(socket)
        let reason = String(String(cString: said).prefix { $0 != "\n" })
        throw connection.failure(
          tls == nil
            ? "cannot serve on \(address): \(reason)"
            : "cannot serve HTTPS: \(reason); check that `tls.certificate` and `tls.key` are PEM files and belong together")
      }
      connection.logger.info("listening on \(tls == nil ? "http" : "https")://\(address)", connection: connection.id)
    }
    thread = WorkerThread { [self] in serve() }
  }

  private static func of(_ context: UnsafeMutableRawPointer?) -> Listener {
    Unmanaged<Listener>.fromOpaque(context!).takeUnretainedValue()
  }

  private func certificate() throws(RunFailure) -> (key: [CChar], certificate: [CChar])? {
    let settings = connection.settings
    guard settings.text("tls.ca") == nil else {
      throw connection.failure("senders' certificates are not checked; leave `tls.ca` out, and set `token` or `signature_secret`")
    }
    switch (settings.text("tls.key"), settings.text("tls.certificate")) {
    case (nil, nil): return nil
    case (let key?, let certificate?): return (try read(key, "tls.key"), try read(certificate, "tls.certificate"))
    default: throw connection.failure("HTTPS needs both `tls.certificate` and `tls.key`")
    }
  }

  private func read(_ path: String, _ setting: String) throws(RunFailure) -> [CChar] {
    do throws(FileProblem) { return try readWholeFile(path, limit: 1 << 20).map { CChar(bitPattern: $0) } + [0] } catch {
      throw connection.failure("\(error.message); check `\(setting)`")
    }
  }

  private func serve() {
    var nextLook: Int64 = 0
    while !isEnding.load(ordering: .acquiring) {
      work()
      let now = currentMicros()
      if now < nextLook { continue }
      nextLook = now + 100_000
      for request in requests.values where request.deadline < now { request.answer(.late) }
    }
    close(MHD_quiesce_daemon(daemon))
    let end = currentMicros() + Self.farewell
    while !requests.isEmpty, currentMicros() < end {
      for request in requests.values { request.answer(.ending) }
      work()
    }
    MHD_stop_daemon(daemon)
  }

  /// Waits 100 ms at most for senders and for answers, and does what is due.
  private func work() {
    var limit: UInt64 = 100
    MHD_get_timeout(daemon, &limit)
    var descriptors = [bell.descriptor, pump_mhd_descriptor(daemon)].map { pollfd(fd: $0, events: Int16(POLLIN), revents: 0) }
    poll(&descriptors, 2, Int32(min(limit, 100)))
    bell.clear()
    MHD_run(daemon)
  }

  /// Answers all that wait and ends; the pipelines are over.
  func end() {
    isEnding.store(true, ordering: .releasing)
    bell.ring()
    thread?.join()
  }

  // MARK: Requests

  /// Called with the head, with each piece of the body, at its end, and when the connection goes on after a wait.
  private func take(
    _ connection: OpaquePointer, _ url: UnsafePointer<CChar>, _ method: UnsafePointer<CChar>, _ data: UnsafePointer<CChar>?,
    _ size: UnsafeMutablePointer<Int>, _ known: UnsafeMutablePointer<UnsafeMutableRawPointer?>
  ) -> MHD_Result {
    guard let pointer = known.pointee else {
      let request = Request(connection, String(cString: method), String(cString: url), deadline: currentMicros() + timeout, bell)
      requests[ObjectIdentifier(request)] = request
      known.pointee = Unmanaged.passUnretained(request).toOpaque()
      request.refusal = admit(request)
      // Who asks first need not send the body.
      if let refusal = request.refusal, request.header("Expect") != nil { return send(refusal, request) }
      return .YES
    }
    let request = Unmanaged<Request>.fromOpaque(pointer).takeUnretainedValue()
    if size.pointee > 0 {
      add(UnsafeRawBufferPointer(start: data, count: size.pointee), to: request)
      size.pointee = 0
      // One that trickles in for ever is cut off.
      return currentMicros() < request.deadline ? .YES : .NO
    }
    if let answer = request.answer ?? request.refusal ?? credentials.refuseBody(request) ?? refuseMore() { return send(answer, request) }
    waiting += 1
    request.deadline = currentMicros() + timeout
    request.readHead()
    request.suspend()
    request.inbox!.put(request)
    return .YES
  }

  private func admit(_ request: Request) -> Answer? {
    if let refusal = credentials.refuseHead(request) { return refusal }
    guard let inbox = inboxes[request.path] else { return .noPath }
    guard request.method == "POST" || request.method == "PUT" else { return .badMethod }
    if let length = request.header("Content-Length").flatMap({ Int($0) }), length > inbox.limit { return .tooLong(inbox.limit) }
    request.inbox = inbox
    return refuseMore()
  }

  private func refuseMore() -> Answer? {
    if isEnding.load(ordering: .relaxed) || connection.stop.isRequested { return .ending }
    return waiting >= maxWaiting ? .tooMany : nil
  }

  private func add(_ piece: UnsafeRawBufferPointer, to request: Request) {
    guard request.refusal == nil, let limit = request.inbox?.limit else { return }
    if request.size + piece.count > limit {
      request.refusal = .tooLong(limit)
    } else if held + piece.count > max(Self.heldLimit, limit) {
      request.refusal = .tooMany
    }
    guard request.refusal == nil else {
      request.body = []
      return
    }
    request.body += piece
    request.size += piece.count
    held += piece.count
  }

  private func send(_ answer: Answer, _ request: Request) -> MHD_Result {
    var text = answer.text
    let response = text.withUTF8 {
      MHD_create_response_from_buffer($0.count, UnsafeMutableRawPointer(mutating: $0.baseAddress), .RESPMEM_MUST_COPY)
    }
    defer { MHD_destroy_response(response) }
    if let header = answer.header { MHD_add_response_header(response, header.name, header.value) }
    if connection.stop.isRequested { MHD_add_response_header(response, "Connection", "close") }
    return MHD_queue_response(request.connection, answer.status, response)
  }

  /// It is answered, or its sender is gone.
  private func forget(_ pointer: UnsafeMutableRawPointer?) {
    guard let pointer else { return }
    let request = Unmanaged<Request>.fromOpaque(pointer).takeUnretainedValue()
    requests[ObjectIdentifier(request)] = nil
    held -= request.size
    if request.answer != nil { waiting -= 1 }
  }
}
#endif
