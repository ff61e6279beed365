import Foundation
import PumpCompiler
import PumpTestSupport
import Testing

/// Whole specs, as the compiler takes them.
@Suite struct SpecTests {
  static let sources: [String] = {
    var texts = DiagnosticCode.all.filter { !$0.isConfiguration }.map(\.repaired)
    for example in Support.examples {
      for name in (try? FileManager.default.contentsOfDirectory(atPath: example)) ?? [] where name.hasSuffix(".pump") {
        texts.append((try? String(contentsOfFile: "\(example)/\(name)", encoding: .utf8)) ?? "")
      }
    }
    return texts
  }()

  /// Random changes of bytes: the whole compiler comes to an end with a verdict.
  @Test func mutations() {
    var random = Support.Random(7)
    let texts = Self.sources.map { Array($0.utf8) }
    let signs = Array("{}()[]|>\"\\,.:=@?-/*\n 0aZ".utf8)
    for _ in 0..<400 {
      var bytes = texts.randomElement(using: &random)!
      for _ in 0..<Int.random(in: 1...6, using: &random) where !bytes.isEmpty {
        let place = Int.random(in: 0..<bytes.count, using: &random)
        switch Int.random(in: 0..<3, using: &random) {
        case 0: bytes[place] = signs.randomElement(using: &random)!
        case 1: bytes.remove(at: place)
        default: bytes.insert(signs.randomElement(using: &random)!, at: place)
        }
      }
      let compilation = Support.compile(String(decoding: bytes, as: UTF8.self))
      #expect(compilation.plan != nil || compilation.diagnostics.contains { $0.severity == .error })
    }
  }

  @Test func formatIsIdempotentAndKeepsThePlan() throws {
    for text in Self.sources {
      let once = Formatter.format(SourceText(path: "a.pump", text: text))
      #expect(Formatter.format(SourceText(path: "a.pump", text: once)) == once)
      let (before, after) = (Support.compile(text).plan, Support.compile(once).plan)
      #expect(try canonical(before) == canonical(after), "\(once)")
    }
  }

  /// The plan without places.
  private func canonical(_ plan: Plan?) throws -> String {
    let encoder = JSONEncoder()
    encoder.outputFormatting = .sortedKeys
    let text = String(decoding: try encoder.encode(plan), as: UTF8.self)
    return text.replacing(/"(line|column|file)":("[^"]*"|[0-9]+)/, with: "")
  }

  /// Checking takes time in proportion to the size: twice the text must not take four times the work.
  @Test func largeSpecs() {
    let one =
      "pipeline pN {\n  source file.lines(\"inN\")\n    |> decode json as T\n    |> filter .id > 1 and .name == \"x\"\n    |> encode json\n    |> sink file.lines(\"outN\")\n  on error halt\n}\n"
    let text = "type T { id: Int, name: String }\n" + (0..<300).map { one.replacing("N", with: "\($0)") }.joined()
    #expect(Support.compile(text).plan?.program.pipelines.count == 300)
  }

  /// Twenty types that hold each other twice would have a million fields.
  @Test func doublingTypes() {
    let text = "type T0 { id: Int }\n" + (1...20).map { "type T\($0) { a: T\($0 - 1), b: T\($0 - 1) }\n" }.joined()
    #expect(Support.compile(text).diagnostics.map(\.code.id) == ["P0007"])
  }
}
