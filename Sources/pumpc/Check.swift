import Foundation
import PumpCompiler
import PumpReports
import PumpSyntax

let checkVerb = Verb(
  name: "check", summary: "all diagnostics of all phases, in one go",
  help: """
    check [--config FILE]… [--format text|json|sarif|github] [--fix] [--types] [--plan] [PATH]

    Checks names, types, endpoints, configuration and delivery without environment or network. With --config the
    configuration files and this environment are checked as well. Of a pipeline whose steps keep something of the events
    before it says whether the same input gives the same results in each run, and if not, why.

      --config FILE   a pipelines.conf; may be repeated, later files win
      --set K=V       one setting of the configuration that is checked
      --format F      text (for people), json, sarif or github
      --fix           applies the fixes that are certain, then checks again; guesses are left to you
      --types         prints the type of the events after each step, and how much each step keeps at most
      --plan          prints the plan: the wiring with its numbers, and what each step computes

    Exit codes: 0 no error (warnings may be there), 1 errors in the spec, 2 wrong usage or configuration.
    """
) { words in
  let options = try Options(words, flags: ["--fix", "--types", "--plan"], values: ["--config", "--set", "--format"], paths: 0...1)
  guard let format = DiagnosticFormat(rawValue: options.value("--format") ?? "text") else {
    throw Options.Problem(message: "`\(options.value("--format")!)` is no format: text, json, sarif or github")
  }
  let path = options.paths.first ?? "."
  func findings() throws -> Findings {
    let compilation = compile(try Project.load(path))
    guard let plan = compilation.plan, !options.all("--config").isEmpty || !options.all("--set").isEmpty else {
      return Findings(compilation: compilation, configuration: [])
    }
    return Findings(
      compilation: compilation, configuration: checkConfiguration(plan, files: options.all("--config"), overrides: options.all("--set")))
  }
  let found = options.has("--fix") ? try applyFixes(findings) : try findings()
  // The process ends soon: to take the trees of a large program apart before would be a tenth of its time.
  _ = Unmanaged.passRetained(found)
  let (compilation, diagnostics) = (found.compilation, found.diagnostics)
  let isTerminal = isatty(1) == 1
  print(format.render(diagnostics, color: isTerminal), terminator: "")
  if options.has("--plan"), let plan = compilation.plan { print(planText(plan), terminator: "") }
  if options.has("--types") {
    for flow in compilation.flows { print("\(printable(flow.span.description)): \(flow.type)") }
    for bound in compilation.plan?.program.pipelines.flatMap(stateBounds) ?? [] { print("\(printable("\(bound.place)")): \(bound.text)") }
  }
  let errors = diagnostics.filter { $0.severity == .error }.count
  let warnings = diagnostics.count - errors
  if format == .text {
    if !diagnostics.isEmpty { print("") }
    if let plan = compilation.plan, errors == 0 {
      let stateReasons = plan.program.stateReasons
      for pipeline in plan.program.pipelines {
        let reason = pipeline.weakness.map { "; \($0)" } ?? ""
        let held = pipeline.heldTogether
        let waits = held.isEmpty ? "" : "; while one of \(held.joined(separator: ", ")) is down, all wait"
        let state = stateReasons[pipeline.id] == nil ? "" : "; needs `state` in [general]"
        print("\(pipeline.id): \(pipeline.delivery.rawValue)\(reason)\(waits)\(state)")
      }
      for pipeline in plan.program.pipelines {
        if let variations = compilation.variations[pipeline.id] { print("\(pipeline.id): \(reproducible(variations))") }
      }
    }
    print(
      errors == 0 && warnings == 0
        ? "no findings" : "\(errors) error\(errors == 1 ? "" : "s"), \(warnings) warning\(warnings == 1 ? "" : "s")")
  }
  if errors == 0 { return Exit.clean }
  return compilation.plan == nil ? Exit.findings : Exit.usage
}

/// Whether the same input gives the same results, and what keeps it from that.
private func reproducible(_ variations: [Variation]) -> String {
  guard !variations.isEmpty else { return "reproducible: yes" }
  let reasons = variations.map { variation in
    let place = variation.span.source.position(variation.span.start)
    return "\(variation.what) at \(place.line):\(place.column)"
  }
  return "reproducible: no, \(reasons.joined(separator: ", "))"
}

/// What a check finds in the spec and, where it has none, in its configuration.
private final class Findings {
  let compilation: Compilation
  let configuration: [Diagnostic]
  init(compilation: Compilation, configuration: [Diagnostic]) { (self.compilation, self.configuration) = (compilation, configuration) }
  var diagnostics: [Diagnostic] { compilation.diagnostics + configuration }
}

/// Writes the certain fixes into their files, line by line from the last; those of a line are taken back if it still has an
/// error then, for what was meant there is something else.
private func applyFixes(_ check: () throws -> Findings) throws -> Findings {
  struct Line: Hashable {
    let file: String
    let number: Int
    init(_ span: Span) {
      file = span.source.path
      number = span.source.position(span.start).line
    }
  }
  var result = try check()
  var fixed = 0
  var rejected: Set<Line> = []
  while let last = result.diagnostics.last(where: { $0.fix?.confidence == .certain && !rejected.contains(Line($0.span)) }) {
    let line = Line(last.span)
    let fixes = result.diagnostics.filter { $0.fix?.confidence == .certain && Line($0.span) == line }
    let edits = fixes.flatMap { $0.fix!.edits }.sorted { $0.span.start > $1.span.start }
    let original = edits[0].span.source.bytes
    var bytes = original
    for edit in edits { bytes.replaceSubrange(edit.span.range, with: Array(edit.replacement.utf8)) }
    func write(_ bytes: [UInt8]) throws { try Data(bytes).write(to: URL(fileURLWithPath: line.file), options: .atomic) }
    try write(bytes)
    let checked = try check()
    if checked.diagnostics.contains(where: { $0.severity == .error && Line($0.span) == line }) {
      rejected.insert(line)
      try write(original)
      result = try check()
    } else {
      result = checked
      fixed += fixes.count
    }
  }
  if fixed > 0 { complain("fixed \(fixed) finding\(fixed == 1 ? "" : "s")\n") }
  return result
}

/// Compiles for another verb: findings go to standard error; nil if there are errors. What it gives has a plan.
func compileOrComplain(_ path: String) throws -> Compilation? {
  let compilation = compile(try Project.load(path))
  if !compilation.diagnostics.isEmpty { complain(rendered: DiagnosticFormat.text.render(compilation.diagnostics, color: isatty(2) == 1)) }
  return compilation.plan == nil ? nil : compilation
}
