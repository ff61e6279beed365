#if Webhook
internal import CWebhook
import Glibc
import PumpRuntime
import Synchronization

/// One request, from its head to its answer. The listener's thread fills it, a pipeline's thread takes and answers it.
final class Request: @unchecked Sendable {
  let connection: OpaquePointer
  let method: String
  let path: String
  /// The time at which its patience ends: that of the body first, then that of the event.
  var deadline: Int64
  /// Known with the head already: the body is read, for the sender to be ready for the answer, and dropped.
  var refusal: Answer?
  var inbox: Inbox?
  var body: [UInt8] = []
  /// Bytes of the body, also where they are elsewhere now.
  var size = 0
  private(set) var query: [Value.Pair] = []
  private(set) var headers: [Value.Pair] = []
  private let state = Mutex<(isSuspended: Bool, answer: Answer?)>((false, nil))

  /// Wakes the listener's thread.
  private let bell: Bell

  init(_ connection: OpaquePointer, _ method: String, _ path: String, deadline: Int64, _ bell: Bell) {
    self.connection = connection
    self.method = method
    self.path = path
    self.deadline = deadline
    self.bell = bell
  }

  // MARK: Its answer

  /// Puts the connection aside until there is an answer.
  func suspend() {
    state.withLock { state in
      MHD_suspend_connection(connection)
      state.isSuspended = true
    }
  }

  var answer: Answer? { state.withLock { $0.answer } }
  var isWaiting: Bool { state.withLock { $0.isSuspended && $0.answer == nil } }

  /// Answers a request that waits; the first answer is the one that counts.
  func answer(_ answer: Answer) {
    state.withLock { state in
      guard state.isSuspended, state.answer == nil else { return }
      state.answer = answer
      MHD_resume_connection(connection)
    }
    bell.ring()
  }

  // MARK: What it says of itself

  func header(_ name: String) -> String? {
    MHD_lookup_connection_value(connection, .HEADER_KIND, name).map { String(cString: $0) }
  }

  /// Reads what is asked for later, when the connection belongs to another thread.
  func readHead() {
    query = values(.GET_ARGUMENT_KIND) { $0 }
    // The credentials are for this program alone, not for its data.
    headers = values(.HEADER_KIND) { $0.lowercased() }.filter { $0.key != "authorization" }
  }

  /// In the order of their names; what comes twice is one value, with a comma between.
  private func values(_ kind: MHD_ValueKind, _ normal: (String) -> String) -> [Value.Pair] {
    var pairs: [(key: String, value: String)] = []
    withUnsafeMutablePointer(to: &pairs) {
      _ = MHD_get_connection_values(
        connection, kind,
        { context, _, key, value in
          let text = value.map { String(cString: $0) } ?? ""
          context!.assumingMemoryBound(to: [(key: String, value: String)].self).pointee.append((String(cString: key!), text))
          return .YES
        }, $0)
    }
    let joined = Dictionary(pairs.map { (normal($0.key), $0.value) }) { "\($0), \($1)" }
    return joined.sorted { $0.key < $1.key }.map { Value.Pair($0.key, .text($0.value)) }
  }

  var contentType: String {
    if case .text(let type) = headers.first(where: { $0.key == "content-type" })?.value { type } else { "" }
  }

  /// The address that it came from; a proxy's, where one stands between.
  var remote: String {
    guard let address = pump_mhd_client(connection) else { return "" }
    var text = [CChar](repeating: 0, count: Int(NI_MAXHOST))
    let size = address.pointee.sa_family == sa_family_t(AF_INET6) ? MemoryLayout<sockaddr_in6>.size : MemoryLayout<sockaddr_in>.size
    guard getnameinfo(address, socklen_t(size), &text, socklen_t(text.count), nil, 0, NI_NUMERICHOST) == 0 else { return "" }
    return String(decoding: text.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
  }
}

/// What a sender is told.
struct Answer: Sendable {
  let status: UInt32
  let text: String
  var header: (name: String, value: String)?

  static let accepted = Answer(status: 200, text: "")
  static let noToken = Answer(status: 401, text: "the bearer token is missing or wrong\n", header: ("WWW-Authenticate", "Bearer"))
  static let badSignature = Answer(
    status: 401, text: "X-Hub-Signature-256 is missing or wrong\n", header: ("WWW-Authenticate", "Signature"))
  static let noPath = Answer(status: 404, text: "nothing is taken at this path\n")
  static let badMethod = Answer(status: 405, text: "only POST and PUT\n", header: ("Allow", "POST, PUT"))
  static func tooLong(_ limit: Int) -> Answer { Answer(status: 413, text: "the body is longer than \(limit) bytes\n") }
  static let tooMany = again("too many requests wait")
  static let late = again("the event was not stored in time")
  static let ending = again("the program ends")

  private static func again(_ reason: String) -> Answer {
    Answer(status: 503, text: "\(reason); send it again\n", header: ("Retry-After", "5"))
  }
}
#endif
