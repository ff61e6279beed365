// swift-tools-version: 6.1
import PackageDescription

// Connectors whose clients are system libraries; a build without a trait needs none of its headers.
// The hot path has no overlapping accesses by design (tests run with the checks on); checking each costs a quarter.
let hot: [SwiftSetting] = [.unsafeFlags(["-enforce-exclusivity=unchecked", "-cross-module-optimization"], .when(configuration: .release))]

let package = Package(
  name: "pump",
  products: [
    .executable(name: "pumpc", targets: ["pumpc"]),
    .executable(name: "pump-host", targets: ["pump-host"]),
    .library(name: "PumpRuntime", targets: ["PumpRuntime"]),
    .library(name: "PumpSQLite", targets: ["PumpSQLite"]),
  ],
  targets: [
    .systemLibrary(name: "CZlib", pkgConfig: "zlib", providers: [.apt(["zlib1g-dev"])]),
    .systemLibrary(name: "CSQLite", pkgConfig: "sqlite3", providers: [.apt(["libsqlite3-dev"])]),
    .target(name: "PumpSyntax"),
    .target(name: "PumpPlan"),
    .target(name: "PumpSemantics", dependencies: ["PumpSyntax", "PumpPlan"]),
    .target(name: "PumpSwift", dependencies: ["PumpPlan", "PumpSemantics"]),
    .target(name: "PumpReports", dependencies: ["PumpSyntax", "PumpPlan", "PumpSemantics"]),
    .target(name: "PumpRuntime", dependencies: ["CZlib"], swiftSettings: hot),
    .target(name: "PumpSQLite", dependencies: ["PumpRuntime", "CSQLite"], path: "Sources/Connectors/SQLite", exclude: ["SQLite.pump"]),
    .target(name: "PumpInterpreter", dependencies: ["PumpPlan", "PumpRuntime"], swiftSettings: hot),
    .target(
      name: "PumpInterfaces", path: "Sources/Connectors", exclude: ["SQLite/SQLite.swift", "SQLite/Database.swift"],
      sources: ["Interfaces.swift"],
      resources: [
        .embedInCode("Embedded/Embedded.pump"), .embedInCode("SQLite/SQLite.pump"), .embedInCode("Kafka/Kafka.pump"),
        .embedInCode("PostgreSQL/PostgreSQL.pump"),
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
