#if Elasticsearch
import PumpHttpClient
import PumpConnectorKit

/// A request to whichever node, by its path.
struct ClusterRequest {
  var method = "POST"
  var path: String
  var body: UnsafeBufferPointer<UInt8>?
  var contentType = "application/json"
  var isPacked = false
  /// Asks whether the cluster is there.
  var isProbe = false
}

/// One client of a cluster, used by one thread at a time: each request goes to the next node, and to another where that one
/// does not answer.
final class Session: PooledClient, @unchecked Sendable {
  let cluster: Cluster
  private let client: HttpClient
  private var request = ClusterRequest(path: "")
  private var node = 0
  private var tried: [Int] = []
  /// No node answered.
  private(set) var isBroken = false
  var isReusable: Bool { !isBroken && client.activeCount == 0 }

  init(_ cluster: Cluster) throws(RunFailure) {
    self.cluster = cluster
    client = try HttpClient(cluster.connection, setting: "nodes", timeout: cluster.settings.requestTimeout)
    let answer = try send(ClusterRequest(method: "GET", path: "/", isProbe: true))
    guard answer.header("x-elastic-product") == "Elasticsearch" else {
      // Where it was Elasticsearch before, something stands in for it for a while.
      throw cluster.connection.failure(
        "what answers at \(cluster.nodes[node].authority) is not Elasticsearch; check `nodes`",
        transient: cluster.connection.counts.connects > 0)
    }
    guard answer.status == 200 else { throw failure(answer) }
  }

  /// Begins a request; its body stays unchanged until the answer has come.
  func start(_ request: ClusterRequest) {
    self.request = request
    tried = []
    next()
  }

  @discardableResult
  private func next() -> Bool {
    guard let node = cluster.choose(besides: tried) else { return false }
    self.node = node
    tried.append(node)
    var headers = cluster.headers
    if request.body != nil { headers.append("Content-Type: \(request.contentType)") }
    if request.isPacked { headers.append("Content-Encoding: gzip") }
    let url = cluster.nodes[node].url(written: request.path)
    client.start(HttpRequest(method: request.method, url: url, headers: headers, body: request.body, isProbe: request.isProbe))
    return true
  }

  /// The answer to what was begun, or nil if it has not come in this time. Busy servers and refused credentials are thrown.
  func poll(micros: Int64) throws(RunFailure) -> HttpAnswer? {
    guard let answer = client.wait(micros: micros) else { return nil }
    if let failure = answer.failure {
      cluster.failed(node, failure)
      if failure.isTransient, next() { return nil }
      isBroken = true
      guard failure.isTransient, cluster.nodes.count > 1 else { throw failure }
      throw RunFailure("\(failure.message); none of \(cluster.nodes.count) nodes answers", transient: true)
    }
    cluster.answered(node)
    if let problem = answer.problem {
      throw cluster.connection.failure("\(cluster.nodes[node].authority): \(problem); look at what stands before it", transient: true)
    }
    switch answer.status {
    case 300..<400, 401, 403, 407, 408, 429, 500...: throw failure(answer)
    default: return answer
    }
  }

  /// Sends a request and waits for its answer, unless that is no longer wanted.
  func send(_ request: ClusterRequest, unless isStopped: () -> Bool = { false }) throws(RunFailure) -> HttpAnswer {
    start(request)
    while true {
      if let answer = try poll(micros: 100_000) { return answer }
      guard isStopped() else { continue }
      throw cluster.connection.failure("no answer came before the stop", transient: true)
    }
  }

  /// Gives up what was begun.
  func cancel() { client.cancel() }

  /// Why an answer is no good, what would help, and whether trying again can.
  func failure(_ answer: HttpAnswer) -> RunFailure {
    let connection = cluster.connection
    let address = cluster.nodes[node].authority
    let reason = Reply.reason(answer)
    let said = reason.isEmpty ? "" : ": \(reason)"
    switch answer.status {
    case 300..<400:
      let target = answer.header("location").flatMap { HttpAddress($0)?.origin } ?? "elsewhere"
      return connection.failure("\(address) sends to \(target); use that in `nodes` if it is right")
    case 401:
      let isAnonymous = cluster.headers.count == 1
      let help = isAnonymous ? "set `user` and `password`, or `api_key`" : "check `user` and `password`, or `api_key`"
      return connection.failure("\(address) refuses the credentials\(said); \(help)")
    case 403: return connection.failure("\(address) forbids it\(said); grant the user or key what it needs")
    case 407: return connection.failure("the proxy before \(address) wants credentials; check `https_proxy`")
    case 408, 429, 500...: return connection.failure("\(address) cannot do it now (\(answer.status))\(said)", transient: true)
    default: return connection.failure("\(address) answered \(answer.status)\(said)")
    }
  }
}
#endif
