#if PostgreSQL
internal import CPostgreSQL
import Glibc
import PumpConnectorKit

extension Client {
  func broken() -> RunFailure {
    let text = String(cString: PQerrorMessage(handle)).trimmed
    return connection.failure(text.isEmpty ? "the session ended" : text.replacing("\n", with: " "), transient: true)
  }

  /// A failed statement: what the server said, and what would help.
  func failure(_ result: Result) -> RunFailure {
    if isBroken || result.code.isEmpty { return broken() }
    let help: String
    switch result.code {
    case "42P01": help = "create the table, or check its name"
    case "42703": help = "check the names of its columns"
    case "42501": help = "grant the user what it needs"
    case "42P10": help = "check the columns that it names"
    case "25006": help = readOnly.help
    case "53100": help = "free space on the server's disk"
    case "57014": help = "it took longer than statement_timeout"
    case "55006": help = "another session uses it: end that, or name another slot"
    default: help = result.hint.isEmpty ? "" : result.hint
    }
    let isTransient = result.code == "25006" ? readOnly.mayPass : Client.isTransient(result.code)
    return connection.failure(result.message + (help.isEmpty ? "" : "; " + help), transient: isTransient)
  }

  /// Why the session only reads: a replica may become the primary, while a session that is made so stays so.
  private var readOnly: (help: String, mayPass: Bool) {
    func says(_ name: String) -> String? { PQparameterStatus(handle, name).map { String(cString: $0) } }
    if says("in_hot_standby") != "on", says("default_transaction_read_only") == "on" {
      let isOurs = getenv("PGOPTIONS").map { String(cString: $0).contains("read_only") } ?? false
      let origin = isOurs ? "PGOPTIONS of the environment" : "the role, the database or the server"
      return ("\(origin) sets default_transaction_read_only: take that out", !isOurs)
    }
    return ("the server is read-only: is it a replica?", true)
  }

  /// Lost sessions, conflicts with others, full or stopping servers pass; the rest stays.
  private static func isTransient(_ code: String) -> Bool {
    ["08", "40", "53", "57", "58"].contains(String(code.prefix(2))) || code == "55P03" || code == "55006"
  }
}

/// What the server answered to one statement.
final class Result {
  let handle: OpaquePointer
  init(_ handle: OpaquePointer) { self.handle = handle }
  deinit { PQclear(handle) }

  var status: ExecStatusType { PQresultStatus(handle) }
  var isError: Bool { status == PGRES_FATAL_ERROR || status == PGRES_BAD_RESPONSE || status == PGRES_PIPELINE_ABORTED }
  private func field(_ code: Character) -> String {
    PQresultErrorField(handle, Int32(code.asciiValue!)).map { String(cString: $0) } ?? ""
  }
  /// SQLSTATE; empty where the session was lost.
  var code: String { field("C") }
  var message: String { field("M") }
  var hint: String { field("H") }
  var detail: String { field("D") }
  /// The line of a COPY that is said to be at fault, from `COPY orders, line 3, column amount: …`. It is one line of the
  /// context among others, which may hold numbers of lines, too (of JSON, of a function), and be in any language: a guess.
  var line: Int? {
    for context in field("W").split(separator: "\n").reversed() where context.hasPrefix("COPY ") {
      guard let comma = context.firstIndex(of: ",") else { continue }
      let digits = context[comma...].drop { !$0.isNumber }.prefix { $0.isNumber }
      if let line = Int(digits) { return line }
    }
    return nil
  }
  /// The event is at fault: data that does not fit, a constraint that it breaks, or what a trigger raises.
  var refusesData: Bool { ["22", "23", "44", "P0", "38", "09"].contains(String(code.prefix(2))) || code == "54000" }
  var rows: Int { Int(PQntuples(handle)) }
  /// Rows that the statement has changed.
  var changed: Int { Int(String(cString: PQcmdTuples(handle))) ?? 0 }
  var columns: [ServerColumn] {
    (0..<PQnfields(handle)).map { ServerColumn(name: String(cString: PQfname(handle, $0)), oid: PQftype(handle, $0)) }
  }
  func text(_ row: Int, _ column: Int) -> String? {
    PQgetisnull(handle, Int32(row), Int32(column)) == 1 ? nil : String(cString: PQgetvalue(handle, Int32(row), Int32(column)))
  }
  /// The bytes of a value, valid as long as the result.
  func bytes(_ row: Int, _ column: Int) -> Text? {
    guard PQgetisnull(handle, Int32(row), Int32(column)) == 0, let base = PQgetvalue(handle, Int32(row), Int32(column)) else { return nil }
    let count = Int(PQgetlength(handle, Int32(row), Int32(column)))
    return base.withMemoryRebound(to: UInt8.self, capacity: count) { Text($0, count) }
  }
}

/// What the server says beside its answers: it goes to the log, of many of a session the first few.
final class Notices {
  private let connection: Connection
  private var count = 0
  private var last = ""
  private static let limit = 10

  init(_ connection: Connection) { self.connection = connection }

  static func take(_ context: UnsafeMutableRawPointer, _ result: OpaquePointer) {
    Unmanaged<Notices>.fromOpaque(context).takeUnretainedValue().take(result)
  }

  private func take(_ result: OpaquePointer) {
    func field(_ code: Character) -> String {
      PQresultErrorField(result, Int32(code.asciiValue!)).map { String(cString: $0) } ?? ""
    }
    let message = field("M")
    guard count < Self.limit, message != last else { return }
    (count, last) = (count + 1, message)
    let end = count == Self.limit ? "; further ones of this session are left out" : ""
    let text = "connection `\(connection.id)`: the server says: \(Shape.clean(message))\(end)"
    if field("V") == "WARNING" {
      connection.logger.warning(text, connection: connection.id)
    } else {
      connection.logger.info(text, connection: connection.id)
    }
  }
}
#endif
