extension ConfFile {
  /// Reads files and those that they include, in order.
  public static func load(_ paths: [String], _ environment: @escaping (String) -> String?, _ problems: inout [ConfProblem]) -> [ConfFile] {
    var result: [ConfFile] = []
    var seen: Set<String> = []
    func include(_ entry: ConfEntry, _ depth: Int) {
      func report(_ kind: ConfProblem.Kind, _ message: String, _ help: String) {
        problems.append(ConfProblem(kind, path: entry.path, line: entry.line, column: entry.column, message, help: help))
      }
      let folder = entry.path.contains("/") ? String(entry.path[...entry.path.lastIndex(of: "/")!]) : ""
      for word in entry.words {
        do throws(UnsetVariable) {
          let pattern = try expand(word, entry.variables(environment)).text
          do throws(RunFailure) {
            for name in try FileSource.expand(pattern.hasPrefix("/") ? pattern : folder + pattern) { add(name, depth + 1, from: entry) }
          } catch { report(.syntax, error.message, "name files that are there") }
        } catch { report(.variable, "`${\(Shape.clean(error.name))}` is not set", "set the variable") }
      }
    }
    func add(_ path: String, _ depth: Int, from entry: ConfEntry?) {
      guard seen.insert(path).inserted else { return }
      guard depth < 16 else {
        problems.append(
          ConfProblem(
            .syntax, path: entry?.path ?? path, line: entry?.line ?? 1, column: entry?.column ?? 1,
            "files include each other more than 16 deep", help: "include them from one file"))
        return
      }
      do throws(FileProblem) {
        let file = ConfFile(path: path, text: String(decoding: try readWholeFile(path, limit: 4 << 20), as: UTF8.self))
        result.append(file)
        for entry in file.entries where entry.section == "general" && entry.key == "include" { include(entry, depth) }
      } catch {
        problems.append(
          ConfProblem(
            .syntax, path: entry?.path ?? path, line: entry?.line ?? 1, column: entry?.column ?? 1, error.message,
            help: "check the path of the configuration file"))
      }
    }
    for path in paths { add(path, 0, from: nil) }
    return result
  }
}
