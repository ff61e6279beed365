import Foundation
import PumpSyntax
import PumpTestSupport
import Testing

/// What stands at the head of a file: the version of the language, and what documents the file.
@Suite struct FileHeadTests {
  private func parse(_ text: String) -> (FileSyntax, [Diagnostic]) { Parser.parse(SourceText(path: "a.pump", text: text)) }

  @Test func languages() {
    let (file, none) = parse("//! A program.\nlanguage 1\n\nenum E { A }\n")
    #expect(none.isEmpty && file.language?.text == "language 1" && file.items.count == 1)
    // What a newer compiler would read is not looked at.
    for text in ["language 2\n\nwindow orders { § }\n", "language 99999999999999999999\n"] {
      let (_, found) = parse(text)
      #expect(found.count == 1 && found[0].code == .newerLanguage && found[0].message.hasSuffix(".0 or newer"), "\(found)")
    }
    #expect(parse("language 0\n").1.map(\.message) == ["there is no language 0"])
    for text in ["enum E { A }\nlanguage 1\n", "language\n\nenum E { A }\n", "language 1 enum E { A }\n", "language one\n"] {
      #expect(parse(text).1.count == 1, "\(text): \(parse(text).1.map(\.message))")
    }
    // A word like any other elsewhere.
    #expect(parse("type T {\n  language: Int\n}\n").1.isEmpty && parse("config language { n: Int = 1 }\n").1.isEmpty)
  }

  @Test("L16: `//!` documents the file, `///` what follows without a blank line") func documentation() throws {
    let (file, found) = parse(
      "//! Orders.\n//!\n//! Large ones.\n\n/// Nobody's.\n\n/// An order.\n// a note\n\n/// Of two\n/// lines.\ntype T { id: Int }\n")
    #expect(found.isEmpty && file.docs == "Orders.\n\nLarge ones.")
    guard case .type(let type)? = file.items.first else { throw Missing() }
    #expect(type.docs == "Of two\nlines.")
    guard case .type(let bare)? = parse("/// Of the file.\n\ntype T { id: Int }\n").0.items.first else { throw Missing() }
    #expect(bare.docs == nil)
    guard case .type(let windows)? = parse("/// Its.\r\ntype T { id: Int }\r\n").0.items.first else { throw Missing() }
    #expect(windows.docs == "Its.")
  }

  @Test func layout() {
    let text = "//! Orders.\nlanguage 1\n\n/// An order.\ntype T { id: Int }\n"
    #expect(Formatter.format(SourceText(path: "a.pump", text: text)) == text)
    #expect(
      Formatter.format(SourceText(path: "a.pump", text: "//! Orders.\nlanguage   1\ntype T { id: Int }\n"))
        == "//! Orders.\nlanguage 1\ntype T { id: Int }\n")
  }

  private struct Missing: Error {}
}
