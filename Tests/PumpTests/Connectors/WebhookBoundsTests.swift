import Foundation
import PumpTestSupport
import Testing

extension ConnectorTests {
  /// Senders that are slow, lie about what they send, or pack it.
  @Suite(.serialized) struct WebhookBoundsTests {
    private static let spec =
      """
      connection hooks: Webhook { port = 0, token = env.HOOK_TOKEN }
      type Order { id: Int }
      pipeline p {
        source hooks.post("/orders") { max_event = 10KB } |> decode json as Order |> encode json |> sink file.lines("out", mode: append)
        on error |> encode json |> sink file.lines("dead", mode: append)
      }
      """

    private func started(_ settings: [String] = []) throws -> (program: TestProgram, port: UInt16) {
      let program = try TestProgram(
        Self.spec, settings: settings.map { "connection.hooks.\($0)" }, environment: ["HOOK_TOKEN": "canary-81"])
      try program.start()
      #expect(program.wait { program.log.contains("listening on ") }, "\(program.log)")
      let port = program.log.split(separator: "listening on http://127.0.0.1:").last.map { $0.prefix { $0.isNumber } } ?? ""
      return (program, UInt16(port) ?? 0)
    }

    private static let head = "POST /orders HTTP/1.1\r\nHost: h\r\nAuthorization: Bearer canary-81\r\n"

    /// The status of the answer to a request that ends the connection.
    private func answer(_ port: UInt16, _ text: String) -> String {
      let client = RawClient(port)
      client.send(text)
      return String(client.rest().dropFirst(9).prefix(3))
    }

    @Test("R29, R30, R31: contradictions, secrets with more after them, and bodies that are too long are refused at once")
    func refusedAtOnce() throws {
      let (program, port) = try started()
      for framing in [
        "Content-Length: 8\r\nContent-Length: 9\r\n\r\n{\"id\":1}", "Content-Length: 8\r\nTransfer-Encoding: chunked\r\n\r\n{\"id\":1}",
        "Content-Length : 8\r\n\r\n{\"id\":1}", "Transfer-Encoding: chunked\r\n\r\n8\n{\"id\":1}\n0\n\n",
      ] { #expect(answer(port, Self.head + framing) == "400", "\(framing)") }
      let body = "Content-Length: 8\r\n\r\n{\"id\":2}"
      #expect(answer(port, "POST /orders HTTP/1.1\r\nHost: h\r\nAuthorization: Bearer canary-81\u{0}x\r\n" + body) == "400")
      #expect(answer(port, "POST /orders HTTP/1.1\r\nHost: h\r\nAuthorization: Bearer canary-81x\r\nConnection: close\r\n" + body) == "401")
      #expect(answer(port, "POST /orders HTTP/1.1\r\nHost: h\r\nAuthorization: Bearer canary-8\r\nConnection: close\r\n" + body) == "401")
      // Not one byte of the body is sent.
      #expect(answer(port, "POST /orders HTTP/1.1\r\nHost: h\r\nContent-Length: 1000000000000\r\n\r\n") == "401")
      #expect(answer(port, Self.head + "Content-Length: 1000000000000\r\n\r\n") == "413")
      let endless = RawClient(port)
      endless.send(Self.head + "Transfer-Encoding: chunked\r\n\r\n")
      var sent = 0
      let chunk = "1000\r\n" + String(repeating: "x", count: 4096) + "\r\n"
      while sent < 64 << 20, endless.send(chunk) { sent += 4096 }
      #expect(endless.rest().hasPrefix("HTTP/1.1 413 ") && sent < 16 << 20, "after \(sent) bytes")
      #expect(try program.stop().code == 0)
      #expect(program.read("out") == "" && program.read("dead") == "")
    }

    @Test("D44: what is packed is unpacked, or refused")
    func packedBodies() throws {
      let (program, port) = try started()
      let folder = program.folder
      func post(_ file: String, _ coding: String) throws -> String {
        try Support.run(
          "/usr/bin/curl",
          [
            "-s", "--max-time", "20", "-i", "-H", "Authorization: Bearer canary-81", "-H", "Content-Encoding: \(coding)", "--data-binary",
            "@\(folder)/\(file)", "http://127.0.0.1:\(port)/orders",
          ]
        ).out
      }
      let made = try Support.run(
        "/bin/sh",
        [
          "-c",
          """
          cd "$1"; printf '{"id":' | gzip > a; printf '1}' | gzip > b; cat a b > members; printf '{"id":2}' > plain
          head -c 100000 /dev/zero | gzip > bomb; head -c 20 a > half; printf '{"id":3}' | gzip > three
          """, "sh", folder,
        ])
      #expect(made.code == 0)
      for (file, coding, status) in [
        ("members", "gzip", "200"), ("plain", "identity", "200"), ("three", "X-GZIP", "200"), ("plain", "br", "415"),
        ("three", "gzip, gzip", "415"), ("plain", "gzip", "400"), ("half", "gzip", "400"), ("bomb", "gzip", "413"),
      ] {
        let answer = try post(file, coding)
        #expect(answer.hasPrefix("HTTP/1.1 \(status) "), "\(file) as \(coding): \(answer)")
        if status == "415" { #expect(answer.contains("Accept-Encoding: gzip\r\n")) }
      }
      #expect(try program.stop().code == 0)
      #expect(program.lines("out") == ["{\"id\":1}", "{\"id\":2}", "{\"id\":3}"] && program.read("dead") == "")
    }

    @Test("R28: senders that begin and do not go on keep nobody out, and have their time")
    func halfOpenSenders() throws {
      let (program, port) = try started(["max_waiting=2", "request_timeout=2s"])
      let half = (0..<150).map { number in
        let client = RawClient(port)
        client.send(number % 2 == 0 ? "POST /orders HTTP/1.1\r\nHo" : Self.head + "Content-Length: 1000\r\n\r\n{")
        return client
      }
      let good = RawClient(port)
      good.send(Self.head + "Connection: close\r\nContent-Length: 8\r\n\r\n{\"id\":1}")
      #expect(good.rest().hasPrefix("HTTP/1.1 200 "))
      // A byte now and then does not help.
      let end = Date(timeIntervalSinceNow: 20)
      while half.contains(where: { !$0.isClosed }), Date() < end {
        for client in half { client.send("x") }
        usleep(100_000)
      }
      #expect(Date() < end)
      #expect(try program.stop().code == 0)
      #expect(program.lines("out") == ["{\"id\":1}"])
    }
  }
}
