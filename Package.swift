// swift-tools-version: 6.1
import Foundation
import PackageDescription

// The hot path has no overlapping accesses by design (tests run with the checks on); checking each costs a quarter.
let hot: [SwiftSetting] = [.unsafeFlags(["-enforce-exclusivity=unchecked", "-cross-module-optimization"], .when(configuration: .release))]

/// A system that connections lead to: its folder `Sources/Connectors/<name>` holds its interface, which every build reads,
/// and its Swift; `Sources/C<name>` is the client library, which a build takes only with the trait of that name.
struct Connector {
  let name: String
  let pkgConfig: String
  let debian: String

  var module: String { "Pump\(name)" }
  var interface: String { "\(name).pump" }
  var sources: [String] {
    (try? FileManager.default.contentsOfDirectory(atPath: "\(Context.packageDirectory)/Sources/Connectors/\(name)"))!
      .filter { $0.hasSuffix(".swift") }
  }
  var targets: [Target] {
    [
      .systemLibrary(name: "C\(name)", pkgConfig: pkgConfig, providers: [.apt([debian])]),
      .target(
        name: module, dependencies: ["PumpRuntime", .target(name: "C\(name)", condition: .when(traits: [name]))],
        path: "Sources/Connectors/\(name)", exclude: [interface]),
    ]
  }
}

let connectors = [
  Connector(name: "SQLite", pkgConfig: "sqlite3", debian: "libsqlite3-dev"),
  Connector(name: "PostgreSQL", pkgConfig: "libpq", debian: "libpq-dev"),
  Connector(name: "Kafka", pkgConfig: "rdkafka", debian: "librdkafka-dev"),
  Connector(name: "MQTT", pkgConfig: "libmosquitto", debian: "libmosquitto-dev"),
  Connector(name: "MongoDB", pkgConfig: "libmongoc-1.0", debian: "libmongoc-dev"),
  Connector(name: "Elasticsearch", pkgConfig: "libcurl", debian: "libcurl4-openssl-dev"),
  Connector(name: "Http", pkgConfig: "libcurl", debian: "libcurl4-openssl-dev"),
  Connector(name: "Webhook", pkgConfig: "libmicrohttpd", debian: "libmicrohttpd-dev"),
]

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
    .target(name: "PumpSyntax"),
    .target(name: "PumpProgram"),
    .target(name: "PumpPlan", dependencies: ["PumpProgram"]),
    .target(name: "PumpSemantics", dependencies: ["PumpSyntax", "PumpPlan"]),
    .target(name: "PumpSwift", dependencies: ["PumpPlan", "PumpSemantics"]),
    .target(name: "PumpReports", dependencies: ["PumpSyntax", "PumpPlan", "PumpSemantics"]),
    .target(name: "PumpRuntime", dependencies: ["PumpProgram", "CZlib"], swiftSettings: hot),
    .target(name: "PumpInterpreter", dependencies: ["PumpPlan", "PumpRuntime"], swiftSettings: hot),
    .target(
      name: "PumpInterfaces", path: "Sources/Connectors",
      exclude: connectors.flatMap { connector in connector.sources.map { "\(connector.name)/\($0)" } }, sources: ["Interfaces.swift"],
      resources: [.embedInCode("Embedded/Embedded.pump")] + connectors.map { .embedInCode("\($0.name)/\($0.interface)") }),
    .target(
      name: "PumpCompiler",
      dependencies: [
        "PumpSyntax", "PumpPlan", "PumpSemantics", "PumpSwift", "PumpReports", "PumpRuntime", "PumpInterpreter",
        "PumpInterfaces",
      ]),
    .executableTarget(name: "pumpc", dependencies: ["PumpCompiler"]),
    .executableTarget(name: "pump-host", dependencies: ["PumpInterpreter", "PumpSQLite"]),
    .testTarget(name: "PumpTests", dependencies: ["PumpCompiler", "PumpInterpreter", "PumpSQLite", "pumpc", "pump-host"]),
  ] + connectors.flatMap(\.targets),
  swiftLanguageModes: [.v6]
)
