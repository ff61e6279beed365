import Glibc

/// `/livez`, `/readyz` and `/metrics` over HTTP/1.1, for probes and scrapers: off unless `[general] metrics=` gives an
/// address. Many clients at once, each with little time.
final class StatusServer: Sendable {
  private let server: HttpServer
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
    let listener = socket(AF_INET, Int32(SOCK_STREAM.rawValue | SOCK_CLOEXEC.rawValue | SOCK_NONBLOCK.rawValue), 0)
    var yes: Int32 = 1
    setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &yes, socklen_t(MemoryLayout<Int32>.size))
    var size = socklen_t(MemoryLayout<sockaddr_in>.size)
    let bound = withUnsafeMutablePointer(to: &name) { pointer in
      pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
        bind(listener, $0, size) == 0 && listen(listener, 128) == 0 && getsockname(listener, $0, &size) == 0
      }
    }
    guard bound else {
      let reason = String(cString: strerror(errno))
      close(listener)
      throw RunFailure("cannot listen on \(Shape.clean(address)) for metrics: \(reason); choose a free port")
    }
    port = UInt16(bigEndian: name.sin_port)
    var limits = HttpServer.Limits()
    // A probe has a second or two; who says nothing for longer wants nothing.
    (limits.connections, limits.head, limits.patience) = (64, 8192, 2_000_000)
    server = HttpServer(listener, limits, Pages(answer))
    server.start()
  }

  func end() { server.end() }
}

private final class Pages: HttpService {
  private let page: @Sendable (String) -> (status: String, body: String)

  init(_ page: @escaping @Sendable (String) -> (status: String, body: String)) { self.page = page }

  func admit(_ exchange: HttpExchange) -> HttpReply? {
    guard ["GET", "HEAD"].contains(exchange.head.method) else {
      return HttpReply("405 Method Not Allowed", "only GET\n", headers: [("Allow", "GET, HEAD")])
    }
    let (status, body) = page(exchange.head.path)
    return HttpReply(status, body, type: "text/plain; version=0.0.4; charset=utf-8")
  }
}
