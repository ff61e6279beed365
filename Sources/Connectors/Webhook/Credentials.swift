#if Webhook
import PumpRuntime

/// What senders have to show.
final class Credentials {
  private let token: [UInt8]?
  private let key: [UInt8]?
  private let context = Context()

  init(_ connection: Connection) throws(RunFailure) {
    token = try Self.secret("token", connection)
    key = try Self.secret("signature_secret", connection)
  }

  /// An empty one would let everybody in.
  private static func secret(_ name: String, _ connection: Connection) throws(RunFailure) -> [UInt8]? {
    guard let text = connection.settings.text(name) else { return nil }
    guard !text.isEmpty else { throw connection.failure("`\(name)` is empty; leave it out if everybody may send") }
    return Array(text.utf8)
  }

  func refuseHead(_ request: Request) -> Answer? {
    guard let token else { return nil }
    let words = (request.header("Authorization") ?? "").split(separator: " ", maxSplits: 1)
    guard words.count == 2, words[0].lowercased() == "bearer", Self.isSame(words[1].utf8, token) else { return .noToken }
    return nil
  }

  func refuseBody(_ request: Request) -> Answer? {
    guard let key else { return nil }
    defer { context.arena.reset() }
    let arena = context.arena
    let digest = Fn.hmacSha256(key.withUnsafeBufferPointer(arena.copy), request.body.withUnsafeBufferPointer(arena.copy), context)
    let wanted = Array("sha256=".utf8) + digest.bytes
    return Self.isSame((request.header("X-Hub-Signature-256") ?? "").lowercased().utf8, wanted) ? nil : .badSignature
  }

  /// Takes the same time wherever they differ, so that nobody can guess byte by byte.
  private static func isSame(_ given: some Collection<UInt8>, _ wanted: [UInt8]) -> Bool {
    given.count == wanted.count && zip(given, wanted).reduce(0) { $0 | ($1.0 ^ $1.1) } == 0
  }
}
#endif
