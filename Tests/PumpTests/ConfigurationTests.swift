import Foundation
import PumpCompiler
import PumpPlan
import PumpRuntime
import PumpTestSupport
import Testing

/// What a program is worth that is configured by its spec, the environment and configuration files.
enum Configured {
  /// A spec in which everything that is declared is used.
  static func spec(config: String = "", connections: String = "", source: String = "timer.every(1s, limit: 1)", use: String = "1") -> String
  {
    """
    \(config)
    \(connections)
    pipeline p {
      source \(source) |> map { v: \(use) } |> encode json |> sink file.lines("out.ndjson")
      on error halt
    }
    """
  }

  struct Outcome {
    let configuration: Configuration
    let problems: [ConfProblem]
    var errors: [String] { problems.filter(\.isError).map { "\($0.kind.rawValue) \($0.message)" } }
    var warnings: [ConfProblem] { problems.filter { !$0.isError } }
  }

  static func load(
    _ spec: String, conf: String? = nil, set overrides: [String] = [], environment: [String: String] = [:], path: String = "pipelines.conf"
  ) throws -> Outcome {
    let compilation = Support.compile(spec)
    let plan = try #require(compilation.plan, "\(compilation.diagnostics.map(\.message))")
    let (configuration, problems) = Configuration.load(
      plan.program.schema, files: conf.map { [ConfFile(path: path, text: $0)] } ?? [], overrides: overrides,
      environment: { environment[$0] }
    )
    return Outcome(configuration: configuration, problems: problems)
  }

  /// The findings of a spec, as `CODE message`.
  static func findings(_ spec: String) -> [String] { Support.compile(spec).diagnostics.map { "\($0.code.id) \($0.message)" } }
}

@Suite struct SettingTests {
  private static let clients = [
    ("connection c: Http { base_url = \"http://127.0.0.1/\", token = %@ }", "c.get(\"/\")", "token"),
    ("connection c: Webhook { token = %@ }", "c.post(\"/\")", "token"),
    ("connection c: Webhook { signature_secret = %@ }", "c.post(\"/\")", "signature_secret"),
    ("connection c: MQTT { password = %@ }", "c.topic(\"t\")", "password"),
    ("connection c: MQTT { user = %@ }", "c.topic(\"t\")", "user"),
    ("connection c: PostgreSQL { database = \"d\", password = %@ }", "c.listen(\"l\")", "password"),
    ("connection c: PostgreSQL { database = \"d\", tls { ca = %@ } }", "c.listen(\"l\")", "tls.ca"),
  ]

  /// Nobody could give a setting that is a record its value.
  @Test(arguments: ["place: { x: Int }", "places: [{ x: Int }]", "lists: [[Int]]"]) func noRecords(_ setting: String) {
    let connector = "connector Store in StoreKit {\n  \(setting)\n  sink put(text: String): Bytes can ack\n}\n"
    #expect(Configured.findings(connector).contains { $0.hasPrefix("P0217 a setting holds scalars") })
    let argument = "connector Store in StoreKit {\n  sink put(\(setting)): Bytes can ack\n}\n"
    #expect(Configured.findings(argument).contains { $0.hasPrefix("P0217 a setting holds scalars") })
  }

  /// A whole number where a fractional one is due, wherever it comes from.
  @Test(arguments: ["3", "config.shop.grow ?? 3", "config.shop.three", "env.GROW", "env.GROW ?? 3"])
  func wholeForFractional(_ value: String) throws {
    let spec = Configured.spec(
      config: "config shop {\n  grow: Int?\n  three: Int = 3\n}",
      connections: "connection c: Http { base_url = \"http://127.0.0.1/\", reconnect { multiplier = \(value) } }",
      source: "c.get(\"/\")", use: "meta.raw")
    let outcome = try Configured.load(spec, environment: value == "env.GROW" ? ["GROW": "3"] : [:])
    #expect(outcome.errors == [])
    #expect(ReconnectSettings(outcome.configuration.section("connection:c")).multiplier == 3)
  }

  @Test("R26: a variable that is not set is an error, where the setting may be left out too", arguments: clients.indices)
  func unsetVariables(_ index: Int) throws {
    let (connection, source, name) = Self.clients[index]
    func spec(_ value: String) -> String {
      Configured.spec(connections: connection.replacing("%@", with: value), source: source, use: "meta.raw")
    }
    let unset = try Configured.load(spec("env.UNSET"))
    #expect(unset.errors == ["P0706 `\(name)` of `[connection:c]` needs the environment variable `UNSET`"])
    #expect(unset.problems[0].help.contains("env.UNSET ?? null"))
    let optional = try Configured.load(spec("env.UNSET ?? null"))
    #expect(optional.errors == [] && optional.configuration.section("connection:c")[name] == .null)
    let set = try Configured.load(spec("env.UNSET ?? null"), environment: ["UNSET": "x"])
    #expect(set.configuration.section("connection:c")[name] == .text("x"))
  }

  @Test("R26: a secret is never empty, wherever it comes from")
  func emptySecrets() throws {
    let spec = Configured.spec(connections: "connection c: Webhook { token = env.TOKEN }", source: "c.post(\"/\")", use: "meta.raw")
    #expect(
      try Configured.load(spec, environment: ["TOKEN": ""]).errors == [
        "P0704 `token` must not be empty, in `[connection:c]`; it comes from the environment variable `TOKEN`"
      ])
    #expect(try Configured.load(spec, conf: "[connection:c]\ntoken =\n").errors == ["P0704 `token` must not be empty"])
    #expect(try Configured.load(spec, set: ["connection.c.token="]).errors == ["P0704 `token` must not be empty"])
  }

  @Test("R26: what holds where a variable is not set has the setting's type")
  func fallbacks() throws {
    func port(_ value: String, _ environment: [String: String] = [:]) throws -> Value {
      let spec = Configured.spec(connections: "connection c: MQTT { port = \(value) }", source: "c.topic(\"t\")", use: "meta.raw")
      let outcome = try Configured.load(spec, environment: environment)
      #expect(outcome.errors == [])
      return outcome.configuration.section("connection:c")["port"]
    }
    #expect(try port("env.PORT ?? 1883") == .int(1883))
    #expect(try port("env.PORT ?? 1883", ["PORT": ""]) == .int(1883))
    #expect(try port("env.PORT ?? 1883", ["PORT": "1884"]) == .int(1884))
    #expect(try port("env.A ?? env.B ?? 1", ["B": "2"]) == .int(2))
    let text = Configured.spec(
      connections: "connection c: MQTT { host = \"\\(env.HOST ?? \"localhost\").local\" }", source: "c.topic(\"t\")", use: "meta.raw")
    #expect(try Configured.load(text).configuration.section("connection:c")["host"] == .text("localhost.local"))
    let wrong = Configured.spec(connections: "connection c: MQTT { port = env.PORT ?? \"x\" }", source: "c.topic(\"t\")", use: "meta.raw")
    #expect(Configured.findings(wrong).first?.hasPrefix("P0201 ") ?? false)
  }

  /// Each connector, its address, and a use of it.
  private static let hosts: [(connection: String, source: String, least: Int)] = [
    ("PostgreSQL { database = \"d\", %@ }", "c.listen(\"l\")", 1), ("MQTT { %@ }", "c.topic(\"t\")", 1),
    ("MongoDB { database = \"d\", %@ }", "c.changes()", 1), ("Webhook { %@ }", "c.post(\"/\")", 0),
  ]

  @Test(
    "R42: ports and hosts are checked in the spec, in pipelines.conf, on the command line and in the environment",
    arguments: hosts.indices)
  func addresses(_ index: Int) throws {
    let (connection, source, least) = Self.hosts[index]
    func spec(_ settings: String) -> String {
      Configured.spec(connections: "connection c: \(connection.replacing("%@", with: settings))", source: source, use: "meta.raw")
    }
    let range = "`port` must be from \(least) to 65535"
    for port in ["99999", "65536", "-1"] {
      #expect(Configured.findings(spec("port = \(port)")) == ["P0211 \(range)"])
      #expect(
        try Configured.load(spec("connect = retry"), conf: "[connection:c]\nport = \(port)\n").errors == [
          "P0704 \(range), `\(port)` is not"
        ])
      #expect(
        try Configured.load(spec("connect = retry"), set: ["connection.c.port=\(port)"]).errors == ["P0704 \(range), `\(port)` is not"])
      let environment = try Configured.load(spec("port = env.PORT"), environment: ["PORT": port])
      #expect(environment.errors.first?.hasPrefix("P0704 \(range), `\(port)` is not, in `[connection:c]`") ?? false)
    }
    #expect(try Configured.load(spec("port = 65535")).errors == [])
    #expect(Configured.findings(spec("host = \"\"")) == ["P0211 `host` must not be empty"])
    #expect(try Configured.load(spec("connect = retry"), conf: "[connection:c]\nhost=\n").errors == ["P0704 `host` must not be empty"])
  }

  @Test(
    "R42: names and addresses that a connector needs are not empty",
    arguments: [
      ("Kafka { bootstrap_servers = \"\" }", "c.topic(\"t\", group: \"g\")", "bootstrap_servers"),
      ("Http { base_url = \"\" }", "c.get(\"/\")", "base_url"),
      ("SQLite { path = \"\" }", "c.query(\"select 1 as number\") as { number: Int }", "path"),
      ("Elasticsearch { nodes = \"\" }", "c.search(\"i\") as { number: Int }", "nodes"),
      ("PostgreSQL { database = \"\" }", "c.listen(\"l\")", "database"),
    ]) func emptyTexts(_ connection: String, _ source: String, _ name: String)
  {
    let spec = Configured.spec(connections: "connection c: \(connection)", source: source)
    #expect(Configured.findings(spec).contains("P0211 `\(name)` must not be empty"), "\(Configured.findings(spec))")
  }

  @Test("R42: fractions have their bounds too") func jitter() {
    let spec = Configured.spec(
      connections: "connection c: MQTT { reconnect { jitter = 1.5, multiplier = 0.5 } }", source: "c.topic(\"t\")", use: "meta.raw")
    #expect(
      Configured.findings(spec) == [
        "P0211 `reconnect.jitter` must be from 0 to 1", "P0211 `reconnect.multiplier` must be 1 or more",
      ])
  }

  @Test(
    "L17: `${NAME}` in a spec is text; the fix reads the environment",
    arguments: [
      ("\"${DB_PATH}\"", "env.DB_PATH"), ("\"/data/${NAME}.db\"", "\"/data/\\(env.NAME).db\""),
      ("\"${DB_PATH:-a.db}\"", "env.DB_PATH ?? \"a.db\""),
    ]) func references(_ written: String, _ repaired: String) throws
  {
    func spec(_ value: String) -> String {
      Configured.spec(connections: "connection c: SQLite { path = \(value) }", source: "c.query(\"select 1 as number\") as { number: Int }")
    }
    let found = Support.compile(spec(written)).diagnostics
    #expect(found.map(\.code.id) == ["P0218"] && found[0].severity == .warning)
    #expect(found[0].fix?.edits.map(\.replacement) == [repaired])
    let environment = ["DB_PATH": "there.db", "NAME": "there"]
    let outcome = try Configured.load(spec(repaired), environment: environment)
    #expect(outcome.errors == [] && (outcome.configuration.section("connection:c").required("path") as String).hasSuffix("there.db"))
  }

  @Test("L17: a password that looks like a variable is one") func secretReference() {
    let spec = Configured.spec(
      connections: "connection c: MQTT { password = \"${MQTT_PASSWORD}\" }", source: "c.topic(\"t\")", use: "meta.raw")
    let found = Support.compile(spec).diagnostics
    #expect(found.map(\.code.id) == ["P0218"] && found[0].fix?.edits.map(\.replacement) == ["env.MQTT_PASSWORD"])
  }

  @Test("What the environment says does not become a value of events in silence") func environmentInEvents() {
    let spec = """
      stage tagged(tag: String) on { number: Int, at: Timestamp } = |> map { v: tag }
      pipeline p {
        source timer.every(1s, limit: 1) |> tagged(env.TAG) |> encode json |> sink file.lines("o")
        on error halt
      }
      """
    #expect(Configured.findings(spec).contains { $0.contains("`tagged` does not fit here: `tag` is what the environment says") })
  }

  @Test(
    "R2: a key that no line can say is refused",
    arguments: ["[{ a: Int }]", "[String: { a: Int }]", "[[Int]]", "{ a: Int }", "[[String: Int]]"])
  func notConfigurable(_ type: String) {
    let spec = Configured.spec(config: "config c { xs: \(type) }", use: "to_json(config.c.xs)")
    #expect(Configured.findings(spec).contains("P0217 a configuration key holds scalars, or lists or maps of scalars, this is \(type)"))
  }

  @Test("Interface files: a `where` that is no bound is refused") func bounds() {
    let spec = "connector K in M { port: Int where it % 2 == 0 = 2\n source s(): Bytes }\n" + Configured.spec()
    #expect(Configured.findings(spec).contains { $0.hasPrefix("P0217 the `where` of a setting says the least and the most") })
  }
}

/// The same value by a literal of the spec and by a line of pipelines.conf.
@Suite struct SameValueTests {
  /// Type, literal, line, and the value where a standard says it.
  static let cases: [(type: String, literal: String, line: String, value: Value?)] = [
    ("Bool", "true", "true", .bool(true)), ("Bool", "false", "false", .bool(false)),
    ("Int", "0", "0", .int(0)), ("Int", "1_000_000", "1_000_000", .int(1_000_000)), ("Int", "-5", "-5", .int(-5)),
    ("Int", "9223372036854775807", "9223372036854775807", .int(.max)), ("Int", "-9223372036854775808", "-9223372036854775808", .int(.min)),
    ("Float", "1.5", "1.5", .float(1.5)), ("Float", "3", "3", .float(3)), ("Float", "-2.5e-3", "-2.5e-3", .float(-0.0025)),
    ("Float", "1_000.25", "1_000.25", .float(1000.25)), ("Float", "1e300", "1e300", .float(1e300)),
    ("Decimal", "500.00", "500.00", .decimal(Decimal("500")!)), ("Decimal", "7", "7", .decimal(Decimal(7))),
    ("Decimal", "-0.0001", "-0.0001", .decimal(Decimal("-0.0001")!)), ("Decimal", "1.5e3", "1.5e3", .decimal(Decimal(1500))),
    ("Decimal", "12345678901234567890.123456789012345678", "12345678901234567890.123456789012345678", nil),
    ("String", "\"plain\"", "plain", .text("plain")),
    ("String", "\"a \\\"quoted\\\" word\"", "a \"quoted\" word", .text("a \"quoted\" word")),
    ("String", "\"it's\"", "it's", .text("it's")), ("String", "\"c:\\\\new\"", "c:\\new", .text("c:\\new")),
    ("String", "\"50 $\"", "50 $$", .text("50 $")), ("String", "\"a\\nb\"", "a\n  b", .text("a\nb")), ("String", "\"\"", "", .text("")),
    ("String", "\"žluť, 日本\"", "žluť, 日本", .text("žluť, 日本")), ("String", "\"x = y: z\"", "x = y: z", .text("x = y: z")),
    ("Size", "1B", "1B", .int(1)), ("Size", "1KB", "1KB", .int(1000)), ("Size", "1KiB", "1KiB", .int(1024)),
    ("Size", "1MB", "1MB", .int(1_000_000)), ("Size", "1MiB", "1MiB", .int(1 << 20)), ("Size", "1GB", "1GB", .int(1_000_000_000)),
    ("Size", "1GiB", "1GiB", .int(1 << 30)), ("Size", "1TB", "1TB", .int(1_000_000_000_000)), ("Size", "1TiB", "1TiB", .int(1 << 40)),
    ("Size", "1.5GiB", "1.5GiB", .int(3 << 29)), ("Size", "8_388_607TiB", "8_388_607TiB", .int(8_388_607 << 40)),
    ("Size", "9007199254740993B", "9007199254740993B", .int(9_007_199_254_740_993)),
    ("Duration", "5s", "5s", .int(5_000_000)), ("Duration", "100ms", "100ms", .int(100_000)), ("Duration", "7us", "7us", .int(7)),
    ("Duration", "3m", "3m", .int(180_000_000)), ("Duration", "1.5h", "1.5h", .int(5_400_000_000)),
    ("Duration", "2d", "2d", .int(172_800_000_000)), ("Duration", "0.1s", "0.1s", .int(100_000)),
    ("Duration", "-5s", "-5s", .int(-5_000_000)),
    ("Duration", "9007199254740993us", "9007199254740993us", .int(9_007_199_254_740_993)),
    ("Date", "1970-01-01", "1970-01-01", .int(0)), ("Date", "2024-02-29", "2024-02-29", .int(19_782)),
    ("Date", "1969-12-31", "1969-12-31", .int(-1)), ("Date", "9999-12-31", "9999-12-31", nil),
    ("Timestamp", "1970-01-01T00:00:01Z", "1970-01-01T00:00:01Z", .int(1_000_000)),
    ("Timestamp", "2026-01-01T10:20:30.5+02:00", "2026-01-01T10:20:30.5+02:00", .int(1_767_255_630_500_000)),
    ("Timestamp", "1999-12-31T23:59:59.123456-05:30", "1999-12-31T23:59:59.123456-05:30", nil),
    ("enum { red, green as \"g\" }", "green", "green", .text("green")), ("enum { red, green as \"g\" }", "green", "g", .text("green")),
    ("Int?", "5", "5", .int(5)), ("String?", "\"x\"", "x", .text("x")), ("Duration?", "1s", "1s", .int(1_000_000)),
    ("[Int]", "[1, 2, 3]", "1, 2, 3", .list([.int(1), .int(2), .int(3)])), ("[Int]", "[1, 2]", "[1, 2]", .list([.int(1), .int(2)])),
    ("[Int]", "[]", "", .list([])), ("[Int]", "[]", "[]", .list([])), ("[Decimal]", "[1, 2.5]", "1, 2.5", nil),
    ("[String]", "[\"a\", \"b\"]", "a, b", .list([.text("a"), .text("b")])),
    ("[String]", "[\"a, b\", \"c\"]", "[\"a, b\", \"c\"]", .list([.text("a, b"), .text("c")])),
    ("[String]", "[\"say \\\"hi\\\"\"]", "[\"say \\\"hi\\\"\"]", .list([.text("say \"hi\"")])),
    ("[String]", "[\"\", \"]\"]", "[\"\", \"]\"]", .list([.text(""), .text("]")])),
    ("[Duration]", "[1s, 2m]", "1s, 2m", .list([.int(1_000_000), .int(120_000_000)])),
    ("[Size]", "[1KiB]", "1KiB", .list([.int(1024)])), ("[Date]", "[2026-01-01]", "2026-01-01", .list([.int(20_454)])),
    ("[enum { a, b }]", "[b, a]", "b, a", .list([.text("b"), .text("a")])),
  ]

  @Test(arguments: cases.indices) func sameValue(_ index: Int) throws {
    let (type, literal, line, value) = Self.cases[index]
    func load(_ declared: String, _ conf: String?) throws -> Value {
      let spec = Configured.spec(config: "config c { k: \(type)\(declared) }", use: "to_json(config.c.k)")
      let outcome = try Configured.load(spec, conf: conf)
      #expect(outcome.errors == [] && outcome.warnings.isEmpty, "\(outcome.problems.map(\.description))")
      return outcome.configuration.section("c")["k"]
    }
    let fromSpec = try load(" = \(literal)", nil)
    let fromConf = try load("", "[c]\nk = \(line)\n")
    #expect(Self.json(fromSpec) == Self.json(fromConf), "\(type) \(literal) | \(line)")
    if let value { #expect(Self.json(fromConf) == Self.json(value)) }
  }

  /// Decimals are equal whatever their scales.
  private static func json(_ value: Value) -> String { describe(value) }
  private static func describe(_ value: Value) -> String {
    switch value {
    case .decimal(let number): "decimal \(number)"
    case .list(let items): "[\(items.map(describe).joined(separator: ", "))]"
    case .map(let pairs): "{\(pairs.map { "\($0.key): \(describe($0.value))" }.joined(separator: ", "))}"
    default: "\(value)"
    }
  }

  /// Neither reads these.
  @Test(arguments: [
    ("Int", "1.5"), ("Int", "9223372036854775808"), ("Float", "1e400"), ("Float", "0x1p3"), ("Float", "nan"), ("Float", "inf"),
    ("Size", "1PB"), ("Size", "16777216TiB"), ("Size", "-1B"), ("Duration", "5"), ("Duration", "200_000_000d"), ("Date", "2025-02-29"),
    ("Date", "0000-01-01"), ("Timestamp", "2026-01-01T25:00:00Z"), ("Timestamp", "2026-01-01T10:00:00+24:00"), ("Bool", "maybe"),
    ("[Int]", "[1, x]"), ("[String]", "[\"a\", "), ("Decimal", "123456789012345678901234567890123456789"), ("enum { a, b }", "c"),
    ("Uuid", "abc"), ("Json", "{"), ("Bytes", "%%%"),
  ]) func refused(_ type: String, _ text: String) throws {
    let use = "to_json(config.c.k)"
    let literal = Support.compile(Configured.spec(config: "config c { k: \(type) = \(text) }", use: use))
    #expect(literal.plan == nil, "\(type) = \(text)")
    let conf = try Configured.load(Configured.spec(config: "config c { k: \(type) }", use: use), conf: "[c]\nk = \(text)\n")
    #expect(conf.errors.count == 1 && conf.errors[0].hasPrefix("P0704"), "\(conf.errors)")
  }

  @Test("Groups have values of their type") func groups() throws {
    let spec = Configured.spec(config: "config c { m: [String: Int] = { a: 1 } }", use: "to_json(config.c.m)")
    #expect(try Configured.load(spec).configuration.section("c")["m"] == .map([.init("a", .int(1))]))
    #expect(try Configured.load(spec, conf: "[c]\nm.b = 2\n").configuration.section("c")["m"] == .map([.init("b", .int(2))]))
    #expect(try Configured.load(spec, conf: "[c]\nm.b = two\n").errors == ["P0704 `m.b` needs Int, `two` is none"])
  }

  @Test("R22: a size has the same units in a spec and in pipelines.conf") func units() throws {
    let spec = Configured.spec(config: "config c { k: Size }", use: "config.c.k")
    for unit in ["B", "KB", "MB", "GB", "TB", "KiB", "MiB", "GiB", "TiB"] {
      #expect(try Configured.load(spec, conf: "[c]\nk = 3\(unit)\n").errors == [])
      #expect(Configured.findings(Configured.spec(config: "config c { k: Size = 3\(unit) }", use: "config.c.k")) == [])
    }
  }
}
