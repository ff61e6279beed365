import Foundation
import PumpCompiler

/// `pumpc test --from`: tests of the program, made of its dead letters.
func makeTests(from path: String, _ program: Program, _ options: Options) throws -> Int32 {
  guard let limit = Int(options.value("--limit") ?? "100"), limit > 0 else {
    throw Options.Problem(message: "`--limit` is a whole number from 1 on")
  }
  if let name = options.value("--pipeline"), program.pipeline(name) == nil {
    let near = nearest(to: name, in: program.pipelines.map(\.id)).map { "; did you mean `\($0)`?" } ?? ""
    throw Options.Problem(message: "there is no pipeline `\(name)`\(near)")
  }
  guard let file = FileHandle(forReadingAtPath: path) else {
    complain(
      "error: cannot read \(path): \(String(cString: strerror(errno)))\n  help: name the file of the error route, such as dead.ndjson\n")
    return Exit.findings
  }
  var tests = LetterTests(program, pipeline: options.value("--pipeline"), limit: limit)
  try eachLine(of: file) { tests.add($0, number: $1) }
  tests.finish()
  for problem in tests.problems.prefix(10) { complain("warning: \(path): \(problem)\n") }
  if tests.problems.count > 10 { complain("warning: \(path): \(tests.problems.count - 10) more lines like these\n") }
  guard tests.count > 0 else {
    complain(
      "error: \(path) gives no test\n  help: it is to hold failures as `on error |> encode json |> sink file.lines(\"dead.ndjson\")` writes them\n"
    )
    return Exit.findings
  }
  if tests.isCut { complain("these are the first \(limit); `--limit` sets how many\n") }
  guard let output = options.value("-o") else {
    print(tests.text, terminator: "")
    return Exit.clean
  }
  // Nobody's file is written over.
  let descriptor = open(output, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0o644)
  guard descriptor >= 0 else {
    complain("error: cannot create \(output): \(String(cString: strerror(errno)))\n  help: name a file that is not there yet\n")
    return Exit.findings
  }
  try FileHandle(fileDescriptor: descriptor, closeOnDealloc: true).write(contentsOf: Data(tests.text.utf8))
  complain("\(tests.count) tests in \(output)\n")
  return Exit.clean
}

/// Calls the body with each line and its number until it returns false. A line of more than a mebibyte comes cut, so that
/// memory stays bounded.
private func eachLine(of file: FileHandle, _ body: (Data, Int) -> Bool) throws {
  let longest = 1 << 20
  var rest = Data()
  var number = 1
  while let chunk = try file.read(upToCount: 256 << 10), !chunk.isEmpty {
    var part = chunk[...]
    while let end = part.firstIndex(of: 0x0A) {
      rest += part[..<end].prefix(longest - min(longest, rest.count))
      guard body(rest, number) else { return }
      rest.removeAll(keepingCapacity: true)
      number += 1
      part = part[(end + 1)...]
    }
    rest += part.prefix(longest - min(longest, rest.count))
  }
  _ = body(rest, number)
}
