import Foundation
import PumpTestSupport
import Testing

extension ConnectorTests {
  /// `Webhook`, with curl as the sender. What holds a sink up is a lock on its SQLite database.
  @Suite(.serialized) struct WebhookTests {
    private static let connection = "connection hooks: Webhook { port = 0 }\ntype Order { id: Int }\n"
    private static let toFile =
      connection
        + """
        pipeline p {
          source hooks.post("/orders") |> decode json as Order |> encode json |> sink file.lines("out.ndjson", mode: append)
          on error |> encode json |> sink file.lines("dead.ndjson", mode: append)
        }
        """
    private static let toDatabase =
      connection
        + """
        connection base: SQLite { path = "base.db", busy_timeout = 30s }
        pipeline p {
          source hooks.post("/orders") |> decode json as Order |> sink base.table("orders")
          on error halt
        }
        """

    private static func started(_ program: TestProgram) throws -> String {
      try program.start()
      #expect(program.wait { program.log.contains("listening on ") }, "\(program.log)")
      return program.address ?? ""
    }

    /// When curl has the answer the line is in the file; what cannot be read is answered once the error route has it.
    @Test func answersAreKept() throws {
      let program = try TestProgram(Self.toFile)
      let address = try Self.started(program)
      for id in 1...20 {
        #expect(try post("\(address)/orders", "{\"id\":\(id)}", id % 2 == 0 ? ["-X", "PUT"] : []) == "200")
        #expect(program.lines("out.ndjson").last == "{\"id\":\(id)}")
      }
      #expect(try post("\(address)/orders", "no order") == "200")
      #expect(program.lines("dead.ndjson").count == 1)
      #expect(program.read("dead.ndjson").contains("\"path\":\"/orders\""))
      let outcome = try program.stop()
      #expect(outcome.code == 0 && outcome.err.contains("21 in"), "\(outcome.err)")
    }

    @Test func manySendersAtOnce() throws {
      let program = try TestProgram(Self.toFile)
      let address = try Self.started(program)
      #expect(try Set(send(1...200, address, program.folder).map(\.code)) == ["200"])
      #expect(program.lines("out.ndjson").sorted() == (1...200).map { "{\"id\":\($0)}" }.sorted())
      #expect(try program.stop().code == 0)
    }

    @Test func whatIsAnsweredSurvivesAKill() throws {
      let program = try TestProgram(Self.toFile)
      let address = try Self.started(program)
      let senders = Background { [folder = program.folder] in try send(1...600, address, folder) }
      #expect(program.wait(seconds: 30) { program.lines("out.ndjson").count > 150 }, "\(program.log)")
      program.kill(SIGKILL)
      let answers = try senders.value()
      let kept = Set(program.lines("out.ndjson"))
      let accepted = answers.filter { $0.code == "200" }
      #expect(accepted.count > 100 && accepted.count < 600)
      #expect(accepted.allSatisfy { kept.contains("{\"id\":\($0.id)}") })
    }

    /// Nothing is answered before it is durable: waiting ends with the lock, with the patience, or with the pipeline.
    @Test func sendersWaitForTheSink() throws {
      let program = try TestProgram(
        Self.toDatabase, settings: ["connection.hooks.max_waiting=2", "connection.hooks.request_timeout=2s"])
      let orders = try Self.started(program) + "/orders"
      #expect(try post(orders, "{\"id\":1}") == "200")
      var lock: DatabaseLock? = try DatabaseLock("\(program.folder)/base.db")
      let two = [Background { try post(orders, "{\"id\":2}") }, Background { try post(orders, "{\"id\":3}") }]
      usleep(700_000)
      #expect(two.allSatisfy { !$0.isDone })
      let refused = try curl(["-i", orders, "-d", "{\"id\":4}"])
      #expect(refused.contains(" 503 ") && refused.contains("Retry-After: "), "\(refused)")
      #expect(two.allSatisfy { !$0.isDone })
      lock = nil
      #expect(try two.map { try $0.value() } == ["200", "200"])

      lock = try DatabaseLock("\(program.folder)/base.db")
      let begin = Date()
      #expect(try post(orders, "{\"id\":5}") == "503")
      #expect((1.9...3.5).contains(Date().timeIntervalSince(begin)))
      lock = nil
      #expect(try program.stop().code == 0, "\(program.log)")
      // The one whose sender lost patience was on its way.
      let rows = try Support.run("/usr/bin/env", ["sqlite3", "\(program.folder)/base.db", "SELECT id FROM orders ORDER BY id"]).out
      #expect(rows == "1\n2\n3\n5\n")
      withExtendedLifetime(lock) {}
    }

    @Test func aPipelineThatFailsAnswers() throws {
      let program = try TestProgram(Self.toDatabase, settings: ["connection.base.busy_timeout=10ms"])
      let orders = try Self.started(program) + "/orders"
      #expect(try post(orders, "{\"id\":1}") == "200")
      let lock = try DatabaseLock("\(program.folder)/base.db")
      #expect(try post(orders, "{\"id\":2}") == "503")
      let outcome = try program.end()
      #expect(outcome.code == 1 && outcome.err.contains("database is locked"), "\(outcome.err)")
      withExtendedLifetime(lock) {}
    }

    /// A stop with senders who wait delivers what is on its way and answers it.
    @Test func stopAnswersAll() throws {
      let program = try TestProgram(Self.toDatabase)
      let address = try Self.started(program)
      var lock: DatabaseLock? = try DatabaseLock("\(program.folder)/base.db")
      let taken = Background { try post("\(address)/orders", "{\"id\":1}") }
      usleep(500_000)
      // The pipeline is busy with the first: this one waits to be taken.
      let waiting = Background { try post("\(address)/orders", "{\"id\":2}") }
      usleep(300_000)
      program.kill(SIGTERM)
      usleep(300_000)
      #expect(!taken.isDone && !waiting.isDone)
      #expect(try post("\(address)/orders", "{\"id\":3}") == "503")
      lock = nil
      withExtendedLifetime(lock) {}
      #expect(try taken.value() == "200")
      #expect(try waiting.value() == "503")
      #expect(try program.end().code == 0, "\(program.log)")
    }

    @Test func refusals() throws {
      let program = try TestProgram(
        Self.toFile.replacing("post(\"/orders\")", with: "post(\"/orders\") { max_event = 10KB }"),
        files: ["long": String(repeating: "x", count: 300_000)])
      let address = try Self.started(program)
      let orders = "\(address)/orders"
      #expect(try post("\(address)/others", "{}") == "404")
      let get = try curl(["-i", orders])
      #expect(get.contains(" 405 ") && get.contains("Allow: POST, PUT"), "\(get)")
      // With a length that is known, asked for first, or sent in pieces.
      let long = ["--data-binary", "@\(program.folder)/long", "-o", "/dev/null", "-w", "%{http_code}", orders]
      for more in [["-H", "Expect:"], ["-H", "Expect: 100-continue"], ["-H", "Expect:", "-H", "Transfer-Encoding: chunked"]] {
        #expect(try curl(long + more) == "413")
      }
      #expect(try post(orders, "{\"id\":1}", ["-H", "Transfer-Encoding: chunked"]) == "200")
      #expect(program.read("out.ndjson") == "{\"id\":1}\n")
      #expect(program.read("dead.ndjson") == "")
      #expect(try program.stop().code == 0)
    }

    @Test func credentials() throws {
      let spec = Self.toFile.replacing("port = 0", with: "port = 0, token = env.HOOK_TOKEN, signature_secret = env.HOOK_SECRET")
      let program = try TestProgram(spec, environment: ["HOOK_TOKEN": "canary-81", "HOOK_SECRET": "canary-82"])
      let orders = try Self.started(program) + "/orders"
      let body = "{\"id\":1}"
      func signature(_ key: String) throws -> String {
        let out = try Support.run("/usr/bin/env", ["openssl", "dgst", "-sha256", "-hmac", key, "-r"], input: body).out
        return "X-Hub-Signature-256: sha256=\(out.prefix { $0 != " " })"
      }
      let (token, signed) = ("Authorization: Bearer canary-81", try signature("canary-82"))
      for headers in [
        [], ["-H", token], ["-H", signed], ["-H", token + "1", "-H", signed], ["-H", "Authorization: Basic canary-81", "-H", signed],
        ["-H", token, "-H", try signature("canary-83")], ["-H", token, "-H", "X-Hub-Signature-256: sha256="],
      ] { #expect(try post(orders, body, headers) == "401") }
      #expect(program.read("out.ndjson") == "")
      #expect(try post(orders, body, ["-H", token, "-H", signed]) == "200")
      #expect(try post(orders, "no order", ["-H", token, "-H", signed]) == "401")
      #expect(program.read("out.ndjson") == body + "\n")
      #expect(try program.stop().code == 0)
      #expect(!program.log.contains("canary"))
    }

    /// Two pipelines share a listener, by HTTPS, and read what a request says of itself.
    @Test func httpsAndMeta() throws {
      let program = try TestProgram(
        """
        connection hooks: Webhook { port = 0, tls { certificate = "server.crt", key = "server.key" } }
        pipeline a {
          source hooks.post("/a")
            |> map { m: meta.method, p: meta.path, q: meta.query, t: meta.content_type, h: get(meta.headers, "x-kind"), r: meta.remote,
              secret: has_key(meta.headers, "authorization") }
            |> encode json |> sink file.lines("a.ndjson", mode: append)
          on error halt
        }
        pipeline b {
          source hooks.post("/b") |> sink file.lines("b.txt", mode: append)
          on error halt
        }
        """)
      let made = try Support.run(
        "/usr/bin/env",
        [
          "openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-noenc", "-keyout", "server.key", "-out",
          "server.crt", "-subj", "/CN=127.0.0.1", "-addext", "subjectAltName=IP:127.0.0.1", "-days", "2",
        ], folder: program.folder)
      #expect(made.code == 0, "\(made.err)")
      let address = try Self.started(program)
      let trust = ["--cacert", "\(program.folder)/server.crt"]
      #expect(address.hasPrefix("https://"))
      let headers = ["-H", "Content-Type: text/x", "-H", "X-Kind: one", "-H", "X-Kind: two", "-H", "Authorization: Bearer canary-84"]
      #expect(try post("\(address)/a?x=1%202&y", "body", trust + headers) == "200")
      #expect(try post("\(address)/b", "from b", trust) == "200")
      #expect(
        program.read("a.ndjson")
          == "{\"m\":\"POST\",\"p\":\"/a\",\"q\":{\"x\":\"1 2\",\"y\":\"\"},\"t\":\"text/x\",\"h\":\"one, two\",\"r\":\"127.0.0.1\",\"secret\":false}\n"
      )
      #expect(program.read("b.txt") == "from b\n")
      #expect(try program.stop().code == 0)
    }

    @Test func mistakesEndTheStart() throws {
      let taken = try TestProgram(Self.toFile)
      let port = try Self.started(taken).split(separator: ":").last ?? ""
      let second = "pipeline q { source hooks.post(\"/orders\") |> sink file.lines(\"q\", mode: append)\n on error halt }\n"
      for (spec, setting, expected) in [
        (Self.toFile, "port=\(port)", "cannot listen on 127.0.0.1:\(port): Address already in use"),
        (Self.toFile, "host=192.0.2.1", "no network of this machine has the address"),
        (Self.toFile, "tls.certificate=main.pump", "HTTPS needs both"),
        (
          Self.toFile.replacing("port = 0", with: "port = 0, tls { key = \"gone.key\" }"), "tls.certificate=main.pump",
          "cannot read gone.key"
        ),
        (
          Self.toFile.replacing("port = 0", with: "port = 0, tls { key = \"main.pump\" }"), "tls.certificate=main.pump",
          "cannot serve HTTPS"
        ),
        (Self.toFile.replacing("\"/orders\"", with: "\"orders\""), "port=0", "`orders` is no path"),
        (Self.toFile + "\n" + second, "port=0", "two sources take what comes for `/orders`"),
      ] {
        let program = try TestProgram(spec, settings: ["connection.hooks.\(setting)"])
        let outcome = try program.run(seconds: 60)
        #expect(outcome.code == 1 && outcome.err.contains("connection `hooks`: ") && outcome.err.contains(expected), "\(outcome.err)")
      }
    }

    /// A sink that keeps all until its end can never let a sender go: that is said, not waited for.
    @Test func replacedFilesAreNoSink() throws {
      let program = try TestProgram(Self.toFile.replacing("\"out.ndjson\", mode: append", with: "\"out.ndjson\""))
      let address = try Self.started(program)
      #expect(try post("\(address)/orders", "{\"id\":1}") == "503")
      let outcome = try program.end()
      #expect(outcome.code == 1 && outcome.err.contains("write `mode: append`"), "\(outcome.err)")
    }

    @Test func compiled() throws {
      let program = try TestProgram(Self.toFile)
      let built = try Support.run("pumpc", ["build", program.folder, "-o", program.folder + "/hooks"])
      #expect(built.code == 0, "\(built.err)")
      try program.start(executable: program.folder + "/hooks")
      #expect(program.wait { program.log.contains("listening on ") }, "\(program.log)")
      #expect(try Set(send(1...60, program.address ?? "", program.folder).map(\.code)) == ["200"])
      #expect(program.lines("out.ndjson").sorted() == (1...60).map { "{\"id\":\($0)}" }.sorted())
      let outcome = try program.stop()
      #expect(outcome.code == 0 && outcome.err.contains("60 in"), "\(outcome.err)")
    }
  }
}

// MARK: Senders

func curl(_ arguments: [String]) throws -> String {
  try Support.run("/usr/bin/curl", ["-s", "--max-time", "20"] + arguments).out
}

/// The status of the answer; 000 where there was none.
func post(_ url: String, _ body: String, _ more: [String] = []) throws -> String {
  try curl(["-o", "/dev/null", "-w", "%{http_code}", "--data-binary", body] + more + [url])
}

/// Orders by twenty senders at once, and what each was told.
private func send(_ ids: ClosedRange<Int>, _ address: String, _ folder: String) throws -> [(id: Int, code: String)] {
  let one = "curl -s --max-time 20 -o /dev/null -w '{} %{http_code}\\n' -d '{\"id\":{}}' \(address)/orders >> \(folder)/answers"
  let all = "seq \(ids.lowerBound) \(ids.upperBound) | xargs -P 20 -I{} sh -c '\(one.replacing("'", with: "'\\''"))' || true"
  _ = try Support.run("/bin/sh", ["-c", all])
  return try String(contentsOfFile: "\(folder)/answers", encoding: .utf8).split(separator: "\n").map { line in
    let words = line.split(separator: " ").map(String.init)
    return (Int(words[0])!, words[1])
  }
}

/// Something that takes its time, on a thread of its own.
final class Background<T>: @unchecked Sendable {
  private let condition = NSCondition()
  private var result: Result<T, any Error>?

  init(_ body: @escaping @Sendable () throws -> T) {
    Thread.detachNewThread { [self] in
      let result = Result { try body() }
      condition.withLock {
        self.result = result
        condition.broadcast()
      }
    }
  }

  var isDone: Bool { condition.withLock { result != nil } }

  func value() throws -> T {
    try condition.withLock {
      while result == nil { condition.wait() }
      return try result!.get()
    }
  }
}

/// Keeps others from writing to a database as long as it lives.
final class DatabaseLock {
  private let process = Process()
  private let commands = Pipe()

  init(_ path: String) throws {
    let answers = Pipe()
    process.executableURL = URL(fileURLWithPath: "/usr/bin/env")
    process.arguments = ["sqlite3", path]
    process.standardInput = commands
    process.standardOutput = answers
    try process.run()
    try commands.fileHandleForWriting.write(contentsOf: Data(".timeout 5000\nBEGIN IMMEDIATE;\nSELECT 'held';\n".utf8))
    #expect(try answers.fileHandleForReading.read(upToCount: 5) == Data("held\n".utf8))
  }

  deinit {
    try? commands.fileHandleForWriting.close()
    process.waitUntilExit()
  }
}

extension TestProgram {
  /// Where its listener is.
  var address: String? {
    log.split(separator: "listening on ").dropFirst().last.map { String($0.prefix { $0 != "\"" && $0 != "\n" }) }
  }
}
