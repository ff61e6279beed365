import Foundation
import PumpCompiler

let fmtVerb = Verb(
  name: "fmt", summary: "the one canonical layout",
  help: """
    fmt [--check] [PATH]

    Formats the program's own .pump files in place; what they mean never changes. A file with errors is left as it is.

      --check   changes nothing, names the files that would change

    Exit codes: 0 formatted, or nothing to change; 1 files would change, or could not be read as specs; 2 wrong usage.
    """
) { words in
  let options = try Options(words, flags: ["--check"], paths: 0...1)
  let project = try Project.load(options.paths.first ?? ".")
  var changed = 0
  var failed = false
  for file in project.files where project.own.contains(file.source.path) {
    let errors = project.diagnostics.filter { $0.span.source === file.source }
    if !errors.isEmpty {
      complain(rendered: DiagnosticFormat.text.render(errors, color: isatty(2) == 1))
      failed = true
      continue
    }
    let text = Formatter.format(file.source)
    guard Array(text.utf8) != file.source.bytes else { continue }
    changed += 1
    if options.has("--check") {
      print("\(printable(file.source.path)): not in the canonical layout; run `pumpc fmt`")
    } else {
      try Data(text.utf8).write(to: URL(fileURLWithPath: file.source.path), options: .atomic)
      print("formatted \(printable(file.source.path))")
    }
  }
  return failed || (options.has("--check") && changed > 0) ? Exit.findings : Exit.clean
}
