#if PostgreSQL
internal import CPostgreSQL
import PumpRuntime

/// `execute`: one statement for each event, its arguments bound, sent in pipeline mode; each batch is one transaction.
final class ExecuteSink: Sink, @unchecked Sendable {
  private let pool: ClientPool<Client>
  private let sql: String
  /// Fields of the event, by the statement's parameters.
  private let parameters: [Int]
  /// Texts of the arguments since the last commit, each ended by a zero, and where each begins; -1 is null.
  private var texts = ByteBuffer(capacity: 64 << 10)
  private var starts: [Int] = []
  private var rows = 0

  init(_ pool: ClientPool<Client>, _ context: EndpointContext) throws(RunFailure) {
    self.pool = pool
    let shape = context.spec.shape!
    (sql, parameters) = try Self.number(context.settings.text("sql") ?? "", shape, context.spec.label)
  }

  deinit { texts.release() }

  var refusesLate: Bool { true }
  var pending: Int { texts.count }

  /// `:field` becomes `$1`, outside of quotes and comments; `::type` is a cast.
  private static func number(_ sql: String, _ shape: Shape, _ label: String) throws(RunFailure) -> (String, [Int]) {
    var out: [UInt8] = []
    var parameters: [Int] = []
    let text = Array(sql.utf8)
    var i = 0
    func isName(_ byte: UInt8) -> Bool { byte == 0x5F || (byte | 0x20 >= 0x61 && byte | 0x20 <= 0x7A) || (byte >= 0x30 && byte <= 0x39) }
    while i < text.count {
      let byte = text[i]
      if byte == 0x27 || byte == 0x22 {
        let close = text[(i + 1)...].firstIndex(of: byte) ?? text.count - 1
        out += text[i...close]
        i = close + 1
      } else if byte == 0x3A, i + 1 < text.count, text[i + 1] == 0x3A {
        out += [byte, byte]
        i += 2
      } else if byte == 0x3A, i + 1 < text.count, isName(text[i + 1]) {
        let end = text[(i + 1)...].firstIndex { !isName($0) } ?? text.count
        let name = String(decoding: text[(i + 1)..<end], as: UTF8.self)
        guard let field = shape.fields.firstIndex(where: { $0.name == name }) else {
          throw RunFailure("sink `\(label)`: the event has no field `\(name)`; it has \(shape.fields.map(\.name).joined(separator: ", "))")
        }
        if !parameters.contains(field) { parameters.append(field) }
        out += Array("$\(parameters.firstIndex(of: field)! + 1)".utf8)
        i = end
      } else {
        out.append(byte)
        i += 1
      }
    }
    return (String(decoding: out, as: UTF8.self), parameters)
  }

  func write(_ buffer: SinkBuffer) throws(RunFailure) -> [Refusal] {
    let fields = buffer.records!.children
    for row in 0..<buffer.count {
      for index in parameters {
        if fields[index].isNull(row) {
          starts.append(-1)
        } else {
          starts.append(texts.count)
          let isSpan = fields[index].shape.kind == .duration
          texts.postgres(fields[index], row, ServerColumn(name: "", oid: isSpan ? 1186 : 0))
          texts.byte(0)
        }
      }
    }
    rows += buffer.count
    return []
  }

  func commit() throws(RunFailure) -> [Refusal] {
    guard rows > 0 else { return [] }
    let refusals = try pool.with { client throws(RunFailure) in
      do throws(RunFailure) {
        try client.run("BEGIN")
        var refusals: [Refusal] = []
        try deliver(client, 0, rows, &refusals)
        try client.run("COMMIT")
        return refusals
      } catch {
        if !client.isBroken { _ = try? client.run("ROLLBACK") }
        throw error
      }
    }
    texts.count = 0
    starts.removeAll(keepingCapacity: true)
    rows = 0
    return refusals
  }

  /// Takes the rows apart until each that the server refuses stands alone.
  private func deliver(_ client: Client, _ from: Int, _ to: Int, _ refusals: inout [Refusal]) throws(RunFailure) {
    try client.run("SAVEPOINT pump")
    guard let refused = try send(client, from, to) else {
      try client.run("RELEASE SAVEPOINT pump")
      return
    }
    try client.run("ROLLBACK TO SAVEPOINT pump; RELEASE SAVEPOINT pump")
    guard refused.refusesData else { throw client.failure(refused) }
    if to - from == 1 {
      refusals.append(Refusal(row: from, message: refused.message))
      return
    }
    // Refusals lie scattered as a rule: many pieces first, of which most are taken whole, then halves.
    let size = to - from > 1024 ? (to - from) / 64 : (to - from + 1) / 2
    for start in stride(from: from, to: to, by: size) { try deliver(client, start, min(to, start + size), &refusals) }
  }

  /// Sends the statement for these rows without waiting for each; the first that failed, or nil.
  private func send(_ client: Client, _ from: Int, _ to: Int) throws(RunFailure) -> Result? {
    var failed: Result?
    var row = from
    while row < to, failed == nil {
      let end = min(to, row + 500)
      guard PQenterPipelineMode(client.handle) == 1 else { throw client.broken() }
      for each in row..<end {
        var values = (0..<parameters.count).map { index -> UnsafePointer<CChar>? in
          let start = starts[each * parameters.count + index]
          return start < 0 ? nil : UnsafeRawPointer(texts.base + start).assumingMemoryBound(to: CChar.self)
        }
        guard PQsendQueryParams(client.handle, sql, Int32(values.count), nil, &values, nil, nil, 0) == 1 else { throw client.broken() }
      }
      guard PQpipelineSync(client.handle) == 1 else { throw client.broken() }
      var done = false
      while !done {
        // Between the statements of a pipeline there is an empty result.
        guard let result = try client.next() else { continue }
        if result.isError {
          failed = failed ?? result
          if result.code.isEmpty, client.isBroken { throw client.broken() }
        }
        done = result.status == PGRES_PIPELINE_SYNC
      }
      guard PQexitPipelineMode(client.handle) == 1 else { throw client.broken() }
      row = end
    }
    return failed
  }

  func close(completed: Bool) throws(RunFailure) {}
}
#endif
