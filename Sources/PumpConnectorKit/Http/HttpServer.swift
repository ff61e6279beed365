import Glibc
import Synchronization

/// A server of HTTP/1.1 on one thread of its own. Each phase of a connection has its time; where there are too many connections the
/// oldest that has not sent its request gives way, of the address that has most of them.
/// All that is not behind a lock is its thread's; `thread` is for whoever starts and ends it.
public final class HttpServer: @unchecked Sendable {
  public struct Limits: Sendable {
    /// Most connections at once.
    public var connections = 256
    /// Longest head, in bytes.
    public var head = 16 << 10
    /// How long a head, a body and the writing of an answer may take, each, in microseconds.
    public var patience: Int64 = 30_000_000
    /// What a request is told whose answer takes longer than that; none waits for ever.
    public var late: HttpReply?
    public init() {}
  }

  private let listener: Int32
  private let limits: Limits
  private let service: any HttpService
  private let secure: ((Int32) -> (any Transport)?)?
  private let bell = Bell()
  private let answered = Mutex<[HttpExchange]>([])
  private let isEnding = Atomic<Bool>(false)
  private let farewell = Mutex<HttpReply?>(nil)
  private var thread: WorkerThread?
  private var peers: [Int: HttpPeer] = [:]
  /// Those with bytes that were not read, so as to let others go first.
  private var unread: Set<Int> = []
  private var lastNumber = 1
  private var buffer = [UInt8](repeating: 0, count: 64 << 10)

  /// Reads of one connection before others have their turn.
  private static let readsAtOnce = 16
  private static let lingering: (time: Int64, bytes: Int) = (2_000_000, 4 << 20)

  /// Serves on a socket that listens and does not block, and closes it at the end. `secure` makes the transport of a connection, where
  /// it is not plain.
  public init(
    _ listener: Int32, _ limits: Limits, _ service: any HttpService, secure: ((Int32) -> (any Transport)?)? = nil
  ) {
    (self.listener, self.limits, self.service, self.secure) = (listener, limits, service, secure)
  }

  public func start() {
    thread = WorkerThread { [self] in run() }
  }

  /// Takes no more connections, answers all that wait, and ends once they have their answers, or after 2 s.
  public func end(_ reply: HttpReply? = nil) {
    farewell.withLock { $0 = reply }
    isEnding.store(true, ordering: .releasing)
    bell.ring()
    thread?.join()
    thread = nil
  }

  // MARK: The thread

  /// No descriptor was left, and nobody could be sent away: till then none are accepted.
  private var acceptAgain: Int64 = 0

  private func run() {
    var nextLook: Int64 = 0
    while !isEnding.load(ordering: .acquiring) {
      turn()
      let now = monotonicMicros()
      guard now >= nextLook else { continue }
      nextLook = now + 100_000
      for peer in peers.values where peer.deadline <= now { late(peer) }
    }
    close(listener)
    let end = monotonicMicros() + Self.lingering.time
    let reply = farewell.withLock { $0 }
    while monotonicMicros() < end {
      for peer in peers.values {
        if peer.phase == .waiting, let reply { peer.exchange?.answer(reply) }
        if peer.phase == .handshake || peer.phase == .head || (peer.phase == .body && reply == nil) { drop(peer) }
      }
      if peers.values.allSatisfy({ $0.phase == .lingering }) { break }
      turn()
    }
    for peer in peers.values { drop(peer) }
  }

  /// Waits 100 ms at most for something to do, and does it.
  private func turn() {
    var descriptors = [pollfd(fd: bell.descriptor, events: Int16(POLLIN), revents: 0)]
    // A descriptor below 0 is passed over: none are taken at the end.
    descriptors.append(
      pollfd(fd: isEnding.load(ordering: .relaxed) || monotonicMicros() < acceptAgain ? -1 : listener, events: Int16(POLLIN), revents: 0))
    var watched: [HttpPeer] = []
    for peer in peers.values {
      guard let events = peer.events else { continue }
      watched.append(peer)
      descriptors.append(pollfd(fd: peer.socket, events: Int16(events), revents: 0))
    }
    poll(&descriptors, nfds_t(descriptors.count), unread.isEmpty ? 100 : 0)
    let again = unread
    unread = []
    for (peer, descriptor) in zip(watched, descriptors[2...]) where descriptor.revents != 0 || again.contains(peer.number) {
      if peers[peer.number] != nil { advance(peer) }
    }
    if descriptors[0].revents != 0 { bell.clear() }
    if descriptors[1].revents != 0 { acceptAll() }
    for exchange in answered.withLock({ list in
      defer { list = [] }
      return list
    }) {
      guard let peer = peers[exchange.peer], peer.exchange === exchange, let reply = exchange.reply else { continue }
      answer(peer, reply)
    }
  }

  // MARK: Connections

  private func acceptAll() {
    while true {
      var name = sockaddr_storage()
      var size = socklen_t(MemoryLayout<sockaddr_storage>.size)
      let socket = withUnsafeMutablePointer(to: &name) {
        $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
          accept(listener, $0, &size)
        }
      }
      if socket < 0 {
        if errno == EINTR || errno == ECONNABORTED { continue }
        // Without descriptors it would be called again at once: those that came first give way.
        if errno == EMFILE || errno == ENFILE, !makeRoom() { acceptAgain = monotonicMicros() + 100_000 }
        return
      }
      if peers.count >= limits.connections { makeRoom() }
      guard peers.count < limits.connections, let transport = secure.map({ $0(socket) }) ?? PlainTransport(socket) else {
        close(socket)
        continue
      }
      _ = fcntl(socket, F_SETFD, FD_CLOEXEC)
      _ = fcntl(socket, F_SETFL, O_NONBLOCK)
      var yes: Int32 = 1
      setsockopt(socket, Int32(IPPROTO_TCP), TCP_NODELAY, &yes, socklen_t(MemoryLayout<Int32>.size))
      lastNumber += 1
      let peer = HttpPeer(lastNumber, socket, Self.address(&name, size), transport, now: monotonicMicros())
      peer.deadline = peer.since + limits.patience
      peers[peer.number] = peer
      advance(peer)
    }
  }

  private static func address(_ name: inout sockaddr_storage, _ size: socklen_t) -> String {
    var text = [CChar](repeating: 0, count: Int(NI_MAXHOST))
    let code = withUnsafeMutablePointer(to: &name) {
      $0.withMemoryRebound(to: sockaddr.self, capacity: 1) { getnameinfo($0, size, &text, socklen_t(text.count), nil, 0, NI_NUMERICHOST) }
    }
    return code == 0 ? String(decoding: text.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self) : ""
  }

  /// Sends the oldest away that has not sent its request, of the address that has most of them.
  @discardableResult
  private func makeRoom() -> Bool {
    let open = Dictionary(grouping: peers.values.filter(\.isHalfOpen), by: \.address)
    guard let most = open.values.max(by: { $0.count < $1.count }), let oldest = most.min(by: { $0.since < $1.since }) else { return false }
    drop(oldest)
    return true
  }

  private func late(_ peer: HttpPeer) {
    switch peer.phase {
    case .waiting where limits.late != nil: peer.exchange?.answer(limits.late!)
    case .waiting: peer.deadline = .max
    case .body: refuse(peer, HttpReply("408 Request Timeout", "the body did not come in time\n"))
    // Nobody has asked for anything that could be answered.
    case .handshake, .head, .answering, .lingering: drop(peer)
    }
  }

  private func drop(_ peer: HttpPeer) {
    guard peers.removeValue(forKey: peer.number) != nil else { return }
    unread.remove(peer.number)
    forget(peer)
    close(peer.socket)
  }

  private func forget(_ peer: HttpPeer) {
    guard let exchange = peer.exchange else { return }
    peer.exchange = nil
    service.forget(exchange)
  }

  // MARK: Requests

  /// Goes on with a connection as far as it goes.
  private func advance(_ peer: HttpPeer) {
    if peer.phase == .handshake {
      switch peer.transport.handshake() {
      case .bytes: peer.phase = .head
      case .wantsRead: return peer.wantsWrite = false
      case .wantsWrite: return peer.wantsWrite = true
      case .end: return drop(peer)
      }
    }
    if peer.phase == .answering { write(peer) }
    peer.wantsWrite = false
    for _ in 0..<Self.readsAtOnce {
      while handle(peer) {}
      guard peers[peer.number] != nil, peer.phase != .waiting, peer.phase != .answering else { return }
      switch buffer.withUnsafeMutableBytes({ peer.transport.read($0) }) {
      case .bytes(let count):
        if peer.phase == .lingering {
          peer.drained += count
          if peer.drained > Self.lingering.bytes { return drop(peer) }
        } else {
          peer.input += buffer[..<count]
        }
      case .wantsRead: return
      case .wantsWrite: return peer.wantsWrite = true
      case .end: return drop(peer)
      }
    }
    unread.insert(peer.number)
  }

  /// Takes a step with the bytes that are there; false if it needs more, or an answer.
  private func handle(_ peer: HttpPeer) -> Bool {
    switch peer.phase {
    case .head: readHead(peer)
    case .body: readBody(peer)
    case .handshake, .waiting, .answering, .lingering: false
    }
  }

  private func readHead(_ peer: HttpPeer) -> Bool {
    // Empty lines before a request are passed over.
    let start = peer.input.firstIndex { $0 != 0x0D && $0 != 0x0A } ?? peer.input.count
    guard let end = RequestHead.end(of: peer.input, from: start) else {
      if peer.input.count > limits.head {
        refuse(peer, HttpReply("431 Request Header Fields Too Large", "the head is longer than \(limits.head) bytes\n"))
      }
      return false
    }
    do throws(RequestHead.Problem) {
      guard end - start <= limits.head else { throw .init("the head is too long", "431 Request Header Fields Too Large") }
      let head = try RequestHead(peer.input[start..<end])
      peer.input.removeFirst(end)
      begin(peer, head)
      return true
    } catch {
      refuse(peer, HttpReply(error.status, error.text + "\n"))
      return false
    }
  }

  private func begin(_ peer: HttpPeer, _ head: RequestHead) {
    let exchange = HttpExchange(head, remote: peer.address, peer: peer.number) { [self] exchange in
      answered.withLock { $0.append(exchange) }
      bell.ring()
    }
    peer.exchange = exchange
    peer.closesAfter = !head.keepsAlive
    peer.phase = .body
    peer.deadline = monotonicMicros() + limits.patience
    peer.left = head.length ?? 0
    peer.chunks = head.length == nil ? ChunkReader() : nil
    if let refusal = service.admit(exchange) { return refuse(peer, refusal) }
    guard head.expectsContinue, peer.input.isEmpty, peer.left > 0 || peer.chunks != nil else { return }
    // So few bytes always go out.
    _ = Array("HTTP/1.1 100 Continue\r\n\r\n".utf8).withUnsafeBytes { peer.transport.write($0) }
  }

  private func readBody(_ peer: HttpPeer) -> Bool {
    guard let exchange = peer.exchange else { return false }
    var refusal: HttpReply?
    func take(_ piece: ArraySlice<UInt8>) -> Bool {
      refusal = service.take(piece.count, for: exchange)
      if refusal == nil { exchange.body += piece }
      return refusal == nil
    }
    if peer.chunks != nil {
      // `take` does not touch the chunks.
      do throws(RequestHead.Problem) { peer.input.removeFirst(try peer.chunks!.read(peer.input, from: 0, take)) } catch {
        refusal = HttpReply(error.status, error.text + "\n")
      }
    } else {
      let count = min(peer.left, peer.input.count)
      if count > 0 { _ = take(peer.input[..<count]) }
      peer.input.removeFirst(count)
      peer.left -= count
    }
    if let refusal {
      refuse(peer, refusal)
      return false
    }
    guard peer.chunks?.isAtEnd ?? (peer.left == 0) else { return false }
    (peer.phase, peer.deadline) = (.waiting, monotonicMicros() + limits.patience)
    exchange.wait()
    if let reply = service.complete(exchange) { answer(peer, reply) }
    return true
  }

  // MARK: Answers

  /// Answers before the request has come whole; where it ends can then not be told.
  private func refuse(_ peer: HttpPeer, _ reply: HttpReply) {
    let isWhole = peer.phase == .body && peer.chunks == nil && peer.left <= peer.input.count
    if isWhole { peer.input.removeFirst(peer.left) }
    peer.closesAfter = peer.closesAfter || !isWhole
    answer(peer, reply)
  }

  private func answer(_ peer: HttpPeer, _ reply: HttpReply) {
    if isEnding.load(ordering: .relaxed) { peer.closesAfter = true }
    peer.output = reply.bytes(
      keepsAlive: !peer.closesAfter, onlyHead: peer.exchange?.head.method == "HEAD", headers: peer.exchange?.headers ?? [])
    peer.written = 0
    (peer.phase, peer.deadline) = (.answering, monotonicMicros() + limits.patience)
    forget(peer)
    write(peer)
    // What has come meanwhile is the next request.
    if peers[peer.number] != nil, peer.phase == .head || peer.phase == .lingering { unread.insert(peer.number) }
  }

  private func write(_ peer: HttpPeer) {
    while peer.written < peer.output.count {
      switch peer.output.withUnsafeBytes({ peer.transport.write(UnsafeRawBufferPointer(rebasing: $0[peer.written...])) }) {
      case .bytes(let count): peer.written += count
      case .wantsRead, .wantsWrite: return
      case .end: return drop(peer)
      }
    }
    peer.output = []
    peer.since = monotonicMicros()
    if peer.closesAfter {
      peer.transport.finish()
      peer.input = []
      (peer.phase, peer.deadline) = (.lingering, peer.since + Self.lingering.time)
    } else {
      (peer.phase, peer.deadline) = (.head, peer.since + limits.patience)
    }
  }
}
