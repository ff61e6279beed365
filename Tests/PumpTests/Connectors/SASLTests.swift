import Foundation
import PumpTestSupport
import Testing

extension ConnectorTests {
  /// Logins to Kafka, at a front before the mock cluster that asks for them as a broker does.
  @Suite(.serialized) struct SASLTests {
    private static let write = """
      connection kafka: Kafka { sasl_password = env.SECRET, properties { "session.timeout.ms" = "4000" } }
      pipeline write { source file.lines("in.txt", follow: true) |> sink kafka.topic("lines")
        on error halt }
      """
    private static let read = """
      connection kafka: Kafka { sasl_password = env.SECRET, properties { "session.timeout.ms" = "4000" } }
      pipeline read { source kafka.topic("lines", group: "g", from: earliest) |> sink file.lines("out.txt", mode: append)
        on error halt }
      """
    private static let both = [write, read]

    private let broker: Server
    init() throws {
      broker = try Server("kafka")
      try broker.tell("topic lines 2 1")
    }

    private func front(_ options: String...) throws -> Server {
      try Server("proxy", ["--kafka", "--sasl", "app:s3cret"] + options + [broker.text("bootstrap")])
    }

    private func program(
      _ spec: String, _ front: Server, _ mechanism: String?, protocol name: String = "SASL_PLAINTEXT", user: String? = "app",
      password: String = "s3cret", more: [String] = []
    ) throws -> TestProgram {
      var settings = ["bootstrap_servers=127.0.0.1:\(front.port)", "security_protocol=\(name)"] + more
      if let mechanism { settings.append("sasl_mechanism=\(mechanism)") }
      if let user { settings.append("sasl_username=\(user)") }
      if name == "SASL_SSL" { settings.append("tls.ca=\(front.text("ca"))") }
      return try TestProgram(
        spec, files: ["in.txt": "one\ntwo\n"], settings: settings.map { "connection.kafka.\($0)" } + ["general.metrics=127.0.0.1:0"],
        environment: ["SECRET": password])
    }

    private func acknowledged(_ program: TestProgram, _ count: Int) -> Bool {
      program.wait { program.metric("pump_events_acknowledged_total") == count }
    }

    @Test(arguments: [("PLAIN", "SASL_PLAINTEXT"), ("SCRAM-SHA-256", "SASL_SSL"), ("SCRAM-SHA-512", "SASL_PLAINTEXT")])
    func taken(_ mechanism: String, _ name: String) throws {
      let front = try name == "SASL_SSL" ? front("--tls") : front()
      for spec in Self.both {
        let program = try program(spec, front, mechanism, protocol: name)
        let executable = mechanism == "SCRAM-SHA-512" ? program.folder + "/program" : nil
        if let executable {
          let built = try Support.run("pumpc", ["build", program.folder, "-o", executable])
          #expect(built.code == 0, "\(built.err)")
        }
        try program.start(executable: executable)
        #expect(acknowledged(program, 2), "\(program.log)")
        let outcome = try program.stop()
        #expect(outcome.code == 0 && outcome.err.contains("2 in") && !outcome.err.contains("s3cret"), "\(outcome.err)")
        if spec == Self.read { #expect(program.lines("out.txt").sorted() == ["one", "two"]) }
      }
    }

    /// At once one line, and no further attempt.
    @Test(arguments: [
      ("PLAIN", "app", "canary-95", "Invalid username or password; check `sasl_username`, `sasl_password` and `sasl_mechanism`"),
      ("PLAIN", "nobody", "canary-95", "Invalid username or password; check `sasl_username`, `sasl_password` and `sasl_mechanism`"),
      ("SCRAM-SHA-256", "app", "canary-95", "invalid credentials with SASL mechanism SCRAM-SHA-256; check `sasl_username`"),
      ("SCRAM-SHA-512", "app", "canary-95", "invalid credentials with SASL mechanism SCRAM-SHA-512; check `sasl_username`"),
      (
        "SCRAM-SHA-1", "app", "canary-95",
        "broker's supported mechanisms: PLAIN,SCRAM-SHA-256,SCRAM-SHA-512; set `sasl_mechanism` to one of them"
      ),
      ("PLAN", "app", "canary-95", "Unsupported SASL mechanism: PLAN; check `sasl_mechanism`"),
    ]) func refused(_ mechanism: String, _ user: String, _ password: String, _ says: String) throws {
      let front = try front()
      for spec in Self.both {
        for connect in ["retry", "required"] {
          let program = try program(
            spec, front, mechanism, user: user, password: password, more: ["connect=\(connect)", "connect_timeout=200s"])
          let outcome = try program.run()
          let errors = outcome.err.split(separator: "\n").filter { $0.hasPrefix("error: ") }
          #expect(outcome.code == 1 && errors.count == 1, "\(outcome.err)")
          #expect(errors.first?.contains("connection `kafka`: ") == true && errors.first?.contains(says) == true, "\(outcome.err)")
          #expect(!outcome.err.contains("trying again") && !outcome.err.contains(password), "\(outcome.err)")
        }
      }
    }

    @Test func changedPassword() throws {
      let front = try front()
      for spec in Self.both {
        try front.tell("password s3cret")
        let program = try program(spec, front, "PLAIN")
        try program.start()
        #expect(acknowledged(program, 2), "\(program.log)")
        try front.tell("password canary-96")
        try front.tell("reset")
        if spec == Self.write { try program.append("three\n", to: "in.txt") }
        let outcome = try program.end()
        #expect(outcome.code == 1 && outcome.err.contains("Invalid username or password; check `sasl_username`"), "\(outcome.err)")
        #expect(!outcome.err.contains("s3cret"), "\(outcome.err)")
      }
    }

    /// A broker that ends while clients log in has refused nobody.
    @Test(arguments: ["handshake", "message"]) func brokenOff(_ step: String) throws {
      let front = try front()
      for spec in Self.both {
        try front.tell("break-logins \(step) 3")
        let program = try program(spec, front, "SCRAM-SHA-256")
        try program.start()
        #expect(acknowledged(program, 2), "\(program.log)")
        #expect(try program.stop().code == 0)
      }
    }

    /// Settings that do not go together, before anything is tried.
    @Test(
      arguments: [
        ("SASL_PLAINTEXT", nil, "app", "s3cret", "`security_protocol` SASL_PLAINTEXT needs `sasl_mechanism`"),
        ("SASL_SSL", "PLAIN", nil, "s3cret", "`sasl_mechanism` PLAIN needs `sasl_username`"),
        ("PLAINTEXT", "PLAIN", "app", "s3cret", "`sasl_mechanism` is for `security_protocol` SASL_PLAINTEXT; it is PLAINTEXT"),
        ("SSL", nil, "app", "s3cret", "`sasl_username` is for `security_protocol` SASL_SSL; it is SSL"),
      ] as [(String, String?, String?, String, String)])
    func halfGiven(_ name: String, _ mechanism: String?, _ user: String?, _ password: String, _ says: String) throws {
      let front = try front("--tls")
      for spec in Self.both {
        let outcome = try program(spec, front, mechanism, protocol: name, user: user, password: password).run()
        #expect(outcome.code == 1 && outcome.err.contains("connection `kafka`: \(says)"), "\(outcome.err)")
      }
    }

    /// Either side wants a login and the other does not.
    @Test func oneSided() throws {
      let front = try front()
      let outcome = try program(
        Self.write, front, nil, protocol: "PLAINTEXT", user: nil, more: ["connect=required", "connect_timeout=1s"]
      )
      .run()
      #expect(outcome.code == 1 && outcome.err.contains("check `bootstrap_servers` and `security_protocol`"), "\(outcome.err)")
      let refused = try program(Self.write, broker, "SCRAM-SHA-256").run()
      #expect(
        refused.code == 1
          && refused.err.contains("SASL Handshake not supported by broker (required by mechanism SCRAM-SHA-256); check `security_protocol`"),
        "\(refused.err)")
    }

    @Test("K21: a listener of Kafka that takes no logins") func noLogins() throws {
      let front = try front()
      try front.tell("no-logins")
      for spec in Self.both {
        let outcome = try program(spec, front, "PLAIN").run()
        #expect(outcome.code == 1 && outcome.err.contains("the listener takes no SASL: check `security_protocol`"), "\(outcome.err)")
        #expect(!outcome.err.contains("mechanisms: none; set"), "\(outcome.err)")
      }
    }

    /// From Kafka 4.0 on brokers do not take the nonce that librdkafka repeats before 2.6.1.
    @Test func exactNonce() throws {
      let front = try front("--exact-nonce")
      let program = try program(Self.write, front, "SCRAM-SHA-256")
      try program.start()
      #expect(
        program.wait {
          program.log.contains("SCRAM with Kafka 4.0 needs librdkafka 2.6.1") || program.metric("pump_events_acknowledged_total") == 2
        })
      program.kill(SIGTERM)
      _ = try program.end()
    }
  }
}
