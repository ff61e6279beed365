import Foundation
import PumpCompiler
import PumpTestSupport
import Testing

/// Exit codes, signals, and what reaches a terminal.
@Suite struct CommandLineTests {
  private static let spec = """
    pipeline p {
      source file.lines("in.txt") |> decode json as { id: Int, name: String } |> filter .id > 0 |> assert .id < 9, "too large"
        |> encode json |> sink file.lines("out.txt")
      on error |> discard
    }
    test "names are kept" for p {
      given json { id: 1, name: "EAST STREET  " }
      expect file.lines("out.txt") matches [{ id: 1, name: "EAST STREET   " }]
    }
    test "large ones" for p {
      given json { id: 10, name: "x" }
      expect count(file.lines("out.txt")) == 1
    }
    """

  private func shell(_ command: String, folder: String? = nil, environment: [String: String] = [:]) throws -> Support.Outcome {
    try Support.run(
      "/bin/bash", ["-c", command], folder: folder, environment: environment.merging(["P": "\(Support.products)/pumpc"]) { $1 })
  }

  @Test("R41: a filter that no test fits is no success") func noSuchTest() throws {
    let program = try TestProgram(Self.spec)
    for flags in [[], ["--compiled"]] {
      let outcome = try Support.run("pumpc", ["test"] + flags + ["--filter", "nope", program.folder])
      #expect(outcome.code == 1 && outcome.err.contains("no test has `nope` in its title"), "\(outcome)")
    }
  }

  @Test("M22: spaces are shown as they are, the field that differs is named, and failures of events are told") func failingTests() throws {
    let program = try TestProgram(Self.spec)
    let outcome = try Support.run("pumpc", ["test", program.folder])
    #expect(outcome.code == 1)
    #expect(outcome.out.contains("name: \"EAST STREET   \""), "\(outcome.out)")
    #expect(outcome.out.contains("event 1 differs at .name\n"), "\(outcome.out)")
    #expect(outcome.out.contains("expected 1, nothing came\n  1 event failed:\n    assert: too large"), "\(outcome.out)")
  }

  @Test("migrate writes the language where it is missing, and leaves what has it") func migrate() throws {
    let program = try TestProgram("//! Of names.\n\n" + Self.spec)
    let path = program.folder + "/" + (try FileManager.default.contentsOfDirectory(atPath: program.folder).first { $0.hasSuffix(".pump") }!)
    let first = try Support.run("pumpc", ["migrate", program.folder])
    #expect(first.code == 0 && first.out.contains("wrote `language 1`"), "\(first)")
    let text = try String(contentsOfFile: path, encoding: .utf8)
    #expect(text == "//! Of names.\nlanguage 1\n\n" + Self.spec, "\(text)")
    let second = try Support.run("pumpc", ["migrate", program.folder])
    #expect(second.code == 0 && second.out.contains("nothing to do"), "\(second)")
    #expect(try String(contentsOfFile: path, encoding: .utf8) == text)
    try Data("language 2\nanything".utf8).write(to: URL(fileURLWithPath: path))
    for verb in ["migrate", "check", "run", "test"] {
      let newer = try Support.run("pumpc", [verb, program.folder])
      let errors = (newer.out + newer.err).components(separatedBy: "error[")
      #expect(newer.code == 1 && errors.count == 2 && errors[1].contains("language 2 needs pumpc 2.0 or newer"), "\(verb): \(newer)")
    }
  }

  @Test(
    "R41: output that cannot be written is an error",
    arguments: [
      ("$P functions >/dev/full", "No space left on device"), ("$P functions >&-", "Bad file descriptor"),
      ("$P check . >/dev/full", "No space left on device"), ("$P connectors SQLite >&-", "Bad file descriptor"),
      ("$P test --filter names . >/dev/full", "No space left on device"),
    ]) func fullOutput(_ command: String, _ reason: String) throws
  {
    let program = try TestProgram(Self.spec.replacing("STREET   ", with: "STREET  "))
    let outcome = try shell(command, folder: program.folder)
    #expect(outcome.code == 1 && outcome.err.contains("error: standard output: "), "\(command): \(outcome)")
  }

  @Test("R41: a sink of a closed standard output, and a source of a closed standard input, fail", arguments: [">&-", "<&-"])
  func closedStandards(_ how: String) throws {
    let spec =
      how == ">&-" ? "source file.lines(\"in.txt\") |> sink stdout.lines()" : "source stdin.lines() |> sink file.lines(\"out.txt\")"
    let program = try TestProgram("pipeline p {\n  \(spec)\n  on error halt\n}\n", files: ["in.txt": "one\n"])
    let outcome = try shell("$P run . \(how)", folder: program.folder)
    #expect(outcome.code == 1 && outcome.err.contains("Bad file descriptor"), "\(outcome)")
  }

  @Test("R21: a hang-up drains as SIGTERM does, and nohup's stays ignored") func hangUp() throws {
    let following = "pipeline p {\n  source file.lines(\"in.txt\", follow: true) |> sink file.lines(\"out.txt\")\n  on error halt\n}\n"
    let program = try TestProgram(following, files: ["in.txt": "one\ntwo\n"])
    try program.start()
    // Its own file is replaced at the end only: that it is there shows that the end was a clean one.
    usleep(500_000)
    program.kill(SIGHUP)
    let outcome = try program.end(seconds: 20)
    #expect(outcome.code == 0 && program.read("out.txt") == "one\ntwo\n", "\(outcome)")
    let ignoring = try TestProgram(following, files: ["in.txt": "one\n"])
    let nohup = try shell(
      "trap '' HUP; $P run . & sleep 1; kill -HUP $!; sleep 0.5; kill -0 $! && kill -TERM $!; wait $!", folder: ignoring.folder)
    #expect(nohup.code == 0, "\(nohup)")
  }

  @Test("M35: discarded events have a number of their own, interpreted and compiled") func discarded() throws {
    let program = try TestProgram(Self.spec, files: ["in.txt": "{\"id\":1,\"name\":\"a\"}\n{\"id\":0,\"name\":\"a\"}\nno\nno\n"])
    let line = "4 in, 1 to file.lines(out.txt), 1 filtered, 2 discarded, 2 failed"
    let run = try Support.run("pumpc", ["run", program.folder])
    #expect(run.code == 0 && run.err.contains(line), "\(run.err)")
    #expect(try Support.run("pumpc", ["build", "-o", program.folder + "/built", program.folder]).code == 0)
    let built = try Support.run(program.folder + "/built", [], folder: program.folder)
    #expect(built.code == 0 && built.err.contains(line), "\(built.err)")
  }

  @Test("R35: control characters of names and words do not reach a terminal") func escapes() throws {
    let escape = "\u{1B}[31m"
    let program = try TestProgram("pipeline p { source nope }\n", files: ["n\(escape).pump": "pipeline q { source nope }\n"])
    for words in [
      ["check", program.folder], ["check", "--format", "github", program.folder], ["run", program.folder],
      ["fmt", "--check", program.folder],
      ["chek\(escape)"], ["explain", "P\(escape)"], ["functions", escape], ["connectors", escape], ["check", "--format", escape],
      ["check", program.folder + "/none\(escape)"], ["check", "--nonsense\(escape)"],
    ] {
      let outcome = try Support.run("pumpc", words)
      #expect((words[0] == "fmt" || outcome.code != 0) && !(outcome.out + outcome.err).contains("\u{1B}"), "\(words) \(outcome)")
    }
  }

  @Test("R34: what is imported has the name of a spec") func imports() throws {
    let program = try TestProgram("import \"secret.txt\"\n" + Self.spec, files: ["secret.txt": "canary-4711 is the password\n"])
    let outcome = try Support.run("pumpc", ["check", program.folder])
    #expect(outcome.code == 1 && outcome.out.contains("`secret.txt` is no .pump file") && !outcome.out.contains("canary"), "\(outcome.out)")
  }

  @Test("R23: a build says how many files it needs open, or needs no more than there are") func descriptors() throws {
    let program = try TestProgram(Self.spec)
    let few = try shell("ulimit -n 10; $P build -o built .", folder: program.folder)
    #expect(few.code == 0 || few.err.contains("ulimit -n 256"), "\(few)")
    let enough = try shell("ulimit -n 64; $P build -o built .", folder: program.folder)
    #expect(enough.code == 0, "\(enough)")
  }

  @Test("D37: a folder of zones that the environment names is the one that is read") func zones() throws {
    let program = try TestProgram(
      "pipeline p { source file.lines(\"in\") |> map format_time(now(), \"%H\", zone: \"Europe/Prague\") |> encode text |> sink file.lines(\"out\")\non error halt }",
      files: ["in": "x\n"])
    #expect(try shell("$P run .", folder: program.folder).code == 0)
    let empty = try Support.temporaryFolder()
    let outcome = try shell("$P run .", folder: program.folder, environment: ["TZDIR": empty])
    #expect(outcome.code == 1 && outcome.err.contains("there is no time zone"), "\(outcome)")
  }

  @Test("R24: a build that is stopped ends its compiler") func stoppedBuild() throws {
    let program = try TestProgram(Self.spec)
    let (cache, temporary) = (program.folder + "/cache", program.folder + "/tmp")
    for folder in [cache, temporary] { try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true) }
    let outcome = try shell(
      "$P build -o built . & pid=$!; for i in $(seq 200); do compiler=$(pgrep -f -- \"[-]module-name PumpRuntime.*\(cache)\" | head -1); [ -n \"$compiler\" ] && break; sleep 0.05; done; kill -TERM $pid; wait $pid; code=$?; sleep 0.3; pgrep -f -- \"\(cache)\" | grep -v $$; exit $code",
      folder: program.folder, environment: ["PUMP_CACHE": cache, "TMPDIR": temporary + "/"])
    #expect(outcome.code == 143, "\(outcome)")
    #expect(outcome.out == "", "compilers that went on: \(outcome.out)")
  }
}
