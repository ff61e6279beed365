import Foundation
import PumpTestSupport
import Testing

extension ConnectorTests {
  /// `reply`: each sender gets what became of its own event, once that is durable.
  @Suite(.serialized) struct WebhookReplyTests {
    private static let spec = """
      connection hooks: Webhook { port = 0, allowed_origins = ["https://shop.example"] }
      connection base: SQLite { path = "base.db", busy_timeout = 30s }
      type Order { id: Int, qty: Int }

      pipeline orders {
        source hooks.post("/orders")
          |> decode json as Order
          |> assert .qty > 0, "qty must be positive"
          |> filter .id != 7
          |> set { share: 100 / (.qty - 13) }
          |> tee { sink base.table("orders", key: [id]) { batch { linger = 10ms } } }
          |> route {
            when .id < 1000 => encode json |> reply { status = if .id == 1 then 200 else 201 }
            when .id == 1001 => encode json |> reply { status = 42 }
            when .id == 1002 => encode json |> reply { content_type = "a\\nb: c" }
            when .id == 1003 => map { id } |> discard
            else => map "big \\(.id)" |> encode text |> reply { content_type = "text/plain", status = 202 }
          }
        on error |> encode json |> sink file.lines("dead.ndjson", mode: append)
      }

      pipeline prices {
        source hooks.get("/orders")
          |> decode json as { sku: String, n: String? }
          |> map { sku: .sku, total: 2 * to_int(.n ?? "1") }
          |> encode json
          |> @answer reply
        on error skip
      }

      test "a reply is seen as a sink is" for prices {
        given json { sku: "A", n: "4" }
        expect @answer == [{ sku: "A", total: 8 }]
      }

      """

    private func started(_ program: TestProgram, _ executable: String? = nil) throws -> String {
      try program.start(executable: executable)
      #expect(program.wait { program.log.contains("listening on ") }, "\(program.log)")
      return program.address ?? ""
    }

    private func check(_ program: TestProgram, _ executable: String? = nil) throws {
      let orders = try started(program, executable) + "/orders"
      func ask(_ body: String, _ more: [String] = []) throws -> String { try curl(["-i", "--data-binary", body] + more + [orders]) }
      let first = try ask("{\"id\":1,\"qty\":2}")
      #expect(first.hasPrefix("HTTP/1.1 200 OK\r\n") && first.contains("Content-Type: application/json\r\n"), "\(first)")
      #expect(first.hasSuffix("\r\n\r\n{\"id\":1,\"qty\":2,\"share\":-9}"), "\(first)")
      #expect(try ask("{\"id\":2,\"qty\":3}").hasPrefix("HTTP/1.1 201 Created\r\n"))
      let big = try ask("{\"id\":2000,\"qty\":3}")
      #expect(big.hasPrefix("HTTP/1.1 202 ") && big.contains("Content-Type: text/plain\r\n") && big.hasSuffix("\r\n\r\nbig 2000"), "\(big)")
      // Filtered, and ended elsewhere.
      for id in [7, 1003] {
        let none = try ask("{\"id\":\(id),\"qty\":3}")
        #expect(none.hasPrefix("HTTP/1.1 204 No Content\r\n") && !none.contains("Content-Length") && none.hasSuffix("\r\n\r\n"), "\(none)")
      }
      let problems = [
        ("no json", 400, "Bad Request", "not valid JSON at byte 0: found no json", "decode"),
        ("{\"id\":3,\"qty\":0}", 422, "Unprocessable Content", "qty must be positive", "assert"),
        ("{\"id\":3,\"qty\":13}", 422, "Unprocessable Content", "division of 100 by zero", "expression"),
        // What a sink says is not for senders.
        ("{\"id\":13,\"qty\":1}", 422, "Unprocessable Content", "the event was not taken", "refused"),
        ("{\"id\":1001,\"qty\":1}", 422, "Unprocessable Content", "the event was not taken", "refused"),
        ("{\"id\":1002,\"qty\":1}", 422, "Unprocessable Content", "the event was not taken", "refused"),
      ]
      for (body, status, title, detail, reason) in problems {
        let answer = try ask(body)
        #expect(
          answer.hasPrefix("HTTP/1.1 \(status) \(title)\r\n") && answer.contains("Content-Type: application/problem+json\r\n"), "\(answer)")
        let document = #"{"type":"about:blank","title":"\#(title)","status":\#(status),"detail":"\#(detail)","reason":"\#(reason)"}"#
        #expect(answer.hasSuffix("\r\n\r\n" + document), "\(answer)")
      }
      #expect(program.lines("dead.ndjson").count == problems.count)

      // Requests that only ask.
      let price = try curl(["-i", orders + "?sku=A%201&n=4"])
      #expect(price.hasPrefix("HTTP/1.1 200 OK\r\n") && price.hasSuffix("{\"sku\":\"A 1\",\"total\":8}"), "\(price)")
      let head = try curl(["-I", orders + "?sku=A&n=400"])
      #expect(head.hasPrefix("HTTP/1.1 200 OK\r\n") && head.contains("Content-Length: 23\r\n") && head.hasSuffix("\r\n\r\n"), "\(head)")
      #expect(try curl(["-i", orders + "?n=1"]).contains(".sku: missing, expected String"))
      #expect(try curl(["-i", "-X", "GET", "-d", "x", orders]).contains(" 400 "))
      let method = try curl(["-i", "-X", "DELETE", orders])
      #expect(method.contains(" 405 ") && method.contains("Allow: GET, HEAD, POST, PUT\r\n"), "\(method)")

      // Browsers ask first, and read answers of their own origin alone.
      let mine = ["-H", "Origin: https://shop.example"]
      let asked = try curl(
        ["-i", "-X", "OPTIONS", "-H", "Access-Control-Request-Method: PUT", "-H", "Access-Control-Request-Headers: Content-Type"] + mine + [
          orders
        ])
      for line in [
        "HTTP/1.1 204 ", "Access-Control-Allow-Origin: https://shop.example\r\n", "Access-Control-Allow-Methods: GET, HEAD, POST, PUT\r\n",
        "Access-Control-Allow-Headers: content-type\r\n",
      ] { #expect(asked.contains(line), "\(asked)") }
      #expect(try ask("no json", mine).contains("Access-Control-Allow-Origin: https://shop.example\r\n"))
      let other = try ask("{\"id\":1,\"qty\":2}", ["-H", "Origin: https://evil.example"])
      #expect(
        other.hasPrefix("HTTP/1.1 200 ") && !other.contains("Access-Control-Allow-Origin") && other.contains("Vary: Origin"), "\(other)")

      try manyAtOnce(program, orders)
      let end = try program.stop()
      #expect(end.code == 0, "\(end.err)")
    }

    /// Each of 300 senders at once gets its own.
    private func manyAtOnce(_ program: TestProgram, _ orders: String) throws {
      let one = #"curl -s --max-time 30 -d '{"id":{},"qty":2}' -w " %{http_code}" ORDERS"#.replacing("ORDERS", with: orders)
      let whole = "printf \"%s\\n\" \"$(\(one))\" >> \(program.folder)/answers"
      _ = try Support.run("/bin/sh", ["-c", "seq 100 399 | xargs -P 30 -I{} sh -c '\(whole.replacing("'", with: "'\\''"))'"])
      let answers = program.lines("answers")
      try FileManager.default.removeItem(atPath: program.folder + "/answers")
      #expect(answers.sorted() == (100...399).map { "{\"id\":\($0),\"qty\":2,\"share\":-9} 201" }.sorted())
    }

    private func program(_ files: [String: String] = [:]) throws -> TestProgram {
      let program = try TestProgram(Self.spec, files: files)
      let table = "create table orders (id integer primary key, qty integer, share integer, check (id <> 13))"
      #expect(try Support.run("/usr/bin/env", ["sqlite3", "\(program.folder)/base.db", table]).code == 0)
      return program
    }

    @Test func replies() throws {
      let program = try program()
      #expect(try Support.run("pumpc", ["test", program.folder]).out.contains("1 passed, 0 failed"))
      try check(program)
    }

    @Test func compiled() throws {
      let program = try program()
      let built = try Support.run("pumpc", ["build", "-o", program.folder + "/hooks", program.folder])
      #expect(built.code == 0, "\(built.err)")
      try check(program, program.folder + "/hooks")
    }

    /// No sender is told what is not durable yet; a stop finishes what is on its way.
    @Test func waitsAndStops() throws {
      let program = try program()
      let orders = try started(program) + "/orders"
      var lock: DatabaseLock? = try DatabaseLock("\(program.folder)/base.db")
      let slow = Background { try curl(["-i", "-d", "{\"id\":1,\"qty\":2}", orders]) }
      usleep(500_000)
      let late = Background { try curl(["-i", "-d", "{\"id\":2,\"qty\":2}", orders]) }
      usleep(300_000)
      #expect(!slow.isDone && !late.isDone)
      program.kill(SIGTERM)
      usleep(300_000)
      #expect(!slow.isDone)
      lock = nil
      withExtendedLifetime(lock) {}
      #expect(try slow.value().hasSuffix("{\"id\":1,\"qty\":2,\"share\":-9}"))
      #expect(try late.value().contains(" 503 "))
      #expect(try program.end().code == 0, "\(program.log)")
    }

    @Test func mistakes() throws {
      func errors(_ steps: String, _ more: String = "") -> [String] {
        let spec =
          "connection hooks: Webhook { port = 0 }\ntype T { items: [Int] }\npipeline p { source hooks.post(\"/a\") |> \(steps)\n on error skip }\n\(more)"
        return Support.compile(spec).diagnostics.filter { $0.severity == .error }.map(\.message)
      }
      #expect(errors("reply") == [])
      #expect(errors("reply { status = 201, content_type = \"text/plain\" }") == [])
      let decoded = "decode json as T |> "
      for (steps, message) in [
        (
          decoded + "expand .items as item |> encode json |> reply",
          "there is no `reply` here: `expand` makes several events of one, and a request has one answer"
        ),
        (decoded + "tee { encode json |> reply } |> discard", "there is no `reply` here: a `tee` works on a copy of the event"),
        ("sink hooks.reply()", "an answer is no sink"), ("reply |> discard", "nothing flows here: the step before ended the chain"),
      ] { #expect(errors(steps) == [message]) }
      #expect(errors(decoded + "reply").first?.contains("takes Bytes, the event here is T") == true)
      #expect(errors("reply { stats = 1 }").first?.contains("`stats`") == true)
      let others = [
        "pipeline q { source file.lines(\"a\") |> reply\n on error skip }\n",
        "pipeline q { source hooks.post(\"/b\") |> discard\n on error |> encode json |> reply }\n",
        "pipeline q { source merge(hooks.post(\"/b\"), file.lines(\"a\")) |> reply\n on error skip }\n",
      ]
      for other in others {
        let found = errors("discard", other)
        #expect(found.count == 1 && found[0].hasPrefix("there is no `reply` here: "), "\(found)")
      }
    }
  }
}
