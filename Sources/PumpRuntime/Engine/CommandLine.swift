import Glibc

/// The command line of a built program; `pumpc run` and `pumpc test` pass theirs on to it.
public enum ProgramCommand {
  static let help = """
    [--config FILE]… [--set KEY=VALUE]… [--reset-state NAME]… [--test [TEXT] | --state WORDS]

    Runs all pipelines until their sources end. SIGTERM, SIGHUP or Ctrl-C stops taking events in, finishes those that are
    under way and exits; a second one ends at once.

      --config FILE     a pipelines.conf; later files win; without it, ./pipelines.conf where there is one
      --set KEY=VALUE   one setting, such as connection.db.path=a.db or shop.min_amount=5
      --test [TEXT]     runs the spec's tests, those whose title holds the text
      --state list      what the steps keep in the folder of state, and where the sources go on
      --state show NAME, --state drop NAME
                        what one step keeps, as lines of JSON; makes it go; NAME is as `list` has it
      --reset-state NAME
                        runs, and this step begins anew; may be repeated
      --quiet           no progress and no summary
      --help, --version

    Exit codes: 0 all done, 1 failed, 2 wrong usage or configuration, 128 and the number of a second signal.
    """

  /// The entry of a program, and its end. Threads of client libraries may still be at work then: they must not meet what libraries
  /// tear down at `exit` (OpenSSL's state under librdkafka's threads), so the process ends without that.
  public static func main(_ executable: Executable, factories: [String: ConnectorFactory], arguments: [String]) -> Never {
    openStandardDescriptors()
    leaveNoCrashReport()
    if !arguments.contains("--test"), !arguments.contains("--state") { StopSignal.hold() }
    _exit(finished(perform(executable, factories, arguments)))
  }

  private static func perform(_ executable: Executable, _ factories: [String: ConnectorFactory], _ arguments: [String]) -> Int32 {
    let program = executable.program
    var files: [String] = []
    var overrides: [String] = []
    var quiet = false
    var testFilter: String?
    var runTests = false
    var reset: Set<String> = []
    var request: StateRequest?
    var rest = arguments[...]
    func usage(_ message: String) -> Int32 {
      complain("\(message)\nusage: \(program.name) \(help.prefix { $0 != "\n" })\n")
      return 2
    }
    while let argument = rest.popFirst() {
      switch argument {
      case "--help", "-h":
        print("usage: \(program.name) \(help)")
        return 0
      case "--version":
        print("\(program.name), built by pumpc \(pumpVersion)")
        return 0
      case "--quiet": quiet = true
      case "--config", "--set", "--reset-state":
        guard let value = rest.popFirst() else { return usage("`\(argument)` needs a value") }
        switch argument {
        case "--config": files.append(value)
        case "--set": overrides.append(value)
        default: reset.insert(value)
        }
      case "--state":
        let words = Array(rest.prefix { !$0.hasPrefix("--") })
        rest = rest.dropFirst(words.count)
        guard let asked = StateRequest(words) else { return usage("`--state` needs `list`, `show NAME` or `drop NAME`") }
        request = asked
      case "--test":
        runTests = true
        if let next = rest.first, !next.hasPrefix("--") { testFilter = rest.popFirst() }
      default: return usage("`\(Shape.clean(argument))` is no option")
      }
    }
    if files.isEmpty, access("pipelines.conf", R_OK) == 0 { files = ["pipelines.conf"] }
    var problems: [ConfProblem] = []
    let environment: (String) -> String? = { name in getenv(name).map { String(cString: $0) } }
    let confs = ConfFile.load(files, environment, &problems)
    let (configuration, found) = Configuration.load(
      program.schema, files: runTests ? [] : confs, overrides: overrides, environment: environment)
    // Tests give what they need themselves: what the environment and configuration do not say does not matter to them.
    problems += runTests ? found.filter { !$0.path.isEmpty } : found
    for problem in problems { complain(problem.description + "\n") }
    guard !problems.contains(where: \.isError) else { return 2 }
    if runTests { return test(executable, configuration, testFilter) }
    if let request {
      do throws(RunFailure) { print(try StateInspection(executable, configuration).text(request), terminator: "") } catch {
        complain("error: \(error.message)\n")
        return 1
      }
      return 0
    }
    return run(executable, configuration, factories, reset: reset, quiet: quiet)
  }

  static func complain(_ text: String) { try? writeAll(2, text, text.utf8.count, "standard error") }

  private static func test(_ executable: Executable, _ configuration: Configuration, _ filter: String?) -> Int32 {
    let ink = Ink(isTerminal: isatty(1) == 1)
    let results = executable.runTests(configuration, filter: filter, ink)
    if results.isEmpty, let filter {
      complain("error: no test has `\(Shape.clean(filter))` in its title\n  help: leave the filter out to run all of them\n")
      return 1
    }
    for result in results {
      print("\(result.problems.isEmpty ? ink.good("pass") : ink.bad("FAIL"))  \(Shape.clean(result.title))")
      for problem in result.problems { print("  \(problem)") }
    }
    let failed = results.filter { !$0.problems.isEmpty }.count
    print("\(results.count - failed) passed, \(failed) failed")
    return failed == 0 ? 0 : 1
  }

  private static func run(
    _ executable: Executable, _ configuration: Configuration, _ factories: [String: ConnectorFactory], reset: Set<String>,
    quiet: Bool
  ) -> Int32 {
    let isTerminal = isatty(2) == 1
    let logger = Logger(asJSON: !isTerminal, quiet: false)
    let runner = Runner(executable, configuration, Embedded.factories.merging(factories) { $1 }, logger, reset: reset)
    runner.stop.install()
    runner.boundStop()
    var lastLine: Int64 = 0
    let report = runner.run { report, totals in
      guard isTerminal, !quiet, report.micros - lastLine > 200_000 else { return }
      lastLine = report.micros
      complain("\r\u{1B}[K\(progress(report, totals))")
    }
    if isTerminal, !quiet { complain("\r\u{1B}[K") }
    if !quiet { complain(summary(report)) }
    if let failure = report.failure {
      complain("error: \(failure)\n")
      return 1
    }
    return 0
  }

  private static func progress(_ report: RunReport, _ totals: (done: Int64, total: Int64)) -> String {
    let taken = report.lines.reduce(0) { $0 + $1.taken }
    let failed = report.lines.reduce(0) { $0 + $1.failed }
    let share = totals.total > 0 ? " \(min(100, totals.done * 100 / totals.total)) %" : ""
    return "\(Quantity.grouped(taken)) events in\(share), \(Quantity.grouped(failed)) failed, \(rate(taken, report.micros))"
  }

  private static func summary(_ report: RunReport) -> String {
    var text = ""
    for line in report.lines {
      let sent = line.sent.filter { $0.count > 0 }.map { "\(Quantity.grouped($0.count)) to \(Shape.clean($0.label))" }.joined(
        separator: ", ")
      text +=
        "\(line.pipeline): \(Quantity.grouped(line.taken)) in, \(sent.isEmpty ? "0 out" : sent), \(Quantity.grouped(line.filtered)) filtered, \(line.discarded > 0 ? "\(Quantity.grouped(line.discarded)) discarded, " : "")\(Quantity.grouped(line.failed)) failed, \(rate(line.taken, report.micros))\(line.isCut ? "; stopped before the end of its source" : "")\n"
    }
    return text
  }

  private static func rate(_ events: Int, _ micros: Int64) -> String {
    "\(Quantity.grouped(Int(Double(events) / max(1e-6, Double(micros) / 1e6)))) events/s"
  }
}

/// The version of compiler and runtime, which belong together.
