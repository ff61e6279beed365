// swift-tools-version: 6.1
import PackageDescription

let hot: [SwiftSetting] = [.unsafeFlags(["-cross-module-optimization"], .when(configuration: .release))]

let package = Package(
  name: "pump",
  products: [
    .executable(name: "pumpc", targets: ["pumpc"]),
    .executable(name: "pump-host", targets: ["pump-host"]),
  ],
  targets: [
    .target(name: "PumpSyntax"),
  ],
  swiftLanguageModes: [.v6]
)
