import Foundation
import PumpPlan
import PumpRuntime
import PumpSemantics
import PumpSyntax

/// Checks configuration files and this environment against a plan.
public func checkConfiguration(_ plan: Plan, files: [String], overrides: [String]) -> [Diagnostic] {
  var problems: [ConfProblem] = []
  let confs = ConfFile.load(files, &problems)
  let (_, found) = Configuration.load(
    plan.program.schema, files: confs, overrides: overrides, environment: { ProcessInfo.processInfo.environment[$0] })
  return (problems + found).map { problem in
    let text = (try? String(contentsOfFile: problem.path, encoding: .utf8)).map(withoutValues) ?? ""
    let source = SourceText(path: problem.path, text: text)
    let start = problem.line <= source.lineStarts.count ? source.lineStarts[problem.line - 1] + problem.column - 1 : 0
    let end = start + source.line(problem.line).utf8.count - (problem.column - 1)
    let code = DiagnosticCode.all.first { $0.id == problem.kind.rawValue }!
    return Diagnostic(
      code, at: Span(source, min(start, text.utf8.count)..<max(start, min(end, text.utf8.count))), problem.message, help: problem.help)
  }
}

/// A configuration file as findings may show it: a value, or what may be one, can be a secret, whatever the key is. Lines
/// keep their numbers.
private func withoutValues(_ text: String) -> String {
  text.replacing("\r\n", with: "\n").split(separator: "\n", omittingEmptySubsequences: false).map { line in
    guard let first = line.first, !"[#;".contains(first) else { return String(line) }
    let isWhole = first != " " && first != "\t"
    guard isWhole, let separator = line.firstIndex(where: { $0 == "=" || $0 == ":" }) else { return "…" }
    return line[...separator] + " …"
  }.joined(separator: "\n")
}
