import Foundation
import PumpCompiler
import PumpTestSupport
import Testing

extension ConnectorTests {
  /// A canary in every secret setting of every connector, as the interface files declare them: it comes out nowhere.
  @Suite(.serialized) struct SecretTests {
    /// A connection for each secret, to a port where nobody listens.
    private struct Case {
      let id: String
      let kind: Interface
      let secret: String
      let canary: String
      /// Nil of a system that only gives events: it listens itself, on a port of its own.
      var sink: Interface.Endpoint? { kind.endpoints.first { $0.role == .sink && !$0.isReply } }
    }

    private let cases: [Case]

    init() {
      let secrets = builtInConnectors().flatMap { kind in kind.settings.filter(\.type.holdsSecret).map { (kind, $0.name) } }
      cases = secrets.enumerated().map { number, secret in
        Case(id: "c\(number)", kind: secret.0, secret: secret.1, canary: "canary\(number)x\(UInt64.random(in: 0 ... .max))")
      }
    }

    /// What connections need beside their secret to be tried at all; a setting that is not here and must be given is a text.
    private static func values(_ secret: String) -> [String: String] {
      [
        "host": "\"127.0.0.1\"", "port": "1", "nodes": "\"http://127.0.0.1:1\"", "base_url": "\"http://127.0.0.1:1\"",
        "bootstrap_servers": "\"127.0.0.1:1\"", "sslmode": "disable", "security": "plain", "security_protocol": "SASL_PLAINTEXT",
        "sasl_mechanism": "\"PLAIN\"", "sasl_username": "\"app\"", "user": secret == "password" ? "\"app\"" : "null",
      ]
    }

    private func spec(_ value: (Case) -> String?) -> String {
      cases.map { item in
        var lines = item.kind.settings.compactMap { setting -> String? in
          if setting.name == item.secret { return value(item).map { "\(setting.name) = \($0)" } }
          if setting.name == "port", item.sink == nil { return "port = 0" }
          return (Self.values(item.secret)[setting.name] ?? (setting.value == nil ? "\"app\"" : nil)).map { "\(setting.name) = \($0)" }
        }
        lines.append("connect_timeout = 500ms")
        let endpoint = item.sink ?? item.kind.endpoints.first { $0.role == .source }!
        // A path begins with a slash, a topic of Kafka holds none.
        let name = item.kind.name == "Kafka" ? "\"app\"" : "\"/app\""
        let arguments = endpoint.parameters.filter { $0.value == nil }.map { _ in name }.joined(separator: ", ")
        let use = "\(item.id).\(endpoint.name)(\(arguments))"
        let encode = if case .bytes = endpoint.events { "|> encode json " } else { "" }
        let chain =
          item.sink == nil
          ? "source \(use) |> sink file.lines(\"\(item.id).out\", mode: append)" : "source timer.every(1s) \(encode)|> sink \(use)"
        return """
          connection \(item.id): \(item.kind.name) {
            \(lines.joined(separator: "\n  "))
          }
          pipeline p_\(item.id) { \(chain)
            on error halt }

          """
      }.joined()
    }

    private static let general = "[general]\nmetrics = 127.0.0.1:0\nshutdown_timeout = 100ms\n"
    private func conf(_ value: (Case) -> String) -> String {
      Self.general + cases.map { "[connection:\($0.id)]\n\($0.secret) = \(value($0))\n" }.joined()
    }

    /// The canaries as they are and as HTTP encodes them, of those that stand in some bytes.
    private func found(in data: Data) -> [String] {
      cases.filter { item in
        ["\(item.canary)", "app:\(item.canary)"].contains { text in
          let encoded = Data(text.utf8).base64EncodedData()
          return data.range(of: Data(text.utf8)) != nil || data.range(of: encoded) != nil
        }
      }.map { "\($0.kind.name) \($0.secret)" }
    }
    private func found(in text: String) -> [String] { found(in: Data(text.utf8)) }

    private var environment: [String: String] {
      Dictionary(uniqueKeysWithValues: cases.map { ("CANARY_\($0.id)", $0.canary) })
    }

    /// Log, errors, status page and process list of a run whose systems are all down.
    @Test(arguments: ["environment", "secret file", "pipelines.conf"]) func running(_ way: String) throws {
      let text = spec { item in
        switch way {
        case "environment": "env.CANARY_\(item.id)"
        case "secret file": "secret file \"\(item.id).secret\""
        default: nil
        }
      }
      let isInFile = way == "pipelines.conf"
      var files = ["pipelines.conf": isInFile ? conf(\.canary) : Self.general]
      if way == "secret file" { for item in cases { files["\(item.id).secret"] = item.canary + "\n" } }
      let program = try TestProgram(text, files: files, environment: way == "environment" ? environment : [:])
      try program.start()
      // The first of them compiles all connectors.
      #expect(program.wait(seconds: 400) { cases.allSatisfy { program.log.contains("connection `\($0.id)`") } }, "\(program.log)")
      for page in ["metrics", "readyz", "livez"] {
        let shown = program.page("/" + page)
        #expect(!shown.isEmpty && found(in: shown).isEmpty, "\(shown) \(program.log)")
      }
      #expect(Self.commandLines().contains("pump-host") || Self.commandLines().contains("host-"))
      #expect(found(in: Self.commandLines()).isEmpty)
      let outcome = try program.stop()
      #expect(found(in: outcome.err).isEmpty, "\(outcome.err)")
      #expect(outcome.code < 1000, "ended by a signal: \(outcome.code)")
    }

    /// The arguments of all processes of this machine.
    private static func commandLines() -> String {
      let pids = ((try? FileManager.default.contentsOfDirectory(atPath: "/proc")) ?? []).filter { Int($0) != nil }
      return pids.map { String(decoding: FileManager.default.contents(atPath: "/proc/\($0)/cmdline") ?? Data(), as: UTF8.self) }
        .joined(separator: "\n")
    }

    /// What comes of a spec beside its run: the plan, the Swift, the executable, and what is printed on the way.
    @Test func compiled() throws {
      let program = try TestProgram(spec { "env.CANARY_\($0.id)" }, files: ["pipelines.conf": conf(\.canary)])
      let plan = try #require(compile(try Project.load(program.folder)).plan)
      #expect(found(in: try JSONEncoder().encode(plan)).isEmpty)
      let verbs = [
        ["check", "--config", program.folder + "/pipelines.conf"], ["config"], ["config", "--format", "env"],
        ["config", "--format", "schema"], ["graph"],
        ["emit", "-o", program.folder + "/swift"], ["build", "-o", program.folder + "/program"],
      ]
      for words in verbs {
        let outcome = try Support.run("pumpc", words + [program.folder], environment: environment)
        #expect(outcome.code == 0 && found(in: outcome.out + outcome.err).isEmpty, "\(words) \(outcome.out) \(outcome.err)")
      }
      #expect(found(in: try Data(contentsOf: URL(fileURLWithPath: program.folder + "/program"))).isEmpty)
      for path in try FileManager.default.subpathsOfDirectory(atPath: program.folder + "/swift") {
        #expect(found(in: FileManager.default.contents(atPath: "\(program.folder)/swift/\(path)") ?? Data()).isEmpty, "\(path)")
      }
    }

    /// A mistake in the line that holds the secret: it is shown without the secret.
    @Test(arguments: [
      "passwrd = CANARY", "password CANARY", "password = x\npassword = CANARY", "password = ${CANARY",
    ]) func misspelled(_ lines: String) throws {
      let item = cases.first { $0.secret == "password" }!
      let text = "[connection:\(item.id)]\n" + lines.replacing("CANARY", with: item.canary) + "\n"
      let program = try TestProgram(spec { "env.CANARY_\($0.id)" }, files: ["pipelines.conf": text], environment: environment)
      let run = try program.run()
      #expect(run.code == 2 && found(in: run.err).isEmpty, "\(run.err)")
      for format in ["text", "json", "sarif", "github"] {
        let check = try Support.run(
          "pumpc", ["check", "--format", format, "--config", program.folder + "/pipelines.conf", program.folder], environment: environment)
        #expect(check.code == 2 && found(in: check.out + check.err).isEmpty, "\(check.out) \(check.err)")
      }
    }

    /// A password in an address is no secret that Pump knows of; it is not repeated all the same.
    @Test(arguments: [
      ("Http", "base_url = http://app:CANARY@127.0.0.1:1"), ("Http", "base_url = 127.0.0.1:1@app:CANARY"),
      ("Elasticsearch", "nodes = https://app:CANARY@127.0.0.1:1"), ("MongoDB", "uri = mongodb://app:CANARY@127.0.0.1:1/"),
      ("MongoDB", "uri = mongodb://app:CANARY@127.0.0.1:1000000/"), ("MongoDB", "properties.tlsCertificateKeyFilePassword = CANARY"),
      ("PostgreSQL", "properties.sslpassword = CANARY"), ("Kafka", "properties.ssl.key.pem = CANARY"),
    ]) func inAddresses(_ kind: String, _ line: String) throws {
      let item = cases.first { $0.kind.name == kind }!
      let text = "[connection:\(item.id)]\nconnect = required\n" + line.replacing("CANARY", with: item.canary) + "\n"
      let program = try TestProgram(spec { _ in nil }, files: ["pipelines.conf": text])
      let outcome = try program.run()
      #expect(outcome.code == 1 && found(in: outcome.err).isEmpty, "\(outcome.err)")
    }
  }
}
