import Glibc

/// `/livez`, `/readyz` and `/metrics` over HTTP/1.1, for probes and scrapers: off unless `[general] metrics=` gives an
/// address. One request at a time, each small and with little time.
final class StatusServer: @unchecked Sendable {
  private let fd: Int32
  private var thread: WorkerThread?
  /// The port, also where the system chose it.
  let port: UInt16

  /// Listens on `HOST:PORT`, an IPv4 address or `localhost`.
  init(_ address: String, answer: @escaping @Sendable (String) -> (status: String, body: String)) throws(RunFailure) {
    let parts = address.split(separator: ":", omittingEmptySubsequences: false)
    let host = parts.count == 2 ? (parts[0] == "localhost" ? "127.0.0.1" : String(parts[0])) : ""
    var name = sockaddr_in()
    guard parts.count == 2, let wanted = UInt16(parts[1]), inet_pton(AF_INET, host, &name.sin_addr) == 1 else {
      throw RunFailure("`metrics` is `\(Shape.clean(address))`; write an address and a port, such as 127.0.0.1:9464")
    }
    name.sin_family = sa_family_t(AF_INET)
    name.sin_port = wanted.bigEndian
    let listener = socket(AF_INET, Int32(SOCK_STREAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue), 0)
    var yes: Int32 = 1
    setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &yes, socklen_t(MemoryLayout<Int32>.size))
    var size = socklen_t(MemoryLayout<sockaddr_in>.size)
    let bound = withUnsafeMutablePointer(to: &name) { pointer in
      pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
        bind(listener, $0, size) == 0 && listen(listener, 16) == 0 && getsockname(listener, $0, &size) == 0
      }
    }
    guard bound else {
      let reason = String(cString: strerror(errno))
      close(listener)
      throw RunFailure("cannot listen on \(Shape.clean(address)) for metrics: \(reason); choose a free port")
    }
    port = UInt16(bigEndian: name.sin_port)
    fd = listener
    thread = WorkerThread { StatusServer.serve(listener, answer) }
  }

  func end() {
    shutdown(fd, Int32(SHUT_RDWR))
    thread?.join()
    close(fd)
  }

  private static func serve(_ socket: Int32, _ answer: (String) -> (status: String, body: String)) {
    while true {
      let client = accept(socket, nil, nil)
      if client < 0 {
        if errno == EINTR || errno == ECONNABORTED { continue }
        return
      }
      defer { close(client) }
      var limit = timeval(tv_sec: 2, tv_usec: 0)
      for option in [SO_RCVTIMEO, SO_SNDTIMEO] { setsockopt(client, SOL_SOCKET, option, &limit, socklen_t(MemoryLayout<timeval>.size)) }
      var request = [UInt8](repeating: 0, count: 8192)
      let count = recv(client, &request, request.count, 0)
      guard count > 0 else { continue }
      let words = request[0..<count].prefix { $0 != 0x0D && $0 != 0x0A }.split(separator: 0x20).map { String(decoding: $0, as: UTF8.self) }
      let (status, body) = words.count == 3 && words[0] == "GET" ? answer(words[1]) : ("405 Method Not Allowed", "only GET\n")
      let text =
        "HTTP/1.1 \(status)\r\nContent-Type: text/plain; version=0.0.4; charset=utf-8\r\nContent-Length: \(body.utf8.count)\r\nConnection: close\r\n\r\n\(body)"
      try? writeAll(client, text, text.utf8.count, "status page")
    }
  }
}
