#if Webhook
import Glibc
import PumpConnectorKit

/// Where a listener listens.
struct Address {
  private let host: String
  private let port: UInt16
  private let connection: Connection

  init(_ connection: Connection, _ settings: WebhookSettings) throws(RunFailure) {
    self.connection = connection
    host = settings.host
    guard let port = UInt16(exactly: settings.port) else {
      throw connection.failure("`port` is \(settings.port); write one from 1 to 65535, or 0 for any that is free")
    }
    self.port = port
  }

  /// Listens; also the port, where the system chose it.
  func listen() throws(RunFailure) -> (socket: Int32, text: String) {
    var hints = addrinfo()
    hints.ai_socktype = Int32(SOCK_STREAM.rawValue)
    hints.ai_flags = AI_NUMERICSERV
    var found: UnsafeMutablePointer<addrinfo>?
    let code = getaddrinfo(host, String(port), &hints, &found)
    guard code == 0, let name = found?.pointee else {
      throw connection.failure("there is no address for `\(host)`: \(String(cString: gai_strerror(code))); check `host`")
    }
    defer { freeaddrinfo(found) }
    let socket = Glibc.socket(name.ai_family, Int32(SOCK_STREAM.rawValue | SOCK_CLOEXEC.rawValue | SOCK_NONBLOCK.rawValue), 0)
    var yes: Int32 = 1
    // A restart need not wait for what the system remembers of the connections before.
    setsockopt(socket, SOL_SOCKET, SO_REUSEADDR, &yes, socklen_t(MemoryLayout<Int32>.size))
    guard bind(socket, name.ai_addr, name.ai_addrlen) == 0, Glibc.listen(socket, SOMAXCONN) == 0 else {
      let number = errno
      close(socket)
      throw failure(number)
    }
    return (socket, "\(host.contains(":") ? "[\(host)]" : host):\(Self.port(of: socket))")
  }

  private static func port(of socket: Int32) -> UInt16 {
    // The port stands at the same place in both families.
    var name = sockaddr_in6()
    var size = socklen_t(MemoryLayout<sockaddr_in6>.size)
    withUnsafeMutablePointer(to: &name) { pointer in
      _ = pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { getsockname(socket, $0, &size) }
    }
    return UInt16(bigEndian: name.sin6_port)
  }

  private func failure(_ number: Int32) -> RunFailure {
    let help =
      switch number {
      case EADDRINUSE: "end the program that has it, or choose another `port`"
      case EACCES: "choose a `port` from 1024 on, or give the program the right to this one"
      case EADDRNOTAVAIL: "no network of this machine has the address; check `host`"
      default: "check `host` and `port`"
      }
    return connection.failure("cannot listen on \(host):\(port): \(String(cString: strerror(number))); \(help)")
  }
}
#endif
