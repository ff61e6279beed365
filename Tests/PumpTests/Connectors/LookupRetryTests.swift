import Foundation
import PumpTestSupport
import Testing

extension ConnectorTests {
  /// What becomes of events whose lookup's system is down, or ends each connection over one of them.
  @Suite(.serialized) struct LookupRetryTests {
    private static func spec(_ connection: String, _ lookup: String, _ route: String) -> String {
      """
      \(connection)
      type In { id: Int }
      type Found { target: String? }
      pipeline p {
        source file.lines("in.ndjson") |> decode json as In |> lookup \(lookup) as found: Found
          |> map { id: .id, target: .found?.target } |> encode json |> sink file.lines("out.ndjson", mode: append)
        on error \(route)
      }
      """
    }
    private static let input = "{\"id\":1}\n{\"id\":2}\n"
    private static let routes = ["skip", "|> encode json |> sink file.lines(\"dead\", mode: append)"]
    private static func conf(_ settings: String) -> String {
      "[general]\nstate = state\nshutdown_timeout = 1s\n\n[connection:c]\n\(settings)\n"
    }

    /// Stops a program whose lookup waits: nothing is told of its events, and the next run has them all.
    private func stopsAndComesBack(_ program: TestProgram, executable: String? = nil, _ start: () throws -> Void) throws {
      try program.start(executable: executable)
      #expect(program.wait { program.log.contains("trying again (attempt 4)") }, "\(program.log)")
      let outcome = try program.stop()
      #expect(outcome.code == 1 && outcome.err.contains("gave no answer before the end of shutdown_timeout"), "\(outcome.err)")
      #expect(outcome.err.contains("0 failed") && program.read("out.ndjson") == "" && program.read("dead") == "", "\(outcome.err)")
      let kept = (try? FileManager.default.contentsOfDirectory(atPath: program.folder + "/state")) ?? []
      #expect(!kept.contains { $0.hasSuffix(".position") })
      try start()
      try program.start(executable: executable)
      let again = try program.end(seconds: 60)
      #expect(again.code == 0 && again.err.contains("2 in"), "\(again.err)")
      #expect(program.lines("out.ndjson").count == 2 && program.read("dead") == "", "\(program.read("out.ndjson"))")
    }

    @Test("D5: a stop while an HTTP lookup waits neither fails nor acknowledges", arguments: routes, [false, true])
    func stopWithHttp(_ route: String, _ isCompiled: Bool) throws {
      let port = try Server("web").port
      let spec = Self.spec("connection c: Http { base_url = \"http://127.0.0.1:\(port)\" }", "c.get(key: \"/\\(.id)\")", route)
      let program = try TestProgram(spec, files: ["in.ndjson": Self.input, "pipelines.conf": Self.conf("")])
      var executable: String?
      if isCompiled {
        executable = program.folder + "/program"
        let built = try Support.run("pumpc", ["build", program.folder, "-o", executable!])
        #expect(built.code == 0, "\(built.err)")
      }
      var server: Server?
      try stopsAndComesBack(program, executable: executable) { server = try Server("web", "--port", port) }
      withExtendedLifetime(server) {}
    }

    @Test("D5: a stop while a PostgreSQL lookup waits neither fails nor acknowledges", arguments: routes)
    func stopWithPostgreSQL(_ route: String) throws {
      let server = try Server("postgresql")
      try server.tell("sql create table targets (id bigint primary key, target text)")
      try server.tell("stop")
      let connection =
        "connection c: PostgreSQL { host = \"127.0.0.1\", port = \(server.port), database = \"app\", user = \"app\", sslmode = disable, password = env.PW }"
      let program = try TestProgram(
        Self.spec(connection, "c.table(\"targets\", key: .id)", route), files: ["in.ndjson": Self.input, "pipelines.conf": Self.conf("")],
        environment: ["PW": "s3cret"])
      try stopsAndComesBack(program) { try server.tell("start") }
    }

    /// What cannot come back ends the run, and no event is to blame.
    @Test("D5: a lookup's connection that has failed for good ends the run", arguments: routes)
    func givesUp(_ route: String) throws {
      let port = try Server("web").port
      let spec = Self.spec("connection c: Http { base_url = \"http://127.0.0.1:\(port)\" }", "c.get(key: \"/\\(.id)\")", route)
      let program = try TestProgram(
        spec, files: ["in.ndjson": Self.input, "pipelines.conf": Self.conf("reconnect.give_up_after = 1s")])
      let outcome = try program.run(seconds: 30)
      #expect(outcome.code == 1 && outcome.err.contains("cannot reach 127.0.0.1:\(port)"), "\(outcome.err)")
      #expect(outcome.err.contains("0 failed") && program.read("dead") == "", "\(outcome.err)")
    }

    @Test("R11: a lookup that ends each connection fails its event after so many attempts, and no other")
    func poison() throws {
      let server = try Server("web")
      let spec = Self.spec(
        "connection c: Http { base_url = \"\(server.text("url"))\" }",
        "c.get(key: if .id % 5 == 0 then \"/drop/\\(.id)\" else \"/\\(.id)\") { retry { attempts = 3 } }", Self.routes[1])
      let program = try TestProgram(spec, files: ["in.ndjson": (1...12).map { "{\"id\":\($0)}\n" }.joined()])
      let outcome = try program.run(seconds: 60)
      #expect(outcome.code == 0 && outcome.err.contains("12 in") && outcome.err.contains("2 failed"), "\(outcome.err)")
      #expect(program.lines("out.ndjson").count == 10)
      #expect(program.lines("dead").count { $0.contains("`c.get` failed 3 times: connection `c`: ") } == 2, "\(program.read("dead"))")
    }

    @Test("R11: a source has a bounded retry")
    func sources() throws {
      let server = try Server("web")
      let program = try TestProgram(
        """
        connection c: Http { base_url = "\(server.text("url"))" }
        pipeline p {
          source c.get("/status/503", every: 10ms) { retry { attempts = 3 } } |> sink file.lines("out")
          on error halt
        }
        """)
      let outcome = try program.run(seconds: 30)
      #expect(outcome.code == 1 && outcome.err.contains("`c.get(/status/503)` failed 3 times: connection `c`: GET "), "\(outcome.err)")
      #expect(try server.tell("asked").split(separator: " ").count == 3)
    }
  }
}
