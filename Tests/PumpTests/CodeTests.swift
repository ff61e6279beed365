import Foundation
import PumpCompiler
import PumpTestSupport
import Testing

/// Every diagnostic code: its failing example provokes it, its repaired one is clean.
@Suite struct CodeTests {
  static let specs = DiagnosticCode.all.filter { !$0.isConfiguration && $0 != .badImport }
  static let configurations = DiagnosticCode.all.filter(\.isConfiguration)

  @Test(arguments: specs.map(\.id)) func example(_ id: String) {
    let code = DiagnosticCode.all.first { $0.id == id }!
    let failing = Support.compile(code.failing)
    #expect(failing.diagnostics.contains { $0.code == code }, "\(failing.diagnostics.map { "\($0.code.id): \($0.message)" })")
    let repaired = Support.compile(code.repaired)
    #expect(repaired.plan != nil, "\(repaired.diagnostics.map { "\($0.code.id): \($0.message)" })")
    #expect(repaired.diagnostics.isEmpty, "\(repaired.diagnostics.map { "\($0.code.id): \($0.message)" })")
  }

  /// What is printed of each failing example is kept, for a reviewer to read.
  @Test(arguments: specs.map(\.id)) func printed(_ id: String) throws {
    let code = DiagnosticCode.all.first { $0.id == id }!
    let folder = try Support.temporaryFolder()
    defer { try? FileManager.default.removeItem(atPath: folder) }
    try Data(code.failing.utf8).write(to: URL(fileURLWithPath: folder + "/spec.pump"))
    let outcome = try Support.run("pumpc", ["check", "spec.pump"], folder: folder)
    try Support.expectGolden("diagnostics/\(id).txt", outcome.out + outcome.err)
  }

  @Test(arguments: configurations.map(\.id)) func configuration(_ id: String) throws {
    let code = DiagnosticCode.all.first { $0.id == id }!
    let plan = try #require(Support.compile(DiagnosticCode.configurationSpec).plan)
    let folder = try Support.temporaryFolder()
    defer { try? FileManager.default.removeItem(atPath: folder) }
    for (text, fails) in [(code.failing, true), (code.repaired, false)] {
      try Data(text.utf8).write(to: URL(fileURLWithPath: folder + "/pipelines.conf"))
      let found = checkConfiguration(plan, files: [folder + "/pipelines.conf"], overrides: [])
      #expect(found.contains { $0.code == code } == fails, "\(found.map(\.message))")
      if !fails { #expect(found.isEmpty, "\(found.map(\.message))") }
    }
  }

  @Test func idsAreUniqueAndExplained() {
    #expect(Set(DiagnosticCode.all.map(\.id)).count == DiagnosticCode.all.count)
    for code in DiagnosticCode.all { #expect(!code.explanation.isEmpty && code.failing != code.repaired) }
  }

  @Test func importsAreReported() throws {
    let folder = try Support.temporaryFolder()
    defer { try? FileManager.default.removeItem(atPath: folder) }
    try Data("import \"b.pump\"\nimport \"missing.pump\"\n".utf8).write(to: URL(fileURLWithPath: folder + "/a.pump"))
    try Data("import \"a.pump\"\ntype T { id: Int }\n".utf8).write(to: URL(fileURLWithPath: folder + "/b.pump"))
    let found = compile(try Project.load(folder + "/a.pump")).diagnostics
    #expect(found.filter { $0.code == .badImport }.count == 1)
  }

  /// Applying the fixes that are certain leaves nothing that they reported.
  @Test(arguments: [
    "filter .ttile == \"a\"", "set { title: uper(.title) }", "filter title == \"a\"", "fliter true", "filter .Title == \"a\"",
    "where .title == \"a\"", "filter len(.title) > 3", "filter .title == \"a\" AND true", "filter .title <> \"a\"",
    "set { n: \"x\" + .title }",
  ]) func fixes(_ step: String)
    throws
  {
    let text =
      "type T { title: String }\npipeline p {\n  source stdin.lines()\n    |> decode json as T\n    |> \(step)\n    |> encode json\n    |> sink stdout.lines()\n  on error halt\n}\n"
    let folder = try Support.temporaryFolder()
    defer { try? FileManager.default.removeItem(atPath: folder) }
    try Data(text.utf8).write(to: URL(fileURLWithPath: folder + "/a.pump"))
    #expect(try Support.run("pumpc", ["check", folder]).code == 1)
    #expect(try Support.run("pumpc", ["check", "--fix", folder]).code == 0)
  }

  /// M4: what is a guess, or would not check, is left to people.
  @Test(arguments: ["filter legth(.title, 3)", "set { title: CAST(.title) }", "filter .titel2 == \"a\"", "print"])
  func guessesAreLeft(_ step: String) throws {
    let decode = "    |> decode json as T\n"
    let text =
      "type T { title: String }\npipeline p {\n  source stdin.lines()\n\(decode)    |> \(step)\n    |> encode json\n    |> sink stdout.lines()\n  on error halt\n}\n"
    let folder = try Support.temporaryFolder()
    defer { try? FileManager.default.removeItem(atPath: folder) }
    try Data(text.utf8).write(to: URL(fileURLWithPath: folder + "/a.pump"))
    #expect(try Support.run("pumpc", ["check", "--fix", folder]).code == 1)
    #expect(try String(contentsOfFile: folder + "/a.pump", encoding: .utf8) == text)
  }

  /// M1: a help that quotes a call quotes it whole.
  @Test func helpsQuoteWholeCalls() throws {
    let text =
      "type T { a: Int }\npipeline p {\n  source stdin.lines()\n    |> decode json as T\n    |> filter to_string(.a)\n    |> encode json\n    |> sink stdout.lines()\n  on error halt\n}\n"
    let folder = try Support.temporaryFolder()
    defer { try? FileManager.default.removeItem(atPath: folder) }
    try Data(text.utf8).write(to: URL(fileURLWithPath: folder + "/a.pump"))
    let found = try #require(compile(try Project.load(folder)).diagnostics.first)
    #expect(found.span.text == "to_string(.a)")
    #expect(found.help == "write a comparison, such as `to_string(.a) != …`")
  }
}
