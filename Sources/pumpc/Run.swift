import Foundation
import PumpCompiler
import PumpPlan

let runVerb = Verb(
  name: "run", summary: "runs the program at once, interpreted",
  help: """
    run [--config FILE]… [--set KEY=VALUE]… [--reset-state NAME]… [--quiet] [PATH]

    Checks the program and runs it until its sources end, with progress on a terminal and a summary. Relative paths of
    the spec start from the program's folder; its pipelines.conf is read unless --config names others. SIGTERM, SIGHUP
    or Ctrl-C stops taking events in, finishes those under way and exits 0.

      --config FILE     a pipelines.conf; may be repeated, later files win
      --set KEY=VALUE   one setting, such as connection.db.path=a.db or shop.min_amount=5
      --reset-state NAME
                        this step, as `pumpc state list` names it, begins anew; may be repeated
      --quiet           no progress and no summary

    Exit codes: 0 all done, 1 errors in the spec or a failed run, 2 wrong usage or configuration.
    """
) { words in
  let options = try Options(words, flags: ["--quiet"], values: ["--config", "--set", "--reset-state"], paths: 0...1)
  guard let compilation = try compileOrComplain(options.paths.first ?? ".") else { return Exit.findings }
  let more = (options.has("--quiet") ? ["--quiet"] : []) + options.all("--reset-state").flatMap { ["--reset-state", $0] }
  return try reportingBuilds { try startHost(compilation, options, more: more) }
}

let stateVerb = Verb(
  name: "state", summary: "what steps keep from run to run",
  help: """
    state list [--config FILE]… [--set KEY=VALUE]… [PATH]
    state show NAME [--config FILE]… [--set KEY=VALUE]… [PATH]
    state drop NAME [--config FILE]… [--set KEY=VALUE]… [PATH]

    Looks into the folder that `state` of `[general]` names, while the program does not run. A step that keeps something of the events
    before is called by its pipeline and its label, or by what it does: "minutes: group".

      list        each step with how many entries it keeps, their bytes and how far its events have come; and where sources go on
      show NAME   lines of JSON: the results as they would be now, or the keys
      drop NAME   what the step keeps goes, and it begins anew; sources go on where they are

    Exit codes: 0 done, 1 errors in the spec, the folder is in use or keeps no such step, 2 wrong usage or configuration.
    """
) { words in
  let options = try Options(words, values: ["--config", "--set"], paths: 1...3, missing: "`list`, `show NAME` or `drop NAME` is missing")
  let count = options.paths[0] == "list" ? 1 : 2
  guard ["list", "show", "drop"].contains(options.paths[0]) else {
    throw Options.Problem(message: "`\(options.paths[0])` is none of `list`, `show NAME`, `drop NAME`")
  }
  guard options.paths.count >= count else { throw Options.Problem(message: "the name of the step is missing") }
  guard options.paths.count <= count + 1 else { throw Options.Problem(message: "`\(options.paths[count + 1])` is one word too many") }
  guard let compilation = try compileOrComplain(options.paths.count > count ? options.paths[count] : ".") else { return Exit.findings }
  return try startHost(compilation, options, more: ["--state"] + options.paths[..<count])
}

let testVerb = Verb(
  name: "test", summary: "runs the spec's test blocks",
  help: """
    test [--compiled] [--filter TEXT] [PATH]
    test --from FILE [--pipeline NAME] [--limit N] [-o FILE] [PATH]

    Runs the tests without any server: sinks are captured, lookups find what the test gives, time stands still.

      test "small orders go nowhere" for large_orders {
        given json { id: 1, amount: 9.99, currency: EUR }
        given lookup db.table("rates") = [{ key: "EUR", rate: 24.5 }]
        expect db.table("orders") == []
        expect errors == []
      }

    `given` is what the source gives: a document, a text, `file "x.ndjson"`; `with meta { key: "a" }` says what the source says of it.
    `expect` is about a sink, `errors`, or any step with a label: `expect @checked matches [{ id: 1 }]` sees what passed it, and of
    `matches` the written fields count alone. `config shop.min_amount = 5` sets a key, `at 2026-01-01T00:00:00Z` the clock.

      --compiled      builds the program and runs the same tests compiled
      --filter TEXT   only tests whose title holds the text

    With --from it makes tests of dead letters, which `on error |> encode json |> sink file.lines("dead.ndjson")` writes:
    each gives its event again, as the source gave it, and expects its failures.

      --from FILE       the dead letters, one a line
      --pipeline NAME   whose they are, where their step does not tell
      --limit N         so many tests at most; 100 without it
      -o FILE           writes them to a new file in place of standard output

    Exit codes: 0 all passed or made, 1 some failed, none was found or the spec has errors, 2 wrong usage.
    """
) { words in
  let options = try Options(
    words, flags: ["--compiled"], values: ["--filter", "--from", "--pipeline", "--limit", "-o"], paths: 0...1)
  let making = ["--pipeline", "--limit", "-o"].first { options.value($0) != nil }
  if let making, options.value("--from") == nil { throw Options.Problem(message: "`\(making)` goes with `--from FILE`") }
  guard let compilation = try compileOrComplain(options.paths.first ?? ".") else { return Exit.findings }
  if let letters = options.value("--from") { return try makeTests(from: letters, compilation.plan!.program, options) }
  guard !compilation.plan!.program.tests.isEmpty else {
    complain("error: \(compilation.project.name) has no tests\n  help: write `test \"what holds\" for pipeline { given … expect … }`\n")
    return Exit.findings
  }
  let filter = ["--test"] + (options.value("--filter").map { [$0] } ?? [])
  guard options.has("--compiled") else { return try startHost(compilation, options, more: filter) }
  let program = NSTemporaryDirectory() + "pump-test-\(getpid())"
  defer { unlink(program) }
  guard try build(compilation, output: program) != nil else { return Exit.findings }
  return try runProcess(program, filter, folder: compilation.project.folder)
}

/// Replaces this process by the host that holds the interpreter; the plan goes over a descriptor.
func startHost(_ compilation: Compilation, _ options: Options, more: [String]) throws -> Int32 {
  let encoder = PropertyListEncoder()
  encoder.outputFormat = .binary
  let data = try encoder.encode(compilation.plan!)
  var template = Array((NSTemporaryDirectory() + "/pump-plan-XXXXXX").utf8CString)
  let descriptor = mkstemp(&template)
  guard descriptor >= 0 else {
    complain("error: no temporary file can be made: \(String(cString: strerror(errno)))\n")
    return Exit.internalError
  }
  unlink(template)
  FileHandle(fileDescriptor: descriptor, closeOnDealloc: false).write(data)
  lseek(descriptor, 0, SEEK_SET)
  let configs = options.all("--config").isEmpty ? compilation.project.configuration.map { [$0] } ?? [] : options.all("--config")
  var arguments = [String(descriptor)]
  for file in configs { arguments += ["--config", URL(fileURLWithPath: file).path] }
  for setting in options.all("--set") { arguments += ["--set", setting] }
  // Tests run without any client, and so does a look at the state.
  let isRun = !more.contains("--test") && !more.contains("--state")
  let host = try isRun ? host(compilation) : Installation.executableFolder + "/pump-host"
  guard access(host, X_OK) == 0 else {
    complain("error: \(host) is not there\n  help: build it beside pumpc: `swift build -c release`\n")
    return Exit.internalError
  }
  guard chdir(compilation.project.folder) == 0 else {
    complain("error: cannot enter \(compilation.project.folder): \(String(cString: strerror(errno)))\n")
    return Exit.findings
  }
  var words = ([host] + arguments + more).map { strdup($0) } + [nil]
  if isRun { StopSignal.hold() }
  execv(host, &words)
  complain("error: cannot start \(host): \(String(cString: strerror(errno)))\n")
  return Exit.internalError
}

/// The interpreter: the one beside pumpc, or one that is made for the connectors of this program.
private func host(_ compilation: Compilation) throws -> String {
  let plan = compilation.plan!
  let isPlain = Set(plan.program.connections.map(\.kind)).isSubset(of: ["SQLite"])
  if isPlain { return Installation.executableFolder + "/pump-host" }
  return try Builder(custom: compilation.customConnectors) { complain("\($0)\n") }.host(plan)
}

func runProcess(_ path: String, _ arguments: [String], folder: String? = nil) throws -> Int32 {
  let process = Process()
  process.executableURL = URL(fileURLWithPath: path)
  process.arguments = arguments
  if let folder { process.currentDirectoryURL = URL(fileURLWithPath: folder) }
  try process.run()
  process.waitUntilExit()
  return process.terminationStatus
}
