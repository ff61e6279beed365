import Foundation
import PumpSyntax
import PumpTestSupport
import Testing

@Suite struct ParserTests {
  private static let examples: [String] = Support.examples.flatMap { example in
    ((try? FileManager.default.contentsOfDirectory(atPath: example)) ?? []).filter { $0.hasSuffix(".pump") }.map {
      (try? String(contentsOfFile: "\(example)/\($0)", encoding: .utf8)) ?? ""
    }
  }

  /// Cut off at any byte, a spec is reported on, never crashed on.
  @Test func cutAtEveryByte() {
    let text = Array(Self.examples.max { $0.utf8.count < $1.utf8.count }!.utf8)
    for end in 0..<text.count {
      let (_, diagnostics) = Parser.parse(SourceText(path: "cut.pump", bytes: Array(text[0..<end])))
      for diagnostic in diagnostics { #expect(diagnostic.span.end <= end) }
    }
  }

  @Test(arguments: ["(", "[", "{", "-", "not ", "if ", "\"\\(", "a.", "1+", "tee { ", "[String: ", "match x { "]) func deepNesting(
    _ piece: String
  ) {
    let text = "fn f() -> Int = " + String(repeating: piece, count: 10_000)
    #expect(!Parser.parse(SourceText(path: "deep.pump", text: text)).1.isEmpty)
  }

  @Test(arguments: [("a ?? b or c and not d == 1 + 2 * -3", "?? or and not == + * -")]) func precedence(_ text: String, _ order: String) {
    let source = SourceText(path: "e.pump", text: "fn f() -> Int = \(text)")
    guard case .function(let function)? = Parser.parse(source).0.items.first else {
      Issue.record("no function")
      return
    }
    var seen: [String] = []
    func walk(_ e: ExprSyntax) {
      switch e.kind {
      case .binary(let op, let a, let b):
        seen.append(op.rawValue)
        walk(a)
        walk(b)
      case .unary(let op, let a):
        seen.append(op.rawValue)
        walk(a)
      default: break
      }
    }
    walk(function.body)
    #expect(seen.joined(separator: " ") == order)
  }

  @Test func examplesAreInTheCanonicalLayout() {
    for text in Self.examples { #expect(Formatter.format(SourceText(path: "a.pump", text: text)) == text) }
  }

  @Test func onlyLinesOfOneItemAreAligned() {
    func formatted(_ fields: String) -> String { Formatter.format(SourceText(path: "a.pump", text: "type T {\n\(fields)\n}\n")) }
    #expect(formatted("a: Int\nlong: [Int]") == "type T {\n  a:    Int\n  long: [Int]\n}\n")
    #expect(formatted("a: Int,\nlong: Int") == "type T {\n  a:    Int,\n  long: Int\n}\n")
    #expect(formatted("a: Int, b: Int\nlong: Int") == "type T {\n  a: Int, b: Int\n  long: Int\n}\n")
    #expect(formatted("a: { b: Int, c: Int }\nlong: Int") == "type T {\n  a:    { b: Int, c: Int }\n  long: Int\n}\n")
  }

  /// Lengths in UTF-16 by the standard library.
  @Test func placesAsEditorsCount() {
    let text = "a\n\"žluť 🐎 x\" b\n\nz"
    let source = SourceText(path: "a", text: text)
    for (line, content) in text.split(separator: "\n", omittingEmptySubsequences: false).enumerated() {
      var bytes = source.lineStarts[line]
      for character in content.unicodeScalars {
        let column = String(decoding: source.bytes[source.lineStarts[line]..<bytes], as: UTF8.self).utf16.count
        #expect(source.editorPosition(bytes) == (line, column))
        #expect(source.offset(line: line, column: column) == bytes)
        bytes += String(character).utf8.count
      }
    }
    #expect(source.offset(line: 0, column: 99) == 1)
    #expect(source.offset(line: 99, column: 0) == source.bytes.count)
    #expect(source.editorPosition(0) == (0, 0))
  }
}
