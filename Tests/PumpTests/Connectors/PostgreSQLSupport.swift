import Foundation
import PumpTestSupport
import Testing

/// One PostgreSQL for many tests, each with tables of its own; it ends with the tests.
enum Postgres {
  private static let shared = Swift.Result { try Server("postgresql") }
  static func server() throws -> Server { try shared.get() }

  static func connection(_ more: String = "") -> String {
    "connection db: PostgreSQL { host = \"127.0.0.1\", database = \"app\", user = \"app\", password = env.PG_PASSWORD, sslmode = disable\n\(more) }\n"
  }

  /// A program with a connection `db`, of one pipeline unless the text says more.
  static func program(
    _ types: String, _ pipelines: String, files: [String: String] = [:], settings: [String] = [], port: String? = nil,
    connection more: String = ""
  ) throws -> TestProgram {
    try TestProgram(
      "\(types)\n\(connection(more))\(pipelines)", files: files,
      settings: try ["connection.db.port=\(port ?? server().port)"] + settings, environment: ["PG_PASSWORD": "s3cret"])
  }

  static let dead =
    "on error |> map { m: .message, p: .payload } |> encode json |> sink file.lines(\"dead.ndjson\", mode: append) }"

  /// A pipeline that loads `in.ndjson` by a sink; what is refused goes to `dead.ndjson`.
  static func load(_ type: String, _ sink: String) -> String {
    "pipeline load { source file.lines(\"in.ndjson\") |> decode json as \(type) |> sink \(sink)\n \(dead)"
  }

  /// The events that were refused.
  static func refused(_ program: TestProgram) -> [String] {
    program.lines("dead.ndjson").compactMap {
      (try? JSONSerialization.jsonObject(with: Data($0.utf8)) as? [String: Any])?["p"] as? String
    }
  }

  /// Rows of a query, columns split by `|`.
  static func rows(_ sql: String) throws -> [String] {
    let text = try server().tell("sql \(sql)")
    return text.isEmpty ? [] : text.components(separatedBy: "\\n")
  }
}
