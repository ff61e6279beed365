#if PostgreSQL
import PumpConnectorKit

/// Types by their numbers, as the replication protocol names them: domains by what they are made of, arrays by their elements.
final class ServerTypes {
  struct ServerType {
    /// Of a domain that of its base.
    let oid: UInt32
    /// Of an array that of its elements, which may be a domain.
    let element: UInt32?
    fileprivate let base: UInt32?
  }

  private let connection: Connection
  private var known: [UInt32: ServerType] = [:]

  init(_ connection: Connection) { self.connection = connection }

  /// Asks the server for what is not known yet, by a session of its own: the one that gives the changes takes no questions.
  func learn(_ oids: [UInt32]) throws(RunFailure) {
    var wanted = Set(oids.filter(isUnknown))
    if wanted.isEmpty { return }
    let client = try connection.attempt { () throws(RunFailure) in try Client(connection) }
    // A domain may be made of another, an array of either.
    while !wanted.isEmpty {
      let found = try client.run(
        """
        SELECT oid, CASE WHEN typtype = 'd' THEN typbasetype END, CASE WHEN typcategory = 'A' AND typlen = -1 THEN typelem END
        FROM pg_type WHERE oid IN (\(wanted.map(String.init).joined(separator: ", ")))
        """)
      // Of a type that is gone by now only the text is known.
      for oid in wanted { known[oid] = ServerType(oid: oid, element: nil, base: nil) }
      for row in 0..<found.rows {
        func number(_ column: Int) -> UInt32? { found.text(row, column).flatMap { UInt32($0) } }
        guard let oid = number(0) else { continue }
        known[oid] = ServerType(oid: oid, element: number(2), base: number(1))
      }
      wanted = Set(wanted.flatMap { [known[$0]?.base, known[$0]?.element].compactMap { $0 } }.filter(isUnknown))
    }
  }

  private func isUnknown(_ oid: UInt32) -> Bool {
    let family = ServerColumn(name: "", oid: oid).family
    return (family == .other || family == .array) && known[oid] == nil
  }

  /// What a type comes to in the end.
  subscript(oid: UInt32) -> ChangeType {
    guard let type = known[oid] else { return ChangeType(oid: oid, element: nil) }
    if let base = type.base { return self[base] }
    return ChangeType(oid: oid, element: type.element.map { self[$0].oid })
  }
}

/// A type without domains.
struct ChangeType {
  let oid: UInt32
  /// Of an array.
  let element: UInt32?
}
#endif
