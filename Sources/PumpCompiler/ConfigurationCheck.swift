import Foundation
import PumpPlan
import PumpConnectorKit
import PumpSemantics
import PumpSyntax

/// `[general]`, which every program has.
public let generalSettings = ConfigSection(
  name: ConfigSchema.general.name, docs: "Of the run as a whole.", keys: ConfigSchema.general.settings)

extension Plan {
  /// The same for this program, which may not run without `state`.
  public var generalSettings: ConfigSection {
    let general = PumpCompiler.generalSettings
    guard program.stateReason != nil else { return general }
    let keys = general.keys.map { $0.name == "state" ? Setting(name: $0.name, type: .string, minimum: $0.minimum, docs: $0.docs) : $0 }
    return ConfigSection(name: general.name, docs: general.docs, keys: keys)
  }
}

/// Checks configuration files and this environment against a plan.
public func checkConfiguration(_ plan: Plan, files: [String], overrides: [String]) -> [Diagnostic] {
  let environment: (String) -> String? = { ProcessInfo.processInfo.environment[$0] }
  var problems: [ConfProblem] = []
  let confs = ConfFile.load(files, environment, &problems)
  problems += Configuration.load(plan.program.schema, files: confs, overrides: overrides, environment: environment).1
  return problems.map(diagnostic)
}

private func diagnostic(_ problem: ConfProblem) -> Diagnostic {
  let code = DiagnosticCode.all.first { $0.id == problem.kind.rawValue }!
  let text = (try? String(contentsOfFile: problem.path, encoding: .utf8)) ?? ""
  let shown = SourceText(path: problem.override.map { "\(problem.path) \($0)=…" } ?? problem.path, text: withoutValues(text))
  let line = min(max(problem.line, 1), shown.lineStarts.count)
  let end = shown.lineStarts[line - 1] + shown.line(line).utf8.count
  let start = min(shown.lineStarts[line - 1] + problem.column - 1, end)
  return Diagnostic(
    code, at: Span(shown, start..<end), problem.message, help: problem.help, fix: problem.fix.map { fix($0, problem.path, text) })
}

/// In the file as it is, with its values.
private func fix(_ fix: ConfProblem.Fix, _ path: String, _ text: String) -> Fix {
  let source = SourceText(path: path, text: text)
  let last = source.lineStarts[fix.lines.upperBound - 1]
  let end = last + source.line(fix.lines.upperBound).utf8.count
  let edit = Edit(Span(source, source.lineStarts[fix.lines.lowerBound - 1]..<end), fix.text)
  return Fix("write the value that is meant", fix.isCertain ? .certain : .maybe, [edit])
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
