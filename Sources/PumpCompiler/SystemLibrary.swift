import Foundation

/// A C library that connectors wrap, as its `module.modulemap` declares it: its `link` lines name what is
/// linked, and its first line, `// pkg-config: libpq, debian: libpq-dev`, where its headers come from.
struct SystemLibrary {
  let folder: String
  let name: String
  let package: String
  private let debian: String
  private let libraries: [String]

  /// Its module map lies in every tree of sources that programs are built from.
  static func zlib(_ root: String) -> SystemLibrary { SystemLibrary(folder: "\(root)/Sources/CZlib", name: "zlib")! }

  init?(folder: String, name: String) {
    guard let map = try? String(contentsOfFile: "\(folder)/module.modulemap", encoding: .utf8) else { return nil }
    self.folder = folder
    self.name = name
    let lines = map.split(separator: "\n").map { $0.trimmingCharacters(in: .whitespaces) }
    func value(_ key: String) -> String {
      let words = (lines.first { $0.hasPrefix("//") } ?? "").dropFirst(2).split(separator: ",").map {
        $0.trimmingCharacters(in: .whitespaces)
      }
      return words.first { $0.hasPrefix(key + ":") }.map { $0.dropFirst(key.count + 1).trimmingCharacters(in: .whitespaces) } ?? ""
    }
    package = value("pkg-config")
    debian = value("debian")
    libraries = lines.compactMap { line in
      line.hasPrefix("link \"") ? String(line.dropFirst(6).prefix { $0 != "\"" }) : nil
    }
  }

  /// Where the module and its headers are; an error names the package that brings them.
  func compileFlags() throws -> [String] {
    var found = ""
    do { found = try Builder.run("pkg-config", ["--cflags", package], capture: true) } catch {
      throw BuildProblem(
        message:
          "the client library of \(name) is not installed (pkg-config knows no `\(package)`)\n  help: on Debian and Ubuntu: apt-get install \(debian) pkg-config"
      )
    }
    let flags = found.split(whereSeparator: \.isWhitespace).filter { $0.hasPrefix("-I") }
    return ["-I", folder] + flags.flatMap { ["-Xcc", String($0)] }
  }

  /// How to link the library. Of z and sqlite3 the static archive, if there is one: then the executable runs without the package.
  func linkFlags() -> [String] {
    let folders = ["/usr/lib/x86_64-linux-gnu", "/usr/lib/aarch64-linux-gnu", "/usr/lib64", "/usr/lib"]
    guard libraries.count == 1, ["z", "sqlite3"].contains(libraries[0]) else { return libraries.map { "-l\($0)" } }
    let archive = folders.map { "\($0)/lib\(libraries[0]).a" }.first { FileManager.default.fileExists(atPath: $0) }
    return [archive ?? "-l\(libraries[0])"]
  }
}
