// swift-tools-version: 6.1
import Foundation
import PackageDescription

// The hot path has no overlapping accesses by design (tests run with the checks on); checking each costs a quarter.
let hot: [SwiftSetting] = [.unsafeFlags(["-enforce-exclusivity=unchecked", "-cross-module-optimization"], .when(configuration: .release))]

func text(_ path: String) -> String { try! String(contentsOfFile: "\(Context.packageDirectory)/\(path)", encoding: .utf8) }

/// A line of `Sources/Connectors/Targets.txt`: a Swift target, and what it stands on.
struct Line {
  let name: String
  let base: String
}

let lines = text("Sources/Connectors/Targets.txt").split(separator: "\n").filter { !$0.hasPrefix("#") }.map {
  let words = $0.split(separator: " ").map(String.init)
  return Line(name: words[0], base: words[1])
}

/// A target with its base, wanted by whoever has one of these traits.
func base(_ name: String, of traits: Set<String>) -> Target.Dependency { .target(name: name, condition: .when(traits: traits)) }

/// The connectors that a shared target, or a C library, is for.
func users(of name: String) -> Set<String> {
  Set(lines.filter { $0.base == name }.flatMap { $0.name.hasPrefix("Pump") ? users(of: $0.name) : [$0.name] })
}

/// A system that connections lead to: its folder `Sources/Connectors/<name>` holds its interface, which every build reads,
/// and its Swift; a build takes what that stands on only with the trait of that name.
struct Connector {
  let line: Line
  var name: String { line.name }
  var module: String { "Pump\(name)" }
  var interface: String { "\(name).pump" }
  var sources: [String] {
    (try? FileManager.default.contentsOfDirectory(atPath: "\(Context.packageDirectory)/Sources/Connectors/\(name)"))!
      .filter { $0.hasSuffix(".swift") }
  }
  var target: Target {
    .target(
      name: module, dependencies: ["PumpConnectorKit", base(line.base, of: [name])], path: "Sources/Connectors/\(name)",
      exclude: [interface])
  }
}

let connectors = lines.filter { !$0.name.hasPrefix("Pump") }.map(Connector.init)
let shared = lines.filter { $0.name.hasPrefix("Pump") }.map { line in
  Target.target(name: line.name, dependencies: ["PumpConnectorKit", base(line.base, of: users(of: line.name))], swiftSettings: hot)
}

/// C libraries: the first line of `module.modulemap` says `// pkg-config: NAME, debian: PACKAGE`.
let libraries = Set(lines.map(\.base)).filter { $0.hasPrefix("C") }.sorted().map { name in
  let words = text("Sources/\(name)/module.modulemap").prefix { $0 != "\n" }.split { $0 == " " || $0 == "," }.map(String.init)
  return Target.systemLibrary(name: name, pkgConfig: words[2], providers: [.apt([words[4]])])
}

let package = Package(
  name: "pump",
  products: [
    .executable(name: "pumpc", targets: ["pumpc"]),
    .executable(name: "pump-host", targets: ["pump-host"]),
    .library(name: "PumpRuntime", targets: ["PumpRuntime"]),
  ] + connectors.map { .library(name: $0.module, targets: [$0.module]) },
  // The interpreter beside pumpc has the embedded connectors and SQLite; pumpc makes others when a spec needs them.
  traits: Set(connectors.map { .trait(name: $0.name) } + [.default(enabledTraits: ["SQLite"])]),
  targets: [
    .systemLibrary(name: "CZlib", pkgConfig: "zlib", providers: [.apt(["zlib1g-dev"])]),
    .target(name: "PumpSyntax", swiftSettings: hot),
    .target(name: "PumpProgram", swiftSettings: hot),
    .target(name: "PumpPlan", dependencies: ["PumpProgram"], swiftSettings: hot),
    .target(name: "PumpSemantics", dependencies: ["PumpSyntax", "PumpPlan"], swiftSettings: hot),
    .target(name: "PumpSwift", dependencies: ["PumpPlan", "PumpSemantics"]),
    .target(name: "PumpReports", dependencies: ["PumpSyntax", "PumpPlan", "PumpSemantics"]),
    .target(name: "PumpValues", dependencies: ["PumpProgram"], swiftSettings: hot),
    .target(name: "PumpConnectorKit", dependencies: ["PumpValues", "CZlib"], swiftSettings: hot),
    .target(name: "PumpRuntime", dependencies: ["PumpConnectorKit"], swiftSettings: hot),
    .target(name: "PumpInterpreter", dependencies: ["PumpPlan", "PumpRuntime"], swiftSettings: hot),
    .target(
      name: "PumpInterfaces", path: "Sources/Connectors",
      exclude: ["Targets.txt"] + connectors.flatMap { connector in connector.sources.map { "\(connector.name)/\($0)" } },
      sources: ["Interfaces.swift"],
      resources: [.embedInCode("Embedded/Embedded.pump")] + connectors.map { .embedInCode("\($0.name)/\($0.interface)") }),
    .target(
      name: "PumpCompiler",
      dependencies: [
        "PumpSyntax", "PumpPlan", "PumpSemantics", "PumpSwift", "PumpReports", "PumpConnectorKit", "PumpInterfaces",
      ]),
    .executableTarget(name: "pumpc", dependencies: ["PumpCompiler"]),
    .executableTarget(name: "pump-host", dependencies: ["PumpInterpreter", "PumpSQLite"]),
    // A test target a room, so that what a change of one needs is compiled in seconds; PumpTests runs whole programs.
    .target(name: "PumpTestSupport", path: "Tests/Support"),
    .testTarget(name: "PumpSwiftTests", dependencies: ["PumpSwift"]),
    .testTarget(name: "PumpSyntaxTests", dependencies: ["PumpSyntax", "PumpTestSupport"]),
    .testTarget(name: "PumpValuesTests", dependencies: ["PumpValues", "PumpTestSupport"]),
    .testTarget(name: "PumpSemanticsTests", dependencies: ["PumpCompiler", "PumpRuntime", "PumpTestSupport"]),
    .testTarget(name: "PumpEngineTests", dependencies: ["PumpRuntime", "PumpTestSupport"]),
    .testTarget(
      name: "PumpTests",
      dependencies: ["PumpCompiler", "PumpSwift", "PumpInterpreter", "PumpSQLite", "PumpTestSupport", "pumpc", "pump-host"]),
  ] + connectors.map(\.target) + shared + libraries,
  swiftLanguageModes: [.v6]
)
