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
    schema(of: plan), files: confs, overrides: overrides, environment: { ProcessInfo.processInfo.environment[$0] })
  return (problems + found).map { problem in
    let text = (try? String(contentsOfFile: problem.path, encoding: .utf8)) ?? ""
    let source = SourceText(path: problem.path, text: text)
    let start = problem.line <= source.lineStarts.count ? source.lineStarts[problem.line - 1] + problem.column - 1 : 0
    let end = start + source.line(problem.line).utf8.count - (problem.column - 1)
    let code = DiagnosticCode.all.first { $0.id == problem.kind.rawValue }!
    return Diagnostic(
      code, at: Span(source, min(start, text.utf8.count)..<max(start, min(end, text.utf8.count))), problem.message, help: problem.help)
  }
}

/// What a plan may be configured with.
func schema(of plan: Plan) -> ConfigSchema {
  func convert(_ setting: PumpPlan.Setting) -> PumpRuntime.Setting {
    PumpRuntime.Setting(
      setting.name, shape(setting.type), isSecret: setting.type.holdsSecret, value: setting.value.map(source), docs: setting.docs)
  }
  var sections = plan.config.map { ConfigSchema.Section($0.name, $0.keys.map(convert)) }
  sections += plan.connections.map { .init("connection:\($0.id)", $0.settings.map(convert)) }
  for pipeline in plan.pipelines {
    sections.append(.init("pipeline:\(pipeline.id)", pipeline.settings.map(convert)))
    for endpoint in pipeline.sources + pipeline.sinks + pipeline.lookups {
      sections.append(.init("pipeline:\(pipeline.id):\(endpoint.label)", endpoint.arguments.map(convert)))
    }
  }
  return ConfigSchema(sections)
}

private func shape(_ type: Type) -> Shape {
  switch type {
  case .bool: .bool
  case .int: .int
  case .float: .float
  case .decimal: .decimal
  case .bytes: .bytes
  case .timestamp: .timestamp
  case .date: .date
  case .duration: .duration
  case .size: .size
  case .uuid: .uuid
  case .json: .json
  case .list(let element): .list(shape(element))
  case .map(let element): .map(shape(element))
  case .optional(let base): shape(base).optional
  case .refined(let base, _): shape(base)
  case .enumeration(let type): .enumeration(type.name ?? "enum", type.cases.map { ($0.name, $0.wire) })
  default: .string
  }
}

/// Only whether a value is there matters to a check, and what the environment must have.
private func source(_ e: Expr) -> SettingValue {
  switch e.kind {
  case .environment(let name): .environment(name)
  case .secretFile(let path): .secretFile(path)
  case .wrap(let inner): source(inner)
  default: .value(.null)
  }
}
