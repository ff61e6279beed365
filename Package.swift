// swift-tools-version: 6.1
import Foundation
import PackageDescription

// Connectors whose clients are system libraries; a build without a trait needs none of its headers.
// The hot path has no overlapping accesses by design (tests run with the checks on); checking each costs a quarter.
let hot: [SwiftSetting] = [.unsafeFlags(["-enforce-exclusivity=unchecked", "-cross-module-optimization"], .when(configuration: .release))]

// A connector's folder holds its interface, which every build reads, and its Swift, which has a target of its own.
let connectors = ["SQLite", "PostgreSQL", "Kafka", "MQTT"]
let clients = connectors.flatMap { name in
  (try? FileManager.default.contentsOfDirectory(atPath: "\(Context.packageDirectory)/Sources/Connectors/\(name)"))!
    .filter { $0.hasSuffix(".swift") }.map { "\(name)/\($0)" }
}

/// The C library of a connector, which a build takes only with its trait.
func client(_ name: String) -> Target.Dependency { .target(name: "C\(name)", condition: .when(traits: [name])) }

let package = Package(
  name: "pump",
  products: [
    .executable(name: "pumpc", targets: ["pumpc"]),
    .executable(name: "pump-host", targets: ["pump-host"]),
    .library(name: "PumpRuntime", targets: ["PumpRuntime"]),
    .library(name: "PumpSQLite", targets: ["PumpSQLite"]),
    .library(name: "PumpPostgreSQL", targets: ["PumpPostgreSQL"]),
    .library(name: "PumpKafka", targets: ["PumpKafka"]),
    .library(name: "PumpMQTT", targets: ["PumpMQTT"]),
  ],
  traits: [
    .trait(name: "SQLite"), .trait(name: "PostgreSQL"), .trait(name: "Kafka"), .trait(name: "MQTT"), .default(enabledTraits: ["SQLite"]),
  ],
  targets: [
    .systemLibrary(name: "CZlib", pkgConfig: "zlib", providers: [.apt(["zlib1g-dev"])]),
    .systemLibrary(name: "CSQLite", pkgConfig: "sqlite3", providers: [.apt(["libsqlite3-dev"])]),
    .systemLibrary(name: "CKafka", pkgConfig: "rdkafka", providers: [.apt(["librdkafka-dev"])]),
    .systemLibrary(name: "CMQTT", pkgConfig: "libmosquitto", providers: [.apt(["libmosquitto-dev"])]),
    .systemLibrary(name: "CPostgreSQL", pkgConfig: "libpq", providers: [.apt(["libpq-dev"])]),
    .target(name: "PumpSyntax"),
    .target(name: "PumpPlan"),
    .target(name: "PumpSemantics", dependencies: ["PumpSyntax", "PumpPlan"]),
    .target(name: "PumpSwift", dependencies: ["PumpPlan", "PumpSemantics"]),
    .target(name: "PumpReports", dependencies: ["PumpSyntax", "PumpPlan", "PumpSemantics"]),
    .target(name: "PumpRuntime", dependencies: ["CZlib"], swiftSettings: hot),
    .target(name: "PumpSQLite", dependencies: ["PumpRuntime", "CSQLite"], path: "Sources/Connectors/SQLite", exclude: ["SQLite.pump"]),
    .target(
      name: "PumpPostgreSQL", dependencies: ["PumpRuntime", client("PostgreSQL")], path: "Sources/Connectors/PostgreSQL",
      exclude: ["PostgreSQL.pump"]),
    .target(
      name: "PumpKafka", dependencies: ["PumpRuntime", client("Kafka")], path: "Sources/Connectors/Kafka", exclude: ["Kafka.pump"]),
    .target(name: "PumpMQTT", dependencies: ["PumpRuntime", client("MQTT")], path: "Sources/Connectors/MQTT", exclude: ["MQTT.pump"]),
    .target(name: "PumpInterpreter", dependencies: ["PumpPlan", "PumpRuntime"], swiftSettings: hot),
    .target(
      name: "PumpInterfaces", path: "Sources/Connectors", exclude: clients, sources: ["Interfaces.swift"],
      resources: [
        .embedInCode("Embedded/Embedded.pump"), .embedInCode("SQLite/SQLite.pump"), .embedInCode("Kafka/Kafka.pump"),
        .embedInCode("PostgreSQL/PostgreSQL.pump"), .embedInCode("MQTT/MQTT.pump"),
      ]),
    .target(
      name: "PumpCompiler",
      dependencies: [
        "PumpSyntax", "PumpPlan", "PumpSemantics", "PumpSwift", "PumpReports", "PumpRuntime", "PumpInterpreter", "PumpInterfaces",
      ]),
    .executableTarget(name: "pumpc", dependencies: ["PumpCompiler"]),
    .executableTarget(name: "pump-host", dependencies: ["PumpInterpreter", "PumpSQLite"]),
    .testTarget(name: "PumpTests", dependencies: ["PumpCompiler", "PumpInterpreter", "PumpSQLite", "pumpc", "pump-host"]),
  ],
  swiftLanguageModes: [.v6]
)
