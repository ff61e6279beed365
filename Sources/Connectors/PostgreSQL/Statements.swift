#if PostgreSQL
internal import CPostgreSQL
import PumpConnectorKit

/// Statements of rows since the last commit, each with its arguments, sent in pipeline mode; each batch is one transaction.
final class Statements {
  private struct Statement {
    let sql: Int
    let firstArgument: Int
    let arguments: Int
    /// Changes a row that must be there.
    let meets: Bool
  }

  private let pool: ClientPool<Client>
  private let positions: PositionTable?
  private var sqls: [String] = []
  private var numbers: [String: Int] = [:]
  private var statements: [Statement] = []
  /// Texts of the arguments, each ended by a zero, and where each begins; -1 is null.
  private var texts = ByteBuffer(capacity: 64 << 10)
  private var starts: [Int] = []
  /// How many statements there are up to each row's end.
  private var ends: [Int] = []
  /// As `TableSink` has them.
  private var mayBeDone = false
  private var isStrict = false
  private var refused: [Int: String] = [:]
  /// Rows with a statement that found no row to change.
  private var unmet: Set<Int> = []

  init(_ pool: ClientPool<Client>, _ positions: PositionTable? = nil) {
    self.pool = pool
    self.positions = positions
  }

  deinit { texts.release() }

  var pending: Int { texts.count + 16 * statements.count }

  // MARK: Writing

  /// A statement of the row that is being written; its arguments follow.
  func add(_ sql: String, arguments: Int, meets: Bool = false) {
    let number = numbers[sql] ?? sqls.count
    if number == sqls.count {
      sqls.append(sql)
      numbers[sql] = number
    }
    statements.append(Statement(sql: number, firstArgument: starts.count, arguments: arguments, meets: meets))
  }

  func null() { starts.append(-1) }

  func argument(_ write: (inout ByteBuffer) -> Void) {
    starts.append(texts.count)
    write(&texts)
    texts.byte(0)
  }

  func endRow() { ends.append(statements.count) }

  // MARK: Commit

  /// Also gives how many rows had a statement that found nothing to change.
  func commit(_ changes: [PositionChange] = []) throws(RunFailure) -> (refusals: [Refusal], unmet: Int) {
    guard !ends.isEmpty || !changes.isEmpty else { return ([], 0) }
    let refusals = try pool.with { client throws(RunFailure) in
      do throws(RunFailure) {
        // Only a commit of positions may be done without being known to be.
        if mayBeDone, try positions!.holds(client, changes) { return [Refusal]() }
        mayBeDone = false
        return try deliver(client, changes)
      } catch {
        client.rollback()
        throw error
      }
    }
    let missed = unmet.count
    // The transaction that keeps positions waits until what it leaves out is routed.
    guard positions == nil || refusals.isEmpty else { return (refusals, 0) }
    texts.count = 0
    starts.removeAll(keepingCapacity: true)
    statements.removeAll(keepingCapacity: true)
    ends.removeAll(keepingCapacity: true)
    refused = [:]
    (mayBeDone, isStrict) = (false, false)
    return (refusals, missed)
  }

  private func deliver(_ client: Client, _ changes: [PositionChange]) throws(RunFailure) -> [Refusal] {
    while true {
      unmet = []
      try client.begin()
      var halving = Halving(client, isStrict: isStrict)
      try halving.deliver(ends.indices.filter { refused[$0] == nil }[...]) { rows, _ throws(RunFailure) in try send(client, rows) }
      let new = halving.refusals.sorted { $0.key < $1.key }.map { Refusal(row: $0.key, message: $0.value) }
      if let positions {
        if !new.isEmpty {
          refused.merge(halving.refusals) { $1 }
          client.rollback()
          return new
        }
        try positions.write(client, changes)
        mayBeDone = true
      }
      guard let late = try client.commit() else { return new }
      mayBeDone = false
      client.rollback()
      guard late.refusesData, !isStrict else { throw client.failure(late) }
      isStrict = true
    }
  }

  /// Sends the statements of these rows without waiting for each; the first that failed, or nil.
  private func send(_ client: Client, _ rows: ArraySlice<Int>) throws(RunFailure) -> Result? {
    let all = rows.flatMap { row in ((row == 0 ? 0 : ends[row - 1])..<ends[row]).map { (row: row, statement: statements[$0]) } }
    var failed: Result?
    for start in stride(from: 0, to: all.count, by: 500) where failed == nil {
      let part = all[start..<min(all.count, start + 500)]
      guard PQenterPipelineMode(client.handle) == 1 else { throw client.broken() }
      for (_, statement) in part {
        var values = (0..<statement.arguments).map { index -> UnsafePointer<CChar>? in
          let start = starts[statement.firstArgument + index]
          return start < 0 ? nil : UnsafeRawPointer(texts.base + start).assumingMemoryBound(to: CChar.self)
        }
        guard PQsendQueryParams(client.handle, sqls[statement.sql], Int32(values.count), nil, &values, nil, nil, 0) == 1 else {
          throw client.broken()
        }
      }
      guard PQpipelineSync(client.handle) == 1 else { throw client.broken() }
      var next = part.startIndex
      var done = false
      while !done {
        // Between the statements of a pipeline there is an empty result.
        guard let result = try client.next() else { continue }
        done = result.status == PGRES_PIPELINE_SYNC
        if result.isError {
          failed = failed ?? result
          if result.code.isEmpty, client.isBroken { throw client.broken() }
        } else if !done, next < part.endIndex {
          if part[next].statement.meets, result.changed == 0 { unmet.insert(part[next].row) }
          next += 1
        }
      }
      guard PQexitPipelineMode(client.handle) == 1 else { throw client.broken() }
    }
    return failed
  }
}
#endif
