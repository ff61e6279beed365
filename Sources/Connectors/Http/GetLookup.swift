#if Http
import PumpRuntime

/// `get` as a lookup: the objects of all keys of a batch, several requests at once, remembered for a while.
final class GetLookup: Lookup, @unchecked Sendable {
  private let service: Service
  private let client: HttpClient
  private let shape: Shape
  private let label: String
  private let life: Int64
  /// Objects by their paths; nil is one that is not there.
  private var known: [String: (object: [UInt8]?, until: Int64)] = [:]
  private static let knownLimit = 100_000

  init(_ service: Service, _ context: EndpointContext) throws(RunFailure) {
    self.service = service
    client = try service.client()
    shape = context.spec.shape!
    label = context.spec.label
    life = context.settings.int("cache") ?? 1_000_000
  }

  func find(_ keys: Column, _ rows: UnsafeBufferPointer<Int32>, into result: Column, _ context: Context) throws(EventFailure) {
    let now = currentMicros()
    if known.count > Self.knownLimit { known.removeAll() }
    let paths = rows.map { keys.isNull(Int($0)) ? nil : keys.get(Text.self, Int($0)).string }
    do throws(RunFailure) {
      try service.connection.untilReady { () throws(RunFailure) in
        try load(Set(paths.compactMap { $0 }).filter { (known[$0]?.until ?? 0) < now }, now + max(life, 1), context.arena)
      }
    } catch { throw EventFailure(error.message) }
    for (row, path) in zip(rows, paths) {
      guard let path, let object = known[path]?.object else {
        result.setNull(Int(row))
        continue
      }
      let text = object.withUnsafeBufferPointer { context.arena.copy($0) }
      UnsafeMutablePointer(mutating: text.base)[text.count] = 0
      guard shape.read(text, into: result, Int(row), context.arena, JSONOptions()) else {
        throw EventFailure("\(label): \(shape.explain(text, JSONOptions()))")
      }
    }
  }

  private func load(_ wanted: Set<String>, _ until: Int64, _ arena: Arena) throws(RunFailure) {
    let paths = Array(wanted)
    var urls: [String] = []
    for path in paths {
      guard let url = service.address.url(arena.copy(path)) else {
        throw RunFailure("\(label): the path has a segment `.` or `..`, which would lead elsewhere")
      }
      urls.append(url)
    }
    var pause: Int64 = 0
    defer { if pause > 0 { _ = service.connection.stop.wait(micros: pause) } }
    try service.send(
      client, Array(paths.indices),
      { service.request("GET", urls[$0], ["Accept: application/json"]) },
      { answer in
        switch answer.status {
        case 200..<300: known[paths[answer.number]] = (answer.body, until)
        case 404, 410: known[paths[answer.number]] = (nil, until)
        default:
          pause = max(pause, Service.pause(answer))
          return service.failure("GET \(urls[answer.number])", answer)
        }
        return nil
      })
  }
}
#endif
