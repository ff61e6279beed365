import Foundation
import PumpCompiler
import PumpRuntime
import PumpSwift
import PumpTestSupport
import Testing

/// The Swift of settings is what the interfaces say.
@Suite struct SettingsFilesTests {
  private static let command = "PUMP_UPDATE_GOLDEN=1 swift test --filter SettingsFilesTests"

  @Test(arguments: builtInConnectors().filter(\.needsConnection).map(\.name)) func connector(_ name: String) throws {
    let interfaces = builtInConnectors().filter { $0.name == name }
    try Support.expectFile(
      "Sources/Connectors/\(name)/\(name)Settings.swift", renderSettings(interfaces, from: "\(name).pump", command: Self.command))
  }

  @Test func embedded() throws {
    let interfaces = builtInConnectors().filter { !$0.needsConnection }
    try Support.expectFile(
      "Sources/PumpRuntime/Files/EmbeddedSettings.swift", renderSettings(interfaces, from: "Embedded.pump", command: Self.command))
  }

  @Test func common() throws {
    try Support.expectFile(
      "Sources/PumpConnectorKit/Configuration/CommonSettings.swift",
      renderCommonSettings(general: ConfigSchema.general.settings, command: Self.command))
  }

  /// What `pumpc bind` writes has every type that a setting may have, and its values come with the spec.
  @Test func typesOfABinding() throws {
    let folder = try Support.temporaryFolder()
    defer { try? FileManager.default.removeItem(atPath: folder) }
    let text = """
      connector Store in StoreKit {
        since: Timestamp
        day: Date = 2026-01-02
        share: Decimal = 0.50
        ports: [Int] = [1, 2]
        weights: [String: Float] = {}
        mode: enum { any, at_most_once, LOUD, settings } = at_most_once
        where: String?
        column: Size = 1MiB
        sink put(level: enum { low, high }? = null): Bytes can ack
      }
      """
    try Data("import swift \"StoreKit\"\n\(text)\n".utf8).write(to: URL(fileURLWithPath: folder + "/main.pump"))
    try FileManager.default.createDirectory(atPath: folder + "/StoreKit", withIntermediateDirectories: false)
    let compilation = compile(try Project.load(folder))
    #expect(compilation.diagnostics.isEmpty, "\(compilation.diagnostics.map(\.message))")
    let binding = try renderBinding(#require(compilation.customConnectors.first?.interfaces.first))
    try Support.expectGolden("bindings/Store.txt", binding)
  }

  /// Who reads a setting reads it from its type: its name, type and default stand in its interface alone.
  @Test func noSettingIsReadByItsName() throws {
    let reads = #"(\.(read|required)\(|[sS]ettings(\.values)?\[)\s*""#
    let files = FileManager.default.enumerator(atPath: Support.root + "/Sources")!.compactMap { $0 as? String }.filter {
      $0.hasSuffix(".swift")
    }
    #expect(files.count > 200)
    var generated = 0
    for file in files {
      let text = try String(contentsOfFile: "\(Support.root)/Sources/\(file)", encoding: .utf8)
      if text.hasPrefix("// Generated from ") {
        generated += 1
        #expect(text.range(of: reads, options: .regularExpression) != nil)
      } else if let found = text.range(of: reads, options: .regularExpression) {
        Issue.record("\(file) has `\(text[found])`: read it from the connector's type of settings")
      }
    }
    #expect(generated == builtInConnectors().filter(\.needsConnection).count + 2)
  }
}
