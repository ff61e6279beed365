#if Elasticsearch
import PumpHttpClient
import PumpConnectorKit

/// What `search` asks for: its requests as text.
final class Search {
  /// Documents of one page.
  let page: Int
  private let label: String
  private let path: String
  private let query: String
  private let shape: Shape
  private let order: [Int]
  /// The clauses of `sort`; unknown till the mapping was seen.
  private var sort: String?
  /// The same the other way round, and the fields that it is of, with their types.
  private var backwards = ""
  private var fields: [(name: String, type: String)] = []

  /// How long the server keeps a point in time that nobody asks about: as long as a sink may be down.
  private static let keepAlive = "10m"

  init(_ context: EndpointContext, _ arguments: ElasticsearchSearchSourceArguments) throws(RunFailure) {
    label = context.spec.label
    shape = context.spec.shape!
    path = try context.path(of: arguments.index)
    page = Int(clamping: arguments.page)
    order = arguments.order.compactMap { name in context.spec.shape!.fields.firstIndex { $0.name == name } }
    let c = Context()
    do throws(EventFailure) { query = try Fn.parseJson(c.arena.copy(arguments.query), c).text.string } catch {
      throw RunFailure("source `\(context.spec.label)`: `query`: \(error.message)")
    }
    guard (1...10_000).contains(page) else { throw RunFailure("source `\(context.spec.label)`: `page` is 1 to 10000") }
  }

  var isOrdered: Bool { !order.isEmpty }

  // MARK: The order

  /// Finds out by what fields the order is sorted; false if the indices have no fields yet, and thus no documents.
  func prepare(_ session: Session) throws(RunFailure) -> Bool {
    if sort != nil { return true }
    guard isOrdered else {
      sort = "{\"_shard_doc\":\"asc\"}"
      return true
    }
    let answer = try session.send(
      ClusterRequest(method: "GET", path: path + "/_mapping"), unless: { session.cluster.connection.stop.isRequested })
    guard answer.status == 200 else { throw failure(answer, session) }
    let c = Context()
    do throws(EventFailure) {
      let indices = try Fn.parseJson(answer.text(c.arena), c)
      var mappings: [Json] = []
      for name in try Fn.jsonKeys(indices, c).elements {
        if let fields = Fn.jsonGet(try Fn.jsonMember(indices, name, c), Text("mappings.properties"), c) { mappings.append(fields) }
      }
      mappings.removeAll { $0.text.count <= 2 }
      guard !mappings.isEmpty else { return false }
      fields = []
      var clauses: [String] = []
      for place in order { clauses.append(try clause(shape.fields[place], mappings, session, c)) }
      sort = clauses.joined(separator: ",")
      backwards = clauses.map { $0.replacing(":\"asc\"", with: ":\"desc\"") }.joined(separator: ",")
      return true
    } catch {
      throw session.cluster.connection.failure("`\(label)` cannot be sorted: \(error.message)")
    }
  }

  private func clause(_ field: Shape.Field, _ mappings: [Json], _ session: Session, _ c: Context) throws(EventFailure) -> String {
    var name = field.wire
    var type: String?
    var isEverywhere = true
    for fields in mappings {
      let found = try Fn.jsonMember(fields, c.arena.copy(name), c)
      guard let kind = Fn.jsonGet(found, Text("type"), c) else {
        isEverywhere = false
        continue
      }
      type = String(kind.text.string.dropFirst().dropLast())
      if type == "text" {
        guard Fn.jsonGet(found, Text("fields.keyword"), c) != nil else {
          throw EventFailure("field `\(name)` is text and has no `keyword`; order by another field")
        }
        name += ".keyword"
        type = "keyword"
        break
      }
    }
    guard let type else { throw EventFailure("no field `\(name)` is in its mapping; check `order`") }
    fields.append((name, type))
    var out = ByteBuffer(capacity: 64)
    defer { out.release() }
    out.raw("{")
    out.quoted(c.arena.copy(name))
    // An index that lacks the field would fail.
    out.text(isEverywhere ? ":\"asc\"}" : ":{\"order\":\"asc\",\"unmapped_type\":\"\(type)\"}}")
    return out.string
  }

  /// Whether a key can be compared with fields: the sort values of nanoseconds are not dates that a query takes.
  var canBound: Bool { !fields.contains { $0.type == "date_nanos" } }

  /// The greatest key of all that the query finds now; nil if it finds nothing.
  func newest(_ session: Session) throws(RunFailure) -> String? {
    let arena = Arena()
    var body = ByteBuffer(capacity: 256)
    defer { body.release() }
    body.text("{\"size\":1,\"track_total_hits\":false,\"_source\":false,\"query\":\(query),\"sort\":[\(backwards)]}")
    let answer = try session.send(
      ClusterRequest(path: "\(path)/_search", body: body.bytes), unless: { session.cluster.connection.stop.isRequested })
    guard answer.status == 200 else { throw failure(answer, session) }
    guard let page = Reply.page(answer.text(arena), arena), page.failedShards == 0, !page.isTimedOut else {
      throw session.cluster.connection.failure("the answer to a search cannot be read, or is not of all shards", transient: true)
    }
    return page.hits.first?.sort?.string
  }

  /// What has a key that is not after this one: a smaller first field, or the same and a smaller second one, and so on.
  private func bound(_ key: String) -> String {
    let c = Context()
    guard let values = try? Fn.jsonItems(Json(c.arena.copy(key)), c), values.count == fields.count else { return "{\"match_all\":{}}" }
    func range(_ index: Int, _ tests: String...) -> String {
      let bounds = tests.map { "\"\($0)\":\(values.elements[index].text.string)" }
      let format = fields[index].type == "date" ? [#""format":"epoch_millis""#] : []
      return "{\"range\":{\(Value.text(fields[index].name).json(.string)):{\((bounds + format).joined(separator: ","))}}}"
    }
    let cases = fields.indices.map { index in
      let same = (0..<index).map { range($0, "gte", "lte") }
      let last = range(index, index == fields.count - 1 ? "lte" : "lt")
      return "{\"bool\":{\"filter\":[\((same + [last]).joined(separator: ","))]}}"
    }
    return "{\"bool\":{\"should\":[\(cases.joined(separator: ","))]}}"
  }

  /// The values of the order's fields: those of a hit without the last, which tells documents apart in one point in time only.
  func key(_ sort: Text) -> String? {
    let c = Context()
    guard let values = try? Fn.jsonItems(Json(sort), c), values.count > order.count else { return nil }
    return "[\(values.elements.prefix(order.count).map(\.text.string).joined(separator: ","))]"
  }

  /// Whether a kept position has a value for each field of the order.
  func fits(_ key: String) -> Bool {
    let c = Context()
    guard let json = try? Fn.parseJson(c.arena.copy(key), c), let values = try? Fn.jsonItems(json, c) else { return false }
    return values.count == order.count
  }

  // MARK: Requests

  func open(_ session: Session) throws(RunFailure) -> String {
    let answer = try session.send(
      ClusterRequest(path: "\(path)/_pit?keep_alive=\(Search.keepAlive)"), unless: { session.cluster.connection.stop.isRequested })
    guard answer.status == 200 else { throw failure(answer, session) }
    let arena = Arena()
    guard let id = Reply.member("id", answer.text(arena), arena) else {
      throw session.cluster.connection.failure("the answer to opening a point in time cannot be read", transient: true)
    }
    return id.string
  }

  /// Gives a point in time back, if the server is quick; one that is not given back ends by itself.
  func close(_ id: String, _ session: Session) {
    let arena = Arena()
    var body = ByteBuffer(capacity: 256)
    defer { body.release() }
    body.raw("{\"id\":")
    body.quoted(arena.copy(id))
    body.raw("}")
    session.start(ClusterRequest(method: "DELETE", path: "/_pit", body: body.bytes))
    if (try? session.poll(micros: 1_000_000)) == nil { session.cancel() }
  }

  /// The next page: after the last hit of this point in time, or else after the key of an earlier one, and up to a key.
  func request(_ out: inout ByteBuffer, pointInTime: String, after last: String?, behind key: String?, upTo mark: String?) {
    let arena = Arena()
    let query = mark.map { "{\"bool\":{\"filter\":[\(self.query),\(bound($0))]}}" } ?? self.query
    out.text("{\"size\":\(page),\"track_total_hits\":false,\"query\":\(query),\"pit\":{\"id\":")
    out.quoted(arena.copy(pointInTime))
    out.text(",\"keep_alive\":\"\(Search.keepAlive)\"},\"sort\":[\(sort ?? "")]")
    if let last {
      out.text(",\"search_after\":\(last)")
    } else if let key {
      // Of documents with the same key none is left: the last value, of `_shard_doc`, is the greatest.
      out.text(",\"search_after\":\(key.dropLast()),\(Int64.max)]")
    }
    out.raw("}")
  }

  func failure(_ answer: HttpAnswer, _ session: Session) -> RunFailure {
    let failure = session.failure(answer)
    guard answer.status == 404 else { return RunFailure("source `\(label)`: \(failure.message)", transient: failure.isTransient) }
    return RunFailure("source `\(label)`: \(failure.message); create the index, or check its name")
  }
}
#endif
