#if canImport(CCurl)
internal import CCurl
import Glibc
import PumpConnectorKit

extension HttpClient {
  /// Why no answer came, what would help, and whether trying again can.
  func failure(_ code: CURLcode, _ handle: UnsafeMutableRawPointer, _ problem: String, _ request: HttpRequest) -> RunFailure {
    let address = HttpAddress(request.url)?.authority ?? "the server"
    let said = problem.isEmpty ? String(cString: curl_easy_strerror(code)) : problem
    if let (help, reason) = trust(said) {
      return connection.failure("\(address) cannot be trusted: \(reason); \(help)")
    }
    switch code {
    case CURLE_COULDNT_RESOLVE_HOST:
      return connection.failure("there is no host for \(address); check `\(setting)`", transient: true)
    case CURLE_COULDNT_RESOLVE_PROXY:
      return connection.failure("there is no host for the proxy that the environment names; check `https_proxy`", transient: true)
    case CURLE_COULDNT_CONNECT:
      let number = pump_curl_get_number(handle, CURLINFO_OS_ERRNO)
      let reason = number == 0 ? said : String(cString: strerror(Int32(clamping: number)))
      return connection.failure("cannot reach \(address): \(reason); check `\(setting)`, and that it runs", transient: true)
    case CURLE_OPERATION_TIMEDOUT:
      let isConnected = !request.isProbe && pump_curl_get_size(handle, CURLINFO_PRETRANSFER_TIME_T) > 0
      return connection.failure(
        isConnected
          ? "\(address) gave no answer within request_timeout; raise it, or look at what holds it up"
          : "\(address) gave no answer within connect_timeout; check `\(setting)`, and is the network open?", transient: true)
    case CURLE_UNSUPPORTED_PROTOCOL, CURLE_WEIRD_SERVER_REPLY:
      // What has spoken HTTP before was garbled on its way.
      return connection.failure(
        "\(address) does not answer in HTTP: \(said); check `\(setting)`, and whether it is `https://`",
        transient: connection.counts.connects > 0)
    case CURLE_SSL_CACERT_BADFILE: return connection.failure("`tls.ca` cannot be used: \(said)")
    case CURLE_SSL_CERTPROBLEM: return connection.failure("`tls.certificate` or `tls.key` cannot be used: \(said)")
    case _ where said.contains("wrong version number"):
      return connection.failure("\(address) does not speak TLS; write `http://` in `\(setting)` if the network is trusted")
    default:
      let isNew = connection.counts.connects == 0 && request.url.hasPrefix("http://")
      // `OpenSSL SSL_connect: SSL_ERROR_SYSCALL in connection to 127.0.0.1:9200 `
      let reason = said.firstRange(of: " in connection to ").map { String(said[..<$0.lowerBound]) } ?? said
      let help = isNew ? "does it want `https://`?" : "check `\(setting)`, and that it runs"
      return connection.failure("\(address) ended the connection: \(reason); \(help)", transient: true)
    }
  }

  /// What is wrong with the certificate of either side, and what would help.
  private func trust(_ said: String) -> (help: String, reason: String)? {
    let authority = "give the authority's file as `tls.ca`"
    let helps: [(String, String)] = [
      ("has expired", "renew the server's certificate"), ("not yet valid", "check the clocks, or the server's certificate"),
      ("subject name", "the certificate has another name: use that in `\(setting)` or as `tls.server_name`"),
      ("self-signed", authority), ("self signed", authority), ("issuer certificate", authority), ("certificate problem", authority),
      ("certificate required", "set `tls.certificate` and `tls.key`"),
      ("unknown ca", "it does not know the authority of `tls.certificate`"), ("bad certificate", "check `tls.certificate`"),
    ]
    guard let help = helps.first(where: { said.contains($0.0) }) else { return nil }
    // `SSL certificate problem: certificate has expired`, `error:0A00045C:SSL routines::tlsv13 alert certificate required, errno 0`.
    let begin = ["problem: ", "routines::"].compactMap { said.firstRange(of: $0)?.upperBound }.first ?? said.startIndex
    return (help.1, String(said[begin...].prefix { $0 != "," }))
  }
}
#endif
