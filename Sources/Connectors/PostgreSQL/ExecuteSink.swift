#if PostgreSQL
import PumpConnectorKit

/// `execute`: one statement for each event, its arguments bound; each batch is one transaction.
final class ExecuteSink: Sink {
  private let sql: String
  /// Fields of the event, by the statement's parameters.
  private let parameters: [Int]
  private let statements: Statements

  init(_ pool: ClientPool<Client>, _ context: EndpointContext) throws(RunFailure) {
    let shape = context.spec.shape!
    let (sql, names) = SQL.numbered(PostgreSQLExecuteSinkArguments(context.settings).sql)
    self.sql = sql
    parameters = try names.map { name throws(RunFailure) in
      guard let field = shape.fields.firstIndex(where: { $0.name == name }) else {
        throw RunFailure(
          "sink `\(context.spec.label)`: the event has no field `\(name)`; it has \(shape.fields.map(\.name).joined(separator: ", "))")
      }
      return field
    }
    statements = Statements(pool)
  }

  var refusesLate: Bool { true }
  var pending: Int { statements.pending }

  func write(_ buffer: SinkBuffer) throws(RunFailure) -> [Refusal] {
    let fields = buffer.records!.children
    for row in 0..<buffer.count {
      statements.add(sql, arguments: parameters.count)
      for index in parameters {
        if fields[index].isNull(row) {
          statements.null()
        } else {
          let isSpan = fields[index].shape.kind == .duration
          statements.argument { $0.postgres(fields[index], row, ServerColumn(name: "", oid: isSpan ? 1186 : 0)) }
        }
      }
      statements.endRow()
    }
    return []
  }

  func commit() throws(RunFailure) -> [Refusal] { try statements.commit().refusals }

  func close(completed: Bool) throws(RunFailure) {}
}
#endif
