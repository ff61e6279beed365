import Foundation
import PumpCompiler
import PumpSyntax

let migrateVerb = Verb(
  name: "migrate", summary: "brings a program to the language of this pumpc",
  help: """
    migrate [PATH]

    Writes `language \(languageVersion)` into the program's first file where it is missing. There is no older language yet from which
    anything would have to be rewritten.

    Exit codes: 0 done, or nothing to do; 1 the program cannot be read as specs; 2 wrong usage.
    """
) { words in
  let options = try Options(words, paths: 0...1)
  let project = try Project.load(options.paths.first ?? ".")
  let errors = project.diagnostics.filter { $0.severity == .error }
  guard errors.isEmpty else {
    complain(rendered: DiagnosticFormat.text.render(errors, color: isatty(2) == 1))
    return Exit.findings
  }
  let own = project.files.filter { project.own.contains($0.source.path) }
  if let written = own.first(where: { $0.language != nil }) {
    print("\(printable(written.source.path)) says `\(written.language!.text)`: nothing to do")
    return Exit.clean
  }
  // A program has a file, or it would not have been loaded.
  let first = own[0].source
  try Data(migrated(first)).write(to: URL(fileURLWithPath: first.path), options: .atomic)
  print("\(printable(first.path)): wrote `language \(languageVersion)`")
  return Exit.clean
}

/// The file with the line of its language: at the head, below what documents the file.
private func migrated(_ source: SourceText) -> [UInt8] {
  var head = source.bytes.starts(with: [0xEF, 0xBB, 0xBF]) ? 3 : 0
  while source.bytes[head...].starts(with: "//!".utf8) {
    head = source.bytes[head...].firstIndex(of: 0x0A).map { $0 + 1 } ?? source.bytes.count
  }
  let line = (head > 0 && source.bytes[head - 1] != 0x0A && head > 3 ? "\n" : "") + "language \(languageVersion)\n"
  let rest = source.bytes[head...]
  return source.bytes[..<head] + Array(line.utf8) + (rest.first == 0x0A ? [] : [0x0A]) + rest
}
