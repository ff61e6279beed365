#if Http
import PumpHttpClient
import PumpConnectorKit

/// `get` as a lookup: the objects of all keys of a batch, several requests at once, remembered for a while.
final class GetLookup: Lookup {
  private let service: Service
  private let client: HttpClient
  private let label: String
  /// Objects by their paths.
  private var known: LookupCache<[UInt8]>

  init(_ service: Service, _ context: EndpointContext) throws(RunFailure) {
    self.service = service
    client = try service.client()
    label = context.spec.label
    known = LookupCache(HttpGetLookupArguments(context.settings).cache)
  }

  func load(_ keys: Column, _ rows: UnsafeBufferPointer<Int32>, _ context: Context) throws(RunFailure) {
    try load(known.wanted(rows.map { path(keys, $0) }))
  }

  func find(_ keys: Column, _ rows: UnsafeBufferPointer<Int32>, into result: Column, _ context: Context) throws(EventFailure) {
    for row in rows {
      guard let path = path(keys, row), let object = known[path] else {
        result.setNull(Int(row))
        continue
      }
      try result.read(json: object, Int(row), context, label)
    }
  }

  private func path(_ keys: Column, _ row: Int32) -> String? { keys.isNull(Int(row)) ? nil : keys.get(Text.self, Int(row)).string }

  private func load(_ paths: [String]) throws(RunFailure) {
    var urls: [String] = []
    for path in paths {
      guard let url = service.address.url(template: path) else {
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
        case 200..<300:
          if let problem = answer.problem { return service.connection.failure("GET \(service.shown(urls[answer.number])): \(problem)") }
          known.remember(paths[answer.number], answer.body)
        case 404, 410: known.remember(paths[answer.number], nil)
        default:
          pause = max(pause, Service.pause(answer))
          return service.failure("GET \(service.shown(urls[answer.number]))", answer)
        }
        return nil
      })
  }
}
#endif
