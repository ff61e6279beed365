import Foundation
import PumpTestSupport
import Testing

extension ConnectorTests {
  /// What `Http` asks for, and answers that are packed or refused.
  @Suite(.serialized) struct HttpRequestTests {
    private static func spec(_ url: String, _ lookup: String) -> String {
      """
      connection api: Http { base_url = "\(url)/v1" }
      type In { page: Int, text: String }
      type Found { target: String }
      pipeline p {
        source file.lines("in.ndjson") |> decode json as In |> lookup \(lookup) as found: Found
          |> map { target: .found?.target } |> encode json |> sink file.lines("out.ndjson")
        on error |> encode json |> sink file.lines("dead.ndjson")
      }
      """
    }
    private static let input = "{\"page\":1,\"text\":\"a&b=c?d /+é%41#\"}\n{\"page\":2,\"text\":\"/x y/z?q\"}\n"

    /// The values are those of RFC 3986: unreserved characters as they are, all else of data as percent signs.
    @Test(
      "D45: the query that a path has is sent, and data stay where they are put",
      arguments: [
        (
          "\"/orders?page=\\(.page)&q=\\(.text)\"",
          ["/v1/orders?page=1&q=a%26b%3Dc%3Fd%20%2F%2B%C3%A9%2541%23", "/v1/orders?page=2&q=%2Fx%20y%2Fz%3Fq"]
        ),
        ("\"/orders/\\(.text)\"", ["/v1/orders/a%26b%3Dc%3Fd%20%2F%2B%C3%A9%2541%23", "/v1/orders/%2Fx%20y%2Fz%3Fq"]),
        ("\"/o?\\(url_path(.text))\"", ["/v1/o?a%26b%3Dc%3Fd%20/%2B%C3%A9%2541%23", "/v1/o?/x%20y/z%3Fq"]),
        (".text", ["/v1/a%26b%3Dc%3Fd%20/%2B%C3%A9%2541%23", "/v1/x%20y/z%3Fq"]),
        ("if .page == 1 then \"/a?b=1\" else \"/\\(.page)?c\"", ["/v1/a?b=1", "/v1/2?c"]),
      ]) func queries(_ key: String, _ targets: [String]) throws
    {
      let server = try Server("web")
      let program = try TestProgram(Self.spec(server.text("url"), "api.get(key: \(key))"), files: ["in.ndjson": Self.input])
      let outcome = try program.run(seconds: 30)
      #expect(outcome.code == 0, "\(outcome.err)")
      #expect(program.lines("out.ndjson") == targets.map { "{\"target\":\"\($0)\"}" }, "\(program.read("dead.ndjson"))")
      #expect(try Set(server.tell("asked").split(separator: " ").map(String.init)) == Set(targets))
    }

    @Test("D45: the same compiled, and for a sink") func queriesCompiled() throws {
      let server = try Server("web")
      let program = try TestProgram(
        """
        connection api: Http { base_url = "\(server.text("url"))", pool { max = 1 } }
        type In { page: Int, text: String }
        pipeline p {
          source file.lines("in.ndjson") |> decode json as In |> encode json |> sink api.request("/x/\\(.text)?page=\\(.page)")
          on error halt
        }
        """, files: ["in.ndjson": Self.input])
      let built = try Support.run("pumpc", ["build", program.folder, "-o", program.folder + "/program"])
      #expect(built.code == 0, "\(built.err)")
      try program.start(executable: program.folder + "/program")
      #expect(try program.end().code == 0, "\(program.log)")
      #expect(try server.tell("asked") == "/x/a%26b%3Dc%3Fd%20%2F%2B%C3%A9%2541%23?page=1 /x/%2Fx%20y%2Fz%3Fq?page=2")
    }

    @Test("R12: answers of several members of gzip are read, and broken ones are no lost connection") func packedAnswers() throws {
      let server = try Server("web")
      let key = "if .page == 1 then \"/members\" else if .page == 2 then \"/broken\" else \"/br\""
      let program = try TestProgram(
        Self.spec(server.text("url"), "api.get(key: \(key))").replacing("/v1", with: ""),
        files: ["in.ndjson": Self.input + "{\"page\":3,\"text\":\"\"}\n"])
      let outcome = try program.run(seconds: 30)
      #expect(outcome.code == 0 && outcome.err.contains("2 failed") && !outcome.err.contains("is lost"), "\(outcome.err)")
      #expect(program.lines("out.ndjson") == ["{\"target\":\"/members\"}"])
      let dead = program.read("dead.ndjson")
      #expect(
        dead.contains("/broken: the body could not be unpacked (gzip)") && dead.contains("packed as `br`, which was not asked for"),
        "\(dead)")
      let polled = try TestProgram(
        """
        connection api: Http { base_url = "\(server.text("url"))" }
        pipeline p {
          source api.get("/broken", every: 10ms) { retry { attempts = 4 } } |> sink file.lines("out")
          on error halt
        }
        """)
      let ended = try polled.run(seconds: 30)
      #expect(ended.code == 1 && ended.err.contains("failed 4 times: connection `api`: GET "), "\(ended.err)")
      #expect(ended.err.contains("/broken: the body could not be unpacked (gzip)") && !ended.err.contains("is lost"), "\(ended.err)")
      #expect(try server.tell("asked").split(separator: " ").count { $0 == "/broken" } < 8)
    }

    @Test("M31: a refused request is told with its query, and what that holds secret is not") func refusedQueries() throws {
      let server = try Server("web")
      let key = "\"/status/400?page=\\(.page)&api_key=canary-91&Signature=canary-92\""
      let program = try TestProgram(
        Self.spec(server.text("url"), "api.get(key: \(key))").replacing("/v1", with: ""),
        files: ["in.ndjson": "{\"page\":7,\"text\":\"\"}\n"])
      #expect(try program.run(seconds: 30).code == 0, "\(program.log)")
      let dead = program.read("dead.ndjson")
      #expect(dead.contains("/status/400?page=7&api_key=***&Signature=*** was answered 400"), "\(dead)")
    }

    /// One target under both, compiled once.
    @Test func oneClient() throws {
      let server = try Server("elasticsearch")
      let program = try TestProgram(
        """
        connection es: Elasticsearch { nodes = env.ES }
        connection api: Http { base_url = env.ES }
        type In { page: Int, text: String }
        type Found { found: Bool }
        pipeline p {
          source file.lines("in.ndjson") |> decode json as In |> lookup api.get(key: "/orders/_doc/\\(.page)") as found: Found
            |> map { page: .page, was: .found?.found } |> sink es.index("orders", id: to_string(.page))
          on error halt
        }
        """, files: ["in.ndjson": Self.input], environment: ["ES": server.text("url")])
      _ = try Support.run("/usr/bin/curl", ["-s", "-X", "PUT", server.text("url") + "/orders"])
      let outcome = try program.run()
      #expect(outcome.code == 0 && outcome.err.contains("2 to es.index(orders)"), "\(outcome.err)")
      // An emitted package is built by Swift alone.
      let emitted = program.folder + "/emitted"
      let written = try Support.run("pumpc", ["emit", program.folder, "-o", emitted])
      #expect(written.code == 0, "\(written.err)")
      let described = try Support.run("/usr/bin/env", ["swift", "package", "--package-path", emitted, "describe"])
      #expect(described.code == 0, "\(described.err)")
    }
  }
}
