import Foundation
import PumpCompiler
import PumpRuntime
import PumpTestSupport
import Testing

/// Lines of pipelines.conf that other readers take for something else.
@Suite struct ConfDoubtTests {
  private static let spec = Configured.spec(
    config: "config c { text: String = \"t\", list: [String] = [], json: Json = to_json(1) }".replacing(
      ", json: Json = to_json(1)", with: ""),
    connections: "connection db: PostgreSQL { database = \"d\", password = env.PW ?? null }", source: "db.listen(\"l\")",
    use: "\"\\(meta.channel) \\(config.c.text) \\(config.c.list)\"")

  /// Line, the value that stays, the warning, and what `--fix` writes.
  static let cases: [(line: String, value: String, warning: String, fix: String?)] = [
    ("text = \"127.0.0.1\"", "\"127.0.0.1\"", "the quotes are part of the value of `text`", "text = 127.0.0.1"),
    ("text: 'a b'", "'a b'", "the quotes are part of the value of `text`", "text: a b"),
    (
      "text = shop # the shop", "shop # the shop", "the `#` and what follows it are part of the value of `text`",
      "# the shop\ntext = shop"
    ),
    (
      "text = shop\t; the shop", "shop\t; the shop", "the `;` and what follows it are part of the value of `text`",
      "; the shop\ntext = shop"
    ),
    ("text = # nothing", "# nothing", "the `#` and what follows it are part of the value of `text`", "# nothing\ntext = "),
    ("text = $HOME/x", "$HOME/x", "`$HOME` in `text` stays as it is", "text = ${HOME}/x"),
    ("text = $NOWHERE", "$NOWHERE", "`$NOWHERE` in `text` stays as it is", nil),
  ]

  @Test("L23, L24: quotes, comments behind a value and bare variables are the value, with a warning", arguments: cases.indices)
  func doubts(_ index: Int) throws {
    let (line, value, warning, fix) = Self.cases[index]
    let outcome = try Configured.load(Self.spec, conf: "[c]\n\(line)\n", environment: ["HOME": "/h"])
    #expect(outcome.errors == [] && outcome.warnings.map(\.message) == [warning])
    #expect(outcome.warnings.allSatisfy { $0.kind == .doubtful && $0.line == 2 })
    #expect(outcome.warnings.map(\.fix?.text) == [fix])
    #expect(outcome.configuration.section("c")["text"] == .text(value))
    // What the fix writes has nothing to be fixed.
    if let fix { #expect(try Configured.load(Self.spec, conf: "[c]\n\(fix)\n", environment: ["HOME": "/h"]).problems.isEmpty) }
  }

  @Test(
    "No warning where nothing else can be meant",
    arguments: [
      "text = a#b", "text = #fff", "text = it's", "text = a \"b\" c", "text = 5 $$", "text = $$HOME", "text = ${HOME}", "text = 5$",
      "text = \"",
      "list = a, b c", "list = New York,", "list = [\"a b\", \"c\"]", "list = a", "list =\n  a,\n  b",
    ]) func noDoubts(_ line: String) throws
  {
    let outcome = try Configured.load(Self.spec, conf: "[c]\n\(line)\n", environment: ["HOME": "/h"])
    #expect(outcome.problems.isEmpty, "\(outcome.problems.map(\.description))")
  }

  @Test(
    "L24: a list with white space between its elements is one element, with a warning",
    arguments: ["list = a b", "list =\n  a\n  b", "list = a\n  b"])
  func whiteSpace(_ line: String) throws {
    let outcome = try Configured.load(Self.spec, conf: "[c]\n\(line)\n")
    #expect(
      outcome.errors == [] && outcome.warnings.map(\.message) == ["`list` has white space within an element: commas separate elements"])
    #expect((outcome.configuration.section("c").read("list") as [String]?)?.count == 1)
    let fix = try #require(outcome.warnings[0].fix)
    #expect(fix.text == "list = a, b" && fix.lines == 2...(1 + line.split(separator: "\n").count))
  }

  @Test("L23: a secret stands in no warning", arguments: ["\"s3cret\"", "s3cret # s3cret2", "a$s3cret"]) func secrets(_ value: String)
    throws
  {
    let outcome = try Configured.load(Self.spec, conf: "[connection:db]\npassword = \(value)\n")
    #expect(outcome.errors == [] && outcome.warnings.count == 1)
    #expect(!outcome.warnings.contains { $0.description.contains("s3cret") })
  }

  @Test("L23: `check --fix` writes the repairs, and the run tells of what is left") func fixes() throws {
    let spec =
      "config c { text: String, list: [String] }\npipeline p { source file.lines(\"in.txt\") |> map \"\\(config.c.text) \\(config.c.list)\" |> encode text |> sink file.lines(\"out.txt\")\n on error halt }\n"
    let conf = "[c] ; of this program\r\ntext = \"x\" # note\nlist = a\n  b\n"
    let program = try TestProgram(spec, files: ["in.txt": "one\n", "pipelines.conf": conf])
    let path = program.folder + "/pipelines.conf"
    let run = try Support.run("pumpc", ["run", program.folder])
    #expect(run.code == 0 && run.err.contains("warning[P0707]: the `#` and what follows it are part of the value of `text`"), "\(run.err)")
    #expect(run.err.contains("   --> \(path):2:1\n"), "\(run.err)")
    #expect(program.read("out.txt") == "\"x\" # note [\"a\\nb\"]\n")
    let fixed = try Support.run("pumpc", ["check", "--fix", "--config", path, program.folder])
    #expect(fixed.code == 0, "\(fixed.out)")
    #expect(program.read("pipelines.conf") == "[c] ; of this program\r\n# note\ntext = x\nlist = a, b\n")
  }

  @Test("L24: `${THIS_DIR}` is the folder of the file, in values, in `include` and in `[general]`") func thisDir() throws {
    let folder = try Support.temporaryFolder()
    defer { try? FileManager.default.removeItem(atPath: folder) }
    try FileManager.default.createDirectory(atPath: folder + "/conf.d", withIntermediateDirectories: true)
    func write(_ name: String, _ text: String) throws { try Data(text.utf8).write(to: URL(fileURLWithPath: "\(folder)/\(name)")) }
    try write("main.conf", "[general]\ninclude = ${THIS_DIR}/conf.d/*.conf\nstate = ${STATE}/positions\n[c]\ntext = ${THIS_DIR}/a\n")
    try write("conf.d/more.conf", "[c]\nlist = ${THIS_DIR}\n")
    var problems: [ConfProblem] = []
    let files = ConfFile.load([folder + "/main.conf"], { _ in nil }, &problems)
    #expect(problems.isEmpty && files.count == 2)
    let plan = try #require(Support.compile(Self.spec).plan)
    let (configuration, found) = Configuration.load(
      plan.program.schema, files: files, overrides: [], environment: { ["STATE": "/var/pump"][$0] })
    #expect(found.isEmpty, "\(found.map(\.description))")
    let real = URL(fileURLWithPath: folder).resolvingSymlinksInPath().path
    #expect(
      configuration.section("c")["text"] == .text(real + "/a") && configuration.section("c")["list"] == .list([.text(real + "/conf.d")]))
    #expect(configuration.state == "/var/pump/positions")
  }

  @Test("L24: keys and other sections are no variables", arguments: ["${text}", "${connection:db}"]) func keys(_ value: String) throws {
    let outcome = try Configured.load(Self.spec, conf: "[c]\nlist = \(value)\n")
    #expect(outcome.errors.count == 1 && outcome.problems[0].help.contains("reads the environment alone"), "\(outcome.problems)")
  }

  @Test("A comment among the lines of a value does not end it; brackets may stand in a section's name and begin a line of a value")
  func continuations() {
    let file = ConfFile(
      path: "f", text: "[c]\nlist =\n  a,\n# note\n  b\nmore =\n  [\"x\"]\n[pipeline:p:file.lines(in[1].txt)] # note\nk = v\n")
    #expect(file.problems.isEmpty && file.entries.map(\.value) == ["\na,\nb", "\n[\"x\"]", "v"])
    #expect(file.sections.map(\.name) == ["c", "pipeline:p:file.lines(in[1].txt)"])
  }

  @Test("Names in `ignore` may have white space between them") func ignored() throws {
    #expect(
      try Configured.load(Self.spec, conf: "[general]\nignore = web logging*\n[web]\na = 1\n[logging:file]\nb = 2\n").problems.isEmpty)
  }

  @Test("M18: findings look alike in `run` and `check`, and have the same exit code") func sameFindings() throws {
    let spec =
      "config c { n: Int }\nconnection db: SQLite { path = env.PUMP_TEST_UNSET }\ntype T { id: Int }\npipeline p { source file.lines(\"in.txt\") |> decode json as T |> filter .id > config.c.n |> sink db.table(\"t\")\n on error halt }\n"
    let program = try TestProgram(spec, files: ["in.txt": "", "pipelines.conf": "[c]\nn = many\n"])
    let path = program.folder + "/pipelines.conf"
    let run = try Support.run("pumpc", ["run", program.folder])
    let check = try Support.run("pumpc", ["check", "--config", path, program.folder])
    #expect(run.code == 2 && check.code == 2, "\(run.code) \(check.code)")
    for line in [
      "error[P0704]: `n` needs Int, `many` is none\n   --> \(path):2:1\n",
      "error[P0706]: `path` of `[connection:db]` needs the environment variable `PUMP_TEST_UNSET`\n  help: set PUMP_TEST_UNSET",
    ] {
      #expect(run.err.contains(line), "\(run.err)")
      // The line that is shown comes between place and help; a value never does.
      #expect(check.out.contains(line), "\(check.out)")
    }
    #expect(!check.out.contains("configuration:1:1") && check.out.contains("  2 | n = …"), "\(check.out)")
    for verb in ["check", "run"] {
      let set = try Support.run("pumpc", [verb, "--set", "c.n=abc", program.folder])
      #expect((set.out + set.err).contains("error[P0704]: `n` needs Int, `abc` is none\n   --> --set c.n=…\n  help:"), "\(set)")
    }
  }
}
