import Foundation
import PumpCompiler
import PumpRuntime
import PumpTestSupport
import Testing

/// `pumpc config`: what it prints is what holds.
@Suite struct ConfigTemplateTests {
  private static let spec = """
    /// Of this program.
    config c {
      i: Int = -5
      f: Float = 1.5e300
      d: Decimal = 500.50
      b: Bool = true
      /// A text.
      s: String = "c:\\\\x $HOME # note"
      e: String = ""
      lines: String = "a\\nb"
      t: Timestamp = 1999-12-31T23:59:59.5-05:30
      day: Date = 2024-02-29
      took: Duration = 90s
      size: Size = 1.5GiB
      kind: enum { red, green as "g" } = green
      list: [String] = ["a, b", "c", "say \\"hi\\" $X"]
      none: [Int] = []
      days: [Date] = [2026-01-01]
      m: [String: Int] = { a: 1 }
      o: Int?
      required: Int
    }
    connection db: SQLite { path = "a.db" }
    connection kafka: Kafka { bootstrap_servers = "k:9092", properties { "linger.ms" = "5" }, sasl_password = env.KAFKA ?? null }
    connection hook: Webhook { token = env.HOOK_TOKEN, port = env.PORT }
    pipeline p {
      source hook.post("/") |> map { i: to_json([
        to_json(config.c.i), to_json(config.c.f), to_json(config.c.d), to_json(config.c.b), to_json(config.c.s), to_json(config.c.e),
        to_json(config.c.lines), to_json(config.c.t), to_json(config.c.day), to_json(config.c.took), to_json(config.c.size),
        to_json(config.c.kind), to_json(config.c.list), to_json(config.c.none), to_json(config.c.days), to_json(config.c.m),
        to_json(config.c.o), to_json(config.c.required)]) } |> tee { encode json |> sink kafka.topic("t") } |> sink db.table("t")
      on error halt
    }
    """

  private static let environment = ["KAFKA": "k", "HOOK_TOKEN": "h", "PORT": "8081"]

  @Test("L27: uncommenting any line changes nothing") func uncommented() throws {
    let plan = try #require(Support.compile(Self.spec).plan, "\(Support.compile(Self.spec).diagnostics.map(\.message))")
    let template = ConfigTemplate.conf.render(plan, general: generalSettings).replacing("\nrequired =\n", with: "\nrequired = 7\n")
    #expect(template.contains("[general]\n"))
    func load(_ text: String) -> (Configuration, [ConfProblem]) {
      Configuration.load(
        plan.program.schema, files: [ConfFile(path: "c", text: text)], overrides: [], environment: { Self.environment[$0] })
    }
    let (plain, problems) = load("[c]\nrequired = 7\n")
    #expect(problems.isEmpty, "\(problems.map(\.description))")
    let lines = template.split(separator: "\n", omittingEmptySubsequences: false).map(String.init)
    let settings = lines.indices.filter { lines[$0].hasPrefix("#") && !lines[$0].hasPrefix("# ") }
    #expect(settings.count > 40)
    let all = lines.indices.map { settings.contains($0) ? String(lines[$0].dropFirst()) : lines[$0] }.joined(separator: "\n")
    let (uncommented, found) = load(all)
    #expect(found.allSatisfy { !$0.isError }, "\(found.map(\.description))\n\(all)")
    for section in plan.program.schema.sections {
      for setting in section.settings {
        let (a, b) = (plain.section(section.name)[setting.name], uncommented.section(section.name)[setting.name])
        #expect(a.json(.of(setting.type)) == b.json(.of(setting.type)), "[\(section.name)] \(setting.name)")
      }
    }
    for line in ["#t = 2000-01-01T05:29:59.500000Z", "#day = 2024-02-29", "#size = 1536MiB", "#properties.linger.ms = 5", "#m.a = 1"] {
      #expect(lines.contains(line), "\(line)")
    }
  }

  @Test("L27: defaults of the schema have their types, and it takes the keys that the file takes") func schema() throws {
    let plan = try #require(Support.compile(Self.spec).plan)
    let text = ConfigTemplate.schema.render(plan, general: generalSettings)
    let schema = try #require(try JSONSerialization.jsonObject(with: Data(text.utf8)) as? [String: Any])
    let sections = try #require(schema["properties"] as? [String: [String: Any]])
    func key(_ section: String, _ key: String) throws -> [String: Any] {
      try #require((sections[section]?["properties"] as? [String: [String: Any]])?[key])
    }
    #expect(try key("c", "i")["default"] as? Int == -5)
    #expect(try key("c", "f")["default"] as? Double == 1.5e300)
    #expect(try key("c", "b")["default"] as? Bool == true)
    #expect(try key("c", "list")["default"] as? [String] == ["a, b", "c", "say \"hi\" $X"])
    #expect(try key("c", "took")["default"] as? String == "90s")
    #expect(try key("general", "shutdown_timeout")["default"] as? String == "30s")
    #expect((sections["connection:kafka"]?["patternProperties"] as? [String: Any])?["^properties\\..+$"] != nil)
    #expect(sections["c"]?["required"] as? [String] == ["required"])
  }
}
