import Foundation
import PumpTestSupport
import Testing

extension ConnectorTests {
  /// A property: whatever is set for the server, the database and the role, the same rows are read and written.
  @Suite(.serialized) struct PostgreSQLSettingsTests {
    /// What changes how a server writes and reads values, or how it goes about it.
    private static let settings: [(name: String, values: [String])] = [
      ("datestyle", ["'ISO, DMY'", "'German, DMY'", "'SQL, MDY'", "'SQL, DMY'", "'Postgres, YMD'"]),
      ("intervalstyle", ["postgres", "postgres_verbose", "sql_standard", "iso_8601"]),
      ("timezone", ["'UTC'", "'Europe/Prague'", "'America/New_York'", "'Asia/Kathmandu'", "'Pacific/Apia'"]),
      ("bytea_output", ["hex", "escape"]), ("extra_float_digits", ["-15", "0", "1", "3"]),
      ("standard_conforming_strings", ["on", "off"]), ("escape_string_warning", ["on", "off"]),
      ("backslash_quote", ["on", "off", "safe_encoding"]), ("array_nulls", ["on", "off"]), ("transform_null_equals", ["on", "off"]),
      ("client_encoding", ["UTF8", "LATIN1", "SQL_ASCII", "WIN1252"]), ("lc_messages", ["'C'", "'POSIX'"]),
      ("lc_monetary", ["'C'", "'POSIX'"]), ("lc_numeric", ["'C'", "'POSIX'"]), ("lc_time", ["'C'", "'POSIX'"]),
      ("default_transaction_isolation", ["'read committed'", "'repeatable read'", "serializable"]),
      ("default_transaction_deferrable", ["on", "off"]), ("plan_cache_mode", ["force_generic_plan", "force_custom_plan"]),
      ("quote_all_identifiers", ["on", "off"]), ("synchronous_commit", ["on", "off"]), ("enable_seqscan", ["on", "off"]),
    ]
    private static let columns =
      "id int primary key, at timestamptz, local timestamp, day date, pause interval, data bytea, f float8, fs float8[], n numeric, note text, tags text[], blobs bytea[], moments timestamptz[], days date[], j jsonb, u uuid, b bool"
    private static let rows = [
      #"1, '2026-07-05 12:00:00.5+00', '2026-07-05 12:00:00', '2024-02-29', '-1 day 02:00:00', '\x0102', 1e-300, '{0.1,NULL}', 12345678901234567890.120, 'tab\t ''q'' \\ ü €', '{"a b",NULL,"q\"\\",""}', '{"\\x5c00",NULL,"\\x"}', '{2026-03-29 01:30:00+00}', '{2024-02-29,1999-12-31}', '{"a": [1, null, "\\"]}', 'a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11', true"#,
      #"2, '1969-12-31 23:59:59.999999+00', '0001-01-01 00:00:00', '0001-01-01', '400 days 00:00:00.000001', '', 0.1, '{}', -0.5, '', '{}', '{}', '{}', '{}', 'null', '00000000-0000-0000-0000-000000000000', false"#,
      #"3, '9999-12-31 23:59:59.999999+00', '2026-10-25 02:30:00', '9999-12-31', '00:00:00', '\x00ff5c27', 1.7976931348623157e308, '{-0,5e-324,1.1}', 0, 'NULL', '{NULL,"NULL"}', '{NULL}', '{1900-01-01 00:00:00+00}', '{1900-01-01}', '"x"', 'ffffffff-ffff-ffff-ffff-ffffffffffff', true"#,
    ]
    private static let type = """
      type Row { id: Int, at: Timestamp, local: Timestamp, day: Date, pause: Duration, data: Bytes, f: Float, fs: [Float?], n: Decimal,
        note: String, tags: [String?], blobs: [Bytes?], moments: [Timestamp], days: [Date], j: Json, u: Uuid, b: Bool }
      """

    @Test("D12, D18: the same rows are read and written, whatever is set and by whom") func permuted() throws {
      let server = try Postgres.server()
      // Made under the server's own settings: how a text is read depends on them, too.
      for name in ["permuted", "permuted_upsert", "permuted_load"] { try server.tell("sql create table \(name) (\(Self.columns))") }
      for row in Self.rows { try server.tell("sql insert into permuted values (\(row))") }
      var random = Support.Random(12)
      var first: String?
      for round in 0..<8 {
        // None first, then about half of all, each for the role, the database or the server.
        let chosen = round == 0 ? [] : Self.settings.filter { _ in Bool.random(using: &random) }
        let statements = chosen.map { setting in
          "alter \(["role app", "database app", "system"].randomElement(using: &random)!) set \(setting.name) = \(setting.values.randomElement(using: &random)!)"
        }
        for statement in statements { try server.tell("sql \(statement)") }
        defer { for place in ["role app", "database app", "system"] { _ = try? server.tell("sql alter \(place) reset all") } }
        try server.tell("sql select pg_reload_conf()")
        try server.tell("sql truncate permuted_upsert, permuted_load")
        let copies = ["permuted_upsert\", key: [id]", "permuted_load\""].enumerated().map { number, sink in
          "pipeline copy\(number) { source db.table(\"permuted\", order: [id]) as Row |> sink db.table(\"\(sink))\n on error halt }\n"
        }
        let program = try Postgres.program(
          Self.type,
          copies.joined() + """
            pipeline read { source db.table("permuted", order: [id]) as Row |> encode json |> sink file.lines("rows.ndjson")
              on error halt }
            """)
        #expect(try program.run().code == 0, "\(statements): \(program.log)")
        for copy in ["permuted_upsert", "permuted_load"] {
          let same = try server.tell("sql select count(*) from permuted x join \(copy) y on x is not distinct from y")
          #expect(same == "\(Self.rows.count)", "\(copy), \(statements)")
        }
        first = first ?? program.read("rows.ndjson")
        #expect(program.read("rows.ndjson") == first, "\(statements)")
      }
      #expect(first?.split(separator: "\n").count == Self.rows.count)
      try server.tell("sql select pg_reload_conf()")
    }
  }
}
