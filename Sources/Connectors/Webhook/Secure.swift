#if Webhook
internal import CWebhook
import PumpConnectorKit

/// What HTTPS is served with: the certificate and key of a listener.
final class Certificate {
  // Made once, then only read; OpenSSL counts its uses under locks of its own.
  private let context: OpaquePointer

  /// Nil if the connection's settings name none.
  init?(_ connection: Connection) throws(RunFailure) {
    let tls = connection.common.tls
    guard tls.ca == nil else {
      throw connection.failure("senders' certificates are not checked; leave `tls.ca` out, and set `token` or `signature_secret`")
    }
    switch (tls.key, tls.certificate) {
    case (nil, nil): return nil
    case (let key?, let certificate?):
      guard let context = SSL_CTX_new(TLS_server_method()) else { throw connection.failure("OpenSSL cannot start", transient: true) }
      self.context = context
      SSL_CTX_ctrl(context, SSL_CTRL_SET_MIN_PROTO_VERSION, Int(TLS1_2_VERSION), nil)
      // What is written may be written again from another place in memory, and in part.
      SSL_CTX_ctrl(context, SSL_CTRL_MODE, Int(SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER), nil)
      // A key with a passphrase is refused: nobody is there to be asked for it.
      SSL_CTX_set_default_passwd_cb(context) { _, _, _, _ in 0 }
      guard SSL_CTX_use_certificate_chain_file(context, certificate) == 1,
        SSL_CTX_use_PrivateKey_file(context, key, SSL_FILETYPE_PEM) == 1, SSL_CTX_check_private_key(context) == 1
      else {
        throw connection.failure(
          "cannot serve HTTPS: \(String(cString: pump_ssl_problem())); "
            + "check that `tls.certificate` and `tls.key` are PEM files and belong together")
      }
    default: throw connection.failure("HTTPS needs both `tls.certificate` and `tls.key`")
    }
  }

  deinit { SSL_CTX_free(context) }

  func transport(_ socket: Int32) -> (any Transport)? {
    guard let session = SSL_new(context) else { return nil }
    guard SSL_set_fd(session, socket) == 1 else {
      SSL_free(session)
      return nil
    }
    return SecureTransport(session)
  }
}

/// One connection of HTTPS. The socket is the server's, which closes it.
private final class SecureTransport: Transport {
  private let session: OpaquePointer

  init(_ session: OpaquePointer) { self.session = session }
  deinit { SSL_free(session) }

  func handshake() -> TransportResult {
    let outcome = result { SSL_accept(session) }
    return outcome == .bytes(1) ? .bytes(0) : outcome
  }

  func read(_ buffer: UnsafeMutableRawBufferPointer) -> TransportResult {
    result { SSL_read(session, buffer.baseAddress, Int32(clamping: buffer.count)) }
  }

  func write(_ bytes: UnsafeRawBufferPointer) -> TransportResult {
    result { SSL_write(session, bytes.baseAddress, Int32(clamping: bytes.count)) }
  }

  func finish() {
    SSL_shutdown(session)
    _ = pump_ssl_problem()
  }

  private func result(_ call: () -> Int32) -> TransportResult {
    // OpenSSL reads the queue of errors to tell what happened.
    _ = pump_ssl_problem()
    let count = call()
    if count > 0 { return .bytes(Int(count)) }
    switch SSL_get_error(session, count) {
    case SSL_ERROR_WANT_READ: return .wantsRead
    case SSL_ERROR_WANT_WRITE: return .wantsWrite
    default: return .end
    }
  }
}
#endif
