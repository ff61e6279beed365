import Foundation
import PumpTestSupport
import Testing

extension ConnectorTests {
  /// Elasticsearch and Http on a strict stand-in that elasticsearch-py accepts, or a real server by `ELASTICSEARCH_URL`.
  @Suite(.serialized) struct ElasticsearchTests {
    private static let types = "type Order { id: Int, customer: String, amount: Decimal }\n"
    private static let connection = "connection es: Elasticsearch { nodes = env.ES }\n"
    private static let real = ProcessInfo.processInfo.environment["ELASTICSEARCH_URL"]
    private static func load(_ index: String, _ more: String = "") -> String {
      types + connection
        + """
        pipeline load {
          source file.lines("orders.ndjson") |> decode json as Order |> sink es.index("\(index)"\(more))
          on error |> encode json |> sink file.lines("dead.ndjson")
        }
        """
    }

    private func program(_ server: Server?, _ spec: String, orders count: Int = 0) throws -> TestProgram {
      try TestProgram(
        spec, files: count > 0 ? ["orders.ndjson": orders(count)] : [:], environment: ["ES": Self.real ?? server!.text("url")])
    }

    @Test func loadsAndReadsBack() throws {
      let server = Self.real == nil ? try Server("elasticsearch") : nil
      let index = "orders-\(UUID().uuidString.prefix(8).lowercased())"
      let loaded = try program(server, Self.load(index, ", id: to_string(.id)"), orders: 3000).run()
      #expect(loaded.code == 0, "\(loaded.err)")
      // What was indexed can be searched after a refresh.
      _ = try Support.run("/usr/bin/curl", ["-s", "-X", "POST", "\(Self.real ?? server!.text("url"))/\(index)/_refresh"])
      let back = try program(
        server,
        Self.types + Self.connection
          + "pipeline read { source es.search(\"\(index)\", order: [id]) as Order |> encode json |> sink file.lines(\"out.ndjson\")\n on error halt }"
      )
      let read = try back.run()
      #expect(read.code == 0, "\(read.err)")
      #expect(back.read("out.ndjson") == orders(3000))
    }

    /// An index is copied with the fields that no type declares.
    @Test func openDocuments() throws {
      let server = Self.real == nil ? try Server("elasticsearch") : nil
      let index = "docs-\(UUID().uuidString.prefix(8).lowercased())"
      let lines = "{\"id\":1,\"@timestamp\":\"2026-01-01\",\"deep\":{\"a\":[1,null]}}\n{\"id\":2,\"name\":\"a\"}\n[1]\n"
      let loaded = try TestProgram(
        Self.connection
          + """
          pipeline load {
            source file.lines("in.ndjson") |> decode json as Json |> sink es.index("\(index)", id: to_string(.id))
            on error |> map .message |> encode text |> sink file.lines("dead.txt")
          }
          """, files: ["in.ndjson": lines], environment: ["ES": Self.real ?? server!.text("url")])
      let outcome = try loaded.run()
      #expect(outcome.code == 0, "\(outcome.err)")
      #expect(loaded.lines("dead.txt") == ["[1] is no object"])
      _ = try Support.run("/usr/bin/curl", ["-s", "-X", "POST", "\(Self.real ?? server!.text("url"))/\(index)/_refresh"])
      let back = try program(
        server,
        "type Open { id: Int, ...rest: Json }\n" + Self.connection
          + """
          pipeline read {
            source es.search("\(index)", order: [id]) as Open
              |> lookup es.document("\(index)", key: to_string(.id)) as whole: Json
              |> encode json |> sink file.lines("out.ndjson")
            on error halt
          }
          pipeline all { source es.search("\(index)") as Json |> encode json |> sink file.lines("all.ndjson") \n on error halt }
          """)
      let read = try back.run()
      #expect(read.code == 0, "\(read.err)")
      let given = lines.split(separator: "\n").map(String.init)
      #expect(
        back.lines("out.ndjson") == [
          #"{"id":1,"whole":\#(given[0]),"@timestamp":"2026-01-01","deep":{"a":[1,null]}}"#, #"{"id":2,"whole":\#(given[1]),"name":"a"}"#,
        ])
      #expect(Set(back.lines("all.ndjson")) == Set(given.prefix(2)))
    }

    /// A sink that sends ahead of its commit leaves a client to the commits of others.
    @Test(.enabled(if: real == nil)) func sinksShareOneClient() throws {
      let server = try Server("elasticsearch")
      let spec =
        Self.types + "connection es: Elasticsearch { nodes = env.ES, pool { max = 1, acquire_timeout = 2s } }\n"
          + """
          pipeline load {
            source file.lines("orders.ndjson") |> decode json as Order
              |> tee { filter .id % 100 == 0 |> sink es.index("few", id: to_string(.id)) }
              |> sink es.index("all", id: to_string(.id))
            on error halt
          }
          """
      let outcome = try program(server, spec, orders: 20_000).run()
      #expect(outcome.code == 0 && outcome.err.contains("200 to es.index(few), 20,000 to es.index(all)"), "\(outcome.err)")
    }

    /// A reply of 200 may hold failed items, a server may be busy, and a reply may be lost: each document is there once.
    @Test(
      .enabled(if: real == nil),
      arguments: ["fail-item 429 200", "fail-item 503 100", "fail 429 2", "fail 503 2", "drop-before 1", "drop-after 1"])
    func everyDocumentOnce(_ fault: String) throws {
      let server = try Server("elasticsearch")
      try server.tell(fault)
      let program = try program(server, Self.load("orders"), orders: 2000)
      let outcome = try program.run()
      #expect(outcome.code == 0, "\(outcome.err)")
      #expect(try server.tell("count orders") == "2000")
      #expect(program.lines("dead.ndjson").isEmpty)
    }

    @Test(.enabled(if: real == nil)) func refusedItemsGoAside() throws {
      let server = try Server("elasticsearch")
      try server.tell("fail-item 400 7")
      let program = try program(server, Self.load("orders"), orders: 500)
      #expect(try program.run().code == 0)
      #expect(program.lines("dead.ndjson").count == 7)
      #expect(try server.tell("count orders") == "493")
    }

    @Test(.enabled(if: real == nil)) func loginIsClear() throws {
      let server = try Server("elasticsearch", "--auth")
      let spec = Self.load("orders").replacing("nodes = env.ES", with: "nodes = env.ES, user = \"elastic\", password = env.ES_PASSWORD")
      for (password, code) in [("canary-79", Int32(1)), ("s3cret", 0)] {
        let program = try TestProgram(
          spec, files: ["orders.ndjson": orders(10)], environment: ["ES": server.text("url"), "ES_PASSWORD": password])
        let outcome = try program.run()
        #expect(outcome.code == code && !outcome.err.contains(password), "\(outcome.err)")
      }
    }

    /// `Http` against the same server, whose interface is HTTP.
    @Test(.enabled(if: real == nil)) func httpAsksAndSends() throws {
      let server = try Server("elasticsearch")
      let program = try TestProgram(
        """
        type Order { id: Int, customer: String }
        type Info { version: { number: String } }
        connection web: Http { base_url = env.ES }
        pipeline send {
          source file.lines("orders.ndjson") |> decode json as Order |> encode json
            |> sink web.request("/orders/_doc/\\(.id)", method: PUT)
          on error |> encode json |> sink file.lines("dead.ndjson")
        }
        pipeline ask {
          source web.get("/") |> decode json as Info |> map { v: .version.number, s: meta.status } |> encode json |> sink file.lines("info.ndjson")
          on error halt
        }
        """, files: ["orders.ndjson": orders(200)], environment: ["ES": server.text("url")])
      let outcome = try program.run()
      #expect(outcome.code == 0, "\(outcome.err)")
      #expect(try server.tell("count orders") == "200")
      #expect(program.read("info.ndjson").contains("\"s\":200"))
    }
  }
}
