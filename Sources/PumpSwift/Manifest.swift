import PumpPlan

/// A module of an emitted package that is the user's, with the C libraries that it wraps.
public struct ManifestModule {
  let name: String
  let libraries: [(name: String, package: String)]
  public init(name: String, libraries: [(name: String, package: String)]) {
    self.name = name
    self.libraries = libraries
  }
}

/// The manifest of an emitted package. The runtime is a path, so that nothing is fetched.
public func renderManifest(_ plan: Plan, name: String, runtime: String, custom: [ManifestModule]) -> String {
  let own = custom.map(\.name)
  let kinds = Set(plan.program.connections.filter { !own.contains($0.module) }.map(\.kind)).sorted().map(Swift.string).joined(
    separator: ", ")
  let modules = (["PumpRuntime"] + ProgramTranslator(plan).modules).filter { !own.contains($0) }
  let runtimeProduct = ".product(name: \"PumpRuntime\", package: \"pump\")"
  let dependencies = modules.map { ".product(name: \(Swift.string($0)), package: \"pump\")" } + own.map(Swift.string)
  var targets = [".executableTarget(name: \(Swift.string(name)), dependencies: [\(dependencies.joined(separator: ", "))])"]
  for module in custom {
    let libraries = module.libraries.map { Swift.string($0.name) }
    targets.append(".target(name: \(Swift.string(module.name)), dependencies: [\(([runtimeProduct] + libraries).joined(separator: ", "))])")
    for library in module.libraries {
      targets.append(".systemLibrary(name: \(Swift.string(library.name)), pkgConfig: \(Swift.string(library.package)))")
    }
  }
  return """
    // swift-tools-version: 6.1
    import PackageDescription

    let package = Package(
      name: \(Swift.string(name)),
      dependencies: [.package(name: "pump", path: \(Swift.string(runtime))\(kinds.isEmpty ? "" : ", traits: [\(kinds)]"))],
      targets: [
        \(targets.joined(separator: ",\n    "))
      ],
      swiftLanguageModes: [.v6]
    )

    """
}
