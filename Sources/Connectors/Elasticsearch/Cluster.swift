#if Elasticsearch
import PumpHttpClient
import PumpConnectorKit
import Synchronization

/// The nodes of one connection, whose turn it is, and which of them did not answer lately.
final class Cluster: Sendable {
  let connection: Connection
  let nodes: [HttpAddress]
  let settings: ElasticsearchSettings
  /// Lines that every request begins with.
  let headers: [String]
  private struct State {
    var next = 0
    var downUntil: [Int64]
  }
  private let state: Mutex<State>
  /// How long a node is left out, in microseconds.
  private static let rest: Int64 = 10_000_000

  init(_ connection: Connection) throws(RunFailure) {
    self.connection = connection
    settings = ElasticsearchSettings(connection.settings)
    var nodes: [HttpAddress] = []
    for part in settings.nodes.split(separator: ",", omittingEmptySubsequences: false) {
      nodes.append(try HttpAddress.parse(String(part.drop { $0 == " " }.reversed().drop { $0 == " " }.reversed()), "nodes", connection))
    }
    self.nodes = nodes
    state = Mutex(State(downUntil: Array(repeating: 0, count: nodes.count)))
    headers = ["Accept: application/json"] + (try Cluster.authorization(connection, settings).map { ["Authorization: \($0)"] } ?? [])
  }

  private static func authorization(_ connection: Connection, _ settings: ElasticsearchSettings) throws(RunFailure) -> String? {
    if let key = settings.apiKey {
      guard settings.user == nil else { throw connection.failure("set either `api_key`, or `user` and `password`") }
      guard key.utf8.allSatisfy({ $0 > 0x20 && $0 < 0x7F }) else {
        throw connection.failure("`api_key` is no encoded key; use what Elasticsearch gave as `encoded`")
      }
      return "ApiKey \(key)"
    }
    guard let user = settings.user else { return nil }
    guard let password = settings.password else { throw connection.failure("`user` needs a `password`") }
    var out = ByteBuffer(capacity: 128)
    defer { out.release() }
    let arena = Arena()
    out.base64(arena.copy("\(user):\(password)"))
    return "Basic \(out.string)"
  }

  /// The node whose turn it is, of those not tried yet; one that was down lately only where there is no other.
  func choose(besides tried: [Int]) -> Int? {
    let now = monotonicMicros()
    return state.withLock { state in
      let others = (0..<nodes.count).map { (state.next + $0) % nodes.count }.filter { !tried.contains($0) }
      guard let chosen = others.first(where: { state.downUntil[$0] <= now }) ?? others.first else { return nil }
      state.next = (chosen + 1) % nodes.count
      return chosen
    }
  }

  func answered(_ node: Int) { state.withLock { $0.downUntil[node] = 0 } }

  /// Leaves a node out for a while, where there are others.
  func failed(_ node: Int, _ failure: RunFailure) {
    let now = monotonicMicros()
    let isNew = state.withLock { state in
      defer { state.downUntil[node] = now + Cluster.rest }
      return state.downUntil[node] == 0
    }
    if isNew, nodes.count > 1, connection.phase == .ready {
      connection.logger.warning("\(failure.message); asking other nodes", connection: connection.id)
    }
  }
}

extension EndpointContext {
  /// What the paths of an index begin with.
  func path(of index: String) throws(RunFailure) -> String {
    guard !index.isEmpty, !index.contains(where: { "/?#".contains($0) }) else {
      throw RunFailure("`\(spec.label)`: `\(index)` is no name of an index")
    }
    return "/\(index)"
  }
}
#endif
