import Glibc

/// Paths with `*`, `?` and `[…]`, as the shell has them.
package enum FilePattern {
  /// The files that a pattern matches; a plain path is itself, so that its absence is reported.
  package static func expand(_ pattern: String) throws(RunFailure) -> [String] {
    guard isPattern(pattern) else { return [pattern] }
    let found = matches(pattern)
    guard !found.isEmpty else {
      throw RunFailure(
        "no file matches \(Shape.clean(pattern)); check the pattern and the folder it starts from\(FileProblem.folder(pattern))")
    }
    return found
  }

  package static func isPattern(_ path: String) -> Bool { path.contains { "*?[".contains($0) } }

  package static func matches(_ pattern: String) -> [String] {
    var result = glob_t()
    defer { globfree(&result) }
    guard glob(pattern, 0, nil, &result) == 0 else { return [] }
    return (0..<Int(result.gl_pathc)).map { String(cString: result.gl_pathv[$0]!) }
  }
}
