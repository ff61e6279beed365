import Foundation
import PumpTestSupport
import Testing

/// A system as a spec names it, and how its client is led to some address.
struct System: CustomTestStringConvertible, Sendable {
  let kind: String
  let settings: String
  let sink: String
  /// The setting that holds the address, and what asks for TLS.
  let address: String
  let tls: (on: String, off: String)

  var testDescription: String { kind }
  private var takesBytes: Bool { ["Kafka", "MQTT", "Http"].contains(kind) }

  static let all = [
    System(
      kind: "PostgreSQL", settings: "database = \"app\", user = \"app\", password = env.SECRET", sink: "table(\"orders\")",
      address: "host", tls: ("sslmode=verify_full", "sslmode=disable")),
    System(
      kind: "Kafka", settings: "sasl_password = env.SECRET", sink: "topic(\"orders\")", address: "bootstrap_servers",
      tls: ("security_protocol=SSL", "security_protocol=PLAINTEXT")),
    System(
      kind: "MQTT", settings: "user = \"app\", password = env.SECRET", sink: "topic(\"ok/a\")", address: "host",
      tls: ("security=tls", "security=plain")),
    System(
      kind: "MongoDB", settings: "database = \"app\", user = \"app\", password = env.SECRET", sink: "collection(\"orders\")",
      address: "host", tls: ("security=tls", "security=plain")),
    System(
      kind: "Elasticsearch", settings: "user = \"elastic\", password = env.SECRET", sink: "index(\"orders\")", address: "nodes",
      tls: ("https", "http")),
    System(
      kind: "Http", settings: "user = \"elastic\", password = env.SECRET, request_timeout = 500ms",
      sink: "request(\"/orders/_doc/1\", method: PUT)", address: "base_url", tls: ("https", "http")),
  ]

  static func named(_ kind: String) -> System { all.first { $0.kind == kind }! }

  /// Three orders into the system; `rest` is the error policy.
  func spec(_ sink: String? = nil, rest: String = "on error halt") -> String {
    """
    type Order { id: Int, customer: String, amount: Decimal }
    connection c: \(kind) { \(settings) }
    pipeline p {
      source file.lines("orders.ndjson") |> decode json as Order \(takesBytes ? "|> encode json " : "")|> sink c.\(sink ?? self.sink) { retry { attempts = 2 } }
      \(rest)
    }
    """
  }

  func lead(_ host: String, _ port: String, tls isTLS: Bool) -> [String] {
    let mode = isTLS ? tls.on : tls.off
    switch address {
    case "host": return ["host=\(host)", "port=\(port)", mode]
    case "bootstrap_servers": return ["bootstrap_servers=\(host):\(port)", mode]
    default: return ["\(address)=\(mode)://\(host):\(port)"]
    }
  }

  func program(_ settings: [String], spec: String? = nil, orders text: String = orders(3), secret: String = "s3cret") throws
    -> TestProgram
  {
    try TestProgram(
      spec ?? self.spec(), files: ["orders.ndjson": text], settings: settings.map { "connection.c.\($0)" }, environment: ["SECRET": secret])
  }
}

extension ConnectorTests {
  /// What goes wrong between a spec and its systems: one clear line each, and another attempt where that can help.
  @Suite(.serialized) struct BadInputTests {
    /// What the listener does, where the client is led, and what is said of it.
    private struct Fault {
      let command: String
      let host: String
      let tls: Bool
      let trusts: Bool
      let passes: Bool
      /// By system; the empty name stands for all others.
      let says: [String: String]

      init(_ command: String, host: String = "localhost", tls: Bool, trusts: Bool = true, passes: Bool, _ says: [String: String]) {
        self.command = command
        self.host = host
        self.tls = tls
        self.trusts = trusts
        self.passes = passes
        self.says = says
      }
    }

    private static let faults = [
      Fault(
        "nobody", tls: false, passes: true,
        ["Kafka": "Connection refused); check `bootstrap_servers`", "MongoDB": "connection refused", "": "Connection refused; check `"]),
      Fault(
        "silent", host: "nowhere.invalid", tls: false, passes: true,
        [
          "PostgreSQL": "Name or service not known; check `host`", "Kafka": "Failed to resolve",
          "MongoDB": "Failed to resolve 'nowhere.invalid'; check `host`",
          "MQTT": "host `nowhere.invalid` is not known; check `host`", "": "there is no host for nowhere.invalid",
        ]),
      Fault("silent", tls: true, passes: true, ["MongoDB": "socket timeout; is it MongoDB", "": "within connect_timeout"]),
      Fault(
        "close", tls: false, passes: true,
        [
          "Kafka": "no broker of localhost", "": "; check `", "MongoDB": "localhost", "Elasticsearch": "does it want `https://`?",
          "Http": "ended the connection: Empty reply from server",
        ]),
      Fault(
        "close", tls: true, passes: true,
        [
          "": "; check `", "MQTT": "it may speak without TLS: set `security = plain`",
          "Kafka": "check `bootstrap_servers` and `security_protocol`",
        ]),
      Fault("tls server", tls: false, passes: true, ["": "localhost"]),
      Fault("tls server", tls: true, trusts: false, passes: false, ["": "give the authority's file as `tls.ca`"]),
      Fault("tls ca", tls: true, trusts: false, passes: false, ["": "give the authority's file as `tls.ca`"]),
      Fault(
        "tls wrong-name", tls: true, passes: false,
        ["Kafka": "check the name and the time", "MQTT": "check the name and the time", "": "the certificate has another name: use that"]),
      Fault(
        "tls expired", tls: true, passes: false,
        ["Kafka": "check the name and the time", "MQTT": "check the name and the time", "": "renew the server's certificate"]),
    ]

    @Test(arguments: System.all) func connecting(_ system: System) throws {
      let listener = try Server("listener")
      for fault in Self.faults {
        let isDead = fault.command == "nobody"
        if !isDead { try listener.tell(fault.command) }
        let settings = system.lead(fault.host, isDead ? "1" : listener.port, tls: fault.tls)
        let trusted = fault.tls && fault.trusts ? ["tls.ca=\(listener.text("ca"))"] : []
        let program = try system.program(
          settings + trusted + ["connect=required", "connect_timeout=500ms"], secret: "canary-90")
        let outcome = try program.run()
        let errors = outcome.err.split(separator: "\n").filter { $0.hasPrefix("error: ") }
        let place: Comment = "\(fault.command) \(fault.host) \(fault.tls): \(outcome.err)"
        #expect(outcome.code == 1 && errors.count == 1, place)
        let said = errors.first ?? ""
        let expected = fault.says[system.kind] ?? fault.says[""]!
        #expect(said.contains("connection `c`: ") && said.contains(expected) && said.contains(fault.host), place)
        #expect(outcome.err.contains("no further attempt") == !fault.passes, place)
        #expect(!outcome.err.contains("canary-90"), place)
      }
    }

    /// Without `connect = required` a system that is not there is waited for, and the run says so.
    @Test(arguments: System.all) func waiting(_ system: System) throws {
      let program = try system.program(system.lead("127.0.0.1", "1", tls: false) + ["connect_timeout=500ms"])
      try program.start()
      #expect(program.wait { program.log.contains("trying again (attempt 1)") }, "\(program.log)")
      program.kill(SIGKILL)
    }

    @Test(arguments: System.all) func filesThatAreMissing(_ system: System) throws {
      for name in ["tls.ca", "tls.certificate", "tls.key"] {
        let outcome = try system.program(system.lead("127.0.0.1", "1", tls: true) + ["\(name)=/nowhere"]).run()
        #expect(outcome.code == 1 && outcome.err.contains("connection `c`: `\(name)`: cannot read /nowhere"), "\(outcome.err)")
      }
    }

    /// TLS works, with a client's certificate too where the server wants one.
    @Test(arguments: [
      ("MQTT", "mosquitto", ["tls"]), ("MQTT", "mosquitto", ["mtls"]), ("MongoDB", "mongodb", ["--tls", "--auth"]),
      ("Elasticsearch", "elasticsearch", ["--tls"]), ("Http", "elasticsearch", ["--tls", "--auth"]),
    ])
    func encrypted(_ kind: String, _ server: String, _ options: [String]) throws {
      let system = System.named(kind)
      let server = try Server(server, options)
      var settings = system.lead("localhost", server.port, tls: true) + ["tls.ca=\(server.text("ca"))"]
      if options == ["mtls"] {
        let refused = try system.program(settings + ["connect=required"]).run()
        #expect(refused.code == 1 && refused.err.contains("set `tls.certificate` and `tls.key`"), "\(refused.err)")
        settings += ["tls.certificate=\(server.text("certificate"))", "tls.key=\(server.text("key"))"]
      }
      let outcome = try system.program(settings).run()
      #expect(outcome.code == 0 && outcome.err.contains("3 to c."), "\(outcome.err)")
    }

    /// The mock cluster speaks no TLS; what stands before it does, with a certificate of the broker's.
    @Test func encryptedKafka() throws {
      let server = try Server("kafka")
      let proxy = try Server("proxy", ["--kafka", "--tls", server.text("bootstrap")])
      let system = System.named("Kafka")
      let settings = system.lead("localhost", proxy.port, tls: true)
      let outcome = try system.program(
        settings + ["tls.ca=\(proxy.text("ca"))", "tls.certificate=\(proxy.text("certificate"))", "tls.key=\(proxy.text("key"))"]
      ).run()
      #expect(outcome.code == 0 && outcome.err.contains("3 to c."), "\(outcome.err)")
      let refused = try system.program(settings + ["connect=required"]).run()
      #expect(refused.code == 1 && refused.err.contains("connection `c`"), "\(refused.err)")
    }

    /// What the server does not allow or know: at once an error that says so.
    @Test(arguments: [
      ("MongoDB", ["--auth"], "", "fail insert 13 1", "cannot write to `app.orders`: a failure that the test asked for; grant the user"),
      ("MongoDB", ["--auth"], "collection(\"a$b\")", "", "check the names"),
      ("Elasticsearch", ["--auth"], "", "fail 403 1000", "forbids it"),
      ("Http", ["--auth"], "", "fail 403 1000", "403"),
    ]) func refused(_ kind: String, _ options: [String], _ sink: String, _ command: String, _ says: String) throws {
      let system = System.named(kind)
      let server = try Server(kind == "MongoDB" ? "mongodb" : "elasticsearch", options)
      if !command.isEmpty { try server.tell(command) }
      let outcome = try system.program(
        system.lead("127.0.0.1", server.port, tls: false), spec: system.spec(sink.isEmpty ? nil : sink)
      ).run()
      #expect(outcome.code == 1 && outcome.err.contains(says) && !outcome.err.contains("s3cret"), "\(outcome.err)")
    }

    /// A password or key that the server does not take; the existing ones are of users.
    @Test(arguments: [("Elasticsearch", "api_key"), ("Http", "token"), ("Http", "password")]) func credentials(
      _ kind: String, _ name: String
    ) throws {
      let server = try Server("elasticsearch", ["--auth"])
      let system = System.named(kind)
      let spec = name == "password" ? system.spec() : system.spec().replacing("user = \"elastic\", password", with: name)
      let outcome = try system.program(system.lead("127.0.0.1", server.port, tls: false), spec: spec, secret: "canary-91").run()
      #expect(outcome.code == 1 && outcome.err.contains("refuses the credentials"), "\(outcome.err)")
      #expect(!outcome.err.contains("canary-91"))
    }

    /// One event that is too large for the server goes to the error route; those before and after it arrive.
    @Test(arguments: [
      ("Kafka", "kafka", []), ("Elasticsearch", "elasticsearch", ["--max-body", "4000"]),
      ("Http", "elasticsearch", ["--max-body", "4000"]), ("MQTT", "mosquitto", ["plain", "--max-packet", "4000"]),
    ])
    func tooLarge(_ kind: String, _ server: String, _ options: [String]) throws {
      let system = System.named(kind)
      let server = try Server(server, options)
      var settings = system.lead("127.0.0.1", server.port, tls: false)
      if kind == "Kafka" { settings.append("properties.message.max.bytes=4000") }
      let large = "{\"id\":4,\"customer\":\"\(String(repeating: "x", count: 9000))\",\"amount\":1}\n"
      let program = try system.program(
        settings, spec: system.spec(rest: "on error |> encode json |> sink file.lines(\"dead.ndjson\")"),
        orders: orders(3) + large + orders(3, from: 5))
      let outcome = try program.run()
      #expect(outcome.code == 0 && outcome.err.contains("6 to c.") && program.lines("dead.ndjson").count == 1, "\(outcome.err)")
      #expect(program.read("dead.ndjson").lowercased().contains("large"), "\(program.read("dead.ndjson").prefix(300))")
      if kind == "Kafka" {
        // K18: what the client itself refuses is not told as the broker's.
        let dead = program.read("dead.ndjson")
        #expect(dead.contains("more than this client's `message.max.bytes`") && !dead.contains("Broker:"), "\(dead.prefix(300))")
      }
    }

    /// A broker of MQTT 3.1.1 tells nothing of the kind: it goes away each time.
    @Test func tooLargeForOldMQTT() throws {
      let mosquitto = try Server("mosquitto", "plain", "--max-packet", "4000")
      let server = try Server("mqtt", "--old", "127.0.0.1:\(mosquitto.port)")
      let large = "{\"id\":4,\"customer\":\"\(String(repeating: "x", count: 9000))\",\"amount\":1}\n"
      let system = System.named("MQTT")
      let outcome = try system.program(
        system.lead("127.0.0.1", server.port, tls: false), spec: system.spec().replacing("attempts = 2", with: "attempts = 5"),
        orders: orders(3) + large
      ).run()
      #expect(outcome.code == 1 && outcome.err.contains("times in a row over `ok/a`, 9033 bytes"), "\(outcome.err)")
    }

    /// What may be written before may not be any more.
    @Test func revoked() throws {
      let server = try Server("postgresql")
      try server.tell("sql create table orders (id bigint, customer text, amount numeric)")
      try server.tell("sql create role writer login password 's3cret'")
      try server.tell("sql grant insert, select on orders to writer")
      let system = System.named("PostgreSQL")
      let spec = system.spec().replacing("\"orders.ndjson\"", with: "\"orders.ndjson\", follow: true")
      let program = try system.program(system.lead("127.0.0.1", server.port, tls: false) + ["user=writer"], spec: spec)
      try program.start()
      #expect(program.wait { (try? server.tell("sql select count(*) from orders")) == "3" }, "\(program.log)")
      try server.tell("sql revoke insert on orders from writer")
      let file = FileHandle(forWritingAtPath: program.folder + "/orders.ndjson")!
      try file.seekToEnd()
      try file.write(contentsOf: Data(orders(3, from: 4).utf8))
      let outcome = try program.end()
      #expect(
        outcome.code == 1 && outcome.err.contains("permission denied for table orders; grant the user what it needs"), "\(outcome.err)")
    }

    @Test func revokedInKafka() throws {
      let server = try Server("kafka")
      try server.tell("topic orders 1 1")
      // TOPIC_AUTHORIZATION_FAILED, for the requests that produce.
      try server.tell("errors 0 29 29 29 29")
      let system = System.named("Kafka")
      let outcome = try system.program(system.lead("127.0.0.1", server.port, tls: false)).run()
      #expect(outcome.code == 1 && outcome.err.contains("connection `c`: topic `orders`: "), "\(outcome.err)")
      #expect(outcome.err.contains("grant the user WRITE on it"), "\(outcome.err)")
    }

    /// Columns that the table does not have, or has as another type.
    @Test(arguments: [
      ("create table orders (id bigint, customer text)", "table `orders` has no column `amount`; it has id, customer"),
      (
        "create table orders (id bigint, customer text, amount date)", "is date, field `.amount` is Decimal; "
      ),
    ]) func columns(_ table: String, _ says: String) throws {
      let server = try Server("postgresql")
      try server.tell("sql \(table)")
      let system = System.named("PostgreSQL")
      let settings = system.lead("127.0.0.1", server.port, tls: false)
      let back =
        system.spec().split(separator: "pipeline")[0]
        + "pipeline read { source c.table(\"orders\") as Order |> encode json |> sink file.lines(\"out.ndjson\")\n on error halt }"
      for spec in [system.spec(), String(back)] {
        let outcome = try system.program(settings, spec: spec).run()
        #expect(outcome.code == 1 && outcome.err.contains("connection `c`: ") && outcome.err.contains(says), "\(outcome.err)")
      }
    }
  }
}
