import PumpPlan
import PumpRuntime

/// Everything that a program may be configured with: enough to check a configuration file, without an interpreter.
public func configSchema(_ plan: Plan) -> ConfigSchema {
  ConfigSchema(
    config: plan.config.map { .init($0.name, $0.keys.map(setting)) },
    connections: plan.connections.map { ($0.id, $0.settings.map(setting)) },
    pipelines: plan.pipelines.map { pipeline in
      let endpoints = pipeline.sources + pipeline.sinks + pipeline.lookups
      return (pipeline.id, pipeline.settings.map(setting), endpoints.map { ($0.label, $0.arguments.map(setting)) })
    })
}

func setting(_ setting: PumpPlan.Setting) -> PumpRuntime.Setting {
  PumpRuntime.Setting(
    setting.name, Shape.of(setting.type), isSecret: setting.type.holdsSecret, value: setting.value.map(settingValue),
    minimum: setting.minimum, maximum: setting.maximum, docs: setting.docs)
}

private func settingValue(_ setting: PumpPlan.SettingValue) -> PumpRuntime.SettingValue {
  switch setting.kind {
  case .constant(let literal): .value(value(literal, setting.type))
  case .config(let section, let key): .config(section, key)
  case .environment(let name): .environment(name)
  case .secretFile(let path): .secretFile(path)
  case .converted(let inner): .converted(settingValue(inner), Shape.of(inner.type))
  case .joined(let parts): .join(parts.map(settingValue))
  case .list(let items): .list(items.map(settingValue))
  case .map(let entries): .map(entries.map { ($0.key, settingValue($0.value)) })
  case .fallback(let first, let second): .fallback(settingValue(first), settingValue(second))
  }
}
