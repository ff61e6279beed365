#if Webhook
import PumpConnectorKit

/// What senders have to show.
final class Credentials {
  private let token: [UInt8]?
  private let key: [UInt8]?
  private let context = Context()

  init(_ connection: Connection, _ settings: WebhookSettings) throws(RunFailure) {
    token = try Self.secret("token", settings.token, connection)
    key = try Self.secret("signature_secret", settings.signatureSecret, connection)
  }

  /// An empty one would let everybody in.
  private static func secret(_ name: String, _ text: String?, _ connection: Connection) throws(RunFailure) -> [UInt8]? {
    guard let text else { return nil }
    guard !text.isEmpty else { throw connection.failure("`\(name)` is empty; leave it out if everybody may send") }
    return Array(text.utf8)
  }

  func refuseHead(_ head: RequestHead) -> HttpReply? {
    guard let token else { return nil }
    guard let value = Self.only("authorization", head) else { return .noToken }
    let words = value.split(separator: 0x20, maxSplits: 1)
    guard words.count == 2, String(decoding: words[0], as: UTF8.self).lowercased() == "bearer", Fn.isSame(words[1], token) else {
      return .noToken
    }
    return nil
  }

  /// Of the body as it was sent, packed or not.
  func refuseBody(_ exchange: HttpExchange) -> HttpReply? {
    guard let key else { return nil }
    defer { context.arena.reset() }
    let arena = context.arena
    let digest = Fn.hmacSha256(exchange.body.withUnsafeBufferPointer(arena.copy), key.withUnsafeBufferPointer(arena.copy), context)
    let given = Self.only("x-hub-signature-256", exchange.head).map { String(decoding: $0, as: UTF8.self).lowercased() } ?? ""
    return Fn.isSame(given.utf8, Array("sha256=".utf8) + digest.bytes) ? nil : .badSignature
  }

  /// Which of two would count is not said anywhere, so that none does.
  private static func only(_ name: String, _ head: RequestHead) -> [UInt8]? {
    let values = head.headers.filter { $0.name == name }
    return values.count == 1 ? values[0].value : nil
  }
}
#endif
